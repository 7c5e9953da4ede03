/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fusermount3: mounts and unmounts FUSE filesystems for users who may not.
 *
 * The order of reading: main.c (which steps run, in which mode), policy.c (who
 * may do what), priv.c (the only file with kernel privileges). Everything else
 * runs with the caller's ids and without a capability, on descriptors.
 * docs/internals/privsep.md says what an attacker controls at each step.
 */
#ifndef FUSERMOUNT3_H
#define FUSERMOUNT3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/compiler.h"

/* report.c: one line on stderr, written at once, prefixed with argv[0]. */
void report_init(const char *argv0);
void report_quiet(bool quiet);
void say(const char *fmt, ...) PROFUSE_PRINTF(1, 2);

/* parse.c: the command line. Strings point into argv. */
enum mode { MODE_MOUNT, MODE_UNMOUNT, MODE_WATCH, MODE_HELP, MODE_VERSION };

struct request {
	enum mode mode;
	bool lazy;
	bool quiet;
	bool sync_init;
	const char *mountpoint;
	char *options; /* the last -o, or NULL; options_parse cuts it up */
	int comm_fd;   /* the caller's socket; -1 when the mode needs none */
};

int parse_command_line(int argc, char **argv, const char *comm_env, struct request *req);
bool parse_number(const char *s, uint64_t max, uint64_t *out);

/* options.c: the -o string. */
enum wish {
	WISH_SUID = 1 << 0,
	WISH_DEV = 1 << 1,
	WISH_ALLOW_OTHER = 1 << 2,
	WISH_ALLOW_ROOT = 1 << 3,
	WISH_DEFAULT_PERMISSIONS = 1 << 4,
	WISH_AUTO_UNMOUNT = 1 << 5,
	WISH_BLKDEV = 1 << 6,
};

struct mount_options {
	unsigned long flags; /* MS_*; nosuid and nodev are set until allowed off */
	unsigned int wishes; /* enum wish */
	uint32_t max_read;   /* 0: not given */
	uint32_t blksize;
	const char *fsname; /* unescaped, or NULL */
	const char *subtype;
};

/* NULL, or the element that was not understood. Modifies and keeps s. */
const char *options_parse(char *s, struct mount_options *o);

/* conf.c: fuse.conf. */
#define CONF_EXTRA_TYPES 32

struct conf {
	bool user_allow_other;
	int64_t mount_max; /* per user; -1: no limit */
	uint64_t extra_types[CONF_EXTRA_TYPES];
	size_t n_extra_types;
};

struct conf_reader {
	struct conf *conf;
	unsigned int line_no;
	size_t len;
	char line[256];
};

void conf_defaults(struct conf *conf);
void conf_feed(struct conf_reader *r, const char *text, size_t len);
void conf_end(struct conf_reader *r);
void conf_load(struct conf *conf);

/* mounts.c: the mount table of this namespace. */
struct mount_entry {
	int id;
	int parent;
	char *path;
	bool fuse;	/* type fuse, fuseblk, or a subtype of these */
	bool has_owner; /* exactly one user_id= among its options */
	uid_t owner;
};

bool mounts_parse_line(char *line, struct mount_entry *e);
/* Calls fn for each mount, the oldest first, until it returns false. */
int mounts_each(bool (*fn)(const struct mount_entry *e, void *arg), void *arg);
#define MOUNT_TABLE "/proc/self/mountinfo"

/* A mount as the kernel numbers it. `unique` is never used again after the
 * mount is gone; it is 0 where the kernel (before 6.8) does not tell. */
struct mount_id {
	int id;
	uint64_t unique;
};

/* Of what the name leads to in the directory; "" is the descriptor itself. */
int mount_id_at(int dir, const char *name, struct mount_id *id);
bool mount_id_same(const struct mount_id *a, const struct mount_id *b);

/* pin.c: the mountpoint, held by descriptor from the first look on. */
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
};

int pin_mountpoint(const char *path, struct pin *pin);
void pin_release(struct pin *pin);
int pin_facts(const struct pin *pin, struct facts *f);
bool pin_may_write(int fd);

/* policy.c: pure functions. */
enum verdict {
	V_ALLOW,
	V_NOT_DIR_OR_FILE,
	V_NOT_WRITABLE,
	V_NOT_OWNER,
	V_FILE_NOT_WRITABLE,
	V_FSTYPE,
	V_ALLOW_OTHER,
	V_ALLOW_ROOT,
	V_ALLOW_ROOT_UNKNOWN,
	V_BLKDEV,
	V_OPTIONS_TOO_LONG,
	V_TOO_MANY,
};

enum verdict policy_options(uid_t caller, const struct mount_options *o, const struct conf *c);
enum verdict policy_mountpoint(const struct facts *f, const struct conf *c);
enum verdict policy_count(uid_t caller, uint64_t mounts, const struct conf *c);
unsigned long policy_flags(uid_t caller, const struct mount_options *o);
bool policy_owns(uid_t caller, const struct mount_entry *e);

/* comm.c: the socket to the caller. */
int comm_check(int fd);
void comm_keep_only(int fd);
bool comm_peer_gone(int fd);
int comm_send_device(int fd, int device);
int comm_wait_for_go(int fd, int seconds);
int comm_send_status(int fd, int status);
void comm_wait_for_end(int fd);

/* plan.c: what the kernel is told, for either mount interface. */
struct mount_plan {
	const char *fs;	    /* "fuse" or "fuseblk" */
	const char *source; /* what the mount table shows as the device */
	const char *subtype;
	unsigned long flags;
	struct {
		const char *key;
		const char *value; /* NULL: the key alone */
	} param[9];
	size_t n_params;
	char numbers[6][24];
	char type[4200]; /* "fuse.subtype", for mount(2) */
	char data[256];	 /* the params joined, for mount(2) */
};

int plan_build(struct mount_plan *p, const struct mount_options *o, unsigned long flags, int device,
	       mode_t rootmode);

/* priv.c. Each use of privilege must have been permitted by the step table in
 * main.c. All return 0 or a negative errno. */
enum privilege {
	PRIV_CREATE = 1 << 0,
	PRIV_ATTACH = 1 << 1,
	PRIV_DETACH = 1 << 2,
	PRIV_EXPIRE = 1 << 3,
};

void priv_drop(void);
void priv_permit(unsigned int privileges);
int priv_create(const struct mount_plan *p, int *mount_fd);
int priv_attach(const struct mount_plan *p, int mount_fd, int at);
int priv_detach(int mount_fd);
int priv_expire(int dir, const char *name);

/* unmount.c: 0 or a negative errno, -EINVAL if it is not the caller's mount. */
int unmount_may(int fd, uid_t caller, struct mount_id *id);
int unmount_pinned(struct pin *pin, uid_t caller, bool lazy);

/* watch.c: helpers that stay, waiting for their caller. */
int watch_enter(const char *name, uid_t caller, int64_t max);
int watch_take_away(const struct mount_id *mount, uid_t caller, bool only_dead);
int watch_and_unmount(int comm_fd, const struct mount_id *mount, uid_t caller);

#endif
