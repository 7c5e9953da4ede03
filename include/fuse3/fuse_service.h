/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Filesystems that run as a service.
 *
 * A service manager starts the program for each mount, with a connected socket. At
 * its other end is who mounts (mount.fuse3(8)): it opens files on the program's
 * behalf and performs the mount, so the program itself needs no right at all
 * and may be shut in. Needs FUSE_USE_VERSION 319 or newer.
 *
 * The order of calls:
 *
 *   fuse_service_accept         is it a service at all?
 *   fuse_service_append_args    then the filesystem's own parsing
 *   fuse_service_request_file, fuse_service_receive_file, for each file
 *   fuse_service_finish_file_requests
 *   fuse_service_main           (fuse.h), or with the low-level API
 *     fuse_service_parse_cmdline_opts, fuse_session_new,
 *     fuse_service_session_mount, fuse_service_send_goodbye, a loop
 *   fuse_service_send_goodbye   also, and above all, after a failure
 *   fuse_service_destroy, fuse_service_exit
 *
 * Functions return 0 or a negative errno unless stated otherwise, and are to
 * be called from one thread. -ECONNRESET: the other side has hung up; -EBADMSG: it
 * does not keep to the protocol; -ETIMEDOUT: it has been silent for a minute.
 * Strings are copied. A context of NULL is for fuse_service_can_*(),
 * fuse_service_release(), fuse_service_destroy() and fuse_service_send_goodbye().
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
 * Takes over the socket that the service manager passed: descriptor 3, if LISTEN_PID
 * is this process and LISTEN_FDS is 1, as of ListenSequentialPacket= and Accept=yes.
 * Greets who mounts and receives the arguments and the device. The variables are
 * removed from the environment.
 *
 * *sfp becomes NULL if the program was not started that way, which is no error: the
 * caller goes on as an ordinary program. -EINVAL if it was started with another
 * kind or number of sockets. A context is released with fuse_service_destroy().
 */
int fuse_service_accept(struct fuse_service **sfp);

/* True if fuse_service_accept() produced a context. */
static inline bool fuse_service_accepted(const struct fuse_service *sf)
{
	return sf != NULL;
}

/* Whether who mounts lets it be with allow_other, and as fuseblk: where the user
 * has asked for it. False without a context. */
bool fuse_service_can_allow_other(const struct fuse_service *sf);
bool fuse_service_can_fuseblk(const struct fuse_service *sf);

/* Closes the connection to who mounts; the context remains. Before the goodbye it means
 * a failure: a mount that is there already is taken away. */
void fuse_service_release(struct fuse_service *sf);

/* Releases and frees *sfp, and sets it to NULL. */
void fuse_service_destroy(struct fuse_service **sfp);

/* Appends the arguments of the mount (the source, the mountpoint, -o and the options) to
 * args, which was initialised from main()'s arguments. Once. */
int fuse_service_append_args(struct fuse_service *sf, struct fuse_args *args);

/* The effective command line as one string, words separated by blanks, for a process
 * title or a log: that of args, or of argc and argv if args is empty. To be freed by
 * the caller; NULL out of memory. */
char *fuse_service_cmdline(int argc, const char *const *argv, struct fuse_args *args);

/* fuse_parse_cmdline() for a service: the mount point is not looked at, that
 * is the business of who mounts. opts->mountpoint is to be freed by the caller. Returns 0,
 * or -1 with a message in the log. */
int fuse_service_parse_cmdline_opts(struct fuse_args *args, struct fuse_cmdline_opts *opts);

/* Request flag: who mounts stays silent if the file cannot be opened. */
#define FUSE_SERVICE_REQUEST_FILE_QUIET (1U << 0)

/*
 * Asks who mounts to open path, with their rights and open(2)'s flags and mode. It is
 * opened if the command line names it, letter for letter: as the source or as the value of
 * one of the filesystem's own options. Only regular files and block devices are.
 * The descriptor arrives through fuse_service_receive_file(), in the order of requests.
 */
int fuse_service_request_file(const struct fuse_service *sf, const char *path, int open_flags,
			      mode_t create_mode, unsigned int request_flags);

/* The same for what must be a block device, whose block size is set to block_size
 * bytes unless that is 0. */
int fuse_service_request_blockdev(const struct fuse_service *sf, const char *path, int open_flags,
				  mode_t create_mode, unsigned int request_flags,
				  unsigned int block_size);

/* Receives what was requested for path. *fdp becomes a descriptor (close-on-exec) owned by
 * the caller, or the negative errno of the open: -EPERM for what may not be opened,
 * -EROFS for writing to a mount that is to be read-only. The return value is about
 * the connection; if it is not 0, *fdp is -EIO. */
int fuse_service_receive_file(const struct fuse_service *sf, const char *path, int *fdp);

/* No more files will be asked for: from now on the kernel (since Linux 6.16) lets nobody
 * pass this process descriptors over the connection. Always 0. */
int fuse_service_finish_file_requests(const struct fuse_service *sf);

/* Asks that the mount point be of the given type (S_IFDIR, S_IFREG; 0: any), that of
 * the filesystem's root. fuse_service_session_mount() can override it. */
void fuse_service_expect_mount_format(struct fuse_service *sf, mode_t expected_fmt);

/*
 * Asks who mounts to mount on opts->mountpoint, with the mount options that the session
 * was created with, and ties the session to the device. expected_fmt as above; 0 leaves
 * it to fuse_service_expect_mount_format(). Sets opts->foreground and moves to "/": there
 * is no going into the background. Works once. Requests may arrive before this returns.
 * Returns 0, -EBUSY the second time, or what who mounts answered, with a message in the log.
 */
int fuse_service_session_mount(struct fuse_service *sf, struct fuse_session *se,
			       mode_t expected_fmt, struct fuse_cmdline_opts *opts);

/* Ends the conversation, with the exit status that who mounts should report: 0 once
 * everything is mounted; anything else takes a mount away again. Does nothing if
 * that was said already, as fuse_service_main() does before its loop.
 * fuse_service_destroy() is still needed. */
int fuse_service_send_goodbye(struct fuse_service *sf, int exitcode);

/* The value to return from main(): 0 or, for anything else, 1, because service managers
 * give other small numbers meanings of their own. */
int fuse_service_exit(int ret);

#endif /* FUSE_USE_VERSION >= 319 */

#ifdef __cplusplus
}
#endif

#endif /* FUSE_SERVICE_H_ */
