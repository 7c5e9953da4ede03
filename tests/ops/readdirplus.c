/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include <dirent.h>

static void on_mock(struct ops *t)
{
	struct proto_dirent d;
	struct fs_call c;
	size_t pos = 0;
	char buf[4096];
	ssize_t n;

	n = mock_readdirplus(t->m, 1, 7, buf, 4096, 0);
	check(n > 0);
	fs_take(t->fs, PROTO_READDIRPLUS, &c);
	check_eq(c.ino, 1);
	check_eq(c.fi.fh, 7);
	check_eq(c.size, 4096);
	for (int i = 0; i < 3; i++)
		check_eq(proto_dirent_next(true, buf, (size_t)n, &pos, &d), 1);
	check_eq(d.entry.nodeid, FS_FILE);
	check_eq(d.entry.attr.mode, S_IFREG | 0644);
	check_eq(d.dirent.off, 3);
	check_eq(d.dirent.type, DT_REG);
	/* Each record counts but the two with dots. */
	check_eq(mock_lookups_total(t->m), 3);
	check_eq(mock_lookups(t->m, 1), 0);
	check_eq(mock_readdirplus(t->m, 1, 7, buf, 4096, 5), 0);
	mock_forget_all(t->m);
}

static void on_mount(struct ops *t)
{
	DIR *d = opendir(t->mnt);
	struct dirent *e;
	struct fs_call c;
	int n = 0;

	check(d != NULL);
	while ((e = readdir(d)) != NULL)
		n++;
	check_eq(n, 5);
	fs_take(t->fs, PROTO_READDIRPLUS, &c);
	closedir(d);
	/* There is no way back to READDIR. */
	fs_script_error(t->fs, PROTO_READDIRPLUS, ENOSYS);
	d = opendir(t->mnt);
	errno = 0;
	check(readdir(d) == NULL);
	check_eq(errno, ENOSYS);
	closedir(d);
}

OPS_TEST(.op = PROTO_READDIRPLUS, .mock = on_mock, .mount = on_mount)
