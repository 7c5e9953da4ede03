/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A filesystem that misbehaves on request; needs no library. usage:
 *
 *     tinyfs [WORD ...] MOUNTPOINT
 *
 *   background     go to the background once mounted, like fuse_main()
 *   exit=N         end with that status before mounting
 *   no-mount       end with status 0 before mounting
 *   sleep          neither mount nor end
 *   no-init        mount, but never answer
 *   refuse         answer INIT with an error
 *   hang=OP        never answer that operation
 *   ignore-term    ignore SIGTERM, and stay after the end of the mount
 *   slow-end=FILE  after the end of the mount work a while, then write FILE
 *   ask            read a line from the terminal before mounting
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../mount/responder.h"

static struct {
	bool background, no_mount, sleep, no_init, refuse, ignore_term, ask;
	int exit_status, hang;
	const char *slow_end;
} want = {.exit_status = -1, .hang = -1};

static void parse(const char *word)
{
	static const struct {
		const char *word;
		bool *flag;
	} flags[] = {
		{"background", &want.background},
		{"no-mount", &want.no_mount},
		{"sleep", &want.sleep},
		{"no-init", &want.no_init},
		{"refuse", &want.refuse},
		{"ignore-term", &want.ignore_term},
		{"ask", &want.ask},
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (strcmp(word, flags[i].word) == 0)
			*flags[i].flag = true;
	}
	if (strncmp(word, "exit=", 5) == 0)
		want.exit_status = atoi(word + 5);
	if (strncmp(word, "hang=", 5) == 0)
		want.hang = atoi(word + 5);
	if (strncmp(word, "slow-end=", 9) == 0)
		want.slow_end = word + 9;
}

static void ask(void)
{
	int tty = open("/dev/tty", O_RDWR);
	char line[64];
	ssize_t n;

	if (tty < 0 || write(tty, "password: ", 10) != 10)
		exit(9);
	n = read(tty, line, sizeof(line));
	if (n < 7 || memcmp(line, "sesame\n", 7) != 0)
		exit(9);
	close(tty);
}

static int attach(const char *mountpoint)
{
	char data[128];
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	snprintf(data, sizeof(data), "fd=%d,rootmode=40000,user_id=%u,group_id=%u", fd, getuid(),
		 getgid());
	if (fd < 0 || mount("tinyfs", mountpoint, "fuse.tinyfs", MS_NOSUID | MS_NODEV, data) < 0) {
		perror("tinyfs");
		exit(4);
	}
	return fd;
}

static void after_the_end(void)
{
	while (want.ignore_term)
		pause();
	if (want.slow_end) {
		FILE *f;

		sleep(1);
		f = fopen(want.slow_end, "we");
		if (f && (fputs("done\n", f) < 0 || fclose(f) != 0))
			exit(5);
	}
}

int main(int argc, char **argv)
{
	int fd, op;

	for (int i = 1; i < argc - 1; i++)
		parse(argv[i]);
	if (want.ignore_term)
		signal(SIGTERM, SIG_IGN);
	if (want.exit_status >= 0) {
		fprintf(stderr, "tinyfs: cannot go on\n");
		return want.exit_status;
	}
	if (want.ask)
		ask();
	if (want.no_mount)
		return 0;
	while (want.sleep)
		pause();
	fd = attach(argv[argc - 1]);
	if (want.background && fork() != 0)
		_exit(0);
	if (want.background)
		setsid();
	while (want.no_init)
		pause();
	do {
		op = responder_serve_one(fd, S_IFDIR, want.refuse ? EPROTO : 0, want.hang);
	} while (op >= 0);
	after_the_end();
	return 0;
}
