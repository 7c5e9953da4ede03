/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mount/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mnt_text_add(struct mnt_text *t, const char *fmt, ...)
{
	va_list ap;
	char *add = NULL, *grown;
	int n;

	if (t->failed)
		return;
	va_start(ap, fmt);
	n = vasprintf(&add, fmt, ap);
	va_end(ap);
	if (n < 0) {
		t->failed = true;
		return;
	}
	grown = realloc(t->str, t->len + (size_t)n + 1);
	if (!grown) {
		t->failed = true;
	} else {
		memcpy(grown + t->len, add, (size_t)n + 1);
		t->str = grown;
		t->len += (size_t)n;
	}
	free(add);
}

void mnt_text_add_escaped(struct mnt_text *t, const char *s)
{
	while (*s) {
		size_t plain = strcspn(s, ",\\");

		mnt_text_add(t, "%.*s", (int)plain, s);
		s += plain;
		if (*s)
			mnt_text_add(t, "\\%c", *s++);
	}
}

char *mnt_text_take(struct mnt_text *t)
{
	char *s = t->str;

	if (t->failed) {
		free(s);
		s = NULL;
	}
	*t = (struct mnt_text){0};
	return s;
}

void mnt_text_free(struct mnt_text *t)
{
	int saved = errno;

	free(t->str);
	*t = (struct mnt_text){0};
	errno = saved;
}
