/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is taken from the command line, and what becomes of it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fuse3/fuse_opt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mount/optstr.h"

/* Parses "prog -o words"; what is left over is joined in *left. */
static struct mnt_opts *parse(const char *words, char *left, size_t size)
{
	char copy[1024], o[] = "-o", name[] = "prog";
	char *argv[] = {name, o, copy, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	struct mnt_opts *opts = NULL;

	snprintf(copy, sizeof(copy), "%s", words);
	assert_int_equal(mnt_opts_parse(&args, &opts, NULL), 0);
	left[0] = '\0';
	for (int i = 1; i < args.argc; i++)
		snprintf(left + strlen(left), size - strlen(left), "%s%s", i > 1 ? " " : "",
			 args.argv[i]);
	fuse_opt_free_args(&args);
	return opts;
}

static void mount_options_are_taken_and_the_rest_stays(void **state)
{
	static const struct {
		const char *words, *left;
	} rows[] = {
		{"ro,fsname=x", ""},
		{"ro,mine,noexec,yours=3", "-o mine,yours=3"},
		{"allow_root", "-o allow_root"},
		{"fd=7", "-o fd=7"},
		{"rootmode=40000,user_id=1,group_id=1", "-o rootmode=40000,user_id=1,group_id=1"},
		{"remount,bind", "-o remount,bind"},
		/* What stands in fstab for others to read. */
		{"defaults,auto,noauto,nofail,_netdev,user,user=me,nouser,users,owner,group", ""},
		{"x-systemd.automount,x-systemd.requires=a.service,X-mount.mkdir", ""},
		{"comment=x-gvfs-hide,uhelper=udisks2,nonempty,silent,mand,iversion", ""},
		{"xattr", "-o xattr"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char left[256];

		mnt_opts_free(parse(rows[i].words, left, sizeof(left)));
		assert_string_equal(left, rows[i].left);
	}
}

static void short_options_work(void **state)
{
	char n[] = "-n", r[] = "-r", f[] = "-f", name[] = "prog";
	char *argv[] = {name, n, r, f, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(4, argv);
	struct mnt_opts *opts;

	(void)state;
	assert_int_equal(mnt_opts_parse(&args, &opts, NULL), 0);
	assert_int_equal(args.argc, 2);
	assert_string_equal(args.argv[1], "-f");
	assert_true(opts->flags & MS_RDONLY);
	mnt_opts_free(opts);
	fuse_opt_free_args(&args);
}

static void bad_numbers_are_refused_by_name(void **state)
{
	static const char *const words[] = {
		"max_read=",   "max_read=-1",	      "max_read=1x",
		"max_read= 1", "max_read=4294967296", "blksize=1\\,allow_other",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		char copy[64], o[] = "-o", name[] = "prog", *why = NULL;
		char *argv[] = {name, o, copy, NULL};
		struct fuse_args args = FUSE_ARGS_INIT(3, argv);
		struct mnt_opts *opts = NULL;

		snprintf(copy, sizeof(copy), "%s", words[i]);
		assert_int_equal(mnt_opts_parse(&args, &opts, &why), -EINVAL);
		assert_null(opts);
		assert_non_null(strstr(why, "not a number"));
		free(why);
		fuse_opt_free_args(&args);
	}
}

static void the_last_word_wins(void **state)
{
	static const struct {
		const char *words;
		unsigned long flags;
	} rows[] = {
		{"rw", MS_NOSUID | MS_NODEV},
		{"ro,rw,ro", MS_NOSUID | MS_NODEV | MS_RDONLY},
		{"suid,dev", 0},
		{"suid,nosuid,dev", MS_NOSUID},
		{"noatime,atime", MS_NOSUID | MS_NODEV},
		{"strictatime,noatime", MS_NOSUID | MS_NODEV | MS_NOATIME},
		{"noatime,relatime", MS_NOSUID | MS_NODEV},
		{"sync,async,dirsync", MS_NOSUID | MS_NODEV | MS_DIRSYNC},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char left[64];
		struct mnt_opts *opts = parse(rows[i].words, left, sizeof(left));

		assert_int_equal(opts->flags, rows[i].flags);
		mnt_opts_free(opts);
	}
}

static const struct string_row {
	const char *words, *type, *source, *kernel, *helper, *left_out;
} string_rows[] = {
	{"rw", "fuse", "/dev/fuse", "", "", ""},
	{"subtype=s", "fuse.s", "s", "", "subtype=s", ""},
	{"fsname=n,subtype=s", "fuse.s", "n", "", "fsname=n,subtype=s", ""},
	{"blkdev,fsname=/dev/x,subtype=s,blksize=512", "fuseblk.s", "/dev/x", ",blksize=512",
	 "blksize=512,fsname=/dev/x,subtype=s,blkdev", ""},
	/* Only names may hold commas, and are quoted for the helper. */
	{"fsname=a\\,b\\\\c", "fuse", "a,b\\c", "", "fsname=a\\,b\\\\c", ""},
	{"allow_other,default_permissions,max_read=8192", "fuse", "/dev/fuse",
	 ",allow_other,default_permissions,max_read=8192",
	 "allow_other,default_permissions,max_read=8192", ""},
	{"ro,noexec,nosuid,nodev", "fuse", "/dev/fuse", "", "ro,noexec", ""},
	{"suid,dev", "fuse", "/dev/fuse", "", "suid,dev", ""},
	{"noatime,atime,strictatime,lazytime", "fuse", "/dev/fuse", "", "", "strictatime lazytime"},
	{"auto_unmount,userns,_netdev,nonempty,x-a", "fuse", "/dev/fuse", "", "", ""},
	{"context=\"u:r:t:s0:c1\\,c2\"", "fuse", "/dev/fuse", ",context=\"u:r:t:s0:c1,c2\"",
	 "context=\"u:r:t:s0:c1,c2\"", ""},
	{"context=u:r:t:s0", "fuse", "/dev/fuse", ",context=u:r:t:s0", "context=u:r:t:s0", ""},
};

static void check_strings(const struct string_row *row)
{
	const struct mnt_owner owner = {7, S_IFDIR, 1000, 100};
	struct mnt_text type = {0}, source = {0}, data = {0}, helper = {0}, out = {0};
	char left[64], want[256];
	struct mnt_opts *opts = parse(row->words, left, sizeof(left));

	mnt_fs_type(opts, true, &type);
	mnt_fs_source(opts, true, "/dev/fuse", &source);
	assert_int_equal(mnt_kernel_data(opts, &owner, &data), 0);
	mnt_helper_options(opts, &helper, &out);
	snprintf(want, sizeof(want), "fd=7,rootmode=40000,user_id=1000,group_id=100%s",
		 row->kernel);
	assert_string_equal(type.str, row->type);
	assert_string_equal(source.str, row->source);
	assert_string_equal(data.str, want);
	assert_string_equal(helper.str ? helper.str : "", row->helper);
	assert_string_equal(out.str ? out.str : "", row->left_out);
	mnt_text_free(&type);
	mnt_text_free(&source);
	mnt_text_free(&data);
	mnt_text_free(&helper);
	mnt_text_free(&out);
	mnt_opts_free(opts);
}

static void strings_for_mount_and_helper(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(string_rows) / sizeof(string_rows[0]); i++)
		check_strings(&string_rows[i]);
}

static void a_kernel_without_subtypes_gets_them_in_the_source(void **state)
{
	struct mnt_text type = {0}, source = {0};
	char left[64];
	struct mnt_opts *opts = parse("fsname=n,subtype=s", left, sizeof(left));

	(void)state;
	mnt_fs_type(opts, false, &type);
	mnt_fs_source(opts, false, "/dev/fuse", &source);
	assert_string_equal(type.str, "fuse");
	assert_string_equal(source.str, "s#n");
	mnt_text_free(&type);
	mnt_text_free(&source);
	mnt_opts_free(opts);
}

static void what_the_kernel_would_cut_short_is_refused(void **state)
{
	const struct mnt_owner owner = {7, S_IFDIR, 1000, 100};
	struct mnt_opts *opts;
	struct mnt_text data = {0};
	char left[64], *value;

	(void)state;
	opts = parse("context=x", left, sizeof(left));
	free(opts->value[MNT_OPT_CONTEXT]);
	value = opts->value[MNT_OPT_CONTEXT] = malloc(5000);
	assert_non_null(value);
	memset(value, 'x', 4999);
	value[4999] = '\0';
	assert_int_equal(mnt_kernel_data(opts, &owner, &data), -E2BIG);
	mnt_text_free(&data);
	strcpy(value, "a\"b");
	assert_int_equal(mnt_kernel_data(opts, &owner, &data), -EINVAL);
	mnt_text_free(&data);
	mnt_opts_free(opts);
}

static char help_seen[2048];

static void collect(const char *line)
{
	assert_true(strlen(line) < 80);
	strcat(strcat(help_seen, line), "\n");
}

static void help_names_the_options(void **state)
{
	(void)state;
	mnt_help(collect);
	assert_non_null(strstr(help_seen, "    -o allow_other "));
	assert_non_null(strstr(help_seen, "    -o fsname=NAME "));
	assert_non_null(strstr(help_seen, "    -o userns "));
}

static void the_table_is_in_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < MNT_OPT_COUNT; i++) {
		const struct mnt_opt_row *row = &mnt_opt_table[i];

		assert_non_null(row->name);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(row->name, mnt_opt_table[j].name);
		if (row->kind == MNT_KIND_NUMBER)
			assert_true(mnt_opt_has_value(row));
		if (row->kind != MNT_KIND_FLAG)
			assert_int_equal(row->set | row->clear, 0);
		/* A user must not get these through the helper. */
		if (row->clear & MNT_FLAGS_DEFAULT)
			assert_int_equal(row->helper, MNT_HELPER_WARN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mount_options_are_taken_and_the_rest_stays),
		cmocka_unit_test(short_options_work),
		cmocka_unit_test(bad_numbers_are_refused_by_name),
		cmocka_unit_test(the_last_word_wins),
		cmocka_unit_test(strings_for_mount_and_helper),
		cmocka_unit_test(a_kernel_without_subtypes_gets_them_in_the_source),
		cmocka_unit_test(what_the_kernel_would_cut_short_is_refused),
		cmocka_unit_test(help_names_the_options),
		cmocka_unit_test(the_table_is_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
