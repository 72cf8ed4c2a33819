/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams from other relays (spool-rules.md, rules 22, 25 to 31). Each test is a sequence of events that would lose or
 * double something without its rule. The spool has no threads here: the writer is stepped by hand.
 */
#include "support/memory_disk.h"
#include "support/stream_rig.h"

static struct memory_disk disk;
static struct rig rig;

static void setup(void)
{
	memory_disk_init(&disk);
	rig_init(&rig, "spool", &disk.disk);
	rig_open_ok(&rig);
}

static void teardown(void)
{
	spool_close(&rig.spool);
	memory_disk_free(&disk);
}

static void reopen(void)
{
	spool_close(&rig.spool);
	rig_open_ok(&rig);
}

/* The power goes; of what was not synced so much is left. The spool is opened again. */
static void cut_power(enum memory_disk_keep keep)
{
	disk.off = true;
	spool_close(&rig.spool);
	memory_disk_power_cut(&disk, keep, 1);
	rig_open_ok(&rig);
}

/* ---- rule 30: who decides, and what ---- */

START_TEST(a_block_sent_again_after_its_answer_was_lost_is_not_stored_twice)
{
	struct spool_mark mark;
	struct spool_stream_session first = stream_session(1, "a.example.net"), again = stream_session(1, "a.example.net");
	ck_assert_int_eq(stream_begin(&rig, &first, &mark), SPOOL_STREAM_HOLDS);
	ck_assert_uint_eq(mark.sequence, 0);
	ck_assert(stream_store(&rig, &first, 1, 10));
	ck_assert_uint_eq(spool_stored(rig.spool), 10);

	ck_assert_int_eq(stream_begin(&rig, &again, &mark), SPOOL_STREAM_HOLDS);
	ck_assert_uint_eq(mark.sequence, 10);
	ck_assert_uint_eq(mark.checksum, stream_checksum(1, 10));
	ck_assert(stream_store(&rig, &again, 1, 10));
	ck_assert_uint_eq(spool_stored(rig.spool), 10);
	ck_assert_int_eq(stream_state(&rig, &again), SPOOL_STREAM_HOLDS); /* so it may be answered */
	struct spool_stream_entry entry;
	ck_assert_uint_eq(spool_streams(rig.spool, 0, &entry, 1), 1);
	ck_assert_uint_eq(entry.duplicates, 10);
	ck_assert_str_eq(entry.identity, "a.example.net");
	spool_check(rig.spool);
}
END_TEST

START_TEST(a_block_that_is_half_known_ends_its_session_and_is_never_trimmed)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "a");
	stream_begin(&rig, &session, &mark);
	ck_assert(stream_store(&rig, &session, 1, 10));
	ck_assert(stream_put(&rig, &session, 8, 12));
	ck_assert(stream_put(&rig, &session, 11, 12));
	writer_turn(rig.spool);
	ck_assert_uint_eq(spool_stored(rig.spool), 10);
	ck_assert_int_ne(stream_state(&rig, &session), SPOOL_STREAM_HOLDS);
	/* The session is told why, and the next one goes on behind the mark. */
	struct spool_stream_session next = stream_session(1, "a");
	ck_assert_int_eq(stream_begin(&rig, &next, &mark), SPOOL_STREAM_HOLDS);
	ck_assert_uint_eq(mark.sequence, 10);
	ck_assert(stream_store(&rig, &next, 11, 12));
	ck_assert_uint_eq(spool_stored(rig.spool), 12);
	spool_check(rig.spool);
}
END_TEST

START_TEST(a_half_known_block_is_reported_as_overlap)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "a");
	stream_begin(&rig, &session, &mark);
	ck_assert(stream_store(&rig, &session, 1, 10));
	uint8_t payload[RIG_BLOCK_BYTES];
	size_t len = stream_payload(8, 12, payload);
	struct spool_stream_block block = {.first = 8, .last = 12, .total = 15, .records = 5,
		.unpacked_len = (uint32_t)len, .checksum = XXH3_64bits(payload, len)};
	ck_assert(stream_put_block(&rig, &session, &block, bytes_of(payload, len)));
	writer_turn(rig.spool);
	ck_assert_int_eq(stream_state(&rig, &session), SPOOL_STREAM_OVERLAP);
	ck_assert_uint_eq(spool_stored(rig.spool), 10);
}
END_TEST

START_TEST(blocks_that_an_older_session_left_on_the_way_are_void_behind_the_fence)
{
	struct spool_mark mark;
	struct spool_stream_session old = stream_session(1, "a"), new = stream_session(1, "a");
	stream_begin(&rig, &old, &mark);
	ck_assert(stream_store(&rig, &old, 1, 10));
	/* The old connection's next blocks lie on both sides of the new one's fence. */
	uint64_t ordinal;
	ck_assert(stream_put(&rig, &old, 11, 15));
	ck_assert(spool_stream_fence(rig.spool, 0, &new, &ordinal));
	ck_assert(stream_put(&rig, &old, 16, 20));
	ck_assert(writer_turn(rig.spool));
	ck_assert_uint_eq(spool_stored(rig.spool), 15);
	ck_assert_int_eq(spool_stream_look(rig.spool, &new, &mark, NULL), SPOOL_STREAM_HOLDS);
	ck_assert_uint_eq(mark.sequence, 15); /* what the fence tells is what the new session must build on */
	ck_assert_int_eq(stream_state(&rig, &old), SPOOL_STREAM_FENCED); /* 16 to 20 are not answered */
	ck_assert_uint_eq(spool_worker_stored(rig.spool, 0), ordinal + 1); /* all the blocks came back */
	ck_assert(stream_store(&rig, &new, 16, 20));
	ck_assert_uint_eq(spool_stored(rig.spool), 20);
	spool_check(rig.spool);
}
END_TEST

START_TEST(a_block_twice_in_one_group_is_stored_once)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "a");
	uint64_t ordinal;
	stream_begin(&rig, &session, &mark);
	ck_assert(stream_put(&rig, &session, 1, 5));
	session.number = spool_stream_draw();
	ck_assert(spool_stream_fence(rig.spool, 0, &session, &ordinal));
	ck_assert(stream_put(&rig, &session, 1, 5));
	ck_assert(stream_put(&rig, &session, 6, 9));
	ck_assert(writer_turn(rig.spool));
	ck_assert_uint_eq(spool_stored(rig.spool), 9);
	ck_assert_uint_eq(stream_mark(&rig, &session).sequence, 9);
	spool_check(rig.spool);
}
END_TEST

/* Both copies are in one group, whose sync fails: nobody may be told of either. */
START_TEST(a_duplicate_is_answered_when_its_first_copy_is_stored)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "a");
	uint64_t ordinal;
	stream_begin(&rig, &session, &mark);
	uint64_t before = spool_worker_stored(rig.spool, 0);
	ck_assert(stream_put(&rig, &session, 1, 5));
	session.number = spool_stream_draw();
	ck_assert(spool_stream_fence(rig.spool, 0, &session, &ordinal));
	ck_assert(stream_put(&rig, &session, 1, 5));
	memory_disk_heal(&disk);
	disk.fault_ops = MEMORY_DISK_SYNC;
	disk.fail_at = 1;
	disk.fail_error = -5;
	ck_assert(!writer_turn(rig.spool));
	ck_assert_uint_eq(spool_worker_stored(rig.spool, 0), before);
	ck_assert_uint_eq(stream_mark(&rig, &session).sequence, 0);
}
END_TEST

START_TEST(a_mark_is_told_only_when_its_block_is_synced)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "a");
	stream_begin(&rig, &session, &mark);
	ck_assert(stream_put(&rig, &session, 1, 5));
	ck_assert_uint_eq(stream_mark(&rig, &session).sequence, 0);
	ck_assert(writer_turn(rig.spool));
	ck_assert_uint_eq(stream_mark(&rig, &session).sequence, 5);
}
END_TEST

/* ---- rule 26: whose a stream is, and how many there may be ---- */

START_TEST(a_stream_of_another_identity_is_refused_and_its_owner_named)
{
	struct spool_mark mark;
	char owner[SPOOL_IDENTITY_MAX_BYTES + 1];
	struct spool_stream_session mine = stream_session(1, "a.example.net"), theirs = stream_session(1, "b.example.net");
	stream_begin(&rig, &mine, &mark);
	ck_assert(stream_store(&rig, &mine, 1, 5));
	ck_assert_int_eq(stream_begin(&rig, &theirs, &mark), SPOOL_STREAM_OTHER_PEER);
	(void)spool_stream_look(rig.spool, &theirs, &mark, owner);
	ck_assert_str_eq(owner, "a.example.net");
	/* And the owner's session goes on undisturbed. */
	ck_assert(stream_store(&rig, &mine, 6, 7));
	ck_assert_int_eq(stream_state(&rig, &mine), SPOOL_STREAM_HOLDS);
	ck_assert_uint_eq(spool_stored(rig.spool), 7);
}
END_TEST

/* Two relays send here. This one is killed before any checkpoint has their marks, and both come back. */
START_TEST(after_a_crash_each_stream_is_still_its_own_peers)
{
	struct spool_mark mark;
	char owner[SPOOL_IDENTITY_MAX_BYTES + 1];
	struct spool_stream_session a = stream_session(1, "a.example.net"), b = stream_session(2, "b.example.net");
	stream_begin(&rig, &a, &mark);
	stream_begin(&rig, &b, &mark);
	ck_assert(stream_store(&rig, &a, 1, 5));
	ck_assert(stream_store(&rig, &b, 1, 7));
	cut_power(MEMORY_DISK_KEEP_NONE);
	for (int i = 0; i < 2; i++) {
		a.number = spool_stream_draw();
		b.number = spool_stream_draw();
		ck_assert_int_eq(stream_begin(&rig, &a, &mark), SPOOL_STREAM_HOLDS);
		ck_assert_uint_eq(mark.sequence, 5);
		ck_assert_int_eq(stream_begin(&rig, &b, &mark), SPOOL_STREAM_HOLDS);
		ck_assert_uint_eq(mark.sequence, 7);
		struct spool_stream_session thief = stream_session(2, "a.example.net");
		ck_assert_int_eq(stream_begin(&rig, &thief, &mark), SPOOL_STREAM_OTHER_PEER);
		(void)spool_stream_look(rig.spool, &thief, &mark, owner);
		ck_assert_str_eq(owner, "b.example.net");
		reopen(); /* and so it stands in the checkpoint */
	}
}
END_TEST

START_TEST(a_stored_block_says_which_stream_and_peer_it_is_from_and_when_it_came)
{
	struct spool_mark mark;
	struct block_header header;
	struct spool_stream_session a = stream_session(1, "a"), b = stream_session(2, "b");
	stream_begin(&rig, &a, &mark);
	stream_begin(&rig, &b, &mark);
	ck_assert(stream_store(&rig, &a, 1, 5));
	struct current_segment at = rig.spool->writer.current;
	ck_assert(stream_store(&rig, &b, 101, 107));
	char name[DISK_NAME_MAX_BYTES];
	uint64_t size;
	segment_name(at.counter, at.first, name);
	uint8_t *octets = memory_disk_octets(&disk, name, &size);
	ck_assert_int_eq(block_header_read(bytes_of(octets + at.offset, size - at.offset), at.salt, &header),
	                 BLOCK_HEADER_VALID);
	ck_assert_uint_eq(header.origin, BLOCK_ORIGIN_STREAM);
	ck_assert_uint_eq(header.peer, 1); /* the second identity */
	ck_assert_mem_eq(header.stream_id, b.stream, sizeof b.stream);
	ck_assert_uint_eq(header.stream_first, 101);
	ck_assert_uint_eq(header.stream_last, 107);
	ck_assert_uint_eq(header.stream_count, 107);
	ck_assert_uint_eq(header.first, 6); /* this hop's own */
	ck_assert_int_eq(header.hop_received_ns, 2000);
	ck_assert_int_eq(header.base_ns, 1000);
}
END_TEST

/* 64 peers with 64 streams each, in a spool whose segments have room for all of them. */
START_TEST(the_4097th_stream_is_refused_and_none_is_forgotten_for_it)
{
	struct spool_mark mark;
	struct spool_stream_session session;
	char identity[16];
	spool_close(&rig.spool);
	memory_disk_free(&disk);
	memory_disk_init(&disk);
	rig.options.segment_size_bytes = 8 << 20;
	rig.options.max_size_bytes = 128 << 20;
	rig_open_ok(&rig);
	for (unsigned i = 0; i <= SPOOL_STREAMS_MAX; i++) {
		snprintf(identity, sizeof identity, "peer-%u", i / SPOOL_STREAMS_PER_PEER_MAX);
		session = stream_session(7, identity);
		memcpy(session.stream, &i, sizeof i);
		ck_assert_int_eq(stream_begin(&rig, &session, &mark),
		                 i < SPOOL_STREAMS_MAX ? SPOOL_STREAM_HOLDS : SPOOL_STREAM_SPOOL_LIMIT);
	}
	ck_assert_uint_eq(spool_streams(rig.spool, 0, NULL, 0), SPOOL_STREAMS_MAX);
	unsigned first = 0;
	session = stream_session(7, "peer-0");
	memcpy(session.stream, &first, sizeof first);
	ck_assert_int_eq(stream_begin(&rig, &session, &mark), SPOOL_STREAM_HOLDS);
}
END_TEST

START_TEST(the_65th_stream_of_an_identity_is_refused_and_none_is_forgotten_for_it)
{
	struct spool_mark mark;
	for (unsigned i = 1; i <= SPOOL_STREAMS_PER_PEER_MAX; i++) {
		struct spool_stream_session session = stream_session((uint8_t)i, "a");
		ck_assert_int_eq(stream_begin(&rig, &session, &mark), SPOOL_STREAM_HOLDS);
	}
	struct spool_stream_session more = stream_session(200, "a"), other = stream_session(200, "b");
	ck_assert_int_eq(stream_begin(&rig, &more, &mark), SPOOL_STREAM_PEER_LIMIT);
	ck_assert_int_eq(stream_begin(&rig, &other, &mark), SPOOL_STREAM_HOLDS);
	struct spool_stream_session known = stream_session(1, "a");
	ck_assert_int_eq(stream_begin(&rig, &known, &mark), SPOOL_STREAM_HOLDS);
}
END_TEST

START_TEST(streams_beyond_what_a_segment_can_remember_are_refused)
{
	struct spool_mark mark;
	unsigned taken = 0;
	enum spool_stream_state state = SPOOL_STREAM_HOLDS;
	for (unsigned i = 0; i < 1000 && state == SPOOL_STREAM_HOLDS; i++) {
		char identity[16];
		snprintf(identity, sizeof identity, "peer-%u", i);
		struct spool_stream_session session = stream_session((uint8_t)i, identity);
		session.stream[1] = (uint8_t)(i >> 8);
		state = stream_begin(&rig, &session, &mark);
		taken += state == SPOOL_STREAM_HOLDS;
		if (state == SPOOL_STREAM_HOLDS)
			ck_assert(stream_store(&rig, &session, 1, 1));
	}
	ck_assert_int_eq(state, SPOOL_STREAM_SPOOL_LIMIT);
	ck_assert_uint_gt(taken, 100);
	ck_assert_uint_eq(spool_stored(rig.spool), taken);
	reopen();
	ck_assert_uint_eq(spool_streams(rig.spool, 0, NULL, 0), taken);
	spool_check(rig.spool);
}
END_TEST

/* ---- rule 22: marks after a stop, a crash, a rotation ---- */

START_TEST(marks_survive_a_stop_and_any_number_of_rotations)
{
	struct spool_mark mark;
	struct spool_stream_session idle = stream_session(1, "a"), busy = stream_session(2, "b");
	stream_begin(&rig, &idle, &mark);
	stream_begin(&rig, &busy, &mark);
	ck_assert(stream_store(&rig, &idle, 1, 7));
	/* The idle stream's block is in a segment that is long gone; its mark rides in each checkpoint. */
	for (uint64_t i = 0; i < 400; i++) {
		ck_assert(stream_store(&rig, &busy, 50 * i + 1, 50 * i + 50));
		keeper_turn(rig.spool);
	}
	ck_assert_uint_gt(spool_first(rig.spool), 7);
	reopen();
	ck_assert_uint_eq(stream_mark(&rig, &idle).sequence, 7);
	ck_assert_uint_eq(stream_mark(&rig, &idle).checksum, stream_checksum(1, 7));
	ck_assert_uint_eq(stream_mark(&rig, &busy).sequence, 20000);
	ck_assert_uint_eq(stream_mark(&rig, &busy).count, 20000);
	struct spool_stream_session thief = stream_session(1, "b");
	ck_assert_int_eq(stream_begin(&rig, &thief, &mark), SPOOL_STREAM_OTHER_PEER);
}
END_TEST

START_TEST(a_crash_before_the_sync_takes_the_block_and_its_mark_together)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "a");
	stream_begin(&rig, &session, &mark);
	ck_assert(stream_store(&rig, &session, 1, 5));
	disk.fault_ops = MEMORY_DISK_SYNC;
	disk.cut_at = disk.operations + 1;
	ck_assert(stream_put(&rig, &session, 6, 9));
	ck_assert(!writer_turn(rig.spool));
	ck_assert_uint_eq(stream_mark(&rig, &session).sequence, 5); /* nobody was told */
	cut_power(MEMORY_DISK_KEEP_NONE);
	ck_assert_int_eq(stream_begin(&rig, &session, &mark), SPOOL_STREAM_HOLDS);
	ck_assert_uint_eq(mark.sequence, 5);
	ck_assert_uint_eq(spool_stored(rig.spool), 5);
	ck_assert(stream_store(&rig, &session, 6, 9));
	ck_assert_uint_eq(spool_stored(rig.spool), 9);
}
END_TEST

START_TEST(a_block_that_a_crash_left_unsynced_keeps_its_mark_when_it_is_kept)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "a");
	stream_begin(&rig, &session, &mark);
	ck_assert(stream_store(&rig, &session, 1, 5));
	disk.fault_ops = MEMORY_DISK_SYNC;
	disk.cut_at = disk.operations + 1;
	ck_assert(stream_put(&rig, &session, 6, 9));
	ck_assert(!writer_turn(rig.spool));
	cut_power(MEMORY_DISK_KEEP_ALL);
	/* It was never answered, so it comes again; recovery has written it again, mark included. */
	ck_assert_uint_eq(spool_stored(rig.spool), 9);
	ck_assert_int_eq(stream_begin(&rig, &session, &mark), SPOOL_STREAM_HOLDS);
	ck_assert_uint_eq(mark.sequence, 9);
	ck_assert_uint_eq(mark.checksum, stream_checksum(6, 9));
	ck_assert(stream_store(&rig, &session, 6, 9));
	ck_assert_uint_eq(spool_stored(rig.spool), 9);
	cut_power(MEMORY_DISK_KEEP_NONE);
	ck_assert_uint_eq(stream_mark(&rig, &session).sequence, 9);
}
END_TEST

START_TEST(a_torn_block_in_the_tail_takes_the_later_marks_along)
{
	struct spool_mark mark;
	struct spool_stream_session one = stream_session(1, "a"), two = stream_session(2, "a");
	stream_begin(&rig, &one, &mark);
	stream_begin(&rig, &two, &mark);
	ck_assert(stream_store(&rig, &one, 1, 5));
	/* Three blocks of one group; the disk has the first and the third. */
	struct current_segment at = rig.spool->writer.current;
	ck_assert(stream_put(&rig, &one, 6, 9));
	ck_assert(stream_put(&rig, &two, 1, 4));
	ck_assert(stream_put(&rig, &one, 10, 12));
	disk.fault_ops = MEMORY_DISK_SYNC;
	disk.cut_at = disk.operations + 1;
	ck_assert(!writer_turn(rig.spool));
	disk.off = true;
	spool_close(&rig.spool);
	memory_disk_power_cut(&disk, MEMORY_DISK_KEEP_ALL, 1);
	char name[DISK_NAME_MAX_BYTES];
	segment_name(at.counter, at.first, name);
	uint8_t payload[RIG_BLOCK_BYTES];
	uint64_t second = at.offset + BLOCK_HEADER_BYTES + FORMAT_ALIGNED((uint64_t)stream_payload(6, 9, payload));
	uint64_t size;
	memcpy(memory_disk_octets(&disk, name, &size) + second + BLOCK_HEADER_BYTES, "torn", 4);
	memory_disk_settle(&disk, name);
	rig_open_ok(&rig);
	ck_assert_uint_eq(spool_stored(rig.spool), 9);
	ck_assert_uint_eq(stream_mark(&rig, &one).sequence, 9);
	ck_assert_uint_eq(stream_mark(&rig, &two).sequence, 0);
}
END_TEST

/* ---- rule 31 ---- */

START_TEST(a_gap_in_the_cumulative_count_ends_the_session)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "a");
	stream_begin(&rig, &session, &mark);
	ck_assert(stream_store(&rig, &session, 1, 5));
	ck_assert(stream_store(&rig, &session, 8, 10)); /* the count says that 6 and 7 were records: they are missing */
	ck_assert_int_eq(stream_state(&rig, &session), SPOOL_STREAM_MISCOUNT);
	ck_assert_uint_eq(spool_stored(rig.spool), 5);
}
END_TEST

START_TEST(unsound_ranges_and_counts_are_named)
{
	const struct spool_stream_block good = {.first = 5, .last = 9, .total = 5, .records = 5, .unpacked_len = 50};
	const char *reason;
	ck_assert(spool_stream_block_is_sound(&good, 50, &reason));
	struct spool_stream_block bad = good;
	bad.first = 0;
	ck_assert(!spool_stream_block_is_sound(&bad, 50, &reason));
	ck_assert_str_eq(reason, "a block's range is not one");
	bad = good;
	bad.last = bad.first + BLOCK_PAYLOAD_MAX_BYTES;
	ck_assert(!spool_stream_block_is_sound(&bad, 50, &reason));
	ck_assert_str_eq(reason, "a block's range is too long");
	bad = good;
	bad.records = 6;
	ck_assert(!spool_stream_block_is_sound(&bad, 50, &reason));
	ck_assert_str_eq(reason, "a block's count of records does not fit its range");
	bad = good;
	bad.codec = 2;
	ck_assert(!spool_stream_block_is_sound(&bad, 50, &reason));
	ck_assert_str_eq(reason, "a block's codec is not known");
	ck_assert(!spool_stream_block_is_sound(&good, 49, &reason));
	ck_assert_str_eq(reason, "a block's length does not fit its payload");
}
END_TEST

START_TEST(a_range_may_jump_over_what_was_filtered)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "a");
	stream_begin(&rig, &session, &mark);
	uint8_t payload[RIG_BLOCK_BYTES];
	size_t len = stream_payload(1, 3, payload);
	struct spool_stream_block block = {.first = 100, .last = 199, .total = 3, .records = 3, .unpacked_len = (uint32_t)len,
		.checksum = XXH3_64bits(payload, len)};
	ck_assert(stream_put_block(&rig, &session, &block, bytes_of(payload, len)));
	block.first = 1000, block.last = 1099, block.total = 6;
	ck_assert(stream_put_block(&rig, &session, &block, bytes_of(payload, len)));
	ck_assert(writer_turn(rig.spool));
	ck_assert_uint_eq(spool_stored(rig.spool), 6);
	ck_assert_uint_eq(stream_mark(&rig, &session).sequence, 1099);
	ck_assert_uint_eq(stream_mark(&rig, &session).count, 6);
}
END_TEST

/* ---- rule 33: what is stored is what came ---- */

START_TEST(the_octets_of_a_block_are_lent_as_they_came)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "a");
	stream_begin(&rig, &session, &mark);
	ck_assert(stream_store(&rig, &session, 41, 50));
	struct spool_reader *reader = spool_reader_open(rig.spool, 1);
	struct spool_view view;
	uint8_t payload[RIG_BLOCK_BYTES];
	size_t len = stream_payload(41, 50, payload);
	spool_reader_leave_packed(reader, true);
	ck_assert_int_eq(spool_read(reader, &view), SPOOL_READ_BLOCK);
	ck_assert(bytes_equal(view.packed, bytes_of(payload, len)));
	ck_assert_uint_eq(view.payload_checksum, stream_checksum(41, 50));
	ck_assert_uint_eq(view.first, 1); /* this hop has sequences of its own */
	ck_assert_uint_eq(view.last, 10);
	ck_assert_uint_eq(view.records.len, 0);
	spool_reader_leave_packed(reader, false);
	spool_reader_seek(reader, 1);
	ck_assert_int_eq(spool_read(reader, &view), SPOOL_READ_BLOCK);
	ck_assert(bytes_equal(view.records, bytes_of(payload, len)));
	spool_reader_close(&reader);
}
END_TEST

/* ---- the operator's hand ---- */

/* The stream's entry; fails if it is not known. */
static struct spool_stream_entry entry_of(uint8_t id)
{
	static struct spool_stream_entry entries[100];
	unsigned count = spool_streams(rig.spool, 0, entries, 100);
	for (unsigned i = 0; i < count; i++)
		if (entries[i].stream[0] == id && entries[i].stream[1] == id)
			return entries[i];
	ck_abort_msg("the stream %u is not known", id);
	return entries[0];
}

static uint8_t *id_of(uint8_t id)
{
	static uint8_t stream[SPOOL_STREAM_ID_BYTES];
	memset(stream, id, sizeof stream);
	return stream;
}

START_TEST(an_adopted_stream_goes_on_with_its_new_owner_and_what_the_old_one_has_on_its_way_is_void)
{
	struct spool_mark mark;
	struct spool_stream_session old = stream_session(1, "old.example.net"), new = stream_session(1, "new.example.net");
	stream_begin(&rig, &old, &mark);
	ck_assert(stream_store(&rig, &old, 1, 5));
	ck_assert_int_eq(stream_begin(&rig, &new, &mark), SPOOL_STREAM_OTHER_PEER);
	ck_assert(stream_put(&rig, &old, 6, 9));
	ck_assert_int_eq(spool_stream_adopt(rig.spool, id_of(1), "new.example.net"), SPOOL_STREAM_CHANGED);
	ck_assert(!spool_stream_changes_are_stored(rig.spool));
	ck_assert(writer_turn(rig.spool));
	ck_assert(spool_stream_changes_are_stored(rig.spool));
	ck_assert_uint_eq(spool_stored(rig.spool), 5);
	ck_assert_int_eq(stream_state(&rig, &old), SPOOL_STREAM_OTHER_PEER); /* so it answers nothing more */
	ck_assert_int_eq(stream_begin(&rig, &new, &mark), SPOOL_STREAM_HOLDS);
	ck_assert_uint_eq(mark.sequence, 5);
	ck_assert(stream_store(&rig, &new, 6, 9));
	ck_assert_int_eq(spool_stream_adopt(rig.spool, id_of(3), "x"), SPOOL_STREAM_UNKNOWN);
	spool_check(rig.spool);
}
END_TEST

START_TEST(an_adoption_without_any_blocks_is_written_by_itself_and_survives_crash_and_rotation)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "old"), busy = stream_session(2, "b");
	stream_begin(&rig, &session, &mark);
	ck_assert(stream_store(&rig, &session, 1, 5));
	ck_assert_int_eq(spool_stream_adopt(rig.spool, id_of(1), "new"), SPOOL_STREAM_CHANGED);
	ck_assert(writer_turn(rig.spool));
	ck_assert(!writer_turn(rig.spool));
	cut_power(MEMORY_DISK_KEEP_NONE);
	ck_assert_str_eq(entry_of(1).identity, "new");
	stream_begin(&rig, &busy, &mark);
	for (uint64_t i = 0; i < 400; i++) {
		ck_assert(stream_store(&rig, &busy, 50 * i + 1, 50 * i + 50));
		keeper_turn(rig.spool);
	}
	reopen();
	ck_assert_str_eq(entry_of(1).identity, "new");
	ck_assert_uint_eq(entry_of(1).mark.sequence, 5);
	ck_assert_uint_eq(entry_of(1).records, 5);
	ck_assert_uint_eq(entry_of(1).last_ns, 2000);
	ck_assert_uint_eq(entry_of(2).records, 20000);
}
END_TEST

START_TEST(a_stream_is_not_adopted_by_an_identity_that_has_as_many_as_one_may_have)
{
	struct spool_mark mark;
	for (unsigned i = 1; i <= SPOOL_STREAMS_PER_PEER_MAX; i++) {
		struct spool_stream_session session = stream_session((uint8_t)i, "a");
		ck_assert_int_eq(stream_begin(&rig, &session, &mark), SPOOL_STREAM_HOLDS);
	}
	struct spool_stream_session other = stream_session(200, "b");
	stream_begin(&rig, &other, &mark);
	ck_assert_int_eq(spool_stream_adopt(rig.spool, id_of(200), "a"), SPOOL_STREAM_NO_PLACE);
	ck_assert_int_eq(spool_stream_adopt(rig.spool, id_of(1), "a"), SPOOL_STREAM_CHANGED); /* it is its own already */
	ck_assert_int_eq(spool_stream_forget(rig.spool, id_of(1)), SPOOL_STREAM_CHANGED);
	ck_assert_int_eq(spool_stream_adopt(rig.spool, id_of(200), "a"), SPOOL_STREAM_CHANGED);
	ck_assert_str_eq(entry_of(200).identity, "a");
}
END_TEST

START_TEST(a_forgotten_stream_makes_room_and_all_others_are_still_known)
{
	struct spool_mark mark;
	for (unsigned i = 1; i <= SPOOL_STREAMS_PER_PEER_MAX; i++) {
		struct spool_stream_session session = stream_session((uint8_t)i, "a");
		stream_begin(&rig, &session, &mark);
		ck_assert(stream_store(&rig, &session, 1, i));
	}
	struct spool_stream_session more = stream_session(200, "a");
	ck_assert_int_eq(stream_begin(&rig, &more, &mark), SPOOL_STREAM_PEER_LIMIT);
	ck_assert_int_eq(spool_stream_forget(rig.spool, id_of(7)), SPOOL_STREAM_CHANGED);
	ck_assert_int_eq(spool_stream_forget(rig.spool, id_of(7)), SPOOL_STREAM_UNKNOWN);
	ck_assert(writer_turn(rig.spool));
	ck_assert_int_eq(stream_begin(&rig, &more, &mark), SPOOL_STREAM_HOLDS);
	ck_assert(stream_store(&rig, &more, 1, 2));
	cut_power(MEMORY_DISK_KEEP_NONE);
	ck_assert_uint_eq(spool_streams(rig.spool, 0, NULL, 0), SPOOL_STREAMS_PER_PEER_MAX);
	for (unsigned i = 1; i <= SPOOL_STREAMS_PER_PEER_MAX; i++)
		if (i != 7)
			ck_assert_uint_eq(entry_of((uint8_t)i).mark.sequence, i);
	ck_assert_uint_eq(entry_of(200).mark.sequence, 2);
	spool_check(rig.spool);
}
END_TEST

START_TEST(forgetting_streams_makes_as_much_room_as_they_took_their_identities_included)
{
	struct spool_mark mark;
	unsigned taken = 0;
	uint8_t stream[SPOOL_STREAM_ID_BYTES];
	for (unsigned round = 0; round < 3; round++) {
		enum spool_stream_state state = SPOOL_STREAM_HOLDS;
		unsigned count = 0;
		for (; state == SPOOL_STREAM_HOLDS; count += state == SPOOL_STREAM_HOLDS) {
			char identity[40];
			snprintf(identity, sizeof identity, "round-%u-peer-%04u.example.net", round, count);
			struct spool_stream_session session = stream_session((uint8_t)count, identity);
			session.stream[1] = (uint8_t)(count >> 8);
			state = stream_begin(&rig, &session, &mark);
			if (state == SPOOL_STREAM_HOLDS)
				ck_assert(stream_store(&rig, &session, 1, 1));
		}
		ck_assert_int_eq(state, SPOOL_STREAM_SPOOL_LIMIT);
		ck_assert(taken == 0 || taken == count);
		taken = count;
		reopen();
		ck_assert_uint_eq(spool_streams(rig.spool, 0, NULL, 0), taken);
		for (unsigned i = 0; i < taken; i++) {
			memset(stream, (uint8_t)i, sizeof stream);
			stream[1] = (uint8_t)(i >> 8);
			ck_assert_int_eq(spool_stream_forget(rig.spool, stream), SPOOL_STREAM_CHANGED);
			if (i % 50 == 0)
				ck_assert(writer_turn(rig.spool));
		}
		(void)writer_turn(rig.spool);
		reopen();
		ck_assert_uint_eq(spool_streams(rig.spool, 0, NULL, 0), 0);
	}
	ck_assert_uint_gt(taken, 100);
	spool_check(rig.spool);
}
END_TEST

START_TEST(whose_a_place_is_that_was_another_ones_survives_a_crash)
{
	struct spool_mark mark;
	struct spool_stream_session one = stream_session(1, "a"), two = stream_session(2, "b"), three = stream_session(3, "c");
	stream_begin(&rig, &one, &mark);
	stream_begin(&rig, &two, &mark);
	ck_assert(stream_store(&rig, &one, 1, 5));
	ck_assert(stream_store(&rig, &two, 1, 5));
	/* In one group: the third one takes the place of the first one's identity. */
	ck_assert_int_eq(spool_stream_forget(rig.spool, id_of(1)), SPOOL_STREAM_CHANGED);
	stream_begin(&rig, &three, &mark);
	ck_assert(stream_store(&rig, &three, 1, 5));
	cut_power(MEMORY_DISK_KEEP_NONE);
	ck_assert_uint_eq(spool_streams(rig.spool, 0, NULL, 0), 2);
	ck_assert_str_eq(entry_of(2).identity, "b");
	ck_assert_str_eq(entry_of(3).identity, "c");
	reopen();
	ck_assert_str_eq(entry_of(2).identity, "b");
	ck_assert_str_eq(entry_of(3).identity, "c");
}
END_TEST

START_TEST(a_stream_in_use_is_not_forgotten)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "a"), later = stream_session(1, "a");
	stream_begin(&rig, &session, &mark);
	spool_stream_connected(rig.spool, &session, "192.0.2.1:7");
	ck_assert_str_eq(entry_of(1).connection, "192.0.2.1:7");
	ck_assert_int_eq(spool_stream_forget(rig.spool, id_of(1)), SPOOL_STREAM_ACTIVE);
	/* The end of an older connection is not that of the later one. */
	stream_begin(&rig, &later, &mark);
	spool_stream_connected(rig.spool, &later, "192.0.2.1:8");
	spool_stream_disconnected(rig.spool, &session);
	ck_assert_str_eq(entry_of(1).connection, "192.0.2.1:8");
	spool_stream_disconnected(rig.spool, &later);
	ck_assert_str_eq(entry_of(1).connection, "");
	ck_assert_int_eq(spool_stream_forget(rig.spool, id_of(1)), SPOOL_STREAM_CHANGED);
}
END_TEST

START_TEST(a_stream_that_comes_back_in_the_group_that_forgets_it_begins_anew_and_stays)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "a"), again = stream_session(1, "a");
	stream_begin(&rig, &session, &mark);
	ck_assert(stream_store(&rig, &session, 1, 5));
	ck_assert_int_eq(spool_stream_forget(rig.spool, id_of(1)), SPOOL_STREAM_CHANGED);
	ck_assert_int_eq(stream_begin(&rig, &again, &mark), SPOOL_STREAM_HOLDS);
	ck_assert_uint_eq(mark.sequence, 0);
	ck_assert(stream_store(&rig, &again, 1, 3));
	cut_power(MEMORY_DISK_KEEP_NONE);
	ck_assert_uint_ge(entry_of(1).mark.sequence, 3);
	ck_assert_uint_eq(spool_stored(rig.spool), 8);
}
END_TEST

START_TEST(what_a_relay_says_to_be_lost_only_grows_and_survives_a_crash)
{
	struct spool_mark mark;
	uint64_t records, lost;
	struct spool_stream_session session = stream_session(1, "a"), old = stream_session(1, "a");
	stream_begin(&rig, &session, &mark);
	ck_assert(stream_store(&rig, &session, 1, 5));
	ck_assert_uint_eq(spool_stream_note_lost(rig.spool, &old, 4), 0); /* not its session */
	ck_assert_uint_eq(spool_stream_note_lost(rig.spool, &session, 4), 4);
	ck_assert_uint_eq(spool_stream_note_lost(rig.spool, &session, 4), 0);
	ck_assert_uint_eq(spool_stream_note_lost(rig.spool, &session, 3), 0);
	ck_assert_uint_eq(spool_stream_note_lost(rig.spool, &session, UINT64_MAX), 0);
	ck_assert_uint_eq(spool_stream_note_lost(rig.spool, &session, SEQUENCE_MAX - 4), 0); /* with the 5 that are here */
	ck_assert_uint_eq(spool_stream_note_lost(rig.spool, &session, 6), 2);
	ck_assert(stream_store(&rig, &session, 6, 7));
	cut_power(MEMORY_DISK_KEEP_NONE);
	spool_stream_counts(rig.spool, session.stream, &records, &lost);
	ck_assert_uint_eq(records, 7);
	ck_assert_uint_eq(lost, 6);
}
END_TEST

/* The first that is untold. */
static bool untold(struct spool_stream_entry *entry, uint64_t *told)
{
	unsigned at = 0;
	return spool_stream_untold(rig.spool, &at, entry, told);
}

START_TEST(what_a_relay_says_to_be_lost_is_told_of_its_own_stream_once)
{
	struct spool_mark mark;
	struct spool_stream_entry entry;
	uint64_t told;
	struct spool_stream_session a = stream_session(1, "a"), b = stream_session(2, "b");
	stream_begin(&rig, &a, &mark);
	stream_begin(&rig, &b, &mark);
	ck_assert(!untold(&entry, &told));
	spool_stream_note_lost(rig.spool, &b, 4);
	ck_assert(untold(&entry, &told));
	ck_assert_str_eq(entry.identity, "b");
	ck_assert_uint_eq(entry.lost, 4);
	ck_assert_uint_eq(told, 0);
	spool_stream_told(rig.spool, entry.stream, 4);
	ck_assert(!untold(&entry, &told));
	spool_stream_note_lost(rig.spool, &b, 7);
	ck_assert(untold(&entry, &told));
	ck_assert_uint_eq(told, 4);
	ck_assert(stream_store(&rig, &a, 1, 2));
	cut_power(MEMORY_DISK_KEEP_NONE);
	ck_assert(!untold(&entry, &told)); /* by the process that counted it */
}
END_TEST

START_TEST(a_look_at_what_is_untold_shows_each_stream_once_whatever_the_relays_say_meanwhile)
{
	enum { STREAMS = 3 };
	struct spool_stream_session session[STREAMS];
	struct spool_stream_entry entry;
	struct spool_mark mark;
	uint64_t told;
	unsigned at = 0, shown = 0;
	for (unsigned i = 0; i < STREAMS; i++) {
		session[i] = stream_session((uint8_t)(i + 1), "a");
		stream_begin(&rig, &session[i], &mark);
		spool_stream_note_lost(rig.spool, &session[i], 1);
	}
	while (shown <= STREAMS && spool_stream_untold(rig.spool, &at, &entry, &told)) {
		spool_stream_told(rig.spool, entry.stream, entry.lost);
		for (unsigned i = 0; i < STREAMS; i++) /* each says more as soon as it was told of */
			if (memcmp(session[i].stream, entry.stream, sizeof entry.stream) == 0)
				spool_stream_note_lost(rig.spool, &session[i], entry.lost + 1);
		shown++;
	}
	ck_assert_uint_eq(shown, STREAMS);
	ck_assert(untold(&entry, &told)); /* by the next look */
	ck_assert_uint_eq(told, 1);
	ck_assert_uint_eq(entry.lost, 2);
}
END_TEST

/* ---- rules 25, 27 and 29: the sending side ---- */

static void set_server(struct spool_cursor *cursor, const uint8_t *id, uint64_t sequence, uint64_t lost)
{
	struct spool_stream_server server = {.sequence = sequence, .records = sequence, .lost = lost};
	memcpy(server.spool, id, sizeof server.spool);
	spool_cursor_set_server(cursor, &server);
}

START_TEST(what_servers_say_to_be_lost_adds_up_to_a_number_of_messages_whatever_they_say)
{
	uint8_t id[SPOOL_STREAM_ID_BYTES] = {0};
	struct spool_cursor *cursor = rig_cursor(&rig, "out", SPOOL_FROM_NEW, SPOOL_HOLD);
	for (id[0] = 1; id[0] <= 5; id[0]++)
		set_server(cursor, id, 1, SEQUENCE_MAX - 1);
	ck_assert_uint_eq(spool_cursor_lost_by_peer(cursor), SEQUENCE_MAX);
	spool_cursor_fork(cursor);
	set_server(cursor, id, 1, SEQUENCE_MAX);
	ck_assert_uint_eq(spool_cursor_lost_by_peer(cursor), SEQUENCE_MAX);
	spool_cursor_close(&cursor);
}
END_TEST

START_TEST(a_forked_stream_is_not_used_before_its_new_id_is_on_the_disk)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "out", SPOOL_FROM_NEW, SPOOL_HOLD);
	uint8_t before[SPOOL_STREAM_ID_BYTES], after[SPOOL_STREAM_ID_BYTES], server[SPOOL_ID_BYTES] = {9};
	uint64_t checksum;
	ck_assert(spool_cursor_stream(cursor, before, &checksum));
	set_server(cursor, server, 5, 3);
	spool_cursor_fork(cursor);
	ck_assert(!spool_cursor_stream(cursor, after, &checksum));
	ck_assert_mem_ne(before, after, sizeof before);
	struct spool_stream_server known;
	ck_assert(!spool_cursor_server(cursor, server, &known)); /* that was of the old stream, */
	ck_assert_uint_eq(spool_cursor_lost_by_peer(cursor), 3); /* but what was lost is still lost */
	keeper_turn(rig.spool);
	ck_assert(spool_cursor_stream(cursor, after, &checksum));
	spool_cursor_close(&cursor);
	reopen();
	uint8_t again[SPOOL_STREAM_ID_BYTES];
	cursor = rig_cursor(&rig, "out", SPOOL_FROM_NEW, SPOOL_HOLD);
	ck_assert(spool_cursor_stream(cursor, again, &checksum));
	ck_assert_mem_eq(again, after, sizeof after);
	spool_cursor_close(&cursor);
}
END_TEST

START_TEST(what_a_server_acknowledged_is_known_after_a_restart_and_under_a_new_name)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "out", SPOOL_FROM_NEW, SPOOL_HOLD);
	uint8_t one[SPOOL_ID_BYTES] = {1}, two[SPOOL_ID_BYTES] = {2}, stream[SPOOL_STREAM_ID_BYTES];
	uint8_t again[SPOOL_STREAM_ID_BYTES];
	uint64_t checksum;
	ck_assert(spool_cursor_stream(cursor, stream, &checksum));
	ck_assert(rig_store(&rig, 10));
	set_server(cursor, one, 4, 0);
	set_server(cursor, two, 7, 2);
	rig_deliver(cursor, 7);
	spool_cursor_close(&cursor);
	reopen();
	ck_assert(spool_rename_cursor(rig.spool, "out", "renamed", rig.error));
	cursor = rig_cursor(&rig, "renamed", SPOOL_FROM_NEW, SPOOL_HOLD);
	ck_assert(spool_cursor_stream(cursor, again, &checksum));
	ck_assert_mem_eq(again, stream, sizeof stream);
	struct spool_stream_server server;
	ck_assert(spool_cursor_server(cursor, one, &server));
	ck_assert_uint_eq(server.sequence, 4);
	ck_assert(spool_cursor_server(cursor, two, &server));
	ck_assert_uint_eq(server.sequence, 7);
	ck_assert_uint_eq(server.records, 7);
	ck_assert_uint_eq(server.lost, 2);
	struct spool_sent_stream sent;
	unsigned index = 0;
	while (!spool_sent_stream(rig.spool, index, &sent))
		index++;
	ck_assert_str_eq(sent.name, "renamed");
	ck_assert_uint_eq(sent.servers, 2);
	ck_assert_uint_eq(sent.lost_by_peer, 2);
	spool_cursor_close(&cursor);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool_stream");
	TCase *tests = tcase_create("streams");
	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_block_sent_again_after_its_answer_was_lost_is_not_stored_twice);
	tcase_add_test(tests, a_block_that_is_half_known_ends_its_session_and_is_never_trimmed);
	tcase_add_test(tests, a_half_known_block_is_reported_as_overlap);
	tcase_add_test(tests, blocks_that_an_older_session_left_on_the_way_are_void_behind_the_fence);
	tcase_add_test(tests, a_block_twice_in_one_group_is_stored_once);
	tcase_add_test(tests, a_duplicate_is_answered_when_its_first_copy_is_stored);
	tcase_add_test(tests, a_mark_is_told_only_when_its_block_is_synced);
	tcase_add_test(tests, a_stream_of_another_identity_is_refused_and_its_owner_named);
	tcase_add_test(tests, after_a_crash_each_stream_is_still_its_own_peers);
	tcase_add_test(tests, a_stored_block_says_which_stream_and_peer_it_is_from_and_when_it_came);
	tcase_add_test(tests, the_4097th_stream_is_refused_and_none_is_forgotten_for_it);
	tcase_add_test(tests, the_65th_stream_of_an_identity_is_refused_and_none_is_forgotten_for_it);
	tcase_add_test(tests, streams_beyond_what_a_segment_can_remember_are_refused);
	tcase_add_test(tests, marks_survive_a_stop_and_any_number_of_rotations);
	tcase_add_test(tests, a_crash_before_the_sync_takes_the_block_and_its_mark_together);
	tcase_add_test(tests, a_block_that_a_crash_left_unsynced_keeps_its_mark_when_it_is_kept);
	tcase_add_test(tests, a_torn_block_in_the_tail_takes_the_later_marks_along);
	tcase_add_test(tests, a_gap_in_the_cumulative_count_ends_the_session);
	tcase_add_test(tests, unsound_ranges_and_counts_are_named);
	tcase_add_test(tests, a_range_may_jump_over_what_was_filtered);
	tcase_add_test(tests, the_octets_of_a_block_are_lent_as_they_came);
	tcase_add_test(tests, an_adopted_stream_goes_on_with_its_new_owner_and_what_the_old_one_has_on_its_way_is_void);
	tcase_add_test(tests, an_adoption_without_any_blocks_is_written_by_itself_and_survives_crash_and_rotation);
	tcase_add_test(tests, a_stream_is_not_adopted_by_an_identity_that_has_as_many_as_one_may_have);
	tcase_add_test(tests, a_forgotten_stream_makes_room_and_all_others_are_still_known);
	tcase_add_test(tests, forgetting_streams_makes_as_much_room_as_they_took_their_identities_included);
	tcase_add_test(tests, whose_a_place_is_that_was_another_ones_survives_a_crash);
	tcase_add_test(tests, a_stream_in_use_is_not_forgotten);
	tcase_add_test(tests, a_stream_that_comes_back_in_the_group_that_forgets_it_begins_anew_and_stays);
	tcase_add_test(tests, what_a_relay_says_to_be_lost_only_grows_and_survives_a_crash);
	tcase_add_test(tests, what_a_relay_says_to_be_lost_is_told_of_its_own_stream_once);
	tcase_add_test(tests, a_look_at_what_is_untold_shows_each_stream_once_whatever_the_relays_say_meanwhile);
	tcase_add_test(tests, what_servers_say_to_be_lost_adds_up_to_a_number_of_messages_whatever_they_say);
	tcase_add_test(tests, a_forked_stream_is_not_used_before_its_new_id_is_on_the_disk);
	tcase_add_test(tests, what_a_server_acknowledged_is_known_after_a_restart_and_under_a_new_name);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
