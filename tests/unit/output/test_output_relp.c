/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver `relp` between a real spool and a scripted server: late answers, answers in disorder, none, serverclose,
 * cut connections, stops.
 */
#include "unit/output/output_relp_fixture.h"

START_TEST(ten_thousand_messages_arrive_complete_and_in_order)
{
	script = script_new();
	start_relp();
	start_output();
	put_messages(MANY);
	wait_delivered(MANY);
	ck_assert_uint_eq(script->count, MANY);
	for (unsigned i = 0; i < MANY; i++)
		ck_assert_uint_eq(script->numbers[i], i);
	struct output_status status = status_now();
	ck_assert_str_eq(status.state, "connected");
	ck_assert_uint_eq(status.sent, MANY);
	ck_assert_uint_eq(status.resent, 0);
	ck_assert_uint_eq(status.connects, 1);
	ck_assert_uint_eq(status.totals.delivered, MANY);
	ck_assert(status.confirmed);
	end_script(&script);
}
END_TEST

START_TEST(a_stop_closes_the_session_in_order_and_nothing_is_sent_twice_afterwards)
{
	script = script_new();
	start_relp();
	start_output();
	put_messages(100);
	wait_delivered(100);
	stop_output();
	ck_assert_uint_eq(atomic_load(&script->closes), 1);
	put_messages(100);
	start_output();
	wait_delivered(200);
	ck_assert_uint_eq(script->count, 200);
	end_script(&script);
}
END_TEST

START_TEST(late_answers_in_disorder_move_delivered_over_the_prefix)
{
	script = script_new();
	script->hold_answers = 60;
	script->reversed = true;
	start_relp();
	set("window", "100");
	start_output();
	put_messages(MANY / 10);
	wait_delivered(MANY / 10);
	script_check_all(&script, 1, MANY / 10, 1);
	end_script(&script);
}
END_TEST

START_TEST(after_a_cut_connection_everything_arrives_at_least_once)
{
	script = script_new();
	script->hold_answers = 300;
	atomic_store(&script->cut_after, 2500);
	start_relp();
	start_output();
	put_messages(MANY);
	wait_delivered(MANY);
	script_check_all(&script, 1, MANY, 2);
	struct output_status status = status_now();
	ck_assert_uint_ge(status.connects, 2);
	ck_assert_uint_gt(status.resent, 0);
	ck_assert_uint_le(status.resent, 1024);
	ck_assert_uint_eq(status.totals.delivered, MANY);
	end_script(&script);
}
END_TEST

START_TEST(after_serverclose_what_was_not_answered_is_sent_again)
{
	script = script_new();
	script->hold_answers = 50;
	atomic_store(&script->serverclose_after, 500);
	start_relp();
	start_output();
	put_messages(1000);
	wait_delivered(1000);
	script_check_all(&script, 1, 1000, 2);
	end_script(&script);
}
END_TEST

/* Cut with answers outstanding: nothing is sent, whatever comes, until it is restored; then all, once more what was open. */
START_TEST(an_output_that_is_cut_waits_until_it_is_restored)
{
	script = script_new();
	atomic_store(&script->silent, true);
	start_relp();
	start_output();
	put_messages(10);
	while (status_now().sent < 10)
		usleep(1000);
	ck_assert(output_relp.cut(output, 60 * CLOCK_NS_PER_SECOND));
	ck_assert_str_eq(status_now().state, "cut for 60 s");
	ck_assert_ptr_nonnull(strstr(status_now().detail, "cut for a drill of 60 s"));
	put_messages(10);
	usleep(100 * 1000);
	ck_assert_uint_eq(status_now().sent, 10);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 0);
	atomic_store(&script->silent, false);
	ck_assert(output_relp.cut(output, 0));
	wait_delivered(20);
	struct output_status status = status_now();
	ck_assert_uint_eq(status.connects, 2);
	ck_assert_uint_eq(status.resent, 10);
	ck_assert_uint_eq(status.totals.delivered, 20);
	ck_assert_str_eq(status.detail, "");
	ck_assert(output_relp.cut(output, 0)); /* it is not cut: nothing happens */
	ck_assert_uint_eq(status_now().connects, 2);
	end_script(&script);
}
END_TEST

START_TEST(an_output_that_is_cut_comes_back_by_itself)
{
	script = script_new();
	start_relp();
	start_output();
	wait_state("connected");
	ck_assert(output_relp.cut(output, CLOCK_NS_PER_SECOND));
	put_messages(10);
	wait_delivered(10);
	ck_assert_uint_eq(status_now().connects, 2);
	end_script(&script);
}
END_TEST

START_TEST(a_server_that_never_answers_is_given_up)
{
	script = script_new();
	atomic_store(&script->silent, true);
	start_relp();
	link_pauses.min_ns = LINK_BACKOFF_MIN_NS; /* time to look before the next session begins */
	set("answer_timeout", "1s");
	start_output();
	put_messages(10);
	wait_state("waiting");
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 0);
	ck_assert_ptr_nonnull(strstr(status_now().detail, "not answered in time"));
	atomic_store(&script->silent, false);
	wait_delivered(10);
	script_check_all(&script, 1, 10, 2);
	end_script(&script);
}
END_TEST

START_TEST(delivered_does_not_move_while_open_is_refused)
{
	script = script_new();
	atomic_store(&script->refuse_open, true);
	start_relp();
	put_messages(10);
	start_output();
	wait_state("refused, waiting");
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 0);
	ck_assert_uint_eq(status_now().sent, 0);
	ck_assert_ptr_nonnull(strstr(status_now().detail, "500 not today!"));
	atomic_store(&script->refuse_open, false);
	wait_delivered(10);
	script_check_all(&script, 1, 10, 1);
	end_script(&script);
}
END_TEST

START_TEST(a_stop_does_not_wait_for_a_server_that_is_silent)
{
	script = script_new();
	atomic_store(&script->silent, true);
	start_relp();
	start_output();
	put_messages(10);
	for (unsigned i = 0; i < 5000 && status_now().sent < 10; i++)
		pause_ms(1);
	uint64_t before = clock_monotonic_ns();
	stop_output();
	uint64_t took_ms = (clock_monotonic_ns() - before) / CLOCK_NS_PER_MS;
	ck_assert_uint_ge(took_ms, 1900);
	ck_assert_uint_lt(took_ms, 4000);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 0);
	atomic_store(&script->silent, false);
	start_output();
	wait_delivered(10);
	script_check_all(&script, 1, 10, 2);
	end_script(&script);
}
END_TEST

START_TEST(nobody_there_is_said_and_tried_again)
{
	script = script_new();
	start_relp();
	unsigned port = script->port;
	script_stop(script);
	put_messages(10);
	start_output();
	wait_state("waiting");
	ck_assert_ptr_nonnull(strstr(status_now().detail, "refused"));
	script_start(script, port);
	wait_delivered(10);
	end_script(&script);
}
END_TEST

START_TEST(filtered_messages_are_counted_in_their_place)
{
	script = script_new();
	start_relp();
	struct output_common *common = settings;
	common->filter.present = true;
	common->filter.severity = strdup("err");
	put_messages(MANY);
	start_output();
	wait_delivered(MANY);
	struct spool_output_totals totals = check_ledger();
	ck_assert_uint_eq(totals.delivered, MANY / 2);
	ck_assert_uint_eq(totals.filtered, MANY / 2);
	ck_assert_uint_eq(script->numbers[0], 1);
	end_script(&script);
}
END_TEST

START_TEST(a_name_that_is_not_resolved_is_said_and_tried_again)
{
	new_settings(&output_relp);
	set("servers", "no-such-host.invalid:2514");
	put_messages(1);
	start_output();
	wait_state("waiting");
	ck_assert_ptr_nonnull(strstr(status_now().detail, "cannot resolve \"no-such-host.invalid\""));
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 0);
	stop_output();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("output_relp");
	TCase *test = add_case(suite, "plain");
	tcase_add_test(test, ten_thousand_messages_arrive_complete_and_in_order);
	tcase_add_test(test, a_stop_closes_the_session_in_order_and_nothing_is_sent_twice_afterwards);
	tcase_add_test(test, late_answers_in_disorder_move_delivered_over_the_prefix);
	tcase_add_test(test, after_a_cut_connection_everything_arrives_at_least_once);
	tcase_add_test(test, after_serverclose_what_was_not_answered_is_sent_again);
	tcase_add_test(test, an_output_that_is_cut_waits_until_it_is_restored);
	tcase_add_test(test, an_output_that_is_cut_comes_back_by_itself);
	tcase_add_test(test, a_server_that_never_answers_is_given_up);
	tcase_add_test(test, delivered_does_not_move_while_open_is_refused);
	tcase_add_test(test, a_stop_does_not_wait_for_a_server_that_is_silent);
	tcase_add_test(test, nobody_there_is_said_and_tried_again);
	tcase_add_test(test, filtered_messages_are_counted_in_their_place);
	tcase_add_test(test, a_name_that_is_not_resolved_is_said_and_tried_again);
	return run_suite(suite);
}
