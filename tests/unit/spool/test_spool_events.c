/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Word of what is lost (events.lost): the first loss after each question is told, wherever it is counted, and no other. And
 * of what moves (events.moved).
 */
#include "stream_fixture.h"

#include <pthread.h>

/* How often a loss was told since this was called last; and asks to be told of the next. */
static uint64_t told(void)
{
	static uint64_t before;
	uint64_t now = atomic_load(&rig.lost_events), since = now - before;
	before = now;
	spool_await_loss(rig.spool);
	return since;
}

START_TEST(many_losses_are_told_once_and_the_next_one_when_somebody_has_asked_again)
{
	const uint8_t address[SPOOL_ADDRESS_BYTES] = {0};
	unsigned source = spool_source_find(rig.spool, address, bytes_of((const uint8_t *)"web01", 5));
	ck_assert_uint_eq(told(), 0);
	for (unsigned i = 0; i < 1000; i++)
		spool_count_drop(rig.spool, 0, (unsigned)rig.input, SPOOL_DROP_KERNEL, 1);
	ck_assert_uint_eq(told(), 1);
	ck_assert_uint_eq(told(), 0);
	spool_source_count_drop(rig.spool, source, SPOOL_DROP_EMPTY, 1);
	ck_assert_uint_eq(told(), 1);
	spool_source_count_suspected(rig.spool, source, 1);
	ck_assert_uint_eq(told(), 1);
}
END_TEST

START_TEST(what_an_output_loses_is_told_and_what_it_delivers_is_not)
{
	uint8_t id[SPOOL_ID_BYTES] = {1};
	struct spool_output_totals totals = {.delivered = 5};
	struct spool_cursor *cursor = rig_cursor(&rig, "out", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	ck_assert(rig_store(&rig, 10));
	spool_cursor_deliver(cursor, 5, NULL, &totals);
	ck_assert_uint_eq(told(), 0);
	totals.damaged = 1;
	spool_cursor_deliver(cursor, 6, NULL, &totals);
	ck_assert_uint_eq(told(), 1);
	totals.dropped_by_rule = 1;
	spool_cursor_deliver(cursor, 7, NULL, &totals);
	ck_assert_uint_eq(told(), 1);
	totals.delivered++;
	spool_cursor_deliver(cursor, 8, NULL, &totals);
	ck_assert_uint_eq(told(), 0);
	struct spool_stream_server server = {.sequence = 8, .records = 8};
	memcpy(server.spool, id, sizeof server.spool);
	spool_cursor_set_server(cursor, &server);
	ck_assert_uint_eq(told(), 0);
	server.lost = 3;
	spool_cursor_set_server(cursor, &server);
	ck_assert_uint_eq(told(), 1);
	spool_cursor_close(&cursor);
}
END_TEST

START_TEST(what_an_output_passes_over_is_told)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "drops", SPOOL_FROM_OLDEST, SPOOL_DROP_OLDEST);
	struct spool_output_totals totals = {0};
	uint64_t moved = 0;
	while (totals.dropped_oldest == 0) {
		ck_assert_uint_eq(told(), 0);
		rig_store(&rig, 30);
		moved = atomic_load(&rig.moved_events);
		keeper_turn(rig.spool);
		spool_cursor_totals(cursor, &totals);
	}
	ck_assert_uint_eq(told(), 1);
	ck_assert_uint_gt(atomic_load(&rig.moved_events), moved);
	spool_cursor_close(&cursor);
}
END_TEST

START_TEST(what_relays_before_us_have_lost_is_told)
{
	struct spool_mark mark;
	struct spool_stream_session session = stream_session(1, "a");
	stream_begin(&rig, &session, &mark);
	ck_assert_uint_eq(told(), 0);
	spool_stream_note_lost(rig.spool, &session, 4);
	ck_assert_uint_eq(told(), 1);
	spool_stream_note_lost(rig.spool, &session, 4);
	ck_assert_uint_eq(told(), 0);
}
END_TEST

enum { LOSERS = 3, LOSSES = 20000 };

static void *lose(void *context)
{
	(void)context;
	for (unsigned i = 0; i < LOSSES; i++)
		spool_count_drop(rig.spool, 0, (unsigned)rig.input, SPOOL_DROP_EMPTY, 1);
	return NULL;
}

static uint64_t dropped(void)
{
	struct spool_input_totals totals;
	spool_input_totals(rig.spool, (unsigned)rig.input, &totals);
	return totals.dropped[SPOOL_DROP_EMPTY];
}

/* Who looks only when it was told so has seen everything in the end, whenever the others count. */
START_TEST(a_loss_is_seen_by_the_look_or_told_after_it)
{
	pthread_t loser[LOSERS];
	uint64_t seen = 0, looks = 0;
	ck_assert_uint_eq(told(), 0);
	for (unsigned i = 0; i < LOSERS; i++)
		ck_assert_int_eq(pthread_create(&loser[i], NULL, lose, NULL), 0);
	while (seen < (uint64_t)LOSERS * LOSSES) {
		if (atomic_load(&rig.lost_events) == looks)
			continue;
		looks++;
		spool_await_loss(rig.spool);
		seen = dropped();
	}
	for (unsigned i = 0; i < LOSERS; i++)
		pthread_join(loser[i], NULL);
	ck_assert_uint_le(atomic_load(&rig.lost_events), looks + 1);
}
END_TEST

START_TEST(each_group_is_a_move_and_an_output_moves_once_before_its_cursor_is_written)
{
	struct spool_output_totals totals = {.delivered = 1};
	struct spool_cursor *cursor = rig_cursor(&rig, "out", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	keeper_turn(rig.spool);
	uint64_t before = atomic_load(&rig.moved_events);
	ck_assert(rig_store(&rig, 10) && rig_store(&rig, 10));
	ck_assert_uint_eq(atomic_load(&rig.moved_events), before + 2);
	spool_cursor_deliver(cursor, 5, NULL, &totals);
	spool_cursor_deliver(cursor, 6, NULL, &totals);
	ck_assert_uint_eq(atomic_load(&rig.moved_events), before + 3);
	keeper_turn(rig.spool);
	ck_assert_uint_eq(atomic_load(&rig.moved_events), before + 3);
	spool_cursor_deliver(cursor, 7, NULL, &totals);
	ck_assert_uint_eq(atomic_load(&rig.moved_events), before + 4);
	spool_cursor_close(&cursor);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool_events");
	TCase *tests = tcase_create("word to the owner");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, many_losses_are_told_once_and_the_next_one_when_somebody_has_asked_again);
	tcase_add_test(tests, what_an_output_loses_is_told_and_what_it_delivers_is_not);
	tcase_add_test(tests, what_an_output_passes_over_is_told);
	tcase_add_test(tests, what_relays_before_us_have_lost_is_told);
	tcase_add_test(tests, a_loss_is_seen_by_the_look_or_told_after_it);
	tcase_add_test(tests, each_group_is_a_move_and_an_output_moves_once_before_its_cursor_is_written);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
