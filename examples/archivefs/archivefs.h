/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * archivefs: an archive shown as a directory. What its files share.
 *
 *   main.c     options and start, errors before the mount
 *   index.c    reads the headers of the archive, once, into a tree
 *   tree.c     the tree: nodes by path, children in the order of the archive
 *   data.c     contents of members, by way of temporary files
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

/* ---- tree.c ---- */

int tree_init(void);
/* The entry of a path, or NULL. */
struct entry *tree_find(const char *path);
/* The entry of a path, made with its directories if need be; NULL without
 * memory. A new one has no node yet. */
struct entry *tree_make(const char *path);
/* A new node of this type and permissions. */
struct node *node_new(mode_t mode);

/* ---- index.c ---- */

struct archive;

struct index_result {
	long members;
	long skipped; /* with names that cannot be shown */
	uint64_t bytes;
	bool damaged;	   /* the archive could not be read to its end */
	char message[512]; /* why, or why it cannot be opened at all */
	char format[128];
};

/* Reads all headers. 0, or -1 if there is nothing to show. */
int index_archive(const char *path, struct index_result *result);
/* Opens the archive at its beginning; NULL with a message. */
struct archive *archive_at_start(const char *path, char *message, size_t size);

/* ---- data.c ---- */

void data_init(const char *archive_path, uint64_t cache_limit);
/* An open file: its contents stay while it is open. 0 or -errno. */
int data_open(struct node *n);
void data_close(struct node *n);
/* As pread(2), with -errno. */
ssize_t data_read(struct node *n, char *buf, size_t size, off_t off);

/* ---- callbacks.c ---- */

extern const struct fuse_operations archivefs_operations;
void callbacks_init(const struct index_result *index);

#endif
