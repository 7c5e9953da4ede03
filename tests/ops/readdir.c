/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include <dirent.h>

static void without_plus(struct fuse_conn_info *conn)
{
	fuse_unset_feature_flag(conn, FUSE_CAP_READDIRPLUS);
	fuse_unset_feature_flag(conn, FUSE_CAP_READDIRPLUS_AUTO);
}

static size_t names(const char *buf, size_t len, char *out)
{
	struct proto_dirent d;
	size_t pos = 0, last = 0;

	*out = '\0';
	while (proto_dirent_next(false, buf, len, &pos, &d) > 0) {
		strncat(out, d.name, d.dirent.namelen);
		strcat(out, " ");
		last = d.dirent.off;
	}
	check_eq(pos, len); /* nothing cut, nothing over */
	return last;
}

static void on_mock(struct ops *t)
{
	char buf[4096], list[256];
	struct fs_call c;
	ssize_t n;

	n = mock_readdir(t->m, 1, 7, buf, 4096, 0);
	check(n > 0);
	check_eq(names(buf, (size_t)n, list), 5);
	check_str(list, ". .. file dir link ");
	fs_take(t->fs, PROTO_READDIR, &c);
	check_eq(c.ino, 1);
	check_eq(c.fi.fh, 7);
	check_eq(c.size, 4096);
	check_eq(c.off, 0);
	n = mock_readdir(t->m, 1, 7, buf, 70, 2); /* room for two of them */
	check_eq(n, 64);
	names(buf, (size_t)n, list);
	check_str(list, "file dir ");
	check_eq(mock_readdir(t->m, 1, 7, buf, 4096, 5), 0);
}

static void on_mount(struct ops *t)
{
	static const char *const want[] = {".", "..", "file", "dir", "link"};
	DIR *d = opendir(t->mnt);
	struct dirent *e;
	struct fs_call c;
	int n = 0;

	check(d != NULL);
	while ((e = readdir(d)) != NULL) {
		check(n < 5);
		check_str(e->d_name, want[n]);
		n++;
	}
	check_eq(n, 5);
	fs_take(t->fs, PROTO_READDIR, &c);
	check_eq(c.off, 0);
	rewinddir(d);
	fs_script_error(t->fs, PROTO_READDIR, EIO);
	errno = 0;
	check(readdir(d) == NULL);
	check_eq(errno, EIO);
	closedir(d);
}

OPS_TEST(.op = PROTO_READDIR, .mock = on_mock, .mount = on_mount, .init = without_plus)
