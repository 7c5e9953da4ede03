/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Extended attributes. */
#include "../script.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Values with every byte in them, of sizes up to what all filesystems take. */
static void binary_values(void)
{
	static const int sizes[] = { 0, 1, 100, 255, 256, 1000, 2000 };
	char value[2000], got[2001];

	put_file("f", 0644, "");
	for (size_t i = 0; i < sizeof(value); i++)
		value[i] = (char)(i * 7);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		must(setxattr("f", "user.v", value, sizes[i], 0));
		must_be(sizes[i], getxattr("f", "user.v", NULL, 0));
		must_be(sizes[i], getxattr("f", "user.v", got, sizeof(got)));
		must_be(0, memcmp(value, got, sizes[i]));
		if (sizes[i] > 1) {
			must_fail(ERANGE, getxattr("f", "user.v", got, sizes[i] - 1));
			must_be(sizes[i], getxattr("f", "user.v", got, sizes[i]));
		}
	}
}

static void by_descriptor(void)
{
	char buf[64];
	int fd;

	put_file("f", 0644, "");
	fd = must(open("f", O_RDONLY));
	must(fsetxattr(fd, "user.a", "x", 1, XATTR_CREATE));
	must(unlink("f"));
	must(fsetxattr(fd, "user.b", "yy", 2, 0));
	must_be(2, fgetxattr(fd, "user.b", buf, sizeof(buf)));
	must_be(14, flistxattr(fd, NULL, 0));
	must_be(14, flistxattr(fd, buf, sizeof(buf)));
	must_fail(ERANGE, flistxattr(fd, buf, 13));
	must(fremovexattr(fd, "user.a"));
	must_fail(ENODATA, fgetxattr(fd, "user.a", buf, sizeof(buf)));
}

static void too_large(void)
{
	static char value[65537];
	char name[300] = "user.";

	put_file("f", 0644, "");
	must_fail(E2BIG, setxattr("f", "user.v", value, 65537, 0));
	memset(name + 5, 'n', 250);
	must(setxattr("f", name, "x", 1, 0));
	must_be(1, getxattr("f", name, NULL, 0));
	strcat(name, "n");
	must_fail(ERANGE, setxattr("f", name, "x", 1, 0));
	must_fail(ERANGE, getxattr("f", name, value, 10));
	must_fail(ERANGE, setxattr("f", "", "x", 1, 0));
	/* The largest value that the system knows: it fits, or there is no space for it. */
	if (setxattr("f", "user.v", value, 65536, 0) == 0) {
		note("64 KiB fit");
		must_be(65536, getxattr("f", "user.v", NULL, 0));
	} else {
		note("64 KiB: %s", errno_name(errno));
		if (errno != ENOSPC && errno != E2BIG)
			fail("a value of 64 KiB gives %s", errno_name(errno));
	}
}

static void many(void)
{
	char name[32], list[8192];
	int names = 0;

	put_file("f", 0644, "");
	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "user.attribute-%d", i);
		must(setxattr("f", name, name, strlen(name), XATTR_CREATE));
	}
	must(removexattr("f", "user.attribute-30"));
	for (ssize_t at = 0, n = must(listxattr("f", list, sizeof(list))); at < n;
	     at += strlen(list + at) + 1)
		names += strncmp(list + at, "user.", 5) == 0;
	must_be(59, names);
	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "user.attribute-%d", i);
		if (i != 30)
			must_be(strlen(name), getxattr("f", name, list, sizeof(list)));
	}
}

const struct check checks_xattr[] = {
	{ "set, get, list, remove",
	  "create f 0644; listxattr f = (none); setxattr f user.one 1; setxattr f user.two 22;"
	  "getxattr f user.one = 1; getxattr f user.two = 22; listxattr f = user.one,user.two;"
	  "removexattr f user.one; getxattr f user.one = ENODATA; listxattr f = user.two;"
	  "removexattr f user.one = ENODATA" },
	{ "create and replace",
	  "create f 0644; setxattr f user.a 1 replace = ENODATA; setxattr f user.a 1 create;"
	  "setxattr f user.a 2 create = EEXIST; getxattr f user.a = 1; setxattr f user.a 3 replace;"
	  "getxattr f user.a = 3; setxattr f user.a 4; getxattr f user.a = 4;"
	  "setxattr f user.a 5 create|replace = EEXIST|ENODATA|EINVAL" },
	{ "an empty value", "create f 0644; setxattr f user.a empty; getxattr f user.a = (empty); listxattr f = user.a; getxattr f user.a 0 = 0" },
	{ "size queries", "create f 0644; setxattr f user.a value; getxattr f user.a 0 = 5; getxattr f user.a 4 = ERANGE; getxattr f user.a 5 = 5; getxattr f user.b 0 = ENODATA" },
	{ "binary values of many sizes", .run = binary_values },
	{ "by descriptor, also without a name", .run = by_descriptor },
	{ "too large", .run = too_large },
	{ "many", .run = many },
	{ "names that look alike", "create f 0644; setxattr f user.a 1; setxattr f user.A 2; setxattr f user.a.b 3; getxattr f user.a = 1; getxattr f user.A = 2; removexattr f user.a; listxattr f = user.A,user.a.b" },
	{ "of a directory", "mkdir d 0755; setxattr d user.a 1; getxattr d user.a = 1; create d/f 0644; getxattr d/f user.a = ENODATA" },
	{ "user attributes are for files and directories",
	  "symlink x l; setxattr l user.a 1 = EPERM; getxattr l user.a = ENODATA|EPERM; mkfifo p 0644; setxattr p user.a 1 = EPERM;"
	  "setxattr l trusted.a 1; getxattr l trusted.a = 1; listxattr l = trusted.a" },
	{ "permissions",
	  "create f 0644; setxattr f user.a 1; u1: getxattr f user.a = 1; u1: setxattr f user.a 2 = EACCES;"
	  "u1: removexattr f user.a = EACCES; chmod f 0666; u1: setxattr f user.a 2; chmod f 0; u1: getxattr f user.a = EACCES;"
	  "u1: listxattr f = user.a" },
	{ "in a sticky directory only the owner",
	  "mkdir d 01777; u1: setxattr d user.a 1 = EPERM; setxattr d user.a 1; u1: getxattr d user.a = 1" },
	{ "trusted attributes are for root",
	  "create f 0666; chown f u1 u1; setxattr f trusted.a 1; getxattr f trusted.a = 1; u1: getxattr f trusted.a = ENODATA;"
	  "u1: setxattr f trusted.a 2 = EPERM; u1: removexattr f trusted.a = EPERM; u1: listxattr f = (none); listxattr f = trusted.a" },
	{ "there is no such space", "create f 0644; setxattr f nosuch.a 1 = EOPNOTSUPP; getxattr f nosuch.a = EOPNOTSUPP; setxattr f noprefix 1 = EOPNOTSUPP; removexattr f nosuch.a = EOPNOTSUPP; setxattr f system.nosuch 1 = EOPNOTSUPP" },
	{ "they belong to the file, not the name", "create f 0644; setxattr f user.a 1; link f g; rename f h; getxattr g user.a = 1; setxattr g user.a 2; getxattr h user.a = 2; create f 0644; getxattr f user.a = ENODATA" },
	{ "a missing file", "getxattr no user.a = ENOENT; setxattr no user.a 1 = ENOENT; listxattr no = ENOENT; removexattr no user.a = ENOENT" },
	{ NULL }
};
