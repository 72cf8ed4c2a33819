/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of opening share: a small spool on a disk in memory that is left without being closed, as a kill or a
 * power cut would leave it, and whose files are changed before it is opened again. Block n of a rig holds the records
 * 10 n + 1 .. 10 n + 10.
 */
#ifndef TESTS_UNIT_SPOOL_RECOVER_FIXTURE_H
#define TESTS_UNIT_SPOOL_RECOVER_FIXTURE_H

#include "support/memory_disk.h"
#include "support/spool_rig.h"

static struct memory_disk disk;
static struct rig rig;

static inline void setup(void)
{
	memory_disk_init(&disk);
	rig_init(&rig, "spool", &disk.disk);
	rig_open_ok(&rig);
	keeper_turn(rig.spool);
	writer_flush_ledger(rig.spool);
}

static inline void teardown(void)
{
	spool_close(&rig.spool);
	memory_disk_free(&disk);
}

/* The process is gone; what the disk shows stays. */
static inline void crash(void)
{
	disk.off = true;
	spool_close(&rig.spool);
	memory_disk_kill(&disk);
}

static inline void store_blocks(unsigned blocks)
{
	for (unsigned i = 0; i < blocks; i++)
		ck_assert(rig_store(&rig, 10));
}

/* Octets of the newest segment, and the offset of its n-th block of records (0 is the first). */
static inline uint8_t *find_block(unsigned n, uint64_t *offset, struct block_header *header)
{
	uint64_t size, counter, first;
	unsigned files = 0;
	while (memory_disk_find(&disk, "segment-", files + 1) != NULL)
		files++;
	const char *name = memory_disk_find(&disk, "segment-", files);
	uint8_t *octets = memory_disk_octets(&disk, name, &size);
	struct segment_header segment;
	ck_assert(segment_name_parse(name, &counter, &first));
	ck_assert_int_eq(segment_header_read(bytes_of(octets, size), &segment), SEGMENT_HEADER_VALID);
	for (*offset = SEGMENT_HEADER_BYTES;; *offset += block_span(header)) {
		ck_assert_int_eq(block_header_read(bytes_of(octets + *offset, size - *offset), segment.salt, header),
		                 BLOCK_HEADER_VALID);
		if (header->kind == BLOCK_RECORDS && n-- == 0)
			return octets;
	}
}

/* One octet of the n-th block's payload, or of its header, is not what it was. */
static inline void damage_block(unsigned n, bool in_header)
{
	struct block_header header;
	uint64_t offset;
	uint8_t *octets = find_block(n, &offset, &header);
	octets[offset + (in_header ? 40 : BLOCK_HEADER_BYTES + 5)] ^= 0x20;
}

#endif
