/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse_opt.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "mount/mountinfo.h"

#define CASE_LIMIT_S 60

void support_fail(const char *file, int line, const char *what)
{
	printf("%s:%d: failed: %s (errno %s)\n", file, line, what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

void support_has(const char *file, int line, const char *text, const char *part)
{
	if (text && strstr(text, part))
		return;
	printf("\"%s\" should be in:\n%s\n", part, text ? text : "(nothing)");
	support_fail(file, line, "text");
}

void support_skip(const char *why)
{
	printf("skipped: %s\n", why);
	fflush(stdout);
	_exit(77);
}

static void leave_unless_possible(void)
{
	struct stat st;
	int fd;

	if (geteuid() != 0)
		support_skip("needs root");
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		support_skip("/dev/fuse cannot be opened");
	close(fd);
	if (stat("/dev/fuse", &st) < 0 || (st.st_mode & 0666) != 0666)
		support_skip("/dev/fuse is not mode 0666; `make setup' changes that");
}

/* Debian's helper wants its user to have a name. */
static void name_the_user(void)
{
	int n = USER_ID;
	FILE *f;

	CHECK(system("cp /etc/passwd /mnt/.passwd") == 0);
	f = fopen("/mnt/.passwd", "ae");
	CHECK(f && fprintf(f, "profuse-test:x:%d:%d::/:/bin/sh\n", n, n) > 0 && fclose(f) == 0);
	CHECK(mount("/mnt/.passwd", "/etc/passwd", NULL, MS_BIND, NULL) == 0);
}

static void run_case(const struct support_case *c)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		support_skip("no mount namespace of its own");
	/* A filesystem that the helper lets users mount over. */
	CHECK(mount("none", "/mnt", "tmpfs", 0, "mode=0777") == 0 && chdir("/mnt") == 0);
	name_the_user();
	unsetenv("FUSERMOUNT_PROG");
	unsetenv("FUSE_KERN_DEVICE");
	alarm(CASE_LIMIT_S);
	c->run();
	fflush(stdout);
	_exit(0);
}

int support_reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

int support_main(const struct support_case *cases, size_t n)
{
	size_t failed = 0, skipped = 0;

	leave_unless_possible();
	for (size_t i = 0; i < n; i++) {
		pid_t pid;
		int status;

		fflush(stdout);
		pid = fork();
		if (pid == 0)
			run_case(&cases[i]);
		status = support_reap(pid);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
			skipped++;
		} else if (status) {
			printf("failed: %s (wait status %#x)\n", cases[i].name, status);
			failed++;
			continue;
		}
		printf("%s: %s\n", status ? "skipped" : "ok", cases[i].name);
	}
	return failed ? 1 : skipped == n ? 77 : 0;
}

const char *support_dir(uid_t owner)
{
	static char paths[16][32];
	static unsigned int n;
	char *path = paths[n % 16];

	snprintf(path, sizeof(paths[0]), "/mnt/d%u", n++);
	CHECK(mkdir(path, 0755) == 0);
	CHECK(chown(path, owner, owner) == 0);
	return path;
}

bool support_run_as(uid_t uid, void (*fn)(void *), void *arg)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(setgroups(0, NULL) == 0);
		CHECK(setresgid(uid, uid, uid) == 0);
		CHECK(setresuid(uid, uid, uid) == 0);
		/* As after a login, not as after a change of user. */
		CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
		CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
		alarm(CASE_LIMIT_S);
		fn(arg);
		fflush(stdout);
		_exit(0);
	}
	return support_reap(pid) == 0;
}

struct mnt_opts *support_opts(const char *words)
{
	char copy[8192], o[] = "-o", name[] = "test";
	char *argv[] = {name, o, copy, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(words ? 3 : 1, argv);
	struct mnt_opts *opts = NULL;

	if (words)
		snprintf(copy, sizeof(copy), "%s", words);
	CHECK(mnt_opts_parse(&args, &opts, NULL) == 0);
	CHECK(args.argc == 1);
	fuse_opt_free_args(&args);
	return opts;
}

int support_mounts_at(const char *path, char *type, size_t size)
{
	struct mnt_info_reader r;
	struct mnt_info_line line;
	int n = 0;

	CHECK(mnt_info_open(&r) == 0);
	while (mnt_info_next(&r, &line) > 0) {
		if (strcmp(line.point, path) != 0)
			continue;
		n++;
		if (type)
			snprintf(type, size, "%s", line.type);
	}
	mnt_info_close(&r);
	return n;
}

bool support_wait(bool (*fn)(const void *arg), const void *arg)
{
	const struct timespec nap = {.tv_nsec = 5 * 1000 * 1000};

	for (int i = 0; i < 2000; i++) {
		if (fn(arg))
			return true;
		nanosleep(&nap, NULL);
	}
	return false;
}

bool support_is_unmounted(const void *path)
{
	return support_mounts_at(path, NULL, 0) == 0;
}

void support_mount(const char *path, const char *words, struct mnt_result *res, struct responder *r)
{
	struct mnt_opts *opts = support_opts(words);
	struct mnt_hooks hooks = responder_hooks(r);
	int err = mnt_mount(path, opts, &hooks, res);

	mnt_opts_free(opts);
	if (err)
		printf("%s", res->report ? res->report : "no report\n");
	CHECK(err == 0);
	CHECK(res->fd > 2);
	CHECK(fcntl(res->fd, F_GETFD) == FD_CLOEXEC);
	responder_start(r, res->fd);
}

int support_mount_fails(const char *path, const char *words, struct mnt_result *res)
{
	struct mnt_opts *opts = support_opts(words);
	int err = mnt_mount(path, opts, NULL, res);

	mnt_opts_free(opts);
	CHECK(err < 0);
	CHECK(res->fd == -1);
	CHECK(res->report);
	return err;
}

union fd_room {
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(int))];
};

bool support_socketpair(int sv[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == 0;
}

void support_send_fd(int sock, int fd)
{
	union fd_room control = {0};
	char byte = 0;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	CHECK(sendmsg(sock, &msg, 0) == 1);
}

int support_receive_fd(int sock)
{
	union fd_room control;
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	CHECK(recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) == 1);
	CHECK(CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}
