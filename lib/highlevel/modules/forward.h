/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A module that does nothing but change paths: every operation of fs_ops.def,
 * passed to the layer below with its paths mapped. A module includes this once,
 * after it has defined
 *
 *	struct module             its data, with a member `struct fuse_fs *next`
 *	static int map_path(struct module *m, const char *path, char **out)
 *
 * where *out becomes a malloc()ed path, or NULL for NULL; 0 or -errno. It then
 * has a function forward_X for each operation X, and forward_all() puts them
 * into a table, in which it may replace some.
 */
#include <stdlib.h>

#include "highlevel/context.h"
#include "highlevel/fs_stack.h"

static inline struct module *this_module(void)
{
	return hl_context_make()->private_data;
}

#define PLAIN(...) __VA_ARGS__

#define MAP_SECOND_1
#define MAP_SECOND_2                                                                               \
	if (!res)                                                                                  \
		res = map_path(m, path2, &p2);                                                     \
	path2 = p2;

#define FS_OP(name, type, paths, params, args, missing)                                            \
	static type forward_##name(PLAIN params)                                                   \
	{                                                                                          \
		struct module *m = this_module();                                                  \
		char *p1 = NULL, *p2 = NULL;                                                       \
		type res = map_path(m, path, &p1);                                                 \
                                                                                                   \
		MAP_SECOND_##paths path = p1;                                                      \
		if (!res)                                                                          \
			res = fuse_fs_##name(m->next, PLAIN args);                                 \
		free(p1);                                                                          \
		free(p2);                                                                          \
		return res;                                                                        \
	}
#include "highlevel/fs_ops.def"
#undef FS_OP

static void *forward_init(struct fuse_conn_info *conn, struct fuse_config *cfg)
{
	struct module *m = this_module();

	fuse_fs_init(m->next, conn, cfg);
	return m;
}

static void forward_all(struct fuse_operations *op)
{
#define FS_OP(name, ...) op->name = forward_##name;
#include "highlevel/fs_ops.def"
#undef FS_OP
	op->init = forward_init;
}
