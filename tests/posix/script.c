/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "script.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_STATEMENT = 512, MAX_EXPANDED = 8192 };

/* One statement, taken apart. The strings live in `text` and `expanded`. */
struct statement {
	char text[MAX_STATEMENT];
	char expanded[MAX_EXPANDED];
	size_t expanded_used;
	enum user user;
	const struct verb *verb;
	int argc;
	char *args[SCRIPT_ARGS];
	const char *expect; /* NULL: success */
};

static const char *skip_blanks(const char *s)
{
	while (*s == ' ' || *s == '\t')
		s++;
	return s;
}

/* Copy the next statement to st->text. Returns what follows, or NULL at the end. */
static const char *next_statement(const char *script, struct statement *st)
{
	size_t len;

	memset(st, 0, sizeof(*st));
	while (*script == ';' || isspace((unsigned char)*script))
		script++;
	if (*script == '\0')
		return NULL;
	len = strcspn(script, ";\n");
	if (len >= sizeof(st->text))
		fail("script: statement too long: %.60s...", script);
	memcpy(st->text, script, len);
	return script + len;
}

/* "@300" is a name of 300 characters; "u1" stays as it is. */
static char *expand(struct statement *st, char *word)
{
	char *at = strchr(word, '@');
	char *result = st->expanded + st->expanded_used;
	char *rest;
	size_t prefix, count, need;

	if (!at || !isdigit((unsigned char)at[1]))
		return word;
	prefix = at - word;
	count = strtoul(at + 1, &rest, 10);
	need = prefix + count + strlen(rest) + 1;
	if (need > sizeof(st->expanded) - st->expanded_used)
		fail("script: too long when expanded: %s", word);
	memcpy(result, word, prefix);
	memset(result + prefix, 'x', count);
	strcpy(result + prefix + count, rest);
	st->expanded_used += need;
	return result;
}

static bool take_user(struct statement *st, const char *word)
{
	const size_t len = strlen(word);

	if (len == 0 || word[len - 1] != ':')
		return false;
	for (int u = 0; u < USERS; u++) {
		if (strlen(users[u].name) == len - 1 && memcmp(users[u].name, word, len - 1) == 0) {
			st->user = u;
			return true;
		}
	}
	return false;
}

static void parse_statement(struct statement *st)
{
	char *save = NULL;
	char *word = strtok_r(st->text, " \t", &save);

	if (take_user(st, word))
		word = strtok_r(NULL, " \t", &save);
	st->verb = word ? find_verb(word) : NULL;
	if (!st->verb)
		fail("script: no such verb: %s", word ? word : "(none)");
	while ((word = strtok_r(NULL, " \t", &save)) != NULL) {
		if (strcmp(word, "=") == 0) {
			st->expect = skip_blanks(save);
			break;
		}
		if (st->argc == SCRIPT_ARGS)
			fail("script: too many arguments to %s", st->verb->name);
		st->args[st->argc++] = expand(st, word);
	}
	if (st->argc < st->verb->min_args || st->argc > st->verb->max_args)
		fail("script: %s takes %d to %d arguments, not %d", st->verb->name,
		     st->verb->min_args, st->verb->max_args, st->argc);
}

static void describe(const struct outcome *out, char *buf, size_t size)
{
	if (out->err)
		snprintf(buf, size, "%s", errno_name(out->err));
	else if (out->is_text)
		snprintf(buf, size, "%s", out->text);
	else
		snprintf(buf, size, "%lld", out->number);
}

/* Does the outcome match one alternative? */
static bool matches_one(const struct outcome *out, const char *want, size_t len)
{
	const int err = len > 0 && *want == 'E' ? errno_number(want, len) : -1;
	char *end;
	long long number;

	if (err >= 0)
		return out->err == err;
	if (out->err)
		return false;
	if (out->is_text)
		return strlen(out->text) == len && memcmp(out->text, want, len) == 0;
	number = strtoll(want, &end, 0);
	return end == want + len && out->number == number;
}

static void check_outcome(const struct statement *st, const char *source, size_t source_len,
			  const struct outcome *out)
{
	const char *want = st->expect;
	bool several = false;
	char got[SCRIPT_TEXT];

	describe(out, got, sizeof(got));
	if (!want) {
		if (out->err)
			fail("%.*s: %s", (int)source_len, source, got);
		return;
	}
	for (;;) {
		size_t len = strcspn(want, "| \t");

		several = several || want[len] == '|';
		if (matches_one(out, want, len)) {
			if (several)
				note("%s: %s", st->verb->name, got);
			return;
		}
		if (want[len] != '|')
			break;
		want += len + 1;
	}
	fail("%.*s: was %s", (int)source_len, source, got);
}

void run_script(const char *script)
{
	const char *at = script;
	struct statement st;

	for (;;) {
		static struct outcome out;
		const char *end = next_statement(at, &st);
		size_t len;

		if (!end)
			return;
		while (*at == ';' || isspace((unsigned char)*at))
			at++;
		len = end - at;
		parse_statement(&st);
		memset(&out, 0, sizeof(out));
		if (st.user != ROOT)
			become(st.user);
		st.verb->run(st.argc, st.args, &out);
		if (st.user != ROOT)
			become(ROOT);
		check_outcome(&st, at, len, &out);
		at = end;
	}
}

void script(const char *format, ...)
{
	char text[4096];
	va_list ap;
	int len;

	va_start(ap, format);
	len = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= sizeof(text))
		fail("script: too long");
	run_script(text);
}
