/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Symbolic links. */
#include "../script.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Forty links in a row are followed, one more is not. */
static void chain(void)
{
	struct stat st;

	put_file("l0", 0644, "text");
	for (int i = 1; i <= 41; i++)
		script("symlink l%d l%d", i - 1, i);
	must(stat("l40", &st));
	must_be(4, st.st_size);
	must_fail(ELOOP, stat("l41", &st));
	run_script("try l40 RDONLY; try l41 RDONLY = ELOOP");
}

static void target_lengths(void)
{
	static const int lengths[] = { 1, 59, 60, 255, 256, 1023, 1024, 4094, 4095 };
	static char target[PATH_MAX + 1], got[PATH_MAX + 1];
	struct stat st;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		const int len = lengths[i];

		memset(target, 't', len);
		target[len] = '\0';
		must(symlink(target, "l"));
		must_be(len, readlink("l", got, sizeof(got)));
		must_be(0, memcmp(got, target, len));
		must_be(len < 10 ? len : 10, readlink("l", got, 10));
		must(lstat("l", &st));
		must_be(len, st.st_size);
		must(unlink("l"));
	}
	memset(target, 't', PATH_MAX);
	must_fail(ENAMETOOLONG, symlink(target, "l"));
	must_fail(ENOENT, symlink("", "l"));
}

const struct check checks_symlink[] = {
	{ "is followed", "create f 0644 text; symlink f l; statfollow l size = 4; stat l type = 0120000; readlink l = f; open 0 l RDWR; write 0 TEXT = 4; open 1 f RDONLY; read 1 = TEXT" },
	{ "has mode 0777 and its own owner", "u1: symlink x l; stat l mode = 0777; stat l uid = u1; stat l nlink = 1; umask 077; symlink x m; stat m mode = 0777" },
	{ "loops", "symlink a b; symlink b a; try a RDONLY = ELOOP; statfollow a = ELOOP; stat a; symlink self self; try self RDWR|CREAT 0644 = ELOOP; chdir self = ELOOP; truncate a 0 = ELOOP; list self = ELOOP; stat self/x = ELOOP; unlink self" },
	{ "a chain", .run = chain },
	{ "lengths of targets", .run = target_lengths },
	{ "to a directory", "mkdir d 0755; create d/f 0644 text; symlink d l; statfollow l/f size = 4; list l = 3; create l/g 0644; stat d/g; rmdir l = ENOTDIR; chdir l; stat f" },
	{ "dangling", "symlink nowhere l; statfollow l = ENOENT; try l RDONLY = ENOENT; try l RDWR|CREAT 0644; stat nowhere; try l RDWR|CREAT|EXCL 0644 = EEXIST; symlink no/where m; try m RDWR|CREAT 0644 = ENOENT; mkdir l 0755 = EEXIST" },
	{ "up and down", "mkdir a 0755; mkdir a/b 0755; create f 0644 text; symlink ../../f a/b/l; statfollow a/b/l size = 4; symlink . here; statfollow here/here/a/b/l size = 4; symlink .. a/up; statfollow a/up/f size = 4" },
	{ "absolute", "symlink / l; same l/. /. = 1; symlink /proc/self/nosuch m; statfollow m = ENOENT" },
	{ "not over something", "create f 0644; symlink x f = EEXIST; mkdir d 0755; symlink x d = EEXIST; symlink x l; symlink y l = EEXIST; readlink l = x" },
	{ "readlink of something else", "create f 0644; mkdir d 0755; readlink f = EINVAL; readlink d = EINVAL; readlink no = ENOENT" },
	{ "chmod and chown follow", "create f 0644; symlink f l; chmod l 0600; stat f mode = 0600; stat l mode = 0777; chown l u1 u1; stat f uid = u1" },
	{ NULL }
};
