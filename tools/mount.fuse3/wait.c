/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wait.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "say.h"

/* How often to look whether a process has let go: nothing tells us. */
#define SLICE 100

static const char *describe_state(char state)
{
	switch (state) {
	case 'T':
	case 't':
		return "stopped";
	case 'D':
		return "stuck in the kernel";
	case 'R':
		return "busy";
	default:
		return "waiting";
	}
}

static int gave_up(const struct target *t, const struct server *one, const struct patience *p,
		   int err)
{
	char state = server_run_state(one);

	say("%s is unmounted, but its process %d (%s) is still running after %d s; it is %s",
	    t->path, one->pid, one->name, patience_spent(p), describe_state(state));
	if (state == 'T' || state == 't')
		say_lines("hint: `kill -CONT' lets it go on; what it has not written yet is not "
			  "safe before it ends\n");
	else
		say_lines("hint: what it has not written yet is not safe before it ends; "
			  "-o timeout=SECONDS waits longer\n");
	return err == -EINTR ? EXIT_INTERRUPTED : EXIT_PARTLY;
}

int wait_was_in_vain(const struct patience *p, const struct target *t, const struct servers *s,
		     int err)
{
	if (s->count)
		return gave_up(t, &s->list[0], p, err);
	say("%s is unmounted, but its filesystem has not answered the kernel after %d s", t->path,
	    patience_spent(p));
	return err == -EINTR ? EXIT_INTERRUPTED : EXIT_PARTLY;
}

static int wait_for_one(struct patience *p, const struct target *t, const struct server *one)
{
	struct pollfd pfd = {.fd = one->pidfd, .events = POLLIN};
	CLEANUP_FREE char *what = NULL;
	int err;

	if (asprintf(&what, "%s is unmounted; waiting for its process %d (%s) to end", t->path,
		     one->pid, one->name) < 0) {
		what = NULL;
		say("out of memory");
		return EXIT_SYSTEM;
	}
	do {
		if (one->stays && !server_holds(one, t->ident.dev))
			return EXIT_OK;
		err = patience_poll(p, &pfd, 1, one->stays ? SLICE : -1, what);
	} while (err == 0);
	return err > 0 ? EXIT_OK : gave_up(t, one, p, err);
}

static int wait_for_all(struct patience *p, const struct target *t, const struct servers *s,
			bool verbose)
{
	int code = EXIT_OK;

	for (size_t i = 0; i < s->count; i++) {
		const struct server *one = &s->list[i];

		if (one->ancestor) {
			if (verbose)
				say("process %d (%s) waits for us, so not the other way round",
				    one->pid, one->name);
			continue;
		}
		if (verbose)
			say("process %d (%s) serves %s", one->pid, one->name, t->path);
		code = wait_for_one(p, t, one);
		if (code != EXIT_OK)
			return code;
	}
	return code;
}

int wait_for_servers(struct patience *p, const struct target *t, struct servers *s, bool verbose)
{
	char elsewhere[256];

	switch (servers_settle(s)) {
	case SERVERS_LIVE:
		if (verbose)
			say("%s is unmounted; the filesystem is still in use, so its process goes "
			    "on",
			    t->path);
		return EXIT_OK;
	case SERVERS_UNKNOWN:
		if (!s->count) {
			if (verbose)
				say("%s is unmounted; no process that serves it can be seen",
				    t->path);
			return EXIT_OK;
		}
		/* Somebody's, whose descriptor we may not look at. */
		if (target_elsewhere(t, elsewhere, sizeof(elsewhere))) {
			if (verbose)
				say("%s is unmounted; the filesystem is also mounted on %s",
				    t->path, elsewhere);
			return EXIT_OK;
		}
		break;
	case SERVERS_ENDED:
		break;
	}
	return wait_for_all(p, t, s, verbose);
}
