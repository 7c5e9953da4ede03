/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layers of callbacks, from the outermost module down to the filesystem. */
#ifndef PROFUSE_HIGHLEVEL_FS_STACK_H
#define PROFUSE_HIGHLEVEL_FS_STACK_H

#ifndef FUSE_USE_VERSION
#define FUSE_USE_VERSION 319
#endif
#include <fuse.h>

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

struct fuse_fs {
	struct fuse_operations op;
	void *user_data;
	bool debug;
};

/* Gives up a layer without telling it. */
void hl_fs_free(struct fuse_fs *fs);

/* Takes from a module's operations those that the layer below it could only
 * answer with ENOSYS: what is missing must be seen to be missing, because the
 * kernel then does it differently (locks, for example). */
void hl_fs_drop_missing(struct fuse_operations *op, const struct fuse_fs *below);

/* How many operations there are, with init and destroy. */
#define HL_FS_OPS (sizeof(struct fuse_operations) / sizeof(void (*)(void)))

/* Emulations: read through read_buf and the other way round. */
int hl_fs_read_through_buf(struct fuse_fs *fs, const char *path, char *buf, size_t size, off_t off,
			   struct fuse_file_info *fi);
int hl_fs_write_through_buf(struct fuse_fs *fs, const char *path, const char *buf, size_t size,
			    off_t off, struct fuse_file_info *fi);
int hl_fs_read_buf_flat(struct fuse_fs *fs, const char *path, struct fuse_bufvec **bufp,
			size_t size, off_t off, struct fuse_file_info *fi);
int hl_fs_write_buf_flat(struct fuse_fs *fs, const char *path, struct fuse_bufvec *buf, off_t off,
			 struct fuse_file_info *fi);

/* Frees a vector as read_buf returns it, with its pieces of memory. */
void hl_bufvec_free(struct fuse_bufvec *bufv);
/* What is wrong with a vector as the answer to a read of `size` bytes, or NULL. */
const char *hl_bufvec_fault(const struct fuse_bufvec *bufv, size_t size);

/* ---- modules (modules.c) ---- */

/* The factory of a module by name: one of ours, of the program, or of
 * libfusemod_NAME.so. NULL with a message in the log. */
fuse_module_factory_t hl_module_factory(const char *name);

/* Prints the options of the modules that come with the library and of those
 * that args names. */
void hl_modules_help(struct fuse_args *args);

/* Those that come with the library. */
struct fuse_fs *hl_subdir_new(struct fuse_args *args, struct fuse_fs *below[]);
struct fuse_fs *hl_iconv_new(struct fuse_args *args, struct fuse_fs *below[]);

#endif
