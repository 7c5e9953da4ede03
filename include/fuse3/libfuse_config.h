/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The version of the interface that these headers describe. Programs see it
 * as FUSE_VERSION and hand it to the library when they create a session.
 */
#ifndef LIBFUSE_CONFIG_H_
#define LIBFUSE_CONFIG_H_

#define FUSE_MAJOR_VERSION  3
#define FUSE_MINOR_VERSION  19
#define FUSE_HOTFIX_VERSION 0

/* Names that changed meaning over time are told apart by symbol versions. */
#define LIBFUSE_BUILT_WITH_VERSIONED_SYMBOLS 1

#endif /* LIBFUSE_CONFIG_H_ */
