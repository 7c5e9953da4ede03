/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * notify_store_retrieve: the text of a file changes, and the new text is put into
 * the kernel's cache: readers get it without asking us. Then it is fetched
 * back from the cache, to see whether it is there; that answer comes as a
 * request of its own.
 */
#include "../common/onefile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of one length, so that the size that the kernel knows stays right. */
static void change(char *name, char *text, unsigned int round)
{
	strcpy(name, "counter");
	snprintf(text, ONEFILE_ROOM, "This is change %8u.\n", round);
}

static void notify(struct fuse_session *se, const char *old, const char *name, const char *text)
{
	struct fuse_bufvec bufv = FUSE_BUFVEC_INIT(strlen(text));
	int err;

	bufv.buf[0].mem = (void *)(uintptr_t)text;
	err = fuse_lowlevel_notify_store(se, ONEFILE_INO, 0, &bufv, 0);
	if (!err)
		err = fuse_lowlevel_notify_retrieve(se, ONEFILE_INO, ONEFILE_ROOM, 0, strdup(text));
	if (err && err != -ENOENT && err != -ENOTCONN)
		fprintf(stderr, "the kernel did not take the text: %s\n", strerror(-err));
}

static void retrieved(fuse_req_t req, void *cookie, fuse_ino_t ino, off_t offset,
		      struct fuse_bufvec *bufv)
{
	char text[ONEFILE_ROOM] = "";
	struct fuse_bufvec dst = FUSE_BUFVEC_INIT(sizeof(text) - 1);
	char *expected = cookie;

	dst.buf[0].mem = text;
	/* Nothing at all: the kernel has dropped the page again. */
	if (fuse_buf_copy(&dst, bufv, 0) > 0 && strcmp(text, expected))
		fprintf(stderr, "stored '%s', retrieved '%s'\n", expected, text);
	free(expected);
	fuse_reply_none(req);
}

int main(int argc, char *argv[])
{
	static const struct onefile example = {
		.what = "A file whose contents change; they are stored in the cache.",
		.change = change,
		.notify = notify,
		.retrieve_reply = retrieved,
	};

	return onefile_main(argc, argv, &example);
}
