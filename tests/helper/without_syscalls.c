/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * usage: without-syscalls UID NAME[,NAME...] PROGRAM [ARGUMENT...]
 *
 * Runs a program as a user on a kernel that seems not to have some system
 * calls: they fail with ENOSYS. Root installs the filter, so that a setuid
 * program still gets its privileges.
 */
#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
	const char *name;
	int number;
} calls[] = {
	{"fsopen", SYS_fsopen},		  {"openat2", SYS_openat2},
	{"move_mount", SYS_move_mount},	  {"faccessat2", SYS_faccessat2},
	{"close_range", SYS_close_range}, {"statx", SYS_statx},
};

static int add(struct sock_filter *f, size_t n, const char *name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(calls[i].name, name) == 0) {
			f[n] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							    (unsigned int)calls[i].number, 0, 1);
			f[n + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
								SECCOMP_RET_ERRNO | ENOSYS);
			return 0;
		}
	fprintf(stderr, "without-syscalls: no such name: %s\n", name);
	return -1;
}

int main(int argc, char **argv)
{
	struct sock_filter filter[64] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog prog = {.len = 1, .filter = filter};
	uid_t uid;

	if (argc < 4)
		return 2;
	uid = (uid_t)strtoul(argv[1], NULL, 10);
	for (char *name = strtok(argv[2], ","); name; name = strtok(NULL, ",")) {
		if (add(filter, prog.len, name) < 0)
			return 2;
		prog.len += 2;
	}
	filter[prog.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0 || setgroups(0, NULL) < 0 ||
	    setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0) {
		perror("without-syscalls");
		return 2;
	}
	execv(argv[3], argv + 3);
	perror(argv[3]);
	return 2;
}
