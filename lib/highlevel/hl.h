/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inside of the path API: what its files share.
 *
 *   table.h and its files   the node table and path locks
 *   fs_stack.c, modules*    layers of callbacks
 *   call.c                  a request on its way to a callback
 *   ops_*.c, readdir.c      the low-level operations, answered by callbacks
 *   config.c, fuse.c        options, and a filesystem's life
 *   keeper.c                what is done besides requests
 */
#ifndef PROFUSE_HIGHLEVEL_HL_H
#define PROFUSE_HIGHLEVEL_HL_H

#include "highlevel/fs_stack.h"

#include <fuse_lowlevel.h>

#include <pthread.h>
#include <stdatomic.h>

#include "base/compiler.h"
#include "base/log.h"
#include "highlevel/context.h"
#include "highlevel/handles.h"
#include "highlevel/table.h"

struct hl_ghosts;
struct hl_hidden;
struct hl_keeper;
struct hl_locks;
struct hl_attrs;
struct hl_backing;

/* Options that struct fuse_config has no place for. 0: not given. */
struct hl_options {
	uint64_t inode_cache; /* bytes */
	unsigned int max_background;
	unsigned int congestion_threshold;
	unsigned int max_threads;
	unsigned int max_idle_threads;
	int idle_given;
	int entry_given, attr_given, negative_given;
	int clone_fd;
};

struct fuse {
	struct fuse_session *se;
	struct fuse_fs *fs; /* the outermost layer */
	void *user_data;    /* until init returns another */
	struct fuse_config cfg;
	bool null_paths; /* profuse_accept_null_paths() */
	struct hl_options opts;

	struct hl_table *table;
	struct hl_handles handles;
	struct hl_locks *locks;	    /* record locks that were granted */
	struct hl_attrs *attrs;	    /* auto_cache */
	struct hl_backing *backing; /* if the kernel was asked for it */
	struct hl_ghosts *ghosts;
	struct hl_keeper *keeper;

	/* hidden.c */
	_Atomic uint32_t hidden_counter;
	_Atomic unsigned int hidden_count;
	pthread_mutex_t hidden_lock;
	struct hl_hidden *hidden;

	_Atomic unsigned int faults_logged; /* of the filesystem; see hl_fault */
	/* trim.c */
	_Atomic unsigned int trim_count;
	_Atomic bool trim_tight;
	pthread_mutex_t trim_lock;
	uint64_t trim_hand;
	unsigned int trim_wait; /* the keeper's */

	/* intr.c */
	pthread_mutex_t intr_lock;
	struct hl_call *interrupted;
	bool intr_installed;

	struct fuse_fs *layers[32]; /* all of them, to be freed; [0] is the filesystem */
	unsigned int layer_count;
	_Atomic bool started; /* init was called */
};

/* The path API's way to answer the low-level API. */
extern const struct fuse_lowlevel_ops hl_lowlevel_ops;

static inline struct fuse *hl_fuse(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/* ---- a request on its way to a callback (call.c) ---- */

/* Begun by one of the functions below, which fill it in. */
struct hl_call {
	struct fuse *f;
	fuse_req_t req;
	struct hl_op op;
	struct hl_context outer;
	struct fuse_file_info fi; /* with the filesystem's own fh */
	uint64_t handle[2];	  /* the kernel's numbers of the files it works on, or 0 */
	uint32_t borrowed;	  /* for hl_handle_return, or 0 */
	bool interruptible;
	/* intr.c */
	pthread_t thread;
	struct hl_call *next, *prev;
	bool was_interrupted;
};

/* Without any path. */
int hl_call_plain(struct hl_call *c, fuse_req_t req, const char *doing);
/* On a node, by its path. */
int hl_call_node(struct hl_call *c, fuse_req_t req, const char *doing, fuse_ino_t ino);
/* On an entry of a directory. */
int hl_call_entry(struct hl_call *c, fuse_req_t req, const char *doing, fuse_ino_t dir,
		  const char *name);
/* On a node and an entry. */
int hl_call_node_entry(struct hl_call *c, fuse_req_t req, const char *doing, fuse_ino_t ino,
		       fuse_ino_t dir, const char *name);
/* On an open file: the path may be NULL; c->fi is what the callback gets. */
int hl_call_open(struct hl_call *c, fuse_req_t req, const char *doing, fuse_ino_t ino,
		 const struct fuse_file_info *fi);
/* The same for a callback that is not among those which nullpath_ok is about: the
 * path may be NULL if the program said more (profuse_accept_null_paths). */
int hl_call_open_path(struct hl_call *c, fuse_req_t req, const char *doing, fuse_ino_t ino,
		      const struct fuse_file_info *fi);
/* The same for two files; the first is c->fi. */
int hl_call_open_two(struct hl_call *c, fuse_req_t req, const char *doing, fuse_ino_t ino1,
		     const struct fuse_file_info *fi1, fuse_ino_t ino2,
		     const struct fuse_file_info *fi2, struct fuse_file_info *out2);
/* The same for an open directory, with its listing held; its node is a place
 * in which hl_make_entry works. */
int hl_call_dir(struct hl_call *c, fuse_req_t req, const char *doing, fuse_ino_t ino,
		const struct fuse_file_info *fi, struct hl_listing **listing);
/* The same for a file that ends now: its number is given up. The path may be
 * NULL for any filesystem, if the file was removed. */
int hl_call_release(struct hl_call *c, fuse_req_t req, const char *doing, fuse_ino_t ino,
		    const struct fuse_file_info *fi, struct hl_closed_handle *handle);
/* On a node, through an open file if there is one: fi may be NULL. A node that
 * was removed is reached through any open file of its; *fip is what the
 * callback gets. */
int hl_call_maybe_open(struct hl_call *c, fuse_req_t req, const char *doing, fuse_ino_t ino,
		       const struct fuse_file_info *fi, struct fuse_file_info **fip);
/* The same for callbacks that take no open file: the program finds it by
 * profuse_open_file(), if it said that it can. */
int hl_call_node_or_file(struct hl_call *c, fuse_req_t req, const char *doing, fuse_ino_t ino);
/* A writer: unlink, rmdir (count 1), rename (2). */
int hl_call_write(struct hl_call *c, fuse_req_t req, const char *doing, const struct hl_where *w,
		  unsigned int count);
/* Always, also after a beginning that failed, and before the answer. */
void hl_call_end(struct hl_call *c);
/* Before an answer that is given ahead of hl_call_end, for those that must undo
 * things if it is refused. */
void hl_call_answering(struct hl_call *c);

static inline const char *hl_path(const struct hl_call *c)
{
	return c->op.path[0];
}

/*
 * What a callback returned, as 0 or a negative errno that may be passed on.
 * hl_checked: it should be 0 or negative; hl_counted: a count up to max.
 * Anything else is logged and becomes -EIO.
 */
int hl_checked(struct fuse *f, const char *op, int res);
ssize_t hl_counted(struct fuse *f, const char *op, ssize_t res, size_t max);
/* Logs what a filesystem did wrong; after some dozens of lines no more. */
PROFUSE_PRINTF(2, 3) void hl_fault(struct fuse *f, const char *fmt, ...);

/* ---- attributes (attr.c) ---- */

/* Inode number, owner and mode as the options want them. */
void hl_fix_attr(struct fuse *f, fuse_ino_t ino, struct stat *st);
mode_t hl_fix_mode(const struct fuse *f, mode_t mode);

/* Counts a lookup of `name` in parent, on which c works, whose attributes are in
 * e->attr, and fills in the rest of e. */
int hl_make_entry(struct hl_call *c, fuse_ino_t parent, const char *name,
		  struct fuse_entry_param *e);
/* Asks for the attributes of the entry c->op.path[which], then the same. */
int hl_lookup_entry(struct hl_call *c, unsigned int which, struct fuse_entry_param *e,
		    struct fuse_file_info *fi);
/* Answers with an entry, or -err; takes the lookup back if nobody got it. */
void hl_reply_entry(struct fuse *f, fuse_req_t req, const struct fuse_entry_param *e, int err);
void hl_unlookup(struct fuse *f, fuse_ino_t ino);

/* auto_cache: notes attributes; whether cached contents are still good. */
int hl_attrs_new(struct hl_attrs **out);
void hl_attrs_free(struct hl_attrs *a);
void hl_attrs_seen(struct fuse *f, fuse_ino_t ino, const struct stat *st);
bool hl_attrs_fresh(struct hl_call *c, fuse_ino_t ino, struct fuse_file_info *fi);

/* ---- files that the kernel reads and writes (backing.c) ---- */

int hl_backing_new(struct hl_backing **out);
void hl_backing_free(struct hl_backing *b);
/* An open file of a node begins, with what its callback said in fi: says there
 * which way its I/O goes. 0 or -ENOMEM. And ends, after a beginning that did not
 * fail. */
int hl_backing_begin(struct fuse *f, fuse_ino_t ino, struct fuse_file_info *fi);
void hl_backing_end(struct fuse *f, fuse_ino_t ino);

/* ---- hidden files (hidden.c) ---- */

/* Should the node that this writer is about to remove be set aside instead?
 * which: the entry. */
bool hl_must_hide(struct fuse *f, const struct hl_call *c, unsigned int which);
/* Renames it to a hidden name. 0 or -errno. */
int hl_hide(struct hl_call *c, unsigned int which, uint64_t *ino);
/* Undoes it: the operation for which it was done failed. */
void hl_unhide(struct hl_call *c, unsigned int which, uint64_t ino);
/* Is this an entry that nobody should see? */
bool hl_is_hidden_name(struct fuse *f, fuse_ino_t dir, const char *name);
/* Moves what is hidden in the directory that entry `which` names out of it, so
 * that it can be removed. Whether there was any. */
bool hl_clear_of_hidden(struct hl_call *c, unsigned int which);
/* The last open file of a hidden node was closed. */
void hl_remove_hidden(struct fuse *f, fuse_ino_t ino);
void hl_remove_all_hidden(struct fuse *f);
/* A new hidden name for a file without one (O_TMPFILE). */
#define HL_HIDDEN_NAME_SIZE 29
void hl_new_hidden_name(struct fuse *f, uint32_t node, char name[HL_HIDDEN_NAME_SIZE]);
/* The node is hidden from now on; st are its attributes. */
void hl_note_hidden(struct fuse *f, fuse_ino_t ino, const struct stat *st);
/* How many of the links of a file are names that we gave. */
unsigned int hl_hidden_links(struct fuse *f, fuse_ino_t ino, ino_t st_ino);

/* ---- directories that are gone, but somebody's place (ghosts.c) ---- */

int hl_ghosts_new(struct hl_ghosts **out);
void hl_ghosts_free(struct hl_ghosts *g);
/* Keeps the attributes of a directory that was just removed. */
void hl_ghosts_keep(struct fuse *f, fuse_ino_t ino, const struct stat *st);
bool hl_ghosts_find(struct fuse *f, fuse_ino_t ino, struct stat *st);
/* Changes them, as setattr does: nobody else sees it. */
bool hl_ghosts_change(struct fuse *f, fuse_ino_t ino, const struct stat *attr, int to_set,
		      struct stat *st);

/* ---- record locks (locks.c) ---- */

int hl_locks_new(struct hl_locks **out);
void hl_locks_free(struct hl_locks *l);
/* A lock of another owner in the way of this one: true, and *out. */
bool hl_locks_conflict(struct hl_locks *l, fuse_ino_t ino, uint64_t owner, const struct flock *want,
		       struct flock *out);
/* Notes what was granted. */
void hl_locks_set(struct hl_locks *l, fuse_ino_t ino, uint64_t owner, const struct flock *lock);

/* ---- interrupts (intr.c) ---- */

int hl_intr_install(struct fuse *f);
void hl_intr_uninstall(struct fuse *f);
void hl_intr_begin(struct hl_call *c);
void hl_intr_end(struct hl_call *c);
/* Signals those that were interrupted and are still there. Whether any is. */
bool hl_intr_again(struct fuse *f);

/* ---- beside requests (keeper.c, trim.c) ---- */

struct hl_keeper *hl_keeper_new(struct fuse *f);
void hl_keeper_free(struct hl_keeper *k);
/* Starts and stops are counted. */
int hl_keeper_start(struct hl_keeper *k);
void hl_keeper_stop(struct hl_keeper *k);
/* There is something to do now. */
void hl_keeper_poke(struct hl_keeper *k);
/* How many workers there may be; that there are as many and none is waiting. */
void hl_keeper_limit(struct hl_keeper *k, unsigned int threads);
void hl_keeper_saturated(void *keeper);

/* A node was added; keeps the table within inode_cache. */
void hl_trim_note(struct fuse *f);
/* Is the table so full that entries should rather not be made? */
bool hl_trim_tight(struct fuse *f);
/* Asks the kernel to drop what it caches until the table fits. Returns after how
 * many milliseconds it should be tried again; 0 for not at all. */
unsigned int hl_trim(struct fuse *f);

/* ---- configuration (config.c) ---- */

/* Takes the options of this layer out of args: 0, or -1 with a message. */
int hl_config_parse(struct fuse *f, struct fuse_args *args);
/* Around init(): programs of the 3.16 generation know another layout. */
void hl_config_init(struct fuse *f, struct fuse_conn_info *conn);

/* ---- the low-level operations ---- */

void hl_ll_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void hl_ll_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup);
void hl_ll_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void hl_ll_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void hl_ll_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void hl_ll_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void hl_ll_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void hl_ll_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void hl_ll_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
		  const char *newname, unsigned int flags);
void hl_ll_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char *newname);
void hl_ll_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void hl_ll_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		   struct fuse_file_info *fi);
void hl_ll_statx(fuse_req_t req, fuse_ino_t ino, int flags, int mask, struct fuse_file_info *fi);
void hl_ll_readlink(fuse_req_t req, fuse_ino_t ino);
void hl_ll_access(fuse_req_t req, fuse_ino_t ino, int mask);
void hl_ll_statfs(fuse_req_t req, fuse_ino_t ino);
void hl_ll_syncfs(fuse_req_t req, fuse_ino_t ino);
void hl_ll_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void hl_ll_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		  struct fuse_file_info *fi);
void hl_ll_tmpfile(fuse_req_t req, fuse_ino_t parent, mode_t mode, struct fuse_file_info *fi);
void hl_ll_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void hl_ll_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void hl_ll_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void hl_ll_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void hl_ll_write_buf(fuse_req_t req, fuse_ino_t ino, struct fuse_bufvec *bufv, off_t off,
		     struct fuse_file_info *fi);
void hl_ll_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len,
		     struct fuse_file_info *fi);
void hl_ll_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
			   struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out,
			   struct fuse_file_info *fi_out, size_t len, int flags);
void hl_ll_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi);
void hl_ll_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void hl_ll_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		   struct fuse_file_info *fi);
void hl_ll_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *fi);
void hl_ll_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void hl_ll_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void hl_ll_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
		    size_t size, int flags);
void hl_ll_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void hl_ll_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void hl_ll_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);
void hl_ll_getlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock);
void hl_ll_setlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock,
		 int sleep);
void hl_ll_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, int op);
void hl_ll_bmap(fuse_req_t req, fuse_ino_t ino, size_t blocksize, uint64_t idx);
void hl_ll_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void *arg,
		 struct fuse_file_info *fi, unsigned int flags, const void *in_buf, size_t in_size,
		 size_t out_size);
void hl_ll_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
		struct fuse_pollhandle *ph);

#endif
