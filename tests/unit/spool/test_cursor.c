/* SPDX-License-Identifier: Apache-2.0 */
/* Cursors: their file, and what outputs and operators do with them. */
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
	keeper_turn(rig.spool);
}

static void crash(void)
{
	disk.off = true;
	spool_close(&rig.spool);
	memory_disk_power_cut(&disk, MEMORY_DISK_KEEP_NONE, 1);
	rig_open_ok(&rig);
}

START_TEST(a_new_cursor_begins_behind_what_is_stored_unless_it_says_oldest)
{
	ck_assert(rig_store(&rig, 10));
	struct spool_cursor *fresh = rig_cursor(&rig, "fresh", SPOOL_FROM_NEW, SPOOL_HOLD);
	struct spool_cursor *oldest = rig_cursor(&rig, "oldest", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	ck_assert_uint_eq(spool_cursor_delivered(fresh), 10);
	ck_assert_uint_eq(spool_cursor_start(fresh), 10);
	ck_assert_uint_eq(spool_cursor_delivered(oldest), 0);
	ck_assert_int_ne(memcmp(fresh->stream_id, oldest->stream_id, SPOOL_STREAM_ID_BYTES), 0);
	spool_cursor_close(&fresh);
	spool_cursor_close(&oldest);
}
END_TEST

START_TEST(a_cursor_keeps_place_stream_start_and_totals_over_a_restart)
{
	uint8_t stream_id[SPOOL_STREAM_ID_BYTES];
	struct spool_output_totals totals = {.delivered = 5, .filtered = 1, .quarantined = 2, .damaged = 3}, loaded;
	struct spool_view view = {.payload_checksum = 77, .place = {.segment = 1, .offset = 640}};
	ck_assert(rig_store(&rig, 10));
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	memcpy(stream_id, cursor->stream_id, sizeof stream_id);
	spool_cursor_deliver(cursor, 8, &view, &totals);
	spool_cursor_deliver(cursor, 6, &view, &(struct spool_output_totals){.delivered = 99}); /* never back */
	spool_cursor_close(&cursor);
	reopen();
	cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 8);
	ck_assert_uint_eq(spool_cursor_start(cursor), 0);
	ck_assert_mem_eq(cursor->stream_id, stream_id, sizeof stream_id);
	spool_cursor_totals(cursor, &loaded);
	ck_assert_mem_eq(&loaded, &totals, sizeof totals);
	ck_assert_uint_eq(cursor->payload_checksum, 77);
	ck_assert_uint_eq(cursor->block.segment, 1);
	ck_assert_uint_eq(cursor->block.offset, 640);
	spool_cursor_close(&cursor);
}
END_TEST

/* Rule 18: between a cursor's move and its sync, nothing may go by it; a power cut would bring the older one back. */
START_TEST(segments_are_released_by_what_is_synced_not_by_what_is_delivered)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	ck_assert(rig_store(&rig, 10));
	rig_deliver(cursor, 10);
	ck_assert_uint_eq(cursors_released_to(rig.spool), 0);
	ck_assert_int_eq(cursors_sync(rig.spool), 0);
	ck_assert_uint_eq(cursors_released_to(rig.spool), 10);
	spool_cursor_close(&cursor);
}
END_TEST

START_TEST(the_slot_that_was_synced_last_is_never_overwritten)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	ck_assert(rig_store(&rig, 20));
	for (uint64_t delivered = 1; delivered <= 9; delivered++) {
		rig_deliver(cursor, delivered);
		if (delivered % 3 != 0)
			ck_assert_int_eq(cursors_sync(rig.spool), 0);
		else {
			/* This write is not synced, and torn. */
			disk.fault_ops = MEMORY_DISK_WRITE;
			disk.operations = 0;
			disk.fail_at = 1;
			ck_assert_int_lt(cursors_sync(rig.spool), 0);
			memory_disk_heal(&disk);
			spool_cursor_close(&cursor);
			disk.off = true;
			spool_close(&rig.spool);
			memory_disk_power_cut(&disk, MEMORY_DISK_KEEP_RANDOM, delivered);
			rig_open_ok(&rig);
			cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
			ck_assert_uint_eq(spool_cursor_delivered(cursor), delivered - 1);
		}
	}
	spool_cursor_close(&cursor);
}
END_TEST

START_TEST(a_cursor_without_an_output_is_an_orphan_with_its_number_of_messages)
{
	struct spool_orphan orphan[2];
	struct spool_cursor *cursor = rig_cursor(&rig, "old", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	spool_cursor_close(&cursor);
	cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	ck_assert(rig_store(&rig, 10));
	ck_assert_uint_eq(spool_orphans(rig.spool, orphan, 2), 1);
	ck_assert_str_eq(orphan[0].name, "old");
	ck_assert_uint_eq(orphan[0].delivered, 0);
	ck_assert_uint_eq(orphan[0].pending, 10);
	spool_cursor_close(&cursor);
	ck_assert_uint_eq(spool_orphans(rig.spool, orphan, 1), 2);
}
END_TEST

START_TEST(a_forgotten_cursor_is_gone_for_good_and_holds_nothing)
{
	struct spool_orphan orphan;
	struct spool_cursor *cursor = rig_cursor(&rig, "old", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	ck_assert(!spool_forget_cursor(rig.spool, "old", rig.error)); /* in use */
	spool_cursor_close(&cursor);
	ck_assert(!spool_forget_cursor(rig.spool, "other", rig.error));
	ck_assert_ptr_nonnull(strstr(rig.error, "other"));
	ck_assert(spool_forget_cursor(rig.spool, "old", rig.error));
	crash();
	ck_assert_uint_eq(spool_orphans(rig.spool, &orphan, 1), 0);
	ck_assert_uint_eq(cursors_released_to(rig.spool), UINT64_MAX);
}
END_TEST

/* The power goes at each operation of forgetting: the cursor is there as it was, or it is gone; never damaged. */
START_TEST(forgetting_is_all_or_nothing)
{
	for (uint64_t at = 1; at <= 4; at++) {
		struct spool_orphan orphan;
		struct spool_cursor *cursor = rig_cursor(&rig, "old", SPOOL_FROM_OLDEST, SPOOL_HOLD);
		spool_cursor_close(&cursor);
		memory_disk_heal(&disk);
		disk.cut_at = at;
		ck_assert(!spool_forget_cursor(rig.spool, "old", rig.error));
		spool_close(&rig.spool);
		memory_disk_power_cut(&disk, MEMORY_DISK_KEEP_RANDOM, at);
		rig_open_ok(&rig);
		unsigned left = spool_orphans(rig.spool, &orphan, 1);
		ck_assert(left == 0 || strcmp(orphan.name, "old") == 0);
	}
}
END_TEST

START_TEST(renaming_keeps_the_place_and_the_stream)
{
	uint8_t stream_id[SPOOL_STREAM_ID_BYTES];
	struct spool_cursor *cursor = rig_cursor(&rig, "old", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	memcpy(stream_id, cursor->stream_id, sizeof stream_id);
	ck_assert(rig_store(&rig, 10));
	rig_deliver(cursor, 4);
	spool_cursor_close(&cursor);
	cursor = rig_cursor(&rig, "other", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	spool_cursor_close(&cursor);
	ck_assert(!spool_rename_cursor(rig.spool, "old", "other", rig.error));
	ck_assert(!spool_rename_cursor(rig.spool, "none", "new", rig.error));
	ck_assert(spool_rename_cursor(rig.spool, "old", "new", rig.error));
	crash();
	cursor = rig_cursor(&rig, "new", SPOOL_FROM_NEW, SPOOL_HOLD);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 4);
	ck_assert_mem_eq(cursor->stream_id, stream_id, sizeof stream_id);
	spool_cursor_close(&cursor);
}
END_TEST

START_TEST(places_are_limited_and_the_error_says_so)
{
	char name[32];
	struct spool_cursor *cursor;
	for (int i = 0; i < CURSORS_MAX; i++) {
		snprintf(name, sizeof name, "output%d", i);
		cursor = rig_cursor(&rig, name, SPOOL_FROM_NEW, SPOOL_HOLD);
		spool_cursor_close(&cursor);
	}
	struct spool_cursor_options options = {.name = "one-more"};
	ck_assert_ptr_null(spool_cursor_open(rig.spool, &options, rig.error));
	ck_assert_ptr_nonnull(strstr(rig.error, "64 outputs"));
}
END_TEST

/* Both slots of a place damaged: whoever asks next may be the one; it gets everything again rather than nothing. */
START_TEST(a_cursor_lost_to_damage_begins_with_the_oldest_record)
{
	uint64_t size;
	struct spool_orphan orphan;
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	ck_assert(rig_store(&rig, 10));
	rig_deliver(cursor, 7);
	spool_cursor_close(&cursor);
	reopen();
	cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	rig_deliver(cursor, 8);
	spool_cursor_close(&cursor);
	spool_close(&rig.spool);
	uint8_t *octets = memory_disk_octets(&disk, "cursors", &size);
	octets[SLOT_BYTES + 100] ^= 1;
	octets[2 * SLOT_BYTES + 100] ^= 1;
	rig_open_ok(&rig);
	ck_assert_uint_eq(spool_orphans(rig.spool, &orphan, 1), 1);
	ck_assert_str_eq(orphan.name, "damaged-place-0");
	cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 0);
	ck_assert_uint_eq(spool_orphans(rig.spool, &orphan, 1), 0);
	spool_cursor_close(&cursor);
}
END_TEST

/*
 * Rule 11 against an output that is faster than the keeper thought: the cursor jumps, and before the output asks, it
 * delivers what lies behind the jump, with totals that know nothing of it. Every sequence is counted once.
 */
START_TEST(a_jump_that_the_output_overtook_before_it_was_told_never_happened)
{
	uint64_t first, last;
	struct spool_output_totals totals;
	struct spool_cursor *cursor = rig_cursor(&rig, "drops", SPOOL_FROM_OLDEST, SPOOL_DROP_OLDEST);
	ck_assert(rig_store(&rig, 10) && rig_store(&rig, 10));
	spool_cursor_deliver(cursor, 4, NULL, &(struct spool_output_totals){.delivered = 4});
	cursor_jump(cursor, 6);
	cursor_jump(cursor, 10);
	spool_cursor_totals(cursor, &totals);
	ck_assert_uint_eq(totals.dropped_oldest, 6);
	spool_cursor_deliver(cursor, 15, NULL, &(struct spool_output_totals){.delivered = 15});
	spool_cursor_totals(cursor, &totals);
	ck_assert_uint_eq(totals.delivered, 15);
	ck_assert_uint_eq(totals.dropped_oldest, 0);
	ck_assert(!spool_cursor_jumped(cursor, &first, &last));
	/* A later one counts, and one that was told stays counted. */
	cursor_jump(cursor, 17);
	ck_assert(spool_cursor_jumped(cursor, &first, &last));
	ck_assert_uint_eq(first, 16);
	ck_assert_uint_eq(last, 17);
	spool_cursor_deliver(cursor, 20, NULL, &(struct spool_output_totals){.delivered = 18, .dropped_oldest = 2});
	spool_cursor_totals(cursor, &totals);
	ck_assert_uint_eq(totals.delivered + totals.dropped_oldest, 20);
	ck_assert_uint_eq(totals.dropped_oldest, 2);
	spool_cursor_close(&cursor);
}
END_TEST

/* What lies within the jump and is delivered before the output asks stays counted as dropped, as the cursor has it. */
START_TEST(a_delivery_within_a_jump_is_ignored_until_the_output_has_asked)
{
	uint64_t first, last;
	struct spool_output_totals totals;
	struct spool_cursor *cursor = rig_cursor(&rig, "drops", SPOOL_FROM_OLDEST, SPOOL_DROP_OLDEST);
	ck_assert(rig_store(&rig, 10));
	cursor_jump(cursor, 6);
	spool_cursor_deliver(cursor, 5, NULL, &(struct spool_output_totals){.delivered = 5});
	spool_cursor_deliver(cursor, 6, NULL, &(struct spool_output_totals){.delivered = 6});
	spool_cursor_totals(cursor, &totals);
	ck_assert_uint_eq(totals.delivered, 0);
	ck_assert_uint_eq(totals.dropped_oldest, 6);
	ck_assert(spool_cursor_jumped(cursor, &first, &last));
	ck_assert_uint_eq(first, 1);
	ck_assert_uint_eq(last, 6);
	spool_cursor_close(&cursor);
}
END_TEST

START_TEST(a_jump_nobody_asked_for_is_not_told_to_the_next_who_opens_the_cursor)
{
	uint64_t first, last;
	struct spool_cursor *cursor = rig_cursor(&rig, "drops", SPOOL_FROM_OLDEST, SPOOL_DROP_OLDEST);
	ck_assert(rig_store(&rig, 10));
	cursor_jump(cursor, 6);
	spool_cursor_close(&cursor);
	cursor = rig_cursor(&rig, "drops", SPOOL_FROM_OLDEST, SPOOL_DROP_OLDEST);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 6);
	ck_assert(!spool_cursor_jumped(cursor, &first, &last));
	spool_cursor_close(&cursor);
}
END_TEST

/*
 * A new output's cursor has both its slots from the start. With one, a bit that goes bad in it would leave a place that
 * looks as if nobody had ever had it, and the output would begin anew behind everything it was to send.
 */
START_TEST(a_cursor_that_never_moved_survives_damage_to_one_slot)
{
	ck_assert(rig_store(&rig, 10));
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	uint64_t size;
	ck_assert(rig_store(&rig, 10));
	spool_cursor_close(&cursor);
	spool_close(&rig.spool);
	memory_disk_octets(&disk, "cursors", &size)[(1 + _i) * SLOT_BYTES + 100] ^= 1;
	rig_open_ok(&rig);
	cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 10);
	spool_cursor_close(&cursor);
}
END_TEST

static void sign_slot(uint8_t *file, unsigned slot)
{
	uint8_t *at = file + (1 + slot) * SLOT_BYTES;
	le64_store(at + SLOT_BYTES - 8, XXH3_64bits_withSeed(at, SLOT_BYTES - 8, le64_load(file + 8)));
}

/* Right checksums prove only who wrote it: a place that no cursor can have is damage, not a number to count with. */
START_TEST(a_signed_slot_with_numbers_that_cannot_be_is_damaged)
{
	static const struct {
		unsigned at;
		uint64_t value;
	} changes[] = {{104, UINT64_MAX}, {104, SEQUENCE_MAX + 1}, {96, 9}, {8, UINT64_MAX}};
	uint64_t size;
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	ck_assert(rig_store(&rig, 10));
	rig_deliver(cursor, 8);
	spool_cursor_close(&cursor);
	spool_close(&rig.spool);
	uint8_t *octets = memory_disk_octets(&disk, "cursors", &size);
	for (unsigned slot = 0; slot < 2; slot++) {
		le64_store(octets + (1 + slot) * SLOT_BYTES + changes[_i].at, changes[_i].value);
		sign_slot(octets, slot);
	}
	rig_open_ok(&rig);
	struct spool_orphan orphan;
	ck_assert_uint_eq(spool_orphans(rig.spool, &orphan, 1), 1);
	ck_assert_str_eq(orphan.name, "damaged-place-0");
	ck_assert_uint_eq(spool_stored(rig.spool), 10);
}
END_TEST

START_TEST(a_lost_file_of_cursors_makes_all_outputs_begin_with_the_oldest_record)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	uint8_t id[SPOOL_ID_BYTES];
	memcpy(id, rig.spool->id, sizeof id);
	ck_assert(rig_store(&rig, 10));
	rig_deliver(cursor, 10);
	spool_cursor_close(&cursor);
	spool_close(&rig.spool);
	disk.disk.unlink(&disk.disk, disk.disk.open_directory(&disk.disk, "spool"), "cursors");
	rig_open_ok(&rig);
	ck_assert(!rig.recovery.created);
	ck_assert_mem_eq(rig.spool->id, id, sizeof id);
	cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 0);
	spool_cursor_close(&cursor);
}
END_TEST

START_TEST(segments_removed_by_hand_are_counted_as_damaged)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	struct spool_output_totals totals;
	while (rig.spool->writer.current.counter < 3) {
		ck_assert(rig_store(&rig, 30));
		keeper_turn(rig.spool);
	}
	uint64_t lost = rig.spool->table.entry[1].first - 1;
	spool_cursor_close(&cursor);
	spool_close(&rig.spool);
	disk.disk.unlink(&disk.disk, disk.disk.open_directory(&disk.disk, "spool"), memory_disk_find(&disk, "segment-", 0));
	rig_open_ok(&rig);
	cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), lost);
	spool_cursor_totals(cursor, &totals);
	ck_assert_uint_eq(totals.damaged, lost);
	spool_check(rig.spool);
	spool_cursor_close(&cursor);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cursor");
	TCase *tests = tcase_create("cursors");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_new_cursor_begins_behind_what_is_stored_unless_it_says_oldest);
	tcase_add_test(tests, a_cursor_keeps_place_stream_start_and_totals_over_a_restart);
	tcase_add_test(tests, segments_are_released_by_what_is_synced_not_by_what_is_delivered);
	tcase_add_test(tests, the_slot_that_was_synced_last_is_never_overwritten);
	tcase_add_test(tests, a_cursor_without_an_output_is_an_orphan_with_its_number_of_messages);
	tcase_add_test(tests, a_forgotten_cursor_is_gone_for_good_and_holds_nothing);
	tcase_add_test(tests, forgetting_is_all_or_nothing);
	tcase_add_test(tests, renaming_keeps_the_place_and_the_stream);
	tcase_add_test(tests, places_are_limited_and_the_error_says_so);
	tcase_add_test(tests, a_cursor_lost_to_damage_begins_with_the_oldest_record);
	tcase_add_test(tests, a_jump_that_the_output_overtook_before_it_was_told_never_happened);
	tcase_add_test(tests, a_delivery_within_a_jump_is_ignored_until_the_output_has_asked);
	tcase_add_test(tests, a_jump_nobody_asked_for_is_not_told_to_the_next_who_opens_the_cursor);
	tcase_add_loop_test(tests, a_cursor_that_never_moved_survives_damage_to_one_slot, 0, 2);
	tcase_add_loop_test(tests, a_signed_slot_with_numbers_that_cannot_be_is_damaged, 0, 4);
	tcase_add_test(tests, a_lost_file_of_cursors_makes_all_outputs_begin_with_the_oldest_record);
	tcase_add_test(tests, segments_removed_by_hand_are_counted_as_damaged);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
