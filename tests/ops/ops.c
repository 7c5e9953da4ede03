/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The run: a process of its own for the test, configurations, coverage. */
#include "ops.h"

#include <dirent.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>
#include <time.h>

#define DEADLINE_S 120

static char mountpoint[64], device[64];
/* Shared by both processes: the connection under test, for an abort: its number,
 * and above that how many there were. */
static _Atomic uint64_t *connection;
/* Each process's own: what aborts it, and which one that is. */
static int abort_fd = -1;
static uint64_t held;
static struct ops current; /* what is being run, for messages */

static bool covered[PROTO_OP_COUNT], covered_notify[FUSE_NOTIFY_CODE_MAX];

/* ---- the kernel's end of a connection ---- */

/* The number of the filesystem mounted at `path`, which is the connection's,
 * read where no request is caused. */
static unsigned int connection_at(const char *path)
{
	FILE *f = fopen("/proc/self/mountinfo", "r");
	unsigned int major, minor, found = 0;
	char line[4096], at[1024];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*d %*d %u:%u %*s %1023s", &major, &minor, at) == 3 &&
		    strcmp(at, path) == 0)
			found = major << 20 | minor;
	}
	if (f)
		fclose(f);
	return found;
}

/* Opens what aborts the connection under test, while it is there: its number goes
 * to somebody else's when it is gone, but the file does not. */
static void hold_connection(void)
{
	uint64_t now = connection ? atomic_load(connection) : 0;
	char path[128];

	if (now == held)
		return;
	held = now;
	if (abort_fd >= 0)
		close(abort_fd);
	snprintf(path, sizeof(path), "/sys/fs/fuse/connections/%u/abort", (uint32_t)now);
	abort_fd = open(path, O_WRONLY | O_CLOEXEC);
}

static void new_connection(unsigned int number)
{
	uint64_t before = atomic_load(connection) >> 32;

	check(number != 0);
	atomic_store(connection, (before + 1) << 32 | number);
	hold_connection();
	check(abort_fd >= 0);
}

/* Frees all who wait on the mount, whatever the server does; also when it is
 * no longer in the tree. */
void ops_abort(void)
{
	if (!mountpoint[0])
		return;
	umount2(mountpoint, MNT_FORCE);
	if (abort_fd >= 0 && write(abort_fd, "1", 1) != 1)
		fprintf(stderr, "cannot abort connection %u\n", (uint32_t)held);
}

void ops_fail(const char *file, int line, const char *what, long long got, long long want)
{
	fprintf(stderr, "%s:%d: %s: got %lld, want %lld\n", file, line, what, got, want);
	fprintf(stderr, "  over %s, %s, protocol 7.%u\n", current.transport,
		current.threads ? "several threads" : "one thread",
		current.m ? mock_conn(current.m)->minor : FUSE_KERNEL_MINOR_VERSION);
	/* Threads that wait for this mount must be freed, or the process would
	 * not end. */
	ops_abort();
	_exit(1);
}

void ops_cover(const struct ops *t)
{
	for (unsigned int op = 0; op < PROTO_OP_COUNT; op++)
		covered[op] |= fs_seen_op(t->fs, op);
	for (unsigned int code = 1; code < FUSE_NOTIFY_CODE_MAX; code++)
		covered_notify[code] |= fs_seen_notify(t->fs, code);
}

static void set_current(const struct ops *t)
{
	current = *t;
}

/* ---- sessions ---- */

static struct fuse_session *new_session(const struct ops *t, const struct fuse_lowlevel_ops *ops,
					const char *options)
{
	char *argv[] = {(char *)"ops", (char *)"-o", (char *)(uintptr_t)options, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(options ? 3 : 1, argv);
	struct fuse_session *se = fuse_session_new(&args, ops, sizeof(*ops), t->fs);

	fuse_opt_free_args(&args);
	check(se != NULL);
	fuse_session_set_debug(se);
	return se;
}

struct ops ops_mock_begin(const struct ops *like, const struct mock_options *options,
			  const struct fuse_lowlevel_ops *ops)
{
	struct ops t = *like;

	t.fs = fs_new();
	if (t.test->init)
		fs_on_init(t.fs, t.test->init);
	t.se = new_session(&t, ops, NULL);
	t.m = mock_new(options);
	set_current(&t);
	check_eq(mock_serve(t.m, t.se, t.threads), 0);
	check_eq(mock_init(t.m), 0);
	return t;
}

static void mock_done(struct ops *t)
{
	fs_join(t->fs);
	fuse_session_destroy(t->se);
	check_eq(fs_destroys(t->fs), fs_inits(t->fs));
	ops_cover(t);
	fs_free(t->fs);
}

void ops_mock_end(struct ops *t)
{
	check_eq(mock_finish(t->m), 0);
	check_eq(fs_log_errors(t->fs), 0);
	mock_done(t);
}

void ops_mock_drop(struct ops *t)
{
	check_eq(mock_unmount(t->m), 0);
	mock_done(t);
}

const char *ops_path(const struct ops *t, const char *name)
{
	static _Thread_local char paths[4][PATH_MAX];
	static _Thread_local unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, PATH_MAX, "%s/%s", t->mnt, name);
	return path;
}

static void *mount_loop(void *arg)
{
	struct ops *t = arg;
	struct fuse_loop_config *config;

	if (!t->threads) {
		t->loop_result = fuse_session_loop(t->se);
		return NULL;
	}
	config = fuse_loop_cfg_create();
	fuse_loop_cfg_set_clone_fd(config, 1);
	fuse_loop_cfg_set_max_threads(config, t->threads);
	t->loop_result = fuse_session_loop_mt(t->se, config);
	fuse_loop_cfg_destroy(config);
	return NULL;
}

void ops_mount_begin(struct ops *t)
{
	struct fuse_lowlevel_ops ops = t->test->ops ? t->test->ops() : fs_ops;
	char options[256];

	snprintf(options, sizeof(options), "fsname=%s%s%s%s%s", t->device ? t->device : "ops",
		 t->device ? ",blkdev" : "",
		 strcmp(t->transport, "uring") == 0 ? ",io_uring=on" : ",io_uring=off",
		 t->test->options ? "," : "", t->test->options ? t->test->options : "");
	t->fs = fs_new();
	if (t->test->init)
		fs_on_init(t->fs, t->test->init);
	t->se = new_session(t, &ops, options);
	t->mnt = mountpoint;
	set_current(t);
	check_eq(fuse_session_mount(t->se, mountpoint), 0);
	new_connection(connection_at(mountpoint));
	check_eq(pthread_create(&t->loop, NULL, mount_loop, t), 0);
}

/* The kernel offers rings, or the run would not have begun (prepare_mounts). */
void ops_check_transport(struct ops *t)
{
	int wanted = strcmp(t->transport, "uring") == 0;

	/* It is settled with the kernel's first message, and that may be on its
	 * way still when a test has nothing to do. */
	for (int i = 0; i < 2000 && profuse_session_uring(t->se, NULL, 0) != wanted; i++)
		usleep(1000);
	check_eq(profuse_session_uring(t->se, NULL, 0), wanted);
	t->transport_checked = true;
}

void ops_mount_end(struct ops *t)
{
	if (t->se && !t->transport_checked)
		ops_check_transport(t);
	/* The loop must answer the DESTROY that unmounting a block device's
	 * filesystem waits for. */
	if (t->device)
		umount2(t->mnt, 0);
	if (t->se) {
		fuse_session_exit(t->se);
		fuse_session_unmount(t->se);
	}
	if (!t->joined)
		pthread_join(t->loop, NULL);
	fs_join(t->fs);
	if (t->se)
		fuse_session_destroy(t->se);
	check_eq(fs_log_errors(t->fs), 0);
	ops_cover(t);
	fs_free(t->fs);
}

/* ---- waiting system calls ---- */

struct ops_async {
	pthread_t thread;
	int (*func)(void *arg);
	void *arg;
	int result;
	_Atomic bool done;
};

static void *run_async(void *arg)
{
	struct ops_async *a = arg;

	a->result = a->func(a->arg);
	a->done = true;
	return NULL;
}

struct ops_async *ops_async(int (*func)(void *arg), void *arg)
{
	struct ops_async *a = calloc(1, sizeof(*a));

	check(a != NULL);
	a->func = func;
	a->arg = arg;
	check_eq(pthread_create(&a->thread, NULL, run_async, a), 0);
	return a;
}

int ops_async_join(struct ops_async *a)
{
	int result;

	pthread_join(a->thread, NULL);
	result = a->result;
	free(a);
	return result;
}

bool ops_async_done(struct ops_async *a)
{
	return a->done;
}

void ops_async_kill(struct ops_async *a, int signal)
{
	check_eq(pthread_kill(a->thread, signal), 0);
}

/* ---- threads that wait for themselves ---- */

static bool some_thread_is_stuck(void)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	bool stuck = false;

	check(d != NULL);
	while ((e = readdir(d)) != NULL) {
		char path[300], state = '?';
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%s/stat", e->d_name);
		f = fopen(path, "r");
		if (f && fscanf(f, "%*d (%*[^)]) %c", &state) == 1)
			stuck |= state == 'D';
		if (f)
			fclose(f);
	}
	closedir(d);
	return stuck;
}

/* Ten looks in a row: short waits are common, and end. */
void ops_wait_stuck(void)
{
	time_t end = time(NULL) + 30;

	for (int seen = 0; seen < 10;) {
		check(time(NULL) < end);
		seen = some_thread_is_stuck() ? seen + 1 : 0;
		usleep(2000);
	}
}

/* ---- configurations ---- */

static void run_wire(const struct ops_test *test, enum mock_wire wire, unsigned int threads,
		     uint32_t minor)
{
	static const char *const names[] = {"seqpacket", "byte stream", "custom_io"};
	struct mock_options options = {
		.wire = wire,
		.minor = minor,
		.era = minor < 45 ? PROTO_ERA_OLD : PROTO_ERA_TODAY,
		.quiet = false,
	};
	struct ops like = {.test = test, .transport = names[wire], .threads = threads};
	struct fuse_lowlevel_ops ops = test->ops ? test->ops() : fs_ops;
	struct ops t;

	if (!test->special)
		ops_generic(&like, &options);
	if (test->alone)
		test->alone(&like, &options);
	if (!test->mock)
		return;
	t = ops_mock_begin(&like, &options, &ops);
	test->mock(&t);
	ops_mock_end(&t);
}

static void run_stream(const struct ops_test *test)
{
	static const uint32_t minors[] = {8, 11, 12, 15, 22, 37, 45};
	uint32_t since =
		test->notify ? proto_notify_find(test->notify)->since : proto_ops[test->op].since;

	if (test->minor > since)
		since = test->minor;
	for (size_t i = 0; i < sizeof(minors) / sizeof(minors[0]); i++) {
		uint32_t minor = minors[i];

		if (minor < since)
			continue;
		run_wire(test, MOCK_SEQPACKET, 0, minor);
		if (minor != 45 && minor != 8)
			continue;
		run_wire(test, MOCK_SEQPACKET, 3, minor);
		run_wire(test, MOCK_STREAM, 0, minor);
		run_wire(test, MOCK_STREAM, 3, minor);
		run_wire(test, MOCK_DEVICE, 0, minor);
		run_wire(test, MOCK_DEVICE, 3, minor);
	}
}

static int run_mount(const struct ops_test *test, const char *transport)
{
	struct ops t;

	printf("over %s\n", transport);

	if (!test->mount) {
		printf("skipped: %s\n",
		       test->unmounted ? test->unmounted : "no test on a mount for this operation");
		return test->unmounted ? 77 : 1;
	}
	for (unsigned int threads = 0; threads <= 4; threads += 4) {
		t = (struct ops){.test = test,
				 .transport = transport,
				 .threads = threads,
				 .device = test->block ? device : NULL};
		ops_mount_begin(&t);
		test->mount(&t);
		ops_mount_end(&t);
	}
	return 0;
}

/* ---- coverage ---- */

/* One file per test and transport, so that parallel runs do not meet; what an
 * earlier run left must not stand for this one. */
static const char *coverage_file(const char *program, const char *transport)
{
	const char *directory = getenv("PROFUSE_OPS_COVERAGE");
	static char path[PATH_MAX];

	if (!directory)
		return NULL;
	mkdir(directory, 0777);
	snprintf(path, sizeof(path), "%s/%s.%s", directory, program, transport);
	return path;
}

static void write_coverage(const char *program, const char *transport)
{
	const char *path = coverage_file(program, transport);
	FILE *f;

	if (!path)
		return;
	f = fopen(path, "w");
	check(f != NULL);
	for (unsigned int op = 0; op < PROTO_OP_COUNT; op++) {
		if (covered[op])
			fprintf(f, "%s\n", proto_ops[op].name);
	}
	for (unsigned int code = 1; code < FUSE_NOTIFY_CODE_MAX; code++) {
		if (covered_notify[code])
			fprintf(f, "NOTIFY_%s\n", proto_notify_find(code)->name);
	}
	fclose(f);
}

/* ---- the two processes ---- */

static int run(const struct ops_test *test, const char *program, const char *transport)
{
	int status = 0;

	fs_on_failure = ops_abort;
	if (strcmp(transport, "stream") == 0)
		run_stream(test);
	else
		status = run_mount(test, transport);
	if (status == 0)
		write_coverage(program, transport);
	fflush(stdout);
	return status;
}

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = 1;
}

/* The child has died but does not go away, because a thread of it waits on the
 * mount that it served. */
static bool is_stuck(pid_t child)
{
	char path[64], state = '?';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", child);
	f = fopen(path, "r");
	if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = '?';
	if (f)
		fclose(f);
	return state == 'Z';
}

/* Waits for the child, and frees it from a mount that it hangs on. */
static int watch(pid_t child)
{
	time_t begin = time(NULL);
	int status;

	while (waitpid(child, &status, WNOHANG) == 0) {
		hold_connection();
		if (is_stuck(child))
			ops_abort();
		if (stopped || time(NULL) > begin + DEADLINE_S) {
			fprintf(stderr, "no end after %d s\n", (int)(time(NULL) - begin));
			ops_abort();
			kill(child, SIGKILL);
			waitpid(child, &status, 0);
			return 1;
		}
		usleep(5000);
	}
	if (WIFSIGNALED(status))
		fprintf(stderr, "ended by signal %d\n", WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* A mount namespace of our own, so that nothing is left behind whatever
 * happens, and a mountpoint in it. */
static int prepare_mounts(const char *transport)
{
	char parameter = 'N';
	int fd;

	if (geteuid() != 0) {
		printf("skipped: mounting without a helper needs root\n");
		return 77;
	}
	if (access("/dev/fuse", R_OK | W_OK) != 0) {
		printf("skipped: there is no usable /dev/fuse\n");
		return 77;
	}
	if (strcmp(transport, "uring") == 0) {
		fd = open("/sys/module/fuse/parameters/enable_uring", O_RDONLY);
		if (fd < 0 || read(fd, &parameter, 1) != 1 || parameter != 'Y') {
			printf("skipped: this kernel does not offer FUSE over io_uring\n");
			return 77;
		}
		close(fd);
	}
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
		printf("skipped: no mount namespace: %s\n", strerror(errno));
		return 77;
	}
	/* Most systems have it there already. */
	if (mount("none", "/sys/fs/fuse/connections", "fusectl", 0, NULL) != 0 && errno != EBUSY) {
		printf("skipped: no fusectl: %s\n", strerror(errno));
		return 77;
	}
	connection = mmap(NULL, sizeof(*connection), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (connection == MAP_FAILED)
		return 1;
	strcpy(mountpoint, "/tmp/ops.XXXXXX");
	return mkdtemp(mountpoint) ? 0 : 1;
}

/* A loop device over a file of 1 MiB. */
static int attach_device(void)
{
	char line[256], image[80];
	FILE *out;

	snprintf(image, sizeof(image), "%s.img", mountpoint);
	snprintf(line, sizeof(line), "truncate -s 1M %s && losetup -f --show %s", image, image);
	out = popen(line, "r");
	if (!out || !fgets(device, sizeof(device), out))
		device[0] = '\0';
	device[strcspn(device, "\n")] = '\0';
	if (out)
		pclose(out);
	if (device[0])
		return 0;
	unlink(image);
	printf("skipped: no loop device can be attached here\n");
	return 77;
}

static void clean_up(void)
{
	char line[256];

	if (!mountpoint[0])
		return;
	umount2(mountpoint, MNT_FORCE | MNT_DETACH);
	if (device[0]) {
		snprintf(line, sizeof(line), "losetup -d %s; rm -f %s.img", device, mountpoint);
		if (system(line) != 0)
			fprintf(stderr, "cannot detach %s\n", device);
	}
	rmdir(mountpoint);
}

int ops_main(int argc, char **argv, const struct ops_test *test)
{
	const char *program = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	int status;
	pid_t child;

	if (argc != 2) {
		fprintf(stderr, "usage: %s stream|dev|uring\n", program);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	if (coverage_file(program, argv[1]))
		unlink(coverage_file(program, argv[1]));
	if (strcmp(argv[1], "stream") != 0) {
		status = prepare_mounts(argv[1]);
		if (status == 0 && test->block)
			status = attach_device();
		if (status) {
			clean_up();
			return status;
		}
	}
	child = fork();
	if (child == 0)
		exit(run(test, program, argv[1]));
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	status = watch(child);
	clean_up();
	return status;
}
