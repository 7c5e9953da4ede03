/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The script and the notes; the callbacks are in script_callbacks.c, the
 * default answers in script_answers.c. */
#include "script.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE_S 30

/* fuse_set_log_func has no data pointer, and one filesystem lives at a time. */
static struct scriptfs *logging;

static void note_debug_locked(struct scriptfs *fs, const char *line)
{
	const char *p = strstr(line, "opcode: ");
	unsigned int code;
	char name[40];

	if (p && sscanf(p, "opcode: %39s", name) == 1 && proto_op_by_name(name))
		fs->seen[proto_op_by_name(name)->index] = true;
	p = strstr(line, "NOTIFY: code=");
	if (p && sscanf(p, "NOTIFY: code=%u", &code) == 1 && code < FUSE_NOTIFY_CODE_MAX)
		fs->notified[code] = true;
}

__attribute__((format(printf, 2, 0))) static void log_line(enum fuse_log_level level,
							   const char *fmt, va_list ap)
{
	struct scriptfs *fs = logging;
	struct log_line *l = calloc(1, sizeof(*l));

	if (!l || vasprintf(&l->text, fmt, ap) < 0)
		abort();
	l->level = level;
	if (fs->show_log)
		fputs(l->text, stderr);
	pthread_mutex_lock(&fs->lock);
	note_debug_locked(fs, l->text);
	if (level >= FUSE_LOG_DEBUG) {
		pthread_mutex_unlock(&fs->lock);
		free(l->text);
		free(l);
		return;
	}
	*fs->log_last = l;
	fs->log_last = &l->next;
	pthread_mutex_unlock(&fs->lock);
}

static void add_node(struct scriptfs *fs, fuse_ino_t ino, fuse_ino_t parent, const char *name,
		     mode_t mode, off_t size)
{
	struct node *n = &fs->nodes[fs->node_count++];

	*n = (struct node){.ino = ino, .parent = parent, .mode = mode, .size = size};
	snprintf(n->name, sizeof(n->name), "%s", name);
}

struct scriptfs *fs_new(void)
{
	struct scriptfs *fs = calloc(1, sizeof(*fs));
	pthread_condattr_t attr;

	if (!fs)
		abort();
	pthread_mutex_init(&fs->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&fs->changed, &attr);
	pthread_condattr_destroy(&attr);
	fs->calls_last = &fs->calls;
	fs->log_last = &fs->log;
	fs->next_ino = 10;
	add_node(fs, FUSE_ROOT_ID, 0, "", S_IFDIR | 0755, 0);
	add_node(fs, FS_FILE, FUSE_ROOT_ID, "file", S_IFREG | 0644, FS_SIZE);
	add_node(fs, FS_DIR, FUSE_ROOT_ID, "dir", S_IFDIR | 0755, 0);
	add_node(fs, FS_LINK, FUSE_ROOT_ID, "link", S_IFLNK | 0777, 4);
	fs->show_log = getenv("PROFUSE_OPS_LOG") != NULL;
	logging = fs;
	fuse_set_log_func(log_line);
	return fs;
}

void fs_free(struct scriptfs *fs)
{
	fs_join(fs);
	fuse_set_log_func(NULL);
	logging = NULL;
	fs_forget_calls(fs);
	while (fs->log) {
		struct log_line *l = fs->log;

		fs->log = l->next;
		free(l->text);
		free(l);
	}
	for (unsigned int op = 0; op < PROTO_OP_COUNT; op++) {
		while (fs->scripts[op]) {
			struct script *s = fs->scripts[op];

			fs->scripts[op] = s->next;
			free(s);
		}
	}
	pthread_cond_destroy(&fs->changed);
	pthread_mutex_destroy(&fs->lock);
	free(fs);
}

/* ---- scripts ---- */

void fs_script(struct scriptfs *fs, unsigned int op, fs_answer_t answer, void *data)
{
	struct script *s = calloc(1, sizeof(*s)), **p;

	if (!s)
		abort();
	s->answer = answer;
	s->data = data;
	pthread_mutex_lock(&fs->lock);
	for (p = &fs->scripts[op]; *p;)
		p = &(*p)->next;
	*p = s;
	pthread_mutex_unlock(&fs->lock);
}

/* The callback's way into here: note, then answer. */
void fs_handle(struct scriptfs *fs, const struct fs_call *call)
{
	struct fs_call *note = malloc(sizeof(*note));
	struct script *s;

	if (!note)
		abort();
	*note = *call;
	note->next = NULL;
	note->thread = pthread_self();
	pthread_mutex_lock(&fs->lock);
	*fs->calls_last = note;
	fs->calls_last = &note->next;
	s = fs->scripts[call->op];
	if (s)
		fs->scripts[call->op] = s->next;
	pthread_cond_broadcast(&fs->changed);
	pthread_mutex_unlock(&fs->lock);
	if (s)
		s->answer(fs, call, s->data);
	else
		fs_answer_default(fs, call);
	free(s);
}

static void answer_error(struct scriptfs *fs, const struct fs_call *call, void *data)
{
	fs_set_last_reply(fs, fuse_reply_err(call->req, (int)(intptr_t)data));
}

void fs_script_error(struct scriptfs *fs, unsigned int op, int error)
{
	fs_script(fs, op, answer_error, (void *)(intptr_t)error);
}

static void answer_nothing(struct scriptfs *fs, const struct fs_call *call, void *data)
{
}

void fs_script_hold(struct scriptfs *fs, unsigned int op)
{
	fs_script(fs, op, answer_nothing, NULL);
}

static void answer_normally(struct scriptfs *fs, const struct fs_call *call, void *data)
{
	fs_answer_default(fs, call);
}

void fs_script_default(struct scriptfs *fs, unsigned int op)
{
	fs_script(fs, op, answer_normally, NULL);
}

struct elsewhere {
	struct scriptfs *fs;
	struct fs_call call;
};

static void *answer_elsewhere(void *arg)
{
	struct elsewhere *e = arg;

	fs_answer_default(e->fs, &e->call);
	free(e);
	return NULL;
}

static void answer_from_thread(struct scriptfs *fs, const struct fs_call *call, void *data)
{
	struct elsewhere *e = malloc(sizeof(*e));
	pthread_t thread;

	if (!e)
		abort();
	e->fs = fs;
	e->call = *call;
	if (pthread_create(&thread, NULL, answer_elsewhere, e) != 0)
		abort();
	pthread_mutex_lock(&fs->lock);
	if (fs->helper_count == MAX_HELPERS)
		abort();
	fs->helpers[fs->helper_count++] = thread;
	pthread_mutex_unlock(&fs->lock);
}

void fs_script_from_thread(struct scriptfs *fs, unsigned int op)
{
	fs_script(fs, op, answer_from_thread, NULL);
}

static void answer_twice(struct scriptfs *fs, const struct fs_call *call, void *data)
{
	fs_answer_default(fs, call);
	fs_set_last_reply(fs, fuse_reply_err(call->req, EPERM));
}

void fs_script_twice(struct scriptfs *fs, unsigned int op)
{
	fs_script(fs, op, answer_twice, NULL);
}

void fs_join(struct scriptfs *fs)
{
	for (int i = 0; i < fs->helper_count; i++)
		pthread_join(fs->helpers[i], NULL);
	fs->helper_count = 0;
}

/* ---- notes ---- */

static struct fs_call *take_locked(struct scriptfs *fs, unsigned int op)
{
	struct fs_call **p = &fs->calls, *c;

	while ((c = *p) != NULL && c->op != op)
		p = &c->next;
	if (!c)
		return NULL;
	*p = c->next;
	if (fs->calls_last == &c->next)
		fs->calls_last = p;
	return c;
}

void (*fs_on_failure)(void);

void fs_take(struct scriptfs *fs, unsigned int op, struct fs_call *call)
{
	struct timespec until;
	struct fs_call *c;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += DEADLINE_S;
	pthread_mutex_lock(&fs->lock);
	while ((c = take_locked(fs, op)) == NULL) {
		if (pthread_cond_timedwait(&fs->changed, &fs->lock, &until) == ETIMEDOUT) {
			fprintf(stderr, "scriptfs: no %s came\n", proto_ops[op].name);
			if (fs_on_failure)
				fs_on_failure();
			_exit(1);
		}
	}
	pthread_mutex_unlock(&fs->lock);
	*call = *c;
	call->next = NULL;
	free(c);
}

size_t fs_count(struct scriptfs *fs, unsigned int op)
{
	size_t n = 0;

	pthread_mutex_lock(&fs->lock);
	for (struct fs_call *c = fs->calls; c; c = c->next)
		n += c->op == op;
	pthread_mutex_unlock(&fs->lock);
	return n;
}

void fs_forget_calls(struct scriptfs *fs)
{
	struct fs_call *c, *next;

	pthread_mutex_lock(&fs->lock);
	c = fs->calls;
	fs->calls = NULL;
	fs->calls_last = &fs->calls;
	pthread_mutex_unlock(&fs->lock);
	for (; c; c = next) {
		next = c->next;
		free(c);
	}
}

/* ---- the log ---- */

bool fs_logged(struct scriptfs *fs, const char *text)
{
	struct log_line **p, *l;

	pthread_mutex_lock(&fs->lock);
	for (p = &fs->log; (l = *p) != NULL && !strstr(l->text, text);)
		p = &l->next;
	if (l) {
		*p = l->next;
		if (fs->log_last == &l->next)
			fs->log_last = p;
	}
	pthread_mutex_unlock(&fs->lock);
	if (l)
		free(l->text);
	free(l);
	return l != NULL;
}

size_t fs_log_errors(struct scriptfs *fs)
{
	size_t n = 0;

	pthread_mutex_lock(&fs->lock);
	for (struct log_line *l = fs->log; l; l = l->next) {
		if (l->level > FUSE_LOG_ERR)
			continue;
		fprintf(stderr, "logged: %s", l->text);
		n++;
	}
	pthread_mutex_unlock(&fs->lock);
	return n;
}

bool fs_seen_op(struct scriptfs *fs, unsigned int op)
{
	bool seen;

	pthread_mutex_lock(&fs->lock);
	seen = fs->seen[op];
	pthread_mutex_unlock(&fs->lock);
	return seen;
}

bool fs_seen_notify(struct scriptfs *fs, unsigned int code)
{
	bool seen;

	pthread_mutex_lock(&fs->lock);
	seen = fs->notified[code];
	pthread_mutex_unlock(&fs->lock);
	return seen;
}

/* ---- small facts ---- */

int fs_last_reply(struct scriptfs *fs)
{
	int result;

	pthread_mutex_lock(&fs->lock);
	result = fs->last_reply;
	pthread_mutex_unlock(&fs->lock);
	return result;
}

void fs_set_last_reply(struct scriptfs *fs, int result)
{
	pthread_mutex_lock(&fs->lock);
	fs->last_reply = result;
	pthread_mutex_unlock(&fs->lock);
}

int fs_inits(struct scriptfs *fs)
{
	int n;

	pthread_mutex_lock(&fs->lock);
	n = fs->inits;
	pthread_mutex_unlock(&fs->lock);
	return n;
}

int fs_destroys(struct scriptfs *fs)
{
	int n;

	pthread_mutex_lock(&fs->lock);
	n = fs->destroys;
	pthread_mutex_unlock(&fs->lock);
	return n;
}

void fs_on_init(struct scriptfs *fs, void (*func)(struct fuse_conn_info *conn))
{
	fs->on_init = func;
}
