/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Replacing workers that are stuck in callbacks; see pool.h. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "session/pool.h"
#include "session/queues.h"
#include "session/worker.h"

/* A callback that is seen twice this far apart is a blocked one. */
#define TICK_MS 1
/* While there is traffic but nothing blocks, one looks less often. */
#define CALM_TICK_MS 10
/* While all workers are stuck, there is nothing to do but to notice that it is
 * over. */
#define STUCK_TICK_MS 1000
/* So many ticks without a blocked callback make the session fast again. */
#define FAST_AFTER_TICKS 50
/* All workers in the same callbacks for so long is worth a line. */
#define BUSY_LOG_MS 5000

struct watch {
	struct sess_pool *p;
	int64_t busy_since_ms; /* all workers stuck, 0 if not */
	unsigned int calm;     /* ticks since a blocked callback was seen */
	bool close;	       /* the next look follows soon upon the last */
	bool logged;
};

/* What one look found. */
struct look {
	unsigned int blocked; /* in the same callback as before */
	unsigned int busy;    /* in a callback */
	bool moved;	      /* some worker took a request since */
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct look look_locked(struct sess_pool *p)
{
	struct look found = {0};

	for (struct pool_thread *t = p->threads; t; t = t->next) {
		unsigned int calls = atomic_load_explicit(&t->calls, memory_order_relaxed);

		found.busy += calls & 1;
		if (calls != t->watched_calls)
			found.moved = true;
		else
			found.blocked += calls & 1;
		t->watched_calls = calls;
	}
	return found;
}

/* As many workers as there are places must be able to take requests. */
static bool replace_locked(struct sess_pool *p, unsigned int blocked)
{
	unsigned int able = p->alive - p->parked + p->calls;

	able = able > blocked ? able - blocked : 0;
	for (; able < p->place_count; able++) {
		if (!sess_pool_call_locked(p))
			return false;
	}
	return true;
}

static void log_busy_locked(struct sess_pool *p)
{
	char ops[256];
	size_t at = 0;

	for (struct pool_thread *t = p->threads; t && at < sizeof(ops); t = t->next)
		at += (size_t)snprintf(ops + at, sizeof(ops) - at, "%s%s", at ? ", " : "",
				       proto_op_name(atomic_load(&t->opcode)));
	fuse_log(FUSE_LOG_WARNING,
		 "fuse: all %u workers have been busy for %d s, in %s; other requests wait "
		 "(max_threads sets their number)\n",
		 p->alive, BUSY_LOG_MS / 1000, ops);
}

/* A callback that takes about as long as a calm tick is over before the next look,
 * and another one in its place, so none would ever be seen twice. While no thread is
 * left to take a request, looks therefore come in pairs. */
static int calm_wait(struct watch *w, bool crowded)
{
	w->close = crowded && !w->close;
	return w->close ? TICK_MS : CALM_TICK_MS;
}

/* Milliseconds until the next look, or -1 to sleep until called. */
static int tick(struct watch *w)
{
	struct sess_pool *p = w->p;
	struct look found;
	bool enough, crowded;

	pthread_mutex_lock(&p->lock);
	found = look_locked(p);
	enough = replace_locked(p, found.blocked);
	if (enough || found.moved)
		w->busy_since_ms = 0;
	else if (!w->busy_since_ms)
		w->busy_since_ms = now_ms();
	else if (!w->logged && now_ms() - w->busy_since_ms >= BUSY_LOG_MS) {
		w->logged = true;
		log_busy_locked(p);
	}
	pthread_mutex_unlock(&p->lock);

	w->calm = found.blocked ? 0 : w->calm + 1;
	atomic_store_explicit(&p->slow, w->calm < FAST_AFTER_TICKS, memory_order_relaxed);
	if (sess_queues_look(p->se, &crowded))
		return calm_wait(w, crowded);
	if (!enough)
		return w->logged && !found.moved ? STUCK_TICK_MS : CALM_TICK_MS;
	/* Nothing to do until the places are empty again. */
	if (!found.moved && found.busy == found.blocked)
		return w->calm < FAST_AFTER_TICKS && found.busy == 0 ? CALM_TICK_MS : -1;
	crowded = atomic_load_explicit(&p->places, memory_order_relaxed) == 0;
	return found.blocked ? TICK_MS : calm_wait(w, crowded);
}

/* Threads of rings say that they are in a callback and then look whether the watch
 * is awake, with no fence between, as they do it for each request. So the last of
 * them may have overlooked that it fell asleep; a tick later what that one said is
 * visible. */
static bool was_overlooked(struct sess_pool *p)
{
	if (!sess_queues_busy(p->se))
		return false;
	atomic_store(&p->watched, true);
	return true;
}

/* Milliseconds until the next look, or -1 to sleep until called. */
static int fall_asleep(struct sess_pool *p, bool *dozing)
{
	/* Both sides use seq_cst: a worker that empties the places finds
	 * `watched` false and calls, or the places are seen empty here. */
	atomic_store(&p->watched, false);
	if (atomic_load(&p->places) == 0) {
		atomic_store(&p->watched, true);
		return CALM_TICK_MS;
	}
	*dozing = sess_queues_used(p->se);
	return *dozing ? CALM_TICK_MS : -1;
}

void sess_pool_watch(struct sess_pool *p)
{
	struct fuse_session *se = p->se;
	struct watch w = {.p = p, .calm = FAST_AFTER_TICKS};
	struct pollfd fds[2] = {
		{.fd = se->xport->wake_fd, .events = POLLIN},
		{.fd = p->watch_fd, .events = POLLIN},
	};
	bool dozing = false, slept;
	uint64_t drained;
	int wait_ms = -1;

	while (!atomic_load(&se->exited)) {
		if (poll(fds, 2, wait_ms) < 0)
			continue; /* a signal; its handler may have said exit */
		slept = dozing;
		dozing = false;
		if (fds[1].revents && read(p->watch_fd, &drained, sizeof(drained)) > 0)
			wait_ms = TICK_MS; /* first give the callbacks time */
		else if (slept && !was_overlooked(p))
			wait_ms = -1;
		else if ((wait_ms = tick(&w)) < 0)
			wait_ms = fall_asleep(p, &dozing);
	}
}
