/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parameters of the multi-threaded loops. */
#define FUSE_USE_VERSION 319
#include <fuse_lowlevel.h>

#include <limits.h>
#include <stdlib.h>

#include "base/compiler.h"
#include "base/log.h"
#include "session/loop_cfg.h"

/* More is a negative number that went through an unsigned, or a typing error. */
#define MAX_THREADS_ACCEPTED 100000u

#define DEFAULT_MAX_THREADS  10u
#define DEFAULT_IDLE_THREADS UINT_MAX

/* Neither 0 nor 1, which is what the older, public structure begins with
 * (clone_fd), so that the two can be told apart. */
#define CONFIG_MAGIC (INT_MAX - 2)

struct fuse_loop_config {
	int magic;
	int clone_fd;
	unsigned int max_idle_threads;
	unsigned int max_threads;
};

static void set_defaults(struct fuse_loop_config *config)
{
	config->magic = CONFIG_MAGIC;
	config->clone_fd = 0;
	config->max_idle_threads = DEFAULT_IDLE_THREADS;
	config->max_threads = DEFAULT_MAX_THREADS;
}

PROFUSE_EXPORT struct fuse_loop_config *fuse_loop_cfg_create(void)
{
	struct fuse_loop_config *config = malloc(sizeof(*config));

	if (config)
		set_defaults(config);
	return config;
}

PROFUSE_EXPORT void fuse_loop_cfg_destroy(struct fuse_loop_config *config)
{
	free(config);
}

static bool refuse(const char *what, unsigned int value)
{
	fuse_log(FUSE_LOG_ERR, "fuse: ignoring %u as the number of %s threads: at most %u\n", value,
		 what, MAX_THREADS_ACCEPTED);
	return false;
}

static bool acceptable_idle(unsigned int value)
{
	return value <= MAX_THREADS_ACCEPTED || value == UINT_MAX || refuse("idle", value);
}

static bool acceptable_max(unsigned int value)
{
	return (value > 0 && value <= MAX_THREADS_ACCEPTED) || refuse("worker", value);
}

PROFUSE_EXPORT void fuse_loop_cfg_set_idle_threads(struct fuse_loop_config *config,
						   unsigned int value)
{
	if (acceptable_idle(value))
		config->max_idle_threads = value;
}

PROFUSE_EXPORT void fuse_loop_cfg_set_max_threads(struct fuse_loop_config *config,
						  unsigned int value)
{
	if (acceptable_max(value))
		config->max_threads = value;
}

PROFUSE_EXPORT void fuse_loop_cfg_set_clone_fd(struct fuse_loop_config *config, unsigned int value)
{
	config->clone_fd = value != 0;
}

PROFUSE_EXPORT void fuse_loop_cfg_convert(struct fuse_loop_config *config,
					  struct fuse_loop_config_v1 *v1_conf)
{
	fuse_loop_cfg_set_clone_fd(config, (unsigned int)v1_conf->clone_fd);
	fuse_loop_cfg_set_idle_threads(config, v1_conf->max_idle_threads);

	/* Programs of that time meant the number of threads. "All may stay" and
	 * "none may stay" say nothing about how many there may be. */
	if (v1_conf->max_idle_threads && v1_conf->max_idle_threads != UINT_MAX)
		fuse_loop_cfg_set_max_threads(config, v1_conf->max_idle_threads);
}

struct sess_loop_params sess_loop_params_v1(const struct fuse_loop_config_v1 *v1_conf)
{
	struct fuse_loop_config config;

	set_defaults(&config);
	if (v1_conf) {
		struct fuse_loop_config_v1 copy = *v1_conf;

		fuse_loop_cfg_convert(&config, &copy);
	}
	return sess_loop_params(&config);
}

struct sess_loop_params sess_loop_params(const struct fuse_loop_config *config)
{
	if (!config)
		return sess_loop_params_v1(NULL);
	if (config->magic != CONFIG_MAGIC) {
		fuse_log(FUSE_LOG_DEBUG, "fuse: loop parameters of an older edition\n");
		return sess_loop_params_v1(
			(const struct fuse_loop_config_v1 *)(const void *)config);
	}
	return (struct sess_loop_params){
		.clone_fd = config->clone_fd,
		.max_idle_threads = config->max_idle_threads,
		.max_threads = config->max_threads,
	};
}
