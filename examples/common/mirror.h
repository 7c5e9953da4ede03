/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A directory shown somewhere else, path by path: what passthrough and
 * passthrough_fh have in common. All names are resolved below a descriptor of
 * the source directory, so the paths of callbacks need no copying and have
 * their full length.
 */
#ifndef EXAMPLE_MIRROR_H
#define EXAMPLE_MIRROR_H

#define FUSE_USE_VERSION 319

#include <fuse.h>

#include <errno.h>

/* Opens the source directory: 0, or -1 with a message on stderr. Before
 * fuse_main(), because that may change the working directory. */
int mirror_open(const char *source);

/* Where a path is: a directory and a name relative to it, of which system calls
 * take no more than PATH_MAX bytes. mirror_enter() returns 0 or -errno. */
struct mirror_spot {
	int dir;
	const char *name;
};

int mirror_enter(const char *path, struct mirror_spot *spot);
void mirror_leave(struct mirror_spot *spot);

/* Descriptors, or -errno. */
int mirror_open_file(const char *path, int flags);
int mirror_make_file(const char *path, int flags, mode_t mode);

/* The caller has changed the contents of this file, which may take away its
 * set-user-ID and set-group-ID bits. */
void mirror_written(int fd);

/* Puts the callbacks that work on names into op: everything but what is done to
 * open files. */
void mirror_callbacks(struct fuse_operations *op);

/* For init(): what both want of the kernel and the library. */
void mirror_wishes(struct fuse_conn_info *conn, struct fuse_config *cfg);

/* For init(): the kernel may read and write files of the source by itself. */
void mirror_want_backing(struct fuse_conn_info *conn);

/*
 * What is made in between belongs to the caller of the current request. Nothing
 * else may happen in between: on this thread the process is the caller.
 * mirror_as_caller() returns 0 or -errno.
 */
int mirror_as_caller(void);
void mirror_as_self(void);

/* 0 or -errno out of what a system call returned. */
static inline int mirror_result(long res)
{
	return res < 0 ? -errno : (int)res;
}

/* Takes "SOURCE" out of the command line ("program [options] SOURCE
 * MOUNTPOINT"), and prints how to use the program if it is not there. Returns
 * an exit status, or -1 to go on with fuse_main(). */
int mirror_main_args(struct fuse_args *args, const char *what);

#endif
