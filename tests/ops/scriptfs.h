/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A filesystem for tests of single operations. Its callbacks note what they
 * were given and answer as the test scripted; without a script they serve a
 * small tree well enough for system calls to succeed:
 *
 *     /file (64 KiB: "abc...z" over and over)   /dir   /link -> file
 *
 * to which names can be added and removed. Nothing is cached by the kernel,
 * so that every system call arrives.
 */
#ifndef PROFUSE_TESTS_OPS_SCRIPTFS_H
#define PROFUSE_TESTS_OPS_SCRIPTFS_H

#ifndef FUSE_USE_VERSION
#define FUSE_USE_VERSION 319
#endif
#include <fuse_lowlevel.h>

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/op.h"

#define FS_FILE 2
#define FS_DIR	3
#define FS_LINK 4
#define FS_SIZE 65536
#define FS_FH	0x5eed /* of every open, plus the number of opens before */

/* What a callback was given. Fields that it has not are zero. */
struct fs_call {
	struct fs_call *next;
	unsigned int op; /* PROTO_*; COPY_FILE_RANGE for both of its widths */
	fuse_req_t req;	 /* valid until answered */
	pthread_t thread;
	struct fuse_ctx ctx;
	fuse_ino_t ino;	 /* the node, or the parent */
	fuse_ino_t ino2; /* new parent, destination */
	char name[1200], name2[1200];
	bool has_fi;
	struct fuse_file_info fi, fi2;
	off_t off, off2;
	size_t size, size2;
	uint64_t number; /* nlookup, block, arg, retrieve's cookie */
	mode_t mode;
	dev_t rdev;
	int flags; /* open, rename, setxattr, ioctl, flock op, datasync, whence, mask, to_set */
	unsigned int cmd;
	struct stat attr;
	struct flock lock;
	struct fuse_pollhandle *poll;
	size_t data_len;
	unsigned char data[8192]; /* the first bytes */
};

struct scriptfs;

/* Answers call->req; may also keep it for later. */
typedef void (*fs_answer_t)(struct scriptfs *fs, const struct fs_call *call, void *data);

/* Never NULL. The log of the library is captured while it exists. */
struct scriptfs *fs_new(void);
void fs_free(struct scriptfs *fs);

/* Waits for the threads that answer, when the loop has ended. A session must
 * not be destroyed before they have left the library. */
void fs_join(struct scriptfs *fs);

extern const struct fuse_lowlevel_ops fs_ops;

/* The same without the callback of this operation. */
struct fuse_lowlevel_ops fs_ops_without(unsigned int op);

/* The next call of op is answered by this; scripts of one op queue up. */
void fs_script(struct scriptfs *fs, unsigned int op, fs_answer_t answer, void *data);

/* Ready-made: an errno; nothing at all, the test answers; the default answer;
 * the default answer from another thread; twice, the error second. */
void fs_script_error(struct scriptfs *fs, unsigned int op, int error);
void fs_script_hold(struct scriptfs *fs, unsigned int op);
void fs_script_default(struct scriptfs *fs, unsigned int op);
void fs_script_from_thread(struct scriptfs *fs, unsigned int op);
void fs_script_twice(struct scriptfs *fs, unsigned int op);
void fs_script_wrong_kind(struct scriptfs *fs, unsigned int op);
void fs_script_too_large(struct scriptfs *fs, unsigned int op);

/* Answers as an unscripted call would be. */
void fs_answer_default(struct scriptfs *fs, const struct fs_call *call);

/* Takes the oldest noted call of op; waits for one, and ends the test program
 * if none comes, after calling fs_on_failure. *call is a copy. */
extern void (*fs_on_failure)(void);
void fs_take(struct scriptfs *fs, unsigned int op, struct fs_call *call);

/* Calls of op noted and not taken. */
size_t fs_count(struct scriptfs *fs, unsigned int op);
void fs_forget_calls(struct scriptfs *fs);

/* What the default answers say. */
void fs_entry(struct scriptfs *fs, fuse_ino_t ino, mode_t mode, struct fuse_entry_param *e);
void fs_stat(struct scriptfs *fs, fuse_ino_t ino, struct stat *st);

/* The library's log. */
bool fs_logged(struct scriptfs *fs, const char *text); /* takes the line */
size_t fs_log_errors(struct scriptfs *fs);	       /* lines of FUSE_LOG_ERR left */

/* Operations that arrived and notifications that left, from the debug log:
 * bit set if seen. */
bool fs_seen_op(struct scriptfs *fs, unsigned int op);
bool fs_seen_notify(struct scriptfs *fs, unsigned int code);

/* Switches between write and write_buf for new sessions: fs_ops has write. */
struct fuse_lowlevel_ops fs_ops_with_write_buf(void);

/* Result of the last reply function that an answer called. */
int fs_last_reply(struct scriptfs *fs);
void fs_set_last_reply(struct scriptfs *fs, int result);

/* init and destroy: how often, and what init is to do with the connection. */
int fs_inits(struct scriptfs *fs);
int fs_destroys(struct scriptfs *fs);
void fs_on_init(struct scriptfs *fs, void (*func)(struct fuse_conn_info *conn));

#endif
