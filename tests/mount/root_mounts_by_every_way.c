/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tiers that a privileged process has, and what options become there. */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "mount/attempt.h"
#include "mount/device.h"
#include "support.h"

static void the_new_api_is_first(void)
{
	const char *dir = support_dir(0);
	struct responder r = {0};
	struct mnt_result res;
	struct stat st;
	char type[32];

	support_mount(dir, "fsname=so,subtype=tiny,noexec,noatime", &res, &r);
	CHECK(res.tier == MNT_TIER_FSOPEN);
	CHECK(res.notes == NULL);
	CHECK(support_mounts_at(dir, type, sizeof(type)) == 1);
	CHECK(strcmp(type, "fuse.tiny") == 0);
	CHECK(stat(dir, &st) == 0 && st.st_dev == res.ident.dev);
	responder_stop(&r);
	CHECK(mnt_unmount(&res, dir, NULL) == 0);
	CHECK(res.fd == -1);
	CHECK(support_mounts_at(dir, NULL, 0) == 0);
}

static void init_is_answered_before_mounting_returns(void)
{
	const char *dir = support_dir(0);
	struct responder r = {0};
	struct mnt_opts *opts = support_opts(NULL);
	struct mnt_hooks hooks = responder_hooks(&r);
	struct mnt_result res;

	CHECK(mnt_mount(dir, opts, &hooks, &res) == 0);
	if (!res.init_done) {
		CHECK(r.starts == 0);
		support_skip("this kernel has no synchronous INIT");
	}
	CHECK(r.starts == 1 && r.stops == 0);
	responder_start(&r, res.fd);
	CHECK(access(dir, F_OK) == 0);
	responder_stop(&r);
	CHECK(mnt_unmount(&res, dir, NULL) == 0);
	mnt_opts_free(opts);
}

static void a_filesystem_that_refuses_is_not_tried_again(void)
{
	const char *dir = support_dir(0);
	struct responder r = {.init_err = EPROTO};
	struct mnt_opts *opts = support_opts(NULL);
	struct mnt_hooks hooks = responder_hooks(&r);
	struct mnt_result res;
	int err = mnt_mount(dir, opts, &hooks, &res);

	if (r.starts == 0)
		support_skip("this kernel has no synchronous INIT");
	CHECK(err < 0);
	CHECK(r.starts == 1 && r.stops == 1);
	CHECK_HAS(res.report, "refused to start");
	CHECK(support_mounts_at(dir, NULL, 0) == 0);
	mnt_result_end(&res);
	mnt_opts_free(opts);
}

static void mount_2_does_the_same(void)
{
	const char *dir = support_dir(0);
	struct mnt_opts *opts = support_opts("fsname=so,subtype=tiny,ro");
	struct responder r = {0};
	struct mnt_result res = {.fd = -1, .keep_fd = -1};
	struct mnt_attempt a = {
		.mountpoint = dir,
		.opts = opts,
		.res = &res,
		.rootmode = S_IFDIR,
		.device = MNT_DEVICE_DEFAULT,
	};
	struct statvfs vfs;
	char type[32];

	CHECK(mnt_tier_mount(&a) == 0);
	res.tier = MNT_TIER_MOUNT;
	responder_start(&r, res.fd);
	CHECK(res.ident.unique || res.ident.id >= 0);
	CHECK(statvfs(dir, &vfs) == 0);
	CHECK((vfs.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV)) ==
	      (ST_RDONLY | ST_NOSUID | ST_NODEV));
	CHECK(support_mounts_at(dir, type, sizeof(type)) == 1);
	CHECK(strcmp(type, "fuse.tiny") == 0);
	responder_stop(&r);
	CHECK(mnt_unmount(&res, dir, NULL) == 0);
	CHECK(support_mounts_at(dir, NULL, 0) == 0);
	mnt_opts_free(opts);
}

static void flags_arrive(void)
{
	static const struct {
		const char *words;
		unsigned long on, off;
	} rows[] = {
		{NULL, ST_NOSUID | ST_NODEV, ST_RDONLY | ST_NOEXEC | ST_SYNCHRONOUS},
		{"suid,dev", 0, ST_NOSUID | ST_NODEV},
		{"suid,dev,nosuid", ST_NOSUID, ST_NODEV},
		{"ro,noexec", ST_RDONLY | ST_NOEXEC, 0},
		{"ro,rw", 0, ST_RDONLY},
		{"sync", ST_SYNCHRONOUS, 0},
		{"noatime,nodiratime", ST_NOATIME | ST_NODIRATIME, ST_RELATIME},
		{"strictatime", 0, ST_RELATIME | ST_NOATIME},
		{"_netdev,x-systemd.automount,nofail,user,defaults,nonempty", ST_NOSUID, ST_RDONLY},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *dir = support_dir(0);
		struct responder r = {0};
		struct mnt_result res;
		struct statvfs vfs;

		support_mount(dir, rows[i].words, &res, &r);
		CHECK(statvfs(dir, &vfs) == 0);
		if ((vfs.f_flag & rows[i].on) != rows[i].on || (vfs.f_flag & rows[i].off))
			printf("-o %s gives %#lx\n", rows[i].words, vfs.f_flag);
		CHECK((vfs.f_flag & rows[i].on) == rows[i].on);
		CHECK((vfs.f_flag & rows[i].off) == 0);
		responder_stop(&r);
		CHECK(mnt_unmount(&res, dir, NULL) == 0);
	}
}

static void a_name_with_commas_stays_whole(void)
{
	const char *dir = support_dir(0);
	struct responder r = {0};
	struct mnt_result res;
	char line[4096];
	bool seen = false;
	FILE *f;

	support_mount(dir, "fsname=a\\,b\\\\c,subtype=t\\,u", &res, &r);
	f = fopen("/proc/self/mountinfo", "re");
	CHECK(f);
	while (fgets(line, sizeof(line), f))
		seen |= strstr(line, " - fuse.t,u a,b\\134c ") != NULL;
	fclose(f);
	CHECK(seen);
	responder_stop(&r);
	CHECK(mnt_unmount(&res, dir, NULL) == 0);
}

static void a_file_can_be_a_mountpoint(void)
{
	struct responder r = {.root_type = S_IFREG};
	struct mnt_result res;
	struct stat st;
	int fd = open("/mnt/file", O_CREAT | O_RDWR, 0644);

	CHECK(fd >= 0);
	close(fd);
	support_mount("/mnt/file", NULL, &res, &r);
	CHECK(stat("/mnt/file", &st) == 0 && st.st_dev == res.ident.dev && S_ISREG(st.st_mode));
	responder_stop(&r);
	CHECK(mnt_unmount(&res, "/mnt/file", NULL) == 0);
}

static void a_passed_descriptor_is_taken_as_it_is(void)
{
	const char *dir = support_dir(0);
	struct mnt_opts *opts = support_opts(NULL);
	struct responder r = {0};
	struct mnt_result res;
	char data[128], path[32];
	int fd = open("/dev/fuse", O_RDWR);

	snprintf(data, sizeof(data), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	CHECK(mount("x", dir, "fuse", 0, data) == 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	CHECK(mnt_mount(path, opts, NULL, &res) == 0);
	CHECK(res.fd == fd && res.tier == MNT_TIER_FD);
	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	responder_start(&r, fd);
	CHECK(access(dir, F_OK) == 0);
	responder_stop(&r);
	/* Not ours to unmount. */
	CHECK(mnt_unmount(&res, path, NULL) == 0);
	CHECK(fcntl(fd, F_GETFD) == -1);
	CHECK(support_mounts_at(dir, NULL, 0) == 1);
	mnt_opts_free(opts);
}

/* A loop device that goes away with the last descriptor of it. */
static int open_loop(char *path, size_t size)
{
	struct loop_config conf = {.info = {.lo_flags = LO_FLAGS_AUTOCLEAR}};
	int ctl = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int n = ctl < 0 ? -1 : ioctl(ctl, LOOP_CTL_GET_FREE);
	int fd;

	if (n < 0)
		support_skip("no loop device to be had");
	snprintf(path, size, "/dev/loop%d", n);
	fd = open(path, O_RDWR | O_CLOEXEC);
	conf.fd = (uint32_t)open("/mnt/image", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	CHECK(ftruncate((int)conf.fd, 1 << 20) == 0);
	if (fd < 0 || ioctl(fd, LOOP_CONFIGURE, &conf) < 0)
		support_skip("the loop device cannot be set up");
	return fd;
}

static void a_block_device_backs_fuseblk(void)
{
	char words[96], loop[32], type[32];
	const char *dir = support_dir(0);
	struct responder r = {0};
	struct mnt_result res;
	int fd = open_loop(loop, sizeof(loop));

	snprintf(words, sizeof(words), "blkdev,fsname=%s,subtype=tiny,blksize=512", loop);
	support_mount(dir, words, &res, &r);
	CHECK(support_mounts_at(dir, type, sizeof(type)) == 1);
	CHECK(strcmp(type, "fuseblk.tiny") == 0);
	responder_stop(&r);
	CHECK(mnt_unmount(&res, dir, NULL) == 0);
	CHECK(support_mounts_at(dir, NULL, 0) == 0);
	close(fd);
}

static void closed_standard_descriptors_do_not_matter(void)
{
	const char *dir = support_dir(0);
	struct responder r = {0};
	struct mnt_result res;

	close(0);
	close(2);
	support_mount(dir, NULL, &res, &r);
	CHECK(res.fd > 2);
	CHECK(fcntl(0, F_GETFD) == 0 && fcntl(2, F_GETFD) == 0);
	responder_stop(&r);
	CHECK(mnt_unmount(&res, dir, NULL) == 0);
}

static void another_device_can_be_named(void)
{
	const char *dir = support_dir(0);
	struct mnt_opts *opts = support_opts(NULL);
	struct mnt_result res;

	setenv("FUSE_KERN_DEVICE", "/etc/passwd", 1);
	CHECK(mnt_mount(dir, opts, NULL, &res) == 0);
	CHECK_HAS(res.notes, "FUSE_KERN_DEVICE=/etc/passwd ignored");
	CHECK(mnt_unmount(&res, dir, NULL) == 0);
	/* A character device, though a useless one: it is what gets used. */
	setenv("FUSE_KERN_DEVICE", "/dev/null", 1);
	CHECK(mnt_mount(dir, opts, NULL, &res) < 0);
	mnt_result_end(&res);
	mnt_opts_free(opts);
}

static void many_at_once_leave_no_descriptor(void)
{
	int before, after;

	before = dup(0);
	close(before);
	for (int i = 0; i < 50; i++) {
		const char *dir = support_dir(0);
		struct responder r = {0};
		struct mnt_result res;

		support_mount(dir, "auto_unmount", &res, &r);
		responder_stop(&r);
		CHECK(mnt_unmount(&res, dir, NULL) == 0);
		mnt_result_end(&res);
	}
	after = dup(0);
	CHECK(after == before);
}

int main(void)
{
	static const struct support_case cases[] = {
		{"the new API is first", the_new_api_is_first},
		{"INIT is answered before mounting returns",
		 init_is_answered_before_mounting_returns},
		{"a filesystem that refuses is not tried again",
		 a_filesystem_that_refuses_is_not_tried_again},
		{"mount(2) does the same", mount_2_does_the_same},
		{"flags arrive", flags_arrive},
		{"a name with commas stays whole", a_name_with_commas_stays_whole},
		{"a file can be a mountpoint", a_file_can_be_a_mountpoint},
		{"a passed descriptor is taken as it is", a_passed_descriptor_is_taken_as_it_is},
		{"a block device backs fuseblk", a_block_device_backs_fuseblk},
		{"closed standard descriptors do not matter",
		 closed_standard_descriptors_do_not_matter},
		{"another device can be named", another_device_can_be_named},
		{"many at once leave no descriptor", many_at_once_leave_no_descriptor},
	};

	return support_main(cases, sizeof(cases) / sizeof(cases[0]));
}
