/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A setuid mount helper as one should not write it: it checks a path and then
 * uses the path. The race tests run it to show that they would notice.
 *
 * usage: naive-helper [-u] [-z] MOUNTPOINT
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW_US 300 /* a busy machine gives an attacker as much */

static int mounted_by_caller(const char *path)
{
	char line[8192], mine[64];
	FILE *f = fopen("/proc/self/mountinfo", "r");
	int found = 0;

	snprintf(mine, sizeof(mine), ",user_id=%u,", getuid());
	while (f && fgets(line, sizeof(line), f))
		found |= strstr(line, path) && strstr(line, " - fuse ") && strstr(line, mine);
	if (f)
		fclose(f);
	return found;
}

static int unmount(const char *path, int flags)
{
	if (!mounted_by_caller(path))
		return 1;
	usleep(WINDOW_US);
	return umount2(path, flags) < 0;
}

static int send_device(int sock, int device)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	char nul = 0;
	struct iovec iov = {.iov_base = &nul, .iov_len = 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control.room)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &device, sizeof(device));
	return sendmsg(sock, &msg, 0) < 0;
}

int main(int argc, char **argv)
{
	const char *path = argv[argc - 1], *sock = getenv("_FUSE_COMMFD");
	char data[128];
	struct stat st;
	int device;

	if (argc > 2)
		return unmount(path, argc > 3 ? MNT_DETACH : 0);
	if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != getuid() || !sock)
		return 1;
	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(data, sizeof(data), "fd=%d,rootmode=40000,user_id=%u,group_id=%u", device,
		 getuid(), getgid());
	usleep(WINDOW_US);
	if (device < 0 || mount("naive", path, "fuse", MS_NOSUID | MS_NODEV, data) < 0)
		return 1;
	return send_device(atoi(sock), device);
}
