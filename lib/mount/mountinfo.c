/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mount/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

int mnt_info_open(struct mnt_info_reader *r)
{
	r->start = r->end = 0;
	r->eof = false;
	r->fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	return r->fd < 0 ? -errno : 0;
}

void mnt_info_close(struct mnt_info_reader *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}

/* Reads on behind what is there. Returns 0 or -errno; sets eof. */
static int fill(struct mnt_info_reader *r)
{
	ssize_t n;

	memmove(r->buf, r->buf + r->start, r->end - r->start);
	r->end -= r->start;
	r->start = 0;
	do {
		n = read(r->fd, r->buf + r->end, sizeof(r->buf) - r->end);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	r->eof = n == 0;
	r->end += (size_t)n;
	return 0;
}

int mnt_info_next(struct mnt_info_reader *r, struct mnt_info_line *line)
{
	bool skipping = false;

	for (;;) {
		char *text = r->buf + r->start;
		char *nl = memchr(text, '\n', r->end - r->start);
		int err;

		if (nl) {
			*nl = '\0';
			r->start = (size_t)(nl + 1 - r->buf);
			if (!skipping && mnt_info_parse(text, line))
				return 1;
			skipping = false;
			continue;
		}
		if (r->eof)
			return 0;
		if (r->start == 0 && r->end == sizeof(r->buf)) {
			skipping = true;
			r->end = 0;
		}
		err = fill(r);
		if (err)
			return err;
	}
}

/* Ends the field at the next blank and returns the one behind it. */
static char *next_field(char *field)
{
	char *blank = field ? strchr(field, ' ') : NULL;

	if (!blank)
		return NULL;
	*blank = '\0';
	return blank + 1;
}

static bool number(const char **s, unsigned long *out)
{
	const char *p = *s;

	*out = 0;
	while (*p >= '0' && *p <= '9')
		*out = *out * 10 + (unsigned long)(*p++ - '0');
	if (p == *s)
		return false;
	*s = p;
	return true;
}

/* The kernel writes blank, tab, newline and backslash as \ooo. */
static void unescape(char *s)
{
	char *to = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

/* "36 35 0:39 / /mnt rw,noatime shared:1 - fuse.x source rw": the optional
 * fields before the lone dash may be any number. */
bool mnt_info_parse(char *text, struct mnt_info_line *line)
{
	const char *id = text;
	char *up = next_field(text);
	char *devs = next_field(up);
	char *root = next_field(devs);
	char *point = next_field(root);
	char *field = next_field(point);
	const char *dev = devs, *parent = up;
	unsigned long n, p, major, minor;

	if (!field || !number(&id, &n) || !number(&parent, &p) || n > INT_MAX || p > INT_MAX)
		return false;
	if (!number(&dev, &major) || *dev++ != ':' || !number(&dev, &minor))
		return false;
	do {
		char *next = next_field(field);
		bool dash = strcmp(field, "-") == 0;

		field = next;
		if (dash)
			break;
	} while (field);
	if (!field)
		return false;
	unescape(point);
	line->id = (int)n;
	line->parent = (int)p;
	line->dev = makedev((unsigned int)major, (unsigned int)minor);
	line->point = point;
	line->type = field;
	line->sb_options = next_field(next_field(field));
	return true;
}
