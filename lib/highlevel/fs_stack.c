/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a layer calls the one below: fuse_fs_*(), all made from fs_ops.def.
 *
 * Each sets the context's private_data to that of the layer it calls, and back
 * afterwards, so that a module finds its own data before and after it has
 * called on.
 */
#include "highlevel/fs_stack.h"

#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/log.h"
#include "highlevel/context.h"

#define PLAIN(...) __VA_ARGS__

/* Every operation is in the list; init and destroy are below. */
#define FS_OP(...) +1
_Static_assert(0
#include "highlevel/fs_ops.def"
			       + 2 ==
		       HL_FS_OPS,
	       "fs_ops.def lacks an operation");
#undef FS_OP

/* In one place, not in each of the operations. */
#define SHARED __attribute__((noinline)) static

SHARED void *enter_layer(const struct fuse_fs *fs)
{
	struct fuse_context *ctx = hl_context_make();
	void *outer = ctx->private_data;

	ctx->private_data = fs->user_data;
	return outer;
}

SHARED void leave_layer(void *outer)
{
	hl_context_make()->private_data = outer;
}

SHARED void *enter_call(const struct fuse_fs *fs, const char *name, const char *path)
{
	if (unlikely(fs->debug))
		fuse_log(FUSE_LOG_DEBUG, "   %s %s\n", name, path ? path : "(open file)");
	return enter_layer(fs);
}

#define FS_OP(name, type, paths, params, args, missing)                                            \
	type fuse_fs_##name(struct fuse_fs *fs, PLAIN params);                                     \
	PROFUSE_EXPORT type fuse_fs_##name(struct fuse_fs *fs, PLAIN params)                       \
	{                                                                                          \
		void *outer;                                                                       \
		type res;                                                                          \
                                                                                                   \
		if (!fs->op.name)                                                                  \
			return missing;                                                            \
		outer = enter_call(fs, #name, path);                                               \
		res = fs->op.name args;                                                            \
		leave_layer(outer);                                                                \
		return res;                                                                        \
	}
#include "highlevel/fs_ops.def"
#undef FS_OP

/* What a layer lacks, the kernel must not be told to expect. */
static void limit_wants(const struct fuse_fs *fs, struct fuse_conn_info *conn)
{
	/* Or nobody empties a file that is opened with O_TRUNC. With neither, opening
	 * it that way succeeds and empties nothing: filesystems of control files
	 * rely on that. */
	if (!fs->op.open && fs->op.truncate)
		fuse_unset_feature_flag(conn, FUSE_CAP_ATOMIC_O_TRUNC);
	if (!fs->op.write_buf)
		fuse_unset_feature_flag(conn, FUSE_CAP_SPLICE_READ);
	if (!fs->op.lock)
		fuse_unset_feature_flag(conn, FUSE_CAP_POSIX_LOCKS);
	if (!fs->op.flock)
		fuse_unset_feature_flag(conn, FUSE_CAP_FLOCK_LOCKS);
}

PROFUSE_EXPORT void fuse_fs_init(struct fuse_fs *fs, struct fuse_conn_info *conn,
				 struct fuse_config *cfg)
{
	void *outer = enter_layer(fs);

	limit_wants(fs, conn);
	if (fs->op.init)
		fs->user_data = fs->op.init(conn, cfg);
	leave_layer(outer);
}

PROFUSE_EXPORT void fuse_fs_destroy(struct fuse_fs *fs)
{
	void *outer = enter_layer(fs);

	if (fs->op.destroy)
		fs->op.destroy(fs->user_data);
	leave_layer(outer);
}

PROFUSE_EXPORT struct fuse_fs *fuse_fs_new(const struct fuse_operations *op, size_t op_size,
					   void *private_data)
{
	struct fuse_fs *fs;

	if (op_size > sizeof(*op)) {
		fuse_log(FUSE_LOG_WARNING,
			 "fuse: the program was built for a newer library: %zu bytes of its "
			 "operations are ignored\n",
			 op_size - sizeof(*op));
		op_size = sizeof(*op);
	}
	fs = calloc(1, sizeof(*fs));
	if (!fs) {
		fuse_log(FUSE_LOG_ERR, "fuse: failed to allocate a filesystem\n");
		return NULL;
	}
	fs->user_data = private_data;
	if (op)
		memcpy(&fs->op, op, op_size);
	return fs;
}

void hl_fs_free(struct fuse_fs *fs)
{
	free(fs);
}

void hl_fs_drop_missing(struct fuse_operations *op, const struct fuse_fs *below)
{
	bool reads = below->op.read || below->op.read_buf;
	bool writes = below->op.write || below->op.write_buf;
	const struct fuse_operations all = *op;

#define FS_OP(name, ...)                                                                           \
	if (!below->op.name)                                                                       \
		op->name = NULL;
#include "highlevel/fs_ops.def"
#undef FS_OP
	/* These stand in for one another. */
	op->read = reads ? all.read : NULL;
	op->read_buf = reads ? all.read_buf : NULL;
	op->write = writes ? all.write : NULL;
	op->write_buf = writes ? all.write_buf : NULL;
}
