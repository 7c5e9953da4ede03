/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log of the library: fuse_log() with its format checked at compile time.
 * Messages end in a newline and name what was tried, on what, and the errno. */
#ifndef PROFUSE_BASE_LOG_H
#define PROFUSE_BASE_LOG_H

#include <fuse_log.h>

#include <stdbool.h>

#include "base/compiler.h"

/* The public declaration has no format attribute, since existing programs
 * compile with warnings as errors. Ours may. */
void fuse_log(enum fuse_log_level level, const char *fmt, ...) PROFUSE_PRINTF(2, 3);

/* Whether messages go to descriptor 2, and not to syslog or to the program. */
bool log_is_stderr(void);

#endif
