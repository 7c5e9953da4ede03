/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service_file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/fd.h"

static int check_kind(int fd, bool device)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (device)
		return S_ISBLK(st.st_mode) ? 0 : -ENOTBLK;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	return S_ISREG(st.st_mode) || S_ISBLK(st.st_mode) ? 0 : -EPERM;
}

/*
 * To open some things is to do something: a tape rewinds, a FIFO waits. So first
 * comes a look at what it is, and what was looked at is then opened.
 */
static int open_existing(const char *path, int flags, bool device)
{
	CLEANUP_CLOSE int look = open(path, O_PATH | O_CLOEXEC | (flags & O_NOFOLLOW));
	char link[40];
	int err = look < 0 ? -errno : check_kind(look, device), fd;

	if (err)
		return err;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", look);
	fd = open(link, (flags & ~(O_CREAT | O_NOFOLLOW)) | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (!(flags & O_NONBLOCK) && (err = fd_set_nonblock(fd, 0)) < 0) {
		close(fd);
		return err;
	}
	return fd;
}

static int create(const char *path, const struct service_open *how, int flags)
{
	int fd = open(path, flags | O_CREAT | O_EXCL | O_NOFOLLOW, how->mode);

	return fd < 0 ? -errno : fd;
}

int service_file_open(const char *path, const struct service_open *how, int flags, bool device)
{
	CLEANUP_CLOSE int fd = -ENOENT;
	int size = (int)how->block_size;

	if (how->block_size > INT32_MAX)
		return -EINVAL;
	if ((flags & O_CREAT) && (flags & O_EXCL) && !device)
		return create(path, how, flags);
	fd = open_existing(path, flags, device);
	if (fd == -ENOENT && (flags & O_CREAT) && !device)
		return create(path, how, flags);
	if (fd >= 0 && device && size && ioctl(fd, BLKBSZSET, &size) < 0)
		return -errno;
	return take_fd(&fd);
}

/* ---- arguments ---- */

static int write_args(int fd, char *const argv[], size_t count)
{
	const struct service_args_head head = {htonl(SERVICE_ARGS), htonl((uint32_t)count)};
	size_t pos = sizeof(head) + count * sizeof(struct service_arg);
	ssize_t n = fd_write_full(fd, &head, sizeof(head));

	for (size_t i = 0; i < count && n >= 0; i++) {
		size_t len = strlen(argv[i]);
		const struct service_arg arg = {htonl((uint32_t)pos), htonl((uint32_t)len)};

		if (len >= SERVICE_MAX_ARGUMENT || !size_add(pos, len + 1, &pos) ||
		    pos > SERVICE_MAX_ARGUMENT)
			return -E2BIG;
		n = fd_write_full(fd, &arg, sizeof(arg));
	}
	for (size_t i = 0; i < count && n >= 0; i++)
		n = fd_write_full(fd, argv[i], strlen(argv[i]) + 1);
	return n < 0 ? (int)n : 0;
}

int service_file_of_args(char *const argv[])
{
	CLEANUP_CLOSE int fd = memfd_create(SERVICE_FILE_ARGS, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t count = 0;
	int err;

	if (fd < 0)
		return -errno;
	while (argv[count])
		count++;
	err = write_args(fd, argv, count);
	if (err)
		return err;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return -errno;
	return take_fd(&fd);
}
