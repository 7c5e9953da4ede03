/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * I/O that bypasses us: the kernel reads and writes the file below by itself. That file then clears
 * its setuid and setgid bits whoever writes (profuse_must_clear_suid()), so files that have
 * such bits are written by requests, where root may keep them.
 *
 * All opens of an inode must go the same way, through one backing file or by requests. The first
 * open decides, until the last one is gone. The kernel opens the file below anew for each open
 * file, with its flags; so any descriptor of the inode will do to name it.
 */
#include "ops.h"

#include <errno.h>
#include <profuse.h>

/*
 * Backing files that could not be closed for want of a request to close them by: when the answer
 * to an open is refused, the request is gone. The next one that comes by does it.
 */
enum { MAX_ORPHANS = 64 };
static pthread_mutex_t orphans_lock = PTHREAD_MUTEX_INITIALIZER;
static int orphans[MAX_ORPHANS];
static _Atomic int norphans;

static void leave_orphan(int id)
{
	pthread_mutex_lock(&orphans_lock);
	if (norphans < MAX_ORPHANS)
		orphans[norphans++] = id;
	pthread_mutex_unlock(&orphans_lock);
}

static void close_orphans(fuse_req_t req)
{
	if (norphans == 0)
		return;
	pthread_mutex_lock(&orphans_lock);
	while (norphans > 0)
		fuse_passthrough_close(req, orphans[--norphans]);
	pthread_mutex_unlock(&orphans_lock);
}

/* 0 for none. */
static int id_for(fuse_req_t req, int fd)
{
	struct stat st;
	int id;

	if (fs.backing_refused)
		return 0;
	if (fs.clears_suid && (fstat(fd, &st) < 0 || (st.st_mode & (S_ISUID | S_ISGID))))
		return 0;
	id = fuse_passthrough_open(req, fd);
	/* Not for us, so not for any file. */
	if (id == 0 && errno == EPERM)
		fs.backing_refused = true;
	return id;
}

void backing_begin(fuse_req_t req, struct inode *inode, int fd, struct fuse_file_info *fi)
{
	if (!fs.backing)
		return;
	close_orphans(req);
	pthread_mutex_lock(&inode->lock);
	if (inode->backing_users++ == 0)
		inode->backing_id = id_for(req, fd);
	fi->backing_id = inode->backing_id;
	if (fi->backing_id) {
		inode->bypassed = true;
		fi->direct_io = 0;
		fi->parallel_direct_writes = 0;
		fi->keep_cache = 0;
	} else if (inode->bypassed) {
		/* What the kernel cached of it before knows nothing of what was written since. */
		inode->bypassed = false;
		fi->keep_cache = 0;
	}
	pthread_mutex_unlock(&inode->lock);
}

void backing_end(fuse_req_t req, struct inode *inode)
{
	int id = 0;

	if (!fs.backing)
		return;
	pthread_mutex_lock(&inode->lock);
	if (--inode->backing_users == 0) {
		id = inode->backing_id;
		inode->backing_id = 0;
	}
	pthread_mutex_unlock(&inode->lock);
	if (id == 0)
		return;
	if (req)
		fuse_passthrough_close(req, id);
	else
		leave_orphan(id);
}

void backing_negotiate(struct fuse_conn_info *conn)
{
	/* With writeback the kernel has to keep what it collects: one excludes the other. */
	fs.backing = fs.kernel_passthrough && profuse_want_backing_files(conn, fs.root.fd);
}
