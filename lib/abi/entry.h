/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names under more than one version node. The default version of a name is the
 * function of that name and gets its node from the version script. Any further
 * version is a function here:
 *
 *	ABI_ENTRY(int, "fuse_x@FUSE_3.0", fuse_x_30, (int a), (a))
 *
 * makes programs that were linked with fuse_x at FUSE_3.0 call fuse_x_30.
 */
#ifndef PROFUSE_ABI_ENTRY_H
#define PROFUSE_ABI_ENTRY_H

#include "base/compiler.h"

/*
 * libfuse3.so.3 and libfuse3.so.4 have their own set of entries, made from the
 * same lines: ABI_GENERATION is 3 or 4. What has become an older version since is
 * the current one in libfuse3.so.3.
 */
#ifndef ABI_GENERATION
#error ABI_GENERATION not defined
#endif
#if ABI_GENERATION == 3
#define ABI_DEFAULT_IN_3(name, node) name "@@" node
#else
#define ABI_DEFAULT_IN_3(name, node) name "@" node
#endif

#if defined(__has_attribute) && __has_attribute(symver)
#define ABI_VERSION(function, version) __attribute__((symver(version)))
#else
#define ABI_VERSION(function, version) __asm__(".symver " #function "," version);
#endif

/* The line makes the name of the function itself, which nobody sees, unique. */
#define ABI_NAME2(target, line) abi_##line##_##target
#define ABI_NAME1(target, line) ABI_NAME2(target, line)
#define ABI_NAME(target)	ABI_NAME1(target, __LINE__)

#define ABI_ENTRY(type, version, target, params, args)                                             \
	ABI_ENTRY2(type, version, target, ABI_NAME(target), params, args)
#define ABI_ENTRY2(type, version, target, name, params, args)                                      \
	ABI_ENTRY3(type, version, target, name, params, args)
#define ABI_ENTRY3(type, version, target, name, params, args)                                      \
	type target params;                                                                        \
	type name params;                                                                          \
	ABI_VERSION(name, version)                                                                 \
	PROFUSE_EXPORT type name params                                                            \
	{                                                                                          \
		return target args;                                                                \
	}                                                                                          \
	struct abi_semicolon

#endif
