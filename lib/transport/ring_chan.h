/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inside of the ring transport; rings.h has the idea.
 *
 *   ring_mem.c    entries: where they come from, giving pages back
 *   ring_chan.c   one ring: commands, completions and requests
 *   ring_answer.c answers
 *   ring_stop.c   what is left when a channel is served no more
 *   ring_clerk.c  what the channels of a queue have to do with each other
 *   rings.c       sizes, opening and closing
 */
#ifndef PROFUSE_TRANSPORT_RING_CHAN_H
#define PROFUSE_TRANSPORT_RING_CHAN_H

#include <liburing.h>
#include <pthread.h>

#include "transport/rings.h"
#include "transport/transport.h"

/* What the kernel fills and reads beside the payload (protocol: 288 bytes). */
struct ring_header {
	unsigned char in_out[128]; /* in header of a request, out header of an answer */
	unsigned char op_in[128];  /* the fixed argument */
	struct fuse_uring_ent_in_out entry;
};
static_assert(sizeof(struct ring_header) == 288, "layout of fuse_uring_req_header");

/* Which completion it is: an entry's address, or one of these. */
enum { RING_TAG_KICK = 1, RING_TAG_WAKE = 2, RING_TAG_DEVICE = 3, RING_TAG_LAST = 3 };

/* cmd_op of the command */
#define RING_CMD_REGISTER	  1
#define RING_CMD_COMMIT_AND_FETCH 2

/* Bodies up to this size are put aside while the request's data must stay as
 * it is; WRITE's, the only frequent one, has 8 bytes. */
#define RING_ASIDE 64

struct ring_chan;

/*
 * An entry is bound to a ring from a command until its completion: the kernel
 * fills it on the thread of that ring only. In between whoever has it may give
 * the next command on another ring, and so it moves.
 */
struct ring_entry {
	struct ring_chan *chan; /* that received its request */
	struct ring_header *header;
	void *payload;
	struct iovec iov[2];
	uint64_t commit_id;
	uint16_t qid;
	bool registering;	 /* the pending command is a REGISTER */
	bool answered;		 /* while it changes hands: holds an answer, not a request */
	bool data_in_payload;	 /* the request's data stands there */
	unsigned char aside_len; /* of the answer's body, if it was put aside */
	unsigned char aside[RING_ASIDE];
	size_t touched;		 /* bytes of the payload that may be resident */
	struct ring_entry *next; /* in a list of who gets it next */

	/* The lender's: does it wait there? Is it in the list of dirty ones? */
	bool lent, listed_dirty;
	struct ring_entry *next_dirty;
};

/* Entries are made in batches and live as long as the transport, because a late
 * answer may still come for one whose ring is gone. */
struct ring_batch {
	struct ring_batch *next;
	void *memory;
	size_t size;
	unsigned int count;
	struct ring_entry *entries;
};

/* Node ids that were seen on a queue; ring_clerk.c says what for. */
#define RING_NODES 8

struct ring_queue {
	/* Entries that wait for a request, as far as their channels know. */
	_Atomic int ready CACHE_ALIGNED;
	_Atomic unsigned int asked;  /* for the clerk, RING_ASK_* */
	_Atomic unsigned int owners; /* threads with an entry of their own */
	_Atomic bool has_backlog;
	_Atomic unsigned int node_at;
	_Atomic uint64_t nodes[RING_NODES];

	pthread_mutex_t lock;
	struct ring_chan *standby;  /* threads that wait without an entry */
	struct ring_entry *backlog; /* requests that wait for a thread */

	/* Of the channel that lends the queue entries beyond its threads': the
	 * clerk, or the one that serves all. */
	unsigned int spare, target;
};

/* An entry if none waits; a nudge; an entry and a nudge. */
#define RING_ASK_ENTRIES 1u
#define RING_ASK_NUDGE	 2u
#define RING_ASK_RESCUE	 4u

struct rings {
	struct xport x;
	struct xport *dev;
	struct xport_rings_cfg cfg;
	struct ring_queue *queues;

	/* The channel that commits answers for which there is no better one. A
	 * read lock while it is used, so that it is not closed meanwhile. */
	pthread_rwlock_t keeper_lock;
	struct ring_chan *keeper;

	pthread_mutex_t lock; /* of what follows */
	struct ring_batch *batches;
	_Atomic unsigned int entries, threads;
	_Atomic bool refused;	 /* the kernel turned a registration down */
	_Atomic bool serving;	 /* requests have come over the rings */
	unsigned int wanted_qid; /* the clerk's: for whom a thread is wanted */
	_Atomic bool grow_failed;
	_Atomic uint64_t nudges;
	struct io_uring promise; /* see xport_rings_promise() */
	bool promised;
	_Atomic uint64_t known_file; /* a node that a nudge worked with */
};

enum ring_kind {
	RING_THREAD, /* of one queue, at most one entry waiting */
	RING_CLERK,  /* entries of all queues, for requests that others serve */
	RING_ALL,    /* all queues and the device, on one thread */
};

/* Listed and promised are set under the queue's lock; a thread that was
 * promised an entry sets itself back when it has it. */
enum ring_standing { RING_NOT, RING_LISTED, RING_PROMISED };

struct ring_chan {
	struct xport_chan chan;
	struct rings *rings;
	struct ring_queue *queue;    /* RING_THREAD */
	struct xport_chan *dev_chan; /* RING_ALL */
	struct io_uring ring;
	enum ring_kind kind;
	bool ring_ready;
	bool started;
	bool counted;  /* in rings->threads */
	bool owns;     /* RING_THREAD: counted in queue->owners */
	bool borrowed; /* the current request came by another channel */
	bool kick_armed, wake_armed, dev_armed;
	int kick_fd; /* eventfd: look at `given` */

	struct ring_entry *first;   /* to register at the start; chained */
	struct ring_entry *current; /* whose request was received last */
	struct ring_entry *waiting; /* RING_THREAD: the one that waits, or NULL */
	struct ring_entry *dirty;   /* of a lender: waited for with resident pages */
	unsigned int low;	    /* RING_ALL: this queue + 1 may be out of entries */

	struct ring_chan *next_standby; /* under queue->lock */
	_Atomic int standing;		/* enum ring_standing */

	/* RING_THREAD: the answer to the request it is busy with. Committed with
	 * the next wait; taken away if the callback goes on for long. */
	_Atomic(struct ring_entry *) pending CACHE_ALIGNED;

	/* Entries that other threads hand over. A giver that finds the owner
	 * asleep kicks it; both sides use seq_cst, so that either the owner sees
	 * the entry before it sleeps or the giver sees it asleep. */
	_Atomic(struct ring_entry *) given CACHE_ALIGNED;
	_Atomic bool asked;
	_Atomic bool end;
	_Atomic bool asleep;
};

static inline struct ring_chan *ring_chan_of(struct xport_chan *chan)
{
	return (struct ring_chan *)chan; /* it is the first member */
}

/* Do entries wait here for whichever thread will serve their requests? */
static inline bool ring_lends(const struct ring_chan *c)
{
	return c->kind != RING_THREAD;
}

static inline struct ring_queue *ring_queue_of(const struct ring_chan *c,
					       const struct ring_entry *e)
{
	return &c->rings->queues[e->qid];
}

static inline struct rings *rings_of(const struct xport *x)
{
	return (struct rings *)(uintptr_t)x;
}

/* ---- ring_mem.c ---- */

/* A chain of new entries of a queue, or NULL. */
struct ring_entry *ring_entries_new(struct rings *r, uint16_t qid, unsigned int count);
void ring_batches_free(struct rings *r);
/* Gives the pages of an entry's payload back. Nobody may use it. */
void ring_entry_trim(struct ring_entry *e);

/* ---- ring_chan.c ---- */

/* Gives the next command: the entry waits on this ring from here on. */
void ring_chan_register(struct ring_chan *c, struct ring_entry *e);
void ring_chan_commit(struct ring_chan *c, struct ring_entry *e);
/* Gives the commit that was left for the next wait; hands what is prepared to the
 * kernel. The channel's thread. */
void ring_chan_commit_pending(struct ring_chan *c);
void ring_chan_submit(struct ring_chan *c);
/* The entry's command is done: it waits here no more. */
void ring_chan_forget_waiting(struct ring_chan *c, struct ring_entry *e);
/* Commits the answers among what was given. Returns the request, if one is. */
struct ring_entry *ring_chan_take_given(struct ring_chan *c);
/* The thread has no entry of its own any more. */
void ring_chan_disown(struct ring_chan *c);
/* Puts an entry into the owner's hands. Any thread. */
void ring_chan_give(struct ring_chan *c, struct ring_entry *e);
void ring_chan_kick(struct ring_chan *c);
/* The calling thread serves this channel. */
bool ring_chan_is_serving(const struct ring_chan *c);
/* It serves none any more. */
void ring_chan_leave(void);

int xport_ring_recv(struct xport_chan *chan, struct xport_recv *r, bool wait);

/* ---- ring_answer.c ---- */

/* Ends a request without an answer, which recycles its entry, or with an error. */
void ring_answer_nothing(struct ring_entry *e);
void ring_answer_refuse(struct ring_chan *c, struct ring_entry *e, int error);

int xport_ring_send(struct xport_chan *chan, void *slot, const struct iovec *iov, int count);
void *xport_ring_body(struct xport_chan *chan, void *slot, size_t *cap);
void xport_ring_done(struct xport_chan *chan, void *slot);
void xport_ring_flush(struct xport_chan *chan);

/* ---- ring_stop.c ---- */

void xport_ring_stop(struct xport_chan *chan);

/* ---- ring_clerk.c ---- */

/* A request whose data is a nudge's reply; see there. */
bool ring_is_nudge(uint64_t unique);

/* An answered entry that its own thread cannot commit. */
void ring_pass_on(struct rings *r, struct ring_entry *e);

/* For a thread without an entry: a request that waits for a thread, or NULL;
 * then it stands by until somebody gives it an entry. */
struct ring_entry *ring_stand_by(struct ring_chan *c);
/* It does no longer. False if somebody is just giving it an entry. */
bool ring_leave_standby(struct ring_chan *c);

/* For the clerk: finds a thread for a request. False if none stands by; then the
 * next that does gets it. */
bool ring_find_thread(struct rings *r, struct ring_entry *e);

/* Asks whoever lends entries. Any thread. */
void ring_ask(struct rings *r, unsigned int qid, unsigned int what);
/* Does what was asked; on the lender's thread. */
void ring_do_asked(struct ring_chan *lender);
/* Says once that entries could not be added. */
void ring_no_more(struct rings *r, int error);
/* A lent entry of this queue got a request. */
void ring_lent_one(struct ring_chan *lender, unsigned int qid);

#endif
