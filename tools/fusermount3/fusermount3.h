/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fusermount3: mounts and unmounts FUSE filesystems for users who may not.
 *
 * The order of reading: main.c (which steps run, in which mode), policy.c (who
 * may do what), priv.c (the only file with kernel privileges). Everything else
 * runs with the caller's ids and without a capability, on descriptors.
 * docs/internals/privsep.md says what an attacker controls at each step.
 *
 * Functions return 0 or a negative errno if nothing else is said.
 */
#ifndef FUSERMOUNT3_H
#define FUSERMOUNT3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/compiler.h"
#include "mount/options.h"
#include "profuse_config.h"

#define STEP_SECONDS 30 /* for what depends on other filesystems */

/* ---- words.c: what the user writes, and reads ---- */

/* Letters of options that have only a long name. */
enum { OPT_AUTO_UNMOUNT = 'a', OPT_COMM_FD = 'c', OPT_SYNC_INIT = 's' };

struct request {
	char *given['z' + 1]; /* by an option's letter: its argument, "" or NULL */
	const char *mountpoint;
	int comm_fd; /* the caller's socket; -1 when none is needed */
};

struct mount_options {
	unsigned long flags;		  /* MS_*, as the words have it */
	const char *value[MNT_OPT_COUNT]; /* other words: what follows, "" or NULL */
};

extern const struct mnt_opt_row option_table[MNT_OPT_COUNT];
extern bool say_nothing;

/* One line on stderr, after the program's name. Returns -1. */
int say(const char *fmt, ...) PROFUSE_PRINTF(1, 2);
bool parse_number(const char *s, uint64_t max, uint64_t *out);
int parse_command_line(int argc, char **argv, const char *comm_env, struct request *req);
/* NULL, or the word that was not understood. Cuts up and keeps s. */
const char *options_parse(char *s, struct mount_options *o);

/* ---- what the other files know about ---- */

#define CONF_EXTRA_TYPES 32

struct conf {
	bool user_allow_other;
	int64_t mount_max; /* per user; -1: no limit */
	uint64_t extra_types[CONF_EXTRA_TYPES];
	size_t n_extra_types;
};

/* A mountpoint, held by descriptor. */
struct pin {
	int dir; /* the directory in which the mountpoint is */
	int at;	 /* the mountpoint; the root of the top mount where there is one */
	const char *name;
};

/* What was found out about a pinned mountpoint. */
struct facts {
	uid_t caller;
	mode_t mode;
	uid_t owner;
	bool writable;
	uint64_t fstype;
	char fstype_text[24];
};

/* `unique` is never used again after the mount is gone; it is 0 where the
 * kernel (before 6.8) does not tell. */
struct mount_id {
	int id;
	uint64_t unique;
};

/* A line of the kernel's mount table. */
struct mount_entry {
	int id;
	int parent;
	char *path;
	bool fuse;	/* type fuse, fuseblk, or a subtype of these */
	bool has_owner; /* exactly one user_id= among its options */
	uid_t owner;
	bool own; /* the caller's, who is root or the owner */
};

struct table {
	struct mount_entry *at; /* the oldest first */
	size_t n;
};

/* What a user has at the moment, the asking helper included. */
struct crowd {
	uint64_t mounts;
	uint64_t mounting; /* helpers that will mount if nothing stops them */
	uint64_t staying;  /* helpers that wait for the end of a daemon */
};

/* What the kernel is told. */
struct mount_plan {
	const char *fs;	    /* "fuse" or "fuseblk" */
	const char *source; /* what the mount table shows as the device */
	const char *subtype;
	unsigned long flags;
	char data[256]; /* "key=value,key": our own words, and numbers */
};

/* One run of the program. */
struct job {
	struct request req;
	struct mount_options opt;
	struct conf conf;
	struct pin pin;
	struct facts facts;
	struct mount_plan plan;
	struct mount_id mount;
	uid_t caller;
	bool to_mount; /* and not only to watch a mount that is there */
	bool to_stay;  /* auto_unmount: until the daemon's end */
	bool attached;
	bool device_sent;
	int device;
	int mount_fd; /* the new mount before it is attached */
	int status;   /* what the caller of --sync-init is told */
};

/* ---- policy.c: pure functions. Verdicts are NULL, or why not: a text in which
 * '%' stands for what it is about. ---- */
const char *policy_options(uid_t caller, const struct mount_options *o, const struct conf *c,
			   const char **about);
const char *policy_mountpoint(const struct facts *f, const struct conf *c, const char **about);
const char *policy_crowd(uid_t caller, const struct crowd *n, bool to_mount, bool to_stay,
			 const struct conf *c);
unsigned long policy_flags(uid_t caller, unsigned long flags);
bool policy_owns(uid_t caller, const struct mount_entry *e);
int policy_plan(struct mount_plan *p, const struct mount_options *o, unsigned long flags,
		int device, mode_t rootmode);

/* ---- conf.c: fuse.conf ---- */
void conf_parse(char *text, size_t len, struct conf *conf);
int conf_load(struct job *j);

/* ---- table.c: the kernel's mount table, read anew by each table_read() ---- */
extern int proc; /* procfs, for "self/fd/N" and the like */
int proc_open(struct job *j);
int table_read(struct table *t);
int table_wait(int ms); /* for so long, or until the kernel changes it */
const struct mount_entry *table_find(const struct table *t, int id);
bool table_line(char *line, struct mount_entry *e);

/* ---- place.c ---- */
int place_open(int dir, const char *name, uint64_t flags);
int place_pin(struct job *j);
int place_facts(const struct pin *pin, struct facts *f);
int place_mount_id(int dir, const char *name, struct mount_id *id);

/* ---- crowd.c: limits that hold whatever happens to the helpers ---- */
int crowd_enter(struct job *j);
void crowd_stay(void);

/* ---- comm.c: the socket to the caller ---- */
int comm_check(struct job *j);
void comm_keep_only(int fd);
bool comm_peer_gone(int fd);
int comm_send_device(struct job *j);
int comm_send_status(struct job *j);
int comm_wait_for_go(struct job *j);
void comm_wait_for_end(int fd);

/* ---- unmount.c ---- */
int unmount_find(struct job *j);
int unmount_pinned(struct job *j);
int unmount_dead(const struct mount_id *mount);

/* ---- priv.c. Each use of privilege must have been permitted by the step table
 * in main.c. ---- */
enum privilege {
	PRIV_PROC = 1 << 0,
	PRIV_CREATE = 1 << 1,
	PRIV_ATTACH = 1 << 2,
	PRIV_DETACH = 1 << 3,
	PRIV_EXPIRE = 1 << 4,
};

void priv_drop(void);
void priv_permit(unsigned int privileges);
int priv_proc(void);
int priv_create(const struct mount_plan *p, int *mount_fd);
int priv_attach(const struct mount_plan *p, int mount_fd, int at);
int priv_detach(int at);
int priv_expire(int dir, const char *name);

#endif
