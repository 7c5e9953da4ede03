/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files without a name: O_TMPFILE. */
#include "../script.h"

const struct check checks_tmpfile[] = {
	{ "has no name", "open 0 . RDWR|TMPFILE 0640; list . = 2; fstat 0 nlink = 0; fstat 0 mode = 0640; fstat 0 size = 0; write 0 text = 4; read 0 0 = text; close 0; list . = 2" },
	{ "gets a name", "open 0 . RDWR|TMPFILE 0640; write 0 text = 4; linkfd 0 f; list . = 3; stat f nlink = 1; stat f size = 4; open 1 f RDONLY; read 1 = text; write 0 more = 4; read 1 0 = textmore; close 0; stat f size = 8; linkfd 1 g; stat f nlink = 2" },
	{ "gets a name in another directory", "mkdir d 0755; open 0 . WRONLY|TMPFILE 0644; linkfd 0 d/f; stat d/f; list d = 3" },
	{ "with O_EXCL never gets one", "open 0 . RDWR|TMPFILE|EXCL 0640; write 0 text = 4; linkfd 0 f = ENOENT; list . = 2" },
	{ "needs to be written", "try . RDONLY|TMPFILE 0644 = EINVAL; open 0 . WRONLY|TMPFILE 0; fstat 0 mode = 00" },
	{ "needs a directory", "create f 0644; try f RDWR|TMPFILE 0644 = ENOTDIR; try no RDWR|TMPFILE 0644 = ENOENT" },
	{ "belongs to the caller", "mkdir d 02777; chown d root u2; chmod d 02777; u1: open 0 d RDWR|TMPFILE 0644; fstat 0 uid = u1; fstat 0 gid = u2; mkdir e 0755; u1: try e RDWR|TMPFILE 0644 = EACCES" },
	{ "the umask counts", "umask 077; open 0 . RDWR|TMPFILE 0666; fstat 0 mode = 0600" },
	{ "has attributes and times", "open 0 . RDWR|TMPFILE 0644; linkfd 0 f; setxattr f user.a b; mark .; open 1 . RDWR|TMPFILE 0644; since . = -; mark f; linkfd 0 g; since f = c" },
	{ NULL }
};
