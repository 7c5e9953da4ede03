/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One file that changes by itself: see onefile.h. */
#include "onefile.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const double a_day = 86400.0;

static const struct onefile *ex;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t stop_cond = PTHREAD_COND_INITIALIZER;
static bool stop;
static char name_now[ONEFILE_ROOM], text_now[ONEFILE_ROOM];

static struct options {
	double interval;
	int no_notify;
} options = {.interval = 1.0};

void onefile_text(char text[ONEFILE_ROOM])
{
	pthread_mutex_lock(&lock);
	memcpy(text, text_now, ONEFILE_ROOM);
	pthread_mutex_unlock(&lock);
}

/* ---- the filesystem ---- */

static void fill_attr(fuse_ino_t ino, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = ino;
	st->st_mode = ino == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0444;
	st->st_nlink = 1;
	st->st_size = ino == FUSE_ROOT_ID ? 0 : (off_t)strlen(text_now);
}

static void one_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param e = {
		.ino = ONEFILE_INO, .attr_timeout = a_day, .entry_timeout = a_day};
	bool found;

	pthread_mutex_lock(&lock);
	found = parent == FUSE_ROOT_ID && !strcmp(name, name_now);
	fill_attr(ONEFILE_INO, &e.attr);
	pthread_mutex_unlock(&lock);
	if (found)
		fuse_reply_entry(req, &e);
	else
		fuse_reply_err(req, ENOENT);
}

static void one_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;

	pthread_mutex_lock(&lock);
	fill_attr(ino, &st);
	pthread_mutex_unlock(&lock);
	fuse_reply_attr(req, &st, a_day);
}

static void one_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
			struct fuse_file_info *fi)
{
	struct stat st = {.st_ino = ONEFILE_INO, .st_mode = S_IFREG};
	char buf[2 * ONEFILE_ROOM];
	size_t len;

	if (off) {
		fuse_reply_buf(req, NULL, 0);
		return;
	}
	pthread_mutex_lock(&lock);
	len = fuse_add_direntry(req, buf, sizeof(buf), name_now, &st, 1);
	pthread_mutex_unlock(&lock);
	fuse_reply_buf(req, buf, len < size ? len : 0);
}

static void one_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	if (ino != ONEFILE_INO) {
		fuse_reply_err(req, EISDIR);
		return;
	}
	if ((fi->flags & O_ACCMODE) != O_RDONLY) {
		fuse_reply_err(req, EACCES);
		return;
	}
	/* What is in the cache is right until we say otherwise. */
	fi->keep_cache = 1;
	fuse_reply_open(req, fi);
}

static void one_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		     struct fuse_file_info *fi)
{
	char text[ONEFILE_ROOM];
	size_t len;

	onefile_text(text);
	len = strlen(text);
	if ((size_t)off >= len)
		len = 0;
	else
		len -= (size_t)off;
	fuse_reply_buf(req, text + (len ? off : 0), len < size ? len : size);
}

/* ---- the changes ---- */

static void *change_it(void *arg)
{
	struct fuse_session *se = arg;
	struct timespec until;
	char old[ONEFILE_ROOM], name[ONEFILE_ROOM], text[ONEFILE_ROOM];

	clock_gettime(CLOCK_REALTIME, &until);
	for (unsigned int round = 1;; round++) {
		double next = (double)until.tv_nsec / 1e9 + options.interval;
		bool stopped;

		until.tv_sec += (time_t)next;
		until.tv_nsec = (long)((next - (double)(time_t)next) * 1e9);
		pthread_mutex_lock(&lock);
		while (!stop && pthread_cond_timedwait(&stop_cond, &lock, &until) != ETIMEDOUT)
			;
		stopped = stop;
		strcpy(old, name_now);
		ex->change(name_now, text_now, round);
		strcpy(name, name_now);
		strcpy(text, text_now);
		pthread_mutex_unlock(&lock);
		if (stopped)
			return NULL;
		/* Without the lock: a notification may wait for a request that
		 * is being served. */
		if (!options.no_notify)
			ex->notify(se, old, name, text);
	}
}

static int serve_it(struct fuse_session *se, const struct fuse_cmdline_opts *opts)
{
	pthread_t thread;
	int res;

	/* A thread of its own, so after the fork of going to the background. */
	if (pthread_create(&thread, NULL, change_it, se)) {
		fprintf(stderr, "cannot start a thread\n");
		return 1;
	}
	res = opts->singlethread ? fuse_session_loop(se) : fuse_session_loop_mt(se, NULL);
	pthread_mutex_lock(&lock);
	stop = true;
	pthread_cond_signal(&stop_cond);
	pthread_mutex_unlock(&lock);
	pthread_join(thread, NULL);
	/* A positive result is the signal that asked us to stop: a clean end. */
	return res < 0;
}

/* ---- start ---- */

static const struct fuse_opt option_table[] = {
	{"interval=%lf", offsetof(struct options, interval), 0},
	{"no_notify", offsetof(struct options, no_notify), 1},
	FUSE_OPT_END,
};

static void print_help(const char *program)
{
	printf("usage: %s [options] MOUNTPOINT\n%s\n\n"
	       "    -o interval=SECONDS    change so often (1.0)\n"
	       "    -o no_notify           do not tell the kernel\n\n",
	       program, ex->what);
	fuse_cmdline_help();
	fuse_lowlevel_help();
}

static int run(struct fuse_args *args, const struct fuse_cmdline_opts *opts)
{
	const struct fuse_lowlevel_ops ops = {
		.lookup = one_lookup,
		.getattr = one_getattr,
		.readdir = one_readdir,
		.open = one_open,
		.read = one_read,
		.retrieve_reply = ex->retrieve_reply,
	};
	struct fuse_session *se = fuse_session_new(args, &ops, sizeof(ops), NULL);
	int status = 1;

	if (!se)
		return 1;
	if (!fuse_set_signal_handlers(se)) {
		if (!fuse_session_mount(se, opts->mountpoint)) {
			if (!fuse_daemonize(opts->foreground))
				status = serve_it(se, opts);
			fuse_session_unmount(se);
		}
		fuse_remove_signal_handlers(se);
	}
	fuse_session_destroy(se);
	return status;
}

int onefile_main(int argc, char *argv[], const struct onefile *example)
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct fuse_cmdline_opts opts;
	int status = 1;

	ex = example;
	ex->change(name_now, text_now, 0);
	if (fuse_opt_parse(&args, &options, option_table, NULL) < 0 ||
	    fuse_parse_cmdline(&args, &opts) != 0)
		return 1;
	if (opts.show_help) {
		print_help(argv[0]);
		status = 0;
	} else if (opts.show_version) {
		fuse_lowlevel_version();
		status = 0;
	} else if (!opts.mountpoint || options.interval <= 0) {
		fprintf(stderr, "usage: %s [options] MOUNTPOINT (--help says more)\n", argv[0]);
	} else {
		status = run(&args, &opts);
	}
	free(opts.mountpoint);
	fuse_opt_free_args(&args);
	return status;
}
