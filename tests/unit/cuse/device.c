/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A character device, seen from the kernel's end of its connection. */
#include <cuse_lowlevel.h>
#include <profuse.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol/wire.h"

/* ---- a device that keeps what was last written ---- */

static struct {
	char data[64];
	size_t size;
	int opened, released, initialised, ready, destroyed;
} dev;

static void dev_init(void *userdata, struct fuse_conn_info *conn)
{
	assert_ptr_equal(userdata, &dev);
	assert_int_equal(dev.ready, 0);
	dev.initialised++;
}

static void dev_init_done(void *userdata)
{
	assert_int_equal(dev.initialised, 1);
	dev.ready++;
}

static void dev_destroy(void *userdata)
{
	dev.destroyed++;
}

static void dev_open(fuse_req_t req, struct fuse_file_info *fi)
{
	fi->fh = 77;
	dev.opened++;
	fuse_reply_open(req, fi);
}

static void dev_read(fuse_req_t req, size_t size, off_t off, struct fuse_file_info *fi)
{
	assert_int_equal(fi->fh, 77);
	fuse_reply_buf(req, dev.data, size < dev.size ? size : dev.size);
}

static void dev_write(fuse_req_t req, const char *buf, size_t size, off_t off,
		      struct fuse_file_info *fi)
{
	dev.size = size < sizeof(dev.data) ? size : sizeof(dev.data);
	memcpy(dev.data, buf, dev.size);
	fuse_reply_write(req, dev.size);
}

/* The command's argument points at a number of the caller's: it is asked for
 * first, as an unrestricted ioctl may. */
static void dev_ioctl(fuse_req_t req, unsigned int cmd, void *arg, struct fuse_file_info *fi,
		      unsigned int flags, const void *in_buf, size_t in_size, size_t out_size)
{
	struct iovec iov = {arg, sizeof(int)};
	int value;

	if (in_size < sizeof(value)) {
		fuse_reply_ioctl_retry(req, &iov, 1, &iov, 1);
		return;
	}
	memcpy(&value, in_buf, sizeof(value));
	value++;
	fuse_reply_ioctl(req, 0, &value, sizeof(value));
}

static void dev_release(fuse_req_t req, struct fuse_file_info *fi)
{
	dev.released++;
	fuse_reply_err(req, 0);
}

static const struct cuse_lowlevel_ops ops = {
	.init = dev_init,
	.init_done = dev_init_done,
	.destroy = dev_destroy,
	.open = dev_open,
	.read = dev_read,
	.write = dev_write,
	.ioctl = dev_ioctl,
	.release = dev_release,
};

/* ---- the kernel ---- */

struct answer {
	struct fuse_out_header h;
	unsigned char body[4096];
};

static int kernel_fd;

static void ask(uint32_t opcode, const void *arg, size_t len, const void *tail, size_t tail_len,
		struct answer *a)
{
	static uint64_t unique;
	struct fuse_in_header h = {
		.len = (uint32_t)(sizeof(h) + len + tail_len),
		.opcode = opcode,
		.unique = unique += 2,
	};
	struct iovec iov[3] = {{&h, sizeof(h)}, {(void *)arg, len}, {(void *)tail, tail_len}};
	struct pollfd p = {.fd = kernel_fd, .events = POLLIN};

	assert_int_equal(writev(kernel_fd, iov, 3), h.len);
	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_true(read(kernel_fd, a, sizeof(*a)) >= (ssize_t)sizeof(a->h));
	assert_int_equal(a->h.unique, h.unique);
}

static void *run(void *se)
{
	fuse_session_loop(se);
	return NULL;
}

struct device {
	struct fuse_session *se;
	pthread_t loop;
};

static void begin(struct device *d)
{
	static const char *strings[] = {"DEVNAME=profuse-test", "COLOUR=blue"};
	const struct cuse_info info = {
		.dev_major = 10,
		.dev_minor = 20,
		.dev_info_argc = 2,
		.dev_info_argv = strings,
		.flags = CUSE_UNRESTRICTED_IOCTL,
	};
	char *argv[] = {(char *)"device", NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	int sv[2];

	memset(&dev, 0, sizeof(dev));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	kernel_fd = sv[1];
	d->se = cuse_lowlevel_new(&args, &info, &ops, &dev);
	assert_non_null(d->se);
	assert_int_equal(profuse_session_stream(d->se, sv[0]), 0);
	pthread_create(&d->loop, NULL, run, d->se);
}

static void end(struct device *d)
{
	close(kernel_fd);
	pthread_join(d->loop, NULL);
	cuse_lowlevel_teardown(d->se);
}

static void handshake(struct answer *a)
{
	const struct fuse_cuse_init_in in = {.major = 7, .minor = 45, .flags = 1};

	ask(FUSE_CUSE_INIT, &in, sizeof(in), NULL, 0, a);
}

static void the_handshake_names_the_device(void **state)
{
	static const char strings[] = "DEVNAME=profuse-test\0COLOUR=blue";
	const struct fuse_cuse_init_out *out;
	struct device d;
	struct answer a;

	begin(&d);
	handshake(&a);
	out = (const void *)a.body;
	assert_int_equal(a.h.error, 0);
	assert_int_equal(a.h.len, sizeof(a.h) + sizeof(*out) + sizeof(strings));
	assert_int_equal(out->major, 7);
	assert_int_equal(out->minor, 45);
	assert_int_equal(out->dev_major, 10);
	assert_int_equal(out->dev_minor, 20);
	assert_int_equal(out->flags, CUSE_UNRESTRICTED_IOCTL);
	assert_true(out->max_read >= 4096 && out->max_write >= 4096);
	assert_memory_equal(out + 1, strings, sizeof(strings));
	end(&d);
	assert_int_equal(dev.initialised, 1);
	assert_int_equal(dev.ready, 1);
	assert_int_equal(dev.destroyed, 1);
}

static void a_device_is_opened_written_read_and_closed(void **state)
{
	const struct fuse_open_in open_in = {.flags = 2};
	const struct fuse_write_in write_in = {.fh = 77, .size = 5};
	const struct fuse_read_in read_in = {.fh = 77, .size = 100};
	const struct fuse_release_in release_in = {.fh = 77};
	struct device d;
	struct answer a;

	begin(&d);
	handshake(&a);
	ask(FUSE_OPEN, &open_in, sizeof(open_in), NULL, 0, &a);
	assert_int_equal(((struct fuse_open_out *)a.body)->fh, 77);
	ask(FUSE_WRITE, &write_in, sizeof(write_in), "hello", 5, &a);
	assert_int_equal(((struct fuse_write_out *)a.body)->size, 5);
	ask(FUSE_READ, &read_in, sizeof(read_in), NULL, 0, &a);
	assert_int_equal(a.h.len, sizeof(a.h) + 5);
	assert_memory_equal(a.body, "hello", 5);
	ask(FUSE_RELEASE, &release_in, sizeof(release_in), NULL, 0, &a);
	assert_int_equal(a.h.error, 0);
	end(&d);
	assert_int_equal(dev.opened, 1);
	assert_int_equal(dev.released, 1);
}

static void an_ioctl_may_ask_for_its_callers_memory(void **state)
{
	struct fuse_ioctl_in in = {.fh = 77, .flags = 1u << 1, .arg = 0x1000};
	const struct fuse_ioctl_out *out;
	const struct fuse_ioctl_iovec *want;
	struct device d;
	struct answer a;
	int value = 41;

	begin(&d);
	handshake(&a);
	ask(FUSE_IOCTL, &in, sizeof(in), NULL, 0, &a);
	out = (const void *)a.body;
	want = (const void *)(out + 1);
	assert_int_equal(out->flags, FUSE_IOCTL_RETRY);
	assert_int_equal(out->in_iovs, 1);
	assert_int_equal(out->out_iovs, 1);
	assert_int_equal(want[0].base, 0x1000);
	assert_int_equal(want[0].len, sizeof(int));
	in.in_size = in.out_size = sizeof(int);
	ask(FUSE_IOCTL, &in, sizeof(in), &value, sizeof(value), &a);
	memcpy(&value, a.body + sizeof(*out), sizeof(value));
	assert_int_equal(value, 42);
	end(&d);
}

static void what_a_device_cannot_do_is_enosys(void **state)
{
	const struct fuse_fsync_in fsync_in = {.fh = 77};
	const struct fuse_init_in init_in = {.major = 7, .minor = 45};
	struct device d;
	struct answer a;

	begin(&d);
	/* It is no filesystem, but neither does this end it. */
	handshake(&a);
	ask(FUSE_INIT, &init_in, sizeof(init_in), NULL, 0, &a);
	assert_int_equal(a.h.error, -EIO);
	ask(FUSE_FSYNC, &fsync_in, sizeof(fsync_in), NULL, 0, &a);
	assert_int_equal(a.h.error, -ENOSYS);
	end(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_handshake_names_the_device),
		cmocka_unit_test(a_device_is_opened_written_read_and_closed),
		cmocka_unit_test(an_ioctl_may_ask_for_its_callers_memory),
		cmocka_unit_test(what_a_device_cannot_do_is_enosys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
