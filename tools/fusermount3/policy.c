/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may do what. Pure functions of what was asked, what the administrator
 * allows and what was found out by descriptor: nothing here opens, reads or
 * prints, so that the whole policy can be tested as a table.
 *
 * "The caller" is a real uid. Root may do with FUSE mounts what it likes.
 */
#include "fusermount3.h"

#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/*
 * Filesystems whose directories may be covered by a user. The danger is in
 * those left out: on procfs, sysfs, devpts, cgroup and the like, names mean
 * something to privileged programs, and a user's files in their place would
 * be believed. Everything here stores what users put there, so covering a
 * directory one may write to gives nothing that writing to it does not.
 */
static const uint64_t storage[] = {
	/* on a local disk */
	0xca451a4e,	    /* bcachefs */
	0x9123683e,	    /* btrfs */
	0x2011bab0,	    /* exfat */
	0xef53,		    /* ext2, ext3, ext4 */
	0xf2f52010,	    /* f2fs */
	0x482b,		    /* hfs+ */
	0x72b6,		    /* jffs2 */
	0x3153464a,	    /* jfs */
	0x4d44,		    /* msdos, vfat */
	0x3434,		    /* nilfs */
	0x5346544e,	    /* ntfs */
	0x7366746e,	    /* ntfs3 */
	0x52654973,	    /* reiserfs */
	0x73717368,	    /* squashfs */
	0x24051905,	    /* ubifs */
	0x736675005346544e, /* ufsd */
	0x58465342,	    /* xfs */
	0x2fc12fc1,	    /* zfs */
	/* over a network, or shared in a cluster */
	0x00c36400, /* ceph */
	0xff534d42, /* cifs */
	0xfe534d42, /* smb2 */
	0x01161970, /* gfs2 */
	0x47504653, /* gpfs */
	0x0bd00bd0, /* lustre */
	0x564c,	    /* ncp */
	0x6969,	    /* nfs */
	0x5346414f, /* openafs */
	0xaad7aaea, /* panfs */
	0x19031997, /* wekafs */
	/* on top of another filesystem */
	0x61756673, /* aufs */
	0xf15f,	    /* ecryptfs */
	0x65735546, /* fuse, virtiofs */
	0x794c7630, /* overlayfs */
	0x0187,	    /* autofs */
	/* in memory */
	0x01021994, /* tmpfs */
	0x858458f6, /* ramfs */
};

static bool type_allowed(uint64_t magic, const struct conf *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(storage); i++)
		if (storage[i] == magic)
			return true;
	for (size_t i = 0; i < c->n_extra_types; i++)
		if (c->extra_types[i] == magic)
			return true;
	return false;
}

enum verdict policy_options(uid_t caller, const struct mount_options *o, const struct conf *c)
{
	if ((o->fsname && strlen(o->fsname) >= PATH_MAX) ||
	    (o->subtype && strlen(o->subtype) >= PATH_MAX - sizeof("fuseblk.")))
		return V_OPTIONS_TOO_LONG;
	if (caller != 0 && !c->user_allow_other) {
		if (o->wishes & WISH_ALLOW_OTHER)
			return V_ALLOW_OTHER;
		if (o->wishes & WISH_ALLOW_ROOT)
			return V_ALLOW_ROOT;
	}
	/* A library turns allow_root into allow_other and checks for root
	 * itself; the kernel knows no such option. */
	if (o->wishes & WISH_ALLOW_ROOT)
		return V_ALLOW_ROOT_UNKNOWN;
	if (caller != 0 && (o->wishes & WISH_BLKDEV))
		return V_BLKDEV;
	return V_ALLOW;
}

enum verdict policy_mountpoint(const struct facts *f, const struct conf *c)
{
	if (!S_ISDIR(f->mode) && !S_ISREG(f->mode))
		return V_NOT_DIR_OR_FILE;
	if (f->caller == 0)
		return V_ALLOW;
	if (!f->writable)
		return S_ISDIR(f->mode) ? V_NOT_WRITABLE : V_FILE_NOT_WRITABLE;
	/* In a sticky directory others keep entries that one may not touch;
	 * covering them would be touching them. */
	if (S_ISDIR(f->mode) && (f->mode & S_ISVTX) && f->owner != f->caller)
		return V_NOT_OWNER;
	if (!type_allowed(f->fstype, c))
		return V_FSTYPE;
	return V_ALLOW;
}

/* mounts: how many the caller has, the new one included. */
enum verdict policy_count(uid_t caller, uint64_t mounts, const struct conf *c)
{
	if (caller == 0 || c->mount_max < 0 || mounts <= (uint64_t)c->mount_max)
		return V_ALLOW;
	return V_TOO_MANY;
}

unsigned long policy_flags(uid_t caller, const struct mount_options *o)
{
	unsigned long flags = o->flags | MS_NOSUID | MS_NODEV;

	if (caller == 0 && (o->wishes & WISH_SUID))
		flags &= ~(unsigned long)MS_NOSUID;
	if (caller == 0 && (o->wishes & WISH_DEV))
		flags &= ~(unsigned long)MS_NODEV;
	return flags;
}

bool policy_owns(uid_t caller, const struct mount_entry *e)
{
	return e->fuse && (caller == 0 || (e->has_owner && e->owner == caller));
}
