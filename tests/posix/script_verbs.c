/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What scripts can do. A verb is a thin cover over one system call. */
#include "script.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>
#include <linux/falloc.h>

struct flag {
	const char *name;
	unsigned value;
};

static const struct flag open_flags[] = {
	{"RDONLY", O_RDONLY},
	{"WRONLY", O_WRONLY},
	{"RDWR", O_RDWR},
	{"CREAT", O_CREAT},
	{"EXCL", O_EXCL},
	{"TRUNC", O_TRUNC},
	{"APPEND", O_APPEND},
	{"NOFOLLOW", O_NOFOLLOW},
	{"DIRECTORY", O_DIRECTORY},
	{"NONBLOCK", O_NONBLOCK},
	{"NOATIME", O_NOATIME},
	{"PATH", O_PATH},
	{"TMPFILE", O_TMPFILE},
	{"DIRECT", O_DIRECT},
	{"SYNC", O_SYNC},
	{"ACCMODE", O_ACCMODE},
	{NULL, 0},
};

static const struct flag rename_flags[] = {
	{"NOREPLACE", RENAME_NOREPLACE},
	{"EXCHANGE", RENAME_EXCHANGE},
	{"WHITEOUT", RENAME_WHITEOUT},
	{"BAD", 1u << 5},
	{"NONE", 0},
	{NULL, 0},
};

static const struct flag xattr_flags[] = {
	{"create", XATTR_CREATE},
	{"replace", XATTR_REPLACE},
	{NULL, 0},
};

static const struct flag falloc_flags[] = {
	{"none", 0},
	{"keep", FALLOC_FL_KEEP_SIZE},
	{"punch", FALLOC_FL_PUNCH_HOLE},
	{"zero", FALLOC_FL_ZERO_RANGE},
	{NULL, 0},
};

static unsigned parse_flags(const char *text, const struct flag *table)
{
	unsigned value = 0;

	while (text && *text) {
		size_t len = strcspn(text, "|+");
		const struct flag *f = table;

		while (f->name && (strlen(f->name) != len || memcmp(f->name, text, len) != 0))
			f++;
		if (!f->name)
			fail("script: no such flag: %.*s", (int)len, text);
		value |= f->value;
		text += len;
		if (*text)
			text++;
	}
	return value;
}

static long long number(const char *text)
{
	for (int u = 0; u < USERS; u++) {
		if (strcmp(text, users[u].name) == 0)
			return users[u].uid; /* and gid: they are the same */
	}
	return strtoll(text, NULL, 0);
}

static void result(struct outcome *out, long long ret)
{
	if (ret < 0)
		out->err = errno;
	else
		out->number = ret;
}

static void result_text(struct outcome *out, const char *text)
{
	out->is_text = true;
	snprintf(out->text, sizeof(out->text), "%s", text);
}

/* --- open files --- */

static int slots[SCRIPT_SLOTS] = {[0 ... SCRIPT_SLOTS - 1] = -1};

static int *slot_of(const char *slot)
{
	if (slot[0] < '0' || slot[0] > '9' || slot[1] != '\0')
		fail("script: no such slot: %s", slot);
	return &slots[slot[0] - '0'];
}

int slot_fd(const char *slot)
{
	return *slot_of(slot);
}

static void v_open(int argc, char **a, struct outcome *out)
{
	int *slot = slot_of(a[0]);

	if (*slot >= 0)
		close(*slot);
	*slot = open(a[1], parse_flags(a[2], open_flags) | O_CLOEXEC, a[3] ? number(a[3]) : 0);
	result(out, *slot);
	out->number = 0;
}

static void v_try(int argc, char **a, struct outcome *out)
{
	int fd = open(a[0], parse_flags(a[1], open_flags) | O_CLOEXEC, a[2] ? number(a[2]) : 0);

	result(out, fd);
	if (fd >= 0)
		close(fd);
	out->number = 0;
}

static void v_close(int argc, char **a, struct outcome *out)
{
	int *slot = slot_of(a[0]);

	result(out, close(*slot));
	*slot = -1;
}

static void v_write(int argc, char **a, struct outcome *out)
{
	const size_t len = strcmp(a[1], "empty") == 0 ? 0 : strlen(a[1]);

	if (a[2])
		result(out, pwrite(slot_fd(a[0]), a[1], len, number(a[2])));
	else
		result(out, write(slot_fd(a[0]), a[1], len));
}

static void v_read(int argc, char **a, struct outcome *out)
{
	char buf[512];
	ssize_t n;

	if (a[1])
		n = pread(slot_fd(a[0]), buf, sizeof(buf) - 1, number(a[1]));
	else
		n = read(slot_fd(a[0]), buf, sizeof(buf) - 1);
	result(out, n);
	if (n < 0)
		return;
	for (ssize_t i = 0; i < n; i++) {
		if (buf[i] == '\0')
			buf[i] = '.';
	}
	buf[n] = '\0';
	result_text(out, n ? buf : "(end)");
}

static void v_seek(int argc, char **a, struct outcome *out)
{
	static const struct flag whence[] = {
		{"set", SEEK_SET},   {"cur", SEEK_CUR},	  {"end", SEEK_END},
		{"data", SEEK_DATA}, {"hole", SEEK_HOLE}, {NULL, 0},
	};

	result(out, lseek(slot_fd(a[0]), number(a[1]), parse_flags(a[2], whence)));
}

static void v_fsync(int argc, char **a, struct outcome *out)
{
	result(out, fsync(slot_fd(a[0])));
}

static void v_ftruncate(int argc, char **a, struct outcome *out)
{
	result(out, ftruncate(slot_fd(a[0]), number(a[1])));
}

static void v_fallocate(int argc, char **a, struct outcome *out)
{
	result(out, fallocate(slot_fd(a[0]), parse_flags(a[1], falloc_flags), number(a[2]),
			      number(a[3])));
}

static void v_fchmod(int argc, char **a, struct outcome *out)
{
	result(out, fchmod(slot_fd(a[0]), number(a[1])));
}

static void v_fchown(int argc, char **a, struct outcome *out)
{
	result(out, fchown(slot_fd(a[0]), number(a[1]), number(a[2])));
}

/* Give an open file a name, as with a file that never had one. */
static void v_linkfd(int argc, char **a, struct outcome *out)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", slot_fd(a[0]));
	result(out, linkat(AT_FDCWD, path, AT_FDCWD, a[1], AT_SYMLINK_FOLLOW));
}

/* --- names --- */

static void v_create(int argc, char **a, struct outcome *out)
{
	int fd = open(a[0], O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, number(a[1]));

	result(out, fd);
	out->number = 0;
	if (fd < 0)
		return;
	if (a[2] && write(fd, a[2], strlen(a[2])) != (ssize_t)strlen(a[2]))
		result(out, -1);
	close(fd);
}

static void v_mkdir(int argc, char **a, struct outcome *out)
{
	result(out, mkdir(a[0], number(a[1])));
}

static void v_mkfifo(int argc, char **a, struct outcome *out)
{
	result(out, mkfifo(a[0], number(a[1])));
}

static void v_mknod(int argc, char **a, struct outcome *out)
{
	static const struct flag types[] = {
		{"file", S_IFREG}, {"fifo", S_IFIFO},  {"socket", S_IFSOCK},
		{"char", S_IFCHR}, {"block", S_IFBLK}, {NULL, 0},
	};

	result(out, mknod(a[0], parse_flags(a[1], types) | number(a[2]), a[3] ? number(a[3]) : 0));
}

static void v_symlink(int argc, char **a, struct outcome *out)
{
	result(out, symlink(a[0], a[1]));
}

static void v_link(int argc, char **a, struct outcome *out)
{
	result(out, link(a[0], a[1]));
}

static void v_unlink(int argc, char **a, struct outcome *out)
{
	result(out, unlink(a[0]));
}

static void v_rmdir(int argc, char **a, struct outcome *out)
{
	result(out, rmdir(a[0]));
}

static void v_rename(int argc, char **a, struct outcome *out)
{
	if (a[2])
		result(out,
		       renameat2(AT_FDCWD, a[0], AT_FDCWD, a[1], parse_flags(a[2], rename_flags)));
	else
		result(out, rename(a[0], a[1]));
}

static void v_readlink(int argc, char **a, struct outcome *out)
{
	char buf[SCRIPT_TEXT];
	ssize_t n = readlink(a[0], buf, sizeof(buf) - 1);

	result(out, n);
	if (n < 0)
		return;
	buf[n] = '\0';
	result_text(out, buf);
}

static void v_chdir(int argc, char **a, struct outcome *out)
{
	result(out, chdir(a[0]));
}

static void v_list(int argc, char **a, struct outcome *out)
{
	DIR *dir = opendir(a[0]);

	if (!dir) {
		result(out, -1);
		return;
	}
	errno = 0;
	while (readdir(dir))
		out->number++;
	if (errno)
		result(out, -1);
	closedir(dir);
}

static void v_umask(int argc, char **a, struct outcome *out)
{
	umask(number(a[0]));
}

/* --- attributes --- */

static void v_chmod(int argc, char **a, struct outcome *out)
{
	result(out, chmod(a[0], number(a[1])));
}

static void v_chown(int argc, char **a, struct outcome *out)
{
	result(out, chown(a[0], number(a[1]), number(a[2])));
}

static void v_lchown(int argc, char **a, struct outcome *out)
{
	result(out, lchown(a[0], number(a[1]), number(a[2])));
}

static void v_truncate(int argc, char **a, struct outcome *out)
{
	result(out, truncate(a[0], number(a[1])));
}

static void v_access(int argc, char **a, struct outcome *out)
{
	int mode = F_OK;

	for (const char *c = a[1]; *c; c++)
		mode |= *c == 'r' ? R_OK : *c == 'w' ? W_OK : *c == 'x' ? X_OK : 0;
	result(out, faccessat(AT_FDCWD, a[0], mode, AT_EACCESS));
}

static long long field(const struct stat *st, const char *name)
{
	const struct {
		const char *name;
		long long value;
	} fields[] = {
		{"mode", st->st_mode & 07777},
		{"type", st->st_mode & S_IFMT},
		{"nlink", st->st_nlink},
		{"uid", st->st_uid},
		{"gid", st->st_gid},
		{"size", st->st_size},
		{"blocks", st->st_blocks},
		{"rdev", st->st_rdev},
		{"atime", st->st_atim.tv_sec},
		{"mtime", st->st_mtim.tv_sec},
		{"atime_ns", st->st_atim.tv_nsec},
		{"mtime_ns", st->st_mtim.tv_nsec},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (strcmp(fields[i].name, name) == 0)
			return fields[i].value;
	}
	fail("script: no such field: %s", name);
}

/* "mode" is shown in octal, to be read. */
static void show_field(struct outcome *out, const struct stat *st, const char *name)
{
	out->number = field(st, name);
	if (strcmp(name, "uid") == 0 || strcmp(name, "gid") == 0) {
		for (int u = 0; u < USERS; u++) {
			if (out->number == users[u].uid)
				result_text(out, users[u].name);
		}
	} else if (strcmp(name, "mode") == 0) {
		char buf[32];

		snprintf(buf, sizeof(buf), "0%llo", out->number);
		result_text(out, buf);
	}
}

static void v_stat(int argc, char **a, struct outcome *out)
{
	struct stat st;
	int ret = lstat(a[0], &st);

	result(out, ret);
	if (ret == 0 && a[1])
		show_field(out, &st, a[1]);
}

static void v_statfollow(int argc, char **a, struct outcome *out)
{
	struct stat st;
	int ret = stat(a[0], &st);

	result(out, ret);
	if (ret == 0 && a[1])
		show_field(out, &st, a[1]);
}

static void v_fstat(int argc, char **a, struct outcome *out)
{
	struct stat st;
	int ret = fstat(slot_fd(a[0]), &st);

	result(out, ret);
	if (ret == 0 && a[1])
		show_field(out, &st, a[1]);
}

static void v_same(int argc, char **a, struct outcome *out)
{
	struct stat x, y;

	must(lstat(a[0], &x));
	must(lstat(a[1], &y));
	out->number = x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

/* "now", "omit", "12", "-3.000000001" */
static struct timespec parse_time(const char *text)
{
	struct timespec ts = {0};
	const char *dot = strchr(text, '.');

	if (strcmp(text, "now") == 0)
		ts.tv_nsec = UTIME_NOW;
	else if (strcmp(text, "omit") == 0)
		ts.tv_nsec = UTIME_OMIT;
	else
		ts.tv_sec = strtoll(text, NULL, 10);
	if (dot)
		ts.tv_nsec = strtol(dot + 1, NULL, 10);
	return ts;
}

static void v_utimens(int argc, char **a, struct outcome *out)
{
	const struct timespec times[] = {parse_time(a[1]), parse_time(a[2])};

	result(out, utimensat(AT_FDCWD, a[0], times, AT_SYMLINK_NOFOLLOW));
}

/* --- time stamps: mark one moment, ask later what has changed since --- */

static struct statx marks[4];
static char *mark_names[4];

static struct statx statx_of(const char *path)
{
	struct statx stx;

	must(statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &stx));
	return stx;
}

static void v_mark(int argc, char **a, struct outcome *out)
{
	for (int i = 0; i < argc; i++) {
		free(mark_names[i]);
		mark_names[i] = strdup(a[i]);
		marks[i] = statx_of(a[i]);
	}
	/* Whatever happens next happens at a later tick of the coarsest clock in use. */
	sleep_ms(25);
}

static bool differs(struct statx_timestamp a, struct statx_timestamp b)
{
	return a.tv_sec != b.tv_sec || a.tv_nsec != b.tv_nsec;
}

/* since MARKED [NOW CALLED]: the letters of the times that have changed, or "-". */
static void v_since(int argc, char **a, struct outcome *out)
{
	struct statx now = statx_of(a[1] ? a[1] : a[0]);
	const struct statx *then = NULL;
	char text[8], *t = text;

	for (int i = 0; i < 4; i++) {
		if (mark_names[i] && strcmp(mark_names[i], a[0]) == 0)
			then = &marks[i];
	}
	if (!then)
		fail("script: %s was not marked", a[0]);
	if (differs(then->stx_atime, now.stx_atime))
		*t++ = 'a';
	if (differs(then->stx_mtime, now.stx_mtime))
		*t++ = 'm';
	if (differs(then->stx_ctime, now.stx_ctime))
		*t++ = 'c';
	if ((then->stx_mask & now.stx_mask & STATX_BTIME) &&
	    differs(then->stx_btime, now.stx_btime))
		*t++ = 'b';
	if (t == text)
		*t++ = '-';
	*t = '\0';
	result_text(out, text);
}

/* --- extended attributes; they do not follow symbolic links --- */

static void v_setxattr(int argc, char **a, struct outcome *out)
{
	const char *value = strcmp(a[2], "empty") == 0 ? "" : a[2];

	result(out, lsetxattr(a[0], a[1], value, strlen(value), parse_flags(a[3], xattr_flags)));
}

static void v_getxattr(int argc, char **a, struct outcome *out)
{
	char buf[SCRIPT_TEXT];
	ssize_t n = lgetxattr(a[0], a[1], buf, a[2] ? number(a[2]) : (long long)sizeof(buf) - 1);

	result(out, n);
	if (n < 0 || a[2])
		return;
	buf[n] = '\0';
	result_text(out, n ? buf : "(empty)");
}

static void v_removexattr(int argc, char **a, struct outcome *out)
{
	result(out, lremovexattr(a[0], a[1]));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted and joined by commas, without what security modules add. */
static void v_listxattr(int argc, char **a, struct outcome *out)
{
	static char buf[65536];
	const char *names[256];
	size_t count = 0;
	ssize_t n = llistxattr(a[0], buf, sizeof(buf));

	result(out, n);
	if (n < 0)
		return;
	for (const char *at = buf; at < buf + n; at += strlen(at) + 1) {
		if (strncmp(at, "security.", 9) != 0 && count < 256)
			names[count++] = at;
	}
	qsort(names, count, sizeof(names[0]), by_name);
	result_text(out, count ? "" : "(none)");
	for (size_t i = 0; i < count; i++) {
		size_t used = strlen(out->text);

		snprintf(out->text + used, sizeof(out->text) - used, "%s%s", i ? "," : "",
			 names[i]);
	}
}

static const struct verb verbs[] = {
	{"open", 3, 4, v_open},		      /* SLOT NAME FLAGS [MODE] */
	{"try", 2, 3, v_try},		      /* NAME FLAGS [MODE]: open and close */
	{"close", 1, 1, v_close},	      /* SLOT */
	{"write", 2, 3, v_write},	      /* SLOT TEXT [OFFSET] */
	{"read", 1, 2, v_read},		      /* SLOT [OFFSET]: the text, NULs shown as dots */
	{"seek", 3, 3, v_seek},		      /* SLOT OFFSET set|cur|end|data|hole */
	{"fsync", 1, 1, v_fsync},	      /* SLOT */
	{"ftruncate", 2, 2, v_ftruncate},     /* SLOT SIZE */
	{"fallocate", 4, 4, v_fallocate},     /* SLOT none|keep+punch+zero OFFSET LENGTH */
	{"fchmod", 2, 2, v_fchmod},	      /* SLOT MODE */
	{"fchown", 3, 3, v_fchown},	      /* SLOT UID GID */
	{"linkfd", 2, 2, v_linkfd},	      /* SLOT NAME */
	{"fstat", 1, 2, v_fstat},	      /* SLOT [FIELD] */
	{"create", 2, 3, v_create},	      /* NAME MODE [TEXT]: must not exist */
	{"mkdir", 2, 2, v_mkdir},	      /* NAME MODE */
	{"mkfifo", 2, 2, v_mkfifo},	      /* NAME MODE */
	{"mknod", 3, 4, v_mknod},	      /* NAME file|fifo|socket|char|block MODE [DEV] */
	{"symlink", 2, 2, v_symlink},	      /* TARGET NAME */
	{"link", 2, 2, v_link},		      /* OLD NEW */
	{"unlink", 1, 1, v_unlink},	      /* NAME */
	{"rmdir", 1, 1, v_rmdir},	      /* NAME */
	{"rename", 2, 3, v_rename},	      /* OLD NEW [FLAGS] */
	{"readlink", 1, 1, v_readlink},	      /* NAME: the target */
	{"chdir", 1, 1, v_chdir},	      /* NAME */
	{"list", 1, 1, v_list},		      /* NAME: the number of entries, . and .. included */
	{"umask", 1, 1, v_umask},	      /* MODE */
	{"chmod", 2, 2, v_chmod},	      /* NAME MODE */
	{"chown", 3, 3, v_chown},	      /* NAME UID GID */
	{"lchown", 3, 3, v_lchown},	      /* NAME UID GID */
	{"truncate", 2, 2, v_truncate},	      /* NAME SIZE */
	{"access", 2, 2, v_access},	      /* NAME [rwx]|f */
	{"stat", 1, 2, v_stat},		      /* NAME [FIELD], see field() */
	{"statfollow", 1, 2, v_statfollow},   /* the same through symbolic links */
	{"same", 2, 2, v_same},		      /* NAME NAME: 1 if both are one file */
	{"utimens", 3, 3, v_utimens},	      /* NAME ATIME MTIME: now, omit or SEC[.NSEC] */
	{"mark", 1, 4, v_mark},		      /* NAME... */
	{"since", 1, 2, v_since},	      /* NAME [NEWNAME]: letters of a, m, c, b */
	{"setxattr", 3, 4, v_setxattr},	      /* NAME ATTR VALUE|empty [create|replace] */
	{"getxattr", 2, 3, v_getxattr},	      /* NAME ATTR: the value; with a SIZE: its length */
	{"removexattr", 2, 2, v_removexattr}, /* NAME ATTR */
	{"listxattr", 1, 1, v_listxattr},     /* NAME */
};

const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	return NULL;
}
