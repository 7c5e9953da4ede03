/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The setuid helper's option string and what is made of it: for a user, no
 * input may lead to a mount without nosuid and nodev, to allow_other, or to a
 * word of the user's in the kernel's option string.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "fusermount3.h"

static const char *const words[] = {
	"ro",	       "rw",	  "suid",	  "dev",       "nosuid",     "nodev",
	"allow_other", "fsname=", "subtype=",	  "max_read=", "blksize=",   "blkdev",
	"x-a",	       "fd=",	  "user_id=",	  "context=",  "allow_root", "nonempty",
	"\\",	       ",",	  "\\,",	  "=",	       "\"",	     "1",
	"4294967296",  "sync",	  "auto_unmount", "a",
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
	count = (unsigned int)random() % 12;
	while (count--) {
		const char *w = words[(size_t)random() % ARRAY_SIZE(words)];

		memcpy(buf + len, w, strlen(w));
		len += strlen(w);
		if (random() % 2)
			buf[len++] = ',';
		if (random() % 8 == 0)
			buf[len++] = (uint8_t)(random() % 255 + 1);
	}
	return len;
}

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check_plan(const struct mount_options *o, unsigned long flags)
{
	static struct mount_plan plan;

	require((flags & (MS_NOSUID | MS_NODEV)) == (MS_NOSUID | MS_NODEV));
	require(policy_plan(&plan, o, flags, 7, 040755) == 0);
	require(strncmp(plan.data, "fd=7,rootmode=40000,user_id=", 28) == 0);
	require(!strstr(plan.data, "allow_other"));
	require(plan.data[strspn(plan.data, "abcdefghijklmnopqrstuvwxyz_=,0123456789")] == '\0');
	require(strcmp(plan.fs, "fuse") == 0);
}

void fuzz_one(const uint8_t *input, size_t len)
{
	static const struct conf conf = {.mount_max = 1000};
	char *text = malloc(len + 1); /* of the exact size, for the sanitizer */
	struct mount_options o;
	const char *bad, *about;

	memcpy(text, input, len);
	text[len] = '\0';
	bad = options_parse(text, &o);
	require(!bad || (bad >= text && bad + strlen(bad) <= text + len));
	if (!bad && !policy_options(1000, &o, &conf, &about))
		check_plan(&o, policy_flags(1000, o.flags));
	free(text);
}
