/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What --help says about options that every filesystem has. */
#define FUSE_USE_VERSION 319
#include <fuse_lowlevel.h>

#include <stdio.h>

#include "base/compiler.h"
#include "mount/mount.h"

static void print_line(const char *line)
{
	puts(line);
}

PROFUSE_EXPORT void fuse_cmdline_help(void)
{
	print_line("    -h   --help            print this text");
	print_line("    -V   --version         print the version");
	print_line("    -d   -o debug          log every request and reply (implies -f)");
	print_line("    -f                     stay in the foreground");
	print_line("    -s                     serve one request at a time");
	print_line("    -o clone_fd            a device connection for each thread");
	print_line("    -o max_threads=N       at most N threads");
	print_line("    -o max_idle_threads=N  end idle threads beyond N (default: keep all)");
}

PROFUSE_EXPORT void fuse_lowlevel_help(void)
{
	print_line("    -o allow_root          root may use the mount as well");
	print_line("    -o io_uring=auto|on|off exchange requests through io_uring (default: off)");
	print_line("    -o io_uring_q_depth=N  requests per queue");
	print_line("    -o io_uring_memory=N   bytes for all queues (k, m, g; default: 512m)");
	mnt_help(print_line);
}
