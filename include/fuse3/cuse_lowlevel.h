/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Character devices in user space.
 *
 * A CUSE program serves /dev/<name> instead of a mount: the same session and
 * the same replies as in fuse_lowlevel.h, with callbacks that carry no inode.
 * It needs /dev/cuse, which normally only root may open.
 */
#ifndef CUSE_LOWLEVEL_H_
#define CUSE_LOWLEVEL_H_

#ifndef FUSE_USE_VERSION
#define FUSE_USE_VERSION 30
#endif

#include "fuse_lowlevel.h"

#include <fcntl.h>
#include <sys/types.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* cuse_info.flags: ioctl may ask for memory ranges of the caller that the
 * command number does not describe (fuse_reply_ioctl_retry()). */
#define CUSE_UNRESTRICTED_IOCTL (1 << 0)

struct fuse_session;

/* The device to be created. */
struct cuse_info {
	/* Device number; major 0 lets the kernel choose. */
	unsigned dev_major;
	unsigned dev_minor;

	/* "NAME=value" strings for udev. DEVNAME=<name> is required and gives the
	 * name in /dev. Read during the call only. */
	unsigned dev_info_argc;
	const char **dev_info_argv;

	/* CUSE_* flags. */
	unsigned flags;
};

/*
 * The callbacks. Each behaves as the member of fuse_lowlevel_ops with the same
 * name, without an inode; reads and writes are always direct and may run at
 * the same time. A missing open or release is answered with success, any other
 * missing callback with ENOSYS. init_done runs when the device exists.
 */
struct cuse_lowlevel_ops {
	void (*init)(void *userdata, struct fuse_conn_info *conn);
	void (*init_done)(void *userdata);
	void (*destroy)(void *userdata);
	void (*open)(fuse_req_t req, struct fuse_file_info *fi);
	void (*read)(fuse_req_t req, size_t size, off_t off, struct fuse_file_info *fi);
	void (*write)(fuse_req_t req, const char *buf, size_t size, off_t off,
		      struct fuse_file_info *fi);
	void (*flush)(fuse_req_t req, struct fuse_file_info *fi);
	void (*release)(fuse_req_t req, struct fuse_file_info *fi);
	void (*fsync)(fuse_req_t req, int datasync, struct fuse_file_info *fi);
#if FUSE_USE_VERSION < FUSE_MAKE_VERSION(3, 19)
	void (*ioctl)(fuse_req_t req, int cmd, void *arg, struct fuse_file_info *fi,
		      unsigned int flags, const void *in_buf, size_t in_bufsz, size_t out_bufsz);
#else
	void (*ioctl)(fuse_req_t req, unsigned int cmd, void *arg, struct fuse_file_info *fi,
		      unsigned int flags, const void *in_buf, size_t in_bufsz, size_t out_bufsz);
#endif
	void (*poll)(fuse_req_t req, struct fuse_file_info *fi, struct fuse_pollhandle *ph);
};

/* What cuse_lowlevel_new() below calls. */
struct fuse_session *cuse_lowlevel_new_319(struct fuse_args *args, const struct cuse_info *ci,
					   const struct cuse_lowlevel_ops *clop, size_t clop_size,
					   const struct libfuse_version *version, void *userdata);

/*
 * Creates a session for a device, without opening /dev/cuse. args takes the
 * options of fuse_session_new() that make sense without a mount. ci and clop
 * are copied. Returns NULL on failure, with a message in the log.
 */
static inline struct fuse_session *cuse_lowlevel_new_fn(struct fuse_args *args,
							const struct cuse_info *ci,
							const struct cuse_lowlevel_ops *clop,
							void *userdata)
{
	struct libfuse_version version = {FUSE_MAJOR_VERSION, FUSE_MINOR_VERSION,
					  FUSE_HOTFIX_VERSION, 0};

	return cuse_lowlevel_new_319(args, ci, clop, sizeof(*clop), &version, userdata);
}
#define cuse_lowlevel_new(args, ci, clop, userdata) cuse_lowlevel_new_fn(args, ci, clop, userdata)

/* What cuse_lowlevel_setup() below calls. */
struct fuse_session *cuse_lowlevel_setup_319(int argc, char *argv[], const struct cuse_info *ci,
					     const struct cuse_lowlevel_ops *clop, size_t clop_size,
					     const struct libfuse_version *version,
					     int *multithreaded, void *userdata);

/*
 * Parses the command line, creates the session, opens /dev/cuse, installs
 * signal handlers and goes to the background unless told otherwise.
 * *multithreaded says which loop the command line asks for. Ends with
 * cuse_lowlevel_teardown(). Returns NULL on failure and after --help.
 */
static inline struct fuse_session *cuse_lowlevel_setup_fn(int argc, char *argv[],
							  const struct cuse_info *ci,
							  const struct cuse_lowlevel_ops *clop,
							  int *multithreaded, void *userdata)
{
	struct libfuse_version version = {FUSE_MAJOR_VERSION, FUSE_MINOR_VERSION,
					  FUSE_HOTFIX_VERSION, 0};

	return cuse_lowlevel_setup_319(argc, argv, ci, clop, sizeof(*clop), &version, multithreaded,
				       userdata);
}
#define cuse_lowlevel_setup(argc, argv, ci, clop, multithreaded, userdata)                         \
	cuse_lowlevel_setup_fn(argc, argv, ci, clop, multithreaded, userdata)

/* Removes the signal handlers and destroys the session; the device goes away. */
void cuse_lowlevel_teardown(struct fuse_session *se);

/* What cuse_lowlevel_main() below calls. */
int cuse_lowlevel_main_319(int argc, char *argv[], const struct cuse_info *ci,
			   const struct cuse_lowlevel_ops *clop, size_t clop_size,
			   const struct libfuse_version *version, void *userdata);

/* Set-up, loop and teardown in one. Returns 0 after a clean end and --help,
 * else 1: a value for exit(). */
static inline int cuse_lowlevel_main_fn(int argc, char *argv[], const struct cuse_info *ci,
					const struct cuse_lowlevel_ops *clop, void *userdata)
{
	struct libfuse_version version = {FUSE_MAJOR_VERSION, FUSE_MINOR_VERSION,
					  FUSE_HOTFIX_VERSION, 0};

	return cuse_lowlevel_main_319(argc, argv, ci, clop, sizeof(*clop), &version, userdata);
}
#define cuse_lowlevel_main(argc, argv, ci, clop, userdata)                                         \
	cuse_lowlevel_main_fn(argc, argv, ci, clop, userdata)

#ifdef __cplusplus
}
#endif

#endif /* CUSE_LOWLEVEL_H_ */
