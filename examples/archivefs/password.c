/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a password comes from. Not from the command line: everybody can read
 * that while the program runs. */
#include "archivefs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static char *one_line(FILE *f)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t len = getline(&line, &room, f);

	if (len < 0) {
		free(line);
		return NULL;
	}
	line[strcspn(line, "\r\n")] = '\0';
	return line;
}

static char *typed(FILE *tty)
{
	struct termios before, silent;
	char *line;

	fprintf(tty, "Password for %s: ", source_path());
	fflush(tty);
	if (tcgetattr(fileno(tty), &before))
		return one_line(tty);
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(fileno(tty), TCSAFLUSH, &silent);
	line = one_line(tty);
	tcsetattr(fileno(tty), TCSAFLUSH, &before);
	fputc('\n', tty);
	return line;
}

char *password_get(const char *file)
{
	const char *name = file ? file : "/dev/tty";
	FILE *f = fopen(name, file ? "re" : "r+e");
	char *line = NULL;
	int err = errno;

	if (f) {
		errno = 0;
		line = file ? one_line(f) : typed(f);
		err = errno;
		fclose(f);
	}
	if (!line)
		fprintf(stderr, "archivefs: no password in %s: %s\n", name,
			err ? strerror(err) : "it is empty");
	return line;
}
