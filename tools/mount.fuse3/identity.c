/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "privileges.h"
#include "say.h"

static struct passwd *look_up(const char *user)
{
	struct passwd *pw;
	unsigned long uid;
	char *end;

	errno = 0;
	pw = getpwnam(user);
	if (pw || user[0] < '0' || user[0] > '9')
		return pw;
	errno = 0;
	uid = strtoul(user, &end, 10);
	if (errno || *end || uid >= (uid_t)-1)
		return NULL;
	return getpwuid((uid_t)uid);
}

static int failed(const char *what, const struct passwd *pw)
{
	int err = errno;

	say("setuid=%s: %s: %s", pw->pw_name, what, strerror(err));
	if (err == EPERM)
		say_lines("hint: only root can mount for another user\n");
	return err == EPERM ? EXIT_USAGE : EXIT_SYSTEM;
}

/* Nothing to change, so no right to change it is needed. */
static bool is_already(const struct passwd *pw)
{
	uid_t r, e, s;

	return getresuid(&r, &e, &s) == 0 && r == pw->pw_uid && e == r && s == r;
}

static int switch_to(const struct passwd *pw, bool keep_capabilities)
{
	if (is_already(pw))
		return -1;
	if (initgroups(pw->pw_name, pw->pw_gid) < 0)
		return failed("cannot take the groups of the user", pw);
	if (setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0)
		return failed("cannot become the group of the user", pw);
	if (keep_capabilities && prctl(PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L) < 0)
		return failed("cannot keep capabilities", pw);
	if (setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0)
		return failed("cannot become the user", pw);
	if (keep_capabilities && privileges_raise() < 0)
		return failed("cannot keep capabilities", pw);
	return -1;
}

int identity_become(const char *user, bool keep_capabilities)
{
	struct passwd *pw = look_up(user);
	int code;

	if (!pw) {
		say("setuid=%s: there is no such user%s%s", user, errno ? ": " : "",
		    errno ? strerror(errno) : "");
		return EXIT_USAGE;
	}
	code = switch_to(pw, keep_capabilities);
	if (code >= 0)
		return code;
	/* Ours, root's, would lead the filesystem to files it cannot read. */
	if (setenv("HOME", pw->pw_dir, 1) < 0 || setenv("USER", pw->pw_name, 1) < 0 ||
	    setenv("LOGNAME", pw->pw_name, 1) < 0)
		return failed("environment", pw);
	return -1;
}

void identity_ensure_home(void)
{
	struct passwd *pw;

	if (getenv("HOME"))
		return;
	pw = getuid() ? getpwuid(getuid()) : NULL;
	setenv("HOME", pw ? pw->pw_dir : "/root", 0);
}
