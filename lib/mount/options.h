/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The option table and what a command line made of it. */
#ifndef PROFUSE_MOUNT_OPTIONS_H
#define PROFUSE_MOUNT_OPTIONS_H

#include <stdbool.h>
#include <sys/mount.h>

#include "mount/mount.h"

enum mnt_opt_id {
#define MNT_OPTION(id, name, kind, set, clear, helper, help) MNT_OPT_##id,
#include "mount/options.def"
#undef MNT_OPTION
	MNT_OPT_COUNT
};

enum mnt_opt_kind {
	MNT_KIND_FLAG,
	MNT_KIND_DATA,
	MNT_KIND_NUMBER,
	MNT_KIND_LIBRARY,
	MNT_KIND_IGNORED,
	MNT_KIND_UNKNOWN,
};

enum mnt_opt_helper {
	MNT_HELPER_PASS,
	MNT_HELPER_WARN,
	MNT_HELPER_ROOT,
	MNT_HELPER_CONF,
	MNT_HELPER_DROP,
	MNT_HELPER_REFUSE,
};

struct mnt_opt_row {
	const char *name;
	enum mnt_opt_kind kind;
	uint32_t set; /* MS_*, of which none is beyond */
	uint32_t clear;
	enum mnt_opt_helper helper;
	const char *help;
};

extern const struct mnt_opt_row mnt_opt_table[MNT_OPT_COUNT];

/* True for options written name=value. */
bool mnt_opt_has_value(const struct mnt_opt_row *row);

struct mnt_opts {
	unsigned long flags;	    /* MS_* after the last word */
	bool given[MNT_OPT_COUNT];  /* the word was there */
	char *value[MNT_OPT_COUNT]; /* what followed its '=', last one */
};

#endif
