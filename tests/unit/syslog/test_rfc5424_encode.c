/* SPDX-License-Identifier: Apache-2.0 */
/* A legal message comes out, whatever went in. */
#include "syslog/rfc5424_encode.h"

#include "base/clock.h"
#include "syslog/parse.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct parse_context context = {.received_ns = 1791756860LL * CLOCK_NS_PER_SECOND}; /* 2026-10-11T22:14:20Z */

static struct envelope envelope_of(struct bytes raw)
{
	struct envelope envelope = {
		.received_ns = context.received_ns,
		.peer = {.address = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1},
				 .port = 514,
				 .transport = TRANSPORT_UDP},
		.raw = raw,
	};
	parse_message(raw, &context, &envelope.message);
	return envelope;
}

static uint8_t room[4096];
static const struct rfc5424_encoding plain, stamped = {.stamp = true};

static void expect_bytes(struct bytes raw, const struct rfc5424_encoding *encoding, struct bytes wanted)
{
	struct envelope envelope = envelope_of(raw);
	struct rfc5424_encoded encoded = rfc5424_encode(&envelope, encoding, room, sizeof room);
	ck_assert_msg(bytes_equal(bytes_of(room, encoded.len), wanted), "%.*s\n%.*s", (int)encoded.len, (char *)room,
				  (int)wanted.len, (const char *)wanted.at);
	ck_assert_uint_eq(encoded.cut, 0);
}

static void expect(const char *raw, const struct rfc5424_encoding *encoding, const char *wanted)
{
	expect_bytes(bytes_of_text(raw), encoding, bytes_of_text(wanted));
}

START_TEST(a_message_to_the_letter_goes_out_unchanged)
{
	static const char text[] = "<165>1 2026-10-11T22:14:15.1+02:00 m ev - ID47 [x@1 a=\"c\\n\"]  two spaces\r";
	expect(text, &plain, text);
	expect("<165>1 - - - - - -", &plain, "<165>1 - - - - - -");
	expect("<165>1 2026-10-11T22:14:15Z m ev - - - \xef\xbb\xbftext\n", &plain,
		   "<165>1 2026-10-11T22:14:15Z m ev - - - \xef\xbb\xbftext");
}
END_TEST

START_TEST(a_legacy_message_becomes_rfc_5424)
{
	expect("<34>Oct 11 22:14:15 web01 su[231]: auth failed", &plain,
		   "<34>1 2026-10-11T22:14:15Z web01 su 231 - - auth failed");
	expect("free text", &plain, "<13>1 2026-10-11T22:14:20.000000Z - - - - - free text");
	expect("<34>", &plain, "<34>1 2026-10-11T22:14:20.000000Z - - - - -");
}
END_TEST

START_TEST(the_fallback_is_the_hostname_of_a_message_without)
{
	struct rfc5424_encoding encoding = {.fallback_hostname = BYTES("192.0.2.1")};
	expect("<34>Oct 11 22:14:15 su: x", &encoding, "<34>1 2026-10-11T22:14:15Z 192.0.2.1 su - - - x");
	expect("<34>Oct 11 22:14:15 web01 su: x", &encoding, "<34>1 2026-10-11T22:14:15Z web01 su - - - x");
}
END_TEST

START_TEST(a_timestamp_has_six_digits_at_most)
{
	expect("<165>1 2026-10-11T22:14:15.123456789Z m ev - - - x", &plain,
		   "<165>1 2026-10-11T22:14:15.123456Z m ev - - - x");
	expect("<165>1 2026-10-11T22:14:60Z m ev - - - x", &plain, "<165>1 2026-10-11T22:14:59.999999Z m ev - - - x");
	expect("<165>1 2026-10-11t22:14:15+0200 m ev - - - x", &plain, "<165>1 2026-10-11T22:14:15+02:00 m ev - - - x");
}
END_TEST

/* Fields of every length, with every octet in them, at any distance from the message's end, in rooms of any size. */
START_TEST(a_field_is_the_same_however_it_is_looked_at)
{
	for (unsigned i = 0; i < 3000; i++) {
		char raw[300], wanted[400], app_name[80];
		unsigned len = 1 + i % 60, odd = i % (len + 1);
		uint8_t octet = (uint8_t)(128 + i % 128);
		for (unsigned at = 0; at < len; at++)
			app_name[at] = (char)('a' + (at + i) % 26);
		app_name[len] = '\0';
		if (odd < len)
			app_name[odd] = (char)octet;
		snprintf(raw, sizeof raw, "<13>1 2026-10-11T22:14:15Z h %s - -%*s", app_name, (int)(i % 20), "");
		struct envelope envelope = envelope_of(bytes_of_text(raw));
		envelope.message.format = MESSAGE_FORMAT_NEAR_RFC5424;
		envelope.message.app_name = bytes_of((const uint8_t *)strstr(raw, app_name), len);
		envelope.message.structured_data = envelope.message.msg = bytes_of(NULL, 0);
		if (odd < len)
			app_name[odd] = '?';
		snprintf(wanted, sizeof wanted, "<13>1 2026-10-11T22:14:15Z h %.48s - - -", app_name);
		size_t wanted_len = strlen(wanted);
		struct rfc5424_encoded encoded = rfc5424_encode(&envelope, &plain, room, wanted_len + i % 700);
		ck_assert_msg(encoded.len == wanted_len && memcmp(room, wanted, wanted_len) == 0, "%.*s\n%s", (int)encoded.len,
		              (char *)room, wanted);
		ck_assert_uint_eq(rfc5424_encode(&envelope, &plain, room, wanted_len - 1).len, 0);
	}
}
END_TEST

START_TEST(fields_are_cleaned_and_cut)
{
	expect("<165>1 2026-10-11T22:14:15Z h\xc3\xb6st aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa - "
		   "IIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIII - x",
		   &plain,
		   "<165>1 2026-10-11T22:14:15Z h??st aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa - "
		   "IIIIIIIIIIIIIIIIIIIIIIIIIIIIIIII - x");
}
END_TEST

START_TEST(malformed_structured_data_stays_in_msg)
{
	expect("<134>1 2025-10-11T22:14:15Z gw1 CheckPoint 1234 - [action:\"Accept\"]", &plain,
		   "<134>1 2025-10-11T22:14:15Z gw1 CheckPoint 1234 - - [action:\"Accept\"]");
}
END_TEST

START_TEST(tolerated_values_become_legal_ones)
{
	expect("<165>1 2026-10-11T22:14:15Z m ev - - [x@1 a=\"q]b\\]c\\n\" b=\"1\"][y@1] x", &plain,
		   "<165>1 2026-10-11T22:14:15Z m ev - - [x@1 a=\"q\\]b\\]c\\n\" b=\"1\"][y@1] x");
	expect("<165>1 2026-10-11T22:14:15Z m ev - - [x@1 a=\"\xe9\"] x", &plain,
		   "<165>1 2026-10-11T22:14:15Z m ev - - [x@1 a=\"\xee\xbf\xa9\"] x");
}
END_TEST

START_TEST(the_stamp_says_what_the_relay_knows)
{
	expect("<165>1 2026-10-11T22:14:15Z m ev - - - x", &stamped,
		   "<165>1 2026-10-11T22:14:15Z m ev - - [relayd@32473 peer=\"192.0.2.1:514\" transport=\"udp\" "
		   "received=\"2026-10-11T22:14:20.000000Z\"] x");
	expect("<165>1 - m ev - - [x@1] x", &stamped,
		   "<165>1 - m ev - - [x@1][relayd@32473 peer=\"192.0.2.1:514\" transport=\"udp\" "
		   "received=\"2026-10-11T22:14:20.000000Z\"] x");
}
END_TEST

START_TEST(a_guessed_zone_is_told_when_stamping)
{
	expect("<34>Oct 11 22:14:15 web01 su: x", &stamped,
		   "<34>1 2026-10-11T22:14:15Z web01 su - - [relayd@32473 peer=\"192.0.2.1:514\" transport=\"udp\" "
		   "received=\"2026-10-11T22:14:20.000000Z\"][timeQuality tzKnown=\"0\"] x");
}
END_TEST

START_TEST(a_stamp_and_a_time_quality_that_are_there_stay_alone)
{
	expect("<165>1 2026-10-11T22:14:15 m ev - - [relayd@32473 peer=\"x\"][timeQuality tzKnown=\"1\"] x", &stamped,
		   "<165>1 2026-10-11T22:14:15Z m ev - - [relayd@32473 peer=\"x\"][timeQuality tzKnown=\"1\"] x");
}
END_TEST

START_TEST(an_ipv6_peer_is_escaped_in_the_stamp)
{
	struct envelope envelope = envelope_of(BYTES("<165>1 - m ev - - - x"));
	envelope.peer = (struct peer){.address = {0x20, 1, 0xd, 0xb8, [15] = 1}, .port = 514, .transport = TRANSPORT_TLS};
	struct rfc5424_encoded encoded = rfc5424_encode(&envelope, &stamped, room, sizeof room);
	struct bytes wanted = BYTES("<165>1 - m ev - - [relayd@32473 peer=\"[2001:db8::1\\]:514\" transport=\"tls\" "
								"received=\"2026-10-11T22:14:20.000000Z\"] x");
	ck_assert(bytes_equal(bytes_of(room, encoded.len), wanted));
}
END_TEST

START_TEST(a_bom_stays_where_the_text_is_utf8)
{
	expect("<165>1 2026-10-11T22:14:15Z m ev - - - \xef\xbb\xbf\xc3\xa9\n\r\n", &plain,
		   "<165>1 2026-10-11T22:14:15Z m ev - - - \xef\xbb\xbf\xc3\xa9\n");
	expect("<0165>1 2026-10-11T22:14:15Z", &plain,
		   "<13>1 2026-10-11T22:14:20.000000Z - - - - - <0165>1 2026-10-11T22:14:15Z");
	expect("<065>1 2026-10-11T22:14:15Z m ev - - - \xef\xbb\xbf\xc3\xa9", &plain,
		   "<65>1 2026-10-11T22:14:15Z m ev - - - \xef\xbb\xbf\xc3\xa9");
	expect("<065>1 2026-10-11T22:14:15Z m ev - - - \xef\xbb\xbf\xe9", &plain,
		   "<65>1 2026-10-11T22:14:15Z m ev - - - \xe9");
	expect("<34>Oct 11 22:14:15 web01 su: \xef\xbb\xbfx", &plain, "<34>1 2026-10-11T22:14:15Z web01 su - - - x");
}
END_TEST

START_TEST(lf_is_replaced_and_counted)
{
	struct rfc5424_encoding encoding = {.replace_lf = ' '};
	struct envelope envelope = envelope_of(BYTES("<165>1 2026-10-11T22:14:15Z m ev - - [x@1 a=\"1\n2\"] a\nb\n"));
	struct rfc5424_encoded encoded = rfc5424_encode(&envelope, &encoding, room, sizeof room);
	struct bytes wanted = BYTES("<165>1 2026-10-11T22:14:15Z m ev - - [x@1 a=\"1 2\"] a b");
	ck_assert(bytes_equal(bytes_of(room, encoded.len), wanted));
	ck_assert_uint_eq(encoded.replaced, 2);
}
END_TEST

START_TEST(only_msg_is_cut_and_at_the_end_of_a_character)
{
	static const char head[] = "<34>1 2026-10-11T22:14:15Z web01 su - - -";
	struct envelope envelope = envelope_of(BYTES("<34>Oct 11 22:14:15 web01 su: a\xc3\xa9z"));
	struct rfc5424_encoded encoded = rfc5424_encode(&envelope, &plain, room, sizeof head - 1 + 5);
	ck_assert_uint_eq(encoded.len, sizeof head - 1 + 5);
	ck_assert_uint_eq(encoded.cut, 0);
	encoded = rfc5424_encode(&envelope, &plain, room, sizeof head - 1 + 4);
	ck_assert_uint_eq(encoded.cut, 1);
	encoded = rfc5424_encode(&envelope, &plain, room, sizeof head - 2);
	ck_assert_uint_eq(encoded.len, 0);
	envelope = envelope_of(BYTES("<34>1 2026-10-11T22:14:15Z web01 su - - - a\xc3\xa9z"));
	encoded = rfc5424_encode(&envelope, &plain, room, sizeof head - 1 + 3);
	ck_assert(bytes_equal(bytes_of(room, encoded.len), BYTES("<34>1 2026-10-11T22:14:15Z web01 su - - - a")));
	ck_assert_uint_eq(encoded.cut, 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rfc5424_encode");
	TCase *tests = tcase_create("rfc5424_encode");
	tcase_add_test(tests, a_message_to_the_letter_goes_out_unchanged);
	tcase_add_test(tests, a_legacy_message_becomes_rfc_5424);
	tcase_add_test(tests, the_fallback_is_the_hostname_of_a_message_without);
	tcase_add_test(tests, a_timestamp_has_six_digits_at_most);
	tcase_add_test(tests, a_field_is_the_same_however_it_is_looked_at);
	tcase_add_test(tests, fields_are_cleaned_and_cut);
	tcase_add_test(tests, malformed_structured_data_stays_in_msg);
	tcase_add_test(tests, tolerated_values_become_legal_ones);
	tcase_add_test(tests, the_stamp_says_what_the_relay_knows);
	tcase_add_test(tests, a_guessed_zone_is_told_when_stamping);
	tcase_add_test(tests, a_stamp_and_a_time_quality_that_are_there_stay_alone);
	tcase_add_test(tests, an_ipv6_peer_is_escaped_in_the_stamp);
	tcase_add_test(tests, a_bom_stays_where_the_text_is_utf8);
	tcase_add_test(tests, lf_is_replaced_and_counted);
	tcase_add_test(tests, only_msg_is_cut_and_at_the_end_of_a_character);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
