/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A filesystem's life: made, mounted, served, destroyed. */
#include "highlevel/hl.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "highlevel/threads.h"
#include "session/loop_cfg.h"
#include "session/session.h"

/* ---- init and destroy ---- */

static void ll_init(void *data, struct fuse_conn_info *conn)
{
	struct fuse *f = data;
	struct hl_context outer = hl_context_enter(f, NULL, f->user_data);

	hl_config_init(f, conn);
	atomic_store(&f->started, true);
	/* It has what is remembered to forget. The others poke it when they need it. */
	if (f->cfg.remember > 0)
		hl_keeper_poke(f->keeper);
	hl_context_leave(&outer);
}

static void ll_destroy(void *data)
{
	struct fuse *f = data;
	struct hl_context outer = hl_context_enter(f, NULL, f->user_data);

	fuse_fs_destroy(f->fs);
	hl_context_leave(&outer);
}

const struct fuse_lowlevel_ops hl_lowlevel_ops = {
	.init = ll_init,
	.destroy = ll_destroy,
	.lookup = hl_ll_lookup,
	.forget = hl_ll_forget,
	.forget_multi = hl_ll_forget_multi,
	.getattr = hl_ll_getattr,
	.setattr = hl_ll_setattr,
	.statx = hl_ll_statx,
	.access = hl_ll_access,
	.readlink = hl_ll_readlink,
	.mknod = hl_ll_mknod,
	.mkdir = hl_ll_mkdir,
	.unlink = hl_ll_unlink,
	.rmdir = hl_ll_rmdir,
	.symlink = hl_ll_symlink,
	.rename = hl_ll_rename,
	.link = hl_ll_link,
	.create = hl_ll_create,
	.tmpfile = hl_ll_tmpfile,
	.open = hl_ll_open,
	.read = hl_ll_read,
	.write_buf = hl_ll_write_buf,
	.flush = hl_ll_flush,
	.release = hl_ll_release,
	.fsync = hl_ll_fsync,
	.opendir = hl_ll_opendir,
	.readdir = hl_ll_readdir,
	.readdirplus = hl_ll_readdirplus,
	.releasedir = hl_ll_releasedir,
	.fsyncdir = hl_ll_fsyncdir,
	.statfs = hl_ll_statfs,
	.syncfs = hl_ll_syncfs,
	.setxattr = hl_ll_setxattr,
	.getxattr = hl_ll_getxattr,
	.listxattr = hl_ll_listxattr,
	.removexattr = hl_ll_removexattr,
	.getlk = hl_ll_getlk,
	.setlk = hl_ll_setlk,
	.flock = hl_ll_flock,
	.bmap = hl_ll_bmap,
	.ioctl = hl_ll_ioctl,
	.poll = hl_ll_poll,
	.fallocate = hl_ll_fallocate,
	.copy_file_range = hl_ll_copy_file_range,
	.lseek = hl_ll_lseek,
};

/* ---- making ---- */

/* Puts a layer on top of those there are. */
static int add_layer(struct fuse *f, struct fuse_fs *fs)
{
	if (!fs)
		return -1;
	fs->debug = f->cfg.debug;
	f->layers[f->layer_count++] = fs;
	f->fs = fs;
	return 0;
}

static int push_module(struct fuse *f, const char *name, struct fuse_args *args)
{
	struct fuse_fs *below[2] = {f->fs, NULL};
	fuse_module_factory_t factory = hl_module_factory(name);

	if (!factory)
		return -1;
	if (f->layer_count == ARRAY_SIZE(f->layers)) {
		fuse_log(FUSE_LOG_ERR, "fuse: more than %zu modules\n", ARRAY_SIZE(f->layers) - 1);
		return -1;
	}
	return add_layer(f, factory(args, below));
}

static int push_modules(struct fuse *f, struct fuse_args *args)
{
	CLEANUP_FREE char *list = NULL;
	char *name, *rest;
	int err = 0;

	if (!f->cfg.modules)
		return 0;
	list = strdup(f->cfg.modules);
	if (!list)
		return -1;
	for (name = strtok_r(list, ":", &rest); name && !err; name = strtok_r(NULL, ":", &rest))
		err = push_module(f, name, args);
	return err;
}

/* What only the kernel can do better must look as if it were not there. */
static int make_session(struct fuse *f, struct fuse_args *args)
{
	struct fuse_lowlevel_ops ops = hl_lowlevel_ops;

	if (!f->fs->op.lock)
		ops.getlk = NULL, ops.setlk = NULL;
	if (!f->fs->op.flock)
		ops.flock = NULL;
	f->se = fuse_session_new(args, &ops, sizeof(ops), f);
	if (!f->se)
		return -1;
	sess_caching_keep(f->se, f->opts.entry_given, f->opts.attr_given, f->opts.negative_given);
	return 0;
}

static int make_parts(struct fuse *f)
{
	int err = hl_table_new(HL_FORGET_AT_ONCE, 0, &f->table);

	if (!err)
		err = hl_handles_init(&f->handles);
	if (!err)
		err = hl_locks_new(&f->locks);
	if (!err)
		err = hl_ghosts_new(&f->ghosts);
	f->keeper = hl_keeper_new(f);
	if (err || !f->keeper)
		fuse_log(FUSE_LOG_ERR, "fuse: failed to allocate a filesystem\n");
	return err || !f->keeper ? -1 : 0;
}

static void free_fuse(struct fuse *f)
{
	hl_keeper_free(f->keeper);
	hl_table_free(f->table);
	hl_handles_fini(&f->handles);
	hl_locks_free(f->locks);
	hl_ghosts_free(f->ghosts);
	hl_attrs_free(f->attrs);
	hl_backing_free(f->backing);
	pthread_mutex_destroy(&f->intr_lock);
	pthread_mutex_destroy(&f->hidden_lock);
	pthread_mutex_destroy(&f->trim_lock);
	for (unsigned int i = f->layer_count; i-- > 0;)
		hl_fs_free(f->layers[i]);
	free(f->cfg.modules);
	free(f);
}

static struct fuse *new_fuse(struct fuse_args *args, const struct fuse_operations *op,
			     size_t op_size, void *user_data)
{
	struct fuse *f = calloc(1, sizeof(*f));

	if (!f) {
		fuse_log(FUSE_LOG_ERR, "fuse: failed to allocate a filesystem\n");
		return NULL;
	}
	pthread_mutex_init(&f->intr_lock, NULL);
	pthread_mutex_init(&f->hidden_lock, NULL);
	pthread_mutex_init(&f->trim_lock, NULL);
	f->user_data = user_data;
	if (!make_parts(f) && !hl_config_parse(f, args) &&
	    !add_layer(f, fuse_fs_new(op, op_size, user_data)) && !push_modules(f, args) &&
	    !make_session(f, args))
		return f;
	free_fuse(f);
	return NULL;
}

struct fuse *fuse_new_31(struct fuse_args *args, const struct fuse_operations *op, size_t op_size,
			 void *user_data);
PROFUSE_EXPORT struct fuse *fuse_new_31(struct fuse_args *args, const struct fuse_operations *op,
					size_t op_size, void *user_data)
{
	return new_fuse(args, op, op_size, user_data);
}

PROFUSE_EXPORT struct fuse *_fuse_new_31(struct fuse_args *args, const struct fuse_operations *op,
					 size_t op_size, struct libfuse_version *version,
					 void *user_data)
{
	return new_fuse(args, op, op_size, user_data);
}

/* The first edition printed the help itself. */
static bool wants_help(struct fuse_args *args)
{
	static const struct fuse_opt help_options[] = {
		{"-h", 0, 1},
		{"--help", 0, 1},
		FUSE_OPT_KEY("-h", FUSE_OPT_KEY_KEEP),
		FUSE_OPT_KEY("--help", FUSE_OPT_KEY_KEEP),
		FUSE_OPT_END,
	};
	int help = 0;

	return fuse_opt_parse(args, &help, help_options, NULL) < 0 || help;
}

struct fuse *fuse_new_30(struct fuse_args *args, const struct fuse_operations *op, size_t op_size,
			 void *user_data);
PROFUSE_EXPORT struct fuse *fuse_new_30(struct fuse_args *args, const struct fuse_operations *op,
					size_t op_size, void *user_data)
{
	if (wants_help(args)) {
		fuse_lib_help(args);
		return NULL;
	}
	return new_fuse(args, op, op_size, user_data);
}

PROFUSE_EXPORT struct fuse *_fuse_new_30(struct fuse_args *args, const struct fuse_operations *op,
					 size_t op_size, struct libfuse_version *version,
					 void *user_data)
{
	return fuse_new_30(args, op, op_size, user_data);
}

/* ---- the end ---- */

PROFUSE_EXPORT void fuse_destroy(struct fuse *f)
{
	struct hl_context outer;

	if (!f)
		return;
	outer = hl_context_enter(f, NULL, f->user_data);
	if (f->started)
		hl_remove_all_hidden(f);
	hl_context_leave(&outer);
	hl_intr_uninstall(f);
	fuse_session_destroy(f->se);
	free_fuse(f);
}

/* ---- mounting and serving ---- */

PROFUSE_EXPORT int fuse_mount(struct fuse *f, const char *mountpoint)
{
	return fuse_session_mount(f->se, mountpoint);
}

PROFUSE_EXPORT void fuse_unmount(struct fuse *f)
{
	fuse_session_unmount(f->se);
}

PROFUSE_EXPORT struct fuse_session *fuse_get_session(struct fuse *f)
{
	return f->se;
}

PROFUSE_EXPORT void fuse_exit(struct fuse *f)
{
	fuse_session_exit(f->se);
}

PROFUSE_EXPORT int fuse_loop(struct fuse *f)
{
	int res;

	if (!f || hl_keeper_start(f->keeper))
		return -1;
	hl_keeper_limit(f->keeper, UINT32_MAX);
	res = fuse_session_loop(f->se);
	hl_keeper_stop(f->keeper);
	return res;
}

static void set_params(struct fuse_loop_config *config, const struct sess_loop_params *p)
{
	fuse_loop_cfg_set_clone_fd(config, p->clone_fd);
	fuse_loop_cfg_set_idle_threads(config, p->max_idle_threads);
	fuse_loop_cfg_set_max_threads(config, p->max_threads);
}

/* Options given to fuse_new() stand above what the program passes. */
static int loop_mt(struct fuse *f, struct sess_loop_params *params)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	const struct hl_options *o = &f->opts;
	int res = -1;

	if (o->max_threads)
		params->max_threads = o->max_threads;
	if (o->idle_given)
		params->max_idle_threads = o->max_idle_threads;
	if (o->clone_fd)
		params->clone_fd = true;
	if (config && !hl_keeper_start(f->keeper)) {
		set_params(config, params);
		hl_keeper_limit(f->keeper, params->max_threads);
		f->se->saturated_data = f->keeper;
		f->se->saturated = hl_keeper_saturated;
		res = fuse_session_loop_mt(f->se, config);
		f->se->saturated = NULL;
		hl_keeper_stop(f->keeper);
	}
	fuse_loop_cfg_destroy(config);
	return res;
}

PROFUSE_EXPORT int fuse_loop_mt(struct fuse *f, struct fuse_loop_config *config)
{
	struct sess_loop_params params = sess_loop_params(config);

	if (!f)
		return -1;
	if (!config)
		params.max_threads = hl_default_threads();
	return loop_mt(f, &params);
}

int fuse_loop_mt_312(struct fuse *f, struct fuse_loop_config *config);
PROFUSE_EXPORT int fuse_loop_mt_312(struct fuse *f, struct fuse_loop_config *config)
{
	return fuse_loop_mt(f, config);
}

int fuse_loop_mt_32(struct fuse *f, struct fuse_loop_config_v1 *config);
PROFUSE_EXPORT int fuse_loop_mt_32(struct fuse *f, struct fuse_loop_config_v1 *config)
{
	struct sess_loop_params params = sess_loop_params_v1(config);

	return f ? loop_mt(f, &params) : -1;
}

int fuse_loop_mt_31(struct fuse *f, int clone_fd);
PROFUSE_EXPORT int fuse_loop_mt_31(struct fuse *f, int clone_fd)
{
	struct sess_loop_params params = sess_loop_params(NULL);

	params.clone_fd = clone_fd > 0;
	return f ? loop_mt(f, &params) : -1;
}

/* ---- the cache ---- */

PROFUSE_EXPORT int fuse_invalidate_path(struct fuse *f, const char *path)
{
	fuse_ino_t ino = hl_find_path(f->table, path);

	if (!ino)
		return -ENOENT;
	return fuse_lowlevel_notify_inval_inode(f->se, ino, 0, 0);
}
