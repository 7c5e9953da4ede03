/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Filesystems started by socket activation.
 *
 * A service manager starts the program with one end of a socket; a mount
 * helper with the necessary rights sits at the other end, opens files and
 * devices on its behalf and performs the mount. The program itself can run
 * without any privilege. Needs FUSE_USE_VERSION 319 or newer.
 *
 * Functions return 0 or a negative errno unless stated otherwise, and are to
 * be called from one thread.
 */
#ifndef FUSE_SERVICE_H_
#define FUSE_SERVICE_H_

#ifndef FUSE_USE_VERSION
#error FUSE_USE_VERSION not defined
#endif

#include "fuse_common.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#if FUSE_USE_VERSION >= FUSE_MAKE_VERSION(3, 19)

struct fuse_service;
struct fuse_session;
struct fuse_cmdline_opts;

/*
 * Takes over the socket that the service manager passed. *sfp becomes NULL if
 * the program was not started that way, which is no error: the caller goes on
 * as an ordinary program. A context is released with fuse_service_destroy().
 */
int fuse_service_accept(struct fuse_service **sfp);

/* True if fuse_service_accept() produced a context. */
static inline bool fuse_service_accepted(const struct fuse_service *sf)
{
	return sf != NULL;
}

/* Whether the helper would mount with allow_other, and with a block device. */
bool fuse_service_can_allow_other(const struct fuse_service *sf);
bool fuse_service_can_fuseblk(const struct fuse_service *sf);

/* Closes the connection to the helper; the context remains. */
void fuse_service_release(struct fuse_service *sf);

/* Releases and frees *sfp, and sets it to NULL. */
void fuse_service_destroy(struct fuse_service **sfp);

/* Appends the arguments that the helper received (mount(8) and so on) to args,
 * which was initialised from main()'s arguments. */
int fuse_service_append_args(struct fuse_service *sf, struct fuse_args *args);

/* The effective command line as one string, for a process title or a log. To
 * be freed by the caller; NULL out of memory. */
char *fuse_service_cmdline(int argc, const char *const *argv, struct fuse_args *args);

/* fuse_parse_cmdline() for a service: the mount point is not looked at, that
 * is the helper's business. Returns 0, or -1 with a message in the log. */
int fuse_service_parse_cmdline_opts(struct fuse_args *args, struct fuse_cmdline_opts *opts);

/* Request flag: the helper stays silent if the file cannot be opened. */
#define FUSE_SERVICE_REQUEST_FILE_QUIET (1U << 0)

/* Asks the helper to open path with open(2)'s flags and mode. The descriptor
 * arrives through fuse_service_receive_file(). */
int fuse_service_request_file(const struct fuse_service *sf, const char *path, int open_flags,
			      mode_t create_mode, unsigned int request_flags);

/* The same for a block device, whose block size is set to block_size bytes
 * unless that is 0. */
int fuse_service_request_blockdev(const struct fuse_service *sf, const char *path, int open_flags,
				  mode_t create_mode, unsigned int request_flags,
				  unsigned int block_size);

/* Receives what was requested for path. *fdp becomes a descriptor owned by the
 * caller, or the negative errno of the open; the return value is about the
 * connection. */
int fuse_service_receive_file(const struct fuse_service *sf, const char *path, int *fdp);

/* Tells the helper that no more files will be asked for. */
int fuse_service_finish_file_requests(const struct fuse_service *sf);

/* Asks that the mount point be of the given type (S_IFDIR, S_IFREG; 0: any).
 * fuse_service_session_mount() can override it. */
void fuse_service_expect_mount_format(struct fuse_service *sf, mode_t expected_fmt);

/* Ties the session to the device that the helper passed and asks it to mount.
 * Requests may arrive before this returns. */
int fuse_service_session_mount(struct fuse_service *sf, struct fuse_session *se,
			       mode_t expected_fmt, struct fuse_cmdline_opts *opts);

/* Ends the conversation, with the exit status that the helper should report.
 * fuse_service_destroy() is still needed. */
int fuse_service_send_goodbye(struct fuse_service *sf, int exitcode);

/* The value to return from main(): ret in the range that the service manager
 * understands. */
int fuse_service_exit(int ret);

#endif /* FUSE_USE_VERSION >= 319 */

#ifdef __cplusplus
}
#endif

#endif /* FUSE_SERVICE_H_ */
