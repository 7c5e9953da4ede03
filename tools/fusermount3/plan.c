/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From options to what the kernel is told: one list, used by both interfaces. */
#include "fusermount3.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void add(struct mount_plan *p, const char *key, const char *value)
{
	p->param[p->n_params].key = key;
	p->param[p->n_params++].value = value;
}

static void add_number(struct mount_plan *p, const char *key, char base, unsigned int n)
{
	char *text = p->numbers[p->n_params];

	snprintf(text, sizeof(p->numbers[0]), base == 'o' ? "%o" : "%u", n);
	add(p, key, text);
}

/* "key=value,key": numbers and fixed words only, hence no commas to escape. */
static int join(struct mount_plan *p)
{
	size_t used = 0;

	for (size_t i = 0; i < p->n_params; i++) {
		const char *v = p->param[i].value;
		int n = snprintf(p->data + used, sizeof(p->data) - used, "%s%s%s%s", i ? "," : "",
				 p->param[i].key, v ? "=" : "", v ? v : "");

		if (n < 0 || (size_t)n >= sizeof(p->data) - used)
			return -E2BIG;
		used += (size_t)n;
	}
	return 0;
}

int plan_build(struct mount_plan *p, const struct mount_options *o, unsigned long flags, int device,
	       mode_t rootmode)
{
	int n;

	p->fs = (o->wishes & WISH_BLKDEV) ? "fuseblk" : "fuse";
	p->subtype = o->subtype && *o->subtype ? o->subtype : NULL;
	p->source = o->fsname ? o->fsname : p->subtype ? p->subtype : "/dev/fuse";
	p->flags = flags;
	p->n_params = 0;
	add_number(p, "fd", 'u', (unsigned int)device);
	add_number(p, "rootmode", 'o', rootmode & 0170000);
	add_number(p, "user_id", 'u', getuid());
	add_number(p, "group_id", 'u', getgid());
	if (o->max_read)
		add_number(p, "max_read", 'u', o->max_read);
	if (o->blksize)
		add_number(p, "blksize", 'u', o->blksize);
	if (o->wishes & WISH_DEFAULT_PERMISSIONS)
		add(p, "default_permissions", NULL);
	if (o->wishes & WISH_ALLOW_OTHER)
		add(p, "allow_other", NULL);
	n = snprintf(p->type, sizeof(p->type), "%s%s%s", p->fs, p->subtype ? "." : "",
		     p->subtype ? p->subtype : "");
	if (n < 0 || (size_t)n >= sizeof(p->type))
		return -E2BIG;
	return join(p);
}
