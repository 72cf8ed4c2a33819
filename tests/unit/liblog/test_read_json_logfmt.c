/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON and logfmt back: names, levels and types; and what the encoders ecs and cee make, which have no reader
 * of their own.
 */
#include "read_back.h"

#include <unistd.h>

START_TEST(a_reserved_name_without_its_type_is_an_ordinary_field)
{
	read_line(slog_read_json, "{\"severity\":\"loud\",\"facility\":7,\"message\":5,\"timestamp\":\"now\",\"hostname\":null,"
	                          "\"relay\":[],\"~cut\":-1,\"_msgid\":\"x\",\"__relay\":1}");
	ck_assert_str_eq(fields_as_json(&reading.fields),
	                 "{\"severity\":\"loud\",\"facility\":7,\"message\":5,\"timestamp\":\"now\",\"hostname\":null,"
	                 "\"relay\":[],\"~cut\":-1,\"msgid\":\"x\",\"_relay\":1}");
	ck_assert_int_eq(reading.severity, -1);
	read_line(slog_read_json, " { \"timestamp\" : \"2026-10-11T22:14:15\" , \"~cut\":3 } ");
	ck_assert(!reading.has_time && reading.is_cut);
	ck_assert_uint_eq(reading.cut, 3);
	ck_assert_str_eq(reading.timestamp.text, "2026-10-11T22:14:15");
}
END_TEST

START_TEST(of_equal_keys_the_last_one_is_found)
{
	read_line(slog_read_json, "{\"a\":1,\"a\":2}");
	ck_assert_str_eq(field("a").text, "2");
}
END_TEST

START_TEST(surrogates_in_json_are_characters_in_pairs_and_octets_alone)
{
	read_line(slog_read_json, "{\"a\":\"\\uD83D\\uDE00\",\"b\":\"\\ud800x\",\"c\":\"\\uefc3\\u0028\"}");
	ck_assert_str_eq(field("a").text, "😀");
	ck_assert_str_eq(field("b").text, "\xED\xA0\x80x");
	ck_assert_str_eq(field("c").text, "\xC3(");
}
END_TEST

START_TEST(what_is_no_json_object_is_invalid)
{
	static const char *const lines[] = {"", "[]", "1", "{", "{\"a\"}", "{\"a\":1,}", "{\"a\":1}x", "{\"a\":01}",
	                                    "{\"a\":\"\x80\"}", "{\"a\":\"\n\"}", "{a:1}", "{\"a\":nul}", "\xEF\xBB\xBF{}"};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		ck_assert_msg(slog_read_json(&reading, lines[i], strlen(lines[i]), room, sizeof room) == SLOG_READ_INVALID,
		              "%s", lines[i]);
}
END_TEST

START_TEST(fields_may_have_32_levels_and_no_more)
{
	char line[256];
	for (int depth = SLOG_DEPTH_MAX; depth <= SLOG_DEPTH_MAX + 1; depth++) {
		strcpy(line, "{\"a\":");
		for (int i = 0; i < depth; i++)
			strcat(line, "[");
		for (int i = 0; i < depth; i++)
			strcat(line, "]");
		strcat(line, "}");
		enum slog_read_result wanted = depth == SLOG_DEPTH_MAX ? SLOG_READ_OK : SLOG_READ_INVALID;
		ck_assert_int_eq((int)slog_read_json(&reading, line, strlen(line), room, sizeof room), (int)wanted);
	}
	sd_fields("[slog@1 a=\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\]\\]\\]\\]\\]\\]\\]\\]\\]\\]\\]\\]\\]\\]"
	          "\\]\\]\\]\\]\\]\\]\\]\\]"
	          "\\]\\]\\]\\]\\]\\]\\]\\]\\]\\]\\]\"]");
	ck_assert_int_eq((int)field("a").type, SLOG_READ_STRING);
}
END_TEST

START_TEST(logfmt_keeps_the_types_of_scalars)
{
	log_to(logfmt_sink);
	slog_info("t", "message", "a \"b\"", "n", 12, "s", "12", "b", slog_bool(true), "z", (void *)NULL, "zs", "null",
	          "f", 1.5, "a key", "x y", "list", slog_list(1, "q\"\\"), "e", "", "severity", "x", "nl", "\n");
	const char *line = logged();
	ck_assert_ptr_nonnull(strstr(line, " severity=info facility=auth hostname=host app_name=app procid="));
	ck_assert_ptr_nonnull(strstr(line, " msgid=t message=\"a \\\"b\\\"\" n=12 s=\"12\" b=true z=null zs=\"null\" "
	                                   "f=1.5 a%20key=\"x y\" list=\"[1,\\\"q\\\\\\\"\\\\\\\\\\\"]\" e=\"\" "
	                                   "_severity=x nl=\"\\n\""));
	read_line(slog_read_logfmt, line);
	ck_assert_str_eq(fields_as_json(&reading.fields),
	                 "{\"n\":12,\"s\":\"12\",\"b\":true,\"z\":null,\"zs\":\"null\",\"f\":1.5,\"a key\":\"x y\","
	                 "\"list\":\"[1,\\\"q\\\\\\\"\\\\\\\\\\\"]\",\"e\":\"\",\"severity\":\"x\",\"nl\":\"\\n\"}");
	message_must_be("a \"b\"");
	ck_assert_int_eq(reading.severity, SLOG_INFO);
	ck_assert(reading.has_time);
}
END_TEST

START_TEST(logfmt_of_others_is_read_as_well_as_can_be)
{
	read_line(slog_read_logfmt, "  level=info msg=\"it \\x \\\"q\\\"\" a= flag b=[1,2] c={\"x\":1} d=\"open \\\" end");
	ck_assert_str_eq(fields_as_json(&reading.fields),
	                 "{\"level\":\"info\",\"msg\":\"it \\\\x \\\"q\\\"\",\"a\":\"\",\"flag\":true,\"b\":[1,2],"
	                 "\"c\":{\"x\":1},"
	                 "\"d\":\"open \\\" end\"}");
	ck_assert_int_eq((int)slog_read_logfmt(&reading, " \t", 2, room, sizeof room), SLOG_READ_INVALID);
}
END_TEST

/* Other encoders that no reader is for. */

START_TEST(ecs_has_its_three_names_first_and_no_name_twice)
{
	log_to(logfmt_sink);
	logfmt_sink->encoder = &slog_encoder_ecs;
	slog_warning_to(slog_logger("net"), "up", "message", "hi", "a", 1, "log.level", "mine", "_message", 2);
	char expected[512];
	snprintf(expected, sizeof expected,
	         "{\"@timestamp\":\"2026-10-11T22:14:15.003000Z\",\"log.level\":\"warning\",\"message\":\"hi\","
	         "\"ecs.version\":\"8.11.0\",\"log.logger\":\"net\",\"log.syslog.severity.code\":4,"
	         "\"log.syslog.facility.name\":\"auth\",\"log.syslog.facility.code\":4,\"host.hostname\":\"host\","
	         "\"process.name\":\"app\",\"process.pid\":%ld,\"event.code\":\"up\",\"a\":1,\"_log.level\":\"mine\","
	         "\"__message\":2}", (long)getpid());
	ck_assert_str_eq(logged(), expected);
}
END_TEST

START_TEST(the_json_behind_a_cee_cookie_is_an_event)
{
	log_to(logfmt_sink);
	logfmt_sink->encoder = &slog_encoder_cee;
	slog_info("auth", "user", "root from 8.8.8.8", "port", 22);
	const char *json = strstr(logged(), "@cee: ");
	ck_assert_ptr_nonnull(json);
	read_line(slog_read_json, json + 6);
	ck_assert_str_eq(fields_as_json(&reading.fields), "{\"user\":\"root from 8.8.8.8\",\"port\":22}");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("read_json_logfmt");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, a_reserved_name_without_its_type_is_an_ordinary_field);
	tcase_add_test(tcase, of_equal_keys_the_last_one_is_found);
	tcase_add_test(tcase, surrogates_in_json_are_characters_in_pairs_and_octets_alone);
	tcase_add_test(tcase, what_is_no_json_object_is_invalid);
	tcase_add_test(tcase, fields_may_have_32_levels_and_no_more);
	tcase_add_test(tcase, logfmt_keeps_the_types_of_scalars);
	tcase_add_test(tcase, logfmt_of_others_is_read_as_well_as_can_be);
	tcase_add_test(tcase, ecs_has_its_three_names_first_and_no_name_twice);
	tcase_add_test(tcase, the_json_behind_a_cee_cookie_is_an_event);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
