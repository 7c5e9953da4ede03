/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When set-user-ID, set-group-ID and file capabilities are taken away. */
#include "../script.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <endian.h>
#include <linux/capability.h>

/* A file of u1 that everybody may write. */
#define FILE_WITH(mode) "create f 0777 text; chown f u1 u1; chmod f " mode ";"

static void give_capability(const char *path)
{
	struct vfs_cap_data cap = {
		.magic_etc = htole32(VFS_CAP_REVISION_2),
		.data[0].permitted = htole32(1u << CAP_NET_RAW),
	};

	must(setxattr(path, "security.capability", &cap, sizeof(cap), 0));
}

static void expect_capability(const char *path, bool there)
{
	char buf[64];

	if (there)
		must(getxattr(path, "security.capability", buf, sizeof(buf)));
	else
		must_fail(ENODATA, getxattr(path, "security.capability", buf, sizeof(buf)));
}

/* Any write takes it, also root's. */
static void capability_write(void)
{
	run_script("create f 0777 text");
	give_capability("f");
	run_script("open 0 f RDWR; read 0 = text");
	expect_capability("f", true);
	run_script("u1: open 1 f WRONLY; u1: write 1 x = 1");
	expect_capability("f", false);
	give_capability("f");
	run_script("open 0 f RDWR; write 0 x = 1");
	expect_capability("f", false);
}

static void capability_truncate(void)
{
	run_script("create f 0777 text");
	give_capability("f");
	run_script("truncate f 1");
	expect_capability("f", false);
	give_capability("f");
	run_script("try f RDWR|TRUNC");
	expect_capability("f", false);
}

static void capability_chown(void)
{
	run_script("create f 0777 text");
	give_capability("f");
	run_script("chmod f 0755");
	expect_capability("f", true);
	run_script("chown f u1 u1");
	expect_capability("f", false);
}

static void store_by_mmap(void)
{
	char *m;
	int fd;

	run_script(FILE_WITH("06777"));
	become(U2);
	fd = must(open("f", O_RDWR));
	m = mmap(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m == MAP_FAILED)
		fail("mmap: %m");
	m[0] = 'x';
	must(msync(m, 4, MS_SYNC));
	become(ROOT);
	/* The page fault of a store is no write(2): Linux leaves the bits alone. */
	run_script("stat f mode = 06777|0777");
}

const struct check checks_setuid[] = {
	{ "write by another user", FILE_WITH("06777") "u2: open 0 f WRONLY; stat f mode = 06777; u2: write 0 x = 1; stat f mode = 0777" },
	{ "write by the owner", FILE_WITH("06777") "u1: open 0 f WRONLY; u1: write 0 x = 1; stat f mode = 0777" },
	{ "write by root", FILE_WITH("06777") "open 0 f WRONLY; write 0 x = 1; stat f mode = 06777" },
	{ "write with O_DIRECT", FILE_WITH("06777") "u2: open 0 f WRONLY|DIRECT = 0|EINVAL; u2: write 0 empty = 0|EBADF; stat f mode = 06777" },
	{ "write of nothing", FILE_WITH("06777") "u2: open 0 f WRONLY; u2: write 0 empty = 0; stat f mode = 06777" },
	{ "setgid without group execution stays if the writer is a member", FILE_WITH("02767") "u3: open 0 f WRONLY; u3: write 0 x = 1; stat f mode = 02767; u2: open 0 f WRONLY; u2: write 0 x = 1; stat f mode = 0767" },
	{ "the same with O_TRUNC", FILE_WITH("02767") "u3: try f RDWR|TRUNC; stat f mode = 02767; u2: try f RDWR|TRUNC; stat f mode = 0767" },
	{ "setuid without execution", FILE_WITH("04666") "u2: open 0 f WRONLY; u2: write 0 x = 1; stat f mode = 0666" },
	{ "the sticky bit stays", FILE_WITH("07777") "u2: open 0 f WRONLY; u2: write 0 x = 1; stat f mode = 01777" },
	{ "append", FILE_WITH("06777") "u2: open 0 f WRONLY|APPEND; u2: write 0 x = 1; stat f mode = 0777" },
	{ "read", FILE_WITH("06777") "u2: open 0 f RDONLY; u2: read 0 = text; stat f mode = 06777" },
	{ "truncate", FILE_WITH("06777") "u2: truncate f 1; stat f mode = 0777" },
	{ "truncate by root", FILE_WITH("06777") "truncate f 1; stat f mode = 06777" },
	{ "ftruncate", FILE_WITH("06777") "u2: open 0 f RDWR; u2: ftruncate 0 1; stat f mode = 0777" },
	{ "open with O_TRUNC", FILE_WITH("06777") "u2: try f RDWR|TRUNC; stat f mode = 0777" },
	{ "open with O_TRUNC by root", FILE_WITH("06777") "try f RDWR|TRUNC; stat f mode = 06777" },
	{ "fallocate", FILE_WITH("06777") "u2: open 0 f RDWR; u2: fallocate 0 none 0 100; stat f mode = 0777" },
	{ "punching a hole", FILE_WITH("06777") "u2: open 0 f RDWR; u2: fallocate 0 punch+keep 0 2; stat f mode = 0777" },
	{ "store through a mapping", .run = store_by_mmap },
	{ "chown by root", FILE_WITH("06777") "chown f u2 -1; stat f mode = 0777; chmod f 06777; chown f -1 u2; stat f mode = 0777" },
	{ "chown to nobody new", FILE_WITH("06777") "chown f -1 -1; stat f mode = 0777|06777" },
	{ "chgrp by the owner", "create f 0777; chown f u3 u3; chmod f 06777; u3: chown f -1 u1; stat f mode = 0777" },
	{ "chown of a directory", "mkdir d 0755; chmod d 06755; chown d u1 u1; stat d mode = 06755" },
	{ "chown keeps setgid without group execution", FILE_WITH("02767") "chown f u2 u2; stat f mode = 02767" },
	{ "chmod by the owner keeps what he sets", FILE_WITH("0777") "u1: chmod f 06755; stat f mode = 06755" },
	{ "chmod cannot give setgid for a foreign group", "create f 0777; chown f u1 u2; u1: chmod f 02755; stat f mode = 0755; u1: chmod f 04755; stat f mode = 04755; chmod f 02755; stat f mode = 02755" },
	{ "a member can set it", "create f 0777; chown f u3 u1; u3: chmod f 02755; stat f mode = 02755" },
	{ "a new name does not matter", FILE_WITH("06777") "link f g; rename f h; stat h mode = 06777" },
	{ "a file capability and write", .run = capability_write },
	{ "a file capability and truncate", .run = capability_truncate },
	{ "a file capability and chown", .run = capability_chown },
	{ NULL }
};
