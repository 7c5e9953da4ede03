/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which notifications wait for which requests, measured on the running kernel
 * and compared with what the library says beforehand (-EDEADLK).
 *
 * For every operation and notification: a client causes the request; while it
 * is unanswered a thread sends the notification past the library's check. If
 * it does not come back until the request is answered, the library must have
 * foreseen that, and else not.
 */
#include <profuse.h>

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>

#include "session/notify.h"
#include "support.h"

/* Longer than any of them takes that does not wait. */
#define BLOCKED_MS 150

enum { ROOT = 1, SUBDIR = 10, FILE_INO = 11, NEW = 12 };
#define FILE_SIZE 65536

static struct fuse_session *se;
static const char *where;

/* ---- the experiment ---- */

enum notification { ENTRY, EXPIRE, DELETE, INODE, ATTR, STORE, RETRIEVE, PRUNE, EPOCH, N_NOTIFY };
static const char *const notify_names[] = {"INVAL_ENTRY", "EXPIRE",	"DELETE",
					   "INVAL_INODE", "ATTRIBUTES", "STORE",
					   "RETRIEVE",	  "PRUNE",	"EPOCH"};

struct message {
	enum fuse_notify_code code;
	struct iovec iov[4];
	int count;
	union {
		struct fuse_notify_inval_entry_out entry;
		struct fuse_notify_delete_out del;
		struct fuse_notify_inval_inode_out inode;
		struct fuse_notify_store_out store;
		struct fuse_notify_retrieve_out retrieve;
		struct fuse_notify_prune_out prune;
	} body;
	uint64_t id;
};

static void with_body(struct message *m, enum fuse_notify_code code, size_t len, const void *more,
		      size_t more_len)
{
	m->code = code;
	m->iov[1] = (struct iovec){&m->body, len};
	m->iov[2] = (struct iovec){(void *)more, more_len};
	m->count = len ? more_len ? 3 : 2 : 1;
}

static void build(struct message *m, enum notification which)
{
	memset(m, 0, sizeof(*m));
	switch (which) {
	case ENTRY:
	case EXPIRE:
		m->body.entry.parent = SUBDIR;
		m->body.entry.namelen = 3;
		m->body.entry.flags = which == EXPIRE ? FUSE_EXPIRE_ONLY : 0;
		with_body(m, FUSE_NOTIFY_INVAL_ENTRY, sizeof(m->body.entry), "zzz", 4);
		break;
	case DELETE:
		m->body.del.parent = ROOT;
		m->body.del.child = SUBDIR;
		m->body.del.namelen = 1;
		with_body(m, FUSE_NOTIFY_DELETE, sizeof(m->body.del), "d", 2);
		break;
	case INODE:
	case ATTR:
		m->body.inode.ino = FILE_INO;
		m->body.inode.off = which == ATTR ? -1 : 0;
		with_body(m, FUSE_NOTIFY_INVAL_INODE, sizeof(m->body.inode), NULL, 0);
		break;
	case STORE:
		m->body.store.nodeid = FILE_INO;
		m->body.store.size = 4;
		with_body(m, FUSE_NOTIFY_STORE, sizeof(m->body.store), "data", 4);
		break;
	case RETRIEVE:
		m->body.retrieve.nodeid = FILE_INO;
		m->body.retrieve.size = 4096;
		m->body.retrieve.notify_unique = 1ULL << 62 | 2;
		with_body(m, FUSE_NOTIFY_RETRIEVE, sizeof(m->body.retrieve), NULL, 0);
		break;
	case PRUNE:
		m->id = FILE_INO;
		m->body.prune.count = 1;
		with_body(m, FUSE_NOTIFY_PRUNE, sizeof(m->body.prune), &m->id, sizeof(m->id));
		break;
	case EPOCH:
		with_body(m, FUSE_NOTIFY_INC_EPOCH, 0, NULL, 0);
		break;
	case N_NOTIFY:
		break;
	}
}

static struct {
	_Atomic int armed; /* opcode, 0 for none */
	enum notification which;
	_Atomic bool happened;
	bool foreseen;
	_Atomic bool returned;
	bool blocked;
	struct message m;
	pthread_t sender;
} x;

static void *send_it(void *arg)
{
	sess_notify_send(se, x.m.code, x.m.iov, x.m.count);
	atomic_store(&x.returned, true);
	return NULL;
}

static void sleep_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

/* In the handler of the operation, before its answer. */
static void experiment(int opcode)
{
	int expected = opcode;

	if (!atomic_compare_exchange_strong(&x.armed, &expected, 0))
		return;
	build(&x.m, x.which);
	x.foreseen = sess_would_deadlock(se, x.m.code, x.m.iov, x.m.count);
	atomic_store(&x.returned, false);
	CHECK(pthread_create(&x.sender, NULL, send_it, NULL) == 0);
	for (int ms = 0; ms < BLOCKED_MS && !atomic_load(&x.returned); ms += 5)
		sleep_ms(5);
	x.blocked = !atomic_load(&x.returned);
	atomic_store(&x.happened, true);
}

/* ---- the filesystem: /d, /d/f, and any new name ---- */

static void fill(struct stat *st, fuse_ino_t ino)
{
	*st = (struct stat){.st_ino = ino, .st_nlink = 1, .st_mode = S_IFREG | 0644};
	if (ino == ROOT || ino == SUBDIR)
		st->st_mode = S_IFDIR | 0755;
	else
		st->st_size = FILE_SIZE;
}

static void reply_new(fuse_req_t req, fuse_ino_t ino, mode_t type)
{
	struct fuse_entry_param e = {.ino = ino, .attr_timeout = 100, .entry_timeout = 100};

	fill(&e.attr, ino);
	if (type)
		e.attr.st_mode = type | 0755;
	fuse_reply_entry(req, &e);
}

static void t_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	/* The one for a name that nobody has looked up yet. */
	if (parent == SUBDIR && strcmp(name, "f") != 0)
		experiment(FUSE_LOOKUP);
	if (strcmp(name, "d") == 0)
		reply_new(req, SUBDIR, 0);
	else if (strcmp(name, "f") == 0 || strcmp(name, "victim") == 0)
		reply_new(req, FILE_INO, 0);
	else if (strcmp(name, "vdir") == 0)
		reply_new(req, NEW + 100, S_IFDIR);
	else
		fuse_reply_err(req, ENOENT);
}

static void t_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;

	fill(&st, ino);
	experiment(FUSE_GETATTR);
	fuse_reply_attr(req, &st, 100);
}

static void t_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		      struct fuse_file_info *fi)
{
	struct stat st;

	fill(&st, ino);
	experiment(FUSE_SETATTR);
	fuse_reply_attr(req, &st, 100);
}

static void t_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	experiment(FUSE_MKNOD);
	reply_new(req, NEW, mode & S_IFMT);
}

static void t_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	experiment(FUSE_MKDIR);
	reply_new(req, NEW + 1, S_IFDIR);
}

static void t_symlink(fuse_req_t req, const char *link, fuse_ino_t parent, const char *name)
{
	experiment(FUSE_SYMLINK);
	reply_new(req, NEW + 2, S_IFLNK);
}

static void t_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char *newname)
{
	experiment(FUSE_LINK);
	reply_new(req, ino, 0);
}

static void t_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	experiment(FUSE_UNLINK);
	fuse_reply_err(req, 0);
}

static void t_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	experiment(FUSE_RMDIR);
	fuse_reply_err(req, 0);
}

static void t_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
		     const char *newname, unsigned int flags)
{
	experiment(FUSE_RENAME);
	fuse_reply_err(req, 0);
}

static void t_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		     struct fuse_file_info *fi)
{
	struct fuse_entry_param e = {.ino = NEW + 3};

	experiment(FUSE_CREATE);
	fill(&e.attr, e.ino);
	fuse_reply_create(req, &e, fi);
}

static void t_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	experiment(FUSE_OPEN);
	fuse_reply_open(req, fi);
}

static void t_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		   struct fuse_file_info *fi)
{
	static const char zeros[FILE_SIZE];

	experiment(FUSE_READ);
	if (off >= FILE_SIZE)
		size = 0;
	else if (size > (size_t)(FILE_SIZE - off))
		size = (size_t)(FILE_SIZE - off);
	fuse_reply_buf(req, zeros, size);
}

static void t_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	experiment(FUSE_WRITE);
	fuse_reply_write(req, size);
}

static void t_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	experiment(FUSE_OPENDIR);
	fuse_reply_open(req, fi);
}

static void t_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		      struct fuse_file_info *fi)
{
	experiment(FUSE_READDIR);
	fuse_reply_buf(req, NULL, 0);
}

static void t_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	experiment(FUSE_FSYNCDIR);
	fuse_reply_err(req, 0);
}

static void t_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	experiment(FUSE_FSYNC);
	fuse_reply_err(req, 0);
}

static void t_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
		       size_t size, int flags)
{
	experiment(FUSE_SETXATTR);
	fuse_reply_err(req, 0);
}

static void t_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	experiment(FUSE_REMOVEXATTR);
	fuse_reply_err(req, 0);
}

static void t_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	fuse_reply_err(req, ENODATA);
}

static void t_tmpfile(fuse_req_t req, fuse_ino_t parent, mode_t mode, struct fuse_file_info *fi)
{
	struct fuse_entry_param e = {.ino = NEW + 4};

	experiment(FUSE_TMPFILE);
	fill(&e.attr, e.ino);
	fuse_reply_create(req, &e, fi);
}

static void t_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
			struct fuse_file_info *fi)
{
	experiment(FUSE_FALLOCATE);
	fuse_reply_err(req, 0);
}

static bool writeback;

static void t_init(void *userdata, struct fuse_conn_info *conn)
{
	if (writeback)
		CHECK(fuse_set_feature_flag(conn, FUSE_CAP_WRITEBACK_CACHE));
}

static const struct fuse_lowlevel_ops ops = {
	.init = t_init,
	.lookup = t_lookup,
	.getattr = t_getattr,
	.setattr = t_setattr,
	.mknod = t_mknod,
	.mkdir = t_mkdir,
	.symlink = t_symlink,
	.link = t_link,
	.unlink = t_unlink,
	.rmdir = t_rmdir,
	.rename = t_rename,
	.create = t_create,
	.open = t_open,
	.read = t_read,
	.write = t_write,
	.opendir = t_opendir,
	.readdir = t_readdir,
	.fsyncdir = t_fsyncdir,
	.fsync = t_fsync,
	.setxattr = t_setxattr,
	.removexattr = t_removexattr,
	.getxattr = t_getxattr,
	.tmpfile = t_tmpfile,
	.fallocate = t_fallocate,
};

/* ---- what causes the requests ---- */

static const char *at(const char *name)
{
	static char path[4][64];
	static unsigned int n;
	char *p = path[n++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", where, name);
	return p;
}

static void c_lookup(void)
{
	access(at("d/nothing"), F_OK);
}
static void c_mknod(void)
{
	mknod(at("d/new"), S_IFIFO | 0644, 0);
}
static void c_mkdir(void)
{
	mkdir(at("d/new"), 0755);
}
static void c_symlink(void)
{
	if (symlink("x", at("d/new")) < 0)
		return;
}
static void c_link(void)
{
	if (link(at("d/f"), at("d/new")) < 0)
		return;
}
static void c_unlink(void)
{
	unlink(at("d/victim"));
}
static void c_rmdir(void)
{
	rmdir(at("d/vdir"));
}
static void c_rename(void)
{
	rename(at("d/victim"), at("other"));
}
static void c_create(void)
{
	close(open(at("d/new"), O_CREAT | O_RDWR, 0644));
}
static void c_tmpfile(void)
{
	close(open(at("d"), O_TMPFILE | O_RDWR, 0644));
}
static void c_chmod_dir(void)
{
	chmod(at("d"), 0700);
}
static void c_setxattr_dir(void)
{
	setxattr(at("d"), "user.x", "v", 1, 0);
}
static void c_removexattr_dir(void)
{
	removexattr(at("d"), "user.x");
}
static void c_opendir(void)
{
	close(open(at("d"), O_DIRECTORY | O_RDONLY));
}
static void c_readdir(void)
{
	char buf[4096];
	int fd = open(at("d"), O_DIRECTORY | O_RDONLY);

	if (getdents64(fd, buf, sizeof(buf)) < 0)
		return;
	close(fd);
}
static void c_fsyncdir(void)
{
	int fd = open(at("d"), O_DIRECTORY | O_RDONLY);

	fsync(fd);
	close(fd);
}

static void on_file(int flags, void (*fn)(int fd))
{
	int fd = open(at("d/f"), flags);

	fn(fd);
	close(fd);
}
static void read_fd(int fd)
{
	static char buf[4096] __attribute__((aligned(4096)));

	if (pread(fd, buf, sizeof(buf), 0) < 0)
		return;
}
static void write_fd(int fd)
{
	static char buf[4096] __attribute__((aligned(4096)));

	if (pwrite(fd, buf, sizeof(buf), 0) < 0)
		return;
}
static void write_part_fd(int fd)
{
	if (pwrite(fd, "part", 4, 100) < 0)
		return;
}
static void write_sync_fd(int fd)
{
	write_fd(fd);
	fsync(fd);
}
static void fallocate_fd(int fd)
{
	if (fallocate(fd, 0, 0, 100) < 0)
		return;
}
static void truncate_fd(int fd)
{
	if (ftruncate(fd, FILE_SIZE) < 0)
		return;
}
static void c_open(void)
{
	close(open(at("d/f"), O_RDONLY));
}
static void c_read(void)
{
	on_file(O_RDONLY, read_fd);
}
static void c_read_direct(void)
{
	on_file(O_RDONLY | O_DIRECT, read_fd);
}
static void c_write(void)
{
	on_file(O_RDWR, write_fd);
}
static void c_write_part(void)
{
	on_file(O_RDWR, write_part_fd);
}
static void c_write_direct(void)
{
	on_file(O_RDWR | O_DIRECT, write_fd);
}
static void c_write_back(void)
{
	on_file(O_RDWR, write_sync_fd);
}
static void c_fsync(void)
{
	on_file(O_RDWR, write_sync_fd);
}
static void c_fallocate(void)
{
	on_file(O_RDWR, fallocate_fd);
}
static void c_truncate(void)
{
	on_file(O_RDWR, truncate_fd);
}

struct cause {
	const char *name;
	int opcode;
	void (*run)(void);
};

static const struct cause causes[] = {
	{"LOOKUP", FUSE_LOOKUP, c_lookup},
	{"MKNOD", FUSE_MKNOD, c_mknod},
	{"MKDIR", FUSE_MKDIR, c_mkdir},
	{"SYMLINK", FUSE_SYMLINK, c_symlink},
	{"LINK", FUSE_LINK, c_link},
	{"UNLINK", FUSE_UNLINK, c_unlink},
	{"RMDIR", FUSE_RMDIR, c_rmdir},
	{"RENAME", FUSE_RENAME, c_rename},
	{"CREATE", FUSE_CREATE, c_create},
	{"TMPFILE", FUSE_TMPFILE, c_tmpfile},
	{"SETATTR of the directory", FUSE_SETATTR, c_chmod_dir},
	{"SETXATTR of the directory", FUSE_SETXATTR, c_setxattr_dir},
	{"REMOVEXATTR of the directory", FUSE_REMOVEXATTR, c_removexattr_dir},
	{"OPENDIR", FUSE_OPENDIR, c_opendir},
	{"READDIR", FUSE_READDIR, c_readdir},
	{"FSYNCDIR", FUSE_FSYNCDIR, c_fsyncdir},
	{"OPEN", FUSE_OPEN, c_open},
	{"READ", FUSE_READ, c_read},
	{"READ direct", FUSE_READ, c_read_direct},
	{"WRITE", FUSE_WRITE, c_write},
	{"WRITE of part of a page", FUSE_WRITE, c_write_part},
	{"WRITE direct", FUSE_WRITE, c_write_direct},
	{"FSYNC", FUSE_FSYNC, c_fsync},
	{"FALLOCATE", FUSE_FALLOCATE, c_fallocate},
	{"SETATTR of the size", FUSE_SETATTR, c_truncate},
};

static const struct cause causes_writeback[] = {
	{"READ", FUSE_READ, c_read},
	{"WRITE from the cache", FUSE_WRITE, c_write_back},
	{"FSYNC", FUSE_FSYNC, c_fsync},
};

/* ---- running it ---- */

static void *serve(void *arg)
{
	fuse_session_loop_mt(se, NULL);
	return NULL;
}

static void client(void (*run)(void))
{
	int fd;

	/* So that directory and file are known, and their pages not. */
	access(at("d/f"), F_OK);
	fd = open(at("d/f"), O_RDONLY);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);
	run();
	_exit(0);
}

/* One cell; adds to *wrong what the library got wrong. */
static void try_cell(const struct cause *c, enum notification n, int *wrong)
{
	pid_t pid;

	x.which = n;
	atomic_store(&x.happened, false);
	/* What a cell before left in the page cache goes. */
	fuse_lowlevel_notify_inval_inode(se, FILE_INO, 0, 0);
	atomic_store(&x.armed, c->opcode);
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		client(c->run);
	support_reap(pid);
	atomic_store(&x.armed, 0);
	CHECK(atomic_load(&x.happened));
	pthread_join(x.sender, NULL);
	if (x.blocked == x.foreseen)
		return;
	printf("%s during %s: %s, but %s\n", notify_names[n], c->name,
	       x.blocked ? "waits" : "returns", x.foreseen ? "refused" : "not refused");
	++*wrong;
}

static void try_all(const struct cause *list, size_t count)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	pthread_t loop;
	int wrong = 0;

	where = support_dir(0);
	CHECK(fuse_opt_add_arg(&args, "test") == 0);
	se = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	CHECK(se && fuse_session_mount(se, where) == 0);
	CHECK(pthread_create(&loop, NULL, serve, NULL) == 0);
	for (size_t i = 0; i < count; i++) {
		for (enum notification n = 0; n < N_NOTIFY; n++)
			try_cell(&list[i], n, &wrong);
	}
	fuse_session_exit(se);
	pthread_join(loop, NULL);
	fuse_session_unmount(se);
	fuse_session_destroy(se);
	fuse_opt_free_args(&args);
	CHECK(wrong == 0);
}

static void without_writeback_cache(void)
{
	try_all(causes, ARRAY_SIZE(causes));
}

static void with_writeback_cache(void)
{
	writeback = true;
	try_all(causes_writeback, ARRAY_SIZE(causes_writeback));
}

int main(void)
{
	static const struct support_case cases[] = {
		{"without writeback cache", without_writeback_cache},
		{"with writeback cache", with_writeback_cache},
	};

	return support_main(cases, ARRAY_SIZE(cases));
}
