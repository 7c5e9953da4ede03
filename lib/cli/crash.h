/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What happens on the signals of a crash. */
#ifndef PROFUSE_CLI_CRASH_H
#define PROFUSE_CLI_CRASH_H

/* Logs a backtrace on these signals and aborts; `first` is called before, with
 * the signal. Only signals with their default action are taken. Returns 0, or
 * -1 with a message in the log. */
int cli_crash_install(void (*first)(int sig));

/* Back to the default action, where the handlers are still ours. */
void cli_crash_uninstall(void);

/* Makes `new` the handler of sig if `old` is it now, else does nothing.
 * Returns 0 or a negative errno. */
int cli_replace_handler(int sig, void (*old)(int), void (*new)(int), int flags);

#endif
