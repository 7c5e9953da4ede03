/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * poll MOUNTPOINT: files "every-100ms" and "every-1s" that become readable so
 * often. A read takes all ticks that have come, one letter each; poll(2),
 * select(2) and epoll wait for the next.
 *
 * The kernel asks with a handle when somebody goes to sleep; we keep the latest
 * one, and when a tick comes we notify by it.
 */
#define FUSE_USE_VERSION 319

#include <fuse.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define STEP_MS 100

static struct ticker {
	const char *path;
	unsigned int steps; /* between ticks */
	unsigned int ticks; /* not yet read */
	struct fuse_pollhandle *waiting;
} tickers[] = {
	{.path = "/every-100ms", .steps = 1},
	{.path = "/every-1s", .steps = 10},
};

#define COUNT (sizeof(tickers) / sizeof(tickers[0]))

static pthread_t thread;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool stop;

static struct ticker *find(const char *path)
{
	for (size_t i = 0; i < COUNT; i++) {
		if (!strcmp(path, tickers[i].path))
			return &tickers[i];
	}
	return NULL;
}

static struct ticker *opened(const struct fuse_file_info *fi)
{
	return &tickers[fi->fh];
}

static int po_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	if (!strcmp(path, "/")) {
		st->st_mode = S_IFDIR | 0755;
		st->st_nlink = 2;
	} else if (find(path)) {
		st->st_mode = S_IFREG | 0444;
		st->st_nlink = 1;
	} else {
		return -ENOENT;
	}
	return 0;
}

static int po_readdir(const char *path, void *buf, fuse_fill_dir_t filler, off_t off,
		      struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	for (size_t i = 0; i < COUNT; i++)
		filler(buf, tickers[i].path + 1, NULL, 0, FUSE_FILL_DIR_DEFAULTS);
	return 0;
}

static int po_open(const char *path, struct fuse_file_info *fi)
{
	fi->fh = (uint64_t)(find(path) - tickers);
	/* It has no size and no positions: like a pipe. */
	fi->direct_io = 1;
	fi->nonseekable = 1;
	return 0;
}

static int po_read(const char *path, char *buf, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct ticker *t = opened(fi);

	pthread_mutex_lock(&lock);
	if (size > t->ticks)
		size = t->ticks;
	t->ticks -= (unsigned int)size;
	pthread_mutex_unlock(&lock);
	memset(buf, 't', size);
	return (int)size;
}

static int po_poll(const char *path, struct fuse_file_info *fi, struct fuse_pollhandle *ph,
		   unsigned *reventsp)
{
	struct ticker *t = opened(fi);
	struct fuse_pollhandle *old = NULL;

	pthread_mutex_lock(&lock);
	if (ph) {
		old = t->waiting;
		t->waiting = ph;
	}
	if (t->ticks)
		*reventsp |= POLLIN;
	pthread_mutex_unlock(&lock);
	if (old)
		fuse_pollhandle_destroy(old);
	return 0;
}

/* ---- time goes by ---- */

static void tick_locked(struct ticker *t)
{
	t->ticks++;
	if (!t->waiting)
		return;
	fuse_notify_poll(t->waiting);
	fuse_pollhandle_destroy(t->waiting);
	t->waiting = NULL;
}

static void *run(void *arg)
{
	const struct timespec step = {.tv_nsec = STEP_MS * 1000000};

	for (unsigned int n = 1;; n++) {
		nanosleep(&step, NULL);
		pthread_mutex_lock(&lock);
		if (stop)
			break;
		for (size_t i = 0; i < COUNT; i++) {
			if (n % tickers[i].steps == 0)
				tick_locked(&tickers[i]);
		}
		pthread_mutex_unlock(&lock);
	}
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void *po_init(struct fuse_conn_info *conn, struct fuse_config *cfg)
{
	if (pthread_create(&thread, NULL, run, NULL))
		fprintf(stderr, "cannot start a thread: there will be no ticks\n");
	return NULL;
}

static void po_destroy(void *data)
{
	pthread_mutex_lock(&lock);
	stop = true;
	pthread_mutex_unlock(&lock);
	pthread_join(thread, NULL);
	for (size_t i = 0; i < COUNT; i++) {
		if (tickers[i].waiting)
			fuse_pollhandle_destroy(tickers[i].waiting);
	}
}

static const struct fuse_operations operations = {
	.init = po_init,
	.destroy = po_destroy,
	.getattr = po_getattr,
	.readdir = po_readdir,
	.open = po_open,
	.read = po_read,
	.poll = po_poll,
};

int main(int argc, char *argv[])
{
	return fuse_main(argc, argv, &operations, NULL);
}
