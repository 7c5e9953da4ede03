/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hard links and link counts. */
#include "../script.h"

#include <stdio.h>

/* Many names, and all of them gone again. */
static void many_links(void)
{
	run_script("create f 0644 text");
	for (int i = 0; i < 1000; i++)
		script("link f l%d", i);
	run_script("stat f nlink = 1001; unlink f; stat l500 nlink = 1000");
	for (int i = 0; i < 1000; i++)
		script("unlink l%d", i);
	run_script("list . = 2");
}

const struct check checks_link[] = {
	{ "two names, one file",
	  "create f 0644 text; link f g; same f g = 1; stat f nlink = 2; open 0 g RDWR;"
	  "write 0 TEXT = 4; open 1 f RDONLY; read 1 = TEXT; chmod f 0600; stat g mode = 0600;"
	  "unlink f; stat g nlink = 1; stat f = ENOENT" },
	{ "a thousand names", .run = many_links },
	{ "in another directory", "mkdir d 0755; create f 0644; link f d/g; same f d/g = 1; unlink f; stat d/g nlink = 1" },
	{ "not for directories", "mkdir d 0755; link d e = EPERM; link . e = EPERM|ENOENT" },
	{ "not over something", "create f 0644; create g 0644; mkdir d 0755; symlink x l; link f g = EEXIST; link f d = EEXIST; link f l = EEXIST; link f f = EEXIST" },
	{ "not from nothing", "link no f = ENOENT; create f 0644; link f no/g = ENOENT; link f f/g = ENOTDIR" },
	{ "of a symbolic link", "symlink nowhere l; link l m; same l m = 1; readlink m = nowhere; stat l nlink = 2" },
	{ "of a fifo and a device", "mkfifo p 0644; link p q; same p q = 1; mknod c char 0644 259; link c d; stat d rdev = 259" },
	{ "directories count themselves and those in them",
	  "mkdir d 0755; stat d nlink = 2; mkdir d/a 0755; mkdir d/b 0755; stat d nlink = 4;"
	  "create d/f 0644; stat d nlink = 4; rmdir d/a; stat d nlink = 3; stat d/b nlink = 2" },
	{ "a file without a name has none",
	  "create f 0644; open 0 f RDONLY; link f g; unlink f; fstat 0 nlink = 1; unlink g; fstat 0 nlink = 0" },
	{ "a removed file cannot get a name again", "create f 0644; open 0 f RDONLY; unlink f; linkfd 0 g = ENOENT" },
	{ "an open file that still has a name can", "create f 0644; open 0 f RDONLY; linkfd 0 g; same f g = 1" },
	{ "another user's file, as the protections say",
	  "mkdir d 0777; create f 0600; u1: link f d/g = 0|EPERM" },
	{ NULL }
};
