/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In a sticky directory names belong to whom the file or the directory belongs. */
#include "../script.h"

/* Directory of root, file of u1. Who may remove or rename it? */
#define SET_UP "mkdir d 01777; mkdir e 0777; u1: create d/f 0666; u1: mkdir d/s 0777; u2: create d/o 0666;"

const struct check checks_sticky[] = {
	{ "unlink", SET_UP "u2: unlink d/f = EPERM; u3: unlink d/f = EPERM; u1: unlink d/f; u2: unlink d/o" },
	{ "rmdir", SET_UP "u2: rmdir d/s = EPERM; u1: rmdir d/s" },
	{ "root may", SET_UP "unlink d/f; rmdir d/s" },
	{ "the directory's owner may", SET_UP "chown d u2 u2; u2: unlink d/f; u2: rmdir d/s" },
	{ "renaming away", SET_UP "u2: rename d/f e/f = EPERM; u2: rename d/f d/g = EPERM; u1: rename d/f e/f" },
	{ "renaming over",
	  SET_UP "u2: rename d/o d/f = EPERM; u2: create e/o 0644; u2: rename e/o d/f = EPERM;"
		 "u1: rename d/f d/o = EPERM; stat d/f; u1: create e/g 0644; u1: rename e/g d/f" },
	{ "exchanging", SET_UP "u2: rename d/o d/f EXCHANGE = EPERM; rename d/o d/f EXCHANGE; stat d/f uid = u2" },
	{ "renaming in is free", SET_UP "u2: create e/x 0644; u2: rename e/x d/x; stat d/x uid = u2" },
	{ "renaming a directory", SET_UP "u2: rename d/s d/t = EPERM; u1: rename d/s d/t; u1: rename d/t e/t" },
	{ "linking is free", SET_UP "u2: link d/f d/g; stat d/f nlink = 2; u2: unlink d/g = EPERM" },
	{ "without the bit everybody may", SET_UP "chmod d 0777; u2: unlink d/f; u2: rmdir d/s" },
	{ "a symbolic link belongs to its owner",
	  SET_UP "u1: symlink f d/l; u2: unlink d/l = EPERM; u2: rename d/l d/m = EPERM; u1: unlink d/l" },
	{ "the bit on a file means nothing", "create f 01666; u1: truncate f 1; stat f mode = 01666; chmod f 0644" },
	{ "only who owns a file may set it there",
	  "u1: create f 0644; u1: chmod f 01644; stat f mode = 01644; u1: mkdir d 0755; u1: chmod d 01755;"
	  "stat d mode = 01755" },
	{ NULL }
};
