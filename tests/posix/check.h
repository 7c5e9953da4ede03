/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * POSIX behaviour of a filesystem, as tables.
 *
 * A group is a table of checks. A check is a script (see script.h) or a function. Each runs in a
 * process of its own, as root with umask 0, in a directory of its own that everybody may write,
 * and has a deadline. What the tables claim is proved on native filesystems first; where those
 * legitimately differ, a check accepts the alternatives and notes which one it saw, so that a
 * mirror of one filesystem can be held to exactly its answers.
 */
#ifndef POSIX_CHECK_H
#define POSIX_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct check {
	const char *name;
	const char *script;
	void (*run)(void);
};

struct check_group {
	const char *name;
	const struct check *checks; /* ends with a NULL name */
};

/* The table of all groups, in main.c. */
#define POSIX_GROUPS(X)                                                                            \
	X(open)                                                                                    \
	X(permission)                                                                              \
	X(sticky)                                                                                  \
	X(times)                                                                                   \
	X(rename)                                                                                  \
	X(link)                                                                                    \
	X(unlink)                                                                                  \
	X(truncate)                                                                                \
	X(sparse)                                                                                  \
	X(allocate)                                                                                \
	X(copy)                                                                                    \
	X(xattr)                                                                                   \
	X(acl)                                                                                     \
	X(lock)                                                                                    \
	X(name)                                                                                    \
	X(symlink)                                                                                 \
	X(tmpfile)                                                                                 \
	X(mmap)                                                                                    \
	X(listing)                                                                                 \
	X(setuid)                                                                                  \
	X(special)                                                                                 \
	X(io)                                                                                      \
	X(handle)

#define POSIX_DECLARE_GROUP(group) extern const struct check checks_##group[];
POSIX_GROUPS(POSIX_DECLARE_GROUP)
#undef POSIX_DECLARE_GROUP

/* End the check: it failed, or cannot be done here and why. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void skip(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Note which of several right answers was given. Appears in the result. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Claims about a system call. must() wants success and returns the result, must_fail() wants this
 * errno. Both name the expression when they are disappointed.
 */
#define must(expr)	     must_impl((long long)(expr), #expr, __FILE__, __LINE__)
#define must_fail(err, expr) must_fail_impl((err), (long long)(expr), #expr, __FILE__, __LINE__)
#define must_be(value, expr)                                                                       \
	must_be_impl((long long)(value), (long long)(expr), #expr, __FILE__, __LINE__)

long long must_impl(long long ret, const char *expr, const char *file, int line);
void must_fail_impl(int err, long long ret, const char *expr, const char *file, int line);
void must_be_impl(long long want, long long got, const char *expr, const char *file, int line);

/* Some users. u3 is also a member of u1's group. */
enum user { ROOT, U1, U2, U3, USERS };

struct user_ids {
	const char *name;
	uid_t uid;
	gid_t gid;
	gid_t extra; /* a supplementary group, or its own once more */
};

extern const struct user_ids users[USERS];

/* Be this user from now on (effective ids; ROOT brings us back). */
void become(enum user user);

/* "ENOENT" for ENOENT, and back (-1 if there is no such name). */
const char *errno_name(int err);
int errno_number(const char *name, size_t len);

/* Files for checks, all of which must succeed. */
void put_file(const char *path, mode_t mode, const char *text);
/* Content up to size - 1 bytes, terminated. */
void get_file(const char *path, char *buf, size_t size);
/* Bytes that tell their place. */
void fill_pattern(char *buf, size_t len, off_t off, unsigned seed);

/* Start a child that runs a function and exits; wait for it, wanting exit status 0. */
pid_t spawn(void (*run)(void *arg), void *arg);
void reap(pid_t pid);

/* Wait until a condition holds, at most for some seconds; false if it never did. */
bool wait_for(bool (*condition)(void *arg), void *arg, double seconds);
void sleep_ms(int ms);

#endif
