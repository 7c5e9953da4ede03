/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Small scripts for checks. Statements are separated by ';' or line ends:
 *
 *     [USER:] VERB [ARGUMENT...] [= RESULT[|RESULT...]]
 *
 * USER is u1, u2 or u3; without it the statement runs as root. Without a RESULT the call has to
 * succeed. A RESULT is the name of an errno, a number (0644 is octal), or a word. With
 * alternatives, the one that was seen is noted.
 *
 * In arguments, @N stands for a name of N characters, and u1, u2, u3 stand for their ids
 * where an id is wanted. Files stay open in slots 0..9:
 *
 *     open 0 f RDWR|CREAT 0644; write 0 hello; close 0
 *
 * The verbs are in the table at the end of script_verbs.c.
 */
#ifndef POSIX_SCRIPT_H
#define POSIX_SCRIPT_H

#include "check.h"

enum { SCRIPT_ARGS = 8, SCRIPT_SLOTS = 10, SCRIPT_TEXT = 4096 };

/* What a statement produced: an errno, or a number, or a word. */
struct outcome {
	int err;
	long long number;
	bool is_text;
	char text[SCRIPT_TEXT];
};

struct verb {
	const char *name;
	int min_args, max_args;
	/* args beyond argc are NULL. Sets *out, which starts as success with number 0. */
	void (*run)(int argc, char **args, struct outcome *out);
};

const struct verb *find_verb(const char *name);

/* The descriptor in a slot; fails the check if the slot is empty. */
int slot_fd(const char *slot);

void run_script(const char *script);
/* The same with a script that is put together. */
void script(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
