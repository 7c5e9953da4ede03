/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

/* Disk images have sectors of this size, or, rarely, of the next. */
static const uint32_t sector_sizes[] = {512, 4096};

#define MBR_ENTRIES	446
#define MBR_ENTRY_SIZE	16
#define MBR_PROTECTIVE	0xee /* the type of the one entry before a GPT */
#define GPT_NAME_LENGTH 36

struct gpt_header {
	char magic[8];
	uint32_t revision, size, crc, reserved;
	uint64_t here, other, first, last;
	uint8_t guid[16];
	uint64_t entries;
	uint32_t count, entry_size, entries_crc;
};

struct gpt_entry {
	uint8_t type[16], guid[16];
	uint64_t first, last, flags;
	uint16_t name[GPT_NAME_LENGTH];
};

/* Of numbers that the image made up: nothing may wrap around. */
static void add(struct table *table, unsigned int number, uint64_t first, uint64_t count,
		uint32_t sector, off_t size)
{
	uint64_t sectors = (uint64_t)size / sector;

	if (!count || first >= sectors || count > sectors - first || table->count == PARTITIONS_MAX)
		return;
	table->at[table->count++] = (struct partition){
		.number = number,
		.start = (off_t)(first * sector),
		.size = (off_t)(count * sector),
	};
}

static int read_at(int fd, void *buf, size_t len, off_t off)
{
	ssize_t n = pread(fd, buf, len, off);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EINVAL;
}

static int read_gpt(int fd, uint32_t sector, off_t size, struct table *table)
{
	static const uint8_t unused[16];
	struct gpt_header head;
	int err = read_at(fd, &head, sizeof(head), sector);
	uint32_t count, entry_size;
	uint64_t entries;

	if (err)
		return err;
	count = le32toh(head.count);
	entry_size = le32toh(head.entry_size);
	entries = le64toh(head.entries);
	if (memcmp(head.magic, "EFI PART", 8) != 0 || entry_size < sizeof(struct gpt_entry) ||
	    entry_size > 4096 || entries > (uint64_t)size / sector)
		return -EINVAL;
	for (uint32_t i = 0; i < count && i < PARTITIONS_MAX; i++) {
		struct gpt_entry entry;
		uint64_t first, last;

		err = read_at(fd, &entry, sizeof(entry),
			      (off_t)(entries * sector + (uint64_t)i * entry_size));
		if (err)
			return err;
		first = le64toh(entry.first);
		last = le64toh(entry.last);
		if (memcmp(entry.type, unused, sizeof(unused)) != 0 && last >= first &&
		    last < UINT64_MAX)
			add(table, i + 1, first, last - first + 1, sector, size);
	}
	return 0;
}

static uint32_t le32_at(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

int table_read(int fd, off_t size, struct table *table)
{
	uint8_t mbr[512];
	int err;

	table->count = 0;
	for (size_t i = 0; i < sizeof(sector_sizes) / sizeof(sector_sizes[0]); i++) {
		if (read_gpt(fd, sector_sizes[i], size, table) == 0)
			return 0;
		table->count = 0;
	}
	err = read_at(fd, mbr, sizeof(mbr), 0);
	if (err)
		return err;
	if (mbr[510] != 0x55 || mbr[511] != 0xaa)
		return -EINVAL;
	for (unsigned int i = 0; i < 4; i++) {
		const uint8_t *entry = mbr + MBR_ENTRIES + i * MBR_ENTRY_SIZE;

		if (entry[4] && entry[4] != MBR_PROTECTIVE)
			add(table, i + 1, le32_at(entry + 8), le32_at(entry + 12), 512, size);
	}
	return 0;
}
