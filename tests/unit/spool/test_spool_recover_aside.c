/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A newest segment whose header is damaged, and a start that the power interrupts at each of its disk operations: what the
 * segment had is counted once, whichever start gets so far, and its sequences are never given to other records.
 */
#include "support/memory_disk.h"
#include "support/spool_rig.h"

#include <liblog/sink.h>

static struct memory_disk disk;
static struct memory_disk left; /* as the crash left it */
static struct rig rig;

static void crash(void)
{
	disk.off = true;
	spool_close(&rig.spool);
	memory_disk_kill(&disk);
}

static void open_again(void)
{
	rig_open_ok(&rig);
	keeper_turn(rig.spool);
	writer_flush_ledger(rig.spool);
}

static void store_blocks(unsigned blocks)
{
	for (unsigned i = 0; i < blocks; i++)
		ck_assert(rig_store(&rig, 10));
}

static void close_and_open_again(void)
{
	spool_close(&rig.spool);
	open_again();
}

/* The headers of all segments that begin with this sequence or behind it. */
static void damage_headers_from(uint64_t sequence)
{
	uint64_t size, counter, first;
	unsigned damaged = 0;
	const char *name;
	for (unsigned segment = 0; (name = memory_disk_find(&disk, "segment-", segment)) != NULL; segment++) {
		if (!segment_name_parse(name, &counter, &first) || first < sequence)
			continue;
		memory_disk_octets(&disk, name, &size)[33] ^= 1;
		memory_disk_settle(&disk, name);
		damaged++;
	}
	ck_assert_uint_gt(damaged, 0);
}

/* What is left of a spool of that many messages, and how many of them it can still read. */
struct loss {
	uint64_t last;
	uint64_t readable;
};

/* The segment before was closed in order, which may leave one without records behind it. */
static struct loss lose_one(void)
{
	store_blocks(4);
	close_and_open_again();
	store_blocks(2);
	crash();
	damage_headers_from(41);
	return (struct loss){.last = 60, .readable = 40};
}

/* The last group of the segment before is written again by each start. */
static struct loss lose_one_behind_unproven_blocks(void)
{
	store_blocks(4);
	ck_assert_int_eq(writer_rotate(rig.spool, 41, 40), 0);
	store_blocks(2);
	crash();
	damage_headers_from(41);
	return (struct loss){.last = 60, .readable = 40};
}

static struct loss lose_the_only_one(void)
{
	store_blocks(6);
	crash();
	damage_headers_from(1);
	return (struct loss){.last = 60, .readable = 0};
}

static struct loss lose_two(void)
{
	store_blocks(3);
	close_and_open_again();
	store_blocks(2);
	close_and_open_again();
	store_blocks(3);
	crash();
	damage_headers_from(31);
	return (struct loss){.last = 80, .readable = 30};
}

static struct loss (*const losses[])(void) = {lose_one, lose_one_behind_unproven_blocks, lose_the_only_one, lose_two};

static struct loss setup(int which)
{
	memory_disk_init(&disk);
	rig_init(&rig, "spool", &disk.disk);
	open_again();
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	spool_cursor_close(&cursor);
	return losses[which]();
}

static void check(const struct loss *loss, uint64_t at, uint64_t stored_since)
{
	uint64_t lost = loss->last - loss->readable;
	ck_assert_msg(spool_stored(rig.spool) == loss->last + stored_since, "cut at %llu: %llu stored", (unsigned long long)at,
	              (unsigned long long)spool_stored(rig.spool));
	ck_assert_msg(atomic_load(&rig.spool->ledger.unattributed) == lost, "cut at %llu: %llu lost", (unsigned long long)at,
	              (unsigned long long)atomic_load(&rig.spool->ledger.unattributed));
	spool_check(rig.spool);
	struct rig_read read = rig_read_all(&rig, 1);
	ck_assert_uint_eq(read.records, loss->readable + stored_since);
	if (loss->readable > 0)
		ck_assert_uint_eq(read.damaged, lost);
}

/* The power goes at one operation of the start that sets aside. False if that start came to its end before. */
static bool cut_at(const struct loss *loss, uint64_t at, enum memory_disk_keep keep)
{
	memory_disk_copy(&disk, &left);
	disk.cut_at = at;
	enum spool_open_result result = rig_open(&rig);
	bool went = disk.off;
	ck_assert(went || result == SPOOL_OPENED);
	ck_assert(result != SPOOL_OPENED || !rig.recovery.clean);
	disk.off = true;
	spool_close(&rig.spool);
	memory_disk_power_cut(&disk, keep, at);
	open_again();
	check(loss, at, 0);
	store_blocks(1);
	check(loss, at, 10);
	for (unsigned i = 0; i < 2; i++) {
		crash();
		open_again();
		check(loss, at, 10);
	}
	spool_close(&rig.spool);
	memory_disk_free(&disk);
	return went;
}

START_TEST(what_a_segment_set_aside_had_is_counted_once_wherever_the_power_cuts_the_start)
{
	struct loss loss = setup(_i);
	memory_disk_copy(&left, &disk);
	memory_disk_free(&disk);
	for (enum memory_disk_keep keep = MEMORY_DISK_KEEP_NONE; keep <= MEMORY_DISK_KEEP_RANDOM; keep++) {
		uint64_t at = 1;
		while (cut_at(&loss, at, keep))
			at++;
		ck_assert_uint_gt(at, 5);
	}
	memory_disk_free(&left);
}
END_TEST

/* It may pass: what could not be read now must not be given away. */
START_TEST(a_segment_set_aside_that_cannot_be_read_now_stops_the_start_and_is_counted_by_the_next_one)
{
	struct loss loss = setup(_i);
	disk.unreadable_from = SEGMENT_HEADER_BYTES;
	ck_assert_int_eq(rig_open(&rig), SPOOL_UNUSABLE);
	ck_assert_msg(strstr(rig.error, "cannot be read at offset 128: Input/output error") != NULL, "%s", rig.error);
	disk.unreadable_from = 0;
	open_again();
	ck_assert(!rig.recovery.clean);
	ck_assert_uint_eq(rig.recovery.damaged_sequences, loss.last - loss.readable);
	check(&loss, 0, 0);
	spool_close(&rig.spool);
	open_again();
	ck_assert(rig.recovery.clean); /* and it is not looked at any more */
	ck_assert_uint_eq(rig.recovery.damaged_sequences, 0);
	check(&loss, 0, 0);
	spool_close(&rig.spool);
	memory_disk_free(&disk);
}
END_TEST

/* Whether the start logs a damaged segment. */
static bool start_logs_damage(void)
{
	static char text[64 << 10];
	struct slog_sink *sink = slog_sink_memory(sizeof text - 1, &slog_encoder_json);
	struct slog_sink *before = slog_set_sink(&slog_default_logger, sink);
	slog_set_level(&slog_default_logger, SLOG_DEBUG);
	rig_open_ok(&rig);
	slog_set_level(&slog_default_logger, SLOG_OFF);
	slog_set_sink(&slog_default_logger, before);
	(void)slog_memory_text(sink, text, sizeof text);
	slog_sink_close(&sink);
	return strstr(text, "spool_segment_damaged") != NULL;
}

/* With no payload that can be told there is nothing to count, and no sequence to pass over: it is found again and again. */
START_TEST(a_segment_set_aside_that_shows_nothing_is_news_once)
{
	memory_disk_init(&disk);
	rig_init(&rig, "spool", &disk.disk);
	open_again();
	store_blocks(4);
	ck_assert_int_eq(writer_rotate(rig.spool, 41, 40), 0);
	crash();
	damage_headers_from(41);
	ck_assert(start_logs_damage());
	for (unsigned i = 0; i < 2; i++) {
		spool_close(&rig.spool);
		ck_assert(!start_logs_damage());
		ck_assert_uint_eq(spool_stored(rig.spool), 40);
	}
	spool_close(&rig.spool);
	memory_disk_free(&disk);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool_recover_aside");
	TCase *tests = tcase_create("aside");
	tcase_set_timeout(tests, 120);
	tcase_add_loop_test(tests, what_a_segment_set_aside_had_is_counted_once_wherever_the_power_cuts_the_start, 0, 4);
	tcase_add_loop_test(tests, a_segment_set_aside_that_cannot_be_read_now_stops_the_start_and_is_counted_by_the_next_one,
	                    0, 4);
	tcase_add_test(tests, a_segment_set_aside_that_shows_nothing_is_news_once);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
