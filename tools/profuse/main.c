/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "command.h"
#include "profuse_config.h"

#define EXIT_USAGE 2

static const struct command commands[] = {
	{"run", "run a command with a filesystem mounted for it alone", cmd_run},
};

static void help(FILE *to)
{
	fputs("usage: profuse COMMAND [ARGUMENTS]\n"
	      "       profuse help [COMMAND]\n"
	      "       profuse --version\n"
	      "\n"
	      "commands:\n",
	      to);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fputs("\nEach command has a manual page of its own, e.g. profuse-run(1).\n", to);
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

static int unknown(const char *name)
{
	fprintf(stderr, "profuse: no command `%s'; `profuse help' lists them\n", name);
	return EXIT_USAGE;
}

static int help_for(const char *name)
{
	const struct command *c = find(name);
	char help_word[] = "--help", name_word[32];
	char *argv[] = {name_word, help_word, NULL};

	if (!c)
		return unknown(name);
	snprintf(name_word, sizeof(name_word), "%s", name);
	return c->run(2, argv);
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	const struct command *c;

	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
		puts("profuse " PROFUSE_VERSION);
		return 0;
	}
	if (strcmp(word, "help") == 0 && argc > 2)
		return help_for(argv[2]);
	if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		help(stdout);
		return 0;
	}
	if (argc < 2) {
		help(stderr);
		return EXIT_USAGE;
	}
	c = find(word);
	return c ? c->run(argc - 1, argv + 1) : unknown(word);
}
