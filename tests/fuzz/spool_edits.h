/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A healthy spool on a disk in memory, and edits to its files as the input of a fuzz target says: raw ones, like a bad
 * disk's, and such that are signed again with the right checksums, like those of somebody who knows the format.
 */
#ifndef TESTS_FUZZ_SPOOL_EDITS_H
#define TESTS_FUZZ_SPOOL_EDITS_H

#include "base/little_endian.h"
#include "stream_pieces.h"
#include "support/memory_disk.h"
#include "support/spool_rig.h"

#include <xxhash.h>

enum {
	SEGMENTS = 4,
	BLOCKS_MAX = 64,    /* of one segment of the healthy spool, counted for edits */
	SLACK_BYTES = 1024, /* of stale octets behind a segment's last block */
};

/* ---- the healthy spool ---- */

static struct memory_disk disk;
static struct rig rig;

static struct {
	char name[2 * SEGMENTS][DISK_NAME_MAX_BYTES];
	uint8_t *octets[2 * SEGMENTS];
	uint64_t size[2 * SEGMENTS];
	unsigned files; /* 0 is the file of cursors, the others are segments in the order of their counters */
} healthy;

static inline void rig_on_memory_disk(void)
{
	memory_disk_init(&disk);
	rig_init(&rig, "spool", &disk.disk);
	rig.options.block_size_bytes = 1024;
	rig.options.segment_size_bytes = 64 << 10;
	rig.options.max_size_bytes = 2 << 20;
	rig.options.blocks_per_worker = 4;
}

static inline void keep_file(const char *name)
{
	unsigned n = healthy.files++;
	FUZZ_CHECK(n < 2 * SEGMENTS);
	const uint8_t *octets = memory_disk_octets(&disk, name, &healthy.size[n]);
	struct segment_header segment;
	struct block_header block;
	/* The octets behind the last block are of no interest: a short file is edited and copied in less time. */
	if (segment_header_read(bytes_of(octets, healthy.size[n]), &segment) == SEGMENT_HEADER_VALID) {
		uint64_t at = SEGMENT_HEADER_BYTES;
		while (block_header_read(bytes_of(octets + at, healthy.size[n] - at), segment.salt, &block) == BLOCK_HEADER_VALID)
			at += block_span(&block);
		if (healthy.size[n] > at + SLACK_BYTES)
			healthy.size[n] = at + SLACK_BYTES;
	}
	strcpy(healthy.name[n], name);
	healthy.octets[n] = malloc(healthy.size[n]);
	FUZZ_CHECK(healthy.octets[n] != NULL);
	memcpy(healthy.octets[n], octets, healthy.size[n]);
}

/* Segments with records, packed and not, control blocks, and a group at the end that nothing proves to be synced. */
static inline void make_healthy(void)
{
	rig_on_memory_disk();
	rig.options.compression = SPOOL_COMPRESSION_ZSTD;
	FUZZ_CHECK(rig_open(&rig) == SPOOL_OPENED);
	struct spool_cursor_options options = {.name = "central", .from = SPOOL_FROM_OLDEST};
	struct spool_cursor *cursor = spool_cursor_open(rig.spool, &options, rig.error);
	writer_flush_ledger(rig.spool);
	for (unsigned segment = 1; segment <= SEGMENTS; segment++) {
		for (unsigned i = 0; i < 3; i++) {
			spool_count_drop(rig.spool, 0, (unsigned)rig.input, SPOOL_DROP_KERNEL, 1);
			FUZZ_CHECK(rig_put(&rig, 1 + 4 * i) && rig_put(&rig, 2) && writer_turn(rig.spool));
		}
		uint64_t stored = spool_stored(rig.spool);
		if (segment == 1)
			rig_deliver(cursor, 5);
		if (segment < SEGMENTS)
			FUZZ_CHECK(writer_rotate(rig.spool, stored + 1, stored) == 0);
	}
	FUZZ_CHECK(cursors_sync(rig.spool) == 0);
	spool_cursor_close(&cursor);
	disk.off = true;
	spool_close(&rig.spool);
	memory_disk_kill(&disk);
	keep_file("cursors");
	for (unsigned i = 0; memory_disk_find(&disk, "segment-", i) != NULL; i++)
		keep_file(memory_disk_find(&disk, "segment-", i));
	memory_disk_free(&disk);
}

static inline void write_file(const char *name, const uint8_t *octets, uint64_t size)
{
	const struct disk *base = &disk.disk;
	int directory = base->open_directory(base, "spool");
	int file = base->open(base, directory, name, DISK_OPEN_CREATE);
	struct iovec part = {.iov_base = (void *)(uintptr_t)octets, .iov_len = size};
	FUZZ_CHECK(file >= 0 && disk_write(base, file, &part, 1, 0) == 0);
	base->close(base, file);
	base->close(base, directory);
}

static inline void put_healthy(void)
{
	rig_on_memory_disk();
	for (unsigned i = 0; i < healthy.files; i++)
		write_file(healthy.name[i], healthy.octets[i], healthy.size[i]);
}

/* ---- edits ---- */

static inline uint64_t take(struct bytes *input, size_t len)
{
	uint64_t value = 0;
	for (size_t i = 0; i < len && i < input->len; i++)
		value |= (uint64_t)input->at[i] << 8 * i;
	*input = bytes_after(*input, len < input->len ? len : input->len);
	return value;
}

/* One of the files as it is now; NULL if it was removed. The name is good until the next change of names. */
static inline uint8_t *pick_file(uint64_t n, const char **name, uint64_t *size)
{
	*name = n % healthy.files == 0 ? "cursors" : memory_disk_find(&disk, "segment-", (unsigned)(n % healthy.files) - 1);
	return *name != NULL ? memory_disk_octets(&disk, *name, size) : NULL;
}

static inline uint8_t *pick_segment(uint64_t n, const char **name, uint64_t *size)
{
	uint8_t *octets = pick_file(1 + n % SEGMENTS, name, size);
	return octets != NULL && *size >= SEGMENT_HEADER_BYTES ? octets : NULL;
}

/* The n-th block of the segment as far as its headers can be followed; its span is within the file. */
static inline uint8_t *pick_block(uint8_t *octets, uint64_t size, uint64_t n, struct block_header *header)
{
	uint64_t salt = le64_load(octets + 32), at[BLOCKS_MAX];
	unsigned blocks = 0;
	for (uint64_t next = SEGMENT_HEADER_BYTES; blocks < BLOCKS_MAX && next < size; next += block_span(header)) {
		if (block_header_read(bytes_of(octets + next, size - next), salt, header) != BLOCK_HEADER_VALID ||
		    block_span(header) > size - next)
			break;
		at[blocks++] = next;
	}
	if (blocks == 0)
		return NULL;
	uint64_t chosen = at[n % blocks];
	(void)block_header_read(bytes_of(octets + chosen, size - chosen), salt, header);
	return octets + chosen;
}

static inline void sign_block(uint8_t *block, const struct block_header *header, uint64_t salt)
{
	le64_store(block + 112, XXH3_64bits(block + header->header_len, header->stored_len));
	le64_store(block + header->header_len - 8, XXH3_64bits_withSeed(block, header->header_len - 8u, salt));
}

static inline void overwrite(uint8_t *at, uint64_t room, uint64_t offset, struct bytes *input)
{
	uint64_t len = 1 + take(input, 1) % 32;
	for (uint64_t i = 0; i < len; i++)
		if (offset + i < room)
			at[offset + i] = (uint8_t)take(input, 1);
}

static inline void edit_raw(struct bytes *input)
{
	const char *name;
	uint64_t size, file = take(input, 1), offset = take(input, 2);
	uint8_t *octets = pick_file(file, &name, &size);
	if (octets != NULL)
		overwrite(octets, size, offset, input);
}

static inline void edit_segment_header(struct bytes *input)
{
	const char *name;
	uint64_t size, segment = take(input, 1), offset = take(input, 1) % (SEGMENT_HEADER_BYTES - 8);
	uint8_t *octets = pick_segment(segment, &name, &size);
	if (octets == NULL)
		return;
	overwrite(octets, SEGMENT_HEADER_BYTES - 8, offset, input);
	le64_store(octets + SEGMENT_HEADER_BYTES - 8, XXH3_64bits(octets, SEGMENT_HEADER_BYTES - 8));
}

/* A block's header or payload, signed again. */
static inline void edit_block(struct bytes *input, bool in_payload)
{
	struct block_header header;
	const char *name;
	uint64_t size, segment = take(input, 1), n = take(input, 1), offset = take(input, 2);
	uint8_t *octets = pick_segment(segment, &name, &size);
	uint8_t *block = octets != NULL ? pick_block(octets, size, n, &header) : NULL;
	if (block == NULL)
		return;
	if (in_payload)
		overwrite(block + header.header_len, header.stored_len, offset, input);
	else
		overwrite(block, header.header_len - 8u, offset % header.header_len, input);
	sign_block(block, &header, le64_load(octets + 32));
}

/* Copies a block over the place of another one, perhaps of another segment, signed for there. */
static inline void edit_copy_block(struct bytes *input)
{
	struct block_header header, old;
	const char *name;
	uint64_t size, to_size, from = take(input, 1), n = take(input, 1), to = take(input, 1), m = take(input, 1);
	uint8_t *octets = pick_segment(from, &name, &size);
	uint8_t *target = pick_segment(to, &name, &to_size);
	uint8_t *block = octets != NULL ? pick_block(octets, size, n, &header) : NULL;
	uint8_t *place = target != NULL ? pick_block(target, to_size, m, &old) : NULL;
	if (block == NULL || place == NULL)
		return;
	uint8_t copy[BLOCK_HEADER_MAX_BYTES + 2048];
	uint64_t span = block_span(&header);
	place += (take(input, 1) & 1) != 0 ? block_span(&old) : 0;
	if (span > sizeof copy || place + span > target + to_size)
		return;
	memcpy(copy, block, span);
	memcpy(place, copy, span);
	sign_block(place, &header, le64_load(target + 32));
}

static inline void edit_cursor(struct bytes *input)
{
	uint64_t size, slot = take(input, 1) % 8, offset = take(input, 2) % (SLOT_BYTES - 8);
	uint8_t *octets = memory_disk_octets(&disk, "cursors", &size);
	if (octets == NULL || size < 9 * SLOT_BYTES)
		return;
	uint64_t seed = le64_load(octets + 8);
	uint8_t *at = octets + slot * SLOT_BYTES;
	overwrite(at, SLOT_BYTES - 8, offset, input);
	le64_store(at + SLOT_BYTES - 8, slot == 0 ? XXH3_64bits(at, SLOT_BYTES - 8)
	                                          : XXH3_64bits_withSeed(at, SLOT_BYTES - 8, seed));
}

/* A file is cut, or gone. */
static inline void edit_size(struct bytes *input)
{
	const struct disk *base = &disk.disk;
	const char *found;
	char name[DISK_NAME_MAX_BYTES];
	uint64_t size, file = take(input, 1), left = take(input, 2);
	if (pick_file(file, &found, &size) == NULL)
		return;
	strcpy(name, found);
	int directory = base->open_directory(base, "spool");
	int handle = base->open(base, directory, name, DISK_OPEN_WRITE);
	FUZZ_CHECK(handle >= 0);
	if (left == 0)
		(void)base->unlink(base, directory, name);
	else if (left < size)
		(void)base->truncate(base, handle, left);
	base->close(base, handle);
	base->close(base, directory);
}

/* A segment gets another counter and first sequence in its name, and in its header if the input wants that. */
static inline void edit_name(struct bytes *input)
{
	const struct disk *base = &disk.disk;
	const char *found;
	char from[DISK_NAME_MAX_BYTES], to[DISK_NAME_MAX_BYTES];
	uint64_t size, segment = take(input, 1), how = take(input, 1);
	uint8_t *octets = pick_segment(segment, &found, &size);
	if (octets == NULL)
		return;
	uint64_t counter = (how & 1) != 0 ? take(input, 8) : le64_load(octets + 8);
	uint64_t first = (how & 2) != 0 ? take(input, 8) : le64_load(octets + 40);
	strcpy(from, found);
	segment_name(counter, first, to);
	if (memory_disk_octets(&disk, to, &size) != NULL)
		return;
	if ((how & 4) != 0) {
		le64_store(octets + 8, counter);
		le64_store(octets + 40, first);
		le64_store(octets + SEGMENT_HEADER_BYTES - 8, XXH3_64bits(octets, SEGMENT_HEADER_BYTES - 8));
	}
	int directory = base->open_directory(base, "spool");
	(void)base->rename(base, directory, from, to);
	base->close(base, directory);
}

static inline void edit(struct bytes *input)
{
	switch (take(input, 1) % 8) {
	case 0:
		edit_raw(input);
		break;
	case 1:
		edit_segment_header(input);
		break;
	case 2:
		edit_block(input, false);
		break;
	case 3:
		edit_block(input, true);
		break;
	case 4:
		edit_copy_block(input);
		break;
	case 5:
		edit_cursor(input);
		break;
	case 6:
		edit_size(input);
		break;
	case 7:
		edit_name(input);
		break;
	}
}

#endif
