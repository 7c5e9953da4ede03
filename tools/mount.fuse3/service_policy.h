/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a service may ask of us. Pure functions of its message and of what the
 * user wrote: the user decides what is opened, where is mounted and what the mount
 * grants; the service can only ask for less.
 */
#ifndef PROFUSE_MOUNT_FUSE3_SERVICE_POLICY_H
#define PROFUSE_MOUNT_FUSE3_SERVICE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmdline.h"
#include "mount/service_wire.h"

/* A message of the service, in our byte order. */
struct service_command {
	uint32_t word;
	const char *string; /* within the message, or NULL */
	uint32_t number;    /* of TYPE, MOUNT, BYE; the format of PLACE */
	struct service_open open;
};

/* Takes a message apart. Returns 0, or -EBADMSG for a word that is none, a wrong
 * length, a string that does not end where the message ends. */
PROFUSE_NODISCARD int service_parse(const char *msg, size_t len, struct service_command *out);

/* These return 0 or the -errno to answer with. */

/* A file, by its name and open(2)'s flags; *flags becomes what to open with. */
PROFUSE_NODISCARD int service_may_open(const struct mount_request *req,
				       const struct service_command *cmd, int *flags);

/* The type fuse or fuseblk; root: whether we can mount ourselves. */
PROFUSE_NODISCARD int service_may_be_block(const struct mount_request *req, uint32_t flags,
					   bool root);

/* The name that the mount table shows as the source. */
PROFUSE_NODISCARD int service_may_name(const struct mount_request *req, const char *source);

/* Options for the kernel, as a list; *out becomes the list to mount with, to be freed. */
PROFUSE_NODISCARD int service_may_set(const struct mount_request *req, const char *list,
				      char **out);
bool service_may_allow_other(const struct mount_request *req);

/* The flags to mount with, from the service's and the user's. */
PROFUSE_NODISCARD int service_mount_flags(const struct mount_request *req, uint32_t asked,
					  unsigned long *out);

#endif
