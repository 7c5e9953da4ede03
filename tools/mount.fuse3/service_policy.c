/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service_policy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/cleanup.h"

/* ---- messages ---- */

/* The rest of the message: a string that ends with it. */
static int take_string(const char *msg, size_t len, size_t head, struct service_command *out)
{
	if (len <= head || strnlen(msg + head, len - head) != len - head - 1)
		return -EBADMSG;
	out->string = msg + head;
	return 0;
}

static int parse_open(const char *msg, size_t len, struct service_command *out)
{
	struct service_open *o = &out->open;

	if (len < sizeof(*o))
		return -EBADMSG;
	memcpy(o, msg, sizeof(*o));
	o->flags = ntohl(o->flags);
	o->mode = ntohl(o->mode);
	o->request = ntohl(o->request);
	o->block_size = ntohl(o->block_size);
	return take_string(msg, len, sizeof(*o), out);
}

static int parse_place(const char *msg, size_t len, struct service_command *out)
{
	struct service_place place;

	if (len < sizeof(place))
		return -EBADMSG;
	memcpy(&place, msg, sizeof(place));
	out->number = ntohs(place.format);
	return take_string(msg, len, sizeof(place), out);
}

static int parse_number(const char *msg, size_t len, struct service_command *out)
{
	struct service_number number;

	if (len != sizeof(number))
		return -EBADMSG;
	memcpy(&number, msg, sizeof(number));
	out->number = ntohl(number.value);
	return 0;
}

int service_parse(const char *msg, size_t len, struct service_command *out)
{
	*out = (struct service_command){0};
	if (len < sizeof(out->word))
		return -EBADMSG;
	memcpy(&out->word, msg, sizeof(out->word));
	out->word = ntohl(out->word);
	switch (out->word) {
	case SERVICE_OPEN:
	case SERVICE_OPEN_BDEV:
		return parse_open(msg, len, out);
	case SERVICE_SOURCE:
	case SERVICE_OPTIONS:
	case SERVICE_MTAB:
		return take_string(msg, len, sizeof(out->word), out);
	case SERVICE_PLACE:
		return parse_place(msg, len, out);
	case SERVICE_TYPE:
	case SERVICE_MOUNT:
	case SERVICE_BYE:
		return parse_number(msg, len, out);
	default:
		return -EBADMSG;
	}
}

/* ---- names that the user wrote ---- */

/* Whether `text`, once fuse_opt has taken its backslashes, is `plain`. */
static bool reads_as(const char *text, const char *plain)
{
	for (; *text; text++, plain++) {
		if (*text == '\\' && text[1])
			text++;
		if (*text != *plain)
			return false;
	}
	return !*plain;
}

/* Whether `name` is the value of a word of this row. */
static bool is_value(const struct words *w, enum mnt_opt_id wanted, const char *name)
{
	for (size_t i = 0; i < w->count; i++) {
		enum mnt_opt_id row;
		const char *text = words_text(w, i, &row);
		const char *value = text && row == wanted ? strchr(text, '=') : NULL;

		if (value && (strcmp(value + 1, name) == 0 || reads_as(value + 1, name)))
			return true;
	}
	return false;
}

static bool is_source(const struct mount_request *req, const char *name)
{
	return req->source && strcmp(req->source, name) == 0;
}

/* ---- files ---- */

/*
 * Left out are O_PATH and O_DIRECTORY, because a descriptor of a directory leads
 * out of whatever the service was shut into; and what makes names or signals.
 */
#define OPEN_FLAGS                                                                                 \
	(O_ACCMODE | O_APPEND | O_CLOEXEC | O_CREAT | O_DIRECT | O_DSYNC | O_EXCL | O_LARGEFILE |  \
	 O_NOATIME | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK | O_SYNC | O_TRUNC)

int service_may_open(const struct mount_request *req, const struct service_command *cmd, int *flags)
{
	const struct service_open *o = &cmd->open;
	bool writes = (o->flags & O_ACCMODE) != O_RDONLY || (o->flags & (O_TRUNC | O_CREAT));

	if (!*cmd->string ||
	    !(is_source(req, cmd->string) || is_value(&req->words, MNT_OPT_COUNT, cmd->string)))
		return -EPERM;
	if ((o->flags & ~(uint32_t)OPEN_FLAGS) || (o->flags & O_ACCMODE) == O_ACCMODE ||
	    (o->request & ~SERVICE_QUIET))
		return -EINVAL;
	/* A new file would be ours: without setuid and the like. */
	if (o->mode & ~0777U)
		return -EINVAL;
	if (writes && (req->words.flags & MS_RDONLY))
		return -EROFS;
	*flags = (int)o->flags | O_CLOEXEC | O_NOCTTY;
	return 0;
}

/* ---- the mount ---- */

int service_may_be_block(const struct mount_request *req, uint32_t flags, bool root)
{
	if (flags > 1)
		return -EINVAL;
	return flags && !(req->block && root) ? -EPERM : 0;
}

/* A path in the mount table is believed to be what is mounted. */
int service_may_name(const struct mount_request *req, const char *source)
{
	if (is_source(req, source))
		return 0;
	for (const char *s = source; *s; s++)
		if (*s < ' ' || *s == 0x7f)
			return -EINVAL;
	if (strlen(source) >= PATH_MAX)
		return -EINVAL;
	return strchr(source, '/') && !is_value(&req->words, MNT_OPT_FSNAME, source) ? -EPERM : 0;
}

static bool user_wrote(const struct words *w, enum mnt_opt_id wanted, const char *word)
{
	for (size_t i = 0; i < w->count; i++) {
		enum mnt_opt_id row;
		const char *text = words_text(w, i, &row);

		if (text && row == wanted && (!word || strcmp(text, word) == 0))
			return true;
	}
	return false;
}

bool service_may_allow_other(const struct mount_request *req)
{
	return req->words.allow_root || user_wrote(&req->words, MNT_OPT_ALLOW_OTHER, NULL);
}

static int may_set_word(const struct mount_request *req, enum mnt_opt_id row, const char *word)
{
	const char *value;

	switch (row) {
	case MNT_OPT_DEFAULT_PERM:
		return 0;
	case MNT_OPT_MAX_READ:
	case MNT_OPT_BLKSIZE:
		value = strchr(word, '=') + 1;
		return *value && value[strspn(value, "0123456789")] == '\0' ? 0 : -EINVAL;
	case MNT_OPT_ALLOW_OTHER:
		return service_may_allow_other(req) ? 0 : -EPERM;
	case MNT_OPT_CONTEXT:
	case MNT_OPT_FSCONTEXT:
	case MNT_OPT_DEFCONTEXT:
	case MNT_OPT_ROOTCONTEXT:
		return user_wrote(&req->words, row, word) ? 0 : -EPERM;
	default:
		return -EINVAL;
	}
}

int service_may_set(const struct mount_request *req, const char *list, char **out)
{
	struct words theirs = {0};
	int err = words_add(&theirs, list);

	for (size_t i = 0; i < theirs.count && !err; i++) {
		enum mnt_opt_id row;
		const char *word = words_text(&theirs, i, &row);

		err = word ? may_set_word(req, row, word) : -EINVAL;
	}
	*out = err ? NULL : words_for_mount(&theirs, false);
	words_free(&theirs);
	return err ? err : *out ? 0 : -ENOMEM;
}

#define FLAGS                                                                                      \
	(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS | MS_DIRSYNC | MS_NOATIME | \
	 MS_NODIRATIME | MS_STRICTATIME | MS_LAZYTIME | MS_NOSYMFOLLOW)

int service_mount_flags(const struct mount_request *req, uint32_t asked, unsigned long *out)
{
	const struct words *w = &req->words;

	if (asked & ~(uint32_t)FLAGS)
		return -EINVAL;
	/* Setuid programs and devices only where the user has written so. */
	*out = asked | w->flags | ((MS_NOSUID | MS_NODEV) & ~w->granted);
	return 0;
}
