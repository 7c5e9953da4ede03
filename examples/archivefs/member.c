/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a header says of a member. */
#include "archivefs.h"

#include <archive.h>
#include <archive_entry.h>

#include <stdlib.h>
#include <string.h>

/* The kernel's. */
#define LONGEST_NAME 1024

/* ---- names ---- */

/* "./a//b/" becomes "a/b" in place; "" is the root. Returns why it cannot be
 * shown, or NULL. */
static const char *clean(char *path)
{
	char *from = path, *to = path;

	while (*from) {
		size_t len = strcspn(from, "/");

		if (len == 2 && from[0] == '.' && from[1] == '.')
			return "leads out of the archive";
		if (len > LONGEST_NAME)
			return "is longer than names can be";
		if (len && !(len == 1 && from[0] == '.')) {
			if (to != path)
				*to++ = '/';
			memmove(to, from, len);
			to += len;
		}
		from += len + (from[len] == '/');
	}
	*to = '\0';
	return NULL;
}

/* Bytes as they are in the archive, or, where they are given in another form
 * that this locale cannot say, as UTF-8. */
static char *cleaned(const char *plain, const char *utf8, const char **why)
{
	const char *name = plain ? plain : utf8;
	char *path = name ? strdup(name) : NULL;

	*why = !name ? "has a name in no known character set" : path ? clean(path) : "no memory";
	if (!*why)
		return path;
	free(path);
	return NULL;
}

char *member_path(struct archive_entry *ae, const char **why)
{
	return cleaned(archive_entry_pathname(ae), archive_entry_pathname_utf8(ae), why);
}

char *member_hard_link(struct archive_entry *ae, const char **why)
{
	const char *plain = archive_entry_hardlink(ae), *utf8 = archive_entry_hardlink_utf8(ae);

	*why = NULL;
	return plain || utf8 ? cleaned(plain, utf8, why) : NULL;
}

/* ---- attributes ---- */

static void free_xattrs(struct node *n)
{
	struct xattr *x;

	while ((x = n->xattrs)) {
		n->xattrs = x->next;
		free(x->name);
		free(x->value);
		free(x);
	}
}

void member_free(struct node *n)
{
	free_xattrs(n);
	free(n->link);
	free(n);
}

static void take_xattrs(struct node *n, struct archive_entry *ae)
{
	const char *name;
	const void *value;
	size_t size;

	free_xattrs(n);
	archive_entry_xattr_reset(ae);
	while (archive_entry_xattr_next(ae, &name, &value, &size) == ARCHIVE_OK) {
		struct xattr *x = calloc(1, sizeof(*x));

		if (!x)
			return;
		x->next = n->xattrs;
		n->xattrs = x;
		x->name = strdup(name);
		x->value = malloc(size ? size : 1);
		if (!x->name || !x->value) {
			free_xattrs(n);
			return;
		}
		memcpy(x->value, value, size);
		x->size = size;
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

/* Formats whose members lie in the file as they are, and have no checksum that
 * would go unseen if they were read there. ISO images cut what is larger than
 * 4 GiB into pieces that need not be neighbours. */
static bool is_stored(struct archive *a, struct archive_entry *ae)
{
	int format = archive_format(a) & ARCHIVE_FORMAT_BASE_MASK;

	if (archive_filter_count(a) != 1 || archive_entry_sparse_count(ae) > 0)
		return false;
	return format == ARCHIVE_FORMAT_TAR || format == ARCHIVE_FORMAT_CPIO ||
	       format == ARCHIVE_FORMAT_AR ||
	       (format == ARCHIVE_FORMAT_ISO9660 && archive_entry_size(ae) < UINT32_MAX - 2048);
}

void member_attributes(struct node *n, struct archive *a, struct archive_entry *ae)
{
	const char *link = archive_entry_symlink(ae) ?: archive_entry_symlink_utf8(ae);
	mode_t type = archive_entry_filetype(ae);

	/* Some formats do not say what a member is. */
	n->st.st_mode = (type ? type : S_IFREG) | (archive_entry_perm(ae) & 07777);
	n->st.st_uid = (uid_t)archive_entry_uid(ae);
	n->st.st_gid = (gid_t)archive_entry_gid(ae);
	n->st.st_rdev = archive_entry_rdev(ae);
	take_times(&n->st, ae);
	n->encrypted = archive_entry_is_data_encrypted(ae) > 0;
	if (S_ISLNK(n->st.st_mode)) {
		n->link = strdup(link ? link : "");
		n->st.st_size = n->link ? (off_t)strlen(n->link) : 0;
	} else if (S_ISREG(n->st.st_mode)) {
		n->st.st_size = archive_entry_size_is_set(ae) ? archive_entry_size(ae) : -1;
		n->stored = !n->encrypted && is_stored(a, ae);
	}
	n->st.st_blksize = 4096;
	n->st.st_blocks = (n->st.st_size + 511) / 512;
	take_xattrs(n, ae);
}
