/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening after anything. Each test leaves a spool without closing it, as a kill or a power cut would, changes octets of
 * its files, and opens it again. Block n of a rig holds the records 10 n + 1 .. 10 n + 10.
 */
#include "base/little_endian.h"
#include "support/memory_disk.h"
#include "support/spool_rig.h"

#include <xxhash.h>

static struct memory_disk disk;
static struct rig rig;

static void setup(void)
{
	memory_disk_init(&disk);
	rig_init(&rig, "spool", &disk.disk);
	rig_open_ok(&rig);
	keeper_turn(rig.spool);
	writer_flush_ledger(rig.spool);
}

static void teardown(void)
{
	spool_close(&rig.spool);
	memory_disk_free(&disk);
}

/* The process is gone; what the disk shows stays. */
static void crash(void)
{
	disk.off = true;
	spool_close(&rig.spool);
	memory_disk_kill(&disk);
}

static void store_blocks(unsigned blocks)
{
	for (unsigned i = 0; i < blocks; i++)
		ck_assert(rig_store(&rig, 10));
}

/* Octets of the newest segment, and the offset of its n-th block of records (0 is the first). */
static uint8_t *find_block(unsigned n, uint64_t *offset, struct block_header *header)
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
static void damage_block(unsigned n, bool in_header)
{
	struct block_header header;
	uint64_t offset;
	uint8_t *octets = find_block(n, &offset, &header);
	octets[offset + (in_header ? 40 : BLOCK_HEADER_BYTES + 5)] ^= 0x20;
}

/* ---- the torn tail ---- */

START_TEST(a_last_group_that_is_torn_was_never_acknowledged_and_is_discarded)
{
	store_blocks(5);
	damage_block(4, _i == 0);
	crash();
	rig_open_ok(&rig);
	ck_assert(!rig.recovery.clean);
	ck_assert_uint_eq(rig.recovery.last_sequence, 40);
	ck_assert_uint_eq(rig.recovery.damaged_ranges, 0);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, 40);
	store_blocks(2);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, 60);
	spool_check(rig.spool);
}
END_TEST

/* Keeping the later block of a torn group would move a mark over a lost one. */
START_TEST(a_valid_block_behind_a_torn_one_of_the_same_group_is_discarded)
{
	store_blocks(3);
	for (int i = 0; i < 3; i++)
		ck_assert(rig_put(&rig, 10));
	ck_assert(writer_turn(rig.spool));
	damage_block(4, _i == 0);
	crash();
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig.recovery.last_sequence, 40); /* the group's first block is whole and stays */
	ck_assert_uint_gt(rig.recovery.torn_octets, 2000);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, 40);
}
END_TEST

/* ---- damage ---- */

START_TEST(an_invalid_place_that_a_later_block_proves_synced_is_skipped_and_reported_exactly)
{
	struct spool_input_totals totals;
	store_blocks(6);
	damage_block(3, true);
	damage_block(2, true);
	crash();
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig.recovery.damaged_ranges, 1);
	ck_assert_uint_eq(rig.recovery.damaged_sequences, 20);
	ck_assert_uint_eq(rig.recovery.last_sequence, 60);
	struct rig_read read = rig_read_all(&rig, 1);
	ck_assert_uint_eq(read.records, 40);
	ck_assert_uint_eq(read.ranges, 1);
	ck_assert_uint_eq(read.damage_first[0], 21);
	ck_assert_uint_eq(read.damage_last[0], 40);
	spool_check(rig.spool);
	/* Their input is lost with their headers: the sums say so. */
	spool_input_totals(rig.spool, 0, &totals);
	ck_assert_uint_eq(totals.stored, 40);
	ck_assert_uint_eq(atomic_load(&rig.spool->ledger.unattributed), 20);
	/* The octets are kept for a look at them, and the sequences counted once. */
	keeper_turn(rig.spool);
	ck_assert_ptr_nonnull(memory_disk_find(&disk, "damaged-", 0));
	ck_assert_ptr_null(memory_disk_find(&disk, "damaged-", 1));
	struct spool_usage usage;
	spool_usage(rig.spool, &usage);
	ck_assert_uint_eq(usage.damaged_sequences, 20);
}
END_TEST

START_TEST(a_damaged_payload_is_found_by_the_reader_and_exactly_its_records_are_lost)
{
	store_blocks(6);
	damage_block(1, false);
	crash();
	rig_open_ok(&rig);
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	for (int i = 0; i < 2; i++) {
		struct rig_read read = rig_read_all(&rig, 1);
		ck_assert_uint_eq(read.records, 50);
		ck_assert_uint_eq(read.damage_first[0], 11);
		ck_assert_uint_eq(read.damage_last[0], 20);
		keeper_turn(rig.spool);
	}
	struct spool_usage usage;
	spool_usage(rig.spool, &usage);
	ck_assert_uint_eq(usage.damaged_sequences, 10); /* two readers, one damage */
	ck_assert_uint_eq(rig_read_all(&rig, 15).damage_first[0], 15);
	ck_assert_uint_eq(rig_read_all(&rig, 21).records, 40);
	spool_cursor_close(&cursor);
}
END_TEST

/* Damage up to what is proven, and right behind it a torn block: each is what it is. */
START_TEST(damage_that_touches_the_torn_tail_ends_where_the_synced_part_ends)
{
	store_blocks(4);
	for (int i = 0; i < 3; i++)
		ck_assert(rig_put(&rig, 10));
	ck_assert(writer_turn(rig.spool));
	damage_block(5, true); /* of the last group; searched first, while the headers before it are whole */
	damage_block(4, true);
	damage_block(3, true);
	crash();
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig.recovery.damaged_sequences, 10);
	ck_assert_uint_eq(rig.recovery.last_sequence, 40);
	struct rig_read read = rig_read_all(&rig, 1);
	ck_assert_uint_eq(read.damage_first[0], 31);
	ck_assert_uint_eq(read.damage_last[0], 40);
	ck_assert_uint_eq(read.records, 30);
	/* What is damaged is set aside, whole, though the segment was cut behind it. */
	keeper_turn(rig.spool);
	uint64_t size;
	ck_assert_ptr_nonnull(memory_disk_octets(&disk, memory_disk_find(&disk, "damaged-", 0), &size));
	ck_assert_uint_gt(size, 1000);
}
END_TEST

/* ---- what looks like a block and is none ---- */

/* A segment is reused; its new life is shorter, so that behind the torn tail whole blocks of its former life lie. */
START_TEST(blocks_of_the_files_earlier_life_are_never_taken_for_blocks)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	while (rig.spool->writer.current.counter < 12) {
		ck_assert(rig_store(&rig, 10));
		rig_deliver(cursor, spool_stored(rig.spool));
		keeper_turn(rig.spool);
	}
	store_blocks(3);
	uint64_t stored = spool_stored(rig.spool);
	spool_cursor_close(&cursor);
	crash();
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig.recovery.last_sequence, stored);
	ck_assert_uint_eq(rig.recovery.torn_octets, 0);
	ck_assert_uint_eq(rig.recovery.damaged_ranges, 0);
	spool_check(rig.spool);
}
END_TEST

/* Somebody logs a block, made with all knowledge but the salt; the block that carries it is then damaged in front of it. */
START_TEST(a_log_message_that_looks_like_a_block_is_never_taken_for_one)
{
	store_blocks(2);
	struct spool_block *block = spool_take_block(rig.spool, 0, SPOOL_BLOCK_WAITS, 0, 0);
	for (int i = 0; i < 4; i++) {
		uint8_t *room = spool_block_reserve(block, 800);
		struct block_header forged = {
			.kind = BLOCK_RECORDS, .count = 10, .first = 21, .last = 30, .synced = 1000,
			.unpacked_len = 64, .stored_len = 64};
		memset(room, 0, 800);
		for (int at = 0; at + BLOCK_HEADER_BYTES <= 800; at++)
			if (((uintptr_t)(room + at) & 63) == 0)
				block_header_write(&forged, 0, room + at);
		spool_block_commit(block, 800);
	}
	spool_submit_block(rig.spool, block);
	ck_assert(writer_turn(rig.spool));
	rig.submitted += 4;
	damage_block(2, true);
	crash();
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig.recovery.last_sequence, 20);
	ck_assert_uint_eq(rig.recovery.damaged_ranges, 0);
}
END_TEST

/* ---- checkpoints ---- */

START_TEST(with_a_damaged_newest_checkpoint_the_previous_one_and_its_blocks_hold)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	struct spool_input_totals totals;
	uint64_t size;
	spool_count_drop(rig.spool, 0, 0, SPOOL_DROP_KERNEL, 7);
	while (rig.spool->writer.current.counter < 4) {
		ck_assert(rig_store(&rig, 30));
		keeper_turn(rig.spool);
	}
	store_blocks(3);
	uint64_t stored = spool_stored(rig.spool);
	uint8_t *octets = memory_disk_octets(&disk, memory_disk_find(&disk, "segment-", 3), &size);
	octets[SEGMENT_HEADER_BYTES + BLOCK_HEADER_BYTES + 3] ^= 1;
	spool_cursor_close(&cursor);
	crash();
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig.recovery.last_sequence, stored);
	spool_input_totals(rig.spool, 0, &totals);
	ck_assert_uint_eq(totals.stored, stored);
	ck_assert_uint_eq(totals.dropped[SPOOL_DROP_KERNEL], 7);
	ck_assert_str_eq(spool_input_name(rig.spool, 0), "udp");
	struct rig_read read = rig_read_all(&rig, 1);
	ck_assert_uint_eq(read.records, stored);
	spool_check(rig.spool);
}
END_TEST

/* The first segments are gone, and what they held is counted in checkpoints only: so one of those must be found. */
START_TEST(with_a_damaged_newest_checkpoint_what_was_released_is_still_counted)
{
	static const unsigned places[] = {3, 27}; /* flags of the first section, and the records stored */
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	struct spool_input_totals totals;
	uint64_t size;
	spool_count_drop(rig.spool, 0, 0, SPOOL_DROP_KERNEL, 7);
	while (rig.spool->writer.current.counter < 5) {
		ck_assert(rig_store(&rig, 30));
		if (rig.spool->writer.current.counter <= 2)
			rig_deliver(cursor, spool_stored(rig.spool));
		keeper_turn(rig.spool);
	}
	store_blocks(3);
	uint64_t stored = spool_stored(rig.spool), first = spool_first(rig.spool);
	ck_assert_uint_gt(first, 1);
	unsigned newest = 0;
	while (memory_disk_find(&disk, "segment-", newest + 1) != NULL)
		newest++;
	ck_assert_uint_ge(newest, 2);
	uint8_t *octets = memory_disk_octets(&disk, memory_disk_find(&disk, "segment-", newest), &size);
	octets[SEGMENT_HEADER_BYTES + BLOCK_HEADER_BYTES + places[_i]] ^= 1;
	spool_cursor_close(&cursor);
	crash();
	rig_open_ok(&rig);
	spool_input_totals(rig.spool, 0, &totals);
	ck_assert_uint_eq(totals.stored, stored);
	ck_assert_uint_eq(totals.dropped[SPOOL_DROP_KERNEL], 7);
	ck_assert_uint_eq(atomic_load(&rig.spool->ledger.unattributed), 0);
	ck_assert_uint_eq(rig_read_all(&rig, first).next, stored + 1);
	spool_check(rig.spool);
}
END_TEST

/* The time that opening takes does not depend on the backlog, because it reads none of it. */
START_TEST(older_segments_are_not_read_when_the_newest_checkpoint_is_whole)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	uint64_t size;
	while (rig.spool->writer.current.counter < 6) {
		ck_assert(rig_store(&rig, 30));
		keeper_turn(rig.spool);
	}
	store_blocks(1);
	uint64_t stored = spool_stored(rig.spool);
	for (unsigned n = 0; n < 5; n++) {
		uint8_t *octets = memory_disk_octets(&disk, memory_disk_find(&disk, "segment-", n), &size);
		memset(octets, 0x5a, (size_t)size);
	}
	spool_cursor_close(&cursor);
	crash();
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig.recovery.last_sequence, stored);
	ck_assert_uint_eq(rig.recovery.damaged_ranges, 0); /* a reader will find it */
	ck_assert_uint_eq(spool_first(rig.spool), 1);
	spool_check(rig.spool);
}
END_TEST

/* Nothing is appended to a file of an earlier run: what was there behind its last good block is cut off. */
START_TEST(a_segment_of_the_run_before_ends_behind_its_last_good_block)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	struct block_header header;
	uint64_t offset, size;
	store_blocks(5);
	damage_block(4, true);
	spool_cursor_close(&cursor);
	crash();
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig.spool->writer.current.counter, 2);
	store_blocks(1);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, 50);
	crash();
	(void)memory_disk_octets(&disk, memory_disk_find(&disk, "segment-", 0), &size);
	ck_assert_uint_lt(size, RIG_SEGMENT_BYTES / 4);
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, 50);
	store_blocks(1);
	(void)find_block(0, &offset, &header);
	ck_assert_uint_gt(header.first, 40);
}
END_TEST

START_TEST(a_newest_segment_without_a_readable_header_is_set_aside)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	uint64_t size;
	while (rig.spool->writer.current.counter < 3) {
		ck_assert(rig_store(&rig, 30));
		keeper_turn(rig.spool);
	}
	uint64_t first = rig.spool->writer.current.first;
	memory_disk_octets(&disk, memory_disk_find(&disk, "segment-", 2), &size)[33] ^= 1;
	spool_cursor_close(&cursor);
	uint64_t last = spool_stored(rig.spool);
	ck_assert_uint_gt(last, first);
	crash();
	rig_open_ok(&rig);
	ck_assert_ptr_nonnull(memory_disk_find(&disk, "damaged-", 0));
	/* What lay in it is known by its payloads: it is counted and reported, and its sequences are not used again. */
	ck_assert_uint_eq(rig.recovery.last_sequence, last);
	ck_assert_uint_eq(rig.recovery.damaged_sequences, last + 1 - first);
	spool_check(rig.spool);
	ck_assert(rig_store(&rig, 10));
	for (unsigned i = 0; i < 2; i++) {
		struct rig_read read = rig_read_all(&rig, 1);
		ck_assert_uint_eq(read.records, first - 1 + 10 * (i + 1));
		ck_assert_uint_eq(read.ranges, 1);
		ck_assert_uint_eq(read.damage_first[0], first);
		ck_assert_uint_eq(read.damage_last[0], last);
		keeper_turn(rig.spool);
		ck_assert(rig_store(&rig, 10)); /* takes the count along */
		ck_assert_msg(atomic_load(&rig.spool->ledger.damaged) == last + 1 - first, "look %u", i);
		crash();
		rig_open_ok(&rig);
		spool_check(rig.spool);
	}
}
END_TEST

/* The last group of the segment before is written again; nothing is stored behind it before the next crash. */
START_TEST(what_a_segment_set_aside_had_is_counted_once_behind_blocks_that_are_written_again)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	uint64_t size;
	store_blocks(4);
	ck_assert_int_eq(writer_rotate(rig.spool, 41, 40), 0);
	store_blocks(2);
	memory_disk_octets(&disk, memory_disk_find(&disk, "segment-", 1), &size)[33] ^= 1;
	spool_cursor_close(&cursor);
	for (unsigned i = 0; i < 4; i++) {
		crash();
		rig_open_ok(&rig);
		ck_assert_uint_eq(rig.recovery.last_sequence, 60);
		ck_assert_uint_eq(rig.recovery.rewritten_blocks, i == 0 ? 1 : 0);
		ck_assert_uint_eq(spool_stored(rig.spool), 60);
		ck_assert_uint_eq(atomic_load(&rig.spool->ledger.unattributed), 20);
		spool_check(rig.spool);
		struct rig_read read = rig_read_all(&rig, 1);
		ck_assert_uint_eq(read.records, 40);
		ck_assert_uint_eq(read.ranges, 1);
		ck_assert_uint_eq(read.damage_first[0], 41);
		ck_assert_uint_eq(read.damage_last[0], 60);
	}
	ck_assert(rig_store(&rig, 10));
	ck_assert_uint_eq(spool_stored(rig.spool), 70);
	spool_check(rig.spool);
}
END_TEST

/* The only segment, with a block of it damaged, too: what is in front of it is known. The cursor is behind all of it. */
START_TEST(a_segment_that_is_set_aside_alone_says_what_it_shows_and_outputs_count_it)
{
	struct spool_output_totals totals;
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	uint64_t size;
	store_blocks(6);
	rig_deliver(cursor, 15);
	ck_assert_int_eq(cursors_sync(rig.spool), 0);
	uint8_t *octets = memory_disk_octets(&disk, memory_disk_find(&disk, "segment-", 0), &size);
	octets[33] ^= 1;
	uint8_t *text = memmem(octets, size, "record 45 ", 10);
	ck_assert_ptr_nonnull(text);
	text[2] ^= 1;
	spool_cursor_close(&cursor);
	crash();
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig.recovery.last_sequence, 40);
	ck_assert_uint_eq(rig.recovery.damaged_sequences, 40);
	cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	spool_cursor_totals(cursor, &totals);
	ck_assert_uint_eq(totals.damaged, 25);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 40);
	spool_cursor_close(&cursor);
	spool_check(rig.spool);
}
END_TEST

/* The checkpoint was synced before the segment had its name: damage to it does not make the blocks behind it a torn tail. */
START_TEST(a_damaged_checkpoint_takes_no_group_with_it_that_was_acknowledged)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	uint64_t size;
	store_blocks(4);
	ck_assert_int_eq(writer_rotate(rig.spool, 41, 40), 0);
	store_blocks(1);
	uint8_t *octets = memory_disk_octets(&disk, memory_disk_find(&disk, "segment-", 1), &size);
	octets[SEGMENT_HEADER_BYTES + (_i == 0 ? 40 : BLOCK_HEADER_BYTES + 3)] ^= 1;
	spool_cursor_close(&cursor);
	crash();
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig.recovery.last_sequence, 50);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, 50);
	spool_check(rig.spool);
}
END_TEST

/* Restarts without a message between them leave segments without a block; they have nothing to write again. */
START_TEST(a_damaged_checkpoint_behind_empty_segments_does_not_keep_the_spool_from_opening)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	struct spool_input_totals totals;
	uint64_t size;
	unsigned newest = 0;
	store_blocks(4);
	spool_count_drop(rig.spool, 0, 0, SPOOL_DROP_KERNEL, 7);
	writer_flush_ledger(rig.spool);
	spool_cursor_close(&cursor);
	for (int i = 0; i < 3; i++) {
		if (_i == 0)
			crash();
		else
			spool_close(&rig.spool);
		rig_open_ok(&rig);
		keeper_turn(rig.spool);
		spool_count_drop(rig.spool, 0, 0, SPOOL_DROP_KERNEL, 1);
		writer_flush_ledger(rig.spool);
	}
	store_blocks(1);
	while (memory_disk_find(&disk, "segment-", newest + 1) != NULL)
		newest++;
	memory_disk_octets(&disk, memory_disk_find(&disk, "segment-", newest), &size)[SEGMENT_HEADER_BYTES + 40] ^= 1;
	crash();
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig.recovery.last_sequence, 50);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, 50);
	spool_input_totals(rig.spool, 0, &totals);
	ck_assert_uint_eq(totals.stored, 50);
	ck_assert_uint_eq(totals.dropped[SPOOL_DROP_KERNEL], 10);
	spool_check(rig.spool);
}
END_TEST

static uint64_t damaged_sequences(void)
{
	struct spool_usage usage;
	spool_usage(rig.spool, &usage);
	return usage.damaged_sequences;
}

/* More places than there are notes for: each is still counted, and once, however many readers come past. */
START_TEST(every_damaged_sequence_is_counted_once_however_many_places_there_are)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	store_blocks(DAMAGE_NOTES_MAX + 30);
	for (unsigned n = 0; n < DAMAGE_NOTES_MAX + 20; n++)
		damage_block(n, false);
	for (int reader = 0; reader < 2; reader++) {
		ck_assert_uint_eq(rig_read_all(&rig, 1).damaged, 10 * (DAMAGE_NOTES_MAX + 20));
		keeper_turn(rig.spool);
		ck_assert_uint_eq(damaged_sequences(), 10 * (DAMAGE_NOTES_MAX + 20));
	}
	/* When the segment is gone its notes are too, and there is room for news. */
	rig_deliver(cursor, spool_stored(rig.spool));
	ck_assert_int_eq(writer_rotate(rig.spool, spool_stored(rig.spool) + 1, spool_stored(rig.spool)), 0);
	keeper_turn(rig.spool);
	ck_assert_uint_eq(rig.spool->table.count, 1);
	store_blocks(3);
	damage_block(1, false);
	ck_assert_uint_eq(rig_read_all(&rig, spool_first(rig.spool)).damaged, 10);
	keeper_turn(rig.spool);
	ck_assert_uint_eq(damaged_sequences(), 10 * (DAMAGE_NOTES_MAX + 20) + 10);
	ck_assert_uint_eq(rig.spool->table.damages, 1);
	spool_cursor_close(&cursor);
}
END_TEST

START_TEST(damage_that_was_counted_is_still_counted_after_a_crash)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	store_blocks(3);
	damage_block(1, false);
	ck_assert_uint_eq(rig_read_all(&rig, 1).damaged, 10);
	keeper_turn(rig.spool);
	store_blocks(1);
	spool_cursor_close(&cursor);
	for (int i = 0; i < 2; i++) {
		crash();
		rig_open_ok(&rig);
		ck_assert_uint_eq(damaged_sequences(), 10);
		ck_assert_uint_eq(rig_read_all(&rig, 1).damaged, 10);
		cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
		keeper_turn(rig.spool);
		ck_assert_uint_eq(damaged_sequences(), 10);
		spool_cursor_close(&cursor);
		spool_check(rig.spool);
	}
}
END_TEST

/* What is set aside has a limit for all of it together; a segment set aside whole may have gone beyond it. */
START_TEST(no_more_octets_are_set_aside_than_there_is_room_for)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	uint64_t size = 1;
	store_blocks(3);
	damage_block(1, false);
	rig.spool->table.set_aside_bytes = SET_ASIDE_MAX_BYTES + (_i == 0 ? 1 : -64);
	ck_assert_uint_eq(rig_read_all(&rig, 1).damaged, 10);
	keeper_turn(rig.spool);
	ck_assert_ptr_nonnull(memory_disk_find(&disk, "damaged-", 0));
	memory_disk_octets(&disk, memory_disk_find(&disk, "damaged-", 0), &size);
	ck_assert_uint_eq(size, _i == 0 ? 0 : 64);
	ck_assert_uint_eq(damaged_sequences(), 10);
	spool_cursor_close(&cursor);
}
END_TEST

START_TEST(what_was_released_is_known_after_a_crash)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	store_blocks(4);
	ck_assert_int_eq(writer_rotate(rig.spool, 41, 40), 0);
	store_blocks(1);
	rig_deliver(cursor, 45);
	keeper_turn(rig.spool);
	ck_assert_uint_eq(atomic_load(&rig.spool->ledger.released), 40);
	spool_cursor_close(&cursor);
	crash();
	rig_open_ok(&rig);
	ck_assert_uint_eq(atomic_load(&rig.spool->ledger.released), 40);
	ck_assert_uint_eq(spool_first(rig.spool), 41);
}
END_TEST

/* ---- what cannot be ours ---- */

static void sign_segment(uint8_t *octets)
{
	le64_store(octets + SEGMENT_HEADER_BYTES - 8, XXH3_64bits(octets, SEGMENT_HEADER_BYTES - 8));
}

static uint8_t *newest_segment(void)
{
	struct block_header header;
	uint64_t offset;
	return find_block(0, &offset, &header);
}

/* A file copied from another spool, or this spool's file of cursors replaced by another's. */
START_TEST(a_segment_of_another_spool_is_refused_and_named)
{
	store_blocks(3);
	uint8_t *octets = newest_segment();
	octets[16] ^= 1;
	sign_segment(octets);
	crash();
	ck_assert_int_eq(rig_open(&rig), SPOOL_UNUSABLE);
	ck_assert_ptr_nonnull(strstr(rig.error, "segment 1 belongs to another spool"));
	octets[16] ^= 1;
	sign_segment(octets);
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, 30);
}
END_TEST

/* A file that was copied there from an older state of the spool: by its name it cannot lie where it does. */
START_TEST(segments_that_cannot_follow_each_other_are_refused)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	char name[DISK_NAME_MAX_BYTES], other[DISK_NAME_MAX_BYTES];
	store_blocks(3);
	ck_assert_int_eq(writer_rotate(rig.spool, 31, 30), 0);
	store_blocks(1);
	spool_cursor_close(&cursor);
	crash();
	int directory = disk.disk.open_directory(&disk.disk, "spool");
	segment_name(1, 1, name);
	segment_name(1, 100, other);
	ck_assert_int_eq(disk.disk.rename(&disk.disk, directory, name, other), 0);
	ck_assert_int_eq(rig_open(&rig), SPOOL_UNUSABLE);
	ck_assert_ptr_nonnull(strstr(rig.error, "the segments 1 and 2 do not belong to one spool"));
	ck_assert_int_eq(disk.disk.rename(&disk.disk, directory, other, name), 0);
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, 40);
}
END_TEST

/* The file of cursors is gone and the newest segment's header is damaged: the older ones still know whose they are. */
START_TEST(the_spools_id_comes_from_any_segment_that_still_has_it)
{
	uint8_t id[SPOOL_ID_BYTES];
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	store_blocks(3);
	memcpy(id, rig.spool->id, sizeof id);
	ck_assert_int_eq(writer_rotate(rig.spool, 31, 30), 0);
	store_blocks(1);
	newest_segment()[33] ^= 1;
	spool_cursor_close(&cursor);
	crash();
	disk.disk.unlink(&disk.disk, disk.disk.open_directory(&disk.disk, "spool"), "cursors");
	rig_open_ok(&rig);
	ck_assert_mem_eq(rig.spool->id, id, sizeof id);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, 30);
}
END_TEST

START_TEST(a_spool_whose_sequences_are_used_up_is_refused)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	store_blocks(1);
	atomic_store(&cursor->delivered, SEQUENCE_MAX - 1);
	cursor->dirty = true;
	ck_assert_int_eq(cursors_sync(rig.spool), 0);
	spool_cursor_close(&cursor);
	crash();
	ck_assert_int_eq(rig_open(&rig), SPOOL_UNUSABLE);
	ck_assert_ptr_null(rig.spool);
}
END_TEST

/* An error that names no file and no place cannot be followed up. */
START_TEST(an_unreadable_segment_is_named_with_the_place)
{
	store_blocks(1);
	crash();
	disk.unreadable_from = SEGMENT_HEADER_BYTES;
	ck_assert_int_eq(rig_open(&rig), SPOOL_UNUSABLE);
	ck_assert_ptr_nonnull(strstr(rig.error, "segment 1 cannot be read at offset 128"));
	disk.unreadable_from = 0;
	rig_open_ok(&rig);
	ck_assert_uint_eq(spool_stored(rig.spool), 10);
	disk.unreadable_from = SEGMENT_HEADER_BYTES;
	struct spool_reader *reader = spool_reader_open(rig.spool, 1);
	struct spool_view view;
	ck_assert_int_eq(spool_read(reader, &view), SPOOL_READ_FAILED);
	ck_assert_ptr_nonnull(strstr(spool_reader_error(reader), "offset 128"));
	disk.unreadable_from = 0;
	ck_assert_int_eq(spool_read(reader, &view), SPOOL_READ_BLOCK);
	ck_assert_uint_eq(view.first, 1);
	spool_reader_close(&reader);
}
END_TEST

/* ---- versions ---- */

START_TEST(a_spool_of_a_newer_version_is_refused)
{
	uint64_t size;
	store_blocks(1);
	spool_close(&rig.spool);
	uint8_t *octets = memory_disk_octets(&disk, memory_disk_find(&disk, "segment-", 0), &size);
	octets[4] = FORMAT_MAJOR + 1;
	ck_assert_int_eq(rig_open(&rig), SPOOL_NEWER_VERSION);
	ck_assert_ptr_nonnull(strstr(rig.error, "newer version"));
	ck_assert_ptr_null(rig.spool);
	octets[4] = FORMAT_MAJOR;
	rig_open_ok(&rig);
}
END_TEST

/* A section that must be understood is in a control block of the last group: nothing may be written before it is. */
START_TEST(a_control_block_of_a_newer_version_is_refused_even_if_nothing_proves_it)
{
	struct block_header header;
	uint64_t offset;
	store_blocks(2);
	spool_count_drop(rig.spool, 0, 0, SPOOL_DROP_KERNEL, 1);
	store_blocks(1);
	uint8_t *octets = find_block(1, &offset, &header);
	uint8_t *control = octets + offset + block_span(&header);
	ck_assert_uint_eq(control[8], BLOCK_CONTROL);
	control[BLOCK_HEADER_BYTES] = 99;
	control[BLOCK_HEADER_BYTES + 2] = SECTION_MUST_BE_UNDERSTOOD;
	le64_store(control + 112, XXH3_64bits(control + BLOCK_HEADER_BYTES, le32_load(control + 16)));
	le64_store(control + 120, XXH3_64bits_withSeed(control, 120, rig.spool->writer.current.salt));
	crash();
	ck_assert_int_eq(rig_open(&rig), SPOOL_NEWER_VERSION);
	ck_assert_int_eq(rig_open(&rig), SPOOL_NEWER_VERSION);
}
END_TEST

/* ---- cursors ahead ---- */

/* Without syncs a power cut takes back what an output has already delivered. Its sequences are not given out again. */
START_TEST(sequences_that_a_cursor_has_seen_are_never_used_again)
{
	spool_close(&rig.spool);
	rig.options.sync = SPOOL_SYNC_OFF;
	rig_open_ok(&rig);
	store_blocks(2);
	spool_close(&rig.spool);
	rig_open_ok(&rig);
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	store_blocks(3);
	rig_deliver(cursor, 45);
	ck_assert_int_eq(cursors_sync(rig.spool), 0);
	spool_cursor_close(&cursor);
	disk.off = true;
	spool_close(&rig.spool);
	memory_disk_power_cut(&disk, MEMORY_DISK_KEEP_NONE, 1);
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig.recovery.last_sequence, 20);
	ck_assert_uint_eq(spool_stored(rig.spool), 45);
	spool_check(rig.spool);
	cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	rig.submitted = 45;
	store_blocks(1);
	struct rig_read read = rig_read_all(&rig, 46);
	ck_assert_uint_eq(read.records, 10);
	ck_assert_uint_eq(read.damaged, 0);
	spool_cursor_close(&cursor);
	spool_close(&rig.spool);
	rig_open_ok(&rig);
	spool_check(rig.spool);
	ck_assert_uint_eq(spool_stored(rig.spool), 55);
}
END_TEST

/* ---- full disks ---- */

/* The relay stops with a full disk. It must come up again, or nothing could ever be delivered from it. */
START_TEST(a_spool_on_a_full_disk_can_be_opened_again_and_again)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	disk.capacity = 3 << 20;
	while (rig_store(&rig, 30))
		keeper_turn(rig.spool);
	ck_assert_int_eq(spool_level(rig.spool), SPOOL_LEVEL_FULL);
	uint64_t stored = spool_stored(rig.spool);
	spool_cursor_close(&cursor);
	disk.capacity = space_on_disk(rig.spool); /* somebody else has taken the rest */
	for (int i = 0; i < 9; i++) {
		if (i % 3 == 0)
			crash();
		else
			spool_close(&rig.spool);
		rig_open_ok(&rig);
		ck_assert_uint_eq(spool_stored(rig.spool), stored);
		ck_assert_uint_eq(rig_read_all(&rig, 1).records, stored);
		spool_check(rig.spool);
	}
	disk.capacity = 0;
	cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	rig_deliver(cursor, stored);
	keeper_turn(rig.spool);
	ck_assert_int_eq(spool_level(rig.spool), SPOOL_LEVEL_OPEN);
	ck_assert(rig_store(&rig, 30));
	spool_cursor_close(&cursor);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool_recover");
	TCase *tests = tcase_create("after anything");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, a_last_group_that_is_torn_was_never_acknowledged_and_is_discarded, 0, 2);
	tcase_add_loop_test(tests, a_valid_block_behind_a_torn_one_of_the_same_group_is_discarded, 0, 2);
	tcase_add_test(tests, an_invalid_place_that_a_later_block_proves_synced_is_skipped_and_reported_exactly);
	tcase_add_test(tests, a_damaged_payload_is_found_by_the_reader_and_exactly_its_records_are_lost);
	tcase_add_test(tests, damage_that_touches_the_torn_tail_ends_where_the_synced_part_ends);
	tcase_add_test(tests, blocks_of_the_files_earlier_life_are_never_taken_for_blocks);
	tcase_add_test(tests, a_log_message_that_looks_like_a_block_is_never_taken_for_one);
	tcase_add_test(tests, with_a_damaged_newest_checkpoint_the_previous_one_and_its_blocks_hold);
	tcase_add_loop_test(tests, a_damaged_checkpoint_takes_no_group_with_it_that_was_acknowledged, 0, 2);
	tcase_add_loop_test(tests, a_damaged_checkpoint_behind_empty_segments_does_not_keep_the_spool_from_opening, 0, 2);
	tcase_add_loop_test(tests, with_a_damaged_newest_checkpoint_what_was_released_is_still_counted, 0, 2);
	tcase_add_test(tests, older_segments_are_not_read_when_the_newest_checkpoint_is_whole);
	tcase_add_test(tests, a_segment_of_the_run_before_ends_behind_its_last_good_block);
	tcase_add_test(tests, a_newest_segment_without_a_readable_header_is_set_aside);
	tcase_add_test(tests, what_a_segment_set_aside_had_is_counted_once_behind_blocks_that_are_written_again);
	tcase_add_test(tests, a_segment_that_is_set_aside_alone_says_what_it_shows_and_outputs_count_it);
	tcase_add_test(tests, every_damaged_sequence_is_counted_once_however_many_places_there_are);
	tcase_add_test(tests, damage_that_was_counted_is_still_counted_after_a_crash);
	tcase_add_loop_test(tests, no_more_octets_are_set_aside_than_there_is_room_for, 0, 2);
	tcase_add_test(tests, what_was_released_is_known_after_a_crash);
	tcase_add_test(tests, a_segment_of_another_spool_is_refused_and_named);
	tcase_add_test(tests, segments_that_cannot_follow_each_other_are_refused);
	tcase_add_test(tests, the_spools_id_comes_from_any_segment_that_still_has_it);
	tcase_add_test(tests, a_spool_whose_sequences_are_used_up_is_refused);
	tcase_add_test(tests, an_unreadable_segment_is_named_with_the_place);
	tcase_add_test(tests, a_spool_of_a_newer_version_is_refused);
	tcase_add_test(tests, a_control_block_of_a_newer_version_is_refused_even_if_nothing_proves_it);
	tcase_add_test(tests, sequences_that_a_cursor_has_seen_are_never_used_again);
	tcase_add_test(tests, a_spool_on_a_full_disk_can_be_opened_again_and_again);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
