/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What changes which time stamp. Letters: a(ccess), m(odify), c(hange); never b(irth). */
#include "../script.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define OLD "utimens f 1000 1000;"

static void store_by_mmap(void)
{
	char *map;
	int fd;

	put_file("f", 0644, "text");
	fd = must(open("f", O_RDWR));
	map = mmap(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		fail("mmap: %m");
	run_script("mark f");
	map[0] = 'T';
	must(msync(map, 4, MS_SYNC));
	munmap(map, 4);
	must(fsync(fd));
	must(close(fd));
	/* Where the store has to read the page first, that is an access. */
	run_script("since f = mc|amc");
}

/* A new file's times are those of its making, and agree with the clock. */
static void new_file_is_now(void)
{
	struct timespec before, after;
	struct stat st;

	clock_gettime(CLOCK_REALTIME, &before);
	put_file("f", 0644, "");
	must(stat("f", &st));
	clock_gettime(CLOCK_REALTIME, &after);
	/* File systems may stamp with the last tick of the clock. */
	if (st.st_mtim.tv_sec < before.tv_sec - 1 || st.st_mtim.tv_sec > after.tv_sec)
		fail("made at %ld, stamped %ld", (long)before.tv_sec, (long)st.st_mtim.tv_sec);
	must_be(st.st_mtim.tv_sec, st.st_atim.tv_sec);
	must_be(st.st_mtim.tv_sec, st.st_ctim.tv_sec);
}

const struct check checks_times[] = {
	{ "write", "create f 0644; open 0 f WRONLY; mark f; write 0 x; since f = mc" },
	{ "write of nothing", "create f 0644 x; open 0 f WRONLY; mark f; write 0 empty; since f = -" },
	{ "read of old data", "create f 0644 text; " OLD "open 0 f RDONLY; mark f; read 0 = text; since f = a" },
	{ "read with O_NOATIME", "create f 0644 text; " OLD "open 0 f RDONLY|NOATIME; mark f; read 0 = text; since f = -" },
	{ "open and close", "create f 0644 text; mark f; try f RDWR; since f = -" },
	{ "open with O_TRUNC", "create f 0644 text; mark f; try f RDWR|TRUNC; since f = mc" },
	{ "open of an empty file with O_TRUNC", "create f 0644; mark f; try f RDWR|TRUNC; since f = mc" },
	{ "truncate to another size", "create f 0644 text; mark f; truncate f 2; since f = mc; mark f; truncate f 99; since f = mc" },
	{ "truncate to the same size", "create f 0644 text; mark f; truncate f 4; since f = mc" },
	{ "ftruncate to the same size", "create f 0644 text; open 0 f RDWR; mark f; ftruncate 0 4; since f = mc" },
	{ "failed truncate", "create f 0644 text; mark f; u1: truncate f 0 = EACCES; since f = -" },
	{ "fallocate", "create f 0644 text; open 0 f RDWR; mark f; fallocate 0 none 0 100000; since f = mc" },
	{ "fallocate within the size", "create f 0644 text; open 0 f RDWR; mark f; fallocate 0 keep 0 4; since f = mc|c" },
	{ "punching a hole", "create f 0644 text; open 0 f RDWR; mark f; fallocate 0 punch+keep 0 4; since f = mc" },
	{ "store through a shared mapping", .run = store_by_mmap },
	{ "chmod", "create f 0644; mark f; chmod f 0600; since f = c; mark f; chmod f 0600; since f = c" },
	{ "chown", "create f 0644; mark f; chown f u1 u1; since f = c; mark f; chown f -1 -1; since f = c|-" },
	{ "link", "create f 0644; mkdir d 0755; mark f d; link f d/g; since f = c; since d = mc" },
	{ "unlink of one of two names", "create f 0644; link f g; mark f .; unlink g; since f = c; since . = mc" },
	{ "rename", "create f 0644; mkdir d 0755; mkdir e 0755; rename f d/f; mark d/f d e; rename d/f e/g; since d/f e/g = c; since d = mc; since e = mc" },
	{ "rename onto a file with two names", "create f 0644; create g 0644; link g h; mark f h; rename f g; since f g = c; since h = c" },
	{ "rename of a directory", "mkdir a 0755; mkdir b 0755; mkdir a/d 0755; mark a a/d b; rename a/d b/d; since a/d b/d = c|mc; since a = mc; since b = mc" },
	{ "exchange", "create f 0644; create g 0644; mark f g; rename f g EXCHANGE; since f g = c; since g f = c" },
	{ "create", "mkdir d 0755; mark d; create d/f 0644; since d = mc" },
	{ "mkdir", "mkdir d 0755; mark d; mkdir d/e 0755; since d = mc" },
	{ "symlink", "mkdir d 0755; mark d; symlink x d/l; since d = mc" },
	{ "mkfifo", "mkdir d 0755; mark d; mkfifo d/p 0644; since d = mc" },
	{ "unlink", "mkdir d 0755; create d/f 0644; mark d; unlink d/f; since d = mc" },
	{ "rmdir", "mkdir d 0755; mkdir d/e 0755; mark d; rmdir d/e; since d = mc" },
	{ "failed create", "mkdir d 0755; create d/f 0644; mark d; create d/f 0644 = EEXIST; mkdir d/f 0755 = EEXIST; since d = -" },
	{ "failed unlink", "mkdir d 0755; mkdir d/e 0755; mark d; unlink d/e = EISDIR; unlink d/x = ENOENT; rmdir d/x = ENOENT; since d = -" },
	{ "list", "mkdir f 0755; " OLD "mark f; list f = 2; since f = a" },
	{ "readlink", "symlink x f; " OLD "mark f; readlink f = x; since f = a" },
	{ "setxattr and removexattr", "create f 0644; mark f; setxattr f user.a b; since f = c; mark f; removexattr f user.a; since f = c" },
	{ "getxattr and listxattr", "create f 0644; setxattr f user.a b; mark f; getxattr f user.a = b; listxattr f = user.a; since f = -" },
	{ "stat", "create f 0644 text; mark f; stat f; try f PATH; since f = -" },
	{ "fsync", "create f 0644 text; open 0 f RDWR; mark f; fsync 0; since f = -" },
	{ "utimens", "create f 0644; mark f; utimens f 1 2; since f = amc; mark f; utimens f now now; since f = amc" },
	{ "utimens of one", "create f 0644; mark f; utimens f 1 omit; since f = ac; mark f; utimens f omit 1; since f = mc; mark f; utimens f now omit; since f = ac; mark f; utimens f omit now; since f = mc" },
	{ "utimens of none", "create f 0644; mark f; utimens f omit omit; since f = -" },
	{ "utimens keeps nanoseconds", "create f 0644; utimens f 1.123456789 2.987654321; stat f atime = 1; stat f atime_ns = 123456789; stat f mtime_ns = 987654321" },
	{ "utimens on a symbolic link", "create f 0644; symlink f l; mark f; utimens l 11 12; since f = -; stat l mtime = 12" },
	{ "utimens far from now", "create f 0644; utimens f 0 4294967296; stat f atime = 0; stat f mtime = 4294967296; utimens f -1 -2147483648; stat f atime = -1; stat f mtime = -2147483648; utimens f 2147483648 3000000000; stat f atime = 2147483648; stat f mtime = 3000000000" },
	{ "utimens on a directory, a fifo, a device", "mkdir d 0755; utimens d 1 2; stat d mtime = 2; mkfifo p 0644; utimens p 3 4; stat p mtime = 4; mknod c char 0644 259; utimens c 5 6; stat c mtime = 6" },
	{ "a new file is stamped with now", .run = new_file_is_now },
	{ "an unlinked file still has times", "create f 0644; open 0 f RDWR; unlink f; fchmod 0 0600; write 0 x; fstat 0 mode = 0600" },
	{ NULL }
};
