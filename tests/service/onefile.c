/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * onefile SOURCE FILE: a service of the low-level API whose root is a file. What one reads
 * there is what it was told: the command line, what it may, and the first byte and the
 * block size of the source.
 */
#define FUSE_USE_VERSION 319

#include <fuse_lowlevel.h>
#include <fuse_service.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct onefile {
	char *source;
	int blockdev; /* ask for a block device */
	char text[2048];
};

static void of_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	const struct onefile *self = fuse_req_userdata(req);
	struct stat st = {
		.st_ino = ino,
		.st_mode = S_IFREG | 0444,
		.st_nlink = 1,
		.st_size = (off_t)strlen(self->text),
	};

	fuse_reply_attr(req, &st, 1);
}

static void of_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	const struct onefile *self = fuse_req_userdata(req);
	size_t len = strlen(self->text), left = (size_t)off < len ? len - (size_t)off : 0;

	fuse_reply_buf(req, self->text + (len - left), size < left ? size : left);
}

static const struct fuse_lowlevel_ops ops = {.getattr = of_getattr, .read = of_read};

static const struct fuse_opt options[] = {
	{"blockdev", offsetof(struct onefile, blockdev), 1},
	FUSE_OPT_END,
};

static int take_source(void *data, const char *arg, int key, struct fuse_args *out)
{
	struct onefile *self = data;

	if (key != FUSE_OPT_KEY_NONOPT || self->source)
		return 1;
	self->source = strdup(arg);
	return self->source ? 0 : -1;
}

static int open_source(struct fuse_service *service, const struct onefile *self)
{
	int fd = -1, err;

	err = self->blockdev ? fuse_service_request_blockdev(service, self->source, O_RDWR | O_EXCL,
							     0, 0, 1024)
			     : fuse_service_request_file(service, self->source, O_RDONLY, 0, 0);
	if (!err)
		err = fuse_service_receive_file(service, self->source, &fd);
	return err ? err : fd;
}

static int look(struct fuse_service *service, struct onefile *self, int argc, char *argv[],
		struct fuse_args *args)
{
	char *line = fuse_service_cmdline(argc, (const char *const *)argv, args), first = '?';
	int fd = open_source(service, self), size = 0;

	if (fd < 0 || !line) {
		free(line);
		return fd < 0 ? fd : -ENOMEM;
	}
	if (pread(fd, &first, 1, 0) != 1)
		first = '?';
	ioctl(fd, BLKBSZGET, &size);
	snprintf(self->text, sizeof(self->text), "%s\nallow_other %d fuseblk %d\n%c %d\n",
		 strchr(line, ' '), fuse_service_can_allow_other(service),
		 fuse_service_can_fuseblk(service), first, size);
	free(line);
	/* The kernel opens the device for itself, and nobody else may have it then. */
	close(fd);
	return 0;
}

static int serve(struct fuse_service *service, struct fuse_args *args, struct onefile *self)
{
	struct fuse_cmdline_opts opts;
	struct fuse_session *se = NULL;
	int ret = 1;

	if (fuse_service_can_fuseblk(service) && fuse_opt_add_arg(args, "-oblkdev"))
		return 1;
	if (fuse_service_parse_cmdline_opts(args, &opts))
		return 1;
	fuse_service_expect_mount_format(service, S_IFDIR); /* the next says otherwise */
	se = fuse_session_new(args, &ops, sizeof(ops), self);
	if (se && fuse_set_signal_handlers(se) == 0) {
		if (fuse_service_session_mount(service, se, S_IFREG, &opts) == 0 &&
		    fuse_service_send_goodbye(service, 0) == 0)
			ret = fuse_session_loop(se) < 0;
		fuse_remove_signal_handlers(se);
		fuse_session_unmount(se);
	}
	if (se)
		fuse_session_destroy(se);
	free(opts.mountpoint);
	return ret;
}

static int run(struct fuse_service *service, int argc, char *argv[], struct fuse_args *args,
	       struct onefile *self)
{
	struct fuse_args all = FUSE_ARGS_INIT(0, NULL);
	int err;

	if (fuse_service_append_args(service, args))
		return 1;
	/* As it was before anything is taken out of it. */
	for (int i = 0; i < args->argc; i++)
		if (fuse_opt_add_arg(&all, args->argv[i]))
			return 1;
	err = fuse_opt_parse(args, self, options, take_source) || !self->source ||
	      look(service, self, argc, argv, &all);
	fuse_opt_free_args(&all);
	if (err || fuse_service_finish_file_requests(service))
		return 1;
	return serve(service, args, self);
}

int main(int argc, char *argv[])
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct onefile self = {0};
	struct fuse_service *service;
	int ret;

	if (fuse_service_accept(&service) || !fuse_service_accepted(service))
		return 1;
	ret = run(service, argc, argv, &args, &self);
	fuse_service_send_goodbye(service, ret);
	fuse_service_release(service);
	fuse_service_destroy(&service);
	free(self.source);
	fuse_opt_free_args(&args);
	return fuse_service_exit(ret);
}
