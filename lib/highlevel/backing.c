/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files that the kernel reads and writes by itself: profuse_set_backing_fd().
 *
 * The kernel wants all open files of an inode to have the same backing file or
 * none at all. So the first open decides, until the last one is gone. Where that
 * was a backing file, one who brings another, or none, is given it as well, but
 * with direct I/O: reads and writes then come here, to what he opened himself.
 */
#include "highlevel/hl.h"

#include <profuse.h>

#include <stdlib.h>
#include <sys/stat.h>

#include "lowlevel/backing.h"

#define HEADS 256

/* reserved[] of fuse_file_info is the library's; 0 for none. */
#define FD_PLUS_1(fi) ((fi)->reserved[0])

/* A node with open files. */
struct shared {
	struct shared *next;
	fuse_ino_t ino;
	unsigned int users;
	int id; /* 0: by requests */
	dev_t st_dev;
	ino_t st_ino;
};

struct hl_backing {
	pthread_mutex_t lock;
	bool refused; /* not for us, so not for any file */
	struct shared *heads[HEADS];
};

PROFUSE_EXPORT void profuse_set_backing_fd(struct fuse_file_info *fi, int fd)
{
	FD_PLUS_1(fi) = fd < 0 ? 0 : (uint64_t)fd + 1;
}

int hl_backing_new(struct hl_backing **out)
{
	struct hl_backing *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	pthread_mutex_init(&b->lock, NULL);
	*out = b;
	return 0;
}

void hl_backing_free(struct hl_backing *b)
{
	if (!b)
		return;
	/* What is still open goes with the connection. */
	for (int i = 0; i < HEADS; i++) {
		while (b->heads[i]) {
			struct shared *s = b->heads[i];

			b->heads[i] = s->next;
			free(s);
		}
	}
	pthread_mutex_destroy(&b->lock);
	free(b);
}

static struct shared **find_locked(struct hl_backing *b, fuse_ino_t ino)
{
	struct shared **p = &b->heads[ino % HEADS];

	while (*p && (*p)->ino != ino)
		p = &(*p)->next;
	return p;
}

static void decide_locked(struct fuse *f, struct shared *s, int fd)
{
	struct stat st;
	int id;

	if (fd < 0 || f->backing->refused || fstat(fd, &st))
		return;
	id = ll_backing_open(f->se, fd);
	if (id > 0) {
		s->id = id;
		s->st_dev = st.st_dev;
		s->st_ino = st.st_ino;
	} else if (id == -EPERM || id == -ENOTTY) {
		fuse_log(FUSE_LOG_INFO,
			 "fuse: the kernel does not read and write files by itself: "
			 "%s; all goes by requests\n",
			 id == -EPERM ? "that needs CAP_SYS_ADMIN outside of user namespaces"
				      : "this is no mount");
		f->backing->refused = true;
	}
}

/* Does fd name the file that the others have? */
static bool same_file(const struct shared *s, int fd)
{
	struct stat st;

	return fd >= 0 && !fstat(fd, &st) && st.st_dev == s->st_dev && st.st_ino == s->st_ino;
}

static void apply(const struct shared *s, int fd, bool first, struct fuse_file_info *fi)
{
	fi->backing_id = s->id;
	if (s->id) {
		fi->keep_cache = 0;
		if (!same_file(s, fd))
			fi->direct_io = 1;
	} else if (first) {
		/* The page cache knows nothing of what was written while there was
		 * a backing file. */
		fi->keep_cache = 0;
	}
}

int hl_backing_begin(struct fuse *f, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct hl_backing *b = f->backing;
	int fd = (int)FD_PLUS_1(fi) - 1;
	struct shared **p, *s;
	bool first = false;

	FD_PLUS_1(fi) = 0;
	if (!b)
		return 0;
	pthread_mutex_lock(&b->lock);
	p = find_locked(b, ino);
	s = *p;
	if (!s && !b->refused) {
		first = true;
		s = *p = calloc(1, sizeof(*s));
		if (!s) {
			pthread_mutex_unlock(&b->lock);
			return -ENOMEM;
		}
		s->ino = ino;
		decide_locked(f, s, fd);
	}
	if (s) {
		s->users++;
		apply(s, fd, first, fi);
	}
	pthread_mutex_unlock(&b->lock);
	return 0;
}

void hl_backing_end(struct fuse *f, fuse_ino_t ino)
{
	struct hl_backing *b = f->backing;
	struct shared **p, *s;
	int id = 0;

	if (!b)
		return;
	pthread_mutex_lock(&b->lock);
	p = find_locked(b, ino);
	s = *p;
	if (s && --s->users == 0) {
		id = s->id;
		*p = s->next;
		free(s);
	}
	pthread_mutex_unlock(&b->lock);
	if (id > 0)
		ll_backing_close(f->se, id);
}
