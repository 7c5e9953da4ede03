/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where messages of the library go.
 *
 * There is one destination per process, shared by all sessions in it: standard
 * error, unless a function is installed with fuse_set_log_func() or syslog is
 * switched on with fuse_log_enable_syslog().
 */
#ifndef FUSE_LOG_H_
#define FUSE_LOG_H_

#include <stdarg.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Severity of a message. The numbers are those of syslog(3). */
enum fuse_log_level {
	FUSE_LOG_EMERG,
	FUSE_LOG_ALERT,
	FUSE_LOG_CRIT,
	FUSE_LOG_ERR,
	FUSE_LOG_WARNING,
	FUSE_LOG_NOTICE,
	FUSE_LOG_INFO,
	FUSE_LOG_DEBUG
};

/*
 * A destination for messages. fmt is a printf(3) format that normally ends in
 * a newline; ap belongs to the caller and is consumed once.
 *
 * It is called from any thread, from several at a time, and before a session
 * exists (option parsing reports through it). It must not call fuse_log().
 */
typedef void (*fuse_log_func_t)(enum fuse_log_level level, const char *fmt, va_list ap);

/*
 * Makes func the destination of all messages; NULL goes back to the default.
 * May be called at any time; a message that another thread is just writing may
 * still reach the previous function.
 */
void fuse_set_log_func(fuse_log_func_t func);

/*
 * Writes one message, fmt in the manner of printf(3) with its own newline.
 * Safe from any thread; not from a signal handler. errno is preserved.
 */
void fuse_log(enum fuse_log_level level, const char *fmt, ...);

/*
 * Sends messages of the default destination to syslog(3) instead of standard
 * error. The arguments are those of openlog(3); ident is kept by reference and
 * must stay valid until fuse_log_close_syslog(). A function installed with
 * fuse_set_log_func() keeps precedence.
 */
void fuse_log_enable_syslog(const char *ident, int option, int facility);

/* Ends what fuse_log_enable_syslog() began: closelog(3), then standard error. */
void fuse_log_close_syslog(void);

#ifdef __cplusplus
}
#endif

#endif /* FUSE_LOG_H_ */
