/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuse.conf, read line by line with the caller's rights. A line that is not
 * understood is reported and skipped; only a file of root's is believed.
 */
#include "fusermount3.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "profuse_config.h"

#define BLANKS " \t\r\v\f"

void conf_defaults(struct conf *conf)
{
	*conf = (struct conf){.mount_max = 1000};
}

static char *trim(char *s)
{
	size_t n;

	s += strspn(s, BLANKS);
	n = strlen(s);
	while (n > 0 && strchr(BLANKS, s[n - 1]))
		n--;
	s[n] = '\0';
	return s;
}

/* The value of "key = value", or NULL when the line has another key. */
static char *value_of(char *line, const char *key)
{
	size_t n = strlen(key);
	char *v;

	if (strncmp(line, key, n) != 0)
		return NULL;
	v = line + n + strspn(line + n, BLANKS);
	return *v == '=' ? trim(v + 1) : NULL;
}

static bool set_mount_max(struct conf *conf, const char *v)
{
	uint64_t n;

	if (strcmp(v, "-1") == 0)
		conf->mount_max = -1;
	else if (parse_number(v, INT32_MAX, &n))
		conf->mount_max = (int64_t)n;
	else
		return false;
	return true;
}

static bool add_type(struct conf *conf, const char *v)
{
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(v, &end, 16);
	if (v[0] != '0' || v[1] != 'x' || !v[2] || *end || errno || n == 0 ||
	    conf->n_extra_types == CONF_EXTRA_TYPES)
		return false;
	conf->extra_types[conf->n_extra_types++] = n;
	return true;
}

static void one_line(struct conf_reader *r)
{
	char *line, *v;

	r->line[strcspn(r->line, "#")] = '\0';
	line = trim(r->line);
	if (!*line)
		return;
	if (strcmp(line, "user_allow_other") == 0)
		r->conf->user_allow_other = true;
	else if ((v = value_of(line, "mount_max"))) {
		if (!set_mount_max(r->conf, v))
			say("invalid mount_max = %s in %s at line %u", v, FUSE_CONF, r->line_no);
	} else if ((v = value_of(line, "allow_fstype"))) {
		if (!add_type(r->conf, v))
			say("invalid allow_fstype = %s in %s at line %u", v, FUSE_CONF, r->line_no);
	} else
		say("unknown parameter in %s at line %u: '%s'", FUSE_CONF, r->line_no, line);
}

void conf_feed(struct conf_reader *r, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] != '\n') {
			if (r->len < sizeof(r->line)) /* one more than fits: too long */
				r->line[r->len++] = text[i] ? text[i] : '?';
			continue;
		}
		r->line_no++;
		if (r->len == sizeof(r->line)) {
			say("reading %s: line %u too long", FUSE_CONF, r->line_no);
		} else {
			r->line[r->len] = '\0';
			one_line(r);
		}
		r->len = 0;
	}
}

void conf_end(struct conf_reader *r)
{
	if (r->len)
		say("reading %s: missing newline at end of file", FUSE_CONF);
}

void conf_load(struct conf *conf)
{
	struct conf_reader r = {.conf = conf};
	CLEANUP_CLOSE int fd = -1;
	char chunk[512];
	struct stat st;
	ssize_t n;

	conf_defaults(conf);
	fd = open(FUSE_CONF, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		if (errno != ENOENT)
			say("failed to open %s: %s", FUSE_CONF, strerror(errno));
		return;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & 022)) {
		say("ignoring %s: not a file that only root can write", FUSE_CONF);
		return;
	}
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		conf_feed(&r, chunk, (size_t)n);
	if (n < 0)
		say("failed to read %s: %s", FUSE_CONF, strerror(errno));
	conf_end(&r);
}
