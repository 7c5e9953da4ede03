/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a service asks of who mounts for it: files, and the mount. */
#define FUSE_USE_VERSION 319
#include <fuse.h>
#include <fuse_lowlevel.h>
#include <fuse_service.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/background.h"
#include "base/cleanup.h"
#include "base/compiler.h"
#include "base/log.h"
#include "cli/service.h"
#include "lowlevel/ll.h"
#include "mount/device.h"
#include "mount/optstr.h"
#include "mount/service_wire.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* Linux 6.16 */
#endif

/* ---- files ---- */

static int request(const struct fuse_service *sf, enum service_word word, const char *path,
		   const struct service_open *wish)
{
	struct service_open head = {
		.word = htonl(word),
		.flags = htonl(wish->flags),
		.mode = htonl(wish->mode),
		.request = htonl(wish->request),
		.block_size = htonl(wish->block_size),
	};

	if (wish->request & ~FUSE_SERVICE_REQUEST_FILE_QUIET)
		return -EINVAL;
	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	return cli_service_send(sf, &head, sizeof(head), path);
}

PROFUSE_EXPORT int fuse_service_request_file(const struct fuse_service *sf, const char *path,
					     int open_flags, mode_t create_mode,
					     unsigned int request_flags)
{
	const struct service_open wish = {
		.flags = (uint32_t)open_flags, .mode = create_mode, .request = request_flags};

	return request(sf, SERVICE_OPEN, path, &wish);
}

PROFUSE_EXPORT int fuse_service_request_blockdev(const struct fuse_service *sf, const char *path,
						 int open_flags, mode_t create_mode,
						 unsigned int request_flags,
						 unsigned int block_size)
{
	const struct service_open wish = {.flags = (uint32_t)open_flags,
					  .mode = create_mode,
					  .request = request_flags,
					  .block_size = block_size};

	return request(sf, SERVICE_OPEN_BDEV, path, &wish);
}

PROFUSE_EXPORT int fuse_service_receive_file(const struct fuse_service *sf, const char *path,
					     int *fdp)
{
	struct {
		struct service_number head;
		char path[PATH_MAX];
	} msg;
	CLEANUP_CLOSE int fd = -1;
	ssize_t n = cli_service_receive(sf->sock, &msg, sizeof(msg), &fd);
	size_t len = strlen(path) + 1;
	uint32_t error;

	*fdp = -EIO;
	if (n < 0)
		return (int)n;
	error = ntohl(msg.head.value);
	/* An answer to this question, and either a descriptor or an error. */
	if ((size_t)n != sizeof(msg.head) + len || msg.head.word != htonl(SERVICE_FILE) ||
	    memcmp(msg.path, path, len) != 0 || error > 4095 || (error == 0) != (fd >= 0))
		return -EBADMSG;
	*fdp = error ? -(int)error : take_fd(&fd);
	return 0;
}

PROFUSE_EXPORT int fuse_service_finish_file_requests(const struct fuse_service *sf)
{
	int none = 0;

	/* Before Linux 6.16 it is only ourselves who take none any more. */
	setsockopt(sf->sock, SOL_SOCKET, SO_PASSRIGHTS, &none, sizeof(none));
	return 0;
}

/* ---- the mount ---- */

PROFUSE_EXPORT void fuse_service_expect_mount_format(struct fuse_service *sf, mode_t expected_fmt)
{
	sf->format = expected_fmt;
}

/* One command and the answer to it. */
static int ask(const struct fuse_service *sf, const void *head, size_t size, const char *string)
{
	struct service_number reply;
	int err = cli_service_send(sf, head, size, string);
	ssize_t n;

	if (!err) {
		n = cli_service_receive(sf->sock, &reply, sizeof(reply), NULL);
		if (n < 0)
			err = (int)n;
		else if (n != sizeof(reply) || reply.word != htonl(SERVICE_REPLY) ||
			 ntohl(reply.value) > 4095)
			err = -EBADMSG;
		else
			err = -(int)ntohl(reply.value);
	}
	if (err)
		fuse_log(FUSE_LOG_ERR, "fuse: service: refused %.4s %s: %s\n", (const char *)head,
			 string ? string : "", strerror(-err));
	return err;
}

static int ask_number(const struct fuse_service *sf, enum service_word word, uint32_t value)
{
	const struct service_number head = {htonl(word), htonl(value)};

	return ask(sf, &head, sizeof(head), NULL);
}

static int ask_string(const struct fuse_service *sf, enum service_word word, const char *string)
{
	uint32_t head = htonl(word);

	return ask(sf, &head, sizeof(head), string);
}

/* What the kernel is to be told beside flags, as a list of words. */
static void kernel_words(const struct mnt_opts *o, struct mnt_text *out)
{
	for (size_t i = 0; i < MNT_OPT_COUNT; i++) {
		enum mnt_opt_kind kind = mnt_opt_table[i].kind;

		if (o->given[i] && (kind == MNT_KIND_DATA || kind == MNT_KIND_NUMBER))
			mnt_text_add(out, "%s%s%s", out->len ? "," : "", mnt_opt_table[i].name,
				     o->value[i] ? o->value[i] : "");
	}
}

static int ask_for_mount(const struct fuse_service *sf, const struct mnt_opts *o,
			 const char *mountpoint, mode_t format)
{
	const struct service_place place = {htonl(SERVICE_PLACE), htons((uint16_t)format), 0};
	CLEANUP_TEXT struct mnt_text source = {0}, words = {0};
	int err;

	mnt_fs_source(o, true, MNT_DEVICE_DEFAULT, &source);
	kernel_words(o, &words);
	if (source.failed || words.failed)
		return -ENOMEM;
	err = ask_number(sf, SERVICE_TYPE, o->given[MNT_OPT_BLKDEV]);
	if (!err)
		err = ask_string(sf, SERVICE_SOURCE, source.str);
	if (!err)
		err = ask(sf, &place, sizeof(place), mountpoint);
	if (!err && words.len)
		err = ask_string(sf, SERVICE_OPTIONS, words.str);
	if (!err)
		err = ask_number(sf, SERVICE_MOUNT, (uint32_t)o->flags);
	return err;
}

PROFUSE_EXPORT int fuse_service_session_mount(struct fuse_service *sf, struct fuse_session *se,
					      mode_t expected_fmt, struct fuse_cmdline_opts *opts)
{
	char device[32];
	int err;

	if (sf->device < 0)
		return -EBUSY;
	if (!opts->mountpoint) {
		fuse_log(FUSE_LOG_ERR, "fuse: no mount point given\n");
		return -EINVAL;
	}
	opts->foreground = 1;
	err = chdir("/") < 0 ? -errno : 0;
	if (!err)
		err = ask_for_mount(sf, ll_of(se)->mnt_opts, opts->mountpoint,
				    expected_fmt ? expected_fmt : sf->format);
	if (err)
		return err;
	/* Who mounts takes the mount away again if we leave now. */
	snprintf(device, sizeof(device), "/dev/fd/%d", take_fd(&sf->device));
	if (fuse_session_mount(se, device) < 0)
		return -errno;
	/* A program that fails in init() has not mounted. */
	return bg_loop_follows() ? sess_serve_init(se) : 0;
}
