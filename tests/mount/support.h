/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What tests on real mounts share. A program is a list of cases; each runs in
 * a process and a mount namespace of its own, so none can spoil another and
 * no mount outlives its case.
 */
#ifndef PROFUSE_TESTS_MOUNT_SUPPORT_H
#define PROFUSE_TESTS_MOUNT_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "mount/mount.h"
#include "responder.h"

/* Somebody without any rights; the name exists in a case's namespace only. */
#define USER_ID 54321

/* Debian's own helper, which these tests talk to. */
#define STOCK_HELPER "/usr/bin/fusermount3"

/* Ends the process, which is the case or a child of one. */
void support_fail(const char *file, int line, const char *what);
void support_skip(const char *why);

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond))                                                                       \
			support_fail(__FILE__, __LINE__, #cond);                                   \
	} while (0)

/* For texts: shows both. */
#define CHECK_HAS(text, part) support_has(__FILE__, __LINE__, text, part)
void support_has(const char *file, int line, const char *text, const char *part);

struct support_case {
	const char *name;
	void (*run)(void);
};

/*
 * Runs the cases and returns the exit status: 1 if one failed, 77 if all were
 * skipped. Without root or a usable /dev/fuse it leaves with 77 and the
 * reason. In a case, /mnt is a private tmpfs where anybody may write, and the
 * working directory.
 */
int support_main(const struct support_case *cases, size_t n);

/* A new empty directory in /mnt; good until the 16th call after it. */
const char *support_dir(uid_t owner);

/* Runs fn(arg) in a forked process as that user; true if it returned. */
bool support_run_as(uid_t uid, void (*fn)(void *), void *arg);

/* waitpid(), across signals: the wait status. */
int support_reap(pid_t pid);

/* A descriptor over a socket. */
bool support_socketpair(int sv[2]);
void support_send_fd(int sock, int fd);
int support_receive_fd(int sock);

/* The options of "-o words", nothing may be left over; NULL for none. */
struct mnt_opts *support_opts(const char *words);

/* How many mounts have this mountpoint, and the type of the last one. */
int support_mounts_at(const char *path, char *type, size_t size);

/* Waits until fn(arg) is true, at most 10 s. */
bool support_wait(bool (*fn)(const void *arg), const void *arg);
bool support_is_unmounted(const void *path);

/* Mounts, with hooks, and goes on answering; failure fails the case. */
void support_mount(const char *path, const char *words, struct mnt_result *res,
		   struct responder *r);

/* Mounts and must fail; returns the error, and the report in res. */
int support_mount_fails(const char *path, const char *words, struct mnt_result *res);

#endif
