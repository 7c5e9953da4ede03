/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may do what, by mode bits. */
#include "../script.h"

/* Files of u1 with group u1, as u1 (owner), u3 (member), u2 (other) and root see them. */
static const char *const who[] = { "u1: ", "u3: ", "u2: ", "" };
static const unsigned shift[] = { 6, 3, 0 };

/* Each bit alone, each class alone, the usual ones, and some that favour the wrong class. */
static const unsigned modes[] = {
	0,    0400, 0200, 0100, 0040, 0020, 0010, 0004, 0002, 0001, 0700, 0070, 0007,
	0300, 0030, 0003, 0500, 0050, 0005, 0644, 0755, 0666, 0777, 0077, 0707, 0770, 0567,
};

enum { MODES = sizeof(modes) / sizeof(modes[0]) };

static const char *allowed(unsigned mode, int w, unsigned want)
{
	if (w < 3)
		return (mode >> shift[w] & want) == want ? "0" : "EACCES";
	/* Root reads and writes everything, and executes what anybody may execute. */
	return (want & 1) && !(mode & 0111) ? "EACCES" : "0";
}

/* Only the first class that fits counts, also if it has less than the next one. */
static void file_bits(void)
{
	run_script("create f 0644; chown f u1 u1");
	for (int m = 0; m < MODES; m++) {
		const unsigned mode = modes[m];

		script("chmod f 0%o; stat f mode = 0%o", mode, mode);
		for (int w = 0; w < 4; w++) {
			script("%saccess f r = %s; %saccess f w = %s; %saccess f x = %s;"
			       "%saccess f rw = %s; %saccess f rwx = %s; %saccess f f",
			       who[w], allowed(mode, w, 4), who[w], allowed(mode, w, 2), who[w],
			       allowed(mode, w, 1), who[w], allowed(mode, w, 6), who[w],
			       allowed(mode, w, 7), who[w]);
			script("%stry f RDONLY = %s; %stry f WRONLY = %s; %stry f RDWR = %s;"
			       "%struncate f 0 = %s",
			       who[w], allowed(mode, w, 4), who[w], allowed(mode, w, 2), who[w],
			       allowed(mode, w, 6), who[w], allowed(mode, w, 2));
		}
	}
}

static const char *dir_allowed(unsigned mode, int w, unsigned want)
{
	return w == 3 ? "0" : allowed(mode, w, want);
}

static void dir_bits(void)
{
	run_script("mkdir d 0755; create d/f 0666; mkdir d/s 0777; chown d u1 u1; chown d/f u1 u1;"
		   "chown d/s u1 u1; symlink f d/l");
	for (int m = 0; m < MODES; m++) {
		const unsigned mode = modes[m];

		script("chmod d 0%o", mode);
		for (int w = 0; w < 4; w++) {
			const char *search = dir_allowed(mode, w, 1);
			const char *change = dir_allowed(mode, w, 3);
			/* What could not be made is not there to be removed. */
			const char *again = *change == '0' ? "0" :
					    *search == '0' ? "ENOENT" :
							     "EACCES";

			if (*change != '0')
				script("%sunlink d/f = EACCES; %srmdir d/s = EACCES", who[w], who[w]);

			script("%slist d = %s; %sstat d; %sstat d/f = %s; %stry d/f RDONLY = %s;"
			       "%sreadlink d/l = %s; %sstat d/none = %s",
			       who[w], w == 3 || (mode >> shift[w] & 4) ? "5" : "EACCES", who[w],
			       who[w], search, who[w], search, who[w],
			       *search == '0' ? "f" : search, who[w],
			       *search == '0' ? "ENOENT" : search);
			script("%screate d/new 0644 = %s; %slink d/f d/two = %s;"
			       "%srename d/f d/g = %s; %ssymlink x d/y = %s; %smkdir d/m 0755 = %s;"
			       "%smkfifo d/p 0644 = %s",
			       who[w], change, who[w], change, who[w], change, who[w], change,
			       who[w], change, who[w], change);
			script("%sunlink d/two = %s; %srmdir d/m = %s; %sunlink d/y = %s;"
			       "%srename d/g d/f = %s; %sunlink d/new = %s; %sunlink d/p = %s",
			       who[w], again, who[w], again, who[w], again, who[w], again, who[w],
			       again, who[w], again);
		}
	}
}

const struct check checks_permission[] = {
	{ "file bits against owner, member, other and root", .run = file_bits },
	{ "directory bits against owner, member, other and root", .run = dir_bits },
	{ "search permission along a path",
	  "mkdir a 0755; mkdir a/b 0755; create a/b/f 0666; u1: stat a/b/f; chmod a/b 0644;"
	  "u1: stat a/b/f = EACCES; u1: list a/b = 3; chmod a/b 0755; chmod a 0700;"
	  "u1: stat a/b/f = EACCES; u1: try a/b/f RDWR|CREAT 0644 = EACCES" },
	{ "chmod is for the owner and root",
	  "create f 0644; chown f u1 u1; u2: chmod f 0777 = EPERM; u3: chmod f 0777 = EPERM;"
	  "u1: chmod f 0600; stat f mode = 0600; chmod f 0755; stat f mode = 0755;"
	  "u1: open 0 f RDONLY; u2: fchmod 0 0777 = EPERM; u1: fchmod 0 0640; stat f mode = 0640" },
	{ "chown of the owner is for root",
	  "create f 0644; chown f u1 u1; u1: chown f u2 -1 = EPERM; u1: chown f u1 -1;"
	  "u2: chown f u2 -1 = EPERM; chown f u2 u2; stat f uid = u2; stat f gid = u2;"
	  "chown f -1 u1; stat f uid = u2; stat f gid = u1; chown f u3 -1; stat f uid = u3" },
	{ "chgrp is for the owner, to one of his groups",
	  "create f 0644; chown f u3 u3; u3: chown f -1 u1; stat f gid = u1;"
	  "u3: chown f -1 u2 = EPERM; u3: chown f -1 u3; u1: chown f -1 u1 = EPERM;"
	  "u3: chown f u3 u1; stat f gid = u1" },
	{ "lchown changes a symbolic link itself",
	  "create f 0644; symlink f l; lchown l u1 u2; stat l uid = u1; stat l gid = u2;"
	  "stat f uid = root; chown l u2 u1; stat f uid = u2; stat l uid = u1" },
	{ "times: now needs write permission, a given time the owner",
	  "create f 0644; chown f u1 u1; u1: utimens f 1 2; u1: utimens f now now;"
	  "u2: utimens f now now = EACCES; u2: utimens f 1 2 = EPERM; chmod f 0666;"
	  "u2: utimens f now now; u2: utimens f 1 2 = EPERM; u2: utimens f now omit = EPERM;"
	  "u2: utimens f omit omit; chmod f 0; u1: utimens f 3 4; stat f mtime = 4" },
	{ "removing needs no right on the file",
	  "mkdir d 0777; create d/f 0; u1: unlink d/f; create d/g 0; u1: rename d/g d/h; stat d/h" },
	{ "renaming a directory to another parent needs write permission on it",
	  "mkdir a 0777; mkdir b 0777; mkdir a/d 0755; chown a/d u2 u2; u1: rename a/d b/d = EACCES;"
	  "chmod a/d 0777; u1: rename a/d b/d; chmod b/d 0755; u1: rename b/d b/e" },
	{ "linking needs write permission in the new directory only",
	  "mkdir d 0755; create f 0666; chown f u1 u1; u1: link f d/f = EACCES; chmod d 0777;"
	  "u1: link f d/f; stat f nlink = 2" },
	{ "making a device needs privilege, a fifo does not",
	  "mkdir d 0777; u1: mknod d/c char 0644 259 = EPERM; u1: mknod d/b block 0644 259 = EPERM;"
	  "u1: mknod d/p fifo 0644; u1: mknod d/s socket 0644; u1: mknod d/f file 0644;"
	  "mknod d/c char 0644 259; stat d/c rdev = 259" },
	{ "truncate needs write permission, ftruncate a descriptor",
	  "create f 0644 text; u1: truncate f 0 = EACCES; u1: open 0 f RDONLY; u1: ftruncate 0 0 = EINVAL;"
	  "chmod f 0666; u1: truncate f 2; stat f size = 2" },
	{ "root may all but execute what nobody may",
	  "u1: create f 0; access f rw; access f x = EACCES; chmod f 0001; access f x;"
	  "u1: mkdir d 0; access d rwx; create d/x 0644; list d = 3" },
	{ "a member of the group needs no other right",
	  "create f 0040 text; chown f u2 u1; u3: try f RDONLY; u1: try f RDONLY; u2: try f RDONLY = EACCES" },
	{ NULL }
};
