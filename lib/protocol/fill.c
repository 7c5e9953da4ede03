/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "protocol/fill.h"

#include <string.h>
#include <sys/file.h>
#include <sys/sysmacros.h>

#include "base/compiler.h"

#define NSEC_PER_SEC 1000000000u

static uint32_t clamp32(uint64_t v)
{
	return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

void proto_timeout(double seconds, uint64_t *sec, uint32_t *nsec)
{
	double fraction;

	*sec = 0;
	*nsec = 0;
	if (!(seconds > 0)) /* NaN as well */
		return;
	if (seconds >= (double)INT64_MAX) {
		*sec = INT64_MAX;
		return;
	}
	*sec = (uint64_t)seconds;
	fraction = (seconds - (double)*sec) * NSEC_PER_SEC;
	*nsec = fraction >= NSEC_PER_SEC - 1 ? NSEC_PER_SEC - 1 : (uint32_t)fraction;
}

uint32_t proto_dev_encode(dev_t dev)
{
	uint32_t maj, min;

	/* In nearly every answer; major() and minor() are calls. */
	if (likely(dev == 0))
		return 0;
	maj = major(dev);
	min = minor(dev);
	return (min & 0xff) | (maj << 8) | ((min & ~0xffu) << 12);
}

dev_t proto_dev_decode(uint32_t dev)
{
	return makedev((dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00));
}

void proto_fill_attr(struct fuse_attr *out, const struct stat *st)
{
	*out = (struct fuse_attr){
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.blocks = (uint64_t)st->st_blocks,
		.atime = (uint64_t)st->st_atim.tv_sec,
		.mtime = (uint64_t)st->st_mtim.tv_sec,
		.ctime = (uint64_t)st->st_ctim.tv_sec,
		.atimensec = (uint32_t)st->st_atim.tv_nsec,
		.mtimensec = (uint32_t)st->st_mtim.tv_nsec,
		.ctimensec = (uint32_t)st->st_ctim.tv_nsec,
		.mode = st->st_mode,
		.nlink = clamp32(st->st_nlink),
		.uid = st->st_uid,
		.gid = st->st_gid,
		.rdev = proto_dev_encode(st->st_rdev),
		.blksize = st->st_blksize < 0 ? 0 : clamp32((uint64_t)st->st_blksize),
	};
}

void proto_fill_attr_out(struct fuse_attr_out *out, const struct stat *st, double timeout)
{
	out->dummy = 0;
	proto_timeout(timeout, &out->attr_valid, &out->attr_valid_nsec);
	proto_fill_attr(&out->attr, st);
}

void proto_fill_entry_out(struct fuse_entry_out *out, uint64_t nodeid, uint64_t generation,
			  double entry_timeout, double attr_timeout, const struct stat *st)
{
	out->nodeid = nodeid;
	out->generation = generation;
	proto_timeout(entry_timeout, &out->entry_valid, &out->entry_valid_nsec);
	proto_timeout(attr_timeout, &out->attr_valid, &out->attr_valid_nsec);
	proto_fill_attr(&out->attr, st);
}

void proto_fill_kstatfs(struct fuse_kstatfs *out, const struct statvfs *st)
{
	*out = (struct fuse_kstatfs){
		.blocks = st->f_blocks,
		.bfree = st->f_bfree,
		.bavail = st->f_bavail,
		.files = st->f_files,
		.ffree = st->f_ffree,
		.bsize = clamp32(st->f_bsize),
		.namelen = clamp32(st->f_namemax),
		.frsize = clamp32(st->f_frsize),
	};
}

static struct fuse_sx_time sx_time(const struct statx_timestamp *ts)
{
	return (struct fuse_sx_time){.tv_sec = ts->tv_sec, .tv_nsec = ts->tv_nsec};
}

void proto_fill_statx(struct fuse_statx *out, const struct statx *st)
{
	*out = (struct fuse_statx){
		.mask = st->stx_mask,
		.blksize = st->stx_blksize,
		.attributes = st->stx_attributes,
		.nlink = st->stx_nlink,
		.uid = st->stx_uid,
		.gid = st->stx_gid,
		.mode = st->stx_mode,
		.ino = st->stx_ino,
		.size = st->stx_size,
		.blocks = st->stx_blocks,
		.attributes_mask = st->stx_attributes_mask,
		.atime = sx_time(&st->stx_atime),
		.btime = sx_time(&st->stx_btime),
		.ctime = sx_time(&st->stx_ctime),
		.mtime = sx_time(&st->stx_mtime),
		.rdev_major = st->stx_rdev_major,
		.rdev_minor = st->stx_rdev_minor,
		.dev_major = st->stx_dev_major,
		.dev_minor = st->stx_dev_minor,
	};
}

static const char *type_fault(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return NULL;
	default:
		return "the mode has no valid file type (S_IFREG, S_IFDIR, ...)";
	}
}

const char *proto_attr_fault(const struct stat *st)
{
	return st->st_size < 0 ? "the size is negative" : type_fault(st->st_mode);
}

const char *proto_statx_fault(const struct statx *st)
{
	if ((st->stx_mask & STATX_SIZE) && st->stx_size > INT64_MAX)
		return "the size is negative";
	return st->stx_mask & STATX_TYPE ? type_fault(st->stx_mode) : NULL;
}

void proto_stat_from_setattr(struct stat *out, const struct fuse_setattr_in *in)
{
	memset(out, 0, sizeof(*out));
	out->st_mode = in->mode;
	out->st_uid = in->uid;
	out->st_gid = in->gid;
	out->st_size = (off_t)in->size;
	out->st_atim.tv_sec = (time_t)in->atime;
	out->st_atim.tv_nsec = in->atimensec;
	out->st_mtim.tv_sec = (time_t)in->mtime;
	out->st_mtim.tv_nsec = in->mtimensec;
	out->st_ctim.tv_sec = (time_t)in->ctime;
	out->st_ctim.tv_nsec = in->ctimensec;
}

void proto_flock_from_wire(struct flock *out, const struct fuse_file_lock *in)
{
	memset(out, 0, sizeof(*out));
	out->l_type = (short)in->type;
	out->l_whence = SEEK_SET;
	out->l_start = (off_t)in->start;
	/* start 0 to INT64_MAX is the whole file: its length has no number but
	 * POSIX's 0. */
	out->l_len = in->end >= INT64_MAX ? 0 : (off_t)(in->end - in->start + 1);
	out->l_pid = (pid_t)in->pid;
}

bool proto_fill_lock(struct fuse_file_lock *out, const struct flock *lock)
{
	int64_t start = lock->l_start, end = INT64_MAX;

	if (lock->l_type != F_RDLCK && lock->l_type != F_WRLCK && lock->l_type != F_UNLCK)
		return false;
	if (start < 0 || lock->l_len < 0)
		return false;
	if (lock->l_len > 0 && __builtin_add_overflow(start, lock->l_len - 1, &end))
		return false;
	*out = (struct fuse_file_lock){
		.start = (uint64_t)start,
		.end = (uint64_t)end,
		.type = (uint32_t)lock->l_type,
		.pid = (uint32_t)lock->l_pid,
	};
	return true;
}

int proto_flock_op(const struct fuse_file_lock *lk, bool wait)
{
	int op;

	switch (lk->type) {
	case F_RDLCK:
		op = LOCK_SH;
		break;
	case F_WRLCK:
		op = LOCK_EX;
		break;
	case F_UNLCK:
		op = LOCK_UN;
		break;
	default:
		return -1;
	}
	return wait ? op : op | LOCK_NB;
}

size_t proto_dirent_size(size_t namelen)
{
	return FUSE_REC_ALIGN(sizeof(struct fuse_dirent) + namelen);
}

size_t proto_direntplus_size(size_t namelen)
{
	return FUSE_REC_ALIGN(sizeof(struct fuse_direntplus) + namelen);
}

/* Records need not be aligned in the program's buffer. */
static void fill_record(char *out, size_t head, size_t size, const char *name, size_t namelen)
{
	memcpy(out + head, name, namelen);
	memset(out + head + namelen, 0, size - head - namelen);
}

void proto_fill_dirent(void *out, uint64_t ino, uint64_t off, mode_t mode, const char *name,
		       size_t namelen)
{
	struct fuse_dirent d = {
		.ino = ino,
		.off = off,
		.namelen = (uint32_t)namelen,
		.type = (mode & S_IFMT) >> 12,
	};

	memcpy(out, &d, sizeof(d));
	fill_record(out, sizeof(d), proto_dirent_size(namelen), name, namelen);
}

void proto_fill_direntplus(void *out, const struct fuse_entry_out *entry, uint64_t off,
			   const char *name, size_t namelen)
{
	struct fuse_direntplus d = {
		.entry_out = *entry,
		.dirent =
			{
				.ino = entry->attr.ino,
				.off = off,
				.namelen = (uint32_t)namelen,
				.type = (entry->attr.mode & S_IFMT) >> 12,
			},
	};

	memcpy(out, &d, sizeof(d));
	fill_record(out, sizeof(d), proto_direntplus_size(namelen), name, namelen);
}
