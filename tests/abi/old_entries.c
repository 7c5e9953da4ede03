/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Programs that were linked long ago ask for names under older version nodes
 * and pass what was right then. Each of these is bound here on purpose.
 */
#define FUSE_USE_VERSION 319
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include <fuse_lowlevel.h>
#include <profuse.h>

#define BIND(name, version) __asm__(".symver " #name "," version)

int old_parse_cmdline(struct fuse_args *args, void *opts);
BIND(old_parse_cmdline, "fuse_parse_cmdline@FUSE_3.0");

int loop_mt_30(struct fuse_session *se, int clone_fd);
BIND(loop_mt_30, "fuse_session_loop_mt@FUSE_3.0");
struct loop_config {
	int clone_fd;
	unsigned int max_idle_threads;
};
int loop_mt_32(struct fuse_session *se, struct loop_config *config);
BIND(loop_mt_32, "fuse_session_loop_mt@FUSE_3.2");

int custom_io_30(struct fuse_session *se, const void *io, int fd);
BIND(custom_io_30, "fuse_session_custom_io@FUSE_3.0");

struct fuse_session *session_new_30(struct fuse_args *args, const struct fuse_lowlevel_ops *op,
				    size_t op_size, void *userdata);
BIND(session_new_30, "fuse_session_new@FUSE_3.0");

bool set_flag_318(struct fuse_conn_info *conn, uint64_t flag);
BIND(set_flag_318, "fuse_set_feature_flag@FUSE_3.18");
void unset_flag_318(struct fuse_conn_info *conn, uint64_t flag);
BIND(unset_flag_318, "fuse_unset_feature_flag@FUSE_3.18");
bool get_flag_318(const struct fuse_conn_info *conn, uint64_t flag);
BIND(get_flag_318, "fuse_get_feature_flag@FUSE_3.18");

static char *argv[] = {(char *)"prog", (char *)"-f", NULL};

/* A session on a connection that the peer has closed: its loop ends at once. */
static struct fuse_session *session_at_its_end(void)
{
	char *args_v[] = {(char *)"prog", NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, args_v);
	static const struct fuse_lowlevel_ops ops;
	struct fuse_session *se = session_new_30(&args, &ops, sizeof(ops), NULL);
	int ends[2];

	assert_non_null(se);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(profuse_session_stream(se, ends[0]), 0);
	close(ends[1]);
	fuse_opt_free_args(&args);
	return se;
}

static void the_short_structure_is_not_overrun(void **state)
{
	struct fuse_args args = FUSE_ARGS_INIT(2, argv);
	unsigned char opts[48];

	memset(opts, 0xaa, sizeof(opts));
	assert_int_equal(old_parse_cmdline(&args, opts), 0);
	assert_int_equal(((struct fuse_cmdline_opts *)(void *)opts)->foreground, 1);
	for (size_t i = 40; i < sizeof(opts); i++)
		assert_int_equal(opts[i], 0xaa);
	fuse_opt_free_args(&args);
}

static void loops_take_a_number_or_the_public_structure(void **state)
{
	struct loop_config config = {.clone_fd = 0, .max_idle_threads = 3};
	struct fuse_session *se = session_at_its_end();

	assert_int_equal(loop_mt_30(se, 1), 0);
	fuse_session_destroy(se);
	se = session_at_its_end();
	assert_int_equal(loop_mt_32(se, &config), 0);
	fuse_session_destroy(se);
	se = session_at_its_end();
	assert_int_equal(loop_mt_32(se, NULL), 0);
	fuse_session_destroy(se);
}

static ssize_t io_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	return writev(fd, iov, count);
}

static ssize_t io_read(int fd, void *buf, size_t len, void *userdata)
{
	return read(fd, buf, len);
}

static void custom_io_comes_without_its_size(void **state)
{
	/* The structure ended where clone_fd is now; behind it is nothing. */
	void *io[4] = {0};
	ssize_t (*w)(int, struct iovec *, int, void *) = io_writev;
	ssize_t (*r)(int, void *, size_t, void *) = io_read;
	void *exact = malloc(sizeof(io));
	char *args_v[] = {(char *)"prog", NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, args_v);
	struct fuse_session *se = session_new_30(&args, NULL, 0, NULL);
	int ends[2];

	assert_non_null(se);
	memcpy(&io[0], &w, sizeof(w));
	memcpy(&io[1], &r, sizeof(r));
	memcpy(exact, io, sizeof(io));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(custom_io_30(se, exact, ends[0]), 0);
	free(exact);
	close(ends[1]);
	fuse_session_loop(se);
	fuse_session_destroy(se);
	fuse_opt_free_args(&args);
}

static void flags_of_one_release_have_another_node(void **state)
{
	struct fuse_conn_info conn = {.capable_ext = FUSE_CAP_SECURITY_CTX};

	assert_true(set_flag_318(&conn, FUSE_CAP_SECURITY_CTX));
	assert_int_equal(conn.want_ext, FUSE_CAP_SECURITY_CTX);
	assert_true(get_flag_318(&conn, FUSE_CAP_SECURITY_CTX));
	unset_flag_318(&conn, FUSE_CAP_SECURITY_CTX);
	assert_int_equal(conn.want_ext, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_short_structure_is_not_overrun),
		cmocka_unit_test(loops_take_a_number_or_the_public_structure),
		cmocka_unit_test(custom_io_comes_without_its_size),
		cmocka_unit_test(flags_of_one_release_have_another_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
