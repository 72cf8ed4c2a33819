/* SPDX-License-Identifier: Apache-2.0 */
/* What those downstream read of a loss: each field, and a text for people, in a message to the letter of RFC 5424. */
#include "relay/loss_message.h"

#include "syslog/parse.h"

#include <check.h>
#include <stdlib.h>

static char text[LOSS_MESSAGE_MAX_BYTES];
static struct message message;

/* 2026-11-21T16:00:00Z and ten seconds later. */
#define FROM_NS INT64_C(1795276800000000000)
#define TO_NS (FROM_NS + INT64_C(10250000000))

static void write(const struct loss *loss)
{
	struct parse_context context = {0};
	size_t len = loss_message_write(loss, "relay1", 77, text);
	ck_assert_uint_gt(len, 0);
	ck_assert_uint_lt(len, LOSS_MESSAGE_MAX_BYTES);
	parse_message(bytes_of(text, len), &context, &message);
	ck_assert_int_eq(message.format, MESSAGE_FORMAT_RFC5424);
	ck_assert_uint_eq(message_facility(&message), 5);
	ck_assert(bytes_equal(message.hostname, BYTES("relay1")));
	ck_assert(bytes_equal(message.app_name, BYTES("relayd")));
	ck_assert(bytes_equal(message.procid, BYTES("77")));
	ck_assert_int_eq(message.time.unix_ns, TO_NS);
	text[len] = '\0';
}

static void expect(const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "%s\nis not in\n%s", part, text);
}

START_TEST(the_loss_of_a_source_names_it_and_its_time)
{
	const struct loss loss = {
		.peer = "192.0.2.1", .hostname = BYTES("web01"), .reason = "spool-full", .count = 57, .total = 60,
		.from_ns = FROM_NS, .to_ns = TO_NS,
	};
	write(&loss);
	ck_assert_uint_eq(message_severity(&message), 3);
	ck_assert(bytes_equal(message.msgid, BYTES("messages_lost")));
	expect("count=\"57\" reason=\"spool-full\" from=\"2026-11-21T16:00:00Z\" to=\"2026-11-21T16:00:10.250Z\" "
	       "counter=\"sources\" total=\"60\" peer=\"192.0.2.1\" host=\"web01\"");
	expect("57 messages of web01 (192.0.2.1) are lost: the spool was full");
}
END_TEST

START_TEST(the_loss_of_an_input_is_of_senders_that_nobody_knows)
{
	const struct loss loss = {
		.input = "udp [::]:514", .reason = "kernel", .count = 5, .total = 5, .from_ns = FROM_NS, .to_ns = TO_NS};
	write(&loss);
	expect("counter=\"inputs\" total=\"5\" input=\"udp [::\\]:514\"");
	expect("5 messages of input udp [::]:514 are lost: the receive buffer of the socket was full");
}
END_TEST

START_TEST(a_loss_counted_by_aggregates_is_told_as_the_least_that_it_is)
{
	const struct loss loss = {
		.input = "in", .reason = "kernel-aggregates", .count = 5, .total = 5, .from_ns = FROM_NS, .to_ns = TO_NS};
	write(&loss);
	expect("reason=\"kernel-aggregates\"");
	expect("at least 5 messages of input in are lost: the receive buffer of the socket was full, and the kernel dropped "
	       "so many aggregates, each of 1 to 128 datagrams (receive_aggregates)");
}
END_TEST

START_TEST(what_a_restored_relay_lost_is_told_at_both_ends)
{
	struct loss loss = {.output = "central", .reason = "lost-by-peer", .count = 9, .total = 9, .to_ns = TO_NS};
	write(&loss);
	expect("reason=\"lost-by-peer\"");
	expect("9 messages for output central are lost: the next hop had acknowledged them, and was then restored");
	loss = (struct loss){.identity = "a.example.net", .reason = "spool-restored", .count = 9, .total = 9, .to_ns = TO_NS};
	write(&loss);
	expect("counter=\"streams\" total=\"9\" identity=\"a.example.net\"]");
	expect("9 messages of a stream of a.example.net are lost: that relay says that this one had acknowledged them, and its "
	       "spool was then restored");
}
END_TEST

START_TEST(the_loss_of_an_output_and_that_of_others)
{
	struct loss loss = {.output = "archive", .reason = "dropped-oldest", .count = 9, .total = 9, .to_ns = TO_NS};
	write(&loss);
	expect("counter=\"outputs\" total=\"9\" output=\"archive\"");
	loss.output = NULL;
	write(&loss);
	expect("counter=\"sources\" total=\"9\" others=\"true\"");
}
END_TEST

START_TEST(what_is_only_suspected_says_so)
{
	const struct loss loss = {
		.event = LOSS_SUSPECTED, .peer = "", .hostname = bytes_of(NULL, 0), .reason = "sequence-id", .count = 2,
		.total = 2, .from_ns = FROM_NS, .to_ns = TO_NS,
	};
	write(&loss);
	ck_assert_uint_eq(message_severity(&message), 5);
	ck_assert(bytes_equal(message.msgid, BYTES("messages_suspected")));
	expect("2 messages of - (local) seem to be lost before they came here");
}
END_TEST

START_TEST(an_unclean_stop_says_how_much_at_the_most)
{
	const struct loss loss = {.event = LOSS_UNCLEAN, .octets = 33554432, .to_ns = TO_NS};
	write(&loss);
	ck_assert_uint_eq(message_severity(&message), 4);
	ck_assert(bytes_equal(message.msgid, BYTES("unclean_stop")));
	expect("up_to_octets=\"33554432\"");
	expect("at most 33554432 octets");
}
END_TEST

START_TEST(a_hostname_of_any_octets_stays_a_legal_message)
{
	const struct loss loss = {
		.peer = "2001:db8::1", .hostname = BYTES("a\"]\\\n\xff\x01[x@1 y=\"z\"]"), .reason = "empty", .count = 1,
		.total = 1, .from_ns = FROM_NS, .to_ns = TO_NS,
	};
	write(&loss);
	ck_assert_ptr_null(strchr(text, '\n'));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("loss_message");
	TCase *tests = tcase_create("messages");
	tcase_add_test(tests, the_loss_of_a_source_names_it_and_its_time);
	tcase_add_test(tests, the_loss_of_an_input_is_of_senders_that_nobody_knows);
	tcase_add_test(tests, a_loss_counted_by_aggregates_is_told_as_the_least_that_it_is);
	tcase_add_test(tests, what_a_restored_relay_lost_is_told_at_both_ends);
	tcase_add_test(tests, the_loss_of_an_output_and_that_of_others);
	tcase_add_test(tests, what_is_only_suspected_says_so);
	tcase_add_test(tests, an_unclean_stop_says_how_much_at_the_most);
	tcase_add_test(tests, a_hostname_of_any_octets_stays_a_legal_message);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
