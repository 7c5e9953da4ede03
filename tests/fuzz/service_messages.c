/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a service and whoever mounts for it tell each other. The first byte says what the
 * rest is: the file of arguments, or a command to mount.fuse3 with a certain command
 * line.
 *
 * Whatever the command is, what comes out may not go beyond what the user wrote: no
 * file that is not named, no flag less, no access for others.
 */
#include "fuzz.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include <fuse_opt.h>

#include "base/compiler.h"
#include "cli/service.h"
#include "service_policy.h"

static const char *const lines[] = {
	"",
	"own=/named,own=a\\,b",
	"suid",
	"ro,noexec",
	"allow_other,suid,dev",
	"user,fsname=/x",
	"context=\"a,b\"",
};

static const char *const texts[] = {
	"/source",     "/named",
	"a,b",	       "a\\,b",
	"/x",	       "/etc/shadow",
	"allow_other", "default_permissions",
	"max_read=1",  ",",
	"\"",	       "\\",
	"x-a",	       "blkdev",
	"fd=0",	       "context=\"a,b\"",
	"plain",       "",
};

static const uint32_t words[] = {
	SERVICE_OPEN, SERVICE_OPEN_BDEV, SERVICE_TYPE,	SERVICE_SOURCE, SERVICE_OPTIONS,
	SERVICE_MTAB, SERVICE_PLACE,	 SERVICE_MOUNT, SERVICE_BYE,	SERVICE_ARGS,
};

const unsigned int fuzz_seeds = 60;

/* ---- inputs ---- */

static size_t put(uint8_t *buf, size_t len, const void *data, size_t n)
{
	if (len + n > FUZZ_INPUT_MAX - 8)
		return len;
	memcpy(buf + len, data, n);
	return len + n;
}

static size_t put32(uint8_t *buf, size_t len, uint32_t value)
{
	value = htonl(value);
	return put(buf, len, &value, sizeof(value));
}

static size_t make_args(uint8_t *buf, size_t len)
{
	unsigned int count = 1 + (unsigned int)random() % 5;
	const char *arg[5];
	uint32_t pos = 8 + 8 * count;

	len = put32(buf, len, SERVICE_ARGS);
	len = put32(buf, len, count);
	for (unsigned int i = 0; i < count; i++) {
		arg[i] = texts[(size_t)random() % ARRAY_SIZE(texts)];
		len = put32(buf, len, pos);
		len = put32(buf, len, (uint32_t)strlen(arg[i]));
		pos += (uint32_t)strlen(arg[i]) + 1;
	}
	for (unsigned int i = 0; i < count; i++)
		len = put(buf, len, arg[i], strlen(arg[i]) + 1);
	return len;
}

static size_t make_command(uint8_t *buf, size_t len, uint32_t word)
{
	const char *text = texts[(size_t)random() % ARRAY_SIZE(texts)];
	unsigned int numbers = 0;
	bool string = true;

	len = put32(buf, len, word);
	if (word == SERVICE_OPEN || word == SERVICE_OPEN_BDEV)
		numbers = 4;
	else if (word == SERVICE_TYPE || word == SERVICE_MOUNT || word == SERVICE_BYE)
		numbers = 1, string = false;
	else if (word == SERVICE_PLACE)
		numbers = 1;
	while (numbers--)
		len = put32(buf, len, random() % 3 ? (uint32_t)random() % 16 : (uint32_t)random());
	return string ? put(buf, len, text, strlen(text) + 1) : len;
}

size_t fuzz_make(uint64_t n, uint8_t *buf)
{
	size_t len = 1;
	uint32_t word;

	srandom((unsigned int)(n ^ n >> 32) + 1);
	word = words[n % ARRAY_SIZE(words)];
	buf[0] = (uint8_t)(word == SERVICE_ARGS ? 0 : 1 + (size_t)random() % ARRAY_SIZE(lines));
	len = word == SERVICE_ARGS ? make_args(buf, len) : make_command(buf, len, word);
	if (n < fuzz_seeds)
		return len;
	for (unsigned int i = (unsigned int)random() % 4; i; i--)
		buf[1 + (size_t)random() % (len - 1)] = (uint8_t)(random() % 2 ? random() : 0xff);
	if (random() % 4 == 0)
		len = 1 + (size_t)random() % len;
	return len;
}

/* ---- what must hold ---- */

static void require(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void read_args(const uint8_t *input, size_t len)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	char *file = malloc(len + !len);
	size_t total = 0;

	memcpy(file, input, len);
	if (fuse_opt_add_arg(&args, "me") < 0)
		abort();
	if (cli_service_add_args(file, len, &args) == 0) {
		for (int i = 1; i < args.argc; i++)
			total = strlen(args.argv[i]) > total ? strlen(args.argv[i]) : total;
		require(total <= len && (size_t)args.argc * 8 <= len, "arguments out of nothing");
	}
	fuse_opt_free_args(&args);
	free(file);
}

static bool user_named(const struct mount_request *req, const char *list, const char *path)
{
	if (strcmp(path, req->source) == 0)
		return true;
	return list == lines[1] && (strcmp(path, "/named") == 0 || strcmp(path, "a,b") == 0 ||
				    strcmp(path, "a\\,b") == 0);
}

static void check_open(const struct mount_request *req, const char *list,
		       const struct service_command *cmd)
{
	int flags;

	if (service_may_open(req, cmd, &flags) != 0)
		return;
	require(user_named(req, list, cmd->string), "a file that is not named");
	require(!(flags & (O_PATH | O_DIRECTORY | O_ASYNC)), "flags that do more");
	require(!(cmd->open.mode & ~0777U), "a mode with special bits");
	require(!(req->words.flags & MS_RDONLY) || (flags & (O_ACCMODE | O_TRUNC | O_CREAT)) == 0,
		"writing though it is ro");
}

static void check_options(const struct mount_request *req, const char *list, const char *options)
{
	char *out;

	if (service_may_set(req, options, &out) != 0)
		return;
	require(!strstr(out, "allow_other") || strstr(list, "allow_other"), "access for others");
	require(!strstr(out, "blkdev") && !strstr(out, "fd=") && !strstr(out, "suid"),
		"an option of another kind");
	require(!strstr(out, "context") || strstr(list, "context"), "a context");
	free(out);
}

static void check_flags(const struct mount_request *req, const char *list, uint32_t asked)
{
	unsigned long flags;

	if (service_mount_flags(req, asked, &flags) != 0)
		return;
	require((flags & req->words.flags) == req->words.flags, "a flag of the user's is lost");
	require((flags & MS_NOSUID) || strstr(list, "suid"), "setuid programs");
	require((flags & MS_NODEV) || strstr(list, "dev"), "devices");
	require(!(flags & (MS_REMOUNT | MS_BIND | MS_MOVE)), "another call");
}

static void obey(const struct mount_request *req, const char *list,
		 const struct service_command *cmd)
{
	switch (cmd->word) {
	case SERVICE_OPEN:
	case SERVICE_OPEN_BDEV:
		check_open(req, list, cmd);
		break;
	case SERVICE_OPTIONS:
		check_options(req, list, cmd->string);
		break;
	case SERVICE_MOUNT:
		check_flags(req, list, cmd->number);
		break;
	case SERVICE_TYPE:
		require(!cmd->number || service_may_be_block(req, cmd->number, true) != 0,
			"a block device");
		break;
	case SERVICE_SOURCE:
		if (service_may_name(req, cmd->string) == 0)
			require(!strchr(cmd->string, '/') || strcmp(cmd->string, "/source") == 0 ||
					strcmp(cmd->string, "/x") == 0,
				"a path as the source");
		break;
	}
}

static void read_command(const char *list, const uint8_t *input, size_t len)
{
	struct mount_request req = {.source = "/source", .dir = "/dir"};
	char *message = malloc(len + !len);
	struct service_command cmd;

	memcpy(message, input, len);
	if (words_add(&req.words, list) < 0)
		abort();
	if (service_parse(message, len, &cmd) == 0) {
		require(!cmd.string || (cmd.string >= message &&
					cmd.string + strlen(cmd.string) + 1 == message + len),
			"a string that does not end with the message");
		obey(&req, list, &cmd);
	}
	words_free(&req.words);
	free(message);
}

void fuzz_one(const uint8_t *input, size_t len)
{
	if (!len)
		return;
	if (input[0] == 0)
		read_args(input + 1, len - 1);
	else
		read_command(lines[input[0] % ARRAY_SIZE(lines)], input + 1, len - 1);
}
