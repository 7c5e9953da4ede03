/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the headers of an archive into the tree. */
#include "archivefs.h"

#include <archive.h>
#include <archive_entry.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES 10 /* about what is left out, and then only how much more */

/* The name may be anything: nothing of it shall be a command to the terminal. */
static void leave_out(struct index_result *r, struct archive_entry *ae, const char *why)
{
	const char *name = archive_entry_pathname(ae) ?: archive_entry_pathname_utf8(ae);
	char text[256];
	size_t i = 0;

	if (++r->left_out > LINES)
		return;
	for (; name && name[i] && i < sizeof(text) - 1; i++)
		text[i] = (char)(iscntrl((unsigned char)name[i]) ? '?' : name[i]);
	text[i] = '\0';
	if (name)
		fprintf(stderr, "archivefs: left out: %s: %s\n", text, why);
	else
		fprintf(stderr, "archivefs: left out: member %ld: %s\n", r->members, why);
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

static void take_size(struct node *n, struct archive *a, struct index_result *r)
{
	if (n->st.st_size < 0) {
		n->st.st_size = count_data(a);
		n->st.st_blocks = (n->st.st_size + 511) / 512;
	}
	r->bytes += (uint64_t)n->st.st_size;
	if (n->encrypted && n->st.st_size && r->encrypted < 0)
		r->encrypted = n->member;
}

/* The later one of two members with the same name counts. */
static void give_node(struct entry *e, struct node *n)
{
	if (e->node == n)
		return;
	if (e->node && --e->node->st.st_nlink == 0)
		member_free(e->node);
	e->node = n;
	n->st.st_nlink++;
}

/* Another name for something that came before. Returns why not, or NULL. */
static const char *add_hard_link(struct entry *e, const char *target, struct archive *a,
				 struct archive_entry *ae, struct index_result *r)
{
	struct entry *other = tree_find(target);

	if (!other || !other->node || S_ISDIR(other->node->st.st_mode))
		return "a hard link to what is not in the archive";
	if (other == e)
		return "a hard link to itself";
	if (e->first)
		return "no directory, but something is below it";
	give_node(e, other->node);
	/* cpio has the contents with the last of the names. */
	if (archive_entry_size_is_set(ae) && archive_entry_size(ae) > 0) {
		nlink_t links = e->node->st.st_nlink;

		e->node->member = r->members;
		member_attributes(e->node, a, ae);
		e->node->st.st_nlink = links;
		take_size(e->node, a, r);
	}
	return NULL;
}

/* The node that a member gets: the one it has, if a directory is mentioned
 * again, else a new one. NULL if something is below it and it is no directory. */
static struct node *node_for(struct entry *e, bool is_dir)
{
	bool was_dir = e->node && S_ISDIR(e->node->st.st_mode);

	if (was_dir && is_dir)
		return e->node;
	if (e->first)
		return NULL;
	return node_new(0);
}

/* Returns why it cannot be shown, or NULL. */
static const char *add_member(struct archive *a, struct archive_entry *ae, const char *path,
			      const char *link, struct index_result *r)
{
	struct entry *e = tree_make(path);
	struct node *n;

	if (!e)
		return "below something that is no directory";
	if (link)
		return add_hard_link(e, link, a, ae, r);
	n = node_for(e, archive_entry_filetype(ae) == AE_IFDIR);
	if (!n)
		return "no directory, but something is below it";
	give_node(e, n);
	n->member = r->members;
	member_attributes(n, a, ae);
	take_size(n, a, r);
	return NULL;
}

static void index_member(struct archive *a, struct archive_entry *ae, struct index_result *r)
{
	const char *why;
	char *path = member_path(ae, &why), *link = path ? member_hard_link(ae, &why) : NULL;

	if (!why)
		why = add_member(a, ae, path, link, r);
	if (why)
		leave_out(r, ae, why);
	free(path);
	free(link);
}

static void damaged(struct index_result *r, struct archive *a)
{
	r->damaged = true;
	snprintf(r->message, sizeof(r->message), "%s", archive_error_string(a) ?: "damaged");
}

int index_archive(struct index_result *r)
{
	struct archive_entry *ae;
	struct archive *a;
	int res;

	*r = (struct index_result){.encrypted = -1};
	a = source_read(r->message, sizeof(r->message));
	if (!a)
		return -1;
	for (;; r->members++) {
		while ((res = archive_read_next_header(a, &ae)) == ARCHIVE_RETRY)
			;
		if (res != ARCHIVE_OK && res != ARCHIVE_WARN)
			break;
		index_member(a, ae, r);
	}
	if (res != ARCHIVE_EOF)
		damaged(r, a);
	archive_read_free(a);
	if (r->left_out > LINES)
		fprintf(stderr, "archivefs: %ld more are left out\n", r->left_out - LINES);
	return r->damaged && !r->members ? -1 : 0;
}
