/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOCKED (SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_NOROOT_LOCKED)

typedef struct __user_cap_data_struct cap_data[_LINUX_CAPABILITY_U32S_3];

static int capabilities(long call, cap_data data)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};

	return (int)syscall(call, &head, data);
}

int privileges_raise(void)
{
	cap_data data;

	if (capabilities(SYS_capget, data) < 0)
		return -1;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		data[i].effective = data[i].permitted;
	return capabilities(SYS_capset, data);
}

/* What execve(2) can grant at most. */
static int empty_bounding_set(void)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0L, 0L, 0L) >= 0; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0L, 0L, 0L) < 0)
			return -1;
	}
	return 0;
}

static bool has_none(void)
{
	cap_data data;

	return capabilities(SYS_capget, data) == 0 && !data[0].permitted && !data[1].permitted;
}

int privileges_drop(void)
{
	cap_data none;

	memset(none, 0, sizeof(none));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0)
		return -1;
	if (prctl(PR_CAP_AMBIENT, (long)PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L) < 0 &&
	    errno != EINVAL)
		return -1;
	/* With nothing to lose, no_new_privs alone sees to it that nothing comes
	 * back, and the rest would need a capability. */
	if (has_none())
		return 0;
	if (empty_bounding_set() < 0 ||
	    prctl(PR_SET_SECUREBITS, (long)(SECBIT_NOROOT | LOCKED), 0L, 0L, 0L) < 0)
		return -1;
	return capabilities(SYS_capset, none);
}
