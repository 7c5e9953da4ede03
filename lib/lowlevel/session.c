/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session of the low-level API: its creation, its switches, its end. */
#include "lowlevel/ll.h"

#include <stdlib.h>
#include <string.h>

#include "base/abi.h"

/* Programs of older editions bring shorter tables: what they do not have is
 * not there. Those of newer ones bring members that nobody here would call. */
static void copy_ops(struct fuse_lowlevel_ops *dst, const struct fuse_lowlevel_ops *src,
		     size_t size)
{
	if (size > sizeof(*dst)) {
		fuse_log(FUSE_LOG_WARNING,
			 "fuse: the program was built for a newer library: %zu bytes of its "
			 "operations are ignored\n",
			 size - sizeof(*dst));
		size = sizeof(*dst);
	}
	if (src)
		memcpy(dst, src, size);
}

static void free_ll(struct ll *ll)
{
	ll_mount_end(ll);
	pthread_mutex_destroy(&ll->watchdog_lock);
	free(ll);
}

static struct fuse_session *session_new(struct fuse_args *args, const struct fuse_lowlevel_ops *op,
					size_t op_size, void *userdata)
{
	struct ll *ll;
	int err;

	if (!args || args->argc < 1) {
		fuse_log(FUSE_LOG_ERR, "fuse: empty argv passed to fuse_session_new()\n");
		return NULL;
	}
	ll = calloc(1, sizeof(*ll));
	if (!ll) {
		fuse_log(FUSE_LOG_ERR, "fuse: failed to allocate a session\n");
		return NULL;
	}
	ll->mnt.fd = ll->mnt.keep_fd = -1;
	pthread_mutex_init(&ll->watchdog_lock, NULL);
	err = sess_new(&ll_handler, ll, userdata, &ll->se);
	if (err) {
		fuse_log(FUSE_LOG_ERR, "fuse: failed to allocate a session\n");
		free_ll(ll);
		return NULL;
	}
	ll->se->old_defaults = abi_is_old();
	ll->se->buf_grow_ok = true;
	copy_ops(&ll->ops, op, op_size);
	if (ll_parse_options(ll, args)) {
		sess_free(ll->se);
		free_ll(ll);
		return NULL;
	}
	if (atomic_load(&ll->se->debug))
		fuse_log(FUSE_LOG_DEBUG, "FUSE library version: %s\n", fuse_pkgversion());
	return ll->se;
}

PROFUSE_EXPORT struct fuse_session *
fuse_session_new_versioned(struct fuse_args *args, const struct fuse_lowlevel_ops *op,
			   size_t op_size, const struct libfuse_version *version, void *userdata)
{
	if (!op || op_size == 0 || !version) {
		fuse_log(FUSE_LOG_ERR, "fuse: fuse_session_new() needs operations and a version\n");
		return NULL;
	}
	return session_new(args, op, op_size, userdata);
}

/* What programs built before 3.17 call, and those that look the name up. Some
 * bindings come without operations and read requests themselves. */
#undef fuse_session_new
struct fuse_session *fuse_session_new(struct fuse_args *args, const struct fuse_lowlevel_ops *op,
				      size_t op_size, void *userdata);
PROFUSE_EXPORT struct fuse_session *fuse_session_new(struct fuse_args *args,
						     const struct fuse_lowlevel_ops *op,
						     size_t op_size, void *userdata)
{
	return session_new(args, op, op_size, userdata);
}

PROFUSE_EXPORT void fuse_session_destroy(struct fuse_session *se)
{
	struct ll *ll;

	if (!se)
		return;
	ll = ll_of(se);
	ll_watchdog_leave(ll);
	/* destroy() may still use the connection, so that goes last. */
	sess_free(se);
	free_ll(ll);
}

PROFUSE_EXPORT void fuse_session_set_debug(struct fuse_session *se)
{
	atomic_store(&se->debug, true);
}

PROFUSE_EXPORT void fuse_session_exit(struct fuse_session *se)
{
	sess_exit(se, 0);
}

PROFUSE_EXPORT int fuse_session_exited(struct fuse_session *se)
{
	return atomic_load(&se->exited);
}

PROFUSE_EXPORT void fuse_session_reset(struct fuse_session *se)
{
	atomic_store(&se->error, 0);
	atomic_store(&se->exited, 0);
	atomic_store(&se->drained, false);
	if (se->xport)
		xport_rearm(se->xport);
}
