/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What files that stand for more than bytes need: ioctl, poll, bmap. */
#include "highlevel/hl.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* data holds what comes in and takes what goes out. */
static void *ioctl_data(const void *in_buf, size_t in_size, size_t out_size, size_t *size)
{
	void *data;

	*size = in_size > out_size ? in_size : out_size;
	data = calloc(1, *size ? *size : 1);
	if (data && in_size)
		memcpy(data, in_buf, in_size);
	return data;
}

void hl_ll_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void *arg,
		 struct fuse_file_info *fi, unsigned int flags, const void *in_buf, size_t in_size,
		 size_t out_size)
{
	CLEANUP_FREE void *data = NULL;
	size_t size = 0;
	struct hl_call c;
	int res;

	/* Who may name memory of the caller at will is not this API. */
	if (flags & FUSE_IOCTL_UNRESTRICTED) {
		fuse_reply_err(req, EPERM);
		return;
	}
	res = hl_call_open(&c, req, "ioctl", ino, fi);
	if (!res) {
		data = ioctl_data(in_buf, in_size, out_size, &size);
		res = data ? fuse_fs_ioctl(c.f->fs, hl_path(&c), cmd, arg, &c.fi, flags,
					   size ? data : NULL)
			   : -ENOMEM;
		if (res <= -512)
			res = hl_checked(c.f, "ioctl", res);
	}
	hl_call_end(&c);
	if (res < 0)
		fuse_reply_err(req, -res);
	else
		fuse_reply_ioctl(req, res, data, out_size);
}

void hl_ll_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
		struct fuse_pollhandle *ph)
{
	unsigned int revents = 0;
	struct hl_call c;
	int err = hl_call_open(&c, req, "poll", ino, fi);

	if (!err) {
		/* Nobody would free the handle. */
		if (!c.f->fs->op.poll && ph)
			fuse_pollhandle_destroy(ph);
		err = hl_checked(c.f, "poll",
				 fuse_fs_poll(c.f->fs, hl_path(&c), &c.fi, ph, &revents));
	} else if (ph) {
		fuse_pollhandle_destroy(ph);
	}
	hl_call_end(&c);
	if (err)
		fuse_reply_err(req, -err);
	else
		fuse_reply_poll(req, revents);
}

PROFUSE_EXPORT int fuse_notify_poll(struct fuse_pollhandle *ph)
{
	return fuse_lowlevel_notify_poll(ph);
}

void hl_ll_bmap(fuse_req_t req, fuse_ino_t ino, size_t blocksize, uint64_t idx)
{
	struct hl_call c;
	int err = hl_call_node(&c, req, "bmap", ino);

	if (!err)
		err = hl_checked(c.f, "bmap", fuse_fs_bmap(c.f->fs, hl_path(&c), blocksize, &idx));
	hl_call_end(&c);
	if (err)
		fuse_reply_err(req, -err);
	else
		fuse_reply_bmap(req, idx);
}
