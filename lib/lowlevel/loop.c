/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The loops, in every edition's form. */
#include "lowlevel/ll.h"

#include "base/abi.h"
#include "base/background.h"

/* Programs of the 3.16 generation expect to be able to ask again. */
static int loop_result(struct fuse_session *se, int res)
{
	if (abi_is_old())
		fuse_session_reset(se);
	return res;
}

PROFUSE_EXPORT int fuse_session_loop(struct fuse_session *se)
{
	bg_note(BG_WANTED);
	return loop_result(se, sess_loop(se));
}

static int loop_mt(struct fuse_session *se, const struct sess_loop_params *params)
{
	bg_note(BG_WANTED);
	return loop_result(se, sess_loop_mt(se, params));
}

PROFUSE_EXPORT int fuse_session_loop_mt(struct fuse_session *se, struct fuse_loop_config *config)
{
	struct sess_loop_params params = sess_loop_params(config);

	return loop_mt(se, &params);
}

int fuse_session_loop_mt_312(struct fuse_session *se, struct fuse_loop_config *config);
PROFUSE_EXPORT int fuse_session_loop_mt_312(struct fuse_session *se,
					    struct fuse_loop_config *config)
{
	return fuse_session_loop_mt(se, config);
}

int fuse_session_loop_mt_32(struct fuse_session *se, struct fuse_loop_config_v1 *config);
PROFUSE_EXPORT int fuse_session_loop_mt_32(struct fuse_session *se,
					   struct fuse_loop_config_v1 *config)
{
	struct sess_loop_params params = sess_loop_params_v1(config);

	return loop_mt(se, &params);
}

int fuse_session_loop_mt_31(struct fuse_session *se, int clone_fd);
PROFUSE_EXPORT int fuse_session_loop_mt_31(struct fuse_session *se, int clone_fd)
{
	struct sess_loop_params params = sess_loop_params(NULL);

	params.clone_fd = clone_fd > 0;
	return loop_mt(se, &params);
}
