/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own mount table; there is no other record (no mtab, no utab).
 * Mounts are told apart by number, never by what their path looks like.
 */
#include "fusermount3.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#include "mount/mountinfo.h"

#define PROC_MAGIC 0x9fa0
#define SPARE	   64 /* entries, see table_read */

int proc = -1;
static FILE *mountinfo;

/* What stands in /proc is believed only if the kernel says that it is procfs. */
int proc_open(struct job *j)
{
	struct statfs fs;
	int fd;

	(void)j;
	proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0 || fstatfs(proc, &fs) < 0)
		return -errno;
	if (fs.f_type != PROC_MAGIC)
		return -ENOSYS;
	fd = openat(proc, "self/mountinfo", O_RDONLY | O_CLOEXEC);
	mountinfo = fd < 0 ? NULL : fdopen(fd, "r");
	return mountinfo ? setvbuf(mountinfo, NULL, _IOFBF, 1 << 16) : -errno;
}

static bool is_fuse(const char *type)
{
	if (strncmp(type, "fuse", 4) != 0)
		return false;
	type += strncmp(type + 4, "blk", 3) == 0 ? 7 : 4;
	return *type == '\0' || *type == '.';
}

bool table_line(char *line, struct mount_entry *e)
{
	struct mnt_info_line info;
	unsigned int seen = 0;
	uint64_t owner = 0;
	char *rest, *word;

	if (!mnt_info_parse(line, &info) || !info.sb_options)
		return false;
	rest = line + (info.sb_options - line);
	while ((word = strsep(&rest, ",")))
		if (strncmp(word, "user_id=", 8) == 0)
			seen += parse_number(word + 8, UINT32_MAX, &owner) ? 1 : 2;
	*e = (struct mount_entry){.id = info.id,
				  .parent = info.parent,
				  .path = line + (info.point - line),
				  .fuse = is_fuse(info.type),
				  .has_owner = seen == 1,
				  .owner = (uid_t)owner};
	e->own = policy_owns(getuid(), e);
	return true;
}

/* Reading again needs no descriptor, and no memory unless the table has grown a
 * lot: once there has been enough of both, limits cannot keep us from finding
 * the mount that we have made. */
int table_read(struct table *t)
{
	static struct mount_entry *entries;
	static size_t room, text_room;
	static char *text;
	char *rest, *line;

	*t = (struct table){0};
	rewind(mountinfo);
	if (getdelim(&text, &text_room, '\0', mountinfo) < 0 || ferror(mountinfo))
		return -EIO;
	for (rest = text; (line = strsep(&rest, "\n"));) {
		if (room < t->n + SPARE) {
			size_t wanted = 2 * (t->n + SPARE);
			void *more = reallocarray(entries, wanted, sizeof(*entries));

			if (!more)
				return -ENOMEM;
			entries = more;
			room = wanted;
		}
		t->n += table_line(line, &entries[t->n]);
	}
	t->at = entries;
	return 0;
}

int table_wait(int ms)
{
	struct pollfd p = {.fd = fileno(mountinfo), .events = POLLPRI};

	return poll(&p, 1, ms) < 0 ? -errno : 0;
}

const struct mount_entry *table_find(const struct table *t, int id)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->at[i].id == id)
			return &t->at[i];
	return NULL;
}
