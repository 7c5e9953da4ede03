/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Obstacles of a privileged process, and kernels that know less. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "mount/kernel.h"
#include "support.h"

/* From here on these system calls fail for this process and its children. */
static void forbid(const int *numbers, size_t n, int err)
{
	struct sock_filter f[40];
	size_t len = 0;
	struct sock_fprog prog = {.filter = f};

	f[len++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < n; i++) {
		f[len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							(unsigned int)numbers[i], 0, 1);
		f[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
							SECCOMP_RET_ERRNO | (unsigned int)err);
	}
	f[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	prog.len = (unsigned short)len;
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0);
}

static const int new_mount_api[] = {MNT_NR(429), MNT_NR(430), MNT_NR(431), MNT_NR(432)};
static const int newer_calls[] = {MNT_NR(429), MNT_NR(430), MNT_NR(431), MNT_NR(432),
				  MNT_NR(434), MNT_NR(436), MNT_NR(457), MNT_NR(458)};

static void mount_unmount(const char *words)
{
	const char *dir = support_dir(0);
	struct responder r = {0};
	struct mnt_result res;
	char type[32];

	support_mount(dir, words, &res, &r);
	CHECK(res.tier == MNT_TIER_MOUNT);
	CHECK(support_mounts_at(dir, type, sizeof(type)) == 1);
	CHECK(strcmp(type, "fuse.tiny") == 0);
	CHECK(access(dir, F_OK) == 0);
	responder_stop(&r);
	CHECK(mnt_unmount(&res, dir, NULL) == 0);
	CHECK(support_mounts_at(dir, NULL, 0) == 0);
}

static void an_older_kernel_will_do(void)
{
	forbid(newer_calls, ARRAY_SIZE(newer_calls), ENOSYS);
	mount_unmount("fsname=a,subtype=tiny,auto_unmount,default_permissions,max_read=8192");
}

static void a_filter_that_knows_no_newer_calls_is_no_obstacle(void)
{
	forbid(new_mount_api, ARRAY_SIZE(new_mount_api), EPERM);
	mount_unmount("subtype=tiny");
}

static void a_filter_against_mounting_is_reported_in_full(void)
{
	static const int mounts[] = {MNT_NR(430), SYS_mount};
	struct mnt_result res;

	forbid(mounts, ARRAY_SIZE(mounts), EPERM);
	CHECK(support_mount_fails(support_dir(0), NULL, &res) == -EPERM);
	CHECK_HAS(res.report, "fuse: mount failed: Operation not permitted\n");
	CHECK_HAS(res.report, "  new mount API: fsopen: Operation not permitted\n");
	CHECK_HAS(res.report, "  mount(2): Operation not permitted\n");
	CHECK_HAS(res.report, "  helper: ");
	mnt_result_end(&res);
}

static void a_word_that_the_kernel_rejects_is_named(void)
{
	const char *dir = support_dir(0);
	struct mnt_opts *opts = support_opts("rootcontext=nonsense");
	struct responder r = {0};
	struct mnt_hooks hooks = responder_hooks(&r);
	struct mnt_result res;

	if (access("/sys/fs/selinux", F_OK) == 0)
		support_skip("here the kernel may know security contexts");
	CHECK(mnt_mount(dir, opts, &hooks, &res) == -EINVAL);
	CHECK_HAS(res.report, "new mount API: option rootcontext: Invalid argument (kernel: ");
	CHECK_HAS(res.report, "rootcontext'");
	/* Nobody is left waiting for a mount that never comes. */
	CHECK(r.starts == r.stops && !r.running);
	CHECK(support_mounts_at(dir, NULL, 0) == 0);
	mnt_result_end(&res);
	mnt_opts_free(opts);
}

static void what_is_no_block_device_is_named(void)
{
	struct mnt_result res;

	CHECK(support_mount_fails(support_dir(0), "blkdev,fsname=/etc/passwd", &res) == -ENOTBLK);
	CHECK_HAS(res.report, "with blkdev, fsname= must name a block device");
	mnt_result_end(&res);
}

static void a_dead_mount_in_the_way_is_named(void)
{
	const char *dir = support_dir(0);
	struct mnt_opts *opts = support_opts(NULL);
	struct mnt_result res;

	CHECK(mnt_mount(dir, opts, NULL, &res) == 0);
	mnt_opts_free(opts);
	mnt_result_end(&res);
	CHECK(support_mount_fails(dir, NULL, &res) == -ENOTCONN);
	CHECK_HAS(res.report, "bad mount point `/mnt/");
	CHECK_HAS(res.report, "fusermount3 -uz '/mnt/");
	mnt_result_end(&res);
}

static void a_bad_descriptor_is_named(void)
{
	static const struct {
		const char *path, *part;
		int err;
	} rows[] = {
		{"/dev/fd/99", "descriptor 99 is not open", -EBADF},
		{"/dev/fd/", "no descriptor number", -EINVAL},
		{"/dev/fd/-1", "no descriptor number", -EINVAL},
		{"/dev/fd/1x", "no descriptor number", -EINVAL},
		{"/dev/fd/99999999999", "no descriptor number", -EINVAL},
		{"/dev/fd/98", "descriptor 98 is not a FUSE device", -EINVAL},
	};
	int fds[2];

	CHECK(pipe(fds) == 0 && dup2(fds[0], 98) == 98);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mnt_result res;

		CHECK(support_mount_fails(rows[i].path, NULL, &res) == rows[i].err);
		CHECK_HAS(res.report, rows[i].part);
		mnt_result_end(&res);
	}
}

static void a_risky_pair_of_options_is_noted(void)
{
	const char *dir = support_dir(0);
	struct responder r = {0};
	struct mnt_result res;

	support_mount(dir, "allow_other", &res, &r);
	CHECK_HAS(res.notes, "allow_other without default_permissions");
	responder_stop(&r);
	CHECK(mnt_unmount(&res, dir, NULL) == 0);
	support_mount(dir, "allow_other,default_permissions", &res, &r);
	CHECK(res.notes == NULL);
	responder_stop(&r);
	CHECK(mnt_unmount(&res, dir, NULL) == 0);
}

int main(void)
{
	static const struct support_case cases[] = {
		{"an older kernel will do", an_older_kernel_will_do},
		{"a filter that knows no newer calls is no obstacle",
		 a_filter_that_knows_no_newer_calls_is_no_obstacle},
		{"a filter against mounting is reported in full",
		 a_filter_against_mounting_is_reported_in_full},
		{"a word that the kernel rejects is named",
		 a_word_that_the_kernel_rejects_is_named},
		{"what is no block device is named", what_is_no_block_device_is_named},
		{"a dead mount in the way is named", a_dead_mount_in_the_way_is_named},
		{"a bad descriptor is named", a_bad_descriptor_is_named},
		{"a risky pair of options is noted", a_risky_pair_of_options_is_noted},
	};

	return support_main(cases, ARRAY_SIZE(cases));
}
