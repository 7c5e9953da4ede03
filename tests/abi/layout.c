/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every size and offset of the public structures on 64-bit Linux. Binaries of
 * existing programs have these numbers compiled in, so a change here is never
 * a change of the test.
 */
#include "fuse.h"
#include "fuse_lowlevel.h"
#include "cuse_lowlevel.h"

#include <stddef.h>
#include <string.h>

#ifdef __cplusplus
#define CHECK(cond, text) static_assert(cond, text)
#else
#define CHECK(cond, text) _Static_assert(cond, text)
#endif

#define SIZE(type, n)	    CHECK(sizeof(struct type) == (n), "size of struct " #type)
#define AT(type, member, n) CHECK(offsetof(struct type, member) == (n), #type "." #member)

#if defined(__x86_64__)
/* Sizes of the libc's structures in them differ elsewhere. */
SIZE(fuse_file_info, 64);
AT(fuse_file_info, flags, 0);
AT(fuse_file_info, fh, 16);
AT(fuse_file_info, lock_owner, 24);
AT(fuse_file_info, poll_events, 32);
AT(fuse_file_info, backing_id, 36);
AT(fuse_file_info, compat_flags, 40);
AT(fuse_file_info, reserved, 48);

SIZE(fuse_conn_info, 128);
AT(fuse_conn_info, proto_major, 0);
AT(fuse_conn_info, proto_minor, 4);
AT(fuse_conn_info, max_write, 8);
AT(fuse_conn_info, max_read, 12);
AT(fuse_conn_info, max_readahead, 16);
AT(fuse_conn_info, capable, 20);
AT(fuse_conn_info, want, 24);
AT(fuse_conn_info, max_background, 28);
AT(fuse_conn_info, congestion_threshold, 32);
AT(fuse_conn_info, time_gran, 36);
AT(fuse_conn_info, max_backing_stack_depth, 40);
AT(fuse_conn_info, capable_ext, 48);
AT(fuse_conn_info, want_ext, 56);
AT(fuse_conn_info, request_timeout, 64);
AT(fuse_conn_info, reserved, 66);

SIZE(fuse_config, 520);
AT(fuse_config, set_gid, 0);
AT(fuse_config, gid, 4);
AT(fuse_config, set_uid, 8);
AT(fuse_config, uid, 12);
AT(fuse_config, set_mode, 16);
AT(fuse_config, umask, 20);
AT(fuse_config, entry_timeout, 24);
AT(fuse_config, negative_timeout, 32);
AT(fuse_config, attr_timeout, 40);
AT(fuse_config, intr, 48);
AT(fuse_config, intr_signal, 52);
AT(fuse_config, remember, 56);
AT(fuse_config, hard_remove, 60);
AT(fuse_config, use_ino, 64);
AT(fuse_config, readdir_ino, 68);
AT(fuse_config, direct_io, 72);
AT(fuse_config, kernel_cache, 76);
AT(fuse_config, auto_cache, 80);
AT(fuse_config, ac_attr_timeout_set, 84);
AT(fuse_config, ac_attr_timeout, 88);
AT(fuse_config, nullpath_ok, 96);
AT(fuse_config, show_help, 100);
AT(fuse_config, modules, 104);
AT(fuse_config, debug, 112);
AT(fuse_config, fmask, 116);
AT(fuse_config, dmask, 120);
AT(fuse_config, no_rofd_flush, 124);
AT(fuse_config, parallel_direct_writes, 128);
AT(fuse_config, flags, 132);
AT(fuse_config, reserved, 136);

SIZE(fuse_operations, 352);
AT(fuse_operations, getattr, 0);
AT(fuse_operations, readlink, 8);
AT(fuse_operations, mknod, 16);
AT(fuse_operations, mkdir, 24);
AT(fuse_operations, unlink, 32);
AT(fuse_operations, rmdir, 40);
AT(fuse_operations, symlink, 48);
AT(fuse_operations, rename, 56);
AT(fuse_operations, link, 64);
AT(fuse_operations, chmod, 72);
AT(fuse_operations, chown, 80);
AT(fuse_operations, truncate, 88);
AT(fuse_operations, open, 96);
AT(fuse_operations, read, 104);
AT(fuse_operations, write, 112);
AT(fuse_operations, statfs, 120);
AT(fuse_operations, flush, 128);
AT(fuse_operations, release, 136);
AT(fuse_operations, fsync, 144);
AT(fuse_operations, setxattr, 152);
AT(fuse_operations, getxattr, 160);
AT(fuse_operations, listxattr, 168);
AT(fuse_operations, removexattr, 176);
AT(fuse_operations, opendir, 184);
AT(fuse_operations, readdir, 192);
AT(fuse_operations, releasedir, 200);
AT(fuse_operations, fsyncdir, 208);
AT(fuse_operations, init, 216);
AT(fuse_operations, destroy, 224);
AT(fuse_operations, access, 232);
AT(fuse_operations, create, 240);
AT(fuse_operations, lock, 248);
AT(fuse_operations, utimens, 256);
AT(fuse_operations, bmap, 264);
AT(fuse_operations, ioctl, 272);
AT(fuse_operations, poll, 280);
AT(fuse_operations, write_buf, 288);
AT(fuse_operations, read_buf, 296);
AT(fuse_operations, flock, 304);
AT(fuse_operations, fallocate, 312);
AT(fuse_operations, copy_file_range, 320);
AT(fuse_operations, lseek, 328);
AT(fuse_operations, statx, 336);
AT(fuse_operations, syncfs, 344);

SIZE(fuse_lowlevel_ops, 376);
AT(fuse_lowlevel_ops, init, 0);
AT(fuse_lowlevel_ops, destroy, 8);
AT(fuse_lowlevel_ops, lookup, 16);
AT(fuse_lowlevel_ops, forget, 24);
AT(fuse_lowlevel_ops, getattr, 32);
AT(fuse_lowlevel_ops, setattr, 40);
AT(fuse_lowlevel_ops, readlink, 48);
AT(fuse_lowlevel_ops, mknod, 56);
AT(fuse_lowlevel_ops, mkdir, 64);
AT(fuse_lowlevel_ops, unlink, 72);
AT(fuse_lowlevel_ops, rmdir, 80);
AT(fuse_lowlevel_ops, symlink, 88);
AT(fuse_lowlevel_ops, rename, 96);
AT(fuse_lowlevel_ops, link, 104);
AT(fuse_lowlevel_ops, open, 112);
AT(fuse_lowlevel_ops, read, 120);
AT(fuse_lowlevel_ops, write, 128);
AT(fuse_lowlevel_ops, flush, 136);
AT(fuse_lowlevel_ops, release, 144);
AT(fuse_lowlevel_ops, fsync, 152);
AT(fuse_lowlevel_ops, opendir, 160);
AT(fuse_lowlevel_ops, readdir, 168);
AT(fuse_lowlevel_ops, releasedir, 176);
AT(fuse_lowlevel_ops, fsyncdir, 184);
AT(fuse_lowlevel_ops, statfs, 192);
AT(fuse_lowlevel_ops, setxattr, 200);
AT(fuse_lowlevel_ops, getxattr, 208);
AT(fuse_lowlevel_ops, listxattr, 216);
AT(fuse_lowlevel_ops, removexattr, 224);
AT(fuse_lowlevel_ops, access, 232);
AT(fuse_lowlevel_ops, create, 240);
AT(fuse_lowlevel_ops, getlk, 248);
AT(fuse_lowlevel_ops, setlk, 256);
AT(fuse_lowlevel_ops, bmap, 264);
AT(fuse_lowlevel_ops, ioctl, 272);
AT(fuse_lowlevel_ops, poll, 280);
AT(fuse_lowlevel_ops, write_buf, 288);
AT(fuse_lowlevel_ops, retrieve_reply, 296);
AT(fuse_lowlevel_ops, forget_multi, 304);
AT(fuse_lowlevel_ops, flock, 312);
AT(fuse_lowlevel_ops, fallocate, 320);
AT(fuse_lowlevel_ops, readdirplus, 328);
AT(fuse_lowlevel_ops, copy_file_range, 336);
AT(fuse_lowlevel_ops, lseek, 344);
AT(fuse_lowlevel_ops, tmpfile, 352);
AT(fuse_lowlevel_ops, statx, 360);
AT(fuse_lowlevel_ops, syncfs, 368);

SIZE(fuse_entry_param, 176);
AT(fuse_entry_param, ino, 0);
AT(fuse_entry_param, generation, 8);
AT(fuse_entry_param, attr, 16);
AT(fuse_entry_param, attr_timeout, 160);
AT(fuse_entry_param, entry_timeout, 168);

SIZE(fuse_ctx, 16);
AT(fuse_ctx, uid, 0);
AT(fuse_ctx, gid, 4);
AT(fuse_ctx, pid, 8);
AT(fuse_ctx, umask, 12);

SIZE(fuse_forget_data, 16);
AT(fuse_forget_data, ino, 0);
AT(fuse_forget_data, nlookup, 8);

SIZE(fuse_cmdline_opts, 48);
AT(fuse_cmdline_opts, singlethread, 0);
AT(fuse_cmdline_opts, foreground, 4);
AT(fuse_cmdline_opts, debug, 8);
AT(fuse_cmdline_opts, nodefault_subtype, 12);
AT(fuse_cmdline_opts, mountpoint, 16);
AT(fuse_cmdline_opts, show_version, 24);
AT(fuse_cmdline_opts, show_help, 28);
AT(fuse_cmdline_opts, clone_fd, 32);
AT(fuse_cmdline_opts, max_idle_threads, 36);
AT(fuse_cmdline_opts, max_threads, 40);

SIZE(fuse_custom_io, 40);
AT(fuse_custom_io, writev, 0);
AT(fuse_custom_io, read, 8);
AT(fuse_custom_io, splice_receive, 16);
AT(fuse_custom_io, splice_send, 24);
AT(fuse_custom_io, clone_fd, 32);

SIZE(fuse_buf, 48);
AT(fuse_buf, size, 0);
AT(fuse_buf, flags, 8);
AT(fuse_buf, mem, 16);
AT(fuse_buf, fd, 24);
AT(fuse_buf, pos, 32);
AT(fuse_buf, mem_size, 40);

SIZE(fuse_bufvec, 72);
AT(fuse_bufvec, count, 0);
AT(fuse_bufvec, idx, 8);
AT(fuse_bufvec, off, 16);
AT(fuse_bufvec, buf, 24);

SIZE(fuse_args, 24);
AT(fuse_args, argc, 0);
AT(fuse_args, argv, 8);
AT(fuse_args, allocated, 16);

SIZE(fuse_opt, 24);
AT(fuse_opt, templ, 0);
AT(fuse_opt, offset, 8);
AT(fuse_opt, value, 16);

SIZE(cuse_info, 32);
AT(cuse_info, dev_major, 0);
AT(cuse_info, dev_minor, 4);
AT(cuse_info, dev_info_argc, 8);
AT(cuse_info, dev_info_argv, 16);
AT(cuse_info, flags, 24);

SIZE(cuse_lowlevel_ops, 88);
AT(cuse_lowlevel_ops, init, 0);
AT(cuse_lowlevel_ops, init_done, 8);
AT(cuse_lowlevel_ops, destroy, 16);
AT(cuse_lowlevel_ops, open, 24);
AT(cuse_lowlevel_ops, read, 32);
AT(cuse_lowlevel_ops, write, 40);
AT(cuse_lowlevel_ops, flush, 48);
AT(cuse_lowlevel_ops, release, 56);
AT(cuse_lowlevel_ops, fsync, 64);
AT(cuse_lowlevel_ops, ioctl, 72);
AT(cuse_lowlevel_ops, poll, 80);

SIZE(fuse_context, 40);
AT(fuse_context, fuse, 0);
AT(fuse_context, uid, 8);
AT(fuse_context, gid, 12);
AT(fuse_context, pid, 16);
AT(fuse_context, private_data, 24);
AT(fuse_context, umask, 32);

#if FUSE_USE_VERSION < 312
#define fuse_loop_config_v1 fuse_loop_config
#endif
SIZE(fuse_loop_config_v1, 8);
AT(fuse_loop_config_v1, clone_fd, 0);
AT(fuse_loop_config_v1, max_idle_threads, 4);

SIZE(libfuse_version, 16);
AT(libfuse_version, major, 0);
AT(libfuse_version, minor, 4);
AT(libfuse_version, hotfix, 8);
AT(libfuse_version, padding, 12);

#endif

/*
 * Bit-fields have no offset; here each is filled with ones and found again in
 * the bytes: the word at byte `at`, `width` bits from bit `shift` on.
 */
#define BITS(type, member, at, shift, width)                                                       \
	do {                                                                                       \
		struct type s;                                                                     \
		uint32_t words[sizeof(s) / sizeof(uint32_t)];                                      \
		uint32_t ones = (width) == 32 ? 0xffffffffu : (1u << ((width)&31)) - 1;            \
		memset(&s, 0, sizeof(s));                                                          \
		s.member = ~s.member;                                                              \
		memcpy(words, &s, sizeof(s));                                                      \
		if (words[(at) / sizeof(uint32_t)] != ones << (shift))                             \
			bad++;                                                                     \
	} while (0)

int main(void)
{
	int bad = 0;

	BITS(fuse_file_info, writepage, 4, 0, 1);
	BITS(fuse_file_info, direct_io, 4, 1, 1);
	BITS(fuse_file_info, keep_cache, 4, 2, 1);
	BITS(fuse_file_info, flush, 4, 3, 1);
	BITS(fuse_file_info, nonseekable, 4, 4, 1);
	BITS(fuse_file_info, flock_release, 4, 5, 1);
	BITS(fuse_file_info, cache_readdir, 4, 6, 1);
	BITS(fuse_file_info, noflush, 4, 7, 1);
	BITS(fuse_file_info, parallel_direct_writes, 4, 8, 1);
	BITS(fuse_file_info, padding, 4, 9, 23);
	BITS(fuse_file_info, padding2, 8, 0, 32);
	BITS(fuse_file_info, padding3, 12, 0, 32);
	BITS(fuse_conn_info, no_interrupt, 44, 0, 1);
	BITS(fuse_conn_info, io_uring_single_issuer, 44, 1, 1);
	BITS(fuse_conn_info, padding, 44, 2, 30);
	return bad;
}
