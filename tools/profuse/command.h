/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One subcommand of profuse(1); the table is in main.c. */
#ifndef PROFUSE_TOOLS_COMMAND_H
#define PROFUSE_TOOLS_COMMAND_H

struct command {
	const char *name;
	const char *summary;
	/* argv[0] is the subcommand's name; returns the exit status. */
	int (*run)(int argc, char **argv);
};

int cmd_run(int argc, char **argv);

#endif
