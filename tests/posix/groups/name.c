/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What names may look like, and how long they may be. */
#include "../script.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Every byte but '/' and NUL is a character of a name. */
static void every_byte(void)
{
	char name[4] = "a?z";
	struct stat st;
	int made = 0;

	for (int c = 1; c < 256; c++) {
		if (c == '/')
			continue;
		name[1] = (char)c;
		put_file(name, 0644, "");
		made++;
	}
	script("list . = %d", made + 2);
	for (int c = 1; c < 256; c++) {
		if (c == '/')
			continue;
		name[1] = (char)c;
		must(stat(name, &st));
		must(unlink(name));
	}
	run_script("list . = 2");
}

/* A path of exactly this many characters to the place one stands in, by way of "./". */
static void path_of(char *path, size_t len, const char *end)
{
	const size_t fill = len - strlen(end);

	for (size_t i = 0; i + 1 < fill; i += 2)
		memcpy(path + i, "./", 2);
	if (fill % 2)
		memcpy(path + fill - 1, "/", 1);
	strcpy(path + fill, end);
}

static void path_max(void)
{
	char path[PATH_MAX + 10];
	struct stat st;

	put_file("file", 0644, "");
	path_of(path, PATH_MAX - 1, "file");
	must(stat(path, &st));
	must(chmod(path, 0600));
	must(access(path, R_OK));
	path_of(path, PATH_MAX, "file");
	must_fail(ENAMETOOLONG, stat(path, &st));
	must_fail(ENAMETOOLONG, open(path, O_RDWR | O_CREAT, 0644));
	must_fail(ENAMETOOLONG, unlink(path));
}

/* Deeper than PATH_MAX, one step at a time, there and back. */
static void deep(void)
{
	char name[201];
	enum { LEVELS = 60 };

	memset(name, 'd', 200);
	name[200] = '\0';
	for (int i = 0; i < LEVELS; i++) {
		must(mkdir(name, 0755));
		must(chdir(name));
	}
	put_file("bottom", 0644, "text");
	run_script("rename bottom below; stat below size = 4; unlink below");
	for (int i = 0; i < LEVELS; i++) {
		must(chdir(".."));
		must(rmdir(name));
	}
}

static void name_max(void)
{
	struct statvfs st;

	must(statvfs(".", &st));
	must_be(255, st.f_namemax);
	must_be(255, pathconf(".", _PC_NAME_MAX));
}

const struct check checks_name[] = {
	{ "255 characters",
	  "create @255 0644 text; stat @255 size = 4; rename @255 a@254; stat @255 = ENOENT;"
	  "link a@254 b@254; unlink a@254; list . = 3; mkdir @255 0755; create @255/@255 0644; rmdir @255 = ENOTEMPTY;"
	  "symlink @255 c@254; stat c@254 size = 255; unlink b@254" },
	{ "256 characters are too many",
	  "create @256 0644 = ENAMETOOLONG; mkdir @256 0755 = ENAMETOOLONG; symlink x @256 = ENAMETOOLONG;"
	  "mkfifo @256 0644 = ENAMETOOLONG; create f 0644; link f @256 = ENAMETOOLONG; rename f @256 = ENAMETOOLONG;"
	  "stat @256 = ENAMETOOLONG; unlink @256 = ENAMETOOLONG; rmdir @256 = ENAMETOOLONG; rename @256 f = ENAMETOOLONG;"
	  "try @256 RDONLY = ENAMETOOLONG; try @1000 RDWR|CREAT 0644 = ENAMETOOLONG; truncate @256 0 = ENAMETOOLONG; chdir @256 = ENAMETOOLONG" },
	{ "the limit is reported", .run = name_max },
	{ "every byte", .run = every_byte },
	{ "PATH_MAX", .run = path_max },
	{ "deeper than PATH_MAX", .run = deep },
	{ "names that mean something elsewhere", "create ... 0644; mkdir .x 0755; create - 0644; create \\ 0644; create * 0644; create .fuse_hidden0000 0644; create con 0644; list . = 9; stat ...; unlink \\; unlink -; list . = 7" },
	{ "upper and lower case differ", "create a 0644 1; create A 0644 22; stat a size = 1; stat A size = 2; rename a B; stat b = ENOENT; list . = 4" },
	{ ". and ..", "mkdir d 0755; same d/. d = 1; same d/.. . = 1; mkdir . 0755 = EEXIST; mkdir .. 0755 = EEXIST; mkdir d/.. 0755 = EEXIST; create . 0644 = EEXIST; symlink x .. = EEXIST" },
	{ "slashes", "mkdir d 0755; mkdir d/e/ 0755; create d//f 0644; stat d///f; mkdir n/ 0755; rmdir n/; try d/f/ RDONLY = ENOTDIR; stat d/e//" },
	{ "a file is no directory", "create f 0644; stat f/x = ENOTDIR; create f/x 0644 = ENOTDIR; mkdir f/x 0755 = ENOTDIR; unlink f/x = ENOTDIR; rmdir f/x = ENOTDIR; list f = ENOTDIR; chdir f = ENOTDIR; link f f/x = ENOTDIR; rename f f/x = ENOTDIR; symlink x f/x = ENOTDIR; stat f/.. = ENOTDIR" },
	{ NULL }
};
