/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bytes of a regular file. What was never written takes no memory and reads as zeros.
 * One rule keeps that simple: bytes of a block beyond the end of the file are always zero.
 */
#include "memfs.h"
#include "blocks.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static const char zeros[BLOCK_SIZE];

static uint64_t block_of(off_t off)
{
	return (uint64_t)off >> BLOCK_SHIFT;
}

static size_t offset_in_block(off_t off)
{
	return (size_t)off & (BLOCK_SIZE - 1);
}

/* What [off, off + len) has in the block that off lies in. */
static size_t part_in_block(off_t off, uint64_t len)
{
	size_t room = BLOCK_SIZE - offset_in_block(off);

	return len < room ? len : room;
}

int data_map_locked(struct inode *inode, off_t off, size_t len, struct iovec *iov, int count,
		    size_t *done)
{
	int n = 0;

	*done = 0;
	while (len > 0 && n < count) {
		const size_t part = part_in_block(off, len);
		char *block = tree_get(&inode->data, block_of(off));
		char *start = block ? block + offset_in_block(off) : (char *)zeros;

		/* Neighbours in the file are often neighbours in memory. */
		if (n > 0 && start == (char *)iov[n - 1].iov_base + iov[n - 1].iov_len)
			iov[n - 1].iov_len += part;
		else
			iov[n++] = (struct iovec){.iov_base = start, .iov_len = part};
		off += part;
		len -= part;
		*done += part;
	}
	return n;
}

/* A block for an index that has none and for which one is promised. NULL without memory. */
static char *add_block(struct inode *inode, uint64_t index, bool zeroed)
{
	char *block = block_alloc(zeroed);

	if (block && tree_put(&inode->data, index, block) < 0) {
		block_free(block);
		block = NULL;
	}
	if (!block)
		blocks_withdraw(1);
	return block;
}

/* The block at an index, made if it is not there. NULL if there is no space for it. */
static char *make_block(struct inode *inode, uint64_t index, bool zeroed)
{
	char *block = tree_get(&inode->data, index);

	if (block || !blocks_promise(1))
		return block;
	return add_block(inode, index, zeroed);
}

ssize_t data_write_locked(struct inode *inode, const char *buf, size_t len, off_t off)
{
	size_t done = 0;
	off_t end;

	if (__builtin_add_overflow(off, len, &end))
		return -EFBIG;
	while (done < len) {
		const size_t part = part_in_block(off, len - done);
		char *block = make_block(inode, block_of(off), part < BLOCK_SIZE);

		if (!block)
			break;
		memcpy(block + offset_in_block(off), buf + done, part);
		done += part;
		off += part;
	}
	if (done == 0 && len > 0)
		return -ENOSPC;
	if (off > inode->size)
		inode->size = off;
	return done;
}

static void remove_blocks(struct inode *inode, uint64_t first, uint64_t last)
{
	blocks_withdraw(tree_remove(&inode->data, first, last, block_free));
}

static void zero_within_block(struct inode *inode, off_t off, size_t len)
{
	char *block = tree_get(&inode->data, block_of(off));

	if (block)
		memset(block + offset_in_block(off), 0, len);
}

/* Forget what is in [off, end): whole blocks go, parts of blocks become zero. */
static void forget_range(struct inode *inode, off_t off, off_t end)
{
	if (offset_in_block(off) != 0) {
		const size_t part = part_in_block(off, end - off);

		zero_within_block(inode, off, part);
		off += part;
	}
	if (off < end && block_of(off) < block_of(end))
		remove_blocks(inode, block_of(off), block_of(end) - 1);
	if (off < end && offset_in_block(end) != 0)
		zero_within_block(inode, end - offset_in_block(end), offset_in_block(end));
}

void data_truncate_locked(struct inode *inode, off_t size)
{
	if (size < inode->size) {
		if (offset_in_block(size) != 0)
			zero_within_block(inode, size, BLOCK_SIZE - offset_in_block(size));
		/* Also what fallocate() reserved beyond the end. */
		remove_blocks(inode, block_of(size) + (offset_in_block(size) != 0), UINT64_MAX);
	}
	inode->size = size;
}

void data_punch_locked(struct inode *inode, off_t off, off_t len)
{
	off_t end;

	if (__builtin_add_overflow(off, len, &end))
		end = INT64_MAX;
	/* Nothing lies beyond the end but zeros: take the whole last block. */
	if (end >= inode->size && end < INT64_MAX - BLOCK_SIZE && off < inode->size)
		end = (end + BLOCK_SIZE - 1) & ~(off_t)(BLOCK_SIZE - 1);
	forget_range(inode, off, end);
}

int data_reserve_locked(struct inode *inode, off_t off, off_t len)
{
	const uint64_t first = block_of(off);
	const uint64_t last = block_of(off + len - 1);
	uint64_t missing = last - first + 1;
	uint64_t index;

	/* All or nothing: a failed attempt must not leave the filesystem full. */
	for (index = first; tree_next(&inode->data, index, &index) && index <= last; index++)
		missing--;
	if (!blocks_promise(missing))
		return -ENOSPC;
	for (index = first; index <= last; index++) {
		if (tree_get(&inode->data, index))
			continue;
		missing--;
		if (!add_block(inode, index, true)) {
			blocks_withdraw(missing);
			return -ENOSPC;
		}
	}
	return 0;
}

static off_t next_data(const struct inode *inode, off_t off)
{
	uint64_t index;
	off_t at;

	if (!tree_next(&inode->data, block_of(off), &index))
		return -ENXIO;
	at = (off_t)(index << BLOCK_SHIFT);
	if (at < off)
		at = off;
	return at < inode->size ? at : -ENXIO;
}

static off_t next_hole(const struct inode *inode, off_t off)
{
	uint64_t index = block_of(off);

	if (!tree_get(&inode->data, index))
		return off;
	while (tree_get(&inode->data, index))
		index++;
	off = (off_t)(index << BLOCK_SHIFT);
	/* The end of the file counts as a hole. */
	return off < inode->size ? off : inode->size;
}

off_t data_seek_locked(struct inode *inode, off_t off, int whence)
{
	if (off < 0 || off >= inode->size)
		return -ENXIO;
	return whence == SEEK_DATA ? next_data(inode, off) : next_hole(inode, off);
}

/* Copy within one block of the source; a hole stays a hole where it can. */
static ssize_t copy_part(struct inode *from, off_t from_off, struct inode *to, off_t to_off,
			 size_t len)
{
	const char *block = tree_get(&from->data, block_of(from_off));
	char copy[BLOCK_SIZE];

	if (block) {
		/* By way of a copy: source and target may be the same block. */
		memcpy(copy, block + offset_in_block(from_off), len);
		return data_write_locked(to, copy, len, to_off);
	}
	if (to_off < to->size)
		forget_range(to, to_off, to_off + len);
	if (to_off + (off_t)len > to->size)
		to->size = to_off + len;
	return len;
}

ssize_t data_copy_locked(struct inode *from, off_t from_off, struct inode *to, off_t to_off,
			 size_t len)
{
	size_t done = 0;
	off_t end;

	if (from_off >= from->size)
		return 0;
	if (len > (uint64_t)(from->size - from_off))
		len = from->size - from_off;
	if (__builtin_add_overflow(to_off, len, &end))
		return -EFBIG;
	while (done < len) {
		const size_t part = part_in_block(from_off + done, len - done);
		ssize_t n = copy_part(from, from_off + done, to, to_off + done, part);

		if (n < 0)
			return done ? (ssize_t)done : n;
		done += n;
		if ((size_t)n < part)
			break;
	}
	return done;
}

void data_free(struct inode *inode)
{
	remove_blocks(inode, 0, UINT64_MAX);
}
