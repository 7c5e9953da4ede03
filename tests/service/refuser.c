/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* refuser DIR: a service whose init() asks for what the kernel does not have. */
#define FUSE_USE_VERSION 319

#include <fuse.h>
#include <fuse_service.h>

static void *rf_init(struct fuse_conn_info *conn, struct fuse_config *cfg)
{
	conn->want_ext |= 1ULL << 63;
	return NULL;
}

static const struct fuse_operations ops = {.init = rf_init};

int main(int argc, char *argv[])
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct fuse_service *service;
	int ret = 1;

	if (fuse_service_accept(&service) || !fuse_service_accepted(service))
		return 1;
	if (fuse_service_append_args(service, &args) == 0)
		ret = fuse_service_main(service, &args, &ops, NULL);
	fuse_service_send_goodbye(service, ret);
	fuse_service_destroy(&service);
	fuse_opt_free_args(&args);
	return fuse_service_exit(ret);
}
