/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* passthrough_ll: a directory shown somewhere else. Its options; the rest is in common/passthrough.
 */
#include "../common/passthrough/passthrough.h"

#include <stddef.h>
#include <stdlib.h>

static const char help_text[] =
	"    -o source=DIR          the directory to show (default: /)\n"
	"    -o cache=MODE          never: every access goes to the source, direct_io\n"
	"                           auto: others may change the source; cached for a second "
	"(default)\n"
	"                           always: nobody else changes it\n"
	"    -o timeout=SECONDS     how long names and attributes may be remembered\n"
	"    -o writeback           let the kernel collect writes\n"
	"    -o passthrough         let the kernel do reads and writes by itself\n"
	"    -o locks=kernel|host   locks among users of the mount, exactly as the kernel does "
	"them\n"
	"                           (default); or shared with users of the source\n"
	"    -o no_xattr            no extended attributes\n"
	"    -o no_acl              no POSIX access control lists\n";

#define OPTION(text, member, value)                                                                \
	{                                                                                          \
		text, offsetof(struct passthrough, member), value                                  \
	}

static const struct fuse_opt options[] = {
	OPTION("source=%s", source, 0),
	OPTION("cache=never", cache, CACHE_NEVER),
	OPTION("cache=auto", cache, CACHE_AUTO),
	OPTION("cache=always", cache, CACHE_ALWAYS),
	OPTION("timeout=%lf", timeout, 0),
	OPTION("writeback", writeback, 1),
	OPTION("passthrough", kernel_passthrough, 1),
	OPTION("locks=kernel", host_locks, 0),
	OPTION("locks=host", host_locks, 1),
	OPTION("no_xattr", no_xattr, 1),
	OPTION("no_acl", no_acl, 1),
	FUSE_OPT_END,
};

int main(int argc, char *argv[])
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	int ret = 1;

	if (fuse_opt_parse(&args, &fs, options, NULL) == 0)
		ret = pt_serve(&args, help_text);
	free((char *)fs.source);
	fuse_opt_free_args(&args);
	return ret;
}
