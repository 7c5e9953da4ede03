/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* POSIX access control lists, set and read in their stored form. */
#include "../script.h"

#include <errno.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

#define ACCESS	"system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

struct entry {
	unsigned tag, perm, id;
};

struct list {
	struct posix_acl_xattr_header header;
	struct posix_acl_xattr_entry entries[16];
};

static size_t build(struct list *list, const struct entry *entries)
{
	size_t n = 0;

	list->header.a_version = htole32(POSIX_ACL_XATTR_VERSION);
	for (; entries[n].tag; n++) {
		list->entries[n].e_tag = htole16(entries[n].tag);
		list->entries[n].e_perm = htole16(entries[n].perm);
		list->entries[n].e_id = htole32(entries[n].id);
	}
	return sizeof(list->header) + n * sizeof(list->entries[0]);
}

static void set_list(const char *path, const char *name, const struct entry *entries)
{
	struct list list;
	size_t size = build(&list, entries);

	if (setxattr(path, name, &list, size, 0) == 0)
		return;
	if (errno == EOPNOTSUPP)
		skip("this filesystem has no access control lists");
	fail("setxattr(%s, %s): %s", path, name, errno_name(errno));
}

/* Does the file have exactly this list? NULL: none. */
static void expect_list(const char *path, const char *name, const struct entry *entries)
{
	struct list want, got;
	size_t size;

	if (!entries) {
		must_fail(ENODATA, getxattr(path, name, &got, sizeof(got)));
		return;
	}
	size = build(&want, entries);
	must_be(size, getxattr(path, name, &got, sizeof(got)));
	for (size_t i = 0; entries[i].tag; i++) {
		if (memcmp(&want.entries[i], &got.entries[i], sizeof(got.entries[0])) != 0)
			fail("%s of %s: entry %zu is tag %#x perm %o", name, path, i,
			     le16toh(got.entries[i].e_tag), le16toh(got.entries[i].e_perm));
	}
}

#define NOBODY ((unsigned)ACL_UNDEFINED_ID)

static const struct entry u2_may_write[] = {
	{ ACL_USER_OBJ, 6, NOBODY },  { ACL_USER, 6, 65102 },	 { ACL_GROUP_OBJ, 4, NOBODY },
	{ ACL_MASK, 6, NOBODY },      { ACL_OTHER, 0, NOBODY },	 { 0 },
};

static void named_user(void)
{
	run_script("create f 0600 text");
	set_list("f", ACCESS, u2_may_write);
	expect_list("f", ACCESS, u2_may_write);
	run_script("stat f mode = 0660; u2: try f RDWR; u1: try f RDONLY = EACCES;"
		   "u2: access f rw; u2: access f x = EACCES");
}

static void mask_limits(void)
{
	static const struct entry masked[] = {
		{ ACL_USER_OBJ, 6, NOBODY }, { ACL_USER, 6, 65102 },   { ACL_GROUP_OBJ, 4, NOBODY },
		{ ACL_MASK, 4, NOBODY },     { ACL_OTHER, 0, NOBODY }, { 0 },
	};

	run_script("create f 0600 text");
	set_list("f", ACCESS, masked);
	run_script("stat f mode = 0640; u2: try f RDONLY; u2: try f RDWR = EACCES");
}

static void chmod_changes_mask(void)
{
	static const struct entry after[] = {
		{ ACL_USER_OBJ, 7, NOBODY }, { ACL_USER, 6, 65102 },   { ACL_GROUP_OBJ, 4, NOBODY },
		{ ACL_MASK, 1, NOBODY },     { ACL_OTHER, 4, NOBODY }, { 0 },
	};

	run_script("create f 0600 text");
	set_list("f", ACCESS, u2_may_write);
	run_script("chmod f 0714; stat f mode = 0714; u2: try f RDONLY = EACCES; u1: try f RDONLY");
	expect_list("f", ACCESS, after);
	run_script("chmod f 0660; u2: try f RDWR");
}

static void minimal_list(void)
{
	static const struct entry minimal[] = {
		{ ACL_USER_OBJ, 7, NOBODY }, { ACL_GROUP_OBJ, 5, NOBODY }, { ACL_OTHER, 1, NOBODY }, { 0 },
	};

	run_script("create f 0600 text");
	set_list("f", ACCESS, u2_may_write);
	set_list("f", ACCESS, minimal);
	expect_list("f", ACCESS, NULL);
	run_script("stat f mode = 0751; u2: try f RDONLY = EACCES");
}

static void removing(void)
{
	run_script("create f 0600 text");
	set_list("f", ACCESS, u2_may_write);
	must(removexattr("f", ACCESS));
	expect_list("f", ACCESS, NULL);
	run_script("stat f mode = 0660; u2: try f RDONLY = EACCES");
}

static const struct entry inherit[] = {
	{ ACL_USER_OBJ, 7, NOBODY }, { ACL_USER, 7, 65102 },   { ACL_GROUP_OBJ, 5, NOBODY },
	{ ACL_MASK, 7, NOBODY },     { ACL_OTHER, 0, NOBODY }, { 0 },
};

/* With a default list the umask does not count; the mode asked for does. */
static void default_list(void)
{
	static const struct entry file[] = {
		{ ACL_USER_OBJ, 6, NOBODY }, { ACL_USER, 7, 65102 },   { ACL_GROUP_OBJ, 5, NOBODY },
		{ ACL_MASK, 6, NOBODY },     { ACL_OTHER, 0, NOBODY }, { 0 },
	};

	run_script("mkdir d 0777");
	set_list("d", DEFAULT, inherit);
	run_script("umask 077; u1: create d/f 0666; stat d/f mode = 0660; u1: mkdir d/s 0777;"
		   "stat d/s mode = 0770; u2: try d/f RDWR; u3: try d/f RDWR = EACCES; u2: list d/s = 2");
	expect_list("d/f", ACCESS, file);
	expect_list("d/f", DEFAULT, NULL);
	expect_list("d/s", ACCESS, inherit);
	expect_list("d/s", DEFAULT, inherit);
	run_script("u1: mkfifo d/p 0600; stat d/p mode = 0600; u1: symlink x d/l; create d/s/x 0640;"
		   "stat d/s/x mode = 0640; mkdir plain 0777; stat plain mode = 0700");
}

static void default_list_removed(void)
{
	run_script("mkdir d 0777");
	set_list("d", DEFAULT, inherit);
	must(removexattr("d", DEFAULT));
	run_script("umask 027; create d/f 0666; stat d/f mode = 0640");
	expect_list("d/f", ACCESS, NULL);
}

static void minimal_default_list(void)
{
	static const struct entry minimal[] = {
		{ ACL_USER_OBJ, 7, NOBODY }, { ACL_GROUP_OBJ, 7, NOBODY }, { ACL_OTHER, 4, NOBODY }, { 0 },
	};

	run_script("mkdir d 0777");
	set_list("d", DEFAULT, minimal);
	run_script("umask 077; create d/f 0666; stat d/f mode = 0664; mkdir d/s 0777; stat d/s mode = 0774");
	expect_list("d/f", ACCESS, NULL);
	expect_list("d/s", DEFAULT, minimal);
}

static void who_may_set(void)
{
	struct list list;
	size_t size = build(&list, u2_may_write);

	run_script("create f 0644; chown f u1 u1; mkdir d 0777");
	set_list("f", ACCESS, u2_may_write);
	become(U2);
	must_fail(EPERM, setxattr("f", ACCESS, &list, size, 0));
	must_fail(EPERM, removexattr("f", ACCESS));
	must_fail(EPERM, setxattr("d", DEFAULT, &list, size, 0));
	become(U1);
	must(setxattr("f", ACCESS, &list, size, 0));
	become(ROOT);
	must_fail(EACCES, setxattr("f", DEFAULT, &list, size, 0));
	list.header.a_version = htole32(99);
	if (setxattr("f", ACCESS, &list, size, 0) == 0)
		fail("a list of unknown form is taken");
}

/* A setgid bit that the caller could not set is lost with it. */
static void setgid_is_lost(void)
{
	struct list list;
	size_t size = build(&list, u2_may_write);

	run_script("create f 0644; chown f u1 u2; chmod f 02755");
	become(U1);
	must(setxattr("f", ACCESS, &list, size, 0));
	become(ROOT);
	run_script("stat f mode = 0660; chown f u1 u1; chmod f 02755");
	become(U1);
	must(setxattr("f", ACCESS, &list, size, 0));
	become(ROOT);
	run_script("stat f mode = 02660");
}

const struct check checks_acl[] = {
	{ "a named user", .run = named_user },
	{ "the mask limits", .run = mask_limits },
	{ "chmod changes the mask", .run = chmod_changes_mask },
	{ "a minimal list is the mode", .run = minimal_list },
	{ "removing", .run = removing },
	{ "a default list is handed down", .run = default_list },
	{ "a removed default list is not", .run = default_list_removed },
	{ "a minimal default list", .run = minimal_default_list },
	{ "who may set what where", .run = who_may_set },
	{ "setgid is lost", .run = setgid_is_lost },
	{ NULL }
};
