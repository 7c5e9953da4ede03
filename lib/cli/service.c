/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Filesystems started by socket activation: not served by this library yet.
 * Programs are told that they were not started that way and go on as ordinary
 * ones, which is what they do wherever no service manager is.
 */
#define FUSE_USE_VERSION 319
#include <fuse.h>
#include <fuse_lowlevel.h>
#include <fuse_service.h>

#include <errno.h>

#include "base/compiler.h"

PROFUSE_EXPORT int fuse_service_accept(struct fuse_service **sfp)
{
	*sfp = NULL;
	return 0;
}

PROFUSE_EXPORT bool fuse_service_can_allow_other(const struct fuse_service *sf)
{
	return false;
}

PROFUSE_EXPORT bool fuse_service_can_fuseblk(const struct fuse_service *sf)
{
	return false;
}

PROFUSE_EXPORT void fuse_service_release(struct fuse_service *sf)
{
}

PROFUSE_EXPORT void fuse_service_destroy(struct fuse_service **sfp)
{
	*sfp = NULL;
}

PROFUSE_EXPORT int fuse_service_append_args(struct fuse_service *sf, struct fuse_args *args)
{
	return -EOPNOTSUPP;
}

PROFUSE_EXPORT char *fuse_service_cmdline(int argc, const char *const *argv, struct fuse_args *args)
{
	return NULL;
}

PROFUSE_EXPORT int fuse_service_parse_cmdline_opts(struct fuse_args *args,
						   struct fuse_cmdline_opts *opts)
{
	return -1;
}

PROFUSE_EXPORT int fuse_service_request_file(const struct fuse_service *sf, const char *path,
					     int open_flags, mode_t create_mode,
					     unsigned int request_flags)
{
	return -EOPNOTSUPP;
}

PROFUSE_EXPORT int fuse_service_request_blockdev(const struct fuse_service *sf, const char *path,
						 int open_flags, mode_t create_mode,
						 unsigned int request_flags,
						 unsigned int block_size)
{
	return -EOPNOTSUPP;
}

PROFUSE_EXPORT int fuse_service_receive_file(const struct fuse_service *sf, const char *path,
					     int *fdp)
{
	*fdp = -EOPNOTSUPP;
	return -EOPNOTSUPP;
}

PROFUSE_EXPORT int fuse_service_finish_file_requests(const struct fuse_service *sf)
{
	return -EOPNOTSUPP;
}

PROFUSE_EXPORT void fuse_service_expect_mount_format(struct fuse_service *sf, mode_t expected_fmt)
{
}

PROFUSE_EXPORT int fuse_service_session_mount(struct fuse_service *sf, struct fuse_session *se,
					      mode_t expected_fmt, struct fuse_cmdline_opts *opts)
{
	return -EOPNOTSUPP;
}

PROFUSE_EXPORT int fuse_service_send_goodbye(struct fuse_service *sf, int exitcode)
{
	return -EOPNOTSUPP;
}

PROFUSE_EXPORT int fuse_service_exit(int ret)
{
	return ret;
}

PROFUSE_EXPORT int fuse_service_main_real_versioned(struct fuse_service *service,
						    struct fuse_args *args,
						    const struct fuse_operations *op,
						    size_t op_size, struct libfuse_version *version,
						    void *user_data)
{
	return -EOPNOTSUPP;
}
