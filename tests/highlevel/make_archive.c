/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* make_archive FORMAT FILTER ARCHIVE DIRECTORY [ENCRYPTION PASSWORD]: packs a
 * directory with libarchive. */
#include <archive.h>
#include <archive_entry.h>

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void copy_data(struct archive *out, const char *path)
{
	char buf[65536];
	ssize_t n;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		err(1, "%s", path);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		archive_write_data(out, buf, (size_t)n);
	close(fd);
}

int main(int argc, char **argv)
{
	struct archive_entry_linkresolver *links = archive_entry_linkresolver_new();
	struct archive *disk = archive_read_disk_new(), *out = archive_write_new();
	struct archive_entry *e, *sparse = NULL;
	char path[4096];

	if (argc != 5 && argc != 7)
		errx(2, "usage: make_archive FORMAT FILTER ARCHIVE DIRECTORY [ENCRYPTION PASSWORD]");
	if (archive_write_set_format_by_name(out, argv[1]) ||
	    (argc == 7 && (archive_write_set_format_option(out, NULL, "encryption", argv[5]) ||
			   archive_write_set_passphrase(out, argv[6]))) ||
	    (*argv[2] && archive_write_add_filter_by_name(out, argv[2])) ||
	    archive_write_open_filename(out, argv[3]))
		errx(77, "%s", archive_error_string(out));
	if (chdir(argv[4]))
		err(1, "%s", argv[4]);
	archive_entry_linkresolver_set_strategy(links, archive_format(out));
	archive_read_disk_open(disk, ".");
	while (e = archive_entry_new(), archive_read_next_header2(disk, e) == ARCHIVE_OK) {
		archive_read_disk_descend(disk);
		snprintf(path, sizeof(path), "%s", archive_entry_sourcepath(e));
		archive_entry_linkify(links, &e, &sparse);
		if (e && archive_write_header(out, e) < ARCHIVE_WARN)
			errx(1, "%s: %s", path, archive_error_string(out));
		if (e && archive_entry_size(e) > 0 && archive_entry_filetype(e) == AE_IFREG)
			copy_data(out, path);
		archive_entry_free(e);
	}
	archive_entry_free(e);
	if (archive_write_close(out))
		errx(1, "%s", archive_error_string(out));
	archive_write_free(out);
	archive_read_free(disk);
	archive_entry_linkresolver_free(links);
	return 0;
}
