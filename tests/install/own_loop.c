/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program with habits that depend on the layout of structures: a loop of its
 * own, a fuse_file_info of its own, and vectors of more than one buffer. Compiled
 * with the headers of either generation.
 */
#define FUSE_USE_VERSION 31
#include <fuse_lowlevel.h>

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fill(fuse_ino_t ino, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = ino;
	st->st_mode = ino == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0444;
	st->st_nlink = 1;
	st->st_size = ino == FUSE_ROOT_ID ? 0 : 12;
}

static void o_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param e;

	(void)parent;
	memset(&e, 0, sizeof(e));
	e.ino = 2;
	fill(2, &e.attr);
	if (strcmp(name, "file"))
		fuse_reply_err(req, ENOENT);
	else
		fuse_reply_entry(req, &e);
}

static void o_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;

	(void)fi;
	fill(ino, &st);
	fuse_reply_attr(req, &st, 0);
}

/* The members that this program knows are set; what comes after the last of them
 * was never its to set. */
static void o_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	union {
		struct fuse_file_info fi;
		unsigned char bytes[128];
	} own;
#if FUSE_VERSION < FUSE_MAKE_VERSION(3, 17)
	size_t known = offsetof(struct fuse_file_info, poll_events) + sizeof(uint32_t);
#else
	size_t known = sizeof(own.fi);
#endif

	(void)ino;
	memset(&own, 0x11, sizeof(own));
	memset(&own, 0, known);
	own.fi.flags = fi->flags;
	own.fi.fh = 0x1234;
	own.fi.direct_io = 1;
	fuse_reply_open(req, &own.fi);
}

static void o_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		   struct fuse_file_info *fi)
{
	static char first[] = "hello ", second[] = "world\n";
	struct fuse_bufvec *v = calloc(1, sizeof(*v) + sizeof(v->buf[0]));

	(void)ino;
	(void)size;
	v->count = 2;
	v->buf[0].mem = first;
	v->buf[0].size = 6;
	v->buf[1].mem = second;
	v->buf[1].size = 6;
	if (fi->fh != 0x1234)
		fuse_reply_err(req, EBADF);
	else if (off)
		fuse_reply_buf(req, NULL, 0);
	else if (fuse_buf_size(v) != 12)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_data(req, v, (enum fuse_buf_copy_flags)0);
	free(v);
}

static const struct fuse_lowlevel_ops ops = {
	.lookup = o_lookup,
	.getattr = o_getattr,
	.open = o_open,
	.read = o_read,
};

static int loop(struct fuse_session *se)
{
	struct {
		struct fuse_buf buf;
		unsigned char after[64];
	} own;
	int res = 0;

	memset(&own, 0, sizeof(own));
	memset(own.after, 0x5a, sizeof(own.after));
	while (!fuse_session_exited(se)) {
		res = fuse_session_receive_buf(se, &own.buf);
		if (res == -EINTR)
			continue;
		if (res <= 0)
			break;
		fuse_session_process_buf(se, &own.buf);
	}
	free(own.buf.mem);
	for (size_t i = 0; i < sizeof(own.after); i++)
		if (own.after[i] != 0x5a)
			return fprintf(stderr, "the buffer's end was overwritten\n");
	return res < 0 && res != -ENODEV;
}

int main(int argc, char *argv[])
{
	struct fuse_args args = FUSE_ARGS_INIT(argc - 1, argv);
	struct fuse_session *se = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	int res = 1;

	if (!se)
		return 1;
	if (fuse_session_mount(se, argv[argc - 1]) == 0) {
		res = loop(se);
		fuse_session_unmount(se);
	}
	fuse_session_destroy(se);
	return res ? 1 : 0;
}
