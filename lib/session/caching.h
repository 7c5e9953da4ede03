/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * -o cache=PROFILE: how far the kernel may trust what it was told, for every
 * filesystem, whatever that says itself. Answers pass through here on their way.
 */
#ifndef PROFUSE_SESSION_CACHING_H
#define PROFUSE_SESSION_CACHING_H

#define FUSE_USE_VERSION 319
#include <fuse_lowlevel.h>

#include <stdbool.h>

enum sess_cache_profile {
	SESS_CACHE_DEFAULT, /* as the filesystem says */
	SESS_CACHE_NONE,
	SESS_CACHE_AGGRESSIVE,
	SESS_CACHE_IMMUTABLE,
};

struct sess_caching {
	enum sess_cache_profile profile;
	double valid;	 /* seconds, of names and attributes */
	double negative; /* of names that are not there */
	/* A time was given by itself, and the filesystem knows it. */
	bool keep_entry, keep_attr, keep_negative;
	bool direct_io; /* shared mappings are possible all the same */
};

struct sess_caching sess_caching_of(enum sess_cache_profile profile);
const char *sess_caching_name(enum sess_cache_profile profile);

/* The path API's options entry_timeout and so on are said beside the profile. */
void sess_caching_keep(struct fuse_session *se, bool entry, bool attr, bool negative);

/* After init(): the capabilities that belong to the profile. */
void sess_caching_want(struct sess_caching *c, struct fuse_conn_info *conn, bool has_open,
		       bool has_opendir);

/* What becomes of what the filesystem said. */
double sess_entry_valid(const struct sess_caching *c, const struct fuse_entry_param *e);
double sess_attr_valid(const struct sess_caching *c, double own);
/* For how long may a name be known not to be there? */
double sess_negative_valid(const struct sess_caching *c);
/* FOPEN_* flags for an open file or directory. */
uint32_t sess_caching_open(const struct sess_caching *c, bool dir, uint32_t flags);

#endif
