/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Between the session and the mount room.
 *
 * The mount keeps its own descriptor of the connection for unmounting, and the
 * session's transport has a duplicate. The connection ends when both are gone
 * (and the clones of the workers), which fuse_session_unmount() sees to.
 */
#include "lowlevel/ll.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/background.h"
#include "base/cleanup.h"
#include "session/notify.h"

static int attach_device(struct fuse_session *se, int fd)
{
	CLEANUP_CLOSE int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	struct xport *x;
	int err;

	if (own < 0)
		return -errno;
	err = xport_dev_new(own, &x);
	if (err)
		return err;
	take_fd(&own);
	err = sess_attach(se, x);
	if (err)
		xport_free(x);
	return err;
}

/* ---- INIT while the mount is being made ---- */

/*
 * Until the kernel begins to mount, even poll sleeps in a way that only a
 * signal ends, so the thread can be cancelled there and nowhere else: once
 * INIT can be read, reading and answering it is safe and ends by itself.
 */
static void *serve_init(void *arg)
{
	struct ll *ll = arg;
	struct pollfd p = {.fd = ll->se->xport->fd, .events = POLLIN};

	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	ll->init_error = sess_serve_init(ll->se);
	return NULL;
}

static int start_init(void *data, int fd)
{
	struct ll *ll = data;
	int err = attach_device(ll->se, fd);

	if (err)
		return err;
	ll->init_in_mount = true;
	err = pthread_create(&ll->init_thread, NULL, serve_init, ll);
	if (err) {
		ll->init_in_mount = false;
		sess_detach(ll->se);
	}
	return -err;
}

static void stop_init(void *data, int fd)
{
	struct ll *ll = data;

	pthread_cancel(ll->init_thread);
	pthread_join(ll->init_thread, NULL);
	ll->init_in_mount = false;
	sess_detach(ll->se);
}

/*
 * fuse_main(), and where a parent waits for the outcome: a program that dies in
 * init() shall leave no dead mount behind, nor one that a signal ends there. Rings
 * need a loop while INIT is answered, or the certainty that one follows; without
 * it, who asked for them gets those, but who would merely take them does not.
 */
static bool wants_sync_init(const struct ll *ll)
{
	if (ll->sync_init == LL_SYNC_AUTO)
		return bg_loop_follows() ||
		       (bg_active() && ll->se->rings_wish.mode != SESS_RINGS_ON);
	return ll->sync_init == LL_SYNC_ON;
}

PROFUSE_EXPORT void fuse_session_set_sync_init(struct fuse_session *se, bool enable)
{
	ll_of(se)->sync_init = enable ? LL_SYNC_ON : LL_SYNC_OFF;
}

/* ---- mounting ---- */

/* Texts of the mount room may have several lines, each ending in a newline. */
static void log_text(enum fuse_log_level level, const char *text)
{
	if (text && *text)
		fuse_log(level, "%s", text);
}

static int finish_mount(struct ll *ll)
{
	int err;

	if (!ll->mnt.init_done)
		return attach_device(ll->se, ll->mnt.fd);
	err = pthread_join(ll->init_thread, NULL);
	return err ? -err : ll->init_error;
}

static int mount_session(struct ll *ll, const char *mountpoint)
{
	const struct mnt_hooks hooks = {.start = start_init, .stop = stop_init, .data = ll};
	int err;

	ll->se->loop_follows = bg_loop_follows();
	err = mnt_mount(mountpoint, ll->mnt_opts, wants_sync_init(ll) ? &hooks : NULL, &ll->mnt);

	log_text(FUSE_LOG_WARNING, ll->mnt.notes);
	if (err) {
		log_text(FUSE_LOG_ERR, ll->mnt.report);
		mnt_result_end(&ll->mnt);
		return err;
	}
	err = finish_mount(ll);
	if (err) {
		fuse_log(FUSE_LOG_ERR, "fuse: mounted on %s, but cannot serve it: %s\n", mountpoint,
			 strerror(-err));
		fuse_session_unmount(ll->se);
	}
	return err;
}

PROFUSE_EXPORT int fuse_session_mount(struct fuse_session *se, const char *mountpoint)
{
	struct ll *ll = ll_of(se);
	int err;

	if (!mountpoint) {
		fuse_log(FUSE_LOG_ERR, "fuse: no mount point given\n");
		errno = EINVAL;
		return -1;
	}
	if (se->xport) {
		fuse_log(FUSE_LOG_ERR,
			 "fuse: the session already has a connection; %s is not "
			 "mounted\n",
			 mountpoint);
		errno = EBUSY;
		return -1;
	}
	ll->mountpoint = strdup(mountpoint);
	if (!ll->mountpoint) {
		fuse_log(FUSE_LOG_ERR, "fuse: failed to allocate memory\n");
		errno = ENOMEM;
		return -1;
	}
	err = mount_session(ll, mountpoint);
	if (err) {
		free(take(ll->mountpoint));
		errno = -err;
		return -1;
	}
	bg_note(BG_MOUNTED);
	return 0;
}

/* ---- unmounting ---- */

/* A program may unmount in order to end a loop. As long as one runs, its
 * descriptors are in use, and the kernel tells it when the mount is gone. */
static void release_connection(struct ll *ll)
{
	struct fuse_session *se = ll->se;

	if (ll->released || !se->xport || atomic_load(&se->loops) > 0)
		return;
	sess_notifyq_stop(se);
	sess_retire(se);
	ll->released = true;
	ll_watchdog_poke(ll);
}

PROFUSE_EXPORT void fuse_session_unmount(struct fuse_session *se)
{
	struct ll *ll = ll_of(se);
	CLEANUP_FREE char *why = NULL;

	/* First our end: the unmount of a block device waits for an answer to
	 * DESTROY that nobody would give. */
	release_connection(ll);
	if (ll->mnt.fd < 0)
		return;
	if (mnt_unmount(&ll->mnt, ll->mountpoint, &why))
		log_text(FUSE_LOG_ERR, why);
	free(take(ll->mountpoint));
}

void ll_mount_end(struct ll *ll)
{
	mnt_result_end(&ll->mnt);
	mnt_opts_free(ll->mnt_opts);
	free(ll->mountpoint);
}
