/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The filesystem under all benchmarks: it answers from memory and does as
 * little as possible, so that what is measured is the way to it. Written for
 * edition 3.12 of the interface and built twice, against profuse and against
 * the distribution's libfuse3.
 *
 *     memory_fs [options] MOUNTPOINT
 *
 * In the root: `f`, a file of 1 GiB (its bytes are the backing file's if
 * --backing=FILE is given); `d`, a directory with 10,000 files; `t0` to `t999`,
 * which exist once created. Nothing is cached: timeouts are 0, I/O is direct.
 */
#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "layout.h"

static _Atomic unsigned char created[LAYOUT_FILES];
static char *zeros;
static int backing = -1;

static struct stat attributes(fuse_ino_t ino)
{
	struct stat st = {.st_ino = ino, .st_nlink = 1, .st_mode = S_IFREG | 0644};

	st.st_blksize = 4096;
	if (ino == LAYOUT_ROOT || ino == LAYOUT_DIR) {
		st.st_mode = S_IFDIR | 0755;
		st.st_nlink = 2;
	} else if (ino == LAYOUT_FILE) {
		st.st_size = LAYOUT_SIZE;
	}
	return st;
}

/* The node of a name, or 0. */
static fuse_ino_t find(fuse_ino_t parent, const char *name)
{
	if (parent == LAYOUT_DIR && name[0] == 'e')
		return LAYOUT_ENTRY0 + strtoul(name + 1, NULL, 10);
	if (strcmp(name, "f") == 0)
		return LAYOUT_FILE;
	if (strcmp(name, "d") == 0)
		return LAYOUT_DIR;
	if (name[0] == 't') {
		unsigned long n = strtoul(name + 1, NULL, 10);

		if (n < LAYOUT_FILES && atomic_load(&created[n]))
			return LAYOUT_FILE0 + n;
	}
	return 0;
}

static struct fuse_entry_param entry_of(fuse_ino_t ino)
{
	return (struct fuse_entry_param){.ino = ino, .attr = attributes(ino)};
}

static void fs_init(void *userdata, struct fuse_conn_info *conn)
{
	/* The same requests from every contender. */
	conn->want &= ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_READDIRPLUS);
}

static void fs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	fuse_ino_t ino = find(parent, name);
	struct fuse_entry_param e;

	if (!ino) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	e = entry_of(ino);
	fuse_reply_entry(req, &e);
}

static void fs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st = attributes(ino);

	fuse_reply_attr(req, &st, 0);
}

static void fs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	fi->direct_io = 1;
	fuse_reply_open(req, fi);
}

static void fs_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	fuse_reply_open(req, fi);
}

static void fs_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	fuse_reply_err(req, 0);
}

static void fs_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		      struct fuse_file_info *fi)
{
	unsigned long n = strtoul(name + 1, NULL, 10);
	struct fuse_entry_param e;

	if (name[0] != 't' || n >= LAYOUT_FILES) {
		fuse_reply_err(req, EPERM);
		return;
	}
	atomic_store(&created[n], 1);
	e = entry_of(LAYOUT_FILE0 + n);
	fi->direct_io = 1;
	fuse_reply_create(req, &e, fi);
}

static void fs_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	fuse_ino_t ino = find(parent, name);

	if (ino < LAYOUT_FILE0) {
		fuse_reply_err(req, ino ? EPERM : ENOENT);
		return;
	}
	atomic_store(&created[ino - LAYOUT_FILE0], 0);
	fuse_reply_err(req, 0);
}

static void read_backing(fuse_req_t req, size_t size, off_t off)
{
	struct fuse_bufvec vec = FUSE_BUFVEC_INIT(size);

	vec.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
	vec.buf[0].fd = backing;
	vec.buf[0].pos = off;
	fuse_reply_data(req, &vec, FUSE_BUF_SPLICE_MOVE);
}

static void fs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	if (backing >= 0)
		read_backing(req, size, off);
	else
		fuse_reply_buf(req, zeros, size);
}

static void fs_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
		     struct fuse_file_info *fi)
{
	ssize_t n = backing >= 0 ? pwrite(backing, buf, size, off) : (ssize_t)size;

	if (n < 0)
		fuse_reply_err(req, errno);
	else
		fuse_reply_write(req, (size_t)n);
}

static void fs_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	size_t at = 0;
	char *buf = malloc(size);

	for (off_t i = off; ino == LAYOUT_DIR && i < LAYOUT_ENTRIES; i++) {
		struct stat st = {.st_ino = LAYOUT_ENTRY0 + (ino_t)i, .st_mode = S_IFREG};
		char name[32];
		size_t need;

		snprintf(name, sizeof(name), "e%05ld", (long)i);
		need = fuse_add_direntry(req, buf + at, size - at, name, &st, i + 1);
		if (need > size - at)
			break;
		at += need;
	}
	fuse_reply_buf(req, buf, at);
	free(buf);
}

static const struct fuse_lowlevel_ops ops = {
	.init = fs_init,
	.lookup = fs_lookup,
	.getattr = fs_getattr,
	.open = fs_open,
	.opendir = fs_opendir,
	.release = fs_release,
	.create = fs_create,
	.unlink = fs_unlink,
	.read = fs_read,
	.write = fs_write,
	.readdir = fs_readdir,
};

struct options {
	char *backing;
};

static const struct fuse_opt option_table[] = {
	{"--backing=%s", offsetof(struct options, backing), 0},
	FUSE_OPT_END,
};

static int serve(struct fuse_args *args, const struct fuse_cmdline_opts *cmd)
{
	struct fuse_session *se = fuse_session_new(args, &ops, sizeof(ops), NULL);
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	int err = 1;

	if (!se || !config)
		return 1;
	fuse_loop_cfg_set_clone_fd(config, (unsigned)cmd->clone_fd);
	if (fuse_set_signal_handlers(se) == 0 && fuse_session_mount(se, cmd->mountpoint) == 0) {
		err = cmd->singlethread ? fuse_session_loop(se) : fuse_session_loop_mt(se, config);
		fuse_session_unmount(se);
	}
	fuse_remove_signal_handlers(se);
	fuse_session_destroy(se);
	fuse_loop_cfg_destroy(config);
	return err ? 1 : 0;
}

int main(int argc, char *argv[])
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct fuse_cmdline_opts cmd;
	struct options options = {0};
	int err;

	zeros = calloc(1, 2 << 20);
	if (!zeros || fuse_opt_parse(&args, &options, option_table, NULL) ||
	    fuse_parse_cmdline(&args, &cmd) || !cmd.mountpoint)
		return 2;
	if (options.backing) {
		backing = open(options.backing, O_RDWR | O_CLOEXEC);
		if (backing < 0) {
			perror(options.backing);
			return 2;
		}
	}
	err = serve(&args, &cmd);
	free(cmd.mountpoint);
	fuse_opt_free_args(&args);
	return err;
}
