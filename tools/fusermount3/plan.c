/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From options to what the kernel is told. No word of the user's gets into
 * `data`: it has names of the table and numbers printed anew, so there are no
 * commas to escape. */
#include "fusermount3.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

int plan_build(struct mount_plan *p, const struct mount_options *o, unsigned long flags, int device,
	       mode_t rootmode)
{
	const char *fsname = o->value[MNT_OPT_FSNAME], *subtype = o->value[MNT_OPT_SUBTYPE];
	const size_t room = sizeof(p->data);
	size_t used;
	uint64_t n;

	p->fs = o->value[MNT_OPT_BLKDEV] ? "fuseblk" : "fuse";
	p->subtype = subtype && *subtype ? subtype : NULL;
	p->source = fsname ? fsname : p->subtype ? p->subtype : "/dev/fuse";
	p->flags = flags;
	used = (size_t)snprintf(p->data, room, "fd=%d,rootmode=%o,user_id=%u,group_id=%u", device,
				rootmode & S_IFMT, getuid(), getgid());
	for (size_t i = 0; i < MNT_OPT_COUNT && used < room; i++) {
		const struct mnt_opt_row *row = &option_table[i];

		if (!o->value[i])
			continue;
		if (row->kind == MNT_KIND_DATA)
			used += (size_t)snprintf(p->data + used, room - used, ",%s", row->name);
		if (row->kind == MNT_KIND_NUMBER && parse_number(o->value[i], UINT32_MAX, &n))
			used += (size_t)snprintf(p->data + used, room - used, ",%s%u", row->name,
						 (unsigned int)n);
	}
	return used < room ? 0 : -E2BIG;
}
