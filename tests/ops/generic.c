/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every operation with an answer must stand, derived from its row. */
#include "ops.h"

#include <sys/ioctl.h>

static const struct proto_op *row(const struct ops *t)
{
	return &proto_ops[t->test->op];
}

/* COPY_FILE_RANGE_64 arrives at the same callback as its older form. */
static unsigned int noted_as(unsigned int op)
{
	return op == PROTO_COPY_FILE_RANGE_64 ? PROTO_COPY_FILE_RANGE : op;
}

union argument {
	struct fuse_setattr_in setattr;
	struct fuse_mknod_in mknod;
	struct fuse_mkdir_in mkdir;
	struct fuse_rename_in rename;
	struct fuse_rename2_in rename2;
	struct fuse_link_in link;
	struct fuse_read_in read;
	struct fuse_release_in release;
	struct fuse_getxattr_in xattr;
	struct fuse_lk_in lk;
	struct fuse_create_in create;
	struct fuse_ioctl_in ioctl;
	struct fuse_fallocate_in fallocate;
	struct fuse_lseek_in lseek;
	struct fuse_copy_file_range_in copy;
	struct fuse_statx_in statx;
	unsigned char bytes[128];
};

static void default_argument(unsigned int op, union argument *in)
{
	switch (op) {
	case PROTO_SETATTR:
		in->setattr.valid = FATTR_MODE;
		in->setattr.mode = S_IFREG | 0600;
		break;
	case PROTO_MKNOD:
		in->mknod.mode = S_IFREG | 0644;
		break;
	case PROTO_MKDIR:
		in->mkdir.mode = 0755;
		break;
	case PROTO_CREATE:
	case PROTO_TMPFILE:
		in->create.flags = O_RDWR;
		in->create.mode = S_IFREG | 0644;
		break;
	case PROTO_RENAME:
		in->rename.newdir = FUSE_ROOT_ID;
		break;
	case PROTO_RENAME2:
		in->rename2.newdir = FUSE_ROOT_ID;
		in->rename2.flags = 1; /* RENAME_NOREPLACE */
		break;
	case PROTO_LINK:
		in->link.oldnodeid = FS_FILE;
		break;
	case PROTO_READ:
	case PROTO_READDIR:
	case PROTO_READDIRPLUS:
		in->read.size = 4096;
		break;
	case PROTO_GETXATTR:
	case PROTO_LISTXATTR:
		in->xattr.size = 100;
		break;
	case PROTO_GETLK:
	case PROTO_SETLK:
	case PROTO_SETLKW:
		in->lk.lk.end = 10;
		in->lk.lk.type = F_WRLCK;
		break;
	case PROTO_IOCTL:
		in->ioctl.cmd = (uint32_t)_IOWR('x', 1, char[16]);
		in->ioctl.out_size = 16;
		break;
	case PROTO_FALLOCATE:
		in->fallocate.length = 10;
		break;
	case PROTO_LSEEK:
		in->lseek.whence = SEEK_DATA;
		break;
	case PROTO_COPY_FILE_RANGE:
	case PROTO_COPY_FILE_RANGE_64:
		in->copy.len = 100;
		in->copy.nodeid_out = FS_FILE;
		break;
	case PROTO_STATX:
		in->statx.sx_mask = 0xfff;
		break;
	default:
		break;
	}
}

struct mock_call ops_default_call(unsigned int op, void *in_buf)
{
	struct mock_call call = {
		.op = op, .nodeid = FS_FILE, .in = in_buf, .uid = 1, .gid = 2, .pid = 3};

	memset(in_buf, 0, sizeof(union argument));
	default_argument(op, in_buf);
	switch ((enum proto_tail)proto_ops[op].tail) {
	case PROTO_TAIL_NAME:
	case PROTO_TAIL_NAMES:
	case PROTO_TAIL_NAMESTR:
		call.nodeid = FUSE_ROOT_ID;
		call.name[0] = op == PROTO_LOOKUP || op == PROTO_UNLINK || op == PROTO_RMDIR ||
					       op == PROTO_RENAME || op == PROTO_RENAME2
				       ? "file"
				       : "new";
		call.name[1] = "new";
		break;
	case PROTO_TAIL_STR:
	case PROTO_TAIL_STRDATA:
		call.name[0] = op == PROTO_TMPFILE ? "/" : "user.a";
		break;
	default:
		break;
	}
	if (op == PROTO_WRITE || op == PROTO_IOCTL || op == PROTO_SETXATTR) {
		call.data = "0123456789abcdef";
		call.data_len = 16;
	}
	return call;
}

static int do_call(struct ops *t)
{
	union argument in;
	struct mock_call call = ops_default_call(t->test->op, &in);
	struct mock_reply reply;
	int res = mock_call(t->m, &call, &reply);

	mock_reply_free(&reply);
	return res;
}

static void take_call(struct ops *t)
{
	struct fs_call call;

	fs_take(t->fs, noted_as(t->test->op), &call);
	check(call.req != NULL);
	check_eq(call.ctx.uid, 1);
	check_eq(call.ctx.gid, 2);
	check_eq(call.ctx.pid, 3);
}

/* ---- one case each ---- */

static void succeeds(struct ops *t)
{
	check_eq(do_call(t), 0);
	take_call(t);
	check_eq(fs_last_reply(t->fs), 0);
}

static void passes_errors_on(struct ops *t)
{
	static const int errors[] = {EPERM, ENOENT, EINTR, EIO, EAGAIN, ENOSYS, ERANGE, 511};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		fs_script_error(t->fs, noted_as(t->test->op), errors[i]);
		check_eq(do_call(t), -errors[i]);
		take_call(t);
	}
}

static void refuses_impossible_errors(struct ops *t)
{
	static const int errors[] = {512, -1, -1000000};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		fs_script_error(t->fs, noted_as(t->test->op), errors[i]);
		check_eq(do_call(t), -EIO);
		take_call(t);
		check(fs_logged(t->fs, row(t)->name));
	}
}

static void answers_from_elsewhere(struct ops *t)
{
	fs_script_from_thread(t->fs, noted_as(t->test->op));
	check_eq(do_call(t), 0);
	take_call(t);
}

static void ignores_a_second_answer(struct ops *t)
{
	fs_script_twice(t->fs, noted_as(t->test->op));
	check_eq(do_call(t), 0);
	take_call(t);
	/* The second comes after the first has freed the caller; another
	 * request on the same worker, or the end of the loop, is behind it. */
	check_eq(mock_serve_join(t->m), 0);
	check(fs_logged(t->fs, row(t)->name));
	check(fs_last_reply(t->fs) < 0);
}

static void refuses_the_wrong_kind(struct ops *t)
{
	if (row(t)->reply == PROTO_REPLY_BYTES)
		return; /* every body is bytes; the size decides */
	fs_script_wrong_kind(t->fs, noted_as(t->test->op));
	check_eq(do_call(t), -EIO);
	take_call(t);
	check(fs_logged(t->fs, row(t)->name));
	check_eq(do_call(t), 0); /* the session lives */
	take_call(t);
}

static void refuses_too_much(struct ops *t)
{
	if (row(t)->reply != PROTO_REPLY_BYTES && row(t)->reply != PROTO_REPLY_XATTR &&
	    row(t)->reply != PROTO_REPLY_IOCTL)
		return;
	fs_script_too_large(t->fs, t->test->op);
	check_eq(do_call(t), -EIO);
	take_call(t);
	check(fs_logged(t->fs, row(t)->name));
	check_eq(do_call(t), 0);
	take_call(t);
}

/* Requests cut short or with something behind never enter the callback, and
 * are answered all the same. */
static void refuses_malformed_requests(struct ops *t)
{
	_Alignas(8) unsigned char wire[1024] = {0};
	union argument in;
	struct mock_call call = ops_default_call(t->test->op, &in);
	struct proto_out out = {.op = row(t),
				.unique = 1000,
				.nodeid = call.nodeid,
				.in = &in,
				.name = {call.name[0], call.name[1]},
				.data = call.data,
				.data_len = call.data_len};
	size_t len = proto_encode(mock_conn(t->m), &out, wire, sizeof(wire));
	uint64_t sent = 0;

	mock_expect_strangers(t->m);
	for (uint32_t n = 40; n < len + 9; n++) {
		struct fuse_in_header *h = (void *)wire;
		struct proto_msg msg;
		struct proto_req req;

		h->len = n;
		h->unique += 2;
		if (!proto_msg_flat(&msg, wire, n) ||
		    proto_decode(mock_conn(t->m), &msg, &req) == PROTO_OK)
			continue;
		check_eq(mock_send_raw(t->m, wire, n), 0);
		sent++;
	}
	check(sent > 0);
	check(mock_await_strangers(t->m, sent));
	check_eq(fs_count(t->fs, noted_as(t->test->op)), 0);
	check(fs_logged(t->fs, "malformed"));
	check_eq(do_call(t), 0);
}

static void (*const cases[])(struct ops *t) = {
	succeeds,
	passes_errors_on,
	refuses_impossible_errors,
	answers_from_elsewhere,
	refuses_the_wrong_kind,
	refuses_too_much,
	ignores_a_second_answer,
	refuses_malformed_requests,
};

/* What the library answers for a filesystem that does not have it. */
static int missing_result(const struct ops *t)
{
	uint64_t flags = mock_conn(t->m)->flags;

	switch (t->test->op) {
	case PROTO_OPEN:
		return flags & FUSE_INIT_FLAG(NO_OPEN_SUPPORT) ? -ENOSYS : 0;
	case PROTO_OPENDIR:
		return flags & FUSE_INIT_FLAG(NO_OPENDIR_SUPPORT) ? -ENOSYS : 0;
	case PROTO_RELEASE:
	case PROTO_RELEASEDIR:
	case PROTO_STATFS:
		return 0;
	default:
		return -ENOSYS;
	}
}

static void without_callback(const struct ops *like, const struct mock_options *options)
{
	struct fuse_lowlevel_ops ops = fs_ops_without(like->test->op);
	struct ops t = ops_mock_begin(like, options, &ops);

	check_eq(do_call(&t), missing_result(&t));
	check_eq(fs_count(t.fs, noted_as(t.test->op)), 0);
	ops_mock_drop(&t);
}

/* Never answered: the session ends all the same, at once, and the program may
 * answer even then. */
static void never_answered(const struct ops *like, const struct mock_options *options)
{
	struct ops t = ops_mock_begin(like, options, &fs_ops);
	union argument in;
	struct mock_call call = ops_default_call(like->test->op, &in);
	struct fs_call held;

	fs_script_hold(t.fs, noted_as(like->test->op));
	check(mock_send(t.m, &call) != 0);
	fs_take(t.fs, noted_as(like->test->op), &held);
	check_eq(mock_serve_join(t.m), 0);
	if (held.poll)
		fuse_pollhandle_destroy(held.poll);
	ops_mock_drop(&t);
}

static void answered_after_the_end(const struct ops *like, const struct mock_options *options)
{
	struct ops t = ops_mock_begin(like, options, &fs_ops);
	union argument in;
	struct mock_call call = ops_default_call(like->test->op, &in);
	struct fs_call held;

	fs_script_hold(t.fs, noted_as(like->test->op));
	check(mock_send(t.m, &call) != 0);
	fs_take(t.fs, noted_as(like->test->op), &held);
	check_eq(mock_serve_join(t.m), 0);
	fs_answer_default(t.fs, &held); /* fails or not: nobody is there */
	ops_mock_drop(&t);
}

void ops_generic(const struct ops *like, const struct mock_options *options)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ops t = ops_mock_begin(like, options, &fs_ops);

		cases[i](&t);
		ops_mock_drop(&t);
	}
	without_callback(like, options);
	never_answered(like, options);
	answered_after_the_end(like, options);
}
