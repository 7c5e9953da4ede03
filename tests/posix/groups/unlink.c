/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Removing names, also of what is in use. */
#include "../script.h"

#include <errno.h>
#include <fcntl.h>
#include <dirent.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void mapped_after_unlink(void)
{
	char *map;
	int fd;

	put_file("f", 0644, "mapped text");
	fd = must(open("f", O_RDWR));
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		fail("mmap: %m");
	must(unlink("f"));
	must(close(fd));
	if (strcmp(map, "mapped text") != 0)
		fail("the mapping shows %.20s", map);
	memcpy(map, "MAPPED", 6);
	must(msync(map, 4096, MS_SYNC));
	must(munmap(map, 4096));
}

/* Somebody stands in a directory that is removed. */
static void removed_cwd(void)
{
	char buf[4096];
	DIR *dir;

	run_script("mkdir d 0755; chdir d");
	dir = opendir(".");
	must(rmdir("../d"));
	run_script("create f 0644 = ENOENT; mkdir e 0755 = ENOENT; symlink x l = ENOENT;"
		   "mkfifo p 0644 = ENOENT; stat . nlink = 0; stat f = ENOENT");
	if (getcwd(buf, sizeof(buf)) && strncmp(buf, "(unreachable)", 13) != 0)
		fail("getcwd gives %s", buf);
	if (readdir(dir))
		fail("a removed directory lists entries");
	closedir(dir);
}

static void many_open_unlinked(void)
{
	enum { COUNT = 200 };
	int fds[COUNT];
	char c;

	for (int i = 0; i < COUNT; i++) {
		fds[i] = must(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
		c = (char)i;
		must_be(1, pwrite(fds[i], &c, 1, 0));
		must(unlink("f"));
	}
	for (int i = 0; i < COUNT; i++) {
		must_be(1, pread(fds[i], &c, 1, 0));
		must_be((char)i, c);
		must(close(fds[i]));
	}
}

const struct check checks_unlink[] = {
	{ "an open file lives on",
	  "create f 0644 text; open 0 f RDWR; unlink f; stat f = ENOENT; read 0 = text; write 0 more 4 = 4;"
	  "read 0 0 = textmore; fstat 0 nlink = 0; fstat 0 size = 8; ftruncate 0 2; fstat 0 size = 2;"
	  "fchmod 0 0600; fchown 0 u1 u2; fstat 0 mode = 0600; fstat 0 uid = u1; fsync 0; close 0" },
	{ "its name is free", "create f 0644 old; open 0 f RDONLY; unlink f; create f 0644 new; open 1 f RDONLY; read 0 = old; read 1 = new" },
	{ "200 open files without a name", .run = many_open_unlinked },
	{ "a mapped file lives on", .run = mapped_after_unlink },
	{ "not a directory", "mkdir d 0755; unlink d = EISDIR; unlink . = EISDIR; stat d" },
	{ "not what is not there", "unlink no = ENOENT; unlink no/f = ENOENT; create f 0644; unlink f/x = ENOTDIR; unlink f/ = ENOTDIR" },
	{ "a symbolic link itself", "create f 0644; symlink f l; unlink l; stat f; symlink no m; unlink m" },
	{ "rmdir wants a directory", "create f 0644; symlink d l; mkdir d 0755; rmdir f = ENOTDIR; rmdir l = ENOTDIR; rmdir no = ENOENT; rmdir d; stat l" },
	{ "rmdir wants it empty",
	  "mkdir d 0755; create d/f 0644; rmdir d = ENOTEMPTY; unlink d/f; mkdir d/e 0755; rmdir d = ENOTEMPTY;"
	  "rmdir d/e; symlink x d/l; rmdir d = ENOTEMPTY; unlink d/l; rmdir d" },
	{ "rmdir not of . and ..", "mkdir d 0755; rmdir d/. = EINVAL; rmdir d/.. = ENOTEMPTY; rmdir . = EINVAL" },
	{ "the place one stands in", .run = removed_cwd },
	{ "an open directory", "mkdir d 0755; open 0 d RDONLY|DIRECTORY; rmdir d; fstat 0 nlink = 0; fchmod 0 0700; fstat 0 mode = 0700" },
	{ "a name can come back as another kind", "create f 0644; unlink f; mkdir f 0755; rmdir f; symlink x f; readlink f = x; unlink f; mkfifo f 0600; unlink f; create f 0644" },
	{ "ctime of the other name changes", "create f 0644; link f g; mark g; unlink f; since g = c" },
	{ NULL }
};
