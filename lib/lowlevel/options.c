/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options that fuse_session_new() understands: this layer's own, then the
 * mount's. Whatever is left is an error. */
#include "lowlevel/ll.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"

struct values {
	int debug;
	int allow_root;
	int io_uring; /* SESS_RINGS_* */
	int cache;    /* SESS_CACHE_* */
	char *ring_memory;
	unsigned int queue_depth;
};

#define OPTION(templ, field, value)                                                                \
	{                                                                                          \
		templ, offsetof(struct values, field), value                                       \
	}

static const struct fuse_opt options[] = {
	OPTION("debug", debug, 1),
	OPTION("-d", debug, 1),
	OPTION("--debug", debug, 1),
	OPTION("allow_root", allow_root, 1),
	OPTION("io_uring", io_uring, SESS_RINGS_ON),
	OPTION("io_uring=on", io_uring, SESS_RINGS_ON),
	OPTION("io_uring=auto", io_uring, SESS_RINGS_AUTO),
	OPTION("io_uring=off", io_uring, SESS_RINGS_OFF),
	OPTION("io_uring_memory=%s", ring_memory, 0),
	OPTION("io_uring_q_depth=%u", queue_depth, 0),
	OPTION("cache=none", cache, SESS_CACHE_NONE),
	OPTION("cache=default", cache, SESS_CACHE_DEFAULT),
	OPTION("cache=aggressive", cache, SESS_CACHE_AGGRESSIVE),
	OPTION("cache=immutable", cache, SESS_CACHE_IMMUTABLE),
	FUSE_OPT_END,
};

static int number_from_env(const char *name)
{
	const char *text = getenv(name);

	return text ? atoi(text) : 0;
}

/* Rings are used where somebody asks for them. */
static int default_rings(void)
{
	const char *text = getenv("FUSE_URING_ENABLE");

	if (!text)
		return SESS_RINGS_OFF;
	return atoi(text) ? SESS_RINGS_ON : SESS_RINGS_OFF;
}

/* "64M" and the like; false if it is no size, or none that fits. */
static bool parse_size(const char *text, size_t *size)
{
	static const char units[] = "kmg";
	const char *unit = units - 1;
	size_t bytes;
	char *end;

	errno = 0;
	bytes = strtoull(text, &end, 10);
	if (errno || end == text || bytes == 0)
		return false;
	if (*end) {
		unit = strchr(units, *end | 0x20);
		if (!unit || end[1])
			return false;
	}
	for (; unit >= units; unit--) {
		if (!size_mul(bytes, 1024, &bytes))
			return false;
	}
	*size = bytes;
	return true;
}

static void set_defaults(struct values *v)
{
	int depth = number_from_env("FUSE_URING_QUEUE_DEPTH");

	*v = (struct values){
		.io_uring = default_rings(),
		.queue_depth = depth > 0 ? (unsigned int)depth : 0,
	};
}

static void apply(struct ll *ll, const struct values *v)
{
	struct fuse_session *se = ll->se;

	if (v->debug)
		fuse_session_set_debug(se);
	se->caching = sess_caching_of(v->cache);
	se->rings_wish.mode = v->io_uring;
	se->rings_wish.depth = v->queue_depth;
	if (v->allow_root) {
		/* The kernel knows "only the owner" and "everybody"; it lets
		 * everybody in and the session turns away who is neither. */
		mnt_opts_set_allow_other(ll->mnt_opts);
		se->deny_others = true;
		se->owner = getuid();
	}
	se->max_read = mnt_opts_max_read(ll->mnt_opts);
}

/* The same text as other implementations print: people search for it. */
static void complain(const struct fuse_args *args)
{
	CLEANUP_FREE char *text = NULL;
	size_t len = 1;

	for (int i = 1; i < args->argc; i++)
		len += strlen(args->argv[i]) + 1;
	text = calloc(1, len);
	for (int i = 1; text && i < args->argc; i++) {
		if (i > 1)
			strcat(text, " ");
		strcat(text, args->argv[i]);
	}
	fuse_log(FUSE_LOG_ERR, "fuse: unknown option(s): `%s'\n", text ? text : args->argv[1]);
}

int ll_parse_options(struct ll *ll, struct fuse_args *args)
{
	CLEANUP_FREE char *why = NULL;
	struct values v;

	set_defaults(&v);
	if (fuse_opt_parse(args, &v, options, NULL) < 0)
		return -1;
	if (v.ring_memory && !parse_size(v.ring_memory, &ll->se->rings_wish.memory)) {
		fuse_log(FUSE_LOG_ERR,
			 "fuse: io_uring_memory=%s: not a size; write bytes, or a number with k, m "
			 "or g\n",
			 v.ring_memory);
		free(v.ring_memory);
		return -1;
	}
	free(v.ring_memory);
	if (mnt_opts_parse(args, &ll->mnt_opts, &why)) {
		fuse_log(FUSE_LOG_ERR, "%s\n", why ? why : "fuse: out of memory");
		return -1;
	}
	if (args->argc > 1) {
		complain(args);
		return -1;
	}
	if (args->argv[0][0] == '-')
		fuse_log(FUSE_LOG_ERR,
			 "fuse: warning: argv[0] looks like an option, but will be ignored\n");
	apply(ll, &v);
	return 0;
}
