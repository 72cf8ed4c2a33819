/* SPDX-License-Identifier: Apache-2.0 */
/* Several servers of the driver `relp`: failover and back, and balance. */
#include "unit/output/output_relp_fixture.h"

/* With a preferred server that is away; returns the port at which `script` may come back. */
static unsigned start_relp_away_from_home(struct relp_script *second)
{
	script = script_new();
	script_start(script, 0);
	script_start(second, 0);
	unsigned port = script->port;
	script_stop(script);
	new_settings(&output_relp);
	set("servers", script_address(script));
	set("servers", script_address(second));
	set("failback_interval", "100ms");
	return port;
}

START_TEST(it_fails_over_and_goes_back_without_doubling_anything)
{
	struct relp_script *second = script_new();
	unsigned port = start_relp_away_from_home(second);
	start_output();
	put_messages(1000);
	wait_delivered(1000);
	ck_assert_uint_eq(second->count, 1000);
	script_start(script, port);
	for (unsigned i = 0; i < 100; i++) {
		put_messages(10);
		pause_ms(5);
	}
	wait_delivered(2000);
	ck_assert_uint_gt(script->count, 0);
	ck_assert_uint_eq(script->count + second->count, 2000);
	script_check_all((struct relp_script *[]){script, second}, 2, 2000, 1);
	ck_assert_uint_eq(status_now().resent, 0);
	end_script(&script);
	script_stop(second);
	script_free(second);
}
END_TEST

/* Nothing is outstanding then, so that nothing but the close is waited for. */
START_TEST(a_server_that_does_not_answer_close_is_left_in_time)
{
	struct relp_script *second = script_new();
	atomic_store(&second->ignore_close, true);
	unsigned port = start_relp_away_from_home(second);
	set("answer_timeout", "1s");
	start_output();
	put_messages(10);
	wait_delivered(10);
	pause_ms(1500); /* no message is waited for any more */
	script_start(script, port);
	for (unsigned i = 0; i < 5000 && atomic_load(&second->closes) == 0; i++)
		pause_ms(1);
	ck_assert_uint_eq(atomic_load(&second->closes), 1);
	put_messages(10);
	wait_delivered(20);
	ck_assert_uint_eq(script->count, 10);
	ck_assert_uint_eq(status_now().resent, 0);
	end_script(&script);
	script_stop(second);
	script_free(second);
}
END_TEST

START_TEST(balance_uses_all_servers_and_survives_the_loss_of_one)
{
	struct relp_script *second = script_new();
	script = script_new();
	script->hold_answers = second->hold_answers = 20;
	atomic_store(&second->cut_after, 500);
	script_start(script, 0);
	script_start(second, 0);
	new_settings(&output_relp);
	set("mode", "balance");
	set("window", "64");
	set("servers", script_address(script));
	set("servers", script_address(second));
	start_output();
	put_messages(5000);
	wait_delivered(5000);
	wait_state("connected to 2 of 2");
	unsigned before = second->count;
	put_messages(1000);
	wait_delivered(6000);
	ck_assert_uint_ge(before, 500);
	ck_assert_uint_gt(second->count, before);
	script_check_all((struct relp_script *[]){script, second}, 2, 6000, 2);
	ck_assert_uint_le(script->count + second->count, 6000 + 64);
	end_script(&script);
	script_stop(second);
	script_free(second);
}
END_TEST

/* In balance the other server may take what one refuses; then nothing is held, and the first one is used again. */
START_TEST(in_balance_a_message_that_one_server_refuses_goes_to_the_other)
{
	struct relp_script *second = script_new();
	script = script_new();
	atomic_store(&script->refuse_number, 0);
	atomic_store(&script->refuse_times, 1000);
	script_start(script, 0);
	script_start(second, 0);
	new_settings(&output_relp);
	set("mode", "balance");
	set("window", "64");
	set("servers", script_address(script));
	set("servers", script_address(second));
	start_output();
	wait_state("connected to 2 of 2");
	put_messages(1000); /* the first of two with equal room gets number 0 */
	wait_delivered(1000);
	ck_assert_uint_eq(status_now().refused, 1);
	wait_state("connected to 2 of 2");
	unsigned before = script->count;
	put_messages(1000);
	wait_delivered(2000);
	ck_assert_uint_gt(script->count, before);
	script_check_all((struct relp_script *[]){script, second}, 2, 2000, 2);
	end_script(&script);
	script_stop(second);
	script_free(second);
}
END_TEST

START_TEST(a_dead_server_of_two_in_balance_holds_nothing_up)
{
	script = script_new();
	script_start(script, 0);
	unsigned port = script->port;
	new_settings(&output_relp);
	set("mode", "balance");
	set("servers", script_address(script));
	script_stop(script);
	script_start(script, 0);
	ck_assert_uint_ne(script->port, port);
	set("servers", script_address(script));
	start_output();
	put_messages(1000);
	wait_delivered(1000);
	ck_assert_str_eq(status_now().state, "connected to 1 of 2 servers");
	end_script(&script);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("output_relp_servers");
	TCase *test = add_case(suite, "servers");
	tcase_add_test(test, it_fails_over_and_goes_back_without_doubling_anything);
	tcase_add_test(test, a_server_that_does_not_answer_close_is_left_in_time);
	tcase_add_test(test, balance_uses_all_servers_and_survives_the_loss_of_one);
	tcase_add_test(test, in_balance_a_message_that_one_server_refuses_goes_to_the_other);
	tcase_add_test(test, a_dead_server_of_two_in_balance_holds_nothing_up);
	return run_suite(suite);
}
