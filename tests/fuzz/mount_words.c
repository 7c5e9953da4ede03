/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The words of -o, as mount.fuse3 translates them: the input is a byte of
 * switches and lists separated by zero bytes.
 *
 * Three things must hold of any input. What the filesystem is given, translated
 * once more, does not change: nothing in it was meant for somebody else. Nothing
 * is said twice that was said once. And fuse_opt, which filesystems use, sees as
 * many words as there are.
 */
#include "fuzz.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "opt/list.h"
#include "words.h"

static const char *const words[] = {
	"own",	     "own=1",
	"own=a\\,b", "own=\\\\",
	"own=\\054", "own=\"a,nofail,b\"",
	"ro",	     "rw",
	"suid",	     "nosuid",
	"dev",	     "nodev",
	"exec",	     "noexec",
	"noatime",   "atime",
	"relatime",  "nosymfollow",
	"user",	     "users",
	"owner",     "user=joe",
	"nofail",    "x-a=\"b,c\"",
	"x-",	     "X-a",
	"comment=x", "defaults",
	"setuid=",   "setuid=joe",
	"remount",   "allow_root",
	"loop=/x",   "context=\"a,b\"",
	"\\",	     "\"",
	"",	     "drop_privileges",
	"sync",	     "async",
	"own\\",     "own\"",
};

const unsigned int fuzz_seeds = ARRAY_SIZE(words);

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static size_t put(uint8_t *buf, size_t len, const char *s)
{
	size_t n = strlen(s);

	if (len + n > 1000)
		return len;
	memcpy(buf + len, s, n);
	return len + n;
}

size_t fuzz_make(uint64_t n, uint8_t *buf)
{
	static const char noise[] = ",,\\\"a=-x0";
	uint64_t state = (n + 1) * 0x9e3779b97f4a7c15ULL;
	size_t len = 0;
	unsigned int count;

	buf[len++] = (uint8_t)(next_random(&state) & 1);
	if (n < fuzz_seeds)
		return put(buf, len, words[n]);
	count = (unsigned int)(next_random(&state) % 12);
	for (unsigned int i = 0; i < count; i++) {
		uint64_t r = next_random(&state);

		if (r % 16 == 0)
			buf[len++] = '\0';
		else if (r % 16 < 5)
			buf[len++] = (uint8_t)noise[(r >> 8) % (sizeof(noise) - 1)];
		else
			len = put(buf, len, words[(r >> 8) % ARRAY_SIZE(words)]);
		if (r % 16 > 5)
			buf[len++] = ',';
	}
	return len;
}

static void check(bool right, const char *in, const char *out)
{
	if (right)
		return;
	fprintf(stderr, "in: %s\nout: %s\n", in, out);
	abort();
}

static char *translate(const char *list, bool may_grant)
{
	struct words w = {0};
	char *out = NULL;

	if (words_add(&w, list) == 0)
		out = words_for_filesystem(&w, may_grant);
	words_free(&w);
	return out;
}

static unsigned int count_of(const char *s, const char *part)
{
	unsigned int n = 0;

	while ((s = strstr(s, part))) {
		n++;
		s++;
	}
	return n;
}

static bool has_lone_quote(const char *s)
{
	bool odd = false;

	for (; *s; s++) {
		if (*s == '\\' && s[1])
			s++;
		else if (*s == '"')
			odd = !odd;
	}
	return odd;
}

/* fuse_opt takes the list apart in place. */
static unsigned int words_for_fuse_opt(const char *list)
{
	char *copy = strdup(list), *cursor = copy;
	unsigned int n = 0;

	if (*list) {
		while (opt_list_next(&cursor))
			n++;
	}
	free(copy);
	return n;
}

static unsigned int commas_that_separate(const char *list)
{
	unsigned int n = *list ? 1 : 0;

	for (; *list; list++) {
		if (*list == '\\' && list[1])
			list++;
		else if (*list == ',')
			n++;
	}
	return n;
}

void fuzz_one(const uint8_t *input, size_t len)
{
	const bool may_grant = len && (input[0] & 1);
	struct words w = {0};
	char *text, *out, *again, *own;
	unsigned int owned = 0;
	bool lone_quote = false;
	size_t at = 1;

	if (!len)
		return;
	while (at < len) {
		text = strndup((const char *)input + at, len - at);
		if (words_add(&w, text) < 0)
			abort();
		owned += count_of(text, "own");
		/* Lists with a lone quote mean something else when joined. */
		lone_quote |= has_lone_quote(text);
		at += strlen(text) + 1;
		free(text);
	}
	out = words_for_filesystem(&w, may_grant);
	own = words_for_mount(&w, may_grant);
	if (!out || !own)
		abort();
	again = translate(out, may_grant);
	check(lone_quote || strcmp(again, out) == 0, out, again);
	check(count_of(out, "own") <= owned, out, "words came out of nothing");
	check(words_for_fuse_opt(out) == commas_that_separate(out), out, "words were joined");
	words_free(&w);
	free(out);
	free(own);
	free(again);
}
