/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file that the archive is. */
#include "archivefs.h"

#include <archive.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 65536

static const char *path;
static int fd = -1;
static struct stat opened;
static off_t size_of_file;
static const char *password;

int source_open(const char *name)
{
	path = name;
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &opened)) {
		fprintf(stderr, "archivefs: %s: %s\n", name, strerror(errno));
		return -1;
	}
	if (!S_ISREG(opened.st_mode) && !S_ISBLK(opened.st_mode)) {
		fprintf(stderr, "archivefs: %s: %s\n", name,
			S_ISDIR(opened.st_mode) ? strerror(EISDIR) : "not a file");
		return -1;
	}
	/* Also of a block device, a CD. */
	size_of_file = lseek(fd, 0, SEEK_END);
	return 0;
}

const char *source_path(void)
{
	return path;
}

const struct stat *source_stat(void)
{
	return &opened;
}

void source_set_password(const char *text)
{
	password = text;
}

bool source_has_password(void)
{
	return password;
}

bool source_unchanged(void)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;
	struct stat st;

	if (!S_ISREG(opened.st_mode) || (!fstat(fd, &st) && st.st_size == opened.st_size &&
					 st.st_mtim.tv_sec == opened.st_mtim.tv_sec &&
					 st.st_mtim.tv_nsec == opened.st_mtim.tv_nsec))
		return true;
	if (!atomic_flag_test_and_set(&said))
		fuse_log(FUSE_LOG_ERR,
			 "archivefs: %s has changed since it was mounted; unmount it and mount it "
			 "again\n",
			 path);
	return false;
}

ssize_t source_pread(void *buf, size_t size, off_t off)
{
	return pread(fd, buf, size, off);
}

/* ---- how libarchive reads it ---- */

/* Each with a position of its own in the one open file. */
struct stream {
	off_t at;
	char block[BLOCK];
};

static la_ssize_t stream_read(struct archive *a, void *data, const void **block)
{
	struct stream *s = data;
	ssize_t n = pread(fd, s->block, sizeof(s->block), s->at);

	*block = s->block;
	if (n < 0)
		archive_set_error(a, errno, "reading fails at byte %lld: %s", (long long)s->at,
				  strerror(errno));
	else
		s->at += n;
	return n;
}

static la_int64_t stream_skip(struct archive *a, void *data, la_int64_t count)
{
	struct stream *s = data;

	/* Not beyond the end: what is missing has to be missed. */
	if (count > size_of_file - s->at)
		count = size_of_file > s->at ? size_of_file - s->at : 0;
	s->at += count;
	return count;
}

static la_int64_t stream_seek(struct archive *a, void *data, la_int64_t off, int whence)
{
	struct stream *s = data;
	off_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? s->at : size_of_file;

	if (off < -from)
		return ARCHIVE_FATAL;
	s->at = from + off;
	return s->at;
}

static int stream_close(struct archive *a, void *data)
{
	free(data);
	return ARCHIVE_OK;
}

/*
 * What libarchive can read, but for two things. Lists of files (mtree) have no
 * contents: it would read those from the files of this machine, and the archive
 * says which. And decompressors that are other programs are not started for what
 * a file claims to be.
 */
static void choose_formats(struct archive *a)
{
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_compress(a);
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_lz4(a);
	archive_read_support_filter_lzip(a);
	archive_read_support_filter_lzma(a);
	archive_read_support_filter_rpm(a);
	archive_read_support_filter_uu(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_zstd(a);
	archive_read_support_format_7zip(a);
	archive_read_support_format_ar(a);
	archive_read_support_format_cab(a);
	archive_read_support_format_cpio(a);
	archive_read_support_format_empty(a);
	archive_read_support_format_iso9660(a);
	archive_read_support_format_lha(a);
	archive_read_support_format_rar(a);
	archive_read_support_format_rar5(a);
	archive_read_support_format_tar(a);
	archive_read_support_format_warc(a);
	archive_read_support_format_xar(a);
	archive_read_support_format_zip(a);
}

struct archive *source_read(char *message, size_t size)
{
	struct archive *a = archive_read_new();
	struct stream *s = calloc(1, sizeof(*s));

	if (!a || !s) {
		snprintf(message, size, "out of memory");
		archive_read_free(a);
		free(s);
		return NULL;
	}
	choose_formats(a);
	if (password)
		archive_read_add_passphrase(a, password);
	archive_read_set_read_callback(a, stream_read);
	archive_read_set_skip_callback(a, stream_skip);
	archive_read_set_seek_callback(a, stream_seek);
	archive_read_set_close_callback(a, stream_close);
	archive_read_set_callback_data(a, s);
	if (archive_read_open1(a) == ARCHIVE_OK)
		return a;
	snprintf(message, size, "%s", archive_error_string(a) ?: "cannot be read");
	archive_read_free(a);
	return NULL;
}
