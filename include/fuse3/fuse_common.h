/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the high-level API (fuse.h) and the low-level API (fuse_lowlevel.h)
 * share: open files, capabilities, connection parameters, buffers, signals,
 * loop configuration.
 *
 * A program defines FUSE_USE_VERSION before it includes any of these headers,
 * as 31 or as FUSE_MAKE_VERSION(3, 19), to say which edition of the interface
 * it was written for. Editions from 30 on are served.
 */
#ifndef FUSE_COMMON_H_
#define FUSE_COMMON_H_

#include "libfuse_config.h"

#include "fuse_opt.h"
#include "fuse_log.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <assert.h>

#define FUSE_MAKE_VERSION(maj, min) ((maj)*100 + (min))

/* The edition that these headers describe, e.g. 319. */
#define FUSE_VERSION FUSE_MAKE_VERSION(FUSE_MAJOR_VERSION, FUSE_MINOR_VERSION)

#if !defined(FUSE_USE_VERSION)
#error FUSE_USE_VERSION not defined: "#define FUSE_USE_VERSION 319" goes before the first FUSE header
#elif FUSE_USE_VERSION < 30
#error only API version 30 or greater is supported: FUSE_USE_VERSION below 30 is the interface of libfuse 2
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * An open file or directory, as one side tells the other about it. The library
 * owns the structure; it is valid during the callback.
 *
 * The layout is part of the ABI.
 */
struct fuse_file_info {
	/* Flags of open(2). Set for open, create and release. */
	int32_t flags;

	/* Set for a write that comes from the page cache. uid, gid and pid of the
	 * request and fh need not be those of the program that wrote. */
	uint32_t writepage : 1;

	/* Open, create: reads and writes bypass the page cache. */
	uint32_t direct_io : 1;

	/* Open, opendir: what the kernel has cached of this file stays valid. */
	uint32_t keep_cache : 1;

	/* Set when the operation belongs to a close(2): flush always, the
	 * high-level lock and the low-level release sometimes. */
	uint32_t flush : 1;

	/* Open: seeking in this file makes no sense. */
	uint32_t nonseekable : 1;

	/* Release: flock(2) locks of lock_owner are to be dropped. */
	uint32_t flock_release : 1;

	/* Opendir: the kernel may cache the entries that readdir returns. */
	uint32_t cache_readdir : 1;

	/* Open: no flush is needed when the file is closed. */
	uint32_t noflush : 1;

	/* Open, create: direct writes to this file may run in parallel. */
	uint32_t parallel_direct_writes : 1;

	/* For later use; zero. */
	uint32_t padding : 23;
	uint32_t padding2 : 32;
	uint32_t padding3 : 32;

	/* The filesystem's own handle. Filled in by open, create and opendir, and
	 * handed back with every later operation on that open file. */
	uint64_t fh;

	/* Identifies the owner of locks. Set for lock operations, flush and, with
	 * flock_release, release. */
	uint64_t lock_owner;

	/* Poll: the events the caller waits for, or 0 if the kernel does not say. */
	uint32_t poll_events;

	/* Open, create: a backing file made with fuse_passthrough_open(), to which
	 * the kernel then sends reads and writes without asking; 0 for none. */
	int32_t backing_id;

	/* Set by the library. */
	uint64_t compat_flags;

	uint64_t reserved[2];
};

/*
 * Parameters of the multi-threaded loops before edition 312, when they were a
 * public structure. From 312 on the parameters are opaque: see
 * fuse_loop_cfg_create() below.
 */
#if FUSE_USE_VERSION < FUSE_MAKE_VERSION(3, 12)
struct fuse_loop_config_v1;
struct fuse_loop_config {
#else
struct fuse_loop_config_v1 {
#endif
	/* Non-zero: each thread reads from its own clone of the device. */
	int clone_fd;

	/* Idle threads beyond this number end. */
	unsigned int max_idle_threads;
};

/*
 * Capabilities: what the kernel can do (conn->capable_ext) and what the
 * filesystem asks for (conn->want_ext). They are set and cleared in the init()
 * callback with fuse_set_feature_flag() and fuse_unset_feature_flag(). "On"
 * below means that the library asks for it on its own when the kernel has it.
 */

/* Several reads of one open file may be under way at a time, in any order. On. */
#define FUSE_CAP_ASYNC_READ (1UL << 0)

/* POSIX record locks are the filesystem's. On if getlk and setlk exist. */
#define FUSE_CAP_POSIX_LOCKS (1UL << 1)

/* O_TRUNC is passed to open; otherwise the kernel truncates first. On. */
#define FUSE_CAP_ATOMIC_O_TRUNC (1UL << 3)

/* Lookups of "." and ".." are understood, for nodes that the kernel has
 * forgotten as well: needed for NFS export. Off; the high-level API turns it on. */
#define FUSE_CAP_EXPORT_SUPPORT (1UL << 4)

/* The kernel leaves the umask to the filesystem. Off. */
#define FUSE_CAP_DONT_MASK (1UL << 6)

/* The library may use splice(2) to write to the device. Off. */
#define FUSE_CAP_SPLICE_WRITE (1UL << 7)

/* The library may move pages instead of copying when it splices. Off. */
#define FUSE_CAP_SPLICE_MOVE (1UL << 8)

/* The library may use splice(2) to read from the device. On if write_buf exists. */
#define FUSE_CAP_SPLICE_READ (1UL << 9)

/* flock(2) locks are the filesystem's. On if flock exists. */
#define FUSE_CAP_FLOCK_LOCKS (1UL << 10)

/* ioctl(2) on directories is passed on. On. */
#define FUSE_CAP_IOCTL_DIR (1UL << 11)

/* When attributes fetched after their timeout show another mtime or size, the
 * kernel drops what it has cached of the contents. On. */
#define FUSE_CAP_AUTO_INVAL_DATA (1UL << 12)

/* Directory reads may return attributes with the names. On if readdirplus exists. */
#define FUSE_CAP_READDIRPLUS (1UL << 13)

/* The kernel chooses between readdir and readdirplus by how the directory is
 * used. Means nothing without FUSE_CAP_READDIRPLUS. On if both callbacks exist. */
#define FUSE_CAP_READDIRPLUS_AUTO (1UL << 14)

/* Direct I/O on one file may have several requests under way. On. */
#define FUSE_CAP_ASYNC_DIO (1UL << 15)

/* Writes are collected in the page cache and sent later. The kernel is then the
 * authority on size and mtime of open files. Off. */
#define FUSE_CAP_WRITEBACK_CACHE (1UL << 16)

/* open may be answered with ENOSYS, and the kernel then opens and releases
 * files without asking. With the low-level API, asking for it while having no
 * open callback has the same effect. Off. */
#define FUSE_CAP_NO_OPEN_SUPPORT (1UL << 17)

/* Lookups and directory reads in one directory may run in parallel. Off. */
#define FUSE_CAP_PARALLEL_DIROPS (1UL << 18)

/* The kernel checks POSIX ACLs, stored as extended attributes; implies
 * default_permissions. Off. */
#define FUSE_CAP_POSIX_ACL (1UL << 19)

/* The filesystem clears set-user-ID and set-group-ID bits itself on write,
 * truncate and chown. Off. */
#define FUSE_CAP_HANDLE_KILLPRIV (1UL << 20)

/* The same and file capabilities, exactly as the kernel's own filesystems do
 * it: the kernel says per request when it is due. Off. */
#define FUSE_CAP_HANDLE_KILLPRIV_V2 (1UL << 21)

/* Targets of symbolic links are cached. Off. */
#define FUSE_CAP_CACHE_SYMLINKS (1UL << 23)

/* As FUSE_CAP_NO_OPEN_SUPPORT, for opendir and releasedir. Off. */
#define FUSE_CAP_NO_OPENDIR_SUPPORT (1UL << 24)

/* Cached contents are dropped only when the filesystem says so, with
 * fuse_lowlevel_notify_inval_inode() or fuse_invalidate_path().
 * FUSE_CAP_AUTO_INVAL_DATA wins if both are asked for. Off. */
#define FUSE_CAP_EXPLICIT_INVAL_DATA (1UL << 25)

/* The kernel knows fuse_lowlevel_notify_expire_entry(). */
#define FUSE_CAP_EXPIRE_ONLY (1UL << 26)

/* setxattr carries extra flags, used with ACLs. */
#define FUSE_CAP_SETXATTR_EXT (1UL << 27)

/* Files opened with direct_io may be mapped shared. Off. */
#define FUSE_CAP_DIRECT_IO_ALLOW_MMAP (1UL << 28)

/* Reads and writes of files with a backing_id go to the backing file. Off. */
#define FUSE_CAP_PASSTHROUGH (1UL << 29)

/* File handles (name_to_handle_at(2), NFS) shall not be given out. Off. */
#define FUSE_CAP_NO_EXPORT_SUPPORT (1UL << 30)

/* Requests may travel through io_uring instead of the device. On if the
 * session was created with -o io_uring. */
#define FUSE_CAP_OVER_IO_URING (1UL << 31)

/* The mount may be ID-mapped. Off. */
#define FUSE_CAP_ALLOW_IDMAP (1ULL << 32)

/* Creating requests carry the security context of the new file, see
 * fuse_req_secctx_next(). Off. */
#define FUSE_CAP_SECURITY_CTX (1ULL << 33)

/* Flags of an ioctl request. */
#define FUSE_IOCTL_COMPAT	(1 << 0) /* from a 32-bit program on a 64-bit kernel */
#define FUSE_IOCTL_UNRESTRICTED (1 << 1) /* fuse_reply_ioctl_retry() is possible */
#define FUSE_IOCTL_RETRY	(1 << 2) /* second round, with the ranges asked for */
#define FUSE_IOCTL_DIR		(1 << 4) /* on a directory */

/* Most memory ranges, in and out together, of one ioctl. */
#define FUSE_IOCTL_MAX_IOV 256

/*
 * Parameters of the connection, offered to the init() callback. What is not
 * marked read-only may be changed there and nowhere else.
 */
struct fuse_conn_info {
	/* Protocol version agreed on. Read-only. */
	uint32_t proto_major;
	uint32_t proto_minor;

	/* Most bytes in one write request. May be lowered, and raised up to what
	 * the kernel allows when the library owns the receive buffers. */
	uint32_t max_write;

	/* Most bytes in one read request, 0 for no limit of the filesystem's. Must
	 * agree with the mount option of the same name. */
	uint32_t max_read;

	/* Most bytes read ahead. May be lowered. */
	uint32_t max_readahead;

	/* The low 32 bits of capable_ext and want_ext, for older programs. */
	uint32_t capable;
	uint32_t want;

	/* Most requests that nobody waits for (read-ahead, asynchronous direct
	 * I/O) under way at a time; 0 leaves it to the kernel. */
	uint32_t max_background;

	/* Number of such requests from which on the kernel holds back; 0 means
	 * three quarters of max_background. */
	uint32_t congestion_threshold;

	/* Granularity of timestamps in nanoseconds, a power of ten up to 10^9. */
	uint32_t time_gran;

	/* How far backing files may be from a real filesystem, see below. */
#define FUSE_BACKING_STACKED_UNDER (0) /* backing files are on no stacked filesystem */
#define FUSE_BACKING_STACKED_OVER  (1) /* they may be; then nothing stacks on this mount */
	uint32_t max_backing_stack_depth;

	/* The filesystem does not want to hear of interrupts. */
	uint32_t no_interrupt : 1;

	/* Every reply to a request is sent by the thread that received it; with
	 * io_uring this saves synchronisation. Set by fuse_set_conn_flag(). */
	uint32_t io_uring_single_issuer : 1;

	uint32_t padding : 30;

	/* Capabilities of the kernel. Read-only. */
	uint64_t capable_ext;

	/* Capabilities asked for. Changed through fuse_set_feature_flag() and
	 * fuse_unset_feature_flag(), which keep `want` in step. */
	uint64_t want_ext;

	/* Seconds after which the kernel aborts the connection if a request is
	 * still unanswered; 0 for never. */
	uint16_t request_timeout;

	uint16_t reserved[31];
};

struct fuse_session;
struct fuse_pollhandle;
struct fuse_conn_info_opts;

/*
 * Parses the options with which users may override connection parameters:
 *
 *   max_write=N max_readahead=N max_background=N congestion_threshold=N
 *   time_gran=N async_read sync_read atomic_o_trunc no_remote_lock
 *   no_remote_flock no_remote_posix_lock [no_]splice_write [no_]splice_move
 *   [no_]splice_read [no_]auto_inval_data readdirplus=no|yes|auto
 *   [no_]async_dio [no_]writeback_cache
 *
 * They are removed from args. The result is applied in the init() callback and
 * freed with free(). Returns NULL out of memory or on a malformed option.
 */
struct fuse_conn_info_opts *fuse_parse_conn_info_opts(struct fuse_args *args);

/* Applies the options that were given to conn; what was not given stays. */
void fuse_apply_conn_info_opts(struct fuse_conn_info_opts *opts, struct fuse_conn_info *conn);

/*
 * Goes into the background, after the mount: forks, starts a session of its
 * own, moves to "/", and points 0, 1 and 2 to /dev/null. The parent exits with
 * 0 once that is done. With foreground non-zero only the directory changes.
 *
 * To be called before threads are created, since only the calling thread lives
 * on. Returns 0, or -1 with a message in the log. See fuse_daemonize.h for a
 * start whose parent waits for the mount.
 */
int fuse_daemonize(int foreground);

/* FUSE_VERSION of the library that is running, e.g. 319. */
int fuse_version(void);

/* The library's version as text, e.g. "3.19.0". Static. */
const char *fuse_pkgversion(void);

/* Frees a poll handle that a poll callback was given. */
void fuse_pollhandle_destroy(struct fuse_pollhandle *ph);

/* What a struct fuse_buf holds. */
enum fuse_buf_flags {
	/* fd is valid, not mem. */
	FUSE_BUF_IS_FD = (1 << 1),

	/* Read or write at pos instead of the descriptor's own position. */
	FUSE_BUF_FD_SEEK = (1 << 2),

	/* Repeat short transfers until size bytes, end of file or an error. */
	FUSE_BUF_FD_RETRY = (1 << 3)
};

/* How fuse_buf_copy() goes about it. */
enum fuse_buf_copy_flags {
	/* Never splice(2); read and write. */
	FUSE_BUF_NO_SPLICE = (1 << 1),

	/* Splice between descriptors or fail with -EINVAL. */
	FUSE_BUF_FORCE_SPLICE = (1 << 2),

	/* Try to move pages when splicing (SPLICE_F_MOVE). */
	FUSE_BUF_SPLICE_MOVE = (1 << 3),

	/* Do not wait on pipes when splicing (SPLICE_F_NONBLOCK). */
	FUSE_BUF_SPLICE_NONBLOCK = (1 << 4)
};

/* Data in memory or behind a file descriptor. */
struct fuse_buf {
	/* Bytes of data. */
	size_t size;

	enum fuse_buf_flags flags;

	/* The data, unless FUSE_BUF_IS_FD. */
	void *mem;

	/* Where the data is, with FUSE_BUF_IS_FD. */
	int fd;

	/* Offset in the file, with FUSE_BUF_FD_SEEK. */
	off_t pos;

	/* Bytes allocated at mem, if the library allocated it. */
	size_t mem_size;
};

/* Several pieces of data in a row, and how far they are consumed. Allocate
 * sizeof(struct fuse_bufvec) + (n - 1) * sizeof(struct fuse_buf) for n pieces. */
struct fuse_bufvec {
	/* Pieces in buf. */
	size_t count;

	/* The current piece, and the bytes of it that are done. */
	size_t idx;
	size_t off;

	struct fuse_buf buf[1];
};

/* Version of the headers that a program was compiled with. */
struct libfuse_version {
	uint32_t major;
	uint32_t minor;
	uint32_t hotfix;
	uint32_t padding;
};

/* A vector of one piece of memory of the given size; set buf[0].mem next. */
#ifdef __cplusplus
#define FUSE_BUFVEC_INIT(size__)                                                                   \
	(fuse_bufvec{1,                                                                            \
		     0,                                                                            \
		     0,                                                                            \
		     {{static_cast<size_t>(size__), static_cast<enum fuse_buf_flags>(0), NULL, -1, \
		       0, 0}}})
#else
#define FUSE_BUFVEC_INIT(size__)                                                                   \
	((struct fuse_bufvec){/* count */ 1,                                                       \
			      /* idx */ 0,                                                         \
			      /* off */ 0,                                                         \
			      {{/* size */ (size__), /* flags */ (enum fuse_buf_flags)0,           \
				/* mem */ NULL, /* fd */ -1, /* pos */ 0, /* mem_size */ 0}}})
#endif

/* Bytes in all pieces of bufv, consumed or not; SIZE_MAX if the sum does not fit. */
size_t fuse_buf_size(const struct fuse_bufvec *bufv);

/*
 * Copies from src to dst until one of them is used up, and advances both.
 * Returns the bytes copied, which may be fewer than asked for at an end of
 * file, or a negative errno if nothing was copied.
 */
ssize_t fuse_buf_copy(struct fuse_bufvec *dst, struct fuse_bufvec *src,
		      enum fuse_buf_copy_flags flags);

/*
 * Makes SIGHUP, SIGINT and SIGTERM end the loop of this session, and SIGPIPE
 * harmless. Only signals that still have their default action are taken.
 * Several sessions of a process may each be registered; a signal ends them all.
 *
 * Returns 0, or -1 with a message in the log.
 */
int fuse_set_signal_handlers(struct fuse_session *se);

/*
 * Makes the signals of crashes (SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE,
 * SIGSEGV) end the session, log a backtrace and abort the process. Returns 0,
 * or -1 with a message in the log.
 */
int fuse_set_fail_signal_handlers(struct fuse_session *se);

/* Undoes both for this session. Handlers go back to the default action with
 * the last session, and only where they are still the library's own. */
void fuse_remove_signal_handlers(struct fuse_session *se);

#if FUSE_USE_VERSION >= FUSE_MAKE_VERSION(3, 12)
/* Parameters of the multi-threaded loops. Opaque. */
struct fuse_loop_config;

/* New parameters with the defaults: 10 threads, no limit on idle ones, one
 * device for all. NULL out of memory. */
struct fuse_loop_config *fuse_loop_cfg_create(void);

/* Frees the parameters; after a loop has been entered with them this is
 * possible at any time. */
void fuse_loop_cfg_destroy(struct fuse_loop_config *config);

/* Idle threads beyond this number end; UINT_MAX keeps them all. Starting and
 * ending threads costs more than idle ones do. */
void fuse_loop_cfg_set_idle_threads(struct fuse_loop_config *config, unsigned int value);

/* Most threads. */
void fuse_loop_cfg_set_max_threads(struct fuse_loop_config *config, unsigned int value);

/* Non-zero: each thread reads from its own clone of the device. */
void fuse_loop_cfg_set_clone_fd(struct fuse_loop_config *config, unsigned int value);

/* Takes over the members of the older, public structure. */
void fuse_loop_cfg_convert(struct fuse_loop_config *config, struct fuse_loop_config_v1 *v1_conf);
#endif

/* Asks for a capability. Returns false, and changes nothing, if the kernel
 * does not have it. For the init() callback. */
bool fuse_set_feature_flag(struct fuse_conn_info *conn, uint64_t flag);

/* Takes the wish back. */
void fuse_unset_feature_flag(struct fuse_conn_info *conn, uint64_t flag);

/* Whether the kernel has the capability. */
bool fuse_get_feature_flag(const struct fuse_conn_info *conn, uint64_t flag);

/* Properties of the filesystem that the library makes use of. */
#define FUSE_CONN_FLAG_SINGLE_ISSUER (1u << 0) /* conn->io_uring_single_issuer */
#define FUSE_CONN_FLAG_NO_INTERRUPT  (1u << 1) /* conn->no_interrupt */

/* Sets one of them. Returns false if this library does not know it. */
bool fuse_set_conn_flag(struct fuse_conn_info *conn, uint64_t flag);

/* Whether INIT is answered while the mount is still being made, see
 * fuse_session_set_sync_init(). For the init() callback. */
bool fuse_conn_is_sync_init(const struct fuse_conn_info *conn);

/* Reconciles want and want_ext after an init() callback. For tests of the
 * library only; not a stable interface. */
int fuse_convert_to_conn_want_ext(struct fuse_conn_info *conn);

#ifdef __cplusplus
}
#endif

/* off_t must have 64 bits: define _FILE_OFFSET_BITS=64 on 32-bit systems. */
#if defined(__STDC_VERSION__) && (__STDC_VERSION__ >= 201112L)
_Static_assert(sizeof(off_t) == 8, "fuse: off_t must be 64bit");
#else
struct _fuse_off_t_must_be_64bit_dummy_struct {
	unsigned _fuse_off_t_must_be_64bit : ((sizeof(off_t) == 8) ? 1 : -1);
};
#endif

#endif /* FUSE_COMMON_H_ */
