/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* open(2): flags against what is there, and what the flags then do. */
#include "../script.h"

#include <string.h>

/* What a name may stand for; a result for each follows in `matrix`. */
static const char *const targets[] = { "missing", "file",	"dir",	   "link-to-file",
				       "dangling", "link-to-dir", "fifo" };

enum { TARGETS = sizeof(targets) / sizeof(targets[0]) };

/* The fifo column only where the open does not wait for another side. */
static const struct {
	const char *flags;
	const char *results[TARGETS];
} matrix[] = {
	/*                       missing   file      dir        link-to-file dangling link-to-dir fifo */
	{ "RDONLY",            { "ENOENT", "0",      "0",       "0",      "ENOENT", "0",       NULL } },
	{ "WRONLY",            { "ENOENT", "0",      "EISDIR",  "0",      "ENOENT", "EISDIR",  NULL } },
	{ "RDWR",              { "ENOENT", "0",      "EISDIR",  "0",      "ENOENT", "EISDIR",  "0" } },
	{ "RDONLY|NONBLOCK",   { "ENOENT", "0",      "0",       "0",      "ENOENT", "0",       "0" } },
	{ "WRONLY|NONBLOCK",   { "ENOENT", "0",      "EISDIR",  "0",      "ENOENT", "EISDIR",  "ENXIO" } },
	{ "RDONLY|CREAT",      { "0",      "0",      "EISDIR",  "0",      "0",      "EISDIR",  NULL } },
	{ "WRONLY|CREAT",      { "0",      "0",      "EISDIR",  "0",      "0",      "EISDIR",  NULL } },
	{ "RDWR|CREAT",        { "0",      "0",      "EISDIR",  "0",      "0",      "EISDIR",  "0" } },
	{ "RDWR|CREAT|EXCL",   { "0",      "EEXIST", "EEXIST",  "EEXIST", "EEXIST", "EEXIST",  "EEXIST" } },
	{ "RDONLY|TRUNC",      { "ENOENT", "0",      "EISDIR",  "0",      "ENOENT", "EISDIR",  NULL } },
	{ "WRONLY|TRUNC",      { "ENOENT", "0",      "EISDIR",  "0",      "ENOENT", "EISDIR",  NULL } },
	{ "RDWR|TRUNC",        { "ENOENT", "0",      "EISDIR",  "0",      "ENOENT", "EISDIR",  "0" } },
	{ "RDWR|CREAT|TRUNC",  { "0",      "0",      "EISDIR",  "0",      "0",      "EISDIR",  "0" } },
	{ "RDWR|CREAT|EXCL|TRUNC", { "0",  "EEXIST", "EEXIST",  "EEXIST", "EEXIST", "EEXIST",  "EEXIST" } },
	{ "RDWR|APPEND",       { "ENOENT", "0",      "EISDIR",  "0",      "ENOENT", "EISDIR",  "0" } },
	{ "RDONLY|NOFOLLOW",   { "ENOENT", "0",      "0",       "ELOOP",  "ELOOP",  "ELOOP",   NULL } },
	{ "RDWR|CREAT|NOFOLLOW", { "0",    "0",      "EISDIR",  "ELOOP",  "ELOOP",  "ELOOP",   "0" } },
	{ "RDWR|CREAT|EXCL|NOFOLLOW", { "0", "EEXIST", "EEXIST", "EEXIST", "EEXIST", "EEXIST", "EEXIST" } },
	{ "RDONLY|DIRECTORY",  { "ENOENT", "ENOTDIR", "0",      "ENOTDIR", "ENOENT", "0",      "ENOTDIR" } },
	{ "RDWR|DIRECTORY",    { "ENOENT", "ENOTDIR", "EISDIR", "ENOTDIR", "ENOENT", "EISDIR", "ENOTDIR" } },
	{ "RDONLY|DIRECTORY|NOFOLLOW", { "ENOENT", "ENOTDIR", "0", "ENOTDIR", "ENOTDIR", "ENOTDIR", "ENOTDIR" } },
	{ "RDONLY|DIRECTORY|CREAT", { "EINVAL", "EINVAL", "EINVAL", "EINVAL", "EINVAL", "EINVAL", "EINVAL" } },
	{ "PATH",              { "ENOENT", "0",      "0",       "0",      "ENOENT", "0",       "0" } },
	{ "PATH|NOFOLLOW",     { "ENOENT", "0",      "0",       "0",      "0",      "0",       "0" } },
	{ "PATH|DIRECTORY",    { "ENOENT", "ENOTDIR", "0",      "ENOTDIR", "ENOENT", "0",      "ENOTDIR" } },
	{ "RDONLY|NOATIME",    { "ENOENT", "0",      "0",       "0",      "ENOENT", "0",       NULL } },
};

static void set_up_targets(void)
{
	run_script("create file 0644 text; mkdir dir 0755; symlink file link-to-file;"
		   "symlink nowhere dangling; symlink dir link-to-dir; mkfifo fifo 0644");
}

static void flags_matrix(void)
{
	for (size_t i = 0; i < sizeof(matrix) / sizeof(matrix[0]); i++) {
		script("mkdir row%zu 0755; chdir row%zu", i, i);
		set_up_targets();
		for (int t = 0; t < TARGETS; t++) {
			if (matrix[i].results[t])
				script("try %s %s 0644 = %s", targets[t], matrix[i].flags,
				       matrix[i].results[t]);
			/* What was made through the dangling link must not disturb the rest. */
			run_script("try nowhere RDONLY = 0|ENOENT");
		}
		run_script("chdir ..");
	}
}

/* As `matrix` says for the target that a flag could damage: is the content what it should be? */
static void truncation_matrix(void)
{
	for (size_t i = 0; i < sizeof(matrix) / sizeof(matrix[0]); i++) {
		const char *flags = matrix[i].flags;
		const bool truncates = strstr(flags, "TRUNC") && matrix[i].results[1][0] == '0';

		script("mkdir row%zu 0755; chdir row%zu; create file 0644 text; link file other;"
		       "try file %s 0600 = %s; stat other size = %d; stat other mode = 0644; chdir ..",
		       i, i, flags, matrix[i].results[1], truncates ? 0 : 4);
	}
}

const struct check checks_open[] = {
	{ "flags against kinds of target", .run = flags_matrix },
	{ "only O_TRUNC truncates, and only if the open succeeds", .run = truncation_matrix },
	{ "a trailing slash wants a directory",
	  "create f 0644; mkdir d 0755; symlink d ld; symlink f lf;"
	  "try f/ RDONLY = ENOTDIR; try d/ RDONLY; try ld/ RDONLY; try lf/ RDONLY = ENOTDIR;"
	  "try new/ RDWR|CREAT 0644 = EISDIR; try f/ RDWR|CREAT 0644 = EISDIR|ENOTDIR;"
	  "try f/x RDONLY = ENOTDIR; try no/x RDONLY = ENOENT; try no/x RDWR|CREAT 0644 = ENOENT" },
	{ "the umask takes bits away from the mode",
	  "umask 022; try a RDWR|CREAT 0666; stat a mode = 0644; umask 0777; try b RDWR|CREAT 0666;"
	  "stat b mode = 00; umask 027; mkdir d 0777; stat d mode = 0750; mkfifo p 0666;"
	  "stat p mode = 0640; umask 0; try c RDWR|CREAT 0123; stat c mode = 0123" },
	{ "the mode may carry special bits",
	  "try a RDWR|CREAT 04755; stat a mode = 04755; try b RDWR|CREAT 01644; stat b mode = 01644;"
	  "mkdir d 01777; stat d mode = 01777" },
	{ "O_CREAT leaves what exists as it is",
	  "create f 0600 text; mark f; try f RDWR|CREAT 0644; since f = -; stat f mode = 0600;"
	  "stat f size = 4" },
	{ "what is created belongs to the caller",
	  "u1: create f 0644; stat f uid = u1; stat f gid = u1; u2: mkdir d 0755; stat d uid = u2;"
	  "u3: symlink x l; stat l uid = u3; stat l gid = u3; u1: mkfifo p 0600; stat p uid = u1" },
	{ "what is created in a setgid directory gets its group",
	  "mkdir d 0755; chown d root u2; chmod d 02777; u1: create d/f 0644; stat d/f gid = u2;"
	  "stat d/f uid = u1; u1: mkdir d/s 0755; stat d/s gid = u2; stat d/s mode = 02755;"
	  "u1: symlink x d/l; stat d/l gid = u2; u1: mkfifo d/p 0644; stat d/p gid = u2;"
	  "stat d/f mode = 0644" },
	{ "a setgid file in a setgid directory only for members",
	  "mkdir d 0755; chown d root u2; chmod d 02777; u1: create d/f 02755; stat d/f mode = 0755;"
	  "u2: create d/g 02755; stat d/g mode = 02755; create d/h 02755; stat d/h mode = 02755" },
	{ "a new file without rights can still be written by its creator",
	  "u1: open 0 f WRONLY|CREAT|EXCL 0; write 0 hello = 5; u1: try f RDONLY = EACCES;"
	  "stat f size = 5; stat f mode = 00" },
	{ "a new file may be read-only and opened for writing",
	  "u1: open 0 f RDWR|CREAT 0444; write 0 hello = 5; read 0 0 = hello; u1: try f RDWR = EACCES" },
	{ "O_APPEND writes go to the end",
	  "create f 0644 one; open 0 f WRONLY|APPEND; open 1 f WRONLY; write 1 four = 4;"
	  "write 0 two = 3; seek 0 0 cur = 7; seek 0 0 set; write 0 x = 1; open 2 f RDONLY;"
	  "read 2 = fourtwox" },
	{ "O_APPEND and pwrite goes to the end as well, on Linux",
	  "create f 0644 one; open 0 f RDWR|APPEND; write 0 two 0 = 3; read 0 0 = onetwo" },
	{ "reading needs a descriptor for reading, writing one for writing",
	  "create f 0644 text; open 0 f WRONLY; read 0 = EBADF; open 1 f RDONLY; write 1 x = EBADF;"
	  "ftruncate 1 0 = EINVAL; open 2 f PATH; read 2 = EBADF; fchmod 2 0600 = EBADF" },
	{ "access mode 3 checks both rights and grants neither",
	  "create f 0600 text; open 0 f ACCMODE; read 0 = EBADF; write 0 x = EBADF;"
	  "chown f u1 u1; chmod f 0400; u1: try f ACCMODE = EACCES; chmod f 0600; u1: try f ACCMODE" },
	{ "O_NOATIME is for owners",
	  "create f 0644 text; u1: try f RDONLY|NOATIME = EPERM; chown f u1 u1;"
	  "u1: try f RDONLY|NOATIME; u2: try f RDONLY|NOATIME = EPERM; try f RDONLY|NOATIME" },
	{ "an open file survives a change of its mode and owner",
	  "create f 0644 text; u1: open 0 f RDONLY; chmod f 0; u1: read 0 = text;"
	  "u1: try f RDONLY = EACCES; chown f u2 u2; u1: read 0 0 = text" },
	{ "O_EXCL without O_CREAT changes nothing for a file",
	  "create f 0644; try f RDONLY|EXCL; try g RDONLY|EXCL = ENOENT" },
	{ "O_SYNC and O_NONBLOCK work on a file",
	  "open 0 f RDWR|CREAT|SYNC 0644; write 0 text = 4; open 1 f RDONLY|NONBLOCK; read 1 = text" },
	{ NULL }
};
