/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a filesystem asks for, in two places. */
#ifndef PROFUSE_SESSION_WANT_H
#define PROFUSE_SESSION_WANT_H

#include <stdint.h>

struct fuse_conn_info;

/*
 * Programs of two ages say what they want in two places: old ones in the 32
 * bits of conn->want, newer ones through functions that change those and
 * conn->want_ext alike; some do both. `before` is what stood in want_ext when
 * init was called: a bit that differs from it in either place was changed there,
 * and that is what counts. Afterwards both places agree.
 */
void sess_merge_wants(struct fuse_conn_info *conn, uint64_t before);

#endif
