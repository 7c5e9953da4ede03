/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Locks that users of the source directory see as well (-o locks=host).
 *
 * A process has one set of fcntl locks per file, and we are one process for all callers. Locks
 * of open files (F_OFD_SETLK) belong to a descriptor instead: each owner gets one of its
 * own per file, and closing it drops his locks. flock() belongs to open files anyway, and
 * each open file here has its descriptor.
 *
 * Such a lock is waited for in a system call, so a thread is needed for each waiter; it is
 * made only if the lock cannot be had at once. What this costs compared with locks kept by
 * the kernel: no deadlocks are found, and F_GETLK cannot name the process.
 */
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

/* --- a descriptor per owner and file --- */

struct lock_file {
	struct lock_file *next;
	struct inode *inode;
	uint64_t owner;
	uint64_t handle; /* the open file through which it was used last */
	int fd;
};

static pthread_mutex_t files_lock = PTHREAD_MUTEX_INITIALIZER;
static struct lock_file *files;

static int open_for_locks(struct inode *inode)
{
	const int path_fd = fdcache_get(inode);
	int fd;

	if (path_fd < 0)
		return -1;
	fd = reopen(path_fd, O_RDWR);
	if (fd < 0)
		fd = reopen(path_fd, O_RDONLY);
	fdcache_put(inode);
	return fd;
}

/* A copy of the owner's descriptor (the copy has the same locks), or -1 with errno set. */
static int lock_fd(struct inode *inode, const struct fuse_file_info *fi)
{
	struct lock_file *file;
	int fd = -1;

	pthread_mutex_lock(&files_lock);
	for (file = files; file; file = file->next) {
		if (file->inode == inode && file->owner == fi->lock_owner)
			break;
	}
	if (!file) {
		file = calloc(1, sizeof(*file));
		if (file)
			file->fd = open_for_locks(inode);
		if (!file || file->fd < 0) {
			free(file);
			goto out;
		}
		file->inode = inode;
		file->owner = fi->lock_owner;
		file->next = files;
		files = file;
	}
	file->handle = fi->fh;
	fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
out:
	pthread_mutex_unlock(&files_lock);
	return fd;
}

static void drop_files(struct inode *inode, bool by_owner, uint64_t which)
{
	struct lock_file **link = &files;

	pthread_mutex_lock(&files_lock);
	while (*link) {
		struct lock_file *file = *link;

		if (file->inode != inode || (by_owner ? file->owner : file->handle) != which) {
			link = &file->next;
			continue;
		}
		*link = file->next;
		close(file->fd);
		free(file);
	}
	pthread_mutex_unlock(&files_lock);
}

void locking_flush(struct inode *inode, uint64_t owner)
{
	if (fs.host_locks)
		drop_files(inode, true, owner);
}

void locking_release(struct inode *inode, uint64_t handle)
{
	if (fs.host_locks)
		drop_files(inode, false, handle);
}

/* --- waiting --- */

/* One lock that has to be waited for, in a thread of its own. */
struct waiting {
	fuse_req_t req;
	int fd;
	bool is_flock;
	struct flock lock;
	int op;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool started;
	bool interrupted;
	bool left; /* the system call is over */
};

static int take_lock(int fd, bool is_flock, struct flock *lock, int op, bool wait)
{
	int ret;

	if (is_flock)
		ret = flock(fd, wait ? op & ~LOCK_NB : op | LOCK_NB);
	else
		ret = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, lock);
	return ret < 0 ? errno : 0;
}

/*
 * Called on another thread. The waiter may just be about to make its system call, when a signal
 * goes unnoticed: repeat until it has left it.
 */
static void interrupted(fuse_req_t req, void *data)
{
	struct waiting *w = data;

	pthread_mutex_lock(&w->mutex);
	w->interrupted = true;
	while (w->started && !w->left) {
		struct timespec until;

		pthread_kill(w->thread, SIGUSR2);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 2000000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000;
		}
		pthread_cond_timedwait(&w->changed, &w->mutex, &until);
	}
	pthread_mutex_unlock(&w->mutex);
}

static void finish(struct waiting *w, int err)
{
	/* Returns only when no interrupted() runs for this request, and none will. */
	fuse_req_interrupt_func(w->req, NULL, NULL);
	fuse_reply_err(w->req, err);
	close(w->fd);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->mutex);
	free(w);
}

static void *wait_in_thread(void *data)
{
	struct waiting *w = data;
	sigset_t set;
	int err = EINTR;
	bool go;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_mutex_lock(&w->mutex);
	w->thread = pthread_self();
	w->started = true;
	go = !w->interrupted;
	pthread_mutex_unlock(&w->mutex);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	/* A signal that is not ours does not end the wait. */
	while (go && err == EINTR) {
		err = take_lock(w->fd, w->is_flock, &w->lock, w->op, true);
		pthread_mutex_lock(&w->mutex);
		go = !w->interrupted;
		pthread_mutex_unlock(&w->mutex);
	}
	pthread_mutex_lock(&w->mutex);
	w->left = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->mutex);
	finish(w, err);
	return NULL;
}

static void on_signal(int sig)
{
	/* Its coming is enough. */
}

static void install_handler(void)
{
	/* Without SA_RESTART. */
	struct sigaction sa = {.sa_handler = on_signal};

	sigemptyset(&sa.sa_mask);
	sigaction(SIGUSR2, &sa, NULL);
}

static int start_thread(struct waiting *w)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 128 * 1024);
	err = pthread_create(&thread, &attr, wait_in_thread, w);
	pthread_attr_destroy(&attr);
	return err;
}

static void wait_for_lock(fuse_req_t req, int fd, bool is_flock, const struct flock *lock, int op)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct waiting *w = calloc(1, sizeof(*w));

	pthread_once(&once, install_handler);
	if (!w) {
		close(fd);
		fuse_reply_err(req, ENOLCK);
		return;
	}
	*w = (struct waiting){.req = req, .fd = fd, .is_flock = is_flock, .op = op};
	if (lock)
		w->lock = *lock;
	pthread_mutex_init(&w->mutex, NULL);
	pthread_cond_init(&w->changed, NULL);
	fuse_req_interrupt_func(req, interrupted, w);
	if (start_thread(w) != 0)
		finish(w, ENOLCK);
}

/* Takes over the descriptor. */
static void set_lock(fuse_req_t req, int fd, bool is_flock, struct flock *lock, int op, bool wait)
{
	int err;

	if (fd < 0) {
		fuse_reply_err(req, errno == EMFILE ? ENOLCK : errno);
		return;
	}
	err = take_lock(fd, is_flock, lock, op, false);
	if (err == EAGAIN && wait) {
		wait_for_lock(req, fd, is_flock, lock, op);
		return;
	}
	close(fd);
	fuse_reply_err(req, err);
}

/* --- requests --- */

void pt_getlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock)
{
	const int fd = lock_fd(inode_of(ino), fi);
	int err = 0;

	if (fd < 0) {
		fuse_reply_err(req, ENOLCK);
		return;
	}
	lock->l_pid = 0;
	if (fcntl(fd, F_OFD_GETLK, lock) < 0)
		err = errno;
	close(fd);
	if (err)
		fuse_reply_err(req, err);
	else
		fuse_reply_lock(req, lock);
}

void pt_setlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock,
	      int sleep)
{
	lock->l_pid = 0;
	set_lock(req, lock_fd(inode_of(ino), fi), false, lock, 0, sleep);
}

void pt_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, int op)
{
	set_lock(req, fcntl(fi->fh, F_DUPFD_CLOEXEC, 0), true, NULL, op, !(op & LOCK_NB));
}
