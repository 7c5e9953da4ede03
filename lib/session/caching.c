/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/caching.h"

#include "session/session.h"

/*
 * Names and attributes are valid for the same time, so that a name never shows a
 * file that its attributes have outlived. Contents are kept when a file is opened,
 * and dropped when fetched attributes show another size or mtime (AUTO_INVAL_DATA);
 * listings likewise. So in the middle profile everything is at most as old as
 * `valid`. What is never to change needs no such look.
 */
#define AGGRESSIVE_VALID    60.0
#define AGGRESSIVE_NEGATIVE 10.0
#define YEAR		    (365.0 * 86400)

struct sess_caching sess_caching_of(enum sess_cache_profile profile)
{
	struct sess_caching c = {.profile = profile};

	if (profile == SESS_CACHE_AGGRESSIVE) {
		c.valid = AGGRESSIVE_VALID;
		c.negative = AGGRESSIVE_NEGATIVE;
	} else if (profile == SESS_CACHE_IMMUTABLE) {
		c.valid = c.negative = YEAR;
	}
	return c;
}

const char *sess_caching_name(enum sess_cache_profile profile)
{
	static const char *const names[] = {
		[SESS_CACHE_DEFAULT] = "default",
		[SESS_CACHE_NONE] = "none",
		[SESS_CACHE_AGGRESSIVE] = "aggressive",
		[SESS_CACHE_IMMUTABLE] = "immutable",
	};

	return names[profile];
}

void sess_caching_keep(struct fuse_session *se, bool entry, bool attr, bool negative)
{
	struct sess_caching *c = &se->caching;

	c->keep_entry = entry;
	c->keep_attr = attr;
	c->keep_negative = negative;
}

static void wish(struct fuse_conn_info *conn, uint64_t cap, bool on)
{
	if (on)
		fuse_set_feature_flag(conn, cap);
	else
		fuse_unset_feature_flag(conn, cap);
}

void sess_caching_want(struct sess_caching *c, struct fuse_conn_info *conn, bool has_open,
		       bool has_opendir)
{
	if (c->profile == SESS_CACHE_DEFAULT)
		return;
	wish(conn, FUSE_CAP_CACHE_SYMLINKS, c->profile != SESS_CACHE_NONE);
	if (c->profile == SESS_CACHE_NONE) {
		wish(conn, FUSE_CAP_WRITEBACK_CACHE, false);
		/* Programs map files: without this, better keep the pages. */
		c->direct_io = fuse_set_feature_flag(conn, FUSE_CAP_DIRECT_IO_ALLOW_MMAP);
		return;
	}
	wish(conn, FUSE_CAP_AUTO_INVAL_DATA, c->profile == SESS_CACHE_AGGRESSIVE);
	wish(conn, FUSE_CAP_EXPLICIT_INVAL_DATA, c->profile == SESS_CACHE_IMMUTABLE);
	/* What the kernel opens by itself it keeps in its caches as well. */
	if (!has_open)
		wish(conn, FUSE_CAP_NO_OPEN_SUPPORT, true);
	if (!has_opendir)
		wish(conn, FUSE_CAP_NO_OPENDIR_SUPPORT, true);
}

static double valid(const struct sess_caching *c, double own, double ours)
{
	if (c->profile == SESS_CACHE_NONE)
		return 0;
	return own > ours ? own : ours;
}

double sess_entry_valid(const struct sess_caching *c, const struct fuse_entry_param *e)
{
	if (likely(c->profile == SESS_CACHE_DEFAULT) || (e->ino ? c->keep_entry : c->keep_negative))
		return e->entry_timeout;
	return valid(c, e->entry_timeout, e->ino ? c->valid : c->negative);
}

double sess_attr_valid(const struct sess_caching *c, double own)
{
	if (likely(c->profile == SESS_CACHE_DEFAULT) || c->keep_attr)
		return own;
	return valid(c, own, c->valid);
}

double sess_negative_valid(const struct sess_caching *c)
{
	return c->keep_negative ? 0 : c->negative;
}

uint32_t sess_caching_open(const struct sess_caching *c, bool dir, uint32_t flags)
{
	/* The kernel takes no hints about files that it hands to others. */
	if (likely(c->profile == SESS_CACHE_DEFAULT) || (flags & FOPEN_PASSTHROUGH))
		return flags;
	if (c->profile != SESS_CACHE_NONE)
		return flags | FOPEN_KEEP_CACHE | (dir ? FOPEN_CACHE_DIR : 0);
	flags &= ~(uint32_t)(FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR);
	return !dir && c->direct_io ? flags | FOPEN_DIRECT_IO : flags;
}
