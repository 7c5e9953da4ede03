/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "touchfs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* No request of the fuzzers is larger. */
#define LARGEST 65536

static _Atomic uint64_t entered;
static _Atomic unsigned int sink;

uint64_t touch_count(void)
{
	return entered;
}

static void require(bool fact, const char *what)
{
	if (fact)
		return;
	fprintf(stderr, "a callback was entered with %s\n", what);
	abort();
}

static void touch(const void *p, size_t len)
{
	const unsigned char *b = p;
	unsigned int sum = 0;

	require(len <= LARGEST, "more data than was sent");
	require(len == 0 || p != NULL, "a count without data");
	for (size_t i = 0; i < len; i++)
		sum += b[i];
	sink += sum;
}

static void enter(fuse_req_t req)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	const char *name, *value;
	uint32_t len;

	entered++;
	sink += ctx->uid + ctx->gid + (unsigned int)ctx->pid;
	while (fuse_req_secctx_next(req, &name, &value, &len) == 1) {
		touch(name, strlen(name));
		touch(value, len);
	}
}

static void component(const char *name)
{
	require(name != NULL, "no name");
	touch(name, strlen(name) + 1);
	require(name[0] != '\0' && !strchr(name, '/'), "a name that is no path component");
}

static void string(const char *s)
{
	require(s != NULL, "no string");
	touch(s, strlen(s) + 1);
}

static void file(const struct fuse_file_info *fi)
{
	require(fi != NULL, "no file_info");
	sink += (unsigned int)(fi->fh + fi->lock_owner) + (unsigned int)fi->flags;
}

static void reply_entry(fuse_req_t req, mode_t mode)
{
	struct fuse_entry_param e = {.ino = 2, .attr = {.st_ino = 2, .st_mode = mode}};

	fuse_reply_entry(req, &e);
}

static void reply_attr(fuse_req_t req)
{
	struct stat st = {.st_ino = 2, .st_mode = S_IFREG | 0644};

	fuse_reply_attr(req, &st, 1.5);
}

static void reply_bytes(fuse_req_t req, size_t asked)
{
	static const char bytes[4096];

	fuse_reply_buf(req, bytes, asked < sizeof(bytes) ? asked : sizeof(bytes));
}

static void do_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	enter(req);
	component(name);
	reply_entry(req, S_IFREG | 0644);
}

static void do_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	enter(req);
	fuse_reply_none(req);
}

static void do_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	enter(req);
	if (fi)
		file(fi);
	reply_attr(req);
}

static void do_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		       struct fuse_file_info *fi)
{
	enter(req);
	touch(attr, sizeof(*attr));
	if (fi)
		file(fi);
	reply_attr(req);
}

static void do_readlink(fuse_req_t req, fuse_ino_t ino)
{
	enter(req);
	fuse_reply_readlink(req, "target");
}

static void do_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	enter(req);
	component(name);
	reply_entry(req, mode);
}

static void do_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	enter(req);
	component(name);
	reply_entry(req, S_IFDIR | 0755);
}

static void do_remove(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	enter(req);
	component(name);
	fuse_reply_err(req, 0);
}

static void do_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	enter(req);
	string(target);
	component(name);
	reply_entry(req, S_IFLNK | 0777);
}

static void do_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
		      const char *newname, unsigned int flags)
{
	enter(req);
	component(name);
	component(newname);
	fuse_reply_err(req, 0);
}

static void do_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char *newname)
{
	enter(req);
	component(newname);
	reply_entry(req, S_IFREG | 0644);
}

static void do_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	enter(req);
	file(fi);
	fuse_reply_open(req, fi);
}

static void do_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	enter(req);
	file(fi);
	reply_bytes(req, size);
}

static void do_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
		     struct fuse_file_info *fi)
{
	enter(req);
	file(fi);
	touch(buf, size);
	fuse_reply_write(req, size);
}

static void do_file(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	enter(req);
	file(fi);
	fuse_reply_err(req, 0);
}

static void do_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	do_file(req, ino, fi);
}

static void do_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	struct stat st = {.st_ino = 2, .st_mode = S_IFREG};
	char buf[256];
	size_t n;

	enter(req);
	file(fi);
	if (size > sizeof(buf))
		size = sizeof(buf);
	n = fuse_add_direntry(req, buf, size, "entry", &st, 1);
	fuse_reply_buf(req, buf, n <= size ? n : 0);
}

static void do_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
			   struct fuse_file_info *fi)
{
	struct fuse_entry_param e = {.ino = 2, .attr = {.st_mode = S_IFREG}};
	char buf[512];
	size_t n;

	enter(req);
	file(fi);
	if (size > sizeof(buf))
		size = sizeof(buf);
	n = fuse_add_direntry_plus(req, buf, size, "entry", &e, 1);
	fuse_reply_buf(req, buf, n <= size ? n : 0);
}

static void do_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs st = {.f_bsize = 512};

	enter(req);
	fuse_reply_statfs(req, &st);
}

static void do_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
			size_t size, int flags)
{
	enter(req);
	string(name);
	touch(value, size);
	fuse_reply_err(req, 0);
}

static void reply_xattr(fuse_req_t req, size_t size)
{
	if (size == 0)
		fuse_reply_xattr(req, 10);
	else
		reply_bytes(req, size < 10 ? size : 10);
}

static void do_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	enter(req);
	string(name);
	reply_xattr(req, size);
}

static void do_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	enter(req);
	reply_xattr(req, size);
}

static void do_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	enter(req);
	string(name);
	fuse_reply_err(req, 0);
}

static void do_access(fuse_req_t req, fuse_ino_t ino, int mask)
{
	enter(req);
	fuse_reply_err(req, 0);
}

static void do_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		      struct fuse_file_info *fi)
{
	struct fuse_entry_param e = {.ino = 2, .attr = {.st_mode = S_IFREG | 0644}};

	enter(req);
	component(name);
	file(fi);
	fuse_reply_create(req, &e, fi);
}

static void do_tmpfile(fuse_req_t req, fuse_ino_t parent, mode_t mode, struct fuse_file_info *fi)
{
	do_create(req, parent, "tmpfile", mode, fi);
}

static void lock(const struct flock *l)
{
	require(l->l_start >= 0 && l->l_len >= 0, "a lock range that is none");
}

static void do_getlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *l)
{
	enter(req);
	file(fi);
	lock(l);
	fuse_reply_lock(req, l);
}

static void do_setlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *l,
		     int sleep)
{
	enter(req);
	file(fi);
	lock(l);
	fuse_reply_err(req, 0);
}

static void do_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, int op)
{
	do_file(req, ino, fi);
}

static void do_bmap(fuse_req_t req, fuse_ino_t ino, size_t blocksize, uint64_t idx)
{
	enter(req);
	fuse_reply_bmap(req, idx);
}

static void do_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void *arg,
		     struct fuse_file_info *fi, unsigned int flags, const void *in_buf,
		     size_t in_bufsz, size_t out_bufsz)
{
	static const char out[256];

	enter(req);
	file(fi);
	touch(in_buf, in_bufsz);
	fuse_reply_ioctl(req, 0, out, out_bufsz < sizeof(out) ? out_bufsz : sizeof(out));
}

static void do_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
		    struct fuse_pollhandle *ph)
{
	enter(req);
	file(fi);
	if (ph)
		fuse_pollhandle_destroy(ph);
	fuse_reply_poll(req, 1);
}

static void do_retrieve_reply(fuse_req_t req, void *cookie, fuse_ino_t ino, off_t offset,
			      struct fuse_bufvec *bufv)
{
	require(false, "data that nobody retrieved");
}

static void do_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	enter(req);
	touch(forgets, count * sizeof(*forgets));
	fuse_reply_none(req);
}

static void do_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
			 struct fuse_file_info *fi)
{
	do_file(req, ino, fi);
}

static void do_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
			       struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out,
			       struct fuse_file_info *fi_out, size_t len, int flags)
{
	enter(req);
	file(fi_in);
	file(fi_out);
	fuse_reply_write(req, len < 100 ? len : 100);
}

static void do_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence,
		     struct fuse_file_info *fi)
{
	enter(req);
	file(fi);
	fuse_reply_lseek(req, off);
}

static void do_statx(fuse_req_t req, fuse_ino_t ino, int flags, int mask, struct fuse_file_info *fi)
{
	struct statx stx = {.stx_mask = 0x7ff, .stx_mode = S_IFREG};

	enter(req);
	if (fi)
		file(fi);
	fuse_reply_statx(req, 0, &stx, 1);
}

static void do_syncfs(fuse_req_t req, fuse_ino_t ino)
{
	enter(req);
	fuse_reply_err(req, 0);
}

const struct fuse_lowlevel_ops touch_ops = {
	.lookup = do_lookup,
	.forget = do_forget,
	.getattr = do_getattr,
	.setattr = do_setattr,
	.readlink = do_readlink,
	.mknod = do_mknod,
	.mkdir = do_mkdir,
	.unlink = do_remove,
	.rmdir = do_remove,
	.symlink = do_symlink,
	.rename = do_rename,
	.link = do_link,
	.open = do_open,
	.read = do_read,
	.write = do_write,
	.flush = do_file,
	.release = do_file,
	.fsync = do_fsync,
	.opendir = do_open,
	.readdir = do_readdir,
	.releasedir = do_file,
	.fsyncdir = do_fsync,
	.statfs = do_statfs,
	.setxattr = do_setxattr,
	.getxattr = do_getxattr,
	.listxattr = do_listxattr,
	.removexattr = do_removexattr,
	.access = do_access,
	.create = do_create,
	.getlk = do_getlk,
	.setlk = do_setlk,
	.bmap = do_bmap,
	.ioctl = do_ioctl,
	.poll = do_poll,
	.retrieve_reply = do_retrieve_reply,
	.forget_multi = do_forget_multi,
	.flock = do_flock,
	.fallocate = do_fallocate,
	.readdirplus = do_readdirplus,
	.copy_file_range = do_copy_file_range,
	.lseek = do_lseek,
	.tmpfile = do_tmpfile,
	.statx = do_statx,
	.syncfs = do_syncfs,
};
