/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options with which users override parameters of the connection. */
#define FUSE_USE_VERSION 319
#include <fuse_lowlevel.h>

#include <stddef.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/compiler.h"
#include "base/log.h"

/* For each switch: 0 if nothing was said, else one of these. */
enum said { SAID_ON = 1, SAID_OFF };

struct fuse_conn_info_opts {
	int async_read;
	int atomic_o_trunc;
	int posix_locks;
	int flock_locks;
	int splice_write;
	int splice_move;
	int splice_read;
	int auto_inval_data;
	int readdirplus;
	int readdirplus_auto;
	int async_dio;
	int writeback_cache;

	/* Numbers, and whether they were given: 0 is a value. */
	unsigned int max_write, set_max_write;
	unsigned int max_readahead, set_max_readahead;
	unsigned int max_background, set_max_background;
	unsigned int congestion_threshold, set_congestion_threshold;
	unsigned int time_gran, set_time_gran;
};

#define SWITCH(templ, member, value)                                                               \
	{                                                                                          \
		templ, offsetof(struct fuse_conn_info_opts, member), value                         \
	}
#define ON_OFF(name) SWITCH(#name, name, SAID_ON), SWITCH("no_" #name, name, SAID_OFF)
#define NUMBER(name) SWITCH(#name "=%u", name, 0), SWITCH(#name "=", set_##name, 1)

static const struct fuse_opt options[] = {
	NUMBER(max_write),
	NUMBER(max_readahead),
	NUMBER(max_background),
	NUMBER(congestion_threshold),
	NUMBER(time_gran),
	SWITCH("async_read", async_read, SAID_ON),
	SWITCH("sync_read", async_read, SAID_OFF),
	SWITCH("atomic_o_trunc", atomic_o_trunc, SAID_ON),
	SWITCH("no_remote_lock", posix_locks, SAID_OFF),
	SWITCH("no_remote_lock", flock_locks, SAID_OFF),
	SWITCH("no_remote_flock", flock_locks, SAID_OFF),
	SWITCH("no_remote_posix_lock", posix_locks, SAID_OFF),
	ON_OFF(splice_write),
	ON_OFF(splice_move),
	ON_OFF(splice_read),
	ON_OFF(auto_inval_data),
	ON_OFF(async_dio),
	ON_OFF(writeback_cache),
	SWITCH("readdirplus=no", readdirplus, SAID_OFF),
	SWITCH("readdirplus=no", readdirplus_auto, SAID_OFF),
	SWITCH("readdirplus=yes", readdirplus, SAID_ON),
	SWITCH("readdirplus=yes", readdirplus_auto, SAID_OFF),
	SWITCH("readdirplus=auto", readdirplus, SAID_ON),
	SWITCH("readdirplus=auto", readdirplus_auto, SAID_ON),
	FUSE_OPT_END,
};

PROFUSE_EXPORT struct fuse_conn_info_opts *fuse_parse_conn_info_opts(struct fuse_args *args)
{
	CLEANUP_FREE struct fuse_conn_info_opts *opts = calloc(1, sizeof(*opts));

	if (!opts) {
		fuse_log(FUSE_LOG_ERR, "fuse: memory allocation failed\n");
		return NULL;
	}
	if (fuse_opt_parse(args, opts, options, NULL) == -1)
		return NULL;
	return take(opts);
}

static void apply_switch(struct fuse_conn_info *conn, int said, uint64_t cap, const char *name)
{
	if (said == SAID_OFF)
		fuse_unset_feature_flag(conn, cap);
	else if (said == SAID_ON && !fuse_set_feature_flag(conn, cap))
		fuse_log(FUSE_LOG_WARNING, "fuse: the kernel does not offer %s: ignored\n", name);
}

PROFUSE_EXPORT void fuse_apply_conn_info_opts(struct fuse_conn_info_opts *opts,
					      struct fuse_conn_info *conn)
{
	const struct {
		int said;
		uint64_t cap;
		const char *name;
	} switches[] = {
		{opts->async_read, FUSE_CAP_ASYNC_READ, "async_read"},
		{opts->atomic_o_trunc, FUSE_CAP_ATOMIC_O_TRUNC, "atomic_o_trunc"},
		{opts->posix_locks, FUSE_CAP_POSIX_LOCKS, "remote_posix_lock"},
		{opts->flock_locks, FUSE_CAP_FLOCK_LOCKS, "remote_flock"},
		{opts->splice_write, FUSE_CAP_SPLICE_WRITE, "splice_write"},
		{opts->splice_move, FUSE_CAP_SPLICE_MOVE, "splice_move"},
		{opts->splice_read, FUSE_CAP_SPLICE_READ, "splice_read"},
		{opts->auto_inval_data, FUSE_CAP_AUTO_INVAL_DATA, "auto_inval_data"},
		{opts->readdirplus, FUSE_CAP_READDIRPLUS, "readdirplus"},
		{opts->readdirplus_auto, FUSE_CAP_READDIRPLUS_AUTO, "readdirplus=auto"},
		{opts->async_dio, FUSE_CAP_ASYNC_DIO, "async_dio"},
		{opts->writeback_cache, FUSE_CAP_WRITEBACK_CACHE, "writeback_cache"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(switches); i++)
		apply_switch(conn, switches[i].said, switches[i].cap, switches[i].name);

	if (opts->set_max_write)
		conn->max_write = opts->max_write;
	if (opts->set_max_readahead)
		conn->max_readahead = opts->max_readahead;
	if (opts->set_max_background)
		conn->max_background = opts->max_background;
	if (opts->set_congestion_threshold)
		conn->congestion_threshold = opts->congestion_threshold;
	if (opts->set_time_gran)
		conn->time_gran = opts->time_gran;
}
