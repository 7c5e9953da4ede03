/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The -o string as a table. What is not in the table is an error, and no text
 * of the user reaches the kernel's option string: numbers are parsed here and
 * printed anew, fsname and subtype travel as arguments of their own.
 */
#include "fusermount3.h"

#include <string.h>
#include <sys/mount.h>

#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif

enum kind { SET, CLEAR, WISH, UNWISH, MAX_READ, BLKSIZE, FSNAME, SUBTYPE, IGNORE };

static const struct {
	const char *name; /* a trailing '=' takes a value, a trailing '-' any rest */
	enum kind kind;
	unsigned long value;
} table[] = {
	{"ro", SET, MS_RDONLY},
	{"rw", CLEAR, MS_RDONLY},
	{"noexec", SET, MS_NOEXEC},
	{"exec", CLEAR, MS_NOEXEC},
	{"sync", SET, MS_SYNCHRONOUS},
	{"async", CLEAR, MS_SYNCHRONOUS},
	{"dirsync", SET, MS_DIRSYNC},
	{"noatime", SET, MS_NOATIME},
	{"nodiratime", SET, MS_NODIRATIME},
	{"norelatime", CLEAR, MS_RELATIME},
	{"nostrictatime", CLEAR, MS_STRICTATIME},
	{"nosymfollow", SET, MS_NOSYMFOLLOW},
	{"symfollow", CLEAR, MS_NOSYMFOLLOW},
	{"suid", WISH, WISH_SUID},
	{"nosuid", UNWISH, WISH_SUID},
	{"dev", WISH, WISH_DEV},
	{"nodev", UNWISH, WISH_DEV},
	{"allow_other", WISH, WISH_ALLOW_OTHER},
	{"allow_root", WISH, WISH_ALLOW_ROOT},
	{"default_permissions", WISH, WISH_DEFAULT_PERMISSIONS},
	{"auto_unmount", WISH, WISH_AUTO_UNMOUNT},
	{"blkdev", WISH, WISH_BLKDEV},
	{"max_read=", MAX_READ, 0},
	{"blksize=", BLKSIZE, 0},
	{"fsname=", FSNAME, 0},
	{"subtype=", SUBTYPE, 0},
	/* What libraries put there for a mount of their own, and what mount(8)
	 * keeps for itself. */
	{"nonempty", IGNORE, 0},
	{"fd=", IGNORE, 0},
	{"rootmode=", IGNORE, 0},
	{"user_id=", IGNORE, 0},
	{"group_id=", IGNORE, 0},
	{"x-", IGNORE, 0},
};

static bool matches(const char *name, const char *element)
{
	size_t n = strlen(name);
	bool prefix = name[n - 1] == '=' || name[n - 1] == '-';

	return prefix ? strncmp(name, element, n) == 0 : strcmp(name, element) == 0;
}

static bool number_option(const char *value, uint32_t *out)
{
	uint64_t n;

	if (!parse_number(value, UINT32_MAX, &n))
		return false;
	*out = (uint32_t)n;
	return true;
}

static bool apply(const char *element, struct mount_options *o)
{
	const char *value = strchr(element, '=');
	size_t i;

	value = value ? value + 1 : "";
	for (i = 0; i < ARRAY_SIZE(table) && !matches(table[i].name, element); i++)
		;
	if (i == ARRAY_SIZE(table))
		return false;
	switch (table[i].kind) {
	case SET:
		o->flags |= table[i].value;
		return true;
	case CLEAR:
		o->flags &= ~table[i].value;
		return true;
	case WISH:
		o->wishes |= (unsigned int)table[i].value;
		return true;
	case UNWISH:
		o->wishes &= ~(unsigned int)table[i].value;
		return true;
	case MAX_READ:
		return number_option(value, &o->max_read);
	case BLKSIZE:
		return number_option(value, &o->blksize);
	case FSNAME:
		o->fsname = value;
		return true;
	case SUBTYPE:
		o->subtype = value;
		return true;
	case IGNORE:
		return true;
	}
	return false;
}

/*
 * Ends the element at s and returns where the next begins, NULL after the last.
 * A backslash protects the following character in fsname= and subtype= only:
 * everywhere else it is an ordinary character, so that no escape can smuggle an
 * option past the table.
 */
static char *cut_element(char *s)
{
	bool escapes = matches("fsname=", s) || matches("subtype=", s);
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
	*o = (struct mount_options){0};
	while (s && *s) {
		char *next = cut_element(s);

		if (!apply(s, o))
			return s;
		s = next;
	}
	return NULL;
}
