/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include <sys/mman.h>

static void nothing(struct scriptfs *fs, const struct fs_call *c, void *data)
{
	check_eq(fuse_reply_buf(c->req, NULL, 0), 0);
}

/* In pieces, through a vector of buffers. */
static void pieces(struct scriptfs *fs, const struct fs_call *c, void *data)
{
	struct iovec iov[3] = {{(void *)"ab", 2}, {(void *)"", 0}, {(void *)"cde", 3}};

	check_eq(fuse_reply_iov(c->req, iov, 3), 0);
}

static void from_file(struct scriptfs *fs, const struct fs_call *c, void *data)
{
	struct fuse_bufvec v = FUSE_BUFVEC_INIT(5);
	FILE *f = tmpfile();

	fputs("0123456789", f);
	fflush(f);
	v.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
	v.buf[0].fd = fileno(f);
	v.buf[0].pos = 3;
	check_eq(fuse_reply_data(c->req, &v, 0), 0);
	fclose(f);
}

static void on_mock(struct ops *t)
{
	char buf[70000];
	struct fs_call c;

	check_eq(mock_read(t->m, FS_FILE, 7, buf, 100, 26), 100);
	check(memcmp(buf, "abcdefghijklmnopqrstuvwxyza", 27) == 0);
	fs_take(t->fs, PROTO_READ, &c);
	check_eq(c.ino, FS_FILE);
	check_eq(c.fi.fh, 7);
	check_eq(c.size, 100);
	check_eq(c.off, 26);
	check_eq(mock_read(t->m, FS_FILE, 7, buf, 65536, 0), 65536);
	check_eq(mock_read(t->m, FS_FILE, 7, buf, 100, FS_SIZE - 1), 1);
	check_eq(mock_read(t->m, FS_FILE, 7, buf, 100, FS_SIZE), 0);
	fs_script(t->fs, PROTO_READ, nothing, NULL);
	check_eq(mock_read(t->m, FS_FILE, 7, buf, 100, 0), 0);
	fs_script(t->fs, PROTO_READ, pieces, NULL);
	check_eq(mock_read(t->m, FS_FILE, 7, buf, 100, 0), 5);
	check(memcmp(buf, "abcde", 5) == 0);
	fs_script(t->fs, PROTO_READ, from_file, NULL);
	check_eq(mock_read(t->m, FS_FILE, 7, buf, 100, 0), 5);
	check(memcmp(buf, "34567", 5) == 0);
}

static void directly(struct scriptfs *fs, const struct fs_call *c, void *data)
{
	struct fuse_file_info fi = c->fi;

	fi.direct_io = 1;
	check_eq(fuse_reply_open(c->req, &fi), 0);
}

/* Last, as the kernel then takes the file for a shorter one. */
static void what_a_short_answer_leaves_is_zero(struct ops *t)
{
	int fd = open(ops_path(t, "file"), O_RDONLY);
	const char *page;

	check(fd >= 0);
	fs_script(t->fs, PROTO_READ, pieces, NULL);
	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	check(page != MAP_FAILED);
	check(memcmp(page, "abcde", 5) == 0);
	for (int i = 5; i < 4096; i++)
		check_eq(page[i], 0);
	munmap((void *)page, 4096);
	close(fd);
}

static void on_mount(struct ops *t)
{
	int fd = open(ops_path(t, "file"), O_RDONLY);
	static char buf[FS_SIZE + 10];
	struct fs_call c;

	check(fd >= 0);
	check_eq(pread(fd, buf, sizeof(buf), 0), FS_SIZE);
	for (int i = 0; i < FS_SIZE; i++)
		check_eq(buf[i], 'a' + i % 26);
	fs_take(t->fs, PROTO_READ, &c);
	check_eq(c.ino, FS_FILE);
	check(c.fi.fh >= FS_FH);
	check(c.size >= 4096);
	close(fd);
	fs_script(t->fs, PROTO_OPEN, directly, NULL);
	fd = open(ops_path(t, "file"), O_RDONLY);
	check(fd >= 0);
	fs_script(t->fs, PROTO_READ, from_file, NULL);
	check_eq(pread(fd, buf, 4096, 0), 5);
	check(memcmp(buf, "34567", 5) == 0);
	fs_script_error(t->fs, PROTO_READ, ENODATA);
	check_errno(pread(fd, buf, 4096, 0), ENODATA);
	fs_script_error(t->fs, PROTO_READ, ENOSYS);
	check_errno(pread(fd, buf, 4096, 0), ENOSYS);
	check_eq(pread(fd, buf, 4096, 0), 4096);
	close(fd);
	what_a_short_answer_leaves_is_zero(t);
}

OPS_TEST(.op = PROTO_READ, .mock = on_mock, .mount = on_mount)
