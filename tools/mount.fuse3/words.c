/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "mount/options.h"
#include "mount/text.h"

enum fate {
	FATE_PASS,
	FATE_DROP,
	FATE_USER,  /* dropped; implies noexec, nosuid, nodev */
	FATE_OWNER, /* dropped; implies nosuid, nodev */
	FATE_SETUID,
	FATE_DROP_PRIVILEGES,
	FATE_REMOUNT,
	FATE_SERVICE_TIMEOUT,
};

struct word {
	char *text;
	enum fate fate;
	enum mnt_opt_id row; /* MNT_OPT_COUNT where it has none */
};

/* Words of the common table that IGNORED or its opposite does not describe. */
static const struct {
	enum mnt_opt_id row;
	enum fate fate;
} exceptions[] = {
	{MNT_OPT_USER, FATE_USER},
	{MNT_OPT_USERS, FATE_USER},
	{MNT_OPT_OWNER, FATE_OWNER},
	{MNT_OPT_GROUP, FATE_OWNER},

	/* libfuse 2 asks for it; who else gets it has always refused it. */
	{MNT_OPT_NONEMPTY, FATE_PASS},
	/* mount(8) adds none, so it is the filesystem's own, a login perhaps. */
	{MNT_OPT_USER_NAME, FATE_PASS},

	/* The kernel leaves access times to the filesystem, so these change
	 * nothing; and each is an unknown option to libraries in use. noatime
	 * is known to all, and some filesystems heed it. */
	{MNT_OPT_ATIME, FATE_DROP},
	{MNT_OPT_NODIRATIME, FATE_DROP},
	{MNT_OPT_DIRATIME, FATE_DROP},
	{MNT_OPT_RELATIME, FATE_DROP},
	{MNT_OPT_NORELATIME, FATE_DROP},
	{MNT_OPT_STRICTATIME, FATE_DROP},
	{MNT_OPT_NOSTRICTATIME, FATE_DROP},
	{MNT_OPT_LAZYTIME, FATE_DROP},
	{MNT_OPT_NOLAZYTIME, FATE_DROP},
	/* The default. nosymfollow restricts, and so must not get lost. */
	{MNT_OPT_SYMFOLLOW, FATE_DROP},
};

/* Words that only this program knows. A '=' at the end: a value follows. */
static const struct {
	const char *name;
	enum fate fate;
} own_words[] = {
	{"setuid=", FATE_SETUID},
	{"drop_privileges", FATE_DROP_PRIVILEGES},
	{"remount", FATE_REMOUNT},
	{"service_timeout=", FATE_SERVICE_TIMEOUT},
	/* mount(8) is through with these; a filesystem opens the file itself. */
	{"loop", FATE_DROP},
	{"loop=", FATE_DROP},
};

static bool is_word(const char *text, const char *name)
{
	size_t len = strlen(name);

	return name[len - 1] == '=' ? strncmp(text, name, len) == 0 : strcmp(text, name) == 0;
}

static enum mnt_opt_id find_row(const char *text)
{
	for (int id = 0; id < MNT_OPT_COUNT; id++) {
		if (mnt_opt_table[id].kind != MNT_KIND_UNKNOWN &&
		    is_word(text, mnt_opt_table[id].name))
			return (enum mnt_opt_id)id;
	}
	return MNT_OPT_COUNT;
}

static enum fate find_fate(const char *text, enum mnt_opt_id row)
{
	if (!*text || strncmp(text, "x-", 2) == 0 || strncmp(text, "X-", 2) == 0)
		return FATE_DROP;
	for (size_t i = 0; i < ARRAY_SIZE(own_words); i++) {
		if (is_word(text, own_words[i].name))
			return own_words[i].fate;
	}
	if (row == MNT_OPT_COUNT)
		return FATE_PASS;
	for (size_t i = 0; i < ARRAY_SIZE(exceptions); i++) {
		if (exceptions[i].row == row)
			return exceptions[i].fate;
	}
	return mnt_opt_table[row].kind == MNT_KIND_IGNORED ? FATE_DROP : FATE_PASS;
}

/* A number of seconds, or 0 where that makes no sense: then the default counts. */
static unsigned int seconds(const char *s)
{
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	return *s >= '0' && *s <= '9' && !*end && n <= 1000000 ? (unsigned int)n : 0;
}

static void take_effect(struct words *w, const struct word *word)
{
	switch (word->fate) {
	case FATE_USER:
		w->flags |= MS_NOEXEC | MS_NOSUID | MS_NODEV;
		w->granted = 0;
		break;
	case FATE_OWNER:
		w->flags |= MS_NOSUID | MS_NODEV;
		w->granted = 0;
		break;
	case FATE_SETUID:
		w->setuid = word->text + strlen("setuid=");
		break;
	case FATE_DROP_PRIVILEGES:
		w->drop_privileges = true;
		break;
	case FATE_REMOUNT:
		w->remount = true;
		break;
	case FATE_SERVICE_TIMEOUT:
		w->service_timeout = seconds(word->text + strlen("service_timeout="));
		break;
	case FATE_PASS:
	case FATE_DROP:
		if (word->row != MNT_OPT_COUNT && mnt_opt_table[word->row].kind == MNT_KIND_FLAG) {
			const struct mnt_opt_row *row = &mnt_opt_table[word->row];

			w->flags = (w->flags & ~row->clear) | row->set;
			w->granted = (w->granted & ~row->set) | row->clear;
		}
		if (strcmp(word->text, "allow_root") == 0)
			w->allow_root = true;
		break;
	}
}

static bool grow(struct words *w)
{
	size_t room = w->room ? w->room : 16, bytes;
	struct word *list;

	if (w->count < w->room)
		return true;
	if (!size_mul(room, 2, &room) || !size_mul(room, sizeof(*list), &bytes))
		return false;
	list = realloc(w->list, bytes);
	if (!list)
		return false;
	w->list = list;
	w->room = room;
	return true;
}

/* dangling: the text ends in a backslash that escapes nothing. Doubled, or it
 * would take the comma before the next word away. */
static int add_word(struct words *w, const char *text, size_t len, bool dangling)
{
	struct word word = {.text = malloc(len + 2)};

	if (!word.text || !grow(w)) {
		free(word.text);
		return -ENOMEM;
	}
	memcpy(word.text, text, len);
	if (dangling)
		word.text[len++] = '\\';
	word.text[len] = '\0';
	word.row = find_row(word.text);
	word.fate = find_fate(word.text, word.row);
	w->list[w->count++] = word;
	take_effect(w, &word);
	return 0;
}

/* Quotes protect commas if each has its partner; a lone one is a character. */
static bool quotes_match(const char *s)
{
	bool even = true;

	for (; *s; s++) {
		if (*s == '\\' && s[1])
			s++;
		else if (*s == '"')
			even = !even;
	}
	return even;
}

int words_add(struct words *w, const char *list)
{
	const bool quotes = quotes_match(list);

	while (*list) {
		const char *end = list;
		bool quoted = false, dangling = false;
		int err;

		for (; *end && (quoted || *end != ','); end++) {
			if (*end == '\\' && end[1])
				end++;
			else if (*end == '\\')
				dangling = true;
			else if (*end == '"' && quotes)
				quoted = !quoted;
		}
		err = add_word(w, list, (size_t)(end - list), dangling);
		if (err)
			return err;
		list = *end ? end + 1 : end;
	}
	return 0;
}

void words_free(struct words *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->list[i].text);
	free(w->list);
	*w = (struct words){0};
}

/* A flag word counts if it is in force at the end: of "noexec,exec" only the
 * second is said. Some flags are set by no word of their own (user). */
static bool in_force(const struct words *w, const struct word *word)
{
	const struct mnt_opt_row *row;

	if (word->row == MNT_OPT_COUNT)
		return true;
	row = &mnt_opt_table[word->row];
	if (row->kind != MNT_KIND_FLAG)
		return true;
	return (w->flags & row->set) == row->set && !(w->flags & row->clear & ~row->set);
}

/* fuse_opt knows no quotes. Where the value goes to the kernel and quotes are
 * customary, a security context, the comma needs its backslash. */
static void put_with_commas_escaped(struct mnt_text *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '\\' && s[1]) {
			mnt_text_add(out, "%c%c", s[0], s[1]);
			s++;
		} else {
			mnt_text_add(out, "%s%c", *s == ',' ? "\\" : "", *s);
		}
	}
}

static void put(struct mnt_text *out, const struct word *word, bool escape)
{
	bool context = word->row != MNT_OPT_COUNT && mnt_opt_table[word->row].kind == MNT_KIND_DATA;

	mnt_text_add(out, "%s", out->len ? "," : "");
	if (escape || context)
		put_with_commas_escaped(out, word->text);
	else
		mnt_text_add(out, "%s", word->text);
}

/* What follows from words like user, or from there being no word. */
static void put_implied(const struct words *w, const unsigned long said, bool may_grant,
			struct mnt_text *out)
{
	static const struct {
		unsigned long flag;
		const char *set, *clear;
	} implied[] = {
		{MS_NODEV, "nodev", "dev"},
		{MS_NOSUID, "nosuid", "suid"},
		{MS_NOEXEC, "noexec", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(implied); i++) {
		const char *name = w->flags & implied[i].flag ? implied[i].set : implied[i].clear;

		if ((said & implied[i].flag) || !name || (name == implied[i].clear && !may_grant))
			continue;
		mnt_text_add(out, "%s%s", out->len ? "," : "", name);
	}
}

static char *finish(struct mnt_text *out)
{
	bool failed = out->failed;
	char *s = mnt_text_take(out);

	return s || failed ? s : strdup("");
}

char *words_for_filesystem(const struct words *w, bool may_grant)
{
	CLEANUP_TEXT struct mnt_text out = {0};
	unsigned long said = 0;

	for (size_t i = 0; i < w->count; i++) {
		const struct word *word = &w->list[i];

		if (word->fate != FATE_PASS || !in_force(w, word))
			continue;
		if (word->row != MNT_OPT_COUNT)
			said |= mnt_opt_table[word->row].set | mnt_opt_table[word->row].clear;
		put(&out, word, false);
	}
	put_implied(w, said, may_grant, &out);
	return finish(&out);
}

char *words_for_mount(const struct words *w, bool may_grant)
{
	CLEANUP_TEXT struct mnt_text out = {0};

	for (size_t i = 0; i < w->count; i++) {
		if (w->list[i].fate == FATE_PASS || w->list[i].fate == FATE_DROP)
			put(&out, &w->list[i], true);
	}
	/* Once more, at the end, for what user and the like imply. */
	put_implied(w, 0, may_grant, &out);
	return finish(&out);
}

const char *words_text(const struct words *w, size_t i, enum mnt_opt_id *row)
{
	*row = w->list[i].row;
	return w->list[i].fate == FATE_PASS ? w->list[i].text : NULL;
}
