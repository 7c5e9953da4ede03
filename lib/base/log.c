/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where messages go: standard error, syslog, or a function of the program. */
#include "base/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <syslog.h>

/* The only state of the process that sessions share besides the signal table.
 * Both are single words that are read once per message, so that a change
 * during a message is harmless. */
static _Atomic(fuse_log_func_t) custom_func;
static atomic_bool to_syslog;

PROFUSE_PRINTF(2, 0)
static void log_default(enum fuse_log_level level, const char *fmt, va_list ap)
{
	if (atomic_load_explicit(&to_syslog, memory_order_acquire))
		vsyslog(level, fmt, ap);
	else
		vfprintf(stderr, fmt, ap);
}

PROFUSE_EXPORT void fuse_set_log_func(fuse_log_func_t func)
{
	atomic_store_explicit(&custom_func, func, memory_order_release);
}

PROFUSE_EXPORT void fuse_log(enum fuse_log_level level, const char *fmt, ...)
{
	fuse_log_func_t func = atomic_load_explicit(&custom_func, memory_order_acquire);
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	if (func)
		func(level, fmt, ap);
	else
		log_default(level, fmt, ap);
	va_end(ap);
	errno = saved;
}

bool log_is_stderr(void)
{
	return !atomic_load_explicit(&custom_func, memory_order_acquire) &&
	       !atomic_load_explicit(&to_syslog, memory_order_acquire);
}

PROFUSE_EXPORT void fuse_log_enable_syslog(const char *ident, int option, int facility)
{
	openlog(ident, option, facility);
	atomic_store_explicit(&to_syslog, true, memory_order_release);
}

PROFUSE_EXPORT void fuse_log_close_syslog(void)
{
	/* First the switch: syslog(3) after closelog(3) would open it again. */
	atomic_store_explicit(&to_syslog, false, memory_order_release);
	closelog();
}
