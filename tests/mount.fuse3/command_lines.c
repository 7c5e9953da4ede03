/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Command lines in, command lines out. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmdline.h"
#include "program.h"
#include "quote.h"

#define MAX 12

struct line {
	const char *in[MAX];
	int code; /* -1 for what can be run */
	const char *out[MAX];
};

static const struct line lines[] = {
	/* As people and old fstabs write it. */
	{{"mount.fuse3", "fs#src", "/d"}, -1, {"fs", "src", "/d"}},
	{{"mount.fuse3", "fs#a#b", "/d"}, -1, {"fs", "a#b", "/d"}},
	{{"mount.fuse3", "fs#", "/d"}, -1, {"fs", "", "/d"}},
	{{"mount.fuse3", "fs", "/d"}, -1, {"fs", "/d"}},
	{{"mount.fuse", "fs#src", "/d", "-o", "a"}, -1, {"fs", "src", "/d", "-o", "a"}},
	{{"mount.fuse3", "-o", "a", "fs#src", "/d"}, -1, {"fs", "src", "/d", "-o", "a"}},
	{{"mount.fuse3", "-oa", "-t", "fs", "--", "src", "d"}, -1, {"fs", "src", "d", "-o", "a"}},
	/* As mount(8) writes it. */
	{{"/sbin/mount.fuse", "src", "/d", "-o", "rw", "-t", "fuse.fs"},
	 -1,
	 {"fs", "src", "/d", "-o", "rw"}},
	{{"/sbin/mount.fuse3", "src", "/d", "-o", "rw", "-t", "fuse3.fs"},
	 -1,
	 {"fs", "src", "/d", "-o", "rw"}},
	{{"/sbin/mount.fuse", "src", "/d", "-t", "fuseblk.fs"}, -1, {"fs", "src", "/d"}},
	{{"/sbin/mount.fuse", "fs#src", "/d", "-t", "fuse"}, -1, {"fs", "src", "/d"}},
	{{"/sbin/mount.fuse", "fs#src", "/d", "-t", "fuseblk"}, -1, {"fs", "src", "/d"}},
	{{"/sbin/mount.fuse", "src", "/d", "-t", "fuse.a.b"}, -1, {"a.b", "src", "/d"}},
	{{"/sbin/mount.fuse", "src", "/d", "-t", "/opt/fs"}, -1, {"/opt/fs", "src", "/d"}},
	{{"/sbin/mount.fuse", "", "/d", "-t", "fs"}, -1, {"fs", "/d"}},
	{{"/sbin/mount.fuse", "src", "/d", "-s", "-n", "-v", "-o", "a"},
	 -1,
	 {"src", "/d", "-o", "a"}},
	/* The type in the name. */
	{{"/sbin/mount.fuse.fs", "a#b", "/d"}, -1, {"fs", "a#b", "/d"}},
	{{"/sbin/mount.fuse3.fs", "src", "/d"}, -1, {"fs", "src", "/d"}},
	{{"/sbin/mount.fuseblk.fs", "src", "/d"}, -1, {"fs", "src", "/d"}},
	{{"/sbin/mount.fuse.one", "src", "/d", "-t", "two"}, -1, {"two", "src", "/d"}},
	{{"/sbin/mount.fusefoo", "fs#src", "/d"}, -1, {"fs", "src", "/d"}},
	{{"mount.fuse.", "fs#src", "/d"}, -1, {"fs", "src", "/d"}},
	/* Several lists; -r and -w in their order. */
	{{"mount.fuse3", "fs#s", "/d", "-o", "a", "-r", "-o", "b"},
	 -1,
	 {"fs", "s", "/d", "-o", "a,ro,b"}},
	{{"mount.fuse3", "fs#s", "/d", "-r", "-w"}, -1, {"fs", "s", "/d", "-o", "rw"}},
	/* Names that could be options stay names, for us and for the filesystem. */
	{{"/sbin/mount.fuse", "-src", "/d", "-o", "rw", "-t", "fuse.fs"},
	 -1,
	 {"fs", "-o", "rw", "--", "-src", "/d"}},
	{{"/sbin/mount.fuse", "-o", "/d", "-o", "rw", "-t", "fuse.fs"},
	 -1,
	 {"fs", "-o", "rw", "--", "-o", "/d"}},
	{{"/sbin/mount.fuse", "-s", "/d", "-t", "fuse.fs"}, -1, {"fs", "--", "-s", "/d"}},
	{{"/sbin/mount.fuse", "--x", "/d", "-t", "fuse.fs"}, -1, {"fs", "--", "--x", "/d"}},
	{{"mount.fuse3", "-t", "fs", "--", "-s", "-d"}, -1, {"fs", "--", "-s", "./-d"}},
	/* Whatever characters there are. */
	{{"mount.fuse3", "fs#a b\n'\"$(x)\\", "/d e\n", "-o", "p='$x'"},
	 -1,
	 {"fs", "a b\n'\"$(x)\\", "/d e\n", "-o", "p='$x'"}},
	{{"mount.fuse3", "s", "/d", "-t", "fs; reboot"}, -1, {"fs; reboot", "s", "/d"}},
	/* What cannot be. */
	{{"mount.fuse3"}, 1, {0}},
	{{"mount.fuse3", "fs#src"}, 1, {0}},
	{{"mount.fuse3", "fs#src", ""}, 1, {0}},
	{{"mount.fuse3", "#src", "/d"}, 1, {0}},
	{{"mount.fuse3", "", "/d"}, 1, {0}},
	{{"mount.fuse3", "a", "b", "c"}, 1, {0}},
	{{"mount.fuse3", "fs#src", "/d", "-x"}, 1, {0}},
	{{"mount.fuse3", "fs#src", "/d", "-o"}, 1, {0}},
};

static void check_line(const struct line *line)
{
	struct mount_request req;
	struct program_args args;
	char *argv[MAX + 1] = {0};
	int argc = 0, code;

	while (line->in[argc]) {
		argv[argc] = (char *)line->in[argc];
		argc++;
	}
	code = cmdline_parse(argc, argv, &req);
	assert_int_equal(code, line->code);
	if (code < 0) {
		size_t i;

		assert_int_equal(program_arguments(&req, req.dir, false, &args), 0);
		for (i = 0; line->out[i]; i++) {
			assert_non_null(args.argv[i]);
			assert_string_equal(args.argv[i], line->out[i]);
		}
		assert_null(args.argv[i]);
		program_arguments_free(&args);
	}
	cmdline_free(&req);
}

static void command_lines_become_command_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		check_line(&lines[i]);
	/* An option after a name is one all the same. */
	setenv("POSIXLY_CORRECT", "1", 1);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		check_line(&lines[i]);
	unsetenv("POSIXLY_CORRECT");
}

/* The shell's own opinion. */
static void check_quoted(const char *s)
{
	struct mnt_text text = {0};
	char back[300], *argv[] = {(char *)s, (char *)"next", NULL};
	FILE *sh;
	size_t n;

	mnt_text_add(&text, "printf '<%%s>' ");
	quote_command(&text, argv);
	sh = popen(text.str, "r");
	assert_non_null(sh);
	n = fread(back, 1, sizeof(back) - 1, sh);
	back[n] = '\0';
	pclose(sh);
	assert_int_equal(n, strlen(s) + 8);
	assert_int_equal(back[0], '<');
	assert_memory_equal(back + 1, s, strlen(s));
	assert_string_equal(back + 1 + strlen(s), "><next>");
	mnt_text_free(&text);
}

static void a_shell_reads_quoted_words_back(void **state)
{
	char all[256], noise[100];
	unsigned int seed = 1;

	(void)state;
	for (int i = 1; i < 256; i++)
		all[i - 1] = (char)i;
	all[255] = '\0';
	check_quoted(all);
	check_quoted("");
	check_quoted("plain");
	check_quoted("'");
	check_quoted("''a''");
	check_quoted("$(x) `y` \\ \"z\" !");
	check_quoted("-n");
	for (int round = 0; round < 50; round++) {
		size_t len = 1 + (size_t)(rand_r(&seed) % 90);

		for (size_t i = 0; i < len; i++)
			noise[i] = (char)(1 + rand_r(&seed) % 255);
		noise[len] = '\0';
		check_quoted(noise);
	}
}

static void make_file(const char *path, mode_t mode)
{
	int fd = open(path, O_CREAT | O_WRONLY, mode);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(chmod(path, mode), 0);
}

static void the_program_is_found_in_PATH(void **state)
{
	char root[] = "/tmp/mount.fuse3-test.XXXXXX", dirs[200], *path, *looked;

	(void)state;
	assert_non_null(mkdtemp(root));
	assert_int_equal(chdir(root), 0);
	assert_int_equal(mkdir("one", 0755), 0);
	assert_int_equal(mkdir("two", 0755), 0);
	assert_int_equal(mkdir("one/dir", 0755), 0);
	make_file("one/flat", 0644);
	make_file("two/flat", 0755);
	make_file("two/dir", 0755);
	make_file("one/only", 0644);
	make_file("here", 0755);
	snprintf(dirs, sizeof(dirs), "/nowhere:%s/one:%s/two", root, root);
	setenv("PATH", dirs, 1);

	/* What cannot be run is passed by, as shells do it. */
	assert_int_equal(program_find("flat", &path, &looked), 0);
	assert_non_null(strstr(path, "/two/flat"));
	free(path);
	free(looked);
	assert_int_equal(program_find("dir", &path, &looked), 0);
	free(path);
	free(looked);
	assert_int_equal(program_find("only", &path, &looked), -EACCES);
	assert_non_null(strstr(looked, "one/only: Permission denied"));
	free(looked);
	assert_int_equal(program_find("none", &path, &looked), -ENOENT);
	assert_non_null(strstr(looked, "/nowhere, "));
	free(looked);
	assert_int_equal(program_find("./here", &path, &looked), 0);
	assert_string_equal(path, "./here");
	free(path);
	free(looked);

	/* The current directory is not for root. */
	setenv("PATH", ":.:", 1);
	assert_int_equal(program_find("here", &path, &looked), geteuid() ? 0 : -ENOENT);
	free(path);
	free(looked);

	unlink("one/flat");
	unlink("two/flat");
	unlink("two/dir");
	unlink("one/only");
	unlink("here");
	rmdir("one/dir");
	rmdir("one");
	rmdir("two");
	rmdir(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(command_lines_become_command_lines),
		cmocka_unit_test(a_shell_reads_quoted_words_back),
		cmocka_unit_test(the_program_is_found_in_PATH),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
