/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading directories, also while they change. */
#include "../script.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MANY = 3000 };

/* How often each of the names n0, n1, ... was seen; others are counted apart. */
static unsigned char seen[2 * MANY];
static int others;

static void make_names(int from, int to)
{
	char name[32];

	for (int i = from; i < to; i++) {
		snprintf(name, sizeof(name), "d/n%d", i);
		put_file(name, 0644, "");
	}
}

static DIR *open_d(void)
{
	DIR *dir = opendir("d");

	if (!dir)
		fail("opendir: %s", errno_name(errno));
	return dir;
}

static void see(const char *name)
{
	if (name[0] == 'n')
		seen[atoi(name + 1)]++;
	else
		others++;
}

static void see_rest(DIR *dir)
{
	struct dirent *entry;

	errno = 0;
	while ((entry = readdir(dir)) != NULL)
		see(entry->d_name);
	if (errno)
		fail("readdir: %s", errno_name(errno));
}

static void expect_once(int from, int to)
{
	for (int i = from; i < to; i++) {
		if (seen[i] != 1)
			fail("n%d was listed %d times", i, seen[i]);
	}
}

static void many_entries(void)
{
	DIR *dir;

	must(mkdir("d", 0755));
	make_names(0, MANY);
	dir = open_d();
	see_rest(dir);
	expect_once(0, MANY);
	must_be(2, others);
	memset(seen, 0, sizeof(seen));
	rewinddir(dir);
	see_rest(dir);
	expect_once(0, MANY);
	must_be(4, others);
}

/* What is there all the time is listed once, whatever else comes and goes. */
static void while_changing(void)
{
	char name[32], other[32];
	struct dirent *entry;
	int step = 0;
	DIR *dir;

	must(mkdir("d", 0755));
	make_names(0, MANY);
	dir = open_d();
	while ((entry = readdir(dir)) != NULL) {
		see(entry->d_name);
		snprintf(name, sizeof(name), "d/x%d", step);
		snprintf(other, sizeof(other), "d/y%d", step / 2);
		if (step % 3 == 0)
			put_file(name, 0644, "");
		else if (step % 3 == 1)
			rename(name, other);
		else
			unlink(other);
		/* New names may appear in the listing: that must come to an end. */
		if (++step > 20 * MANY)
			fail("the listing does not end");
	}
	expect_once(0, MANY);
}

/* The way rm -r works: remove each entry as it is seen. */
static void removing_while_listing(void)
{
	struct dirent *entry;
	int removed = 0;
	char name[300];
	DIR *dir;

	must(mkdir("d", 0755));
	make_names(0, MANY);
	dir = open_d();
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != 'n')
			continue;
		snprintf(name, sizeof(name), "d/%s", entry->d_name);
		must(unlink(name));
		removed++;
	}
	must_be(MANY, removed);
	closedir(dir);
	must(rmdir("d"));
}

/* Positions can be kept and come back to, also after changes elsewhere in the directory. */
static void positions(void)
{
	enum { KEEP = 50 };
	long where[KEEP];
	char names[KEEP][256], path[300];
	struct dirent *entry;
	DIR *dir;

	must(mkdir("d", 0755));
	make_names(0, 500);
	dir = open_d();
	for (int i = 0; i < KEEP; i++) {
		for (int skip_some = 0; skip_some < 6; skip_some++)
			if (!readdir(dir))
				fail("the listing ends early");
		where[i] = telldir(dir);
		entry = readdir(dir);
		if (!entry)
			fail("the listing ends early");
		snprintf(names[i], sizeof(names[i]), "%s", entry->d_name);
	}
	/* Remove half of those that were noted, and add some. */
	for (int i = 0; i < KEEP; i += 2) {
		snprintf(path, sizeof(path), "d/%.255s", names[i]);
		must(unlink(path));
	}
	make_names(600, 700);
	for (int i = KEEP - 1; i >= 1; i -= 2) {
		seekdir(dir, where[i]);
		entry = readdir(dir);
		if (!entry || strcmp(entry->d_name, names[i]) != 0)
			fail("position %d gives %s, not %s", i, entry ? entry->d_name : "the end",
			     names[i]);
	}
}

static void types_and_numbers(void)
{
	struct dirent *entry;
	struct stat st, up;
	int count = 0;
	char path[300];
	DIR *dir;

	run_script("mkdir d 0755; create d/file 0644; mkdir d/dir 0755; symlink x d/link; mkfifo d/fifo 0644;"
		   "mknod d/char char 0644 259; mknod d/block block 0644 259; mknod d/socket socket 0644");
	dir = open_d();
	while ((entry = readdir(dir)) != NULL) {
		count++;
		snprintf(path, sizeof(path), "d/%s", entry->d_name);
		must(lstat(path, &st));
		must_be(IFTODT(st.st_mode), entry->d_type);
		must_be(st.st_ino, entry->d_ino);
	}
	must_be(9, count);
	must(stat("d/..", &up));
	must(stat(".", &st));
	must_be(st.st_ino, up.st_ino);
}

/* Names of all lengths, so that records meet every alignment and buffer end. */
static void name_lengths(void)
{
	int lengths[256] = { 0 }, total = 0;
	struct dirent *entry;
	char name[300];
	DIR *dir;

	must(mkdir("d", 0755));
	for (int len = 1; len <= 255; len++) {
		for (int i = 0; i < 4; i++) {
			memcpy(name, "d/", 2);
			memset(name + 2, 'a' + i, len);
			name[len + 2] = '\0';
			put_file(name, 0644, "");
		}
	}
	dir = open_d();
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			lengths[strlen(entry->d_name)]++;
		total++;
	}
	must_be(255 * 4 + 2, total);
	for (int len = 1; len <= 255; len++)
		must_be(4, lengths[len]);
}

static void new_names_after_rewind(void)
{
	DIR *dir;

	must(mkdir("d", 0755));
	make_names(0, 10);
	dir = open_d();
	see_rest(dir);
	make_names(10, 20);
	must(unlink("d/n0"));
	memset(seen, 0, sizeof(seen));
	rewinddir(dir);
	see_rest(dir);
	expect_once(1, 20);
	must_be(0, seen[0]);
}

/* Two descriptors of one directory, and two users of one descriptor, do not disturb each other. */
static void independent(void)
{
	struct dirent *entry;
	DIR *a, *b;
	int n = 0;

	must(mkdir("d", 0755));
	make_names(0, 1000);
	a = open_d();
	b = open_d();
	while ((entry = readdir(a)) != NULL) {
		see(entry->d_name);
		if (++n % 2 == 0 && !readdir(b))
			break;
	}
	expect_once(0, 1000);
}

const struct check checks_listing[] = {
	{ "an empty directory", "mkdir d 0755; list d = 2" },
	{ "many entries", .run = many_entries },
	{ "while it changes", .run = while_changing },
	{ "removing what is listed", .run = removing_while_listing },
	{ "positions", .run = positions },
	{ "types and inode numbers", .run = types_and_numbers },
	{ "names of all lengths", .run = name_lengths },
	{ "new names after rewinding", .run = new_names_after_rewind },
	{ "two descriptors", .run = independent },
	{ "not a directory", "create f 0644; list f = ENOTDIR; symlink f l; list l = ENOTDIR; list no = ENOENT" },
	{ "a directory cannot be read or written as a file", "mkdir d 0755; open 0 d RDONLY; read 0 = EISDIR; try d WRONLY = EISDIR; seek 0 0 set = 0" },
	{ NULL }
};
