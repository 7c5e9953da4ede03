/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A filesystem of the path API, served to a mock kernel: see served.h. */
#include "served.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <profuse.h>

#include "highlevel/hl.h"

enum mock_wire serve_wire = MOCK_SEQPACKET;

static void *run_loop(void *arg)
{
	struct served *s = arg;
	struct fuse_loop_config *config;

	if (s->threads == 0) {
		s->loop_result = fuse_loop(s->f);
		return NULL;
	}
	config = fuse_loop_cfg_create();
	fuse_loop_cfg_set_max_threads(config, s->threads);
	s->loop_result = fuse_loop_mt(s->f, config);
	fuse_loop_cfg_destroy(config);
	return NULL;
}

void serve_start(struct served *s, const struct fuse_operations *op, const char *options,
		 unsigned int threads, void *data)
{
	char *argv[] = {(char *)"test", (char *)"-o", (char *)(uintptr_t)options, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(options ? 3 : 1, argv);

	memset(s, 0, sizeof(*s));
	s->threads = threads;
	s->f = fuse_new(&args, op, sizeof(*op), data);
	assert_non_null(s->f);
	fuse_opt_free_args(&args);
	s->m = mock_new(&(struct mock_options){.wire = serve_wire});
	assert_int_equal(profuse_session_stream(fuse_get_session(s->f), mock_take_server_fd(s->m)),
			 0);
	assert_int_equal(pthread_create(&s->thread, NULL, run_loop, s), 0);
	assert_int_equal(mock_init(s->m), 0);
}

uint64_t serve_nodes(struct served *s)
{
	struct hl_usage u;

	hl_table_usage(s->f->table, &u);
	return u.nodes;
}

bool serve_nodes_become(struct served *s, uint64_t n)
{
	for (int i = 0; i < 20000 && serve_nodes(s) != n; i++) {
		usleep(1000);
		hl_forget_done(s->f->table);
	}
	return serve_nodes(s) == n;
}

void serve_end(struct served *s, bool balanced)
{
	int faults;

	if (balanced) {
		mock_forget_all(s->m);
		assert_int_equal(mock_open_handles(s->m), 0);
		assert_true(serve_nodes_become(s, 1));
	}
	mock_abort(s->m);
	pthread_join(s->thread, NULL);
	faults = balanced ? mock_finish(s->m) : mock_unmount(s->m);
	fuse_destroy(s->f);
	assert_int_equal(faults, 0);
}

/* ---- the log ---- */

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char log_buf[65536];
static size_t log_len;

static void keep_log(enum fuse_log_level level, const char *fmt, va_list ap)
{
	int n;

	pthread_mutex_lock(&log_lock);
	n = vsnprintf(log_buf + log_len, sizeof(log_buf) - log_len, fmt, ap);
	if (n > 0 && log_len + (size_t)n < sizeof(log_buf))
		log_len += (size_t)n;
	log_buf[log_len] = '\0';
	pthread_mutex_unlock(&log_lock);
}

void log_capture(void)
{
	log_clear();
	fuse_set_log_func(keep_log);
}

void log_clear(void)
{
	pthread_mutex_lock(&log_lock);
	log_len = 0;
	log_buf[0] = '\0';
	pthread_mutex_unlock(&log_lock);
}

const char *log_text(void)
{
	static char copy[sizeof(log_buf)];

	pthread_mutex_lock(&log_lock);
	memcpy(copy, log_buf, log_len + 1);
	pthread_mutex_unlock(&log_lock);
	return copy;
}

/* ---- listings ---- */

static uint64_t add_names(const char *buf, size_t len, bool plus, char *out, size_t size)
{
	size_t head = plus ? sizeof(struct fuse_direntplus) : sizeof(struct fuse_dirent), at = 0;
	uint64_t off = 0;

	while (at + head <= len) {
		const struct fuse_dirent *d =
			plus ? &((const struct fuse_direntplus *)(buf + at))->dirent
			     : (const struct fuse_dirent *)(buf + at);
		size_t used = strlen(out);

		snprintf(out + used, size - used, "%.*s ", (int)d->namelen, buf + at + head);
		off = d->off;
		at += (head + d->namelen + 7) & ~(size_t)7;
	}
	return off;
}

int list_names(struct mock *m, uint64_t dir, bool plus, char *out, size_t size)
{
	struct fuse_open_out o;
	uint64_t off = 0;
	char buf[4096];
	ssize_t n;
	int err = mock_opendir(m, dir, &o);

	out[0] = '\0';
	if (err)
		return err;
	for (;;) {
		n = plus ? mock_readdirplus(m, dir, o.fh, buf, sizeof(buf), off)
			 : mock_readdir(m, dir, o.fh, buf, sizeof(buf), off);
		if (n <= 0)
			break;
		off = add_names(buf, (size_t)n, plus, out, size);
	}
	mock_releasedir(m, dir, o.fh);
	return (int)n;
}
