/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names for what the compiler can do for us. libc only, no state. */
#ifndef PROFUSE_BASE_COMPILER_H
#define PROFUSE_BASE_COMPILER_H

#include <stddef.h>

/* Everything is hidden by default; this marks a definition as exported. The
 * name must also stand in the version map. */
#define PROFUSE_EXPORT __attribute__((visibility("default")))

#define PROFUSE_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define PROFUSE_NODISCARD __attribute__((warn_unused_result))
#define PROFUSE_NORETURN __attribute__((noreturn))

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* Two cache lines, because x86 prefetches them in pairs: objects of different
 * threads aligned to this never share one. */
#define CACHELINE_PAIR 128
#define CACHE_ALIGNED __attribute__((aligned(CACHELINE_PAIR)))

#endif
