/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rename(2) and renameat2(2): every kind of source onto every kind of target. */
#include "../script.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MISSING, FILE_, DIR_, FULL, SYMLINK, FIFO, SAME, KINDS };

static void make(const char *name, int kind)
{
	switch (kind) {
	case FILE_:
		script("create %s 0644 text", name);
		break;
	case DIR_:
		script("mkdir %s 0755", name);
		break;
	case FULL:
		script("mkdir %s 0755; create %s/inside 0644", name, name);
		break;
	case SYMLINK:
		script("symlink nowhere %s", name);
		break;
	case FIFO:
		script("mkfifo %s 0644", name);
		break;
	}
}

/* What rename(source, target) gives; the columns are the kinds of target. */
static const char *const plain[KINDS][KINDS] = {
	/*             nothing   file       dir       full         symlink    fifo       same */
	[MISSING] = { "ENOENT", "ENOENT",  "ENOENT", "ENOENT",    "ENOENT",  "ENOENT",  NULL },
	[FILE_]   = { "0",      "0",       "EISDIR", "EISDIR",    "0",       "0",       "0" },
	[DIR_]    = { "0",      "ENOTDIR", "0",      "ENOTEMPTY", "ENOTDIR", "ENOTDIR", "0" },
	[FULL]    = { "0",      "ENOTDIR", "0",      "ENOTEMPTY", "ENOTDIR", "ENOTDIR", "0" },
	[SYMLINK] = { "0",      "0",       "EISDIR", "EISDIR",    "0",       "0",       "0" },
	[FIFO]    = { "0",      "0",       "EISDIR", "EISDIR",    "0",       "0",       "0" },
};

static const char *expected(int source, int target, const char *flags)
{
	const char *result = plain[source][target];

	if (!result)
		return NULL;
	if (source == MISSING)
		return "ENOENT";
	if (strcmp(flags, "NOREPLACE") == 0)
		return target == MISSING ? "0" : "EEXIST";
	if (strcmp(flags, "EXCHANGE") == 0)
		return target == MISSING ? "ENOENT" : "0";
	return result;
}

static ino_t ino_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? st.st_ino : 0;
}

/* After the call: who is where? */
static void check_places(const char *from, const char *to, ino_t source, ino_t target,
			 const char *flags, bool done)
{
	struct stat st;

	if (!done || source == target) {
		must_be(source, ino_of(from));
		must_be(target, ino_of(to));
		return;
	}
	must_be(source, ino_of(to));
	if (strcmp(flags, "EXCHANGE") == 0) {
		must_be(target, ino_of(from));
	} else if (strcmp(flags, "WHITEOUT") == 0) {
		must(lstat(from, &st));
		must_be(S_IFCHR, st.st_mode & S_IFMT);
		must_be(0, st.st_rdev);
	} else {
		must_fail(ENOENT, lstat(from, &st));
	}
}

static void one_cell(int number, int source, int target, const char *flags, const char *to_dir)
{
	const char *want = expected(source, target, flags);
	char from[64], to[64];
	ino_t source_ino, target_ino;

	/* A directory has one name only. */
	if (!want || (target == SAME && (source == DIR_ || source == FULL)))
		return;
	snprintf(from, sizeof(from), "s%d", number);
	snprintf(to, sizeof(to), "%st%d", to_dir, number);
	make(from, source);
	if (target == SAME)
		script("link %s %s", from, to);
	else
		make(to, target);
	source_ino = ino_of(from);
	target_ino = ino_of(to);
	script("rename %s %s %s = %s", from, to, *flags ? flags : "NONE", want);
	check_places(from, to, source_ino, target_ino, flags, strcmp(want, "0") == 0);
}

static void matrix(const char *flags, const char *to_dir)
{
	int number = 0;

	for (int source = MISSING; source < SAME; source++) {
		for (int target = MISSING; target < KINDS; target++)
			one_cell(number++, source, target, flags, to_dir);
	}
}

#define MATRIX(id, flags)                                                                          \
	static void id##_here(void)                                                                \
	{                                                                                          \
		matrix(flags, "");                                                                 \
	}                                                                                          \
	static void id##_across(void)                                                              \
	{                                                                                          \
		run_script("mkdir other 0755");                                                    \
		matrix(flags, "other/");                                                           \
	}

MATRIX(plain, "")
MATRIX(noreplace, "NOREPLACE")
MATRIX(exchange, "EXCHANGE")
MATRIX(whiteout, "WHITEOUT")

/* A replaced file that is open keeps its content; the descriptor of the other follows its file. */
static const char replaced_open[] =
	"create a 0644 one; create b 0644 two; open 0 a RDWR; open 1 b RDWR; rename a b;"
	"read 0 = one; read 1 = two; fstat 1 nlink = 0; write 1 more = 4; read 1 0 = twomore;"
	"open 2 b RDONLY; read 2 = one; fstat 0 nlink = 1";

const struct check checks_rename[] = {
	{ "all kinds, in one directory", .run = plain_here },
	{ "all kinds, across directories", .run = plain_across },
	{ "all kinds, NOREPLACE, in one directory", .run = noreplace_here },
	{ "all kinds, NOREPLACE, across directories", .run = noreplace_across },
	{ "all kinds, EXCHANGE, in one directory", .run = exchange_here },
	{ "all kinds, EXCHANGE, across directories", .run = exchange_across },
	{ "all kinds, WHITEOUT, in one directory", .run = whiteout_here },
	{ "all kinds, WHITEOUT, across directories", .run = whiteout_across },
	{ "flags that exclude each other",
	  "create a 0644; create b 0644; rename a b NOREPLACE|EXCHANGE = EINVAL;"
	  "rename a b WHITEOUT|EXCHANGE = EINVAL; rename a b BAD = EINVAL;"
	  "rename a c WHITEOUT|NOREPLACE; stat a type = 0020000; stat c type = 0100000" },
	{ "a directory not into itself",
	  "mkdir a 0755; mkdir a/b 0755; mkdir a/b/c 0755; rename a a/x = EINVAL;"
	  "rename a a/b/c/x = EINVAL; rename a a/b = EINVAL; rename a a/b/c = EINVAL; rename a/b a/b" },
	{ "not onto a directory above",
	  "mkdir a 0755; mkdir a/b 0755; mkdir a/b/c 0755; create a/b/f 0644;"
	  "rename a/b/c a = ENOTEMPTY; rename a/b a = ENOTEMPTY; rename a/b/f a = ENOTEMPTY|EISDIR;"
	  "rename a/b/c a EXCHANGE = EINVAL; rename a a/b/c EXCHANGE = EINVAL" },
	{ "not . and not ..",
	  "mkdir a 0755; rename a/. b = EBUSY; rename a/.. b = EBUSY; rename a . = EBUSY;"
	  "rename a .. = EBUSY; rename . b = EBUSY; rename .. b = EBUSY" },
	{ "two names of one file stay both",
	  "create a 0644; link a b; rename a b; stat a nlink = 2; same a b = 1; rename a a; stat a" },
	{ "trailing slashes want directories",
	  "create f 0644; mkdir d 0755; rename f/ g = ENOTDIR; rename f g/ = ENOTDIR;"
	  "rename d/ e; stat e; rename e d/; stat d; rename f d/ = EISDIR|ENOTDIR" },
	{ "link counts follow directories",
	  "mkdir a 0755; mkdir b 0755; mkdir a/d 0755; stat a nlink = 3; stat b nlink = 2;"
	  "rename a/d b/d; stat a nlink = 2; stat b nlink = 3; mkdir a/e 0755; rename b/d a/e;"
	  "stat a nlink = 3; stat b nlink = 2; rename a/e a/f; stat a nlink = 3" },
	{ "link counts follow exchanged directories",
	  "mkdir a 0755; mkdir b 0755; mkdir a/d 0755; create b/f 0644; rename a/d b/f EXCHANGE;"
	  "stat a nlink = 2; stat b nlink = 3; stat b/f nlink = 2; stat a/d nlink = 1;"
	  "mkdir a/x 0755; rename a/x b/f EXCHANGE; stat a nlink = 3; stat b nlink = 3" },
	{ ".. follows a moved directory",
	  "mkdir a 0755; mkdir b 0755; mkdir a/d 0755; rename a/d b/d; same b/d/.. b = 1;"
	  "mkdir a/e 0755; rename a/e b/d EXCHANGE; same a/e/.. a = 1; same b/d/.. b = 1" },
	{ "a replaced file that is open lives on", replaced_open },
	{ "a replaced directory that is somebody's place",
	  "mkdir a 0755; mkdir b 0755; chdir b; rename ../a ../b; create x 0644 = ENOENT;"
	  "mkdir y 0755 = ENOENT; list ../b = 2" },
	{ "the content moves along",
	  "create f 0640 text; setxattr f user.a b; chown f u1 u2; chmod f 0640; rename f g;"
	  "stat g mode = 0640; stat g uid = u1; getxattr g user.a = b; open 0 g RDONLY; read 0 = text" },
	{ "a symbolic link is moved, not followed",
	  "create f 0644 text; symlink f l; rename l m; readlink m = f; stat f; create g 0644;"
	  "symlink f n; rename g n; stat n type = 0100000; stat f size = 4" },
	{ "missing places", "create f 0644; rename f no/g = ENOENT; rename no/f g = ENOENT; rename f f/g = ENOTDIR" },
	{ NULL }
};
