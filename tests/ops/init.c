/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

static struct ops begin_without_init(const struct ops *like, const struct mock_options *options)
{
	struct ops t = *like;
	struct fuse_args args = FUSE_ARGS_INIT(1, (char *[]){(char *)"ops"});

	t.fs = fs_new();
	t.se = fuse_session_new(&args, &fs_ops, sizeof(fs_ops), t.fs);
	fuse_opt_free_args(&args);
	check(t.se != NULL);
	t.m = mock_new(options);
	check_eq(mock_serve(t.m, t.se, t.threads), 0);
	return t;
}

static void every_minor(const struct ops *like, enum mock_wire wire)
{
	for (uint32_t minor = 8; minor <= 50; minor++) {
		struct mock_options options = {.wire = wire, .minor = minor, .era = PROTO_ERA_OLD};
		struct ops t = begin_without_init(like, &options);
		const struct fuse_init_out *out = mock_init_out(t.m);
		struct fuse_entry_out e;

		check_eq(mock_init(t.m), 0);
		check_eq(fs_inits(t.fs), 1);
		check_eq(out->major, 7);
		check_eq(mock_conn(t.m)->minor, minor < 45 ? minor : 45);
		check(out->max_write >= 4096);
		if (mock_conn(t.m)->flags & FUSE_INIT_FLAG(MAX_PAGES))
			check(out->max_pages > 0);
		check_eq(mock_lookup(t.m, 1, "file", &e), 0);
		ops_mock_drop(&t);
	}
}

/* Nothing but INIT is served before INIT, and no INIT after it. */
static void order_matters(const struct ops *like, enum mock_wire wire)
{
	struct mock_options options = {.wire = wire};
	struct ops t = begin_without_init(like, &options);
	struct fuse_init_in in = {.major = 7, .minor = 45};
	struct mock_call again = {.op = PROTO_INIT, .in = &in};
	struct fuse_entry_out e;
	struct mock_reply r;

	check_eq(mock_lookup(t.m, 1, "file", &e), -EIO);
	check_eq(fs_count(t.fs, PROTO_LOOKUP), 0);
	check_eq(mock_init(t.m), 0);
	mock_call(t.m, &again, &r);
	check(r.error < 0);
	mock_reply_free(&r);
	check_eq(fs_inits(t.fs), 1);
	check_eq(mock_lookup(t.m, 1, "file", &e), 0);
	ops_mock_drop(&t);
}

/* A kernel of another major that is older, and one that is newer. */
static void other_majors(const struct ops *like, enum mock_wire wire)
{
	struct mock_options options = {.wire = wire, .quiet = true};
	struct ops t = begin_without_init(like, &options);
	struct fuse_init_in in = {.major = 6, .minor = 9};
	struct mock_call call = {.op = PROTO_INIT, .in = &in};
	struct mock_reply r;

	mock_call(t.m, &call, &r);
	check_eq(r.error, -ECONNREFUSED);
	mock_reply_free(&r);
	check_eq(fs_inits(t.fs), 0);
	ops_mock_drop(&t);

	t = begin_without_init(like, &options);
	in.major = 8;
	check_eq(mock_call(t.m, &call, &r), 0); /* "speak 7, please" */
	check_eq(((struct fuse_init_out *)r.body)->major, 7);
	mock_reply_free(&r);
	check_eq(fs_inits(t.fs), 0);
	check_eq(mock_init(t.m), 0);
	check_eq(fs_inits(t.fs), 1);
	ops_mock_drop(&t);
}

static void handshakes(const struct ops *like, const struct mock_options *options)
{
	if (options->minor < 45)
		return;
	every_minor(like, options->wire);
	order_matters(like, options->wire);
	other_majors(like, options->wire);
}

static void on_mock(struct ops *t)
{
	check_eq(fs_inits(t->fs), 1);
}

static void on_mount(struct ops *t)
{
	struct stat st;

	check_eq(stat(t->mnt, &st), 0);
	check_eq(fs_inits(t->fs), 1);
	check(fs_seen_op(t->fs, PROTO_INIT));
}

OPS_TEST(.op = PROTO_INIT, .alone = handshakes, .mock = on_mock, .mount = on_mount, .special = true)
