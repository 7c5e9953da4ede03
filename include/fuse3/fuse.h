/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The high-level API: callbacks by path name, whose return value is the answer.
 *
 * A program fills a struct fuse_operations and hands it, with its command
 * line, to fuse_main(). Who wants the steps one by one uses
 *
 *	fuse_new()	fuse_mount()	fuse_loop() or fuse_loop_mt()
 *	fuse_unmount()	fuse_destroy()
 */
#ifndef FUSE_H_
#define FUSE_H_

#include "fuse_common.h"

#include <fcntl.h>
#include <time.h>
#include <sys/types.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct statx;
/* C99 alone does not have it. */
struct timespec;

/* A filesystem. */
struct fuse;

/* What the kernel asks of readdir. */
enum fuse_readdir_flags {
	FUSE_READDIR_DEFAULTS = 0,

	/* Attributes are welcome: the kernel keeps them. */
	FUSE_READDIR_PLUS = (1 << 0)
};

/* What a directory entry is given with. */
enum fuse_fill_dir_flags {
	FUSE_FILL_DIR_DEFAULTS = 0,

	/* All attributes in stbuf are valid, not only type and inode number. May
	 * be given whether asked for or not. */
	FUSE_FILL_DIR_PLUS = (1 << 1)
};

/*
 * Adds an entry to a listing, from within readdir.
 *
 * buf    what readdir was passed
 * name   one component; "." and ".." are entries like others
 * stbuf  type (st_mode) and inode number; or NULL. See FUSE_FILL_DIR_PLUS.
 * off    0, or what readdir will be passed to continue behind this entry
 *
 * A filesystem either passes 0 for all entries, lists the whole directory in one
 * call and returns; or passes an offset with each, begins where it was asked to
 * begin, and stops when told. Returns 0, or 1 when there is no more room (with
 * offsets) or out of memory; then the entry was not added.
 */
typedef int (*fuse_fill_dir_t)(void *buf, const char *name, const struct stat *stbuf, off_t off,
			       enum fuse_fill_dir_flags flags);

/*
 * How the library treats this filesystem. Filled in from the command line,
 * offered to the init() callback, and read when that returns. Times are in
 * seconds; flags are off when 0. The layout is part of the ABI.
 */
struct fuse_config {
	/* All files show this group, if set_gid. */
	int32_t set_gid;
	uint32_t gid;

	/* All files show this owner, if set_uid. */
	int32_t set_uid;
	uint32_t uid;

	/* All files show the permissions 0777 less umask, if set_mode; see fmask
	 * and dmask. */
	int32_t set_mode;
	uint32_t umask;

	/* For how long the kernel may rely on names, on names not being there, and
	 * on attributes. Defaults 1, 0 and 1. */
	double entry_timeout;
	double negative_timeout;
	double attr_timeout;

	/* Callbacks are interrupted by intr_signal (default SIGUSR1) when the
	 * caller gives up. */
	int32_t intr;
	int32_t intr_signal;

	/* For how long a path keeps its inode number after the kernel has
	 * forgotten it; -1: for ever. */
	int32_t remember;

	/* Removed files that are open go at once; callbacks that are given such a
	 * file have a path of NULL. Otherwise they are renamed to .fuse_hidden* and go
	 * when they are closed, so that filesystems without inodes can serve them. */
	int32_t hard_remove;

	/* st_ino of getattr and readdir is shown to users. Otherwise the library
	 * makes up numbers. */
	int32_t use_ino;

	/* Without use_ino: readdir shows the numbers made up, where known. */
	int32_t readdir_ino;

	/* The page cache is not used. Overrides fi->direct_io. */
	int32_t direct_io;

	/* The page cache stays valid between opens: for files that change through
	 * this mount only. Overrides fi->keep_cache. */
	int32_t kernel_cache;

	/* The page cache stays valid while mtime and size at open are those of
	 * the open before. */
	int32_t auto_cache;

	/* For how long attributes are good enough for auto_cache; attr_timeout
	 * unless ac_attr_timeout_set. */
	int32_t ac_attr_timeout_set;
	double ac_attr_timeout;

	/* Callbacks that are given an open file do with that: their path may be
	 * NULL. It is for files that have been removed, and may be for others;
	 * lseek has it all the same. */
	int32_t nullpath_ok;

	/* The library's own. */
	int32_t show_help;
	char *modules;
	int32_t debug;

	/* As umask, for files and for directories; where 0 umask is used. */
	uint32_t fmask;
	uint32_t dmask;

	/* Closing a file that was opened for reading needs no flush. */
	int32_t no_rofd_flush;

	/* Direct writes to one file may run in parallel. */
	int32_t parallel_direct_writes;

	uint32_t flags;
	uint64_t reserved[48];
};

/*
 * The callbacks. All are optional; one that is missing fails with ENOSYS,
 * except open, opendir, release, releasedir, flush and statfs, which succeed.
 *
 * path  absolute within the filesystem, "/" for its root; NULL where the file
 *       has been removed and nullpath_ok is set. It stays true while the
 *       callback runs: it, or a directory in it, is not renamed meanwhile.
 * fi    the open file, NULL where there is none
 *
 * They return 0, or what is said with each, or a negative errno. Pointers are
 * valid until the callback returns. With fuse_loop_mt() they run in parallel.
 *
 * Who asks is in fuse_get_context(). Permissions are the filesystem's business
 * unless it is mounted with default_permissions.
 *
 * The layout is part of the ABI; new callbacks come at the end.
 */
struct fuse_operations {
	/* Attributes, as stat(2). st_dev and st_blksize are not used, st_ino only
	 * with use_ino. */
	int (*getattr)(const char *path, struct stat *stbuf, struct fuse_file_info *fi);

	/* The target of a symbolic link, NUL-terminated and cut off to fit. */
	int (*readlink)(const char *path, char *buf, size_t size);

	/* Makes a file, device, fifo or socket. Regular files come to create, if
	 * that is there. */
	int (*mknod)(const char *path, mode_t mode, dev_t rdev);

	/* Makes a directory; mode may lack S_IFDIR. */
	int (*mkdir)(const char *path, mode_t mode);

	/* Removes a name that is no directory. */
	int (*unlink)(const char *path);

	/* Removes an empty directory. */
	int (*rmdir)(const char *path);

	/* Makes a symbolic link. */
	int (*symlink)(const char *target, const char *path);

	/* Renames, as renameat2(2): RENAME_NOREPLACE and RENAME_EXCHANGE may be in
	 * flags, and flags that are not understood are EINVAL. */
	int (*rename)(const char *oldpath, const char *newpath, unsigned int flags);

	/* Gives a file another name. */
	int (*link)(const char *oldpath, const char *newpath);

	/* Change attributes. */
	int (*chmod)(const char *path, mode_t mode, struct fuse_file_info *fi);
	int (*chown)(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *fi);
	int (*truncate)(const char *path, off_t size, struct fuse_file_info *fi);

	/*
	 * Opens a file. fi->flags are those of open(2), without O_CREAT and O_EXCL;
	 * what can be set in fi is said there. fi->fh comes back with every
	 * operation on the open file.
	 */
	int (*open)(const char *path, struct fuse_file_info *fi);

	/* Returns the bytes read; fewer than size mean the end of the file, unless
	 * it was opened with direct_io. */
	int (*read)(const char *path, char *buf, size_t size, off_t off, struct fuse_file_info *fi);

	/* Returns the bytes written: size, or fewer if it went wrong then. */
	int (*write)(const char *path, const char *buf, size_t size, off_t off,
		     struct fuse_file_info *fi);

	/* Numbers of the filesystem. f_favail, f_fsid and f_flag are not used. */
	int (*statfs)(const char *path, struct statvfs *stbuf);

	/* A descriptor of the file was closed; any number of times. The last
	 * chance to make close(2) fail. Not fsync. */
	int (*flush)(const char *path, struct fuse_file_info *fi);

	/* The last one was closed: once for each open and create. The result is
	 * seen by nobody. */
	int (*release)(const char *path, struct fuse_file_info *fi);

	/* Makes data, and with datasync 0 attributes, permanent. */
	int (*fsync)(const char *path, int datasync, struct fuse_file_info *fi);

	/* Extended attributes, as in setxattr(2), getxattr(2), listxattr(2) and
	 * removexattr(2). get and list return bytes; with size 0, those needed. */
	int (*setxattr)(const char *path, const char *name, const char *value, size_t size,
			int flags);
	int (*getxattr)(const char *path, const char *name, char *value, size_t size);
	int (*listxattr)(const char *path, char *list, size_t size);
	int (*removexattr)(const char *path, const char *name);

	/* Opens a directory. fi->fh as for files. */
	int (*opendir)(const char *path, struct fuse_file_info *fi);

	/* Lists a directory by calling filler(buf, ...) for each entry; see
	 * fuse_fill_dir_t. off is 0, or the offset behind which to begin. */
	int (*readdir)(const char *path, void *buf, fuse_fill_dir_t filler, off_t off,
		       struct fuse_file_info *fi, enum fuse_readdir_flags flags);

	/* The end of an open directory. */
	int (*releasedir)(const char *path, struct fuse_file_info *fi);

	/* fsync for directories. */
	int (*fsyncdir)(const char *path, int datasync, struct fuse_file_info *fi);

	/* The connection is made; the first callback. conn and cfg say how things
	 * are and take what is wanted. Returns the private_data of the contexts
	 * and the argument of destroy. */
	void *(*init)(struct fuse_conn_info *conn, struct fuse_config *cfg);

	/* The end; the last callback, if init was called. */
	void (*destroy)(void *private_data);

	/* access(2), without default_permissions only. */
	int (*access)(const char *path, int mask);

	/* Makes a regular file and opens it. Without it, or after ENOSYS: mknod and
	 * open. */
	int (*create)(const char *path, mode_t mode, struct fuse_file_info *fi);

	/*
	 * Record locks. cmd is F_GETLK, F_SETLK or F_SETLKW of fcntl(2), the owner
	 * fi->lock_owner. All locks of an owner are dropped by F_SETLK with
	 * F_UNLCK over the whole file when it closes a descriptor. Without this
	 * callback the kernel keeps the locks.
	 */
	int (*lock)(const char *path, struct fuse_file_info *fi, int cmd, struct flock *lock);

	/* Sets atime (tv[0]) and mtime (tv[1]), which may be UTIME_NOW and
	 * UTIME_OMIT in tv_nsec. */
	int (*utimens)(const char *path, const struct timespec *tv, struct fuse_file_info *fi);

	/* Turns a block number of the file into one of the device; for mounts with
	 * a block device. */
	int (*bmap)(const char *path, size_t blocksize, uint64_t *idx);

	/* ioctl(2); data holds the argument's bytes, as many as the command number
	 * says, and takes those of the answer. flags: FUSE_IOCTL_*. */
#if FUSE_USE_VERSION < 35
	int (*ioctl)(const char *path, int cmd, void *arg, struct fuse_file_info *fi,
		     unsigned int flags, void *data);
#else
	int (*ioctl)(const char *path, unsigned int cmd, void *arg, struct fuse_file_info *fi,
		     unsigned int flags, void *data);
#endif

	/* Which events are there now goes to *reventsp. If ph is not NULL,
	 * fuse_notify_poll(ph) is due when there are more, and
	 * fuse_pollhandle_destroy(ph) in the end. */
	int (*poll)(const char *path, struct fuse_file_info *fi, struct fuse_pollhandle *ph,
		    unsigned *reventsp);

	/* write with the data where it arrived, for fuse_buf_copy(). Preferred to
	 * write. Returns bytes. */
	int (*write_buf)(const char *path, struct fuse_bufvec *buf, off_t off,
			 struct fuse_file_info *fi);

	/* read that says where the data is: *bufp becomes a malloc()ed vector, whose
	 * memory pieces are malloc()ed too; the library frees both. Pieces in
	 * files need not be copied. Preferred to read. */
	int (*read_buf)(const char *path, struct fuse_bufvec **bufp, size_t size, off_t off,
			struct fuse_file_info *fi);

	/* flock(2): LOCK_SH, LOCK_EX or LOCK_UN, with LOCK_NB if the caller does not
	 * wait. Without this callback the kernel keeps the locks. */
	int (*flock)(const char *path, struct fuse_file_info *fi, int op);

	/* fallocate(2). */
	int (*fallocate)(const char *path, int mode, off_t off, off_t len,
			 struct fuse_file_info *fi);

	/* Copies between two open files. Returns bytes. Without it the caller reads
	 * and writes. */
	ssize_t (*copy_file_range)(const char *path_in, struct fuse_file_info *fi_in,
				   off_t offset_in, const char *path_out,
				   struct fuse_file_info *fi_out, off_t offset_out, size_t size,
				   int flags);

	/* Returns where data (SEEK_DATA) or a hole (SEEK_HOLE) begins next. */
	off_t (*lseek)(const char *path, off_t off, int whence, struct fuse_file_info *fi);

	/* statx(2): attributes with the time of birth. path may be NULL, then flags
	 * has AT_EMPTY_PATH. Without it getattr is asked. */
	int (*statx)(const char *path, int flags, int mask, struct statx *stxbuf,
		     struct fuse_file_info *fi);

	/* syncfs(2), for mounts with a block device. */
	int (*syncfs)(const char *path);
};

/* Who caused the current request, and the filesystem's own data. uid, gid and
 * pid are 0 for writes from the page cache. */
struct fuse_context {
	struct fuse *fuse;
	uid_t uid;
	gid_t gid;

	/* Thread id of the caller. */
	pid_t pid;

	/* What init returned; before, what fuse_main() or fuse_new() was given. */
	void *private_data;

	mode_t umask;
};

/* What fuse_main() below calls. */
int fuse_main_real_versioned(int argc, char *argv[], const struct fuse_operations *op,
			     size_t op_size, struct libfuse_version *version, void *user_data);

/* An older name, for programs that called it instead of fuse_main(). */
static inline int fuse_main_real(int argc, char *argv[], const struct fuse_operations *op,
				 size_t op_size, void *user_data)
{
	struct libfuse_version version = {FUSE_MAJOR_VERSION, FUSE_MINOR_VERSION,
					  FUSE_HOTFIX_VERSION, 0};

	fuse_log(FUSE_LOG_ERR, "%s is internal to the library, please use fuse_main()\n", __func__);
	return fuse_main_real_versioned(argc, argv, op, op_size, &version, user_data);
}

/*
 * A whole filesystem program: parses the command line, mounts, goes into the
 * background unless -f or -d is given, handles signals, serves, unmounts.
 *
 * It takes the options of fuse_parse_cmdline(), fuse_new() and the mount; a
 * program takes its own out before, with fuse_opt_parse(). argv[0] is needed;
 * an empty one leaves the usage line out of --help.
 *
 * Returns a value for exit(): 0 after an unmount, --help and --version; 1 for a
 * bad command line, 2 without a mount point, 3 if fuse_new() failed, 4 the
 * mount, 5 going into the background, 6 the signal handlers, 7 out of memory; 8
 * if the loop failed or a signal ended it.
 */
static inline int fuse_main_fn(int argc, char *argv[], const struct fuse_operations *op,
			       void *user_data)
{
	struct libfuse_version version = {FUSE_MAJOR_VERSION, FUSE_MINOR_VERSION,
					  FUSE_HOTFIX_VERSION, 0};

	return fuse_main_real_versioned(argc, argv, op, sizeof(*op), &version, user_data);
}
#define fuse_main(argc, argv, op, user_data) fuse_main_fn(argc, argv, op, user_data)

/* Prints options of fuse_new() and of the modules that args asks for. */
void fuse_lib_help(struct fuse_args *args);

/* What fuse_new() below calls. */
struct fuse *_fuse_new_30(struct fuse_args *args, const struct fuse_operations *op, size_t op_size,
			  struct libfuse_version *version, void *user_data);
struct fuse *_fuse_new_31(struct fuse_args *args, const struct fuse_operations *op, size_t op_size,
			  struct libfuse_version *version, void *user_data);

/*
 * Creates a filesystem. args has a program name in front and options of the
 * library, its modules and the mount behind; an unknown one is an error. op is
 * copied; bytes beyond op_size count as NULL. user_data is the private_data of
 * contexts until init returns another.
 *
 * Returns NULL on failure, with a message in the log. With edition 30 it also
 * does so after printing the help, if --help is among the options.
 */
static inline struct fuse *fuse_new_fn(struct fuse_args *args, const struct fuse_operations *op,
				       size_t op_size, void *user_data)
{
	struct libfuse_version version = {FUSE_MAJOR_VERSION, FUSE_MINOR_VERSION,
					  FUSE_HOTFIX_VERSION, 0};

#if FUSE_USE_VERSION == 30
	return _fuse_new_30(args, op, op_size, &version, user_data);
#else
	return _fuse_new_31(args, op, op_size, &version, user_data);
#endif
}
#define fuse_new(args, op, size, data) fuse_new_fn(args, op, size, data)

/* fuse_session_mount() and fuse_session_unmount() for the filesystem's session. */
int fuse_mount(struct fuse *f, const char *mountpoint);
void fuse_unmount(struct fuse *f);

/* Frees a filesystem that is unmounted. Removes what is still hidden, and calls
 * destroy if init was called. */
void fuse_destroy(struct fuse *f);

/* fuse_session_loop(): serves, one request at a time. -1 if f is NULL. */
int fuse_loop(struct fuse *f);

/* fuse_session_exit(): ends the loop. */
void fuse_exit(struct fuse *f);

/*
 * fuse_session_loop_mt(): serves with threads. Before edition 32 the second
 * argument is a number, non-zero for clone_fd; before 312 a public structure;
 * since then it comes from fuse_loop_cfg_create() or is NULL.
 */
#if FUSE_USE_VERSION < 32
int fuse_loop_mt_31(struct fuse *f, int clone_fd);
#define fuse_loop_mt(f, clone_fd) fuse_loop_mt_31(f, clone_fd)
#elif FUSE_USE_VERSION < FUSE_MAKE_VERSION(3, 12)
int fuse_loop_mt_32(struct fuse *f, struct fuse_loop_config *config);
#define fuse_loop_mt(f, config) fuse_loop_mt_32(f, config)
#elif defined(LIBFUSE_BUILT_WITH_VERSIONED_SYMBOLS)
int fuse_loop_mt(struct fuse *f, struct fuse_loop_config *config);
#else
int fuse_loop_mt_312(struct fuse *f, struct fuse_loop_config *config);
#define fuse_loop_mt(f, config) fuse_loop_mt_312(f, config)
#endif

/* About the request that this thread serves. Valid within a callback only. */
struct fuse_context *fuse_get_context(void);

/* The caller's supplementary groups, up to size of them into list. Returns how
 * many there are, or a negative errno. */
int fuse_getgroups(int size, gid_t list[]);

/* 1 if the caller of the current request has given up, else 0. */
int fuse_interrupted(void);

/* Drops what the kernel has cached of a file. Returns 0, -ENOENT if there is
 * nothing (which is no error), or another negative errno. Not for callbacks
 * that read or write that file. */
int fuse_invalidate_path(struct fuse *f, const char *path);

/* With -o remember: a thread that forgets paths whose time is over. The
 * multi-threaded loop has one of its own. Returns 0, or -1. */
int fuse_start_cleanup_thread(struct fuse *fuse);
void fuse_stop_cleanup_thread(struct fuse *fuse);

/* The same once, for loops of the program's own. Returns the seconds until it
 * is due again. */
int fuse_clean_cache(struct fuse *fuse);

#if FUSE_USE_VERSION >= FUSE_MAKE_VERSION(3, 19)
struct fuse_service;

/* What fuse_service_main() below calls. */
int fuse_service_main_real_versioned(struct fuse_service *service, struct fuse_args *args,
				     const struct fuse_operations *op, size_t op_size,
				     struct libfuse_version *version, void *user_data);

/* fuse_main() for a filesystem that fuse_service_accept() says is a service (see
 * fuse_service.h): args after fuse_service_append_args(), which stay the caller's. Says
 * goodbye with 0 when everything is mounted and the kernel has been answered, then serves
 * until the unmounting. Returns
 * what fuse_main() returns; if that is a failure before the mount, the goodbye is
 * left to the caller. */
static inline int fuse_service_main_fn(struct fuse_service *service, struct fuse_args *args,
				       const struct fuse_operations *op, void *user_data)
{
	struct libfuse_version version = {FUSE_MAJOR_VERSION, FUSE_MINOR_VERSION,
					  FUSE_HOTFIX_VERSION, FUSE_USE_VERSION};

	return fuse_service_main_real_versioned(service, args, op, sizeof(*op), &version,
						user_data);
}
#define fuse_service_main(service, args, op, user_data)                                            \
	fuse_service_main_fn(service, args, op, user_data)
#endif

/*
 * A filesystem as a layer in a stack. A module is a filesystem whose callbacks
 * call those of the layer below through these functions, with other arguments
 * or other results. They set the context's private_data for that layer and
 * return -ENOSYS where it has no such callback; open, opendir, release,
 * releasedir and statfs then return 0.
 */
struct fuse_fs;

int fuse_fs_getattr(struct fuse_fs *fs, const char *path, struct stat *buf,
		    struct fuse_file_info *fi);
int fuse_fs_rename(struct fuse_fs *fs, const char *oldpath, const char *newpath,
		   unsigned int flags);
int fuse_fs_unlink(struct fuse_fs *fs, const char *path);
int fuse_fs_rmdir(struct fuse_fs *fs, const char *path);
int fuse_fs_symlink(struct fuse_fs *fs, const char *linkname, const char *path);
int fuse_fs_link(struct fuse_fs *fs, const char *oldpath, const char *newpath);
int fuse_fs_release(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi);
int fuse_fs_open(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi);
int fuse_fs_read(struct fuse_fs *fs, const char *path, char *buf, size_t size, off_t off,
		 struct fuse_file_info *fi);
int fuse_fs_read_buf(struct fuse_fs *fs, const char *path, struct fuse_bufvec **bufp, size_t size,
		     off_t off, struct fuse_file_info *fi);
int fuse_fs_write(struct fuse_fs *fs, const char *path, const char *buf, size_t size, off_t off,
		  struct fuse_file_info *fi);
int fuse_fs_write_buf(struct fuse_fs *fs, const char *path, struct fuse_bufvec *buf, off_t off,
		      struct fuse_file_info *fi);
int fuse_fs_fsync(struct fuse_fs *fs, const char *path, int datasync, struct fuse_file_info *fi);
int fuse_fs_flush(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi);
int fuse_fs_statfs(struct fuse_fs *fs, const char *path, struct statvfs *buf);
int fuse_fs_opendir(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi);
int fuse_fs_readdir(struct fuse_fs *fs, const char *path, void *buf, fuse_fill_dir_t filler,
		    off_t off, struct fuse_file_info *fi, enum fuse_readdir_flags flags);
int fuse_fs_fsyncdir(struct fuse_fs *fs, const char *path, int datasync, struct fuse_file_info *fi);
int fuse_fs_releasedir(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi);
int fuse_fs_create(struct fuse_fs *fs, const char *path, mode_t mode, struct fuse_file_info *fi);
int fuse_fs_lock(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi, int cmd,
		 struct flock *lock);
int fuse_fs_flock(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi, int op);
int fuse_fs_chmod(struct fuse_fs *fs, const char *path, mode_t mode, struct fuse_file_info *fi);
int fuse_fs_chown(struct fuse_fs *fs, const char *path, uid_t uid, gid_t gid,
		  struct fuse_file_info *fi);
int fuse_fs_truncate(struct fuse_fs *fs, const char *path, off_t size, struct fuse_file_info *fi);
int fuse_fs_utimens(struct fuse_fs *fs, const char *path, const struct timespec *tv,
		    struct fuse_file_info *fi);
int fuse_fs_access(struct fuse_fs *fs, const char *path, int mask);
int fuse_fs_readlink(struct fuse_fs *fs, const char *path, char *buf, size_t len);
int fuse_fs_mknod(struct fuse_fs *fs, const char *path, mode_t mode, dev_t rdev);
int fuse_fs_mkdir(struct fuse_fs *fs, const char *path, mode_t mode);
int fuse_fs_setxattr(struct fuse_fs *fs, const char *path, const char *name, const char *value,
		     size_t size, int flags);
int fuse_fs_getxattr(struct fuse_fs *fs, const char *path, const char *name, char *value,
		     size_t size);
int fuse_fs_listxattr(struct fuse_fs *fs, const char *path, char *list, size_t size);
int fuse_fs_removexattr(struct fuse_fs *fs, const char *path, const char *name);
int fuse_fs_bmap(struct fuse_fs *fs, const char *path, size_t blocksize, uint64_t *idx);
#if FUSE_USE_VERSION < 35
int fuse_fs_ioctl(struct fuse_fs *fs, const char *path, int cmd, void *arg,
		  struct fuse_file_info *fi, unsigned int flags, void *data);
#else
int fuse_fs_ioctl(struct fuse_fs *fs, const char *path, unsigned int cmd, void *arg,
		  struct fuse_file_info *fi, unsigned int flags, void *data);
#endif
int fuse_fs_poll(struct fuse_fs *fs, const char *path, struct fuse_file_info *fi,
		 struct fuse_pollhandle *ph, unsigned *reventsp);
int fuse_fs_fallocate(struct fuse_fs *fs, const char *path, int mode, off_t offset, off_t length,
		      struct fuse_file_info *fi);
ssize_t fuse_fs_copy_file_range(struct fuse_fs *fs, const char *path_in,
				struct fuse_file_info *fi_in, off_t off_in, const char *path_out,
				struct fuse_file_info *fi_out, off_t off_out, size_t len,
				int flags);
off_t fuse_fs_lseek(struct fuse_fs *fs, const char *path, off_t off, int whence,
		    struct fuse_file_info *fi);
int fuse_fs_statx(struct fuse_fs *fs, const char *path, int flags, int mask, struct statx *stxbuf,
		  struct fuse_file_info *fi);
int fuse_fs_syncfs(struct fuse_fs *fs, const char *path);
void fuse_fs_init(struct fuse_fs *fs, struct fuse_conn_info *conn, struct fuse_config *cfg);
void fuse_fs_destroy(struct fuse_fs *fs);

/* fuse_lowlevel_notify_poll() for this API. */
int fuse_notify_poll(struct fuse_pollhandle *ph);

/* Makes a layer of callbacks. NULL out of memory. */
struct fuse_fs *fuse_fs_new(const struct fuse_operations *op, size_t op_size, void *private_data);

/*
 * Makes the layer of a module. It takes its options out of args; fs holds the
 * layer below, and NULL behind it. fs[0] is NULL when help is asked for: then it
 * prints its options and returns NULL. NULL otherwise is an error.
 */
typedef struct fuse_fs *(*fuse_module_factory_t)(struct fuse_args *args, struct fuse_fs *fs[]);

/* Gives a module a name. -o modules=a:b stacks the modules named so, from the
 * program or from libfusemod_NAME.so, on the filesystem: first a, then b on it. */
#define FUSE_REGISTER_MODULE(name_, factory_)                                                      \
	fuse_module_factory_t fuse_module_##name_##_factory = factory_

/* The session below, for the functions of fuse_lowlevel.h. */
struct fuse_session *fuse_get_session(struct fuse *f);

/*
 * Mounts without serving, for programs that pass the connection to another one
 * as "/dev/fd/N". options is a comma separated list. Returns a descriptor, or
 * -1 with a message in the log.
 */
int fuse_open_channel(const char *mountpoint, const char *options);

#ifdef __cplusplus
}
#endif

#endif /* FUSE_H_ */
