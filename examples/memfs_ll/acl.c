/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * POSIX access control lists. The kernel evaluates them; what is left to a filesystem is to store
 * them, to keep the permission bits and the access list in step, and to hand a directory's
 * default list down to what is made in it. The stored form is that of the xattrs.
 */
#include "memfs.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

typedef struct posix_acl_xattr_header acl_header;
typedef struct posix_acl_xattr_entry acl_entry;

/* A writable copy of a list. */
struct acl {
	size_t size;
	size_t count;
	acl_header *raw;
};

/* 0, -EINVAL for something that is no list, -ENOMEM. */
static int acl_copy(struct acl *acl, const char *value, size_t size)
{
	acl->size = size;
	acl->raw = NULL;
	if (size < sizeof(acl_header) || (size - sizeof(acl_header)) % sizeof(acl_entry) != 0)
		return -EINVAL;
	acl->count = (size - sizeof(acl_header)) / sizeof(acl_entry);
	acl->raw = malloc(size);
	if (!acl->raw)
		return -ENOMEM;
	memcpy(acl->raw, value, size);
	if (le32toh(acl->raw->a_version) == POSIX_ACL_XATTR_VERSION && acl->count >= 3)
		return 0;
	free(acl->raw);
	acl->raw = NULL;
	return -EINVAL;
}

static acl_entry *acl_find(const struct acl *acl, unsigned tag)
{
	acl_entry *entries = (acl_entry *)(acl->raw + 1);

	for (size_t i = 0; i < acl->count; i++) {
		if (le16toh(entries[i].e_tag) == tag)
			return &entries[i];
	}
	return NULL;
}

static unsigned perm_of(const acl_entry *entry)
{
	return entry ? le16toh(entry->e_perm) & 7 : 0;
}

/* The entry that the group bits of the mode stand for. */
static acl_entry *group_class(const struct acl *acl)
{
	acl_entry *mask = acl_find(acl, ACL_MASK);

	return mask ? mask : acl_find(acl, ACL_GROUP_OBJ);
}

static mode_t acl_mode(const struct acl *acl)
{
	return perm_of(acl_find(acl, ACL_USER_OBJ)) << 6 | perm_of(group_class(acl)) << 3 |
	       perm_of(acl_find(acl, ACL_OTHER));
}

/* Says no more than the permission bits do? */
static bool acl_is_minimal(const struct acl *acl)
{
	return acl->count == 3;
}

static void set_perm(acl_entry *entry, unsigned perm)
{
	if (entry)
		entry->e_perm = htole16(perm & 7);
}

static void acl_apply_mode(struct acl *acl, mode_t mode)
{
	set_perm(acl_find(acl, ACL_USER_OBJ), mode >> 6);
	set_perm(group_class(acl), mode >> 3);
	set_perm(acl_find(acl, ACL_OTHER), mode);
}

/* Store the list, unless the bits say it all. */
static int acl_store_access(struct inode *inode, const struct acl *acl)
{
	if (!acl_is_minimal(acl))
		return xattr_store_locked(inode, ACL_ACCESS, (const char *)acl->raw, acl->size);
	xattr_remove_locked(inode, ACL_ACCESS);
	return 0;
}

int acl_set_locked(struct inode *inode, const char *name, const char *value, size_t size,
		   bool in_group)
{
	struct acl acl;
	int ret;

	if (strcmp(name, ACL_DEFAULT) == 0 && !inode_is_dir(inode))
		return -EACCES;
	ret = acl_copy(&acl, value, size);
	if (ret < 0)
		return ret;
	if (strcmp(name, ACL_DEFAULT) == 0) {
		ret = xattr_store_locked(inode, name, value, size);
	} else {
		ret = acl_store_access(inode, &acl);
		if (ret == 0) {
			inode->perm = (inode->perm & ~(mode_t)0777) | acl_mode(&acl);
			if (!in_group)
				inode->perm &= ~(mode_t)S_ISGID;
		}
	}
	free(acl.raw);
	return ret;
}

int acl_chmod_locked(struct inode *inode)
{
	struct acl acl;
	const char *value;
	size_t size;
	int ret;

	value = xattr_find_locked(inode, ACL_ACCESS, &size);
	if (!value)
		return 0;
	ret = acl_copy(&acl, value, size);
	if (ret < 0)
		return ret;
	acl_apply_mode(&acl, inode->perm);
	ret = acl_store_access(inode, &acl);
	free(acl.raw);
	return ret;
}

int acl_inherit_locked(const struct inode *dir, struct inode *inode, mode_t umask)
{
	struct acl acl;
	const char *value;
	size_t size;
	int ret;

	if (!fs.acl || S_ISLNK(inode->type))
		return 0;
	value = xattr_find_locked(dir, ACL_DEFAULT, &size);
	if (!value) {
		inode->perm &= ~umask;
		return 0;
	}
	if (inode_is_dir(inode)) {
		ret = xattr_store_locked(inode, ACL_DEFAULT, value, size);
		if (ret < 0)
			return ret;
	}
	ret = acl_copy(&acl, value, size);
	if (ret < 0)
		return ret;
	/* No more rights than the caller asked for and no more than the list grants. */
	inode->perm = (inode->perm & ~(mode_t)0777) | (inode->perm & acl_mode(&acl));
	acl_apply_mode(&acl, inode->perm);
	ret = acl_store_access(inode, &acl);
	free(acl.raw);
	return ret;
}
