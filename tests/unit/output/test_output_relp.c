/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver `relp` between a real spool and a scripted server: late answers, answers in disorder, none, 500, serverclose,
 * cut connections, refusals, TLS, failover and back, balance.
 */
#include <limits.h>
#include <sys/stat.h>

#include "output/link.h"
#include "output/quarantine.h"
#include "unit/net/certificates.h"
#include "unit/output/output_fixture.h"
#include "unit/output/relp_script.h"

enum { MANY = 10000 };

static struct relp_script *script;

/* The quarantine of the output, filled to the last octet that fits. */
static void fill_quarantine(size_t size)
{
	char error[QUARANTINE_ERROR_MAX_BYTES];
	static uint8_t text[64 << 10];
	struct envelope envelope = {.raw = bytes_of(text, sizeof text)};
	struct quarantine *full = quarantine_open(spool_path(spool), "out", size);
	while (quarantine_put(full, 1, &envelope, error) == QUARANTINE_DONE)
		;
	envelope.raw.len = 0;
	while (quarantine_put(full, 1, &envelope, error) == QUARANTINE_DONE)
		;
	quarantine_close(&full);
}

/* Its waits between sessions are short. Of a message that is refused again and again the longest is to be seen. */
static void start_relp(void)
{
	link_pauses = (struct backoff){.min_ns = 50 * CLOCK_NS_PER_MS, .max_ns = 2 * CLOCK_NS_PER_SECOND};
	script_start(script, 0);
	new_settings(&output_relp);
	set("servers", script_address(script));
}

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

static void end_script(struct relp_script **ending)
{
	stop_output();
	script_stop(*ending);
	script_free(*ending);
	*ending = NULL;
}

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

/* spool-rules.md, rule 38: all before the refused message, then it alone; nothing behind it while it is refused. */
START_TEST(a_refused_message_is_sent_again_alone_and_holds_the_others)
{
	script = script_new();
	atomic_store(&script->refuse_number, 40);
	atomic_store(&script->refuse_times, 2);
	start_relp();
	put_messages(100);
	start_output();
	wait_delivered(100);
	script_check_all(&script, 1, 100, 4);
	struct output_status status = status_now();
	ck_assert_uint_eq(status.refused, 2);
	ck_assert_uint_eq(script->seen[39], 1);
	ck_assert_uint_eq(script->seen[40], 3);
	/* Those behind it went out with it in the first session, and again when it was taken; never in between. */
	ck_assert_uint_eq(script->seen[41], 2);
	ck_assert_uint_eq(script->seen[99], 2);
	end_script(&script);
}
END_TEST

START_TEST(a_message_refused_for_good_is_held_and_said)
{
	script = script_new();
	atomic_store(&script->refuse_number, 5);
	atomic_store(&script->refuse_times, 1000);
	start_relp();
	link_pauses.max_ns = LINK_BACKOFF_MAX_NS; /* time to look while it is held */
	set("on_refused", "hold");
	put_messages(10);
	start_output();
	wait_state("held: message 6");
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 5);
	ck_assert_uint_eq(status_now().refused, 3);
	ck_assert_ptr_nonnull(strstr(status_now().detail, "message 6"));
	end_script(&script);
}
END_TEST

/* spool-rules.md, rule 38: without it one message that a server never takes would stop an output for ever. */
START_TEST(a_message_refused_for_good_goes_into_quarantine_and_the_others_go_on)
{
	script = script_new();
	atomic_store(&script->refuse_number, 5);
	atomic_store(&script->refuse_times, 1000);
	start_relp();
	put_messages(10);
	start_output();
	wait_delivered(10);
	struct output_status status = status_now();
	ck_assert_uint_eq(status.refused, 3);
	ck_assert_uint_eq(status.totals.quarantined, 1);
	ck_assert_uint_eq(status.totals.delivered, 9);
	ck_assert_uint_eq(script->acked[5], 0);
	check_ledger();
	char name[PATH_MAX + 32];
	struct stat about;
	snprintf(name, sizeof name, "%s/quarantine/out", spool_path(spool));
	ck_assert_int_eq(stat(name, &about), 0);
	ck_assert_int_gt(about.st_size, 128);
	end_script(&script);
}
END_TEST

START_TEST(a_full_quarantine_holds)
{
	script = script_new();
	atomic_store(&script->refuse_number, 5);
	atomic_store(&script->refuse_times, 1000);
	start_relp();
	link_pauses.max_ns = LINK_BACKOFF_MAX_NS;
	set("quarantine_size", "1MiB");
	fill_quarantine(1 << 20);
	put_messages(10);
	start_output();
	wait_state("held: message 6");
	pause_ms(200);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 5);
	ck_assert_uint_eq(status_now().totals.quarantined, 0);
	ck_assert_ptr_nonnull(strstr(status_now().detail, "is full"));
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

/* --- TLS --------------------------------------------------------------------------------------------------------- */

static struct certificate ca, server, client, other_ca;

static void make_certificates(void)
{
	ca = certificate_make(&(struct certificate_options){.file = "ca", .common_name = "ca", .is_ca = 1});
	other_ca = certificate_make(&(struct certificate_options){.file = "other", .common_name = "other", .is_ca = 1});
	server = certificate_make(
		&(struct certificate_options){.file = "server", .common_name = "s", .san = "IP:127.0.0.1", .issuer = &ca});
	client = certificate_make(
		&(struct certificate_options){.file = "client", .common_name = "c", .san = "DNS:client.test", .issuer = &ca});
}

static void free_certificates(void)
{
	certificate_free(&ca);
	certificate_free(&other_ca);
	certificate_free(&server);
	certificate_free(&client);
	rmdir(certificates_directory());
}

static void start_tls(const char *permitted_client, const char *client_ca)
{
	char error[TLS_ERROR_MAX_BYTES];
	const char *peers[] = {permitted_client};
	const struct tls_options options = {
		.certificate = server.path, .key = server.key_path, .ca = ca.path, .peers = peers, .peers_count = 1};
	script = script_new();
	script->tls = tls_context_open(TLS_SERVER, &options, error);
	ck_assert_msg(script->tls != NULL, "%s", error);
	start_relp();
	/* The only section among the options that the tests set. */
	const struct option *row = option_find(output_relp.options, "tls");
	struct output_tls_options *tls = (struct output_tls_options *)(void *)((char *)settings + row->offset);
	*tls = (struct output_tls_options){.present = true,
	                                   .certificate = strdup(client.path),
	                                   .key = strdup(client.key_path),
	                                   .ca = strdup(client_ca)};
}

static void end_tls(void)
{
	struct tls_context *context = script->tls;
	end_script(&script);
	tls_context_release(&context);
	free_certificates();
}

START_TEST(over_tls_messages_arrive_in_order)
{
	make_certificates();
	start_tls("client.test", ca.path);
	start_output();
	put_messages(MANY);
	wait_delivered(MANY);
	for (unsigned i = 0; i < MANY; i++)
		ck_assert_uint_eq(script->numbers[i], i);
	char error[OUTPUT_ERROR_MAX_BYTES];
	ck_assert_msg(output_relp.reload(output, error), "%s", error);
	end_tls();
}
END_TEST

START_TEST(a_client_that_the_server_refuses_says_so_and_delivers_nothing)
{
	make_certificates();
	start_tls("someone.else", ca.path);
	put_messages(10);
	start_output();
	wait_state("refused, waiting");
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 0);
	ck_assert_uint_eq(atomic_load(&script->sessions), 0);
	end_tls();
}
END_TEST

/* As rsyslog refuses: the handshake is good, then it closes. */
START_TEST(a_server_that_closes_right_behind_the_handshake_has_refused)
{
	make_certificates();
	start_tls("client.test", ca.path);
	atomic_store(&script->hang_up, true);
	put_messages(10);
	start_output();
	wait_state("refused, waiting");
	ck_assert_ptr_nonnull(strstr(status_now().detail, "our certificate"));
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 0);
	atomic_store(&script->hang_up, false);
	wait_delivered(10);
	end_tls();
}
END_TEST

START_TEST(a_server_that_is_not_trusted_gets_nothing)
{
	make_certificates();
	start_tls("client.test", other_ca.path);
	put_messages(10);
	start_output();
	wait_state("refused, waiting");
	ck_assert_ptr_nonnull(strstr(status_now().detail, "refused: TLS"));
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 0);
	ck_assert_uint_gt(atomic_load(&script->failed_handshakes), 0);
	end_tls();
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
	tcase_add_test(test, a_refused_message_is_sent_again_alone_and_holds_the_others);
	tcase_add_test(test, a_message_refused_for_good_is_held_and_said);
	tcase_add_test(test, a_message_refused_for_good_goes_into_quarantine_and_the_others_go_on);
	tcase_add_test(test, a_full_quarantine_holds);
	tcase_add_test(test, delivered_does_not_move_while_open_is_refused);
	tcase_add_test(test, a_stop_does_not_wait_for_a_server_that_is_silent);
	tcase_add_test(test, nobody_there_is_said_and_tried_again);
	tcase_add_test(test, filtered_messages_are_counted_in_their_place);
	tcase_add_test(test, it_fails_over_and_goes_back_without_doubling_anything);
	tcase_add_test(test, a_server_that_does_not_answer_close_is_left_in_time);
	tcase_add_test(test, balance_uses_all_servers_and_survives_the_loss_of_one);
	tcase_add_test(test, in_balance_a_message_that_one_server_refuses_goes_to_the_other);
	tcase_add_test(test, a_name_that_is_not_resolved_is_said_and_tried_again);
	tcase_add_test(test, a_dead_server_of_two_in_balance_holds_nothing_up);
	test = add_case(suite, "tls");
	tcase_add_test(test, over_tls_messages_arrive_in_order);
	tcase_add_test(test, a_client_that_the_server_refuses_says_so_and_delivers_nothing);
	tcase_add_test(test, a_server_that_closes_right_behind_the_handshake_has_refused);
	tcase_add_test(test, a_server_that_is_not_trusted_gets_nothing);
	return run_suite(suite);
}
