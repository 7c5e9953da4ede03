/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The -o string. The table is the library's, too; what it does not let users
 * ask of this program is an error. No text of the user's reaches the kernel's
 * option string: numbers are parsed and printed anew, fsname and subtype travel
 * as arguments of their own.
 */
#include "fusermount3.h"

#include <string.h>

const struct mnt_opt_row option_table[MNT_OPT_COUNT] = {
#define MNT_OPTION(id, name, kind, set, clear, helper, help)                                       \
	[MNT_OPT_##id] = {name, MNT_KIND_##kind, set, clear, MNT_HELPER_##helper, help},
#include "mount/options.def"
#undef MNT_OPTION
};

static bool starts(const char *word, const char *with)
{
	return strncmp(word, with, strlen(with)) == 0;
}

static bool take_word(const char *word, struct mount_options *o)
{
	const struct mnt_opt_row *row = option_table, *end = row + MNT_OPT_COUNT;
	const char *value;
	uint64_t n;

	if (starts(word, "x-") || starts(word, "X-"))
		return true;
	while (row < end && !(row->name[strlen(row->name) - 1] == '=' ? starts(word, row->name)
								      : !strcmp(word, row->name)))
		row++;
	if (row == end || row->helper == MNT_HELPER_REFUSE)
		return false;
	if (row->helper == MNT_HELPER_DROP)
		return true;
	value = word + strlen(row->name);
	if (row->kind == MNT_KIND_NUMBER && !parse_number(value, UINT32_MAX, &n))
		return false;
	if (row->kind == MNT_KIND_FLAG)
		o->flags = (o->flags & ~row->clear) | row->set;
	else
		o->value[row - option_table] = value;
	return true;
}

/*
 * Ends the word at s and returns where the next begins, NULL after the last. A
 * backslash protects the following character in fsname= and subtype= only:
 * everywhere else it is an ordinary character, so that no escape can smuggle an
 * option past the table.
 */
static char *cut_word(char *s)
{
	bool escapes = starts(s, "fsname=") || starts(s, "subtype=");
	char *out = s;

	for (; *s && *s != ','; s++) {
		if (escapes && *s == '\\' && s[1])
			s++;
		*out++ = *s;
	}
	s = *s ? s + 1 : NULL;
	*out = '\0';
	return s;
}

const char *options_parse(char *s, struct mount_options *o)
{
	*o = (struct mount_options){.flags = MNT_FLAGS_DEFAULT};
	while (s && *s) {
		char *next = cut_word(s);

		if (!take_word(s, o))
			return s;
		s = next;
	}
	return NULL;
}
