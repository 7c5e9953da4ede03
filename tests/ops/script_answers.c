/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a scripted filesystem answers by default, and wrongly. */
#include "script.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the tree; fs->lock is held in the _locked ones ---- */

static struct node *find_locked(struct scriptfs *fs, fuse_ino_t parent, const char *name)
{
	for (int i = 0; i < fs->node_count; i++) {
		struct node *n = &fs->nodes[i];

		if (n->parent == parent && strcmp(n->name, name) == 0)
			return n;
	}
	return NULL;
}

static struct node *by_ino_locked(struct scriptfs *fs, fuse_ino_t ino)
{
	for (int i = 0; i < fs->node_count; i++) {
		if (fs->nodes[i].ino == ino)
			return &fs->nodes[i];
	}
	return NULL;
}

/* Unknown nodes look like /file, so that a test may use any number. */
void fs_stat(struct scriptfs *fs, fuse_ino_t ino, struct stat *st)
{
	struct node *n;

	pthread_mutex_lock(&fs->lock);
	n = by_ino_locked(fs, ino);
	*st = (struct stat){
		.st_ino = ino,
		.st_mode = n ? n->mode : S_IFREG | 0644,
		.st_nlink = 1,
		.st_size = n ? n->size : FS_SIZE,
		.st_blocks = 8,
		.st_blksize = 4096,
		.st_mtim = {.tv_sec = 1000000000, .tv_nsec = 5},
	};
	pthread_mutex_unlock(&fs->lock);
}

void fs_entry(struct scriptfs *fs, fuse_ino_t ino, mode_t mode, struct fuse_entry_param *e)
{
	*e = (struct fuse_entry_param){.ino = ino, .generation = 1};
	fs_stat(fs, ino, &e->attr);
	if (mode)
		e->attr.st_mode = mode;
}

static fuse_ino_t add(struct scriptfs *fs, fuse_ino_t parent, const char *name, mode_t mode,
		      fuse_ino_t ino)
{
	struct node *n;

	pthread_mutex_lock(&fs->lock);
	if (fs->node_count == MAX_NODES)
		abort();
	n = &fs->nodes[fs->node_count++];
	*n = (struct node){.ino = ino ? ino : fs->next_ino++, .parent = parent, .mode = mode};
	snprintf(n->name, sizeof(n->name), "%.255s", name);
	ino = n->ino;
	pthread_mutex_unlock(&fs->lock);
	return ino;
}

static void drop(struct scriptfs *fs, fuse_ino_t parent, const char *name)
{
	struct node *n;

	pthread_mutex_lock(&fs->lock);
	n = find_locked(fs, parent, name);
	if (n)
		n->parent = 0; /* open handles still find it by number */
	pthread_mutex_unlock(&fs->lock);
}

static void move(struct scriptfs *fs, const struct fs_call *c)
{
	struct node *n;

	drop(fs, c->ino2, c->name2);
	pthread_mutex_lock(&fs->lock);
	n = find_locked(fs, c->ino, c->name);
	if (n) {
		n->parent = c->ino2;
		snprintf(n->name, sizeof(n->name), "%.255s", c->name2);
	}
	pthread_mutex_unlock(&fs->lock);
}

/* ---- answers by kind ---- */

static int reply_lookup(struct scriptfs *fs, const struct fs_call *c)
{
	struct fuse_entry_param e;
	struct node *n;
	fuse_ino_t ino;

	pthread_mutex_lock(&fs->lock);
	n = find_locked(fs, c->ino, c->name);
	ino = n ? n->ino : 0;
	pthread_mutex_unlock(&fs->lock);
	if (!ino)
		return fuse_reply_err(c->req, ENOENT);
	fs_entry(fs, ino, 0, &e);
	return fuse_reply_entry(c->req, &e);
}

static int reply_new_entry(struct scriptfs *fs, const struct fs_call *c, mode_t mode)
{
	struct fuse_entry_param e;

	fs_entry(fs, add(fs, c->ino, c->name, mode, 0), 0, &e);
	return fuse_reply_entry(c->req, &e);
}

static int reply_link(struct scriptfs *fs, const struct fs_call *c)
{
	struct fuse_entry_param e;
	struct stat st;

	fs_stat(fs, c->ino, &st);
	add(fs, c->ino2, c->name, st.st_mode, c->ino);
	fs_entry(fs, c->ino, 0, &e);
	return fuse_reply_entry(c->req, &e);
}

static uint64_t next_fh(struct scriptfs *fs)
{
	uint64_t fh;

	pthread_mutex_lock(&fs->lock);
	fh = FS_FH + fs->opens++;
	pthread_mutex_unlock(&fs->lock);
	return fh;
}

static int reply_create(struct scriptfs *fs, const struct fs_call *c)
{
	struct fuse_file_info fi = c->fi;
	struct fuse_entry_param e;
	fuse_ino_t parent = c->op == PROTO_TMPFILE ? 0 : c->ino;

	fs_entry(fs, add(fs, parent, c->name, S_IFREG | (c->mode & 07777), 0), 0, &e);
	fi.fh = next_fh(fs);
	return fuse_reply_create(c->req, &e, &fi);
}

static int reply_open(struct scriptfs *fs, const struct fs_call *c)
{
	struct fuse_file_info fi = c->fi;

	fi.fh = next_fh(fs);
	return fuse_reply_open(c->req, &fi);
}

static int reply_attr(struct scriptfs *fs, const struct fs_call *c)
{
	struct stat st;
	struct node *n;

	if (c->op == PROTO_SETATTR) {
		pthread_mutex_lock(&fs->lock);
		n = by_ino_locked(fs, c->ino);
		if (n && (c->flags & FUSE_SET_ATTR_SIZE))
			n->size = c->attr.st_size;
		if (n && (c->flags & FUSE_SET_ATTR_MODE))
			n->mode = (n->mode & S_IFMT) | (c->attr.st_mode & 07777);
		pthread_mutex_unlock(&fs->lock);
	}
	fs_stat(fs, c->ino, &st);
	return fuse_reply_attr(c->req, &st, 0);
}

static int reply_statx(struct scriptfs *fs, const struct fs_call *c)
{
	struct statx stx = {.stx_mask = STATX_BASIC_STATS | STATX_BTIME};
	struct stat st;

	fs_stat(fs, c->ino, &st);
	stx.stx_mode = (uint16_t)st.st_mode;
	stx.stx_size = (uint64_t)st.st_size;
	stx.stx_ino = st.st_ino;
	stx.stx_nlink = 1;
	stx.stx_btime.tv_sec = 123456789;
	stx.stx_btime.tv_nsec = 5;
	return fuse_reply_statx(c->req, 0, &stx, 0);
}

static int reply_read(struct scriptfs *fs, const struct fs_call *c)
{
	struct stat st;
	size_t size = c->size;
	char *buf;
	int res;

	fs_stat(fs, c->ino, &st);
	if (c->off >= st.st_size)
		return fuse_reply_buf(c->req, NULL, 0);
	if ((off_t)size > st.st_size - c->off)
		size = (size_t)(st.st_size - c->off);
	buf = malloc(size + 1);
	for (size_t i = 0; i < size; i++)
		buf[i] = (char)('a' + (c->off + (off_t)i) % 26);
	res = fuse_reply_buf(c->req, buf, size);
	free(buf);
	return res;
}

static int reply_write(struct scriptfs *fs, const struct fs_call *c)
{
	struct node *n;

	pthread_mutex_lock(&fs->lock);
	n = by_ino_locked(fs, c->ino);
	if (n && n->size < c->off + (off_t)c->size)
		n->size = c->off + (off_t)c->size;
	pthread_mutex_unlock(&fs->lock);
	return fuse_reply_write(c->req, c->size);
}

static int reply_xattr(const struct fs_call *c, const char *value, size_t len)
{
	if (c->size == 0)
		return fuse_reply_xattr(c->req, len);
	if (c->size < len)
		return fuse_reply_err(c->req, ERANGE);
	return fuse_reply_buf(c->req, value, len);
}

static int reply_getxattr(const struct fs_call *c)
{
	/* ENODATA for what the kernel itself asks for before a write. */
	if (strncmp(c->name, "user.", 5) != 0)
		return fuse_reply_err(c->req, ENODATA);
	return reply_xattr(c, "value", 5);
}

static int reply_directory(struct scriptfs *fs, const struct fs_call *c)
{
	static const struct {
		const char *name;
		fuse_ino_t ino;
	} list[] = {{".", 1}, {"..", 1}, {"file", FS_FILE}, {"dir", FS_DIR}, {"link", FS_LINK}};
	size_t pos = 0, n;
	char buf[4096];

	for (size_t i = (size_t)c->off; i < 5; i++) {
		size_t left = c->size < sizeof(buf) ? c->size - pos : sizeof(buf) - pos;
		struct fuse_entry_param e;

		fs_entry(fs, list[i].ino, 0, &e);
		if (c->op == PROTO_READDIRPLUS)
			n = fuse_add_direntry_plus(c->req, buf + pos, left, list[i].name, &e,
						   (off_t)i + 1);
		else
			n = fuse_add_direntry(c->req, buf + pos, left, list[i].name, &e.attr,
					      (off_t)i + 1);
		if (n > left)
			break;
		pos += n;
	}
	return fuse_reply_buf(c->req, buf, pos);
}

static int reply_statfs(const struct fs_call *c)
{
	struct statvfs st = {
		.f_bsize = 4096,
		.f_frsize = 512,
		.f_blocks = 1000,
		.f_bfree = 500,
		.f_bavail = 400,
		.f_files = 30,
		.f_ffree = 20,
		.f_namemax = 255,
	};

	return fuse_reply_statfs(c->req, &st);
}

static int reply_lock(const struct fs_call *c)
{
	struct flock lock = c->lock;

	lock.l_type = F_UNLCK;
	return fuse_reply_lock(c->req, &lock);
}

static int reply_ioctl(const struct fs_call *c)
{
	char out[16384] = "answer";
	size_t size = c->size2 < sizeof(out) ? c->size2 : sizeof(out);

	return fuse_reply_ioctl(c->req, 42, out, size);
}

static int reply_poll(const struct fs_call *c)
{
	if (c->poll)
		fuse_pollhandle_destroy(c->poll);
	return fuse_reply_poll(c->req, POLLIN);
}

static int reply_removal(struct scriptfs *fs, const struct fs_call *c)
{
	drop(fs, c->ino, c->name);
	return fuse_reply_err(c->req, 0);
}

static int reply_by_op(struct scriptfs *fs, const struct fs_call *c)
{
	switch (c->op) {
	case PROTO_LOOKUP:
		return reply_lookup(fs, c);
	case PROTO_MKDIR:
		return reply_new_entry(fs, c, S_IFDIR | (c->mode & 07777));
	case PROTO_MKNOD:
		return reply_new_entry(fs, c, c->mode & S_IFMT ? c->mode : S_IFREG | c->mode);
	case PROTO_SYMLINK:
		return reply_new_entry(fs, c, S_IFLNK | 0777);
	case PROTO_LINK:
		return reply_link(fs, c);
	case PROTO_CREATE:
	case PROTO_TMPFILE:
		return reply_create(fs, c);
	case PROTO_OPEN:
	case PROTO_OPENDIR:
		return reply_open(fs, c);
	case PROTO_GETATTR:
	case PROTO_SETATTR:
		return reply_attr(fs, c);
	case PROTO_READLINK:
		return fuse_reply_readlink(c->req, "file");
	case PROTO_READ:
		return reply_read(fs, c);
	case PROTO_WRITE:
		return reply_write(fs, c);
	case PROTO_READDIR:
	case PROTO_READDIRPLUS:
		return reply_directory(fs, c);
	case PROTO_UNLINK:
	case PROTO_RMDIR:
		return reply_removal(fs, c);
	case PROTO_RENAME:
	case PROTO_RENAME2:
		move(fs, c);
		return fuse_reply_err(c->req, 0);
	case PROTO_GETXATTR:
		return reply_getxattr(c);
	case PROTO_LISTXATTR:
		return reply_xattr(c, "user.one\0user.two", 18);
	case PROTO_STATFS:
		return reply_statfs(c);
	case PROTO_STATX:
		return reply_statx(fs, c);
	case PROTO_GETLK:
		return reply_lock(c);
	case PROTO_BMAP:
		return fuse_reply_bmap(c->req, c->number + 100);
	case PROTO_IOCTL:
		return reply_ioctl(c);
	case PROTO_POLL:
		return reply_poll(c);
	case PROTO_LSEEK:
		return fuse_reply_lseek(c->req, c->flags == SEEK_HOLE ? FS_SIZE : c->off);
	case PROTO_COPY_FILE_RANGE:
		return fuse_reply_write(c->req, c->size);
	case PROTO_FORGET:
	case PROTO_BATCH_FORGET:
	case PROTO_NOTIFY_REPLY:
		fuse_reply_none(c->req);
		return 0;
	default:
		return fuse_reply_err(c->req, 0);
	}
}

void fs_answer_default(struct scriptfs *fs, const struct fs_call *call)
{
	fs_set_last_reply(fs, reply_by_op(fs, call));
}

/* ---- wrong ones ---- */

/* Of the right size where there is such a kind, so that the size does not give
 * it away. */
static int reply_wrong_kind(struct scriptfs *fs, const struct fs_call *c)
{
	struct fuse_entry_param e;

	switch ((enum proto_reply)proto_ops[c->op].reply) {
	case PROTO_REPLY_BMAP:
	case PROTO_REPLY_POLL:
	case PROTO_REPLY_LSEEK:
	case PROTO_REPLY_ENTRY:
		return fuse_reply_write(c->req, 1);
	case PROTO_REPLY_WRITE:
	case PROTO_REPLY_COPY:
		return fuse_reply_bmap(c->req, 1);
	case PROTO_REPLY_OPEN:
		return fuse_reply_ioctl(c->req, 0, NULL, 0);
	default:
		fs_entry(fs, FS_FILE, 0, &e);
		return fuse_reply_entry(c->req, &e);
	}
}

static void answer_wrong_kind(struct scriptfs *fs, const struct fs_call *c, void *data)
{
	if (c->poll)
		fuse_pollhandle_destroy(c->poll);
	fs_set_last_reply(fs, reply_wrong_kind(fs, c));
}

void fs_script_wrong_kind(struct scriptfs *fs, unsigned int op)
{
	fs_script(fs, op, answer_wrong_kind, NULL);
}

static void answer_too_large(struct scriptfs *fs, const struct fs_call *c, void *data)
{
	size_t asked = c->op == PROTO_IOCTL ? c->size2 : c->size;
	char *buf = calloc(1, asked + 5000);
	int res;

	memset(buf, 'x', asked + 4999);
	if (c->op == PROTO_IOCTL)
		res = fuse_reply_ioctl(c->req, 0, buf, asked + 1);
	else if (c->op == PROTO_READLINK)
		res = fuse_reply_readlink(c->req, buf);
	else
		res = fuse_reply_buf(c->req, buf, asked + 1);
	fs_set_last_reply(fs, res);
	free(buf);
}

void fs_script_too_large(struct scriptfs *fs, unsigned int op)
{
	fs_script(fs, op, answer_too_large, NULL);
}
