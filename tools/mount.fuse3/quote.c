/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "quote.h"

#include <string.h>

void quote_word(struct mnt_text *out, const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "%+,-./:=@_";

	if (*s && !s[strspn(s, plain)]) {
		mnt_text_add(out, "%s", s);
		return;
	}
	/* Nothing is special between single quotes but the quote itself. */
	mnt_text_add(out, "'");
	while (*s) {
		size_t len = strcspn(s, "'");

		mnt_text_add(out, "%.*s", (int)len, s);
		s += len;
		for (; *s == '\''; s++)
			mnt_text_add(out, "'\\''");
	}
	mnt_text_add(out, "'");
}

void quote_command(struct mnt_text *out, char *const argv[])
{
	for (size_t i = 0; argv[i]; i++) {
		mnt_text_add(out, "%s", i ? " " : "");
		quote_word(out, argv[i]);
	}
}
