/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the headers of an archive into the tree. */
#include "archivefs.h"

#include <archive.h>
#include <archive_entry.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 65536

static void say(char *message, size_t size, struct archive *a, const char *instead)
{
	const char *text = a ? archive_error_string(a) : NULL;

	snprintf(message, size, "%s", text ? text : instead);
}

struct archive *archive_at_start(const char *path, char *message, size_t size)
{
	struct archive *a = archive_read_new();

	if (!a) {
		say(message, size, NULL, "out of memory");
		return NULL;
	}
	archive_read_support_filter_all(a);
	archive_read_support_format_all(a);
	if (archive_read_open_filename(a, path, BLOCK) == ARCHIVE_OK)
		return a;
	say(message, size, a, "cannot be opened");
	archive_read_free(a);
	return NULL;
}

/* ---- names ---- */

/* "./a//b/" becomes "a/b" in place. False for names that lead out of the
 * archive; "" is the root. */
static bool clean(char *path)
{
	char *from = path, *to = path;

	while (*from) {
		size_t len = strcspn(from, "/");

		if (len == 2 && from[0] == '.' && from[1] == '.')
			return false;
		if (len && !(len == 1 && from[0] == '.')) {
			if (to != path)
				*to++ = '/';
			memmove(to, from, len);
			to += len;
		}
		from += len + (from[len] == '/');
	}
	*to = '\0';
	return true;
}

/* Bytes as they are in the archive, or, where they are given in another form
 * that this locale cannot say, as UTF-8. */
static char *member_path(struct archive_entry *ae)
{
	const char *name = archive_entry_pathname(ae);

	if (!name)
		name = archive_entry_pathname_utf8(ae);
	return name ? strdup(name) : NULL;
}

static const char *target_of(const char *plain, const char *utf8)
{
	return plain ? plain : utf8;
}

/* ---- attributes ---- */

static void take_xattrs(struct node *n, struct archive_entry *ae)
{
	const char *name;
	const void *value;
	size_t size;

	archive_entry_xattr_reset(ae);
	while (archive_entry_xattr_next(ae, &name, &value, &size) == ARCHIVE_OK) {
		struct xattr *x = calloc(1, sizeof(*x));

		if (!x)
			return;
		x->name = strdup(name);
		x->value = malloc(size ? size : 1);
		if (!x->name || !x->value) {
			free(x->name);
			free(x->value);
			free(x);
			return;
		}
		memcpy(x->value, value, size);
		x->size = size;
		x->next = n->xattrs;
		n->xattrs = x;
	}
}

static void take_times(struct stat *st, struct archive_entry *ae)
{
	st->st_mtim.tv_sec = archive_entry_mtime(ae);
	st->st_mtim.tv_nsec = archive_entry_mtime_nsec(ae);
	st->st_atim = st->st_mtim;
	st->st_ctim = st->st_mtim;
	if (archive_entry_atime_is_set(ae)) {
		st->st_atim.tv_sec = archive_entry_atime(ae);
		st->st_atim.tv_nsec = archive_entry_atime_nsec(ae);
	}
}

static void take_attributes(struct node *n, struct archive_entry *ae, long member)
{
	const char *link = target_of(archive_entry_symlink(ae), archive_entry_symlink_utf8(ae));
	mode_t type = archive_entry_filetype(ae);

	/* Some formats do not say what a member is. */
	n->st.st_mode = (type ? type : S_IFREG) | (archive_entry_perm(ae) & 07777);
	n->st.st_uid = (uid_t)archive_entry_uid(ae);
	n->st.st_gid = (gid_t)archive_entry_gid(ae);
	n->st.st_rdev = archive_entry_rdev(ae);
	take_times(&n->st, ae);
	n->member = member;
	n->encrypted = archive_entry_is_data_encrypted(ae) > 0;
	if (S_ISLNK(n->st.st_mode)) {
		n->link = strdup(link ? link : "");
		n->st.st_size = n->link ? (off_t)strlen(n->link) : 0;
	} else if (S_ISREG(n->st.st_mode)) {
		n->st.st_size = archive_entry_size_is_set(ae) ? archive_entry_size(ae) : -1;
	}
	n->st.st_blksize = 4096;
	n->st.st_blocks = (n->st.st_size + 511) / 512;
	take_xattrs(n, ae);
}

/* ---- members ---- */

/* Another name for something that came before. False if it did not. */
static bool add_hard_link(struct entry *e, struct archive_entry *ae)
{
	const char *name = target_of(archive_entry_hardlink(ae), archive_entry_hardlink_utf8(ae));
	char *target = name ? strdup(name) : NULL;
	struct entry *other = target && clean(target) ? tree_find(target) : NULL;

	free(target);
	if (!other || !other->node || other == e || S_ISDIR(other->node->st.st_mode))
		return false;
	e->node = other->node;
	e->node->st.st_nlink++;
	return true;
}

/* Where a format does not tell the size before the data, it is counted. */
static int64_t count_data(struct archive *a)
{
	const void *block;
	int64_t offset, end = 0;
	size_t size;

	while (archive_read_data_block(a, &block, &size, &offset) == ARCHIVE_OK)
		end = offset + (int64_t)size;
	return end;
}

/* The node that a member gets: the one it has, if a directory is mentioned
 * again, else a new one, because the later one of two counts. NULL if something
 * is below it and it is no directory. */
static struct node *node_for(struct entry *e, bool is_dir)
{
	bool was_dir = e->node && S_ISDIR(e->node->st.st_mode);

	if (was_dir && is_dir)
		return e->node;
	if (e->first)
		return NULL;
	return node_new(0);
}

/* False if it cannot be shown. */
static bool add_member(struct archive *a, struct archive_entry *ae, long member,
		       struct index_result *r)
{
	char *path = member_path(ae);
	struct entry *e = path && clean(path) ? tree_make(path) : NULL;
	struct node *n;

	free(path);
	if (!e)
		return false;
	if (archive_entry_hardlink(ae) || archive_entry_hardlink_utf8(ae))
		return add_hard_link(e, ae);
	n = node_for(e, archive_entry_filetype(ae) == AE_IFDIR);
	if (!n)
		return false;
	e->node = n;
	take_attributes(n, ae, member);
	if (n->st.st_size < 0) {
		n->st.st_size = count_data(a);
		n->st.st_blocks = (n->st.st_size + 511) / 512;
	}
	r->bytes += (uint64_t)n->st.st_size;
	return true;
}

int index_archive(const char *path, struct index_result *r)
{
	struct archive_entry *ae;
	struct archive *a;
	int res;

	memset(r, 0, sizeof(*r));
	a = archive_at_start(path, r->message, sizeof(r->message));
	if (!a)
		return -1;
	for (;;) {
		res = archive_read_next_header(a, &ae);
		if (res == ARCHIVE_RETRY)
			continue;
		if (res != ARCHIVE_OK && res != ARCHIVE_WARN)
			break;
		if (!add_member(a, ae, r->members, r))
			r->skipped++;
		r->members++;
	}
	if (res != ARCHIVE_EOF) {
		r->damaged = true;
		say(r->message, sizeof(r->message), a, "damaged");
	}
	snprintf(r->format, sizeof(r->format), "%s", archive_format_name(a) ?: "?");
	archive_read_free(a);
	return r->damaged && !r->members ? -1 : 0;
}
