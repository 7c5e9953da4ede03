/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Older versions of names of the low-level API. */
#define FUSE_USE_VERSION 319
#include <fuse_lowlevel.h>

#include "abi/entry.h"
#include "lowlevel/ll.h"

/* From before `struct fuse_cmdline_opts` had max_threads. */
ABI_ENTRY(int, "fuse_parse_cmdline@FUSE_3.0", fuse_parse_cmdline_30,
	  (struct fuse_args * args, struct fuse_cmdline_opts *opts), (args, opts));

/* The second argument was a number, then a public structure. */
ABI_ENTRY(int, "fuse_session_loop_mt@FUSE_3.0", fuse_session_loop_mt_31,
	  (struct fuse_session * se, int clone_fd), (se, clone_fd));
ABI_ENTRY(int, "fuse_session_loop_mt@FUSE_3.2", fuse_session_loop_mt_32,
	  (struct fuse_session * se, struct fuse_loop_config_v1 *config), (se, config));

/* Without the size of the structure. */
ABI_ENTRY(int, ABI_DEFAULT_IN_3("fuse_session_custom_io", "FUSE_3.0"), fuse_session_custom_io_30,
	  (struct fuse_session * se, const struct fuse_custom_io *io, int fd), (se, io, fd));

#if ABI_GENERATION == 3

/* Up to 3.15 there was an argument more, without which the entry is dropped. */
static int expire_or_invalidate(struct fuse_session *se, fuse_ino_t parent, const char *name,
				size_t namelen, unsigned int flags)
{
	if (!(flags & FUSE_LL_EXPIRE_ONLY))
		return fuse_lowlevel_notify_inval_entry(se, parent, name, namelen);
	return ll_notify_expire_entry(se, parent, name, namelen);
}
ABI_ENTRY(int, "fuse_lowlevel_notify_expire_entry@@FUSE_3.12", expire_or_invalidate,
	  (struct fuse_session * se, fuse_ino_t parent, const char *name, size_t namelen,
	   unsigned int flags),
	  (se, parent, name, namelen, flags));

#else

/* 3.18.0 had these at another node than all releases before and after it. */
ABI_ENTRY(bool, "fuse_set_feature_flag@FUSE_3.18", fuse_set_feature_flag,
	  (struct fuse_conn_info * conn, uint64_t flag), (conn, flag));
ABI_ENTRY(bool, "fuse_get_feature_flag@FUSE_3.18", fuse_get_feature_flag,
	  (const struct fuse_conn_info *conn, uint64_t flag), (conn, flag));
ABI_ENTRY(int, "fuse_convert_to_conn_want_ext@FUSE_3.18", fuse_convert_to_conn_want_ext,
	  (struct fuse_conn_info * conn), (conn));
ABI_ENTRY(void, "fuse_unset_feature_flag@FUSE_3.18", fuse_unset_feature_flag,
	  (struct fuse_conn_info * conn, uint64_t flag), (conn, flag));

#endif
