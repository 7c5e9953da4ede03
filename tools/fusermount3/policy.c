/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may do what, and what the kernel is told. Pure functions of what was
 * asked, what the administrator allows and what was found out by descriptor:
 * nothing here opens, reads or prints, so that the whole policy can be tested
 * as a table.
 *
 * "The caller" is a real uid. Root may do with FUSE mounts what it likes.
 */
#include "fusermount3.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define MOUNTING_MAX 16 /* helpers of one user that mount at the same time */

/*
 * Filesystems whose directories may be covered by a user. The danger is in
 * those left out: on procfs, sysfs, devpts, cgroup and the like, names mean
 * something to privileged programs, and a user's files in their place would
 * be believed. Everything here stores what users put there, so covering a
 * directory one may write to gives nothing that writing to it does not.
 */
/* clang-format off */
static const uint64_t storage[] = {
	/* on a local disk */
	0xca451a4e /* bcachefs */, 0x9123683e /* btrfs */, 0x2011bab0 /* exfat */,
	0xef53 /* ext2, ext3, ext4 */, 0xf2f52010 /* f2fs */, 0x482b /* hfs+ */,
	0x72b6 /* jffs2 */, 0x3153464a /* jfs */, 0x4d44 /* msdos, vfat */,
	0x3434 /* nilfs */, 0x5346544e /* ntfs */, 0x7366746e /* ntfs3 */,
	0x52654973 /* reiserfs */, 0x73717368 /* squashfs */, 0x24051905 /* ubifs */,
	0x736675005346544e /* ufsd */, 0x58465342 /* xfs */, 0x2fc12fc1 /* zfs */,
	/* over a network, or shared in a cluster */
	0x00c36400 /* ceph */, 0xff534d42 /* cifs */, 0xfe534d42 /* smb2 */,
	0x01161970 /* gfs2 */, 0x47504653 /* gpfs */, 0x0bd00bd0 /* lustre */,
	0x564c /* ncp */, 0x6969 /* nfs */, 0x5346414f /* openafs */,
	0xaad7aaea /* panfs */, 0x19031997 /* wekafs */,
	/* on top of another filesystem */
	0x61756673 /* aufs */, 0xf15f /* ecryptfs */, 0x65735546 /* fuse, virtiofs */,
	0x794c7630 /* overlayfs */, 0x0187 /* autofs */,
	/* in memory */
	0x01021994 /* tmpfs */, 0x858458f6 /* ramfs */,
};
/* clang-format on */

static bool among(uint64_t magic, const uint64_t *types, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (types[i] == magic)
			return true;
	return false;
}

const char *policy_options(uid_t caller, const struct mount_options *o, const struct conf *c,
			   const char **about)
{
	const char *fsname = o->value[MNT_OPT_FSNAME], *subtype = o->value[MNT_OPT_SUBTYPE];

	if ((fsname && strlen(fsname) >= PATH_MAX) ||
	    (subtype && strlen(subtype) >= PATH_MAX - sizeof("fuseblk.")))
		return "mount options too long";
	for (size_t i = 0; i < MNT_OPT_COUNT; i++) {
		if (caller == 0 || !o->value[i])
			continue;
		*about = option_table[i].name;
		if (option_table[i].helper == MNT_HELPER_CONF && !c->user_allow_other)
			return "option % only allowed if 'user_allow_other' is set in " FUSE_CONF;
		if (option_table[i].helper == MNT_HELPER_ROOT)
			return "option % is privileged";
	}
	/* A library makes allow_other of it; the kernel knows no such option. */
	*about = option_table[MNT_OPT_ALLOW_ROOT].name;
	return o->value[MNT_OPT_ALLOW_ROOT] ? "unknown option '%'" : NULL;
}

const char *policy_mountpoint(const struct facts *f, const struct conf *c, const char **about)
{
	bool is_dir = S_ISDIR(f->mode);

	if (!is_dir && !S_ISREG(f->mode))
		return "mountpoint % is not a directory or a regular file";
	if (f->caller == 0)
		return NULL;
	if (!f->writable)
		return is_dir ? "user has no write access to mountpoint %"
			      : "failed to open %: Permission denied";
	/* In a sticky directory others keep entries that one may not touch;
	 * covering them would be touching them. */
	if (is_dir && (f->mode & S_ISVTX) && f->owner != f->caller)
		return "mountpoint % not owned by user";
	if (among(f->fstype, storage, ARRAY_SIZE(storage)) ||
	    among(f->fstype, c->extra_types, c->n_extra_types))
		return NULL;
	*about = f->fstype_text;
	return "mounting over filesystem type % is forbidden";
}

const char *policy_crowd(uid_t caller, const struct crowd *n, bool to_mount, bool to_stay,
			 const struct conf *c)
{
	uint64_t max = c->mount_max < 0 ? UINT64_MAX : (uint64_t)c->mount_max;

	if (caller == 0)
		return NULL;
	if (to_mount && n->mounts + n->mounting > max)
		return "too many FUSE filesystems mounted; mount_max=N can be set in " FUSE_CONF;
	if ((to_mount && n->mounting > MOUNTING_MAX) || (to_stay && n->mounting + n->staying > max))
		return "too many helpers of this user wait";
	return NULL;
}

unsigned long policy_flags(uid_t caller, unsigned long flags)
{
	return caller == 0 ? flags : flags | MS_NOSUID | MS_NODEV;
}

bool policy_owns(uid_t caller, const struct mount_entry *e)
{
	return e->fuse && (caller == 0 || (e->has_owner && e->owner == caller));
}

/* No word of the user's gets into `data`: it has names of the table and numbers
 * printed anew, so there are no commas to escape. */
int policy_plan(struct mount_plan *p, const struct mount_options *o, unsigned long flags,
		int device, mode_t rootmode)
{
	const char *fsname = o->value[MNT_OPT_FSNAME], *subtype = o->value[MNT_OPT_SUBTYPE];
	const size_t room = sizeof(p->data);
	size_t used;

	p->fs = o->value[MNT_OPT_BLKDEV] ? "fuseblk" : "fuse";
	p->subtype = subtype && *subtype ? subtype : NULL;
	p->source = fsname ? fsname : p->subtype ? p->subtype : "/dev/fuse";
	p->flags = flags;
	used = (size_t)snprintf(p->data, room, "fd=%d,rootmode=%o,user_id=%u,group_id=%u", device,
				rootmode & S_IFMT, getuid(), getgid());
	for (size_t i = 0; i < MNT_OPT_COUNT && used < room; i++) {
		const struct mnt_opt_row *row = &option_table[i];
		char number[16] = "";
		uint64_t n;

		if (!o->value[i] || (row->kind != MNT_KIND_DATA && row->kind != MNT_KIND_NUMBER))
			continue;
		if (row->kind == MNT_KIND_NUMBER && parse_number(o->value[i], UINT32_MAX, &n))
			snprintf(number, sizeof(number), "%u", (unsigned int)n);
		used += (size_t)snprintf(p->data + used, room - used, ",%s%s", row->name, number);
	}
	return used < room ? 0 : -E2BIG;
}
