/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuse.conf, read with the caller's rights. A line that is not understood is
 * reported and skipped. If the file cannot be trusted, or is not for the caller
 * to read, it may say anything: then the caller gets the least.
 */
#include "fusermount3.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BLANKS	" \t\r\v\f"
#define LONGEST 255

static const struct conf defaults = {.mount_max = 1000}, least = {.mount_max = 1};

static bool set_mount_max(const char *v, struct conf *c)
{
	uint64_t n;

	if (strcmp(v, "-1") != 0 && !parse_number(v, INT32_MAX, &n))
		return false;
	c->mount_max = *v == '-' ? -1 : (int64_t)n;
	return true;
}

static bool add_type(const char *v, struct conf *c)
{
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(v, &end, 16);
	if (strncmp(v, "0x", 2) != 0 || *end || errno || n == 0 ||
	    c->n_extra_types == CONF_EXTRA_TYPES)
		return false;
	c->extra_types[c->n_extra_types++] = n;
	return true;
}

static void one_line(char *line, unsigned int number, struct conf *c)
{
	int mount_max = 0, type = 0;
	size_t n;

	line += strspn(line, BLANKS);
	line[strcspn(line, "#")] = '\0';
	for (n = strlen(line); n > 0 && strchr(BLANKS, line[n - 1]); n--)
		line[n - 1] = '\0';
	(void)!sscanf(line, "mount_max = %n", &mount_max);
	(void)!sscanf(line, "allow_fstype = %n", &type);
	if (strcmp(line, "user_allow_other") == 0)
		c->user_allow_other = true;
	else if (mount_max && !set_mount_max(line + mount_max, c))
		say("invalid mount_max = %s in %s at line %u", line + mount_max, FUSE_CONF, number);
	else if (type && !add_type(line + type, c))
		say("invalid allow_fstype = %s in %s at line %u", line + type, FUSE_CONF, number);
	else if (*line && !mount_max && !type)
		say("unknown parameter in %s at line %u: '%s'", FUSE_CONF, number, line);
}

/* text has room for a byte behind len. */
void conf_parse(char *text, size_t len, struct conf *c)
{
	char *line, *nul;

	*c = defaults;
	while ((nul = memchr(text, '\0', len)))
		*nul = '?';
	text[len] = '\0';
	for (unsigned int number = 1; line = strsep(&text, "\n"), text; number++)
		if (strlen(line) > LONGEST)
			say("reading %s: line %u too long", FUSE_CONF, number);
		else
			one_line(line, number, c);
	if (*line)
		say("reading %s: missing newline at end of file", FUSE_CONF);
}

/* Fails if it is not known what the administrator wants: a lack of descriptors,
 * which the caller can arrange, must not loosen anything. */
int conf_load(struct job *j)
{
	static char text[1 << 16];
	CLEANUP_CLOSE int fd = open(FUSE_CONF, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t len = 0;
	struct stat st;
	ssize_t n;

	j->conf = fd < 0 && errno == ENOENT ? defaults : least;
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0) {
		say("failed to open %s: %s", FUSE_CONF, strerror(errno));
		return errno == EACCES ? 0 : -1;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & 022)) {
		say("ignoring %s: not a file that only root can write", FUSE_CONF);
		return 0;
	}
	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	if (n < 0 || len == sizeof(text) - 1)
		return say("failed to read %s: %s", FUSE_CONF, strerror(n < 0 ? errno : EFBIG));
	conf_parse(text, len, &j->conf);
	return 0;
}
