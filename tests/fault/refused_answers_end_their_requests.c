/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An answer that the device refuses must not leave its caller waiting: a bare
 * error follows. The filesystem is told, so that it can take back what the
 * answer handed out.
 */
#include "ops.h"

static void refused_once(const struct ops *like, const struct mock_options *options, int error)
{
	struct ops t = ops_mock_begin(like, options, &fs_ops);
	struct fuse_entry_out e;

	mock_refuse_answers(t.m, error, 1);
	check_eq(mock_lookup(t.m, 1, "file", &e), -EIO);
	check_eq(mock_lookups_total(t.m), 0);
	check(fs_logged(t.fs, "LOOKUP"));
	check_eq(mock_lookup(t.m, 1, "file", &e), 0);
	check_eq(mock_serve_join(t.m), 0);
	mock_forget_all(t.m);
	ops_mock_drop(&t);
}

/* What the reply function tells the filesystem; the loop has ended before it is
 * looked at, as the caller is freed first. */
static void result_is_told(const struct ops *like, const struct mock_options *options, int error)
{
	struct ops t = ops_mock_begin(like, options, &fs_ops);
	struct fuse_entry_out e;

	mock_refuse_answers(t.m, error, 1);
	check_eq(mock_lookup(t.m, 1, "file", &e), -EIO);
	check_eq(mock_serve_join(t.m), 0);
	check_eq(fs_last_reply(t.fs), error);
	check(fs_logged(t.fs, "LOOKUP"));
	ops_mock_drop(&t);
}

/* The caller is gone: nothing follows, and nothing is logged. */
static void nobody_waits(const struct ops *like, const struct mock_options *options)
{
	struct ops t = ops_mock_begin(like, options, &fs_ops);
	struct mock_call call = {.op = PROTO_LOOKUP, .nodeid = 1, .name = {"file"}};
	struct fs_call c;
	uint64_t unique;

	mock_refuse_answers(t.m, -ENOENT, 1);
	unique = mock_send(t.m, &call);
	check(unique != 0);
	fs_take(t.fs, PROTO_LOOKUP, &c);
	check_eq(mock_access(t.m, 1, 0), 0);
	check_eq(mock_wait_ms(t.m, unique, 0, NULL), -EAGAIN);
	check_eq(mock_serve_join(t.m), 0);
	check_eq(fs_log_errors(t.fs), 0);
	check_eq(mock_lookups_total(t.m), 0);
	ops_mock_drop(&t);
}

static void refusals(const struct ops *like, const struct mock_options *options)
{
	if (options->wire != MOCK_DEVICE)
		return;
	refused_once(like, options, -EINVAL);
	refused_once(like, options, -EFAULT);
	result_is_told(like, options, -EINVAL);
	if (!like->threads) /* with several, ACCESS may overtake the refusal */
		nobody_waits(like, options);
}

OPS_TEST(.op = PROTO_LOOKUP, .alone = refusals, .special = true)
