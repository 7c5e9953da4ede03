/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the setuid helper reads: fuse.conf, and lines of the mount
 * table, where nothing in a name may change who owns the mount.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fusermount3.h"

static const char *const words[] = {
	"user_allow_other",
	"mount_max",
	"allow_fstype",
	"=",
	" ",
	"#",
	"\n",
	"-1",
	"1000",
	"0x",
	"cafe",
	"\t",
	"\r",
	"999999999999",
	"\\040",
	"\\134",
	" - ",
	"fuse",
	".sub",
	"rw",
	",user_id=0",
	",user_id=1000",
	"/mnt",
	"0:1",
	"36",
	"(deleted)",
	"\\",
	",",
};

const unsigned int fuzz_seeds = ARRAY_SIZE(words);

size_t fuzz_make(uint64_t n, uint8_t *buf)
{
	unsigned int count;
	size_t len = 0;

	if (n < fuzz_seeds) {
		len = strlen(words[n]);
		memcpy(buf, words[n], len);
		return len;
	}
	srandom((unsigned int)(n ^ n >> 32));
	count = (unsigned int)random() % 20;
	while (count--) {
		const char *w = words[(size_t)random() % ARRAY_SIZE(words)];
		size_t times = random() % 64 ? 1 : 100;

		while (times-- && len < FUZZ_INPUT_MAX - 64) {
			memcpy(buf + len, w, strlen(w));
			len += strlen(w);
		}
		if (random() % 8 == 0)
			buf[len++] = (uint8_t)random();
	}
	return len;
}

static void require(int condition)
{
	if (!condition)
		abort();
}

static void read_conf(const char *text, size_t len)
{
	char *copy = malloc(len + 1);
	struct conf c;

	memcpy(copy, text, len);
	conf_parse(copy, len, &c);
	require(c.mount_max >= -1 && c.n_extra_types <= CONF_EXTRA_TYPES);
	require(!c.user_allow_other || memmem(text, len, "user_allow_other", 16));
	free(copy);
}

/* The kernel escapes blanks, newlines and backslashes in names. */
static size_t escape(char *out, const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		if (strchr(" \t\n\\#", text[i]))
			n += (size_t)sprintf(out + n, "\\%03o", (unsigned char)text[i]);
		else
			out[n++] = text[i];
	out[n] = '\0';
	return n;
}

static void read_table(const char *text, size_t len)
{
	size_t third = len / 3, room = 4 * len + 256, n;
	struct mount_entry e;
	char *line = malloc(room);

	n = (size_t)sprintf(line, "36 35 0:1 / /");
	n += escape(line + n, text, third);
	n += (size_t)sprintf(line + n, " rw - fuse.");
	n += escape(line + n, text + third, third);
	line[n++] = ' ';
	n += escape(line + n, text + 2 * third, third);
	sprintf(line + n, " rw,user_id=1000,group_id=1000");
	require(table_line(line, &e));
	require(e.id == 36 && e.parent == 35 && e.fuse && e.has_owner && e.owner == 1000);
	require(e.path[0] == '/' && memcmp(e.path + 1, text, third) == 0 &&
		e.path[third + 1] == '\0');
	free(line);
}

void fuzz_one(const uint8_t *input, size_t len)
{
	char *text = malloc(len + 1);
	struct mount_entry e;

	say_nothing = true;
	memcpy(text, input, len);
	text[len] = '\0';
	read_conf(text, len);
	if (!memchr(text, '\0', len))
		read_table(text, len);
	table_line(text, &e); /* as it is: no more than not to crash */
	free(text);
}
