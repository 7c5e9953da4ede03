/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of the words of -o, without mounting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include <cmocka.h>

#include "words.h"

static void expect(bool may_grant, const char *in, const char *out)
{
	struct words w = {0};
	char *got;

	assert_int_equal(words_add(&w, in), 0);
	got = words_for_filesystem(&w, may_grant);
	assert_non_null(got);
	if (strcmp(got, out) != 0)
		fail_msg("-o %s: the filesystem got '%s' and not '%s'", in, got, out);
	free(got);
	words_free(&w);
}

static void the_filesystems_own_words_pass_in_order(void **state)
{
	(void)state;
	expect(false, "", "");
	expect(false, "b=2,a,c", "b=2,a,c");
	expect(false, "a,,b,", "a,b");
	expect(false, "user=joe,password=x y,port=22", "user=joe,password=x y,port=22");
	expect(false, "allow_other,allow_root,default_permissions,nonempty,auto_unmount",
	       "allow_other,allow_root,default_permissions,nonempty,auto_unmount");
	expect(false, "fsname=x,subtype=y,max_read=4096", "fsname=x,subtype=y,max_read=4096");
	/* Words that only look like others. */
	expect(false, "users=3,autox,group=staff,X_y,remount2,nofail=1",
	       "users=3,autox,group=staff,X_y,remount2,nofail=1");
}

static void words_for_mount_and_fstab_are_dropped(void **state)
{
	(void)state;
	expect(false, "auto,noauto,nofail,_netdev,defaults,nouser,nousers,noowner,nogroup", "");
	expect(false, "comment=a b,x-systemd.automount,x-gvfs-show,X-mount.mkdir=0755,x-", "");
	expect(false, "helper=x,uhelper=udisks2,loop,loop=/dev/loop3", "");
	expect(false, "silent,loud,mand,nomand,iversion,noiversion,lazytime,nolazytime", "");
	expect(false, "atime,diratime,nodiratime,relatime,norelatime,strictatime,nostrictatime",
	       "");
	expect(false, "a,x-y=\"b,c\",d", "a,d");
	expect(false, "remount,setuid=joe,drop_privileges,a", "a");
}

static void of_contradicting_words_the_last_wins(void **state)
{
	(void)state;
	expect(false, "ro,rw", "rw");
	expect(false, "rw,ro", "ro");
	expect(false, "noexec,exec,noexec", "noexec,noexec");
	expect(false, "sync,async", "async");
	expect(false, "noatime,atime", "");
	expect(false, "noatime,relatime", "");
	expect(false, "noatime,nodiratime", "noatime");
	expect(false, "strictatime,noatime,nostrictatime", "noatime");
	expect(false, "nosymfollow,symfollow", "");
	expect(false, "nosymfollow,dirsync", "nosymfollow,dirsync");
}

static void user_and_owner_imply_what_mount_says(void **state)
{
	(void)state;
	expect(true, "user", "nodev,nosuid,noexec");
	expect(true, "users,exec", "exec,nodev,nosuid");
	expect(true, "user,suid,dev", "suid,dev,noexec");
	expect(true, "exec,user", "nodev,nosuid,noexec");
	expect(true, "owner", "nodev,nosuid");
	expect(true, "group,dev", "dev,nosuid");
	/* As mount(8) passes it on. */
	expect(true, "rw,noexec,nosuid,nodev,user", "rw,noexec,nosuid,nodev");
	expect(true, "rw,nosuid,nodev,user,exec", "rw,nosuid,nodev,exec");
}

static void fstabs_defaults_are_said_where_they_can_be_had(void **state)
{
	(void)state;
	expect(true, "", "dev,suid");
	expect(true, "rw", "rw,dev,suid");
	expect(true, "nodev", "nodev,suid");
	expect(true, "nosuid,a", "nosuid,a,dev");
	expect(true, "suid", "suid,dev");
	expect(false, "nosuid", "nosuid");
	expect(false, "suid", "suid");
}

static void escapes_survive(void **state)
{
	(void)state;
	expect(false, "a=1\\,2,b=\\\\,c", "a=1\\,2,b=\\\\,c");
	/* One word, so not the word "user". */
	expect(false, "a\\,user,b", "a\\,user,b");
	expect(false, "a\\\\,user", "a\\\\,nodev,nosuid,noexec");
	expect(false, "a=\\054user,b", "a=\\054user,b");
	/* A backslash at the end must not escape the comma that follows. */
	expect(true, "a=c:\\", "a=c:\\\\,dev,suid");
}

static void quotes_protect_commas(void **state)
{
	(void)state;
	expect(false, "h=\"i,user,j\",k", "h=\"i,user,j\",k");
	/* A lone quote is a character. */
	expect(false, "p=a\"b,nofail,c", "p=a\"b,c");
	expect(false, "p=a\\\"b,nofail,\"c", "p=a\\\"b,\"c");
	/* libfuse splits at a quoted comma; the kernel wants the quotes. */
	expect(false, "context=\"u:r:t:s0:c1,c2\"", "context=\"u:r:t:s0:c1\\,c2\"");
	expect(false, "context=\"u:r:t:s0:c1\\,c2\"", "context=\"u:r:t:s0:c1\\,c2\"");
}

static void words_for_us_are_noticed(void **state)
{
	struct words w = {0};

	(void)state;
	assert_int_equal(words_add(&w, "setuid=a,noexec,setuid=b c"), 0);
	assert_false(w.drop_privileges);
	assert_int_equal(words_add(&w, "drop_privileges,remount,allow_root"), 0);
	assert_string_equal(w.setuid, "b c");
	assert_true(w.drop_privileges);
	assert_true(w.remount);
	assert_true(w.allow_root);
	assert_int_equal(w.flags, MS_NOEXEC);
	words_free(&w);
}

static void several_lists_are_one(void **state)
{
	struct words w = {0};
	char *got;

	(void)state;
	assert_int_equal(words_add(&w, "a\\"), 0);
	assert_int_equal(words_add(&w, "b,ro"), 0);
	assert_int_equal(words_add(&w, "rw"), 0);
	got = words_for_filesystem(&w, false);
	assert_string_equal(got, "a\\\\,b,rw");
	free(got);
	words_free(&w);
}

static void what_we_mount_ourselves_has_all_words(void **state)
{
	struct words w = {0};
	char *got;

	(void)state;
	assert_int_equal(words_add(&w, "ro,nodiratime,strictatime,a=\"b,c\",d\\,e,user"), 0);
	got = words_for_mount(&w, true);
	assert_string_equal(got, "ro,nodiratime,strictatime,a=\"b\\,c\",d\\,e,nodev,nosuid,noexec");
	free(got);
	words_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_filesystems_own_words_pass_in_order),
		cmocka_unit_test(words_for_mount_and_fstab_are_dropped),
		cmocka_unit_test(of_contradicting_words_the_last_wins),
		cmocka_unit_test(user_and_owner_imply_what_mount_says),
		cmocka_unit_test(fstabs_defaults_are_said_where_they_can_be_had),
		cmocka_unit_test(escapes_survive),
		cmocka_unit_test(quotes_protect_commas),
		cmocka_unit_test(words_for_us_are_noticed),
		cmocka_unit_test(several_lists_are_one),
		cmocka_unit_test(what_we_mount_ourselves_has_all_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
