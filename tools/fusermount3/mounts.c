/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own mount table; there is no other record (no mtab, no utab).
 * Mounts are told apart by number, never by what their path looks like.
 */
#include "fusermount3.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x00004000U
#endif

/* Undoes the table's octal escapes, in place. */
static void unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*out++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

static bool is_fuse(const char *type)
{
	if (strncmp(type, "fuse", 4) != 0)
		return false;
	type += strncmp(type + 4, "blk", 3) == 0 ? 7 : 4;
	return *type == '\0' || *type == '.';
}

static bool id_field(const char *s, int *out)
{
	uint64_t n;

	if (!s || !parse_number(s, INT_MAX, &n))
		return false;
	*out = (int)n;
	return true;
}

static void find_owner(char *options, struct mount_entry *e)
{
	unsigned int seen = 0;
	uint64_t n = 0;
	char *o;

	while ((o = strsep(&options, ",")))
		if (strncmp(o, "user_id=", 8) == 0)
			seen += parse_number(o + 8, UINT32_MAX, &n) ? 1 : 2;
	e->has_owner = seen == 1;
	e->owner = (uid_t)n;
}

/* id parent maj:min root path options [tag...] - type source options; blanks
 * inside a field are escaped, so the fields can be counted. */
bool mounts_parse_line(char *line, struct mount_entry *e)
{
	char *id = strsep(&line, " "), *parent = strsep(&line, " ");
	char *field;

	strsep(&line, " ");
	strsep(&line, " ");
	e->path = strsep(&line, " ");
	if (!id_field(id, &e->id) || !id_field(parent, &e->parent) || !line)
		return false;
	strsep(&line, " ");
	while ((field = strsep(&line, " ")) && strcmp(field, "-") != 0)
		;
	field = strsep(&line, " ");
	strsep(&line, " ");
	if (!field || !line)
		return false;
	e->fuse = is_fuse(field);
	find_owner(line, e);
	unescape(e->path);
	return true;
}

int mounts_each(bool (*fn)(const struct mount_entry *e, void *arg), void *arg)
{
	FILE *f = fopen(MOUNT_TABLE, "re");
	CLEANUP_FREE char *line = NULL;
	struct mount_entry e;
	ssize_t n = 0;
	size_t room = 0;

	if (!f)
		return -errno;
	while ((n = getline(&line, &room, f)) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (mounts_parse_line(line, &e) && !fn(&e, arg))
			break;
	}
	n = n > 0 || feof(f) ? 0 : -EIO; /* it may also be for want of memory */
	fclose(f);
	return (int)n;
}

/* AT_STATX_DONT_SYNC: numbering a mount must not ask its daemon, who may be
 * dead or not answering. */
#define ASK (AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC)

int mount_id_at(int dir, const char *name, struct mount_id *id)
{
	struct file_handle empty = {0};
	struct statx stx;

	*id = (struct mount_id){0};
	if (statx(dir, name, ASK, 0, &stx) == 0 && (stx.stx_mask & STATX_MNT_ID))
		id->id = (int)stx.stx_mnt_id;
	else /* before 5.8: told on the way to refusing a handle of no size */
		name_to_handle_at(dir, name, &empty, &id->id, AT_EMPTY_PATH);
	if (!id->id)
		return -errno;
	if (statx(dir, name, ASK, STATX_MNT_ID_UNIQUE, &stx) == 0 &&
	    (stx.stx_mask & STATX_MNT_ID_UNIQUE))
		id->unique = stx.stx_mnt_id;
	return 0;
}

bool mount_id_same(const struct mount_id *a, const struct mount_id *b)
{
	return a->id == b->id && a->unique == b->unique;
}
