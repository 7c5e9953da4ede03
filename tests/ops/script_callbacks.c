/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every callback of the low-level interface: its arguments into a note. */
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct scriptfs *begin(struct fs_call *c, unsigned int op, fuse_req_t req, fuse_ino_t ino)
{
	memset(c, 0, sizeof(*c));
	c->op = op;
	c->req = req;
	c->ino = ino;
	c->ctx = *fuse_req_ctx(req);
	return fuse_req_userdata(req);
}

static void put_name(char *to, const char *name)
{
	snprintf(to, sizeof(((struct fs_call *)0)->name), "%s", name);
}

static void put_fi(struct fs_call *c, const struct fuse_file_info *fi)
{
	c->has_fi = fi != NULL;
	if (fi)
		c->fi = *fi;
}

static void put_data(struct fs_call *c, const void *data, size_t len)
{
	c->data_len = len;
	if (len)
		memcpy(c->data, data, len < sizeof(c->data) ? len : sizeof(c->data));
}

static void on_init(void *userdata, struct fuse_conn_info *conn)
{
	struct scriptfs *fs = userdata;

	pthread_mutex_lock(&fs->lock);
	fs->inits++;
	pthread_mutex_unlock(&fs->lock);
	if (fs->on_init)
		fs->on_init(conn);
}

static void on_destroy(void *userdata)
{
	struct scriptfs *fs = userdata;

	pthread_mutex_lock(&fs->lock);
	fs->destroys++;
	pthread_mutex_unlock(&fs->lock);
}

/* ---- names ---- */

static void name_op(unsigned int op, fuse_req_t req, fuse_ino_t parent, const char *name,
		    mode_t mode, dev_t rdev, const struct fuse_file_info *fi)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, op, req, parent);

	put_name(c.name, name);
	put_fi(&c, fi);
	c.mode = mode;
	c.rdev = rdev;
	fs_handle(fs, &c);
}

static void on_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	name_op(PROTO_LOOKUP, req, parent, name, 0, 0, NULL);
}

static void on_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	name_op(PROTO_MKNOD, req, parent, name, mode, rdev, NULL);
}

static void on_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	name_op(PROTO_MKDIR, req, parent, name, mode, 0, NULL);
}

static void on_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	name_op(PROTO_UNLINK, req, parent, name, 0, 0, NULL);
}

static void on_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	name_op(PROTO_RMDIR, req, parent, name, 0, 0, NULL);
}

static void on_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		      struct fuse_file_info *fi)
{
	name_op(PROTO_CREATE, req, parent, name, mode, 0, fi);
}

static void on_tmpfile(fuse_req_t req, fuse_ino_t parent, mode_t mode, struct fuse_file_info *fi)
{
	name_op(PROTO_TMPFILE, req, parent, "", mode, 0, fi);
}

static void on_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, PROTO_SYMLINK, req, parent);

	put_name(c.name, name);
	put_name(c.name2, target);
	fs_handle(fs, &c);
}

static void on_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
		      const char *newname, unsigned int flags)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, flags ? PROTO_RENAME2 : PROTO_RENAME, req, parent);

	put_name(c.name, name);
	put_name(c.name2, newname);
	c.ino2 = newparent;
	c.flags = (int)flags;
	fs_handle(fs, &c);
}

static void on_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char *newname)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, PROTO_LINK, req, ino);

	c.ino2 = newparent;
	put_name(c.name, newname);
	fs_handle(fs, &c);
}

static void on_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, PROTO_READLINK, req, ino);

	fs_handle(fs, &c);
}

/* ---- nodes ---- */

static void on_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, PROTO_FORGET, req, ino);

	c.number = nlookup;
	fs_handle(fs, &c);
}

static void on_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, PROTO_BATCH_FORGET, req, 0);

	c.size = count;
	put_data(&c, forgets, count * sizeof(*forgets));
	fs_handle(fs, &c);
}

static void on_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, PROTO_GETATTR, req, ino);

	put_fi(&c, fi);
	fs_handle(fs, &c);
}

static void on_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		       struct fuse_file_info *fi)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, PROTO_SETATTR, req, ino);

	put_fi(&c, fi);
	c.attr = *attr;
	c.flags = to_set;
	fs_handle(fs, &c);
}

static void on_statx(fuse_req_t req, fuse_ino_t ino, int flags, int mask, struct fuse_file_info *fi)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, PROTO_STATX, req, ino);

	put_fi(&c, fi);
	c.flags = flags;
	c.cmd = (unsigned int)mask;
	fs_handle(fs, &c);
}

static void on_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, PROTO_STATFS, req, ino);

	fs_handle(fs, &c);
}

static void on_syncfs(fuse_req_t req, fuse_ino_t ino)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, PROTO_SYNCFS, req, ino);

	fs_handle(fs, &c);
}

static void on_access(fuse_req_t req, fuse_ino_t ino, int mask)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, PROTO_ACCESS, req, ino);

	c.flags = mask;
	fs_handle(fs, &c);
}

static void on_bmap(fuse_req_t req, fuse_ino_t ino, size_t blocksize, uint64_t idx)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, PROTO_BMAP, req, ino);

	c.size = blocksize;
	c.number = idx;
	fs_handle(fs, &c);
}

/* ---- extended attributes ---- */

static void on_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
			size_t size, int flags)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, PROTO_SETXATTR, req, ino);

	put_name(c.name, name);
	put_data(&c, value, size);
	c.size = size;
	c.flags = flags;
	fs_handle(fs, &c);
}

static void on_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, PROTO_GETXATTR, req, ino);

	put_name(c.name, name);
	c.size = size;
	fs_handle(fs, &c);
}

static void on_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, PROTO_LISTXATTR, req, ino);

	c.size = size;
	fs_handle(fs, &c);
}

static void on_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, PROTO_REMOVEXATTR, req, ino);

	put_name(c.name, name);
	fs_handle(fs, &c);
}

/* ---- open files ---- */

static void file_op(unsigned int op, fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    int flags, const struct fuse_file_info *fi)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, op, req, ino);

	put_fi(&c, fi);
	c.size = size;
	c.off = off;
	c.flags = flags;
	fs_handle(fs, &c);
}

static void on_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	file_op(PROTO_OPEN, req, ino, 0, 0, fi->flags, fi);
}

static void on_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	file_op(PROTO_OPENDIR, req, ino, 0, 0, fi->flags, fi);
}

static void on_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	file_op(PROTO_READ, req, ino, size, off, 0, fi);
}

static void on_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	file_op(PROTO_READDIR, req, ino, size, off, 0, fi);
}

static void on_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
			   struct fuse_file_info *fi)
{
	file_op(PROTO_READDIRPLUS, req, ino, size, off, 0, fi);
}

static void on_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	file_op(PROTO_FLUSH, req, ino, 0, 0, 0, fi);
}

static void on_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	file_op(PROTO_RELEASE, req, ino, 0, 0, fi->flags, fi);
}

static void on_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	file_op(PROTO_RELEASEDIR, req, ino, 0, 0, fi->flags, fi);
}

static void on_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	file_op(PROTO_FSYNC, req, ino, 0, 0, datasync, fi);
}

static void on_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	file_op(PROTO_FSYNCDIR, req, ino, 0, 0, datasync, fi);
}

static void on_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence,
		     struct fuse_file_info *fi)
{
	file_op(PROTO_LSEEK, req, ino, 0, off, whence, fi);
}

static void on_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
			 struct fuse_file_info *fi)
{
	file_op(PROTO_FALLOCATE, req, ino, (size_t)length, offset, mode, fi);
}

static void on_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
		     struct fuse_file_info *fi)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, PROTO_WRITE, req, ino);

	put_fi(&c, fi);
	put_data(&c, buf, size);
	c.size = size;
	c.off = off;
	fs_handle(fs, &c);
}

/* The bytes of a buffer vector, wherever they are. */
static void put_bufvec(struct fs_call *c, struct fuse_bufvec *bufv)
{
	struct fuse_bufvec dst = FUSE_BUFVEC_INIT(fuse_buf_size(bufv));
	char *copy = malloc(dst.buf[0].size + 1);
	ssize_t n;

	if (!copy)
		abort();
	dst.buf[0].mem = copy;
	n = fuse_buf_copy(&dst, bufv, 0);
	if (n < 0)
		abort();
	put_data(c, copy, (size_t)n);
	free(copy);
}

static void on_write_buf(fuse_req_t req, fuse_ino_t ino, struct fuse_bufvec *bufv, off_t off,
			 struct fuse_file_info *fi)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, PROTO_WRITE, req, ino);

	put_fi(&c, fi);
	c.size = fuse_buf_size(bufv);
	put_bufvec(&c, bufv);
	c.off = off;
	fs_handle(fs, &c);
}

static void on_retrieve_reply(fuse_req_t req, void *cookie, fuse_ino_t ino, off_t offset,
			      struct fuse_bufvec *bufv)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, PROTO_NOTIFY_REPLY, req, ino);

	c.number = (uintptr_t)cookie;
	c.off = offset;
	put_bufvec(&c, bufv);
	fs_handle(fs, &c);
}

static void on_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
			       struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out,
			       struct fuse_file_info *fi_out, size_t len, int flags)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, PROTO_COPY_FILE_RANGE, req, ino_in);

	put_fi(&c, fi_in);
	c.fi2 = *fi_out;
	c.ino2 = ino_out;
	c.off = off_in;
	c.off2 = off_out;
	c.size = len;
	c.flags = flags;
	fs_handle(fs, &c);
}

static void on_getlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, PROTO_GETLK, req, ino);

	put_fi(&c, fi);
	c.lock = *lock;
	fs_handle(fs, &c);
}

static void on_setlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock,
		     int sleep)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, sleep ? PROTO_SETLKW : PROTO_SETLK, req, ino);

	put_fi(&c, fi);
	c.lock = *lock;
	fs_handle(fs, &c);
}

static void on_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, int op)
{
	struct fs_call c;
	struct scriptfs *fs =
		begin(&c, op & 4 /* LOCK_NB */ ? PROTO_SETLK : PROTO_SETLKW, req, ino);

	put_fi(&c, fi);
	put_name(c.name, "flock");
	c.flags = op;
	fs_handle(fs, &c);
}

static void on_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void *arg,
		     struct fuse_file_info *fi, unsigned int flags, const void *in_buf,
		     size_t in_bufsz, size_t out_bufsz)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, PROTO_IOCTL, req, ino);

	put_fi(&c, fi);
	put_data(&c, in_buf, in_bufsz);
	c.cmd = cmd;
	c.number = (uintptr_t)arg;
	c.flags = (int)flags;
	c.size = in_bufsz;
	c.size2 = out_bufsz;
	fs_handle(fs, &c);
}

static void on_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
		    struct fuse_pollhandle *ph)
{
	struct fs_call c;
	struct scriptfs *fs = begin(&c, PROTO_POLL, req, ino);

	put_fi(&c, fi);
	c.poll = ph;
	fs_handle(fs, &c);
}

const struct fuse_lowlevel_ops fs_ops = {
	.init = on_init,
	.destroy = on_destroy,
	.lookup = on_lookup,
	.forget = on_forget,
	.getattr = on_getattr,
	.setattr = on_setattr,
	.readlink = on_readlink,
	.mknod = on_mknod,
	.mkdir = on_mkdir,
	.unlink = on_unlink,
	.rmdir = on_rmdir,
	.symlink = on_symlink,
	.rename = on_rename,
	.link = on_link,
	.open = on_open,
	.read = on_read,
	.write = on_write,
	.flush = on_flush,
	.release = on_release,
	.fsync = on_fsync,
	.opendir = on_opendir,
	.readdir = on_readdir,
	.releasedir = on_releasedir,
	.fsyncdir = on_fsyncdir,
	.statfs = on_statfs,
	.setxattr = on_setxattr,
	.getxattr = on_getxattr,
	.listxattr = on_listxattr,
	.removexattr = on_removexattr,
	.access = on_access,
	.create = on_create,
	.getlk = on_getlk,
	.setlk = on_setlk,
	.bmap = on_bmap,
	.ioctl = on_ioctl,
	.poll = on_poll,
	.retrieve_reply = on_retrieve_reply,
	.forget_multi = on_forget_multi,
	.flock = on_flock,
	.fallocate = on_fallocate,
	.readdirplus = on_readdirplus,
	.copy_file_range = on_copy_file_range,
	.lseek = on_lseek,
	.tmpfile = on_tmpfile,
	.statx = on_statx,
	.syncfs = on_syncfs,
};

struct fuse_lowlevel_ops fs_ops_with_write_buf(void)
{
	struct fuse_lowlevel_ops ops = fs_ops;

	ops.write = NULL;
	ops.write_buf = on_write_buf;
	return ops;
}

/* Where an operation's callback stands; the ones that have none, or that
 * share, are left out. */
static const size_t callback_of[PROTO_OP_COUNT] = {
#define CB(op, member) [PROTO_##op] = offsetof(struct fuse_lowlevel_ops, member)
	CB(LOOKUP, lookup),
	CB(GETATTR, getattr),
	CB(SETATTR, setattr),
	CB(READLINK, readlink),
	CB(SYMLINK, symlink),
	CB(MKNOD, mknod),
	CB(MKDIR, mkdir),
	CB(UNLINK, unlink),
	CB(RMDIR, rmdir),
	CB(RENAME, rename),
	CB(RENAME2, rename),
	CB(LINK, link),
	CB(OPEN, open),
	CB(READ, read),
	CB(WRITE, write),
	CB(STATFS, statfs),
	CB(RELEASE, release),
	CB(FSYNC, fsync),
	CB(SETXATTR, setxattr),
	CB(GETXATTR, getxattr),
	CB(LISTXATTR, listxattr),
	CB(REMOVEXATTR, removexattr),
	CB(FLUSH, flush),
	CB(OPENDIR, opendir),
	CB(READDIR, readdir),
	CB(RELEASEDIR, releasedir),
	CB(FSYNCDIR, fsyncdir),
	CB(GETLK, getlk),
	CB(SETLK, setlk),
	CB(SETLKW, setlk),
	CB(ACCESS, access),
	CB(CREATE, create),
	CB(BMAP, bmap),
	CB(IOCTL, ioctl),
	CB(POLL, poll),
	CB(FALLOCATE, fallocate),
	CB(READDIRPLUS, readdirplus),
	CB(LSEEK, lseek),
	CB(SYNCFS, syncfs),
	CB(COPY_FILE_RANGE, copy_file_range),
	CB(STATX, statx),
	CB(COPY_FILE_RANGE_64, copy_file_range),
	CB(TMPFILE, tmpfile),
#undef CB
};

struct fuse_lowlevel_ops fs_ops_without(unsigned int op)
{
	struct fuse_lowlevel_ops ops = fs_ops;

	if (callback_of[op])
		memset((char *)&ops + callback_of[op], 0, sizeof(void (*)(void)));
	return ops;
}
