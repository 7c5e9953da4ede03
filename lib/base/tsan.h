/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Order that holds although nothing in this process makes it: the kernel sends one
 * request only after it has the answer to another. The thread sanitizer cannot know
 * and is told so here; otherwise these are nothing.
 */
#ifndef PROFUSE_BASE_TSAN_H
#define PROFUSE_BASE_TSAN_H

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PROFUSE_TSAN 1
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define PROFUSE_TSAN 1
#endif
#ifndef PROFUSE_TSAN
#define PROFUSE_TSAN 0
#endif

#if PROFUSE_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);

static inline void happens_before(void *what)
{
	__tsan_release(what);
}

static inline void happens_after(void *what)
{
	__tsan_acquire(what);
}
#else
static inline void happens_before(void *what)
{
	(void)what;
}

static inline void happens_after(void *what)
{
	(void)what;
}
#endif

#endif
