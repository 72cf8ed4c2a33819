/* SPDX-License-Identifier: Apache-2.0 */
/* One JSON line a message; yajl reads every one of the corpus in test_corpus.c. */
#include "syslog/json.h"

#include "base/clock.h"
#include "syslog/parse.h"

#include <check.h>
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

static uint8_t room[8192];
static const struct json_options from_file = {.from_file = true};

static void expect(struct bytes raw, const struct json_options *options, const char *wanted)
{
	struct envelope envelope = envelope_of(raw);
	size_t len = json_encode(&envelope, options, room, sizeof room - 1);
	room[len] = '\0';
	ck_assert_str_eq((const char *)room, wanted);
}

START_TEST(the_usual_message)
{
	static const struct json_options options = {.input_name = {(const uint8_t *)"udp", 3}};
	expect(BYTES("<34>Oct 11 22:14:15 web01 su[231]: auth failed"), &options,
		   "{\"timestamp\":\"2026-10-11T22:14:15\",\"severity\":\"crit\",\"facility\":\"auth\",\"hostname\":\"web01\","
		   "\"app_name\":\"su\",\"procid\":\"231\",\"message\":\"auth "
		   "failed\",\"relay\":{\"received\":\"2026-10-11T22:14:20.000000Z\","
		   "\"peer\":{\"address\":\"192.0.2.1:514\",\"transport\":\"udp\"},\"input\":\"udp\",\"flags\":[\"year-"
		   "guessed\",\"zone-guessed\"]}}\n");
}
END_TEST

START_TEST(a_configured_zone_is_written)
{
	static const struct json_options options = {.from_file = true, .zone_configured = true};
	expect(BYTES("<34>Oct 11 22:14:15 web01 su: x"), &options,
		   "{\"timestamp\":\"2026-10-11T22:14:15Z\",\"severity\":\"crit\",\"facility\":\"auth\",\"hostname\":\"web01\","
		   "\"app_name\":\"su\",\"message\":\"x\",\"relay\":{\"flags\":[\"year-guessed\",\"zone-guessed\"]}}\n");
}
END_TEST

START_TEST(an_exact_message_from_a_file_needs_no_relay)
{
	expect(BYTES("<165>1 2026-10-11T22:14:15.003Z m ev 77 ID47 [x@1 a=\"q\\\"b\\\\s\\]c\\\\n\"] hello\n"), &from_file,
		   "{\"timestamp\":\"2026-10-11T22:14:15.003Z\",\"severity\":\"notice\",\"facility\":\"local4\",\"hostname\":"
		   "\"m\","
		   "\"app_name\":\"ev\",\"procid\":\"77\",\"msgid\":\"ID47\",\"message\":\"hello\","
		   "\"structured_data\":{\"x@1\":{\"a\":\"q\\\"b\\\\s]c\\\\n\"}}}\n");
}
END_TEST

START_TEST(a_repeated_name_makes_pairs_and_a_repeated_sd_id_a_list)
{
	expect(BYTES("<165>1 2026-10-11T22:14:15Z m - - - [origin ip=\"192.0.2.1\" ip=\"192.0.2.2\"][x@1 a=\"1\"][y@1][x@1 "
				 "b=\"2\"]"),
		   &from_file,
		   "{\"timestamp\":\"2026-10-11T22:14:15Z\",\"severity\":\"notice\",\"facility\":\"local4\",\"hostname\":\"m\","
		   "\"structured_data\":{\"origin\":[[\"ip\",\"192.0.2.1\"],[\"ip\",\"192.0.2.2\"]],\"x@1\":[{\"a\":\"1\"},{"
		   "\"b\":\"2\"}],\"y@1\":{}},"
		   "\"relay\":{\"flags\":[\"sd-repeated\"],\"raw\":\"<165>1 2026-10-11T22:14:15Z m - - - "
		   "[origin ip=\\\"192.0.2.1\\\" ip=\\\"192.0.2.2\\\"][x@1 a=\\\"1\\\"][y@1][x@1 b=\\\"2\\\"]\"}}\n");
}
END_TEST

START_TEST(two_spellings_of_a_param_value_are_told_apart_by_raw)
{
	expect(BYTES("<165>1 2026-10-11T22:14:15Z m - - - [x@1 a=\"C:\\\\new\"]"), &from_file,
		   "{\"timestamp\":\"2026-10-11T22:14:15Z\",\"severity\":\"notice\",\"facility\":\"local4\",\"hostname\":\"m\","
		   "\"structured_data\":{\"x@1\":{\"a\":\"C:\\\\new\"}}}\n");
	expect(BYTES("<165>1 2026-10-11T22:14:15Z m - - - [x@1 a=\"C:\\new\"]"), &from_file,
		   "{\"timestamp\":\"2026-10-11T22:14:15Z\",\"severity\":\"notice\",\"facility\":\"local4\",\"hostname\":\"m\","
		   "\"structured_data\":{\"x@1\":{\"a\":\"C:\\\\new\"}},"
		   "\"relay\":{\"raw\":\"<165>1 2026-10-11T22:14:15Z m - - - [x@1 a=\\\"C:\\\\new\\\"]\"}}\n");
	expect(BYTES("<165>1 2026-10-11T22:14:15Z m - - - [x@1 a=\"b]\"]"), &from_file,
		   "{\"timestamp\":\"2026-10-11T22:14:15Z\",\"severity\":\"notice\",\"facility\":\"local4\",\"hostname\":\"m\","
		   "\"structured_data\":{\"x@1\":{\"a\":\"b]\"}},\"relay\":{\"flags\":[\"field-invalid\"],"
		   "\"raw\":\"<165>1 2026-10-11T22:14:15Z m - - - [x@1 a=\\\"b]\\\"]\"}}\n");
}
END_TEST

START_TEST(octets_that_are_not_utf8_are_reversible)
{
	expect(BYTES("<38>h: caf\xe9 \x1b \xee\xbe\x80"), &from_file,
		   "{\"severity\":\"info\",\"facility\":\"auth\",\"app_name\":\"h\",\"message\":\"caf\xee\xbf\xa9 \\u001b "
		   "\xee\xbf\xae\xee\xbe\xbe\xee\xbe\x80\",\"relay\":{\"flags\":[\"time-absent\",\"host-absent\",\"not-utf8\"]}"
		   "}\n");
}
END_TEST

START_TEST(raw_is_there_where_the_parts_do_not_reproduce_it)
{
	expect(BYTES("<34>Oct 11 2025 22:14:15 web01 su: x"), &from_file,
		   "{\"timestamp\":\"2025-10-11T22:14:15\",\"severity\":\"crit\",\"facility\":\"auth\",\"hostname\":\"web01\","
		   "\"app_name\":\"su\","
		   "\"message\":\"x\",\"relay\":{\"flags\":[\"zone-guessed\"],\"raw\":\"<34>Oct 11 2025 22:14:15 web01 su: "
		   "x\"}}\n");
}
END_TEST

START_TEST(a_space_that_is_no_part_needs_raw)
{
	expect(BYTES("<38>h: "), &from_file,
		   "{\"severity\":\"info\",\"facility\":\"auth\",\"app_name\":\"h\",\"relay\":{\"flags\":[\"time-absent\","
		   "\"host-absent\"],"
		   "\"raw\":\"<38>h: \"}}\n");
}
END_TEST

START_TEST(a_time_that_the_message_does_not_say_is_absent)
{
	static const struct json_options options = {.from_file = true, .error = "no syslog message"};
	expect(BYTES("free text"), &options,
		   "{\"severity\":\"notice\",\"facility\":\"user\",\"message\":\"free text\",\"relay\":{\"flags\":"
		   "[\"pri-absent\",\"time-absent\",\"host-absent\",\"tag-absent\"],\"error\":\"no syslog message\"}}\n");
}
END_TEST

START_TEST(credentials_are_told_and_a_local_peer_has_no_address)
{
	struct envelope envelope = envelope_of(BYTES("<165>1 2026-10-11T22:14:15Z m - - - -"));
	static const struct json_options options;
	envelope.peer =
		(struct peer){.transport = TRANSPORT_UNIX_DATAGRAM, .has_credentials = 1, .pid = 12, .uid = 1000, .gid = 100};
	room[json_encode(&envelope, &options, room, sizeof room - 1)] = '\0';
	ck_assert_ptr_nonnull(
		strstr((char *)room, "\"peer\":{\"transport\":\"unix-datagram\",\"pid\":12,\"uid\":1000,\"gid\":100}"));
}
END_TEST

START_TEST(too_little_room_gives_nothing)
{
	struct envelope envelope = envelope_of(BYTES("<34>Oct 11 22:14:15 web01 su: x"));
	size_t whole = json_encode(&envelope, &from_file, room, sizeof room);
	for (size_t len = 0; len < whole; len++)
		ck_assert_uint_eq(json_encode(&envelope, &from_file, room, len), 0);
	ck_assert_uint_eq(json_encode(&envelope, &from_file, room, whole), whole);
}
END_TEST

START_TEST(a_kept_minute_changes_nothing)
{
	static const char *const texts[] = {
		"<34>Oct 11 22:14:15 web01 su[231]: a", "<34>1 2026-10-11T22:14:59.999999+02:00 h a - - - b",
		"<34>1 2026-10-11T22:15:00Z h a - - - c", "<34>1 1969-12-31T23:59:59Z h a - - - d", "no time at all"};
	static const struct json_options plain;
	static uint8_t alone[sizeof room];
	struct timestamp_minute minute = {0};
	const struct json_options keeping = {.minute = &minute};
	for (unsigned i = 0; i < 25; i++) {
		struct envelope envelope = envelope_of(bytes_of_text(texts[i * 3 % 5]));
		envelope.received_ns += (int64_t)(i % 4) * 30 * 1000000000;
		size_t len = json_encode(&envelope, &plain, alone, sizeof alone);
		ck_assert_uint_eq(json_encode(&envelope, &keeping, room, sizeof room), len);
		ck_assert_mem_eq(room, alone, len);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json");
	TCase *tests = tcase_create("json");
	tcase_add_test(tests, the_usual_message);
	tcase_add_test(tests, a_configured_zone_is_written);
	tcase_add_test(tests, an_exact_message_from_a_file_needs_no_relay);
	tcase_add_test(tests, a_repeated_name_makes_pairs_and_a_repeated_sd_id_a_list);
	tcase_add_test(tests, two_spellings_of_a_param_value_are_told_apart_by_raw);
	tcase_add_test(tests, octets_that_are_not_utf8_are_reversible);
	tcase_add_test(tests, raw_is_there_where_the_parts_do_not_reproduce_it);
	tcase_add_test(tests, a_space_that_is_no_part_needs_raw);
	tcase_add_test(tests, a_time_that_the_message_does_not_say_is_absent);
	tcase_add_test(tests, credentials_are_told_and_a_local_peer_has_no_address);
	tcase_add_test(tests, a_kept_minute_changes_nothing);
	tcase_add_test(tests, too_little_room_gives_nothing);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
