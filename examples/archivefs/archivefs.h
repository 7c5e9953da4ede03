/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * archivefs: an archive shown as a directory. What its files share.
 *
 *   main.c       options and start, errors before the mount
 *   source.c     the file that the archive is: reading it, and whether it changes
 *   password.c   where a password comes from
 *   index.c      reads the headers of the archive, once, into a tree
 *   member.c     what a header says of a member
 *   tree.c       the tree: nodes by path, children in the order of the archive
 *   cursor.c     readers of the archive, at the data of a member
 *   data.c       contents of members
 *   callbacks.c  what the library asks
 */
#ifndef ARCHIVEFS_H
#define ARCHIVEFS_H

#define FUSE_USE_VERSION 319

#include <fuse.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct spool;

struct xattr {
	struct xattr *next;
	char *name;
	void *value;
	size_t size;
};

/* What is shown. Nothing of it changes after the start, but for `spool`. */
struct node {
	struct stat st;
	char *link; /* of symbolic links */
	struct xattr *xattrs;
	long member; /* its number in the archive; -1: made up */
	bool encrypted;
	bool stored;	     /* byte for byte, in one piece, somewhere in the archive */
	struct spool *spool; /* contents, once somebody has read some (data.c) */
};

/* A name for a node: hard links are several entries of one node. */
struct entry {
	struct node *node;
	struct entry *parent;
	struct entry *first, *last; /* children */
	struct entry *next;	    /* sibling */
	struct entry *chain;	    /* with the same hash */
	char *path;		    /* without a slash in front; "" for the root */
	const char *name;	    /* its last component */
};

struct archive;
struct archive_entry;

/* ---- source.c ---- */

/* Opens the file, or says on stderr why not: 0 or -1. It stays open, so that it
 * may be moved, replaced and removed. */
int source_open(const char *path);
const char *source_path(void);
/* What it was when it was opened. */
const struct stat *source_stat(void);
/* False, with a line in the log the first time, once its contents have changed:
 * nothing that we know of it is right any more. */
bool source_unchanged(void);
/* As pread(2). */
ssize_t source_pread(void *buf, size_t size, off_t off);
/* The archive at its beginning; NULL with a message. archive_read_free() it. */
struct archive *source_read(char *message, size_t size);
/* With which encrypted members are read. The string is kept. */
void source_set_password(const char *password);
bool source_has_password(void);

/* ---- password.c ---- */

/* One line: of a file, or, without a name, typed on the terminal. NULL, with a
 * message on stderr, if there is none. */
char *password_get(const char *file);

/* ---- tree.c ---- */

int tree_init(void);
/* The entry of a path, or NULL. */
struct entry *tree_find(const char *path);
/* The entry of a path, made with its directories if need be; NULL without
 * memory, or if it would be below something that is no directory. A new one has
 * no node yet. */
struct entry *tree_make(const char *path);
/* A new node of this type and permissions, of which there is no entry yet. */
struct node *node_new(mode_t mode);

/* ---- member.c ---- */

/* The path as it is shown, to be freed. NULL, and why, if it cannot be. */
char *member_path(struct archive_entry *ae, const char **why);
/* The same of what a hard link names; NULL, and no reason, if it is none. */
char *member_hard_link(struct archive_entry *ae, const char **why);
/* A node that no entry has any more. */
void member_free(struct node *n);
/* Fills in a node. A size that the header does not say becomes -1. */
void member_attributes(struct node *n, struct archive *a, struct archive_entry *ae);

/* ---- index.c ---- */

struct index_result {
	long members;
	long left_out;	/* that cannot be shown */
	long encrypted; /* the number of one; -1: none */
	uint64_t bytes;
	bool damaged;	   /* the archive could not be read to its end */
	char message[512]; /* why, or why it cannot be opened at all */
};

/* Reads all headers; says on stderr what it leaves out. 0, or -1 if there is
 * nothing to show. */
int index_archive(struct index_result *result);

/* ---- cursor.c ---- */

/* A reader of the archive, in the hands of one caller or of nobody. */
struct cursor {
	struct cursor *next; /* idle ones, the latest first */
	struct archive *archive;
	long member; /* whose header it has read */
};

/* One that stands at the data of a member; NULL with a line in the log. */
struct cursor *cursor_at(long member);
/* For who needs one next. It has read as much of its member as it likes. */
void cursor_give_back(struct cursor *c);
/* After an error. */
void cursor_free(struct cursor *c);
/* So many are there that they should not be kept without need. */
bool cursor_many(void);

/* ---- data.c ---- */

/* How many bytes of members that are not open may lie in temporary files. */
void data_init(uint64_t cache_limit);
/* An open file: its contents stay while it is open. 0 or -errno. */
int data_open(struct node *n);
void data_close(struct node *n);
/* As pread(2), with -errno. */
ssize_t data_read(struct node *n, char *buf, size_t size, off_t off);

/* ---- callbacks.c ---- */

extern const struct fuse_operations archivefs_operations;
void callbacks_init(const struct index_result *index);

#endif
