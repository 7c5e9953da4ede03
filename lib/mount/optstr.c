/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mount/optstr.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

const char *mnt_unquoted(const char *value, size_t *len)
{
	*len = strlen(value);
	if (*len >= 2 && value[0] == '"' && value[*len - 1] == '"') {
		*len -= 2;
		return value + 1;
	}
	return value;
}

static int add_kernel_value(struct mnt_text *out, const struct mnt_opt_row *row, const char *value)
{
	size_t len;
	const char *plain = mnt_unquoted(value, &len);

	if (memchr(plain, '"', len))
		return -EINVAL;
	if (memchr(plain, ',', len))
		mnt_text_add(out, ",%s\"%.*s\"", row->name, (int)len, plain);
	else
		mnt_text_add(out, ",%s%.*s", row->name, (int)len, plain);
	return 0;
}

int mnt_kernel_data(const struct mnt_opts *opts, const struct mnt_owner *owner,
		    struct mnt_text *out)
{
	mnt_text_add(out, "fd=%d,rootmode=%o,user_id=%u,group_id=%u", owner->fd,
		     owner->rootmode & S_IFMT, owner->uid, owner->gid);
	for (size_t i = 0; i < MNT_OPT_COUNT; i++) {
		const struct mnt_opt_row *row = &mnt_opt_table[i];
		int err = 0;

		if (!opts->given[i] || (row->kind != MNT_KIND_DATA && row->kind != MNT_KIND_NUMBER))
			continue;
		if (opts->value[i])
			err = add_kernel_value(out, row, opts->value[i]);
		else
			mnt_text_add(out, ",%s", row->name);
		if (err)
			return err;
	}
	if (out->failed)
		return -ENOMEM;
	return out->len < (size_t)sysconf(_SC_PAGESIZE) - 1 ? 0 : -E2BIG;
}

void mnt_fs_type(const struct mnt_opts *opts, bool with_subtype, struct mnt_text *out)
{
	const char *subtype = opts->value[MNT_OPT_SUBTYPE];

	mnt_text_add(out, "%s", opts->given[MNT_OPT_BLKDEV] ? "fuseblk" : "fuse");
	if (with_subtype && subtype)
		mnt_text_add(out, ".%s", subtype);
}

void mnt_fs_source(const struct mnt_opts *opts, bool with_subtype, const char *device,
		   struct mnt_text *out)
{
	const char *fsname = opts->value[MNT_OPT_FSNAME];
	const char *subtype = opts->value[MNT_OPT_SUBTYPE];

	if (!fsname)
		mnt_text_add(out, "%s", subtype ? subtype : device);
	else if (with_subtype || !subtype || opts->given[MNT_OPT_BLKDEV])
		mnt_text_add(out, "%s", fsname);
	else
		mnt_text_add(out, "%s#%s", subtype, fsname);
}

/* Whether this row of flags says something about the outcome that the
 * defaults do not. Looking at the outcome spares us the history: which of
 * several contradicting words won. */
static bool flag_row_tells(const struct mnt_opt_row *row, unsigned long flags)
{
	unsigned long changed = flags ^ MNT_FLAGS_DEFAULT;

	if (row->set)
		return (flags & row->set) == row->set && (changed & row->set);
	return row->clear && (row->clear & changed & MNT_FLAGS_DEFAULT);
}

static void add_word(struct mnt_text *out, const char *name, const char *value, bool escaped)
{
	mnt_text_add(out, "%s%s", out->len ? "," : "", name);
	if (value && escaped)
		mnt_text_add_escaped(out, value);
	else if (value)
		mnt_text_add(out, "%s", value);
}

void mnt_helper_options(const struct mnt_opts *opts, struct mnt_text *out,
			struct mnt_text *left_out)
{
	for (size_t i = 0; i < MNT_OPT_COUNT; i++) {
		const struct mnt_opt_row *row = &mnt_opt_table[i];
		bool wanted;

		if (row->kind == MNT_KIND_FLAG)
			wanted = flag_row_tells(row, opts->flags);
		else
			wanted = opts->given[i] && row->kind != MNT_KIND_IGNORED &&
				 i != MNT_OPT_USERNS && i != MNT_OPT_AUTO_UNMOUNT;
		if (!wanted)
			continue;
		/* A missing atime flag does no harm. The rest is passed on to be
		 * refused: a security context must not get lost. */
		if (row->kind == MNT_KIND_FLAG && row->helper == MNT_HELPER_REFUSE)
			mnt_text_add(left_out, "%s%s", left_out->len ? " " : "", row->name);
		else
			add_word(out, row->name, opts->value[i], row->kind == MNT_KIND_LIBRARY);
	}
}
