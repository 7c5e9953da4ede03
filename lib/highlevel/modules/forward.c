/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every operation of fs_ops.def, passed to the layer below with its paths mapped. */
#include "highlevel/modules/forward.h"

#include <stdlib.h>

#include "highlevel/context.h"

struct hl_forward *hl_forward_data(void)
{
	return hl_context_make()->private_data;
}

#define PLAIN(...) __VA_ARGS__

#define MAP_SECOND_1
#define MAP_SECOND_2                                                                               \
	if (!res)                                                                                  \
		res = f->map(f, path2, &p2);                                                       \
	path2 = p2;

#define FS_OP(name, type, paths, params, args, missing)                                            \
	static type forward_##name(PLAIN params)                                                   \
	{                                                                                          \
		struct hl_forward *f = hl_forward_data();                                          \
		char *p1 = NULL, *p2 = NULL;                                                       \
		type res = f->map(f, path, &p1);                                                   \
                                                                                                   \
		MAP_SECOND_##paths path = p1;                                                      \
		if (!res)                                                                          \
			res = fuse_fs_##name(f->next, PLAIN args);                                 \
		free(p1);                                                                          \
		free(p2);                                                                          \
		return res;                                                                        \
	}
#include "highlevel/fs_ops.def"
#undef FS_OP

static void *forward_init(struct fuse_conn_info *conn, struct fuse_config *cfg)
{
	struct hl_forward *f = hl_forward_data();

	fuse_fs_init(f->next, conn, cfg);
	f->running = true;
	return f;
}

void hl_forward_all(struct fuse_operations *op)
{
#define FS_OP(name, ...) op->name = forward_##name;
#include "highlevel/fs_ops.def"
#undef FS_OP
	op->init = forward_init;
}

void hl_forward_destroy(struct hl_forward *f)
{
	if (f->running)
		fuse_fs_destroy(f->next);
}
