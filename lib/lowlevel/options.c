/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options that fuse_session_new() understands: this layer's own, then the
 * mount's. Whatever is left is an error. */
#include "lowlevel/ll.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

struct values {
	int debug;
	int allow_root;
	int io_uring;
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
	OPTION("io_uring", io_uring, 1),
	OPTION("io_uring_q_depth=%u", queue_depth, 0),
	FUSE_OPT_END,
};

static int number_from_env(const char *name)
{
	const char *text = getenv(name);

	return text ? atoi(text) : 0;
}

static void set_defaults(struct values *v)
{
	int depth = number_from_env("FUSE_URING_QUEUE_DEPTH");

	*v = (struct values){
		.io_uring = number_from_env("FUSE_URING_ENABLE"),
		.queue_depth = depth > 0 ? (unsigned int)depth : 0,
	};
}

static void apply(struct ll *ll, const struct values *v)
{
	struct fuse_session *se = ll->se;

	if (v->debug)
		fuse_session_set_debug(se);
	if (v->io_uring)
		se->rings_wish.mode = SESS_RINGS_ON;
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
