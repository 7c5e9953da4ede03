/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * invalidate_path MOUNTPOINT: what notify_inval_inode does, through the path API.
 * /time holds the time of day and is invalidated each interval; /stale holds the
 * same and is not, so it goes on showing the time at which it was first read.
 *
 * Options: -o interval=SECONDS (1.0)
 */
#define FUSE_USE_VERSION 319

#include <fuse.h>

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LENGTH 32

static struct options {
	double interval;
} options = {.interval = 1.0};

static pthread_t thread;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t stop_cond = PTHREAD_COND_INITIALIZER;
static bool stop;

static bool is_file(const char *path)
{
	return !strcmp(path, "/time") || !strcmp(path, "/stale");
}

static int ip_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	if (!strcmp(path, "/")) {
		st->st_mode = S_IFDIR | 0755;
		st->st_nlink = 2;
	} else if (is_file(path)) {
		st->st_mode = S_IFREG | 0444;
		st->st_nlink = 1;
		st->st_size = LENGTH;
	} else {
		return -ENOENT;
	}
	return 0;
}

static int ip_readdir(const char *path, void *buf, fuse_fill_dir_t filler, off_t off,
		      struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	filler(buf, "time", NULL, 0, FUSE_FILL_DIR_DEFAULTS);
	filler(buf, "stale", NULL, 0, FUSE_FILL_DIR_DEFAULTS);
	return 0;
}

static int ip_open(const char *path, struct fuse_file_info *fi)
{
	fi->keep_cache = 1;
	return 0;
}

static int ip_read(const char *path, char *buf, size_t size, off_t off, struct fuse_file_info *fi)
{
	char text[LENGTH + 1];
	struct timespec ts;

	if (off >= LENGTH)
		return 0;
	if (size > (size_t)(LENGTH - off))
		size = (size_t)(LENGTH - off);
	clock_gettime(CLOCK_REALTIME, &ts);
	snprintf(text, sizeof(text), "%21lld.%09ld\n", (long long)ts.tv_sec, ts.tv_nsec);
	memcpy(buf, text + off, size);
	return (int)size;
}

/* ---- the invalidation ---- */

static void *invalidate(void *arg)
{
	struct fuse *f = arg;
	struct timespec until;
	int err;

	clock_gettime(CLOCK_REALTIME, &until);
	pthread_mutex_lock(&lock);
	while (!stop) {
		double next = (double)until.tv_nsec / 1e9 + options.interval;

		until.tv_sec += (time_t)next;
		until.tv_nsec = (long)((next - (double)(time_t)next) * 1e9);
		while (!stop && pthread_cond_timedwait(&stop_cond, &lock, &until) != ETIMEDOUT)
			;
		pthread_mutex_unlock(&lock);
		/* Not from within a callback that reads the file. */
		err = fuse_invalidate_path(f, "/time");
		if (err && err != -ENOENT && err != -ENOTCONN)
			fprintf(stderr, "cannot invalidate: %s\n", strerror(-err));
		pthread_mutex_lock(&lock);
	}
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void *ip_init(struct fuse_conn_info *conn, struct fuse_config *cfg)
{
	/* The kernel may rely on everything; what changes we tell. */
	cfg->entry_timeout = 86400;
	cfg->attr_timeout = 86400;
	if (pthread_create(&thread, NULL, invalidate, fuse_get_context()->fuse))
		fprintf(stderr, "cannot start a thread: nothing will be invalidated\n");
	return NULL;
}

static void ip_destroy(void *data)
{
	pthread_mutex_lock(&lock);
	stop = true;
	pthread_cond_signal(&stop_cond);
	pthread_mutex_unlock(&lock);
	pthread_join(thread, NULL);
}

static const struct fuse_operations operations = {
	.init = ip_init,
	.destroy = ip_destroy,
	.getattr = ip_getattr,
	.readdir = ip_readdir,
	.open = ip_open,
	.read = ip_read,
};

static const struct fuse_opt option_table[] = {
	{"interval=%lf", offsetof(struct options, interval), 0},
	FUSE_OPT_END,
};

/* Our own option first; fuse_main() adds those of every filesystem. */
static int print_help(void *data, const char *arg, int key, struct fuse_args *out)
{
	if (!strcmp(arg, "-h") || !strcmp(arg, "--help")) {
		printf("usage: invalidate_path [options] MOUNTPOINT\n"
		       "A file whose contents change; the cache is invalidated by path.\n\n"
		       "    -o interval=SECONDS    change so often (1.0)\n\n");
		out->argv[0][0] = '\0';
	}
	return 1;
}

int main(int argc, char *argv[])
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	int status = 1;

	if (fuse_opt_parse(&args, &options, option_table, print_help))
		status = 1;
	else if (options.interval <= 0)
		fprintf(stderr, "invalidate_path: the interval must be more than 0 seconds\n");
	else
		status = fuse_main(args.argc, args.argv, &operations, NULL);
	fuse_opt_free_args(&args);
	return status;
}
