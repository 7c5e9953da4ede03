/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * profuse run: the terminal. It stays the command's, and while the filesystem
 * starts nobody's but the shell's business; only when the filesystem stops
 * because it wants to read, a password say, it is lent to it.
 */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "run.h"

static void set_foreground(int tty, pid_t group)
{
	sigset_t ttou, old;

	/* Giving away is easy, taking back from the background stops whoever
	 * does not block this. */
	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	sigprocmask(SIG_BLOCK, &ttou, &old);
	tcsetpgrp(tty, group);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

int run_tty_lend(pid_t group)
{
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);

	if (tty < 0)
		return -1;
	/* We are in the background ourselves: stop, as the filesystem would
	 * have stopped in our place, until the shell brings the job forward. */
	if (tcgetpgrp(tty) != getpgrp())
		kill(0, SIGTTIN);
	if (tcgetpgrp(tty) != getpgrp()) {
		close(tty);
		return -1;
	}
	set_foreground(tty, group);
	kill(-group, SIGCONT);
	return tty;
}

void run_tty_return(int tty)
{
	if (tty < 0)
		return;
	set_foreground(tty, getpgrp());
	close(tty);
	/* Others in our group, the less(1) of a pipeline, may have been stopped
	 * for touching the terminal meanwhile. */
	kill(0, SIGCONT);
}
