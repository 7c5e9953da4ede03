/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The life of a session on the real kernel: every way into a loop and out of
 * it, with nothing left behind. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/wire.h"
#include "support.h"
#include "tinyfs.h"

/* "within 100 ms", on a machine that does other things too. */
#define SOON_MS 1000

static void check_gone(const struct tiny *t)
{
	CHECK(support_mounts_at(t->where, NULL, 0) == 0);
}

/* ---- the end ---- */

static void exit_then_unmount(bool multi)
{
	struct tiny t;
	long before;

	tiny_new(&t, NULL);
	CHECK(fuse_session_fd(t.se) == -1);
	CHECK(fuse_session_mount(t.se, t.where) == 0);
	CHECK(fuse_session_fd(t.se) >= 0);
	tiny_loop(&t, multi);
	CHECK(tiny_try(&t, 0) == 0);
	before = tiny_now_ms();
	fuse_session_exit(t.se);
	tiny_join(&t);
	CHECK(tiny_now_ms() - before < SOON_MS);
	CHECK(t.loop_result == 0);
	CHECK(fuse_session_exited(t.se));
	fuse_session_unmount(t.se);
	check_gone(&t);
	CHECK(fuse_session_fd(t.se) == -1);
	fuse_session_unmount(t.se); /* once more does nothing */
	CHECK(t.inits == 1 && t.destroys == 0);
	tiny_destroy(&t);
	CHECK(t.destroys == 1);
}

static void exit_ends_the_single_loop(void)
{
	exit_then_unmount(false);
}

static void exit_ends_the_multi_loop(void)
{
	exit_then_unmount(true);
}

static void unmounting_ends_the_loop(void)
{
	for (int multi = 0; multi < 2; multi++) {
		struct tiny t;

		tiny_new(&t, NULL);
		CHECK(fuse_session_mount(t.se, t.where) == 0);
		tiny_loop(&t, multi);
		CHECK(tiny_try(&t, 0) == 0);
		fuse_session_unmount(t.se);
		tiny_join(&t);
		CHECK(t.loop_result == 0);
		check_gone(&t);
		fuse_session_unmount(t.se);
		tiny_destroy(&t);
		CHECK(t.destroys == 1);
	}
}

static void destroying_a_mounted_session_leaves_the_mount(void)
{
	struct tiny t;
	int res;

	tiny_new(&t, NULL);
	CHECK(fuse_session_mount(t.se, t.where) == 0);
	tiny_loop(&t, true);
	CHECK(tiny_try(&t, 0) == 0);
	fuse_session_exit(t.se);
	tiny_join(&t);
	tiny_destroy(&t);
	CHECK(support_mounts_at(t.where, NULL, 0) == 1);
	/* The kernel may take notice while the request is on its way. */
	res = tiny_try(&t, 0);
	CHECK(res == ENOTCONN || res == ECONNABORTED);
	CHECK(umount2(t.where, 0) == 0);
}

/* What a session says of itself is what the kernel and it have agreed on. */
static void sessions_describe_themselves(void)
{
	struct profuse_session_info info;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct tiny t;

	tiny_new(&t, (const char *const[]){"-o", "cache=aggressive", NULL});
	CHECK(out);
	CHECK(profuse_session_get_info(t.se, &info, sizeof(info)) == -ENOTCONN);
	CHECK(profuse_session_describe(t.se, out) == -ENOTCONN);
	CHECK(profuse_session_requests(t.se, "LOOKUP") == 0);
	CHECK(fuse_session_mount(t.se, t.where) == 0);
	tiny_loop(&t, true);
	CHECK(tiny_try(&t, 0) == 0);
	memset(&info, 0xff, sizeof(info));
	/* A program of an earlier version has fewer members. */
	CHECK(profuse_session_get_info(t.se, &info,
				       offsetof(struct profuse_session_info, max_pages)) == 0);
	CHECK(info.max_pages == UINT32_MAX);
	CHECK(profuse_session_get_info(t.se, &info, sizeof(info)) == 0);
	CHECK(info.proto_minor >= 31 && info.max_write >= 4096 && info.max_readahead > 0);
	CHECK(info.max_pages == info.max_write / (uint32_t)sysconf(_SC_PAGESIZE));
	CHECK(info.buffer_bytes > info.max_write);
	CHECK(info.flags & FUSE_INIT_FLAG(ASYNC_READ));
	CHECK(!strcmp(info.cache, "aggressive") && !strcmp(info.transport, "dev"));
	CHECK(profuse_session_requests(t.se, "LOOKUP") == 1);
	CHECK(profuse_session_requests(t.se, "NONSENSE") == 0);
	CHECK(profuse_session_describe(t.se, out) == 0);
	CHECK(fflush(out) == 0);
	CHECK(strstr(text, "cache: aggressive\n") && strstr(text, "requests LOOKUP: 1\n"));
	CHECK(strstr(text, " ASYNC_READ") && strstr(text, "\nmax_write: "));
	fclose(out);
	free(text);
	fuse_session_unmount(t.se);
	tiny_join(&t);
	tiny_destroy(&t);
}

static void a_session_that_never_mounted_can_be_destroyed(void)
{
	struct tiny t;

	tiny_new(&t, NULL);
	fuse_session_unmount(t.se);
	CHECK(fuse_session_loop(t.se) == -ENOTCONN);
	tiny_destroy(&t);
	CHECK(t.inits == 0 && t.destroys == 0);
	fuse_session_destroy(NULL);
}

/* An answer that comes after the unmount meets neither a stranger's descriptor
 * nor freed memory. */
static void late_answers_go_nowhere(void)
{
	struct tiny t;
	pid_t pid;
	int fd, status;
	char got;

	tiny_new(&t, NULL);
	CHECK(fuse_session_mount(t.se, t.where) == 0);
	tiny_loop(&t, true);
	pid = tiny_keep(&t);
	fd = fuse_session_fd(t.se);
	fuse_session_exit(t.se);
	tiny_join(&t);
	fuse_session_unmount(t.se);
	/* Whoever waited is told that it is over. */
	status = support_reap(pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == ECONNABORTED);
	CHECK(open("/dev/null", O_RDWR | O_CLOEXEC) != fd);
	CHECK(fuse_reply_err(t.kept, ENOENT) < 0);
	CHECK(read(fd, &got, 1) == 0);
	tiny_destroy(&t);
}

/* The kernel holds the queue's thread up with a request that nobody answers
 * any more; ending must not wait for it. */
static void a_notification_that_waits_is_set_free(void)
{
	struct tiny t;
	pid_t pid;
	long before;

	tiny_new(&t, NULL);
	CHECK(fuse_session_mount(t.se, t.where) == 0);
	tiny_loop(&t, true);
	pid = tiny_keep(&t);
	CHECK(profuse_notify_queue_inval_entry(t.se, FUSE_ROOT_ID, "x", 1) == 0);
	CHECK(profuse_notify_flush(t.se, 200) == -ETIMEDOUT);
	fuse_session_exit(t.se);
	tiny_join(&t);
	before = tiny_now_ms();
	fuse_session_unmount(t.se);
	CHECK(tiny_now_ms() - before < 2 * SOON_MS);
	support_reap(pid);
	tiny_destroy(&t);
	check_gone(&t);
}

static void serve_one_by_hand(struct tiny *t)
{
	struct fuse_buf buf = {.mem = NULL};

	CHECK(fuse_session_receive_buf(t->se, &buf) > 0);
	fuse_session_process_buf(t->se, &buf);
	free(buf.mem);
}

/* The request in the way was read by somebody else, who does not answer: then
 * only the end of the connection helps. */
static void a_notification_out_of_reach_aborts_the_connection(void)
{
	static char request[2 << 20];
	struct tiny t;
	pid_t pid;
	int clone, status;
	uint32_t fd;
	long before;

	CHECK(mount("none", "/sys/fs/fuse/connections", "fusectl", 0, NULL) == 0 || errno == EBUSY);
	tiny_new(&t, NULL);
	CHECK(fuse_session_mount(t.se, t.where) == 0);
	serve_one_by_hand(&t); /* INIT */
	clone = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	fd = (uint32_t)fuse_session_fd(t.se);
	CHECK(ioctl(clone, FUSE_DEV_IOC_CLONE, &fd) == 0);
	pid = tiny_look(&t);
	CHECK(read(clone, request, sizeof(request)) > 0);
	CHECK(profuse_notify_queue_inval_entry(t.se, FUSE_ROOT_ID, "x", 1) == 0);
	CHECK(profuse_notify_flush(t.se, 200) == -ETIMEDOUT);
	fuse_session_exit(t.se);
	before = tiny_now_ms();
	fuse_session_unmount(t.se);
	CHECK(tiny_now_ms() - before < 4 * SOON_MS);
	status = support_reap(pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == ECONNABORTED);
	tiny_destroy(&t);
	check_gone(&t);
	close(clone);
}

/* ---- the beginning ---- */

static void init_is_answered_while_mounting(void)
{
	struct tiny t;

	tiny_new(&t, NULL);
	fuse_session_set_sync_init(t.se, true);
	CHECK(fuse_session_mount(t.se, t.where) == 0);
	/* A kernel that cannot do it leaves INIT to the loop. */
	if (t.inits == 0)
		support_skip("this kernel has no synchronous INIT");
	CHECK(t.sync_init);
	tiny_loop(&t, true);
	CHECK(tiny_try(&t, 0) == 0);
	CHECK(t.inits == 1);
	fuse_session_unmount(t.se);
	tiny_join(&t);
	tiny_destroy(&t);
}

static void a_mount_that_fails_does_so_at_once(void)
{
	static const char *const words[] = {"-orootcontext=xx", NULL};

	for (int sync = 0; sync < 2; sync++) {
		struct tiny t;
		long before = tiny_now_ms();

		tiny_new(&t, words);
		fuse_session_set_sync_init(t.se, sync);
		CHECK(fuse_session_mount(t.se, t.where) == -1);
		CHECK(tiny_now_ms() - before < 5 * SOON_MS);
		check_gone(&t);
		CHECK(t.inits == 0);
		tiny_destroy(&t);
	}
}

static void an_init_that_refuses_fails_the_mount(void)
{
	struct tiny t;

	tiny_new(&t, NULL);
	t.refuse = true;
	fuse_session_set_sync_init(t.se, true);
	if (fuse_session_mount(t.se, t.where) == 0 && t.inits == 0)
		support_skip("this kernel has no synchronous INIT");
	CHECK(t.inits == 1);
	check_gone(&t);
	CHECK(fuse_session_fd(t.se) == -1);
	tiny_destroy(&t);
}

static void a_second_mount_is_refused(void)
{
	struct tiny t;

	tiny_new(&t, NULL);
	CHECK(fuse_session_mount(t.se, t.where) == 0);
	CHECK(fuse_session_mount(t.se, support_dir(0)) == -1);
	CHECK(fuse_session_mount(t.se, NULL) == -1);
	tiny_loop(&t, false);
	CHECK(tiny_try(&t, 0) == 0);
	fuse_session_unmount(t.se);
	tiny_join(&t);
	tiny_destroy(&t);
}

static void a_passed_descriptor_is_served(void)
{
	struct tiny t;
	char options[128], path[32];
	int fd = open("/dev/fuse", O_RDWR);

	tiny_new(&t, NULL);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	CHECK(mount("tiny", t.where, "fuse", 0, options) == 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	CHECK(fuse_session_mount(t.se, path) == 0);
	tiny_loop(&t, true);
	CHECK(tiny_try(&t, 0) == 0);
	fuse_session_exit(t.se);
	tiny_join(&t);
	/* It was mounted by somebody else, and remains for him to unmount. */
	fuse_session_unmount(t.se);
	CHECK(support_mounts_at(t.where, NULL, 0) == 1);
	tiny_destroy(&t);
	CHECK(umount2(t.where, MNT_DETACH) == 0);
}

/* ---- event loops of the program ---- */

static void serve_by_hand(struct tiny *t, bool own_buffer)
{
	static char own[2 << 20] __attribute__((aligned(8)));
	struct fuse_buf buf = {.mem = own_buffer ? own : NULL};
	int res;

	if (own_buffer)
		buf.mem_size = sizeof(own);
	do {
		struct pollfd p = {.fd = fuse_session_fd(t->se), .events = POLLIN};

		CHECK(poll(&p, 1, 10000) == 1);
		res = fuse_session_receive_buf(t->se, &buf);
		if (res > 0)
			fuse_session_process_buf(t->se, &buf);
	} while (res > 0 || res == -EINTR || res == -EAGAIN);
	CHECK(res == 0);
	CHECK(fuse_session_exited(t->se));
	if (!own_buffer)
		free(buf.mem);
}

static void a_program_may_receive_by_itself(void)
{
	for (int own_buffer = 0; own_buffer < 2; own_buffer++) {
		struct tiny t;
		pid_t pid;

		tiny_new(&t, NULL);
		CHECK(fuse_session_mount(t.se, t.where) == 0);
		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			int res = tiny_try(&t, 0);

			_exit(umount2(t.where, 0) == 0 ? res : 99);
		}
		serve_by_hand(&t, own_buffer);
		CHECK(support_reap(pid) == 0);
		fuse_session_unmount(t.se);
		tiny_destroy(&t);
		CHECK(t.inits == 1 && t.destroys == 1);
	}
}

static _Atomic int reads, writes;

static ssize_t counted_read(int fd, void *buf, size_t len, void *userdata)
{
	atomic_fetch_add(&reads, 1);
	return read(fd, buf, len);
}

static ssize_t counted_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	atomic_fetch_add(&writes, 1);
	return writev(fd, iov, count);
}

static void a_program_may_bring_its_own_io(void)
{
	static const struct fuse_custom_io io = {.read = counted_read, .writev = counted_writev};
	static const struct fuse_custom_io half = {.read = counted_read};
	char options[128];
	struct tiny t;
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	tiny_new(&t, NULL);
	CHECK(fuse_session_custom_io(t.se, NULL, sizeof(io), fd) == -EINVAL);
	CHECK(fuse_session_custom_io(t.se, &half, sizeof(half), fd) == -EINVAL);
	CHECK(fuse_session_custom_io(t.se, &io, sizeof(io), -1) == -EBADF);
	CHECK(fuse_session_custom_io(t.se, &io, sizeof(io), fd) == 0);
	CHECK(fuse_session_custom_io(t.se, &io, sizeof(io), fd) == -EBUSY);
	CHECK(fuse_session_fd(t.se) == fd);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	CHECK(mount("tiny", t.where, "fuse", 0, options) == 0);
	tiny_loop(&t, true);
	CHECK(tiny_try(&t, 0) == 0);
	CHECK(umount2(t.where, 0) == 0);
	tiny_join(&t);
	CHECK(t.loop_result == 0);
	CHECK(reads > 2 && writes > 2);
	tiny_destroy(&t);
	CHECK(fcntl(fd, F_GETFD) < 0 && errno == EBADF); /* closed with it */
}

/* ---- allow_root ---- */

static void allow_root_lets_in_owner_and_root_only(void)
{
	static const char *const words[] = {"-oallow_root", NULL};
	struct tiny t;

	tiny_new(&t, words);
	CHECK(fuse_session_mount(t.se, t.where) == 0);
	tiny_loop(&t, true);
	CHECK(tiny_try(&t, 0) == 0);
	CHECK(tiny_try(&t, USER_ID) == EACCES);
	fuse_session_unmount(t.se);
	tiny_join(&t);
	tiny_destroy(&t);
}

/* ---- the watchdog ---- */

static sem_t bitten;

static void bite(void *data)
{
	CHECK(data == &bitten);
	sem_post(&bitten);
}

static void the_watchdog_bites_who_does_not_end(void)
{
	struct tiny t;
	void *dog;
	long before;

	sem_init(&bitten, 0, 0);
	tiny_new(&t, NULL);
	CHECK(!fuse_session_start_teardown_watchdog(t.se, 1, bite, &bitten)); /* no connection */
	CHECK(fuse_session_mount(t.se, t.where) == 0);
	CHECK(!fuse_session_start_teardown_watchdog(t.se, 0, bite, &bitten));
	dog = fuse_session_start_teardown_watchdog(t.se, 1, bite, &bitten);
	CHECK(dog);
	CHECK(!fuse_session_start_teardown_watchdog(t.se, 1, bite, &bitten));
	tiny_loop(&t, true);
	CHECK(tiny_try(&t, 0) == 0);
	before = tiny_now_ms();
	CHECK(umount2(t.where, 0) == 0);
	while (sem_wait(&bitten) < 0)
		;
	CHECK(tiny_now_ms() - before >= 900);
	tiny_join(&t);
	fuse_session_stop_teardown_watchdog(dog);
	tiny_destroy(&t);
}

static void the_watchdog_spares_who_ends_in_time(void)
{
	struct tiny t;
	void *dog;

	sem_init(&bitten, 0, 0);
	tiny_new(&t, NULL);
	CHECK(fuse_session_mount(t.se, t.where) == 0);
	dog = fuse_session_start_teardown_watchdog(t.se, 60, bite, &bitten);
	CHECK(dog);
	tiny_loop(&t, true);
	CHECK(tiny_try(&t, 0) == 0);
	fuse_session_exit(t.se);
	tiny_join(&t);
	fuse_session_unmount(t.se);
	/* In either order. */
	tiny_destroy(&t);
	fuse_session_stop_teardown_watchdog(dog);
	CHECK(sem_trywait(&bitten) < 0);
}

/* In a child, whose loop nobody runs: it would be there for ever. */
static void without_a_callback_the_watchdog_ends_the_process(void)
{
	struct tiny t;
	pid_t child;
	int status;

	tiny_new(&t, NULL);
	CHECK(fuse_session_mount(t.se, t.where) == 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		if (!fuse_session_start_teardown_watchdog(t.se, 1, NULL, NULL))
			_exit(2);
		umount2(t.where, MNT_DETACH);
		for (;;)
			pause();
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	fuse_session_unmount(t.se);
	tiny_destroy(&t);
}

int main(void)
{
#define CASE(f)                                                                                    \
	{                                                                                          \
#f, f                                                                              \
	}
	static const struct support_case cases[] = {
		CASE(exit_ends_the_single_loop),
		CASE(exit_ends_the_multi_loop),
		CASE(unmounting_ends_the_loop),
		CASE(sessions_describe_themselves),
		CASE(destroying_a_mounted_session_leaves_the_mount),
		CASE(a_session_that_never_mounted_can_be_destroyed),
		CASE(late_answers_go_nowhere),
		CASE(a_notification_that_waits_is_set_free),
		CASE(a_notification_out_of_reach_aborts_the_connection),
		CASE(init_is_answered_while_mounting),
		CASE(a_mount_that_fails_does_so_at_once),
		CASE(an_init_that_refuses_fails_the_mount),
		CASE(a_second_mount_is_refused),
		CASE(a_passed_descriptor_is_served),
		CASE(a_program_may_receive_by_itself),
		CASE(a_program_may_bring_its_own_io),
		CASE(allow_root_lets_in_owner_and_root_only),
		CASE(the_watchdog_bites_who_does_not_end),
		CASE(the_watchdog_spares_who_ends_in_time),
		CASE(without_a_callback_the_watchdog_ends_the_process),
	};

	return support_main(cases, sizeof(cases) / sizeof(cases[0]));
}
