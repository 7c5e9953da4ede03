/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tinyfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "support.h"

static struct tiny *of(fuse_req_t req)
{
	struct tiny *t = fuse_req_userdata(req);

	atomic_fetch_add(&t->served, 1);
	return t;
}

static void fill(struct stat *st, fuse_ino_t ino)
{
	*st = (struct stat){.st_ino = ino, .st_nlink = 1, .st_mode = S_IFDIR | 0755};
	if (ino == TINY_FILE) {
		st->st_mode = S_IFREG | 0644;
		st->st_size = 4;
	}
}

static void t_init(void *userdata, struct fuse_conn_info *conn)
{
	struct tiny *t = userdata;

	t->inits++;
	t->sync_init = fuse_conn_is_sync_init(conn);
	if (t->refuse)
		conn->want_ext |= 1ULL << 63;
}

static void t_destroy(void *userdata)
{
	struct tiny *t = userdata;

	t->destroys++;
}

static void t_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct tiny *t = of(req);
	struct fuse_entry_param e = {.ino = TINY_FILE, .attr_timeout = 1, .entry_timeout = 1};

	if (strcmp(name, TINY_KEPT) == 0) {
		t->kept = req;
		sem_post(&t->keeping);
	} else if (strcmp(name, "file") == 0) {
		fill(&e.attr, e.ino);
		fuse_reply_entry(req, &e);
	} else {
		fuse_reply_err(req, ENOENT);
	}
}

static void t_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;

	of(req);
	fill(&st, ino);
	fuse_reply_attr(req, &st, 1);
}

static void t_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		   struct fuse_file_info *fi)
{
	of(req);
	fuse_reply_buf(req, off ? NULL : "tiny", off ? 0 : 4);
}

static const struct fuse_lowlevel_ops ops = {
	.init = t_init,
	.destroy = t_destroy,
	.lookup = t_lookup,
	.getattr = t_getattr,
	.read = t_read,
};

void tiny_new(struct tiny *t, const char *const *words)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);

	*t = (struct tiny){.where = support_dir(0)};
	sem_init(&t->keeping, 0, 0);
	CHECK(fuse_opt_add_arg(&args, "tiny") == 0);
	for (; words && *words; words++)
		CHECK(fuse_opt_add_arg(&args, *words) == 0);
	t->se = fuse_session_new(&args, &ops, sizeof(ops), t);
	fuse_opt_free_args(&args);
	CHECK(t->se);
}

static void *loop_single(void *arg)
{
	struct tiny *t = arg;

	t->loop_result = fuse_session_loop(t->se);
	return NULL;
}

static void *loop_multi(void *arg)
{
	struct tiny *t = arg;

	t->loop_result = fuse_session_loop_mt(t->se, NULL);
	return NULL;
}

void tiny_loop(struct tiny *t, bool multi)
{
	CHECK(pthread_create(&t->thread, NULL, multi ? loop_multi : loop_single, t) == 0);
	t->looping = true;
}

void tiny_join(struct tiny *t)
{
	pthread_join(t->thread, NULL);
	t->looping = false;
}

void tiny_destroy(struct tiny *t)
{
	fuse_session_destroy(t->se);
	sem_destroy(&t->keeping);
}

static int read_file(const struct tiny *t)
{
	char path[64], text[16];
	int fd;
	bool right;

	snprintf(path, sizeof(path), "%s/file", t->where);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	right = read(fd, text, sizeof(text)) == 4 && memcmp(text, "tiny", 4) == 0;
	close(fd);
	return right ? 0 : 255;
}

/* A client that holds the device, as a forked child does, would keep the
 * connection alive after its server. */
static void become_a_client(void)
{
	CHECK(close_range(3, ~0U, 0) == 0);
}

int tiny_try(const struct tiny *t, unsigned int uid)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		become_a_client();
		if (uid && (setresgid(uid, uid, uid) || setresuid(uid, uid, uid)))
			_exit(254);
		_exit(read_file(t));
	}
	status = support_reap(pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status) == 255 ? -1 : WEXITSTATUS(status);
}

pid_t tiny_look(struct tiny *t)
{
	char path[64];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/" TINY_KEPT, t->where);
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		become_a_client();
		_exit(access(path, F_OK) == 0 ? 0 : errno);
	}
	return pid;
}

pid_t tiny_keep(struct tiny *t)
{
	pid_t pid = tiny_look(t);

	while (sem_wait(&t->keeping) < 0 && errno == EINTR)
		;
	return pid;
}

long tiny_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
