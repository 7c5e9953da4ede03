/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* File handles: name_to_handle_at and open_by_handle_at, as NFS servers use them. */
#include "../check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct handle {
	struct file_handle head;
	unsigned char bytes[MAX_HANDLE_SZ];
};

static void get_handle(const char *path, struct handle *h)
{
	int mount_id;

	h->head.handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(AT_FDCWD, path, &h->head, &mount_id, 0) < 0) {
		if (errno == EOPNOTSUPP)
			skip("this filesystem has no file handles");
		fail("name_to_handle_at: %s", errno_name(errno));
	}
}

static int open_handle(struct handle *h)
{
	int mount = must(open(".", O_RDONLY | O_DIRECTORY));
	int fd = open_by_handle_at(mount, &h->head, O_RDONLY);
	int err = errno;

	close(mount);
	errno = err;
	return fd;
}

static void opens_the_file(void)
{
	struct handle file, dir;
	char buf[16];
	int fd;

	put_file("f", 0644, "text");
	must(mkdir("d", 0755));
	get_handle("f", &file);
	get_handle("d", &dir);
	must(rename("f", "d/g"));
	fd = must(open_handle(&file));
	must_be(4, read(fd, buf, sizeof(buf)));
	must(close(fd));
	fd = must(open_handle(&dir));
	must(fchdir(fd));
	must(access("g", F_OK));
}

/* A handle of what is gone does not open what came in its place. */
static void stale(void)
{
	struct handle old[100];
	int fd;

	for (int i = 0; i < 100; i++) {
		put_file("f", 0644, "old");
		get_handle("f", &old[i]);
		must(unlink("f"));
	}
	put_file("f", 0644, "new");
	for (int i = 0; i < 100; i++) {
		fd = open_handle(&old[i]);
		if (fd >= 0)
			fail("the handle of a removed file opens something");
		must_be(ESTALE, errno);
	}
}

const struct check checks_handle[] = {
	{ "opens the file wherever it is", .run = opens_the_file },
	{ "of a removed file is stale", .run = stale },
	{ NULL }
};
