/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a SYSLOG-MSG back: what others may have made of our line on the way, and what is theirs. */
#include "read_back.h"

START_TEST(elements_that_syslog_ng_has_split_are_joined)
{
	ck_assert_str_eq(sd_fields("[slog@32473 a=\"1\" ~s=\"source.ip\"][slog@32473.source ip=\"5\" port=\"6\"][x@1 y=\"7\"]"
	                           "[slog@32473 b=\"2\"]"),
	                 "{\"a\":1,\"source.ip\":\"5\",\"source.port\":6,\"b\":2}");
	ck_assert_str_eq(fields_as_json(&reading.structured_data), "{\"x@1\":{\"y\":\"7\"}}");
	ck_assert_str_eq(sd_fields("[slog@32473. a=\"1\"][slog@32473.. b=\"2\"][slog@32473 c=\"3\"]"),
	                 "{\".a\":1,\"..b\":2,\"c\":3}");
	ck_assert_str_eq(sd_fields("[slog@32473.geo/x y=\"5\"][slog@32473 geo/z=\"6\"]"), "{\"geo\":{\"x.y\":5,\"z\":6}}");
}
END_TEST

START_TEST(members_of_an_object_are_joined_wherever_they_are)
{
	ck_assert_str_eq(sd_fields("[slog@1 g/a=\"1\" x=\"2\" g/b/c=\"3\" h=\"4\" g/b/d=\"5\"]"),
	                 "{\"g\":{\"a\":1,\"b\":{\"c\":3,\"d\":5}},\"x\":2,\"h\":4}");
}
END_TEST

START_TEST(a_member_of_what_is_also_a_scalar_is_a_top_level_key)
{
	ck_assert_str_eq(sd_fields("[slog@1 g/a=\"1\" g=\"2\" g/b/c=\"3\" h/i=\"4\" h/i/j=\"5\"]"),
	                 "{\"g/a\":1,\"g\":2,\"g/b/c\":3,\"h\":{\"i\":4,\"i/j\":5}}");
	ck_assert_str_eq(sd_fields("[slog@1 /a=\"1\" b/=\"2\" c//d=\"3\" /=\"4\"]"), "{\"/a\":1,\"b/\":2,\"c//d\":3,\"/\":4}");
}
END_TEST

START_TEST(listed_names_match_exactly_else_without_case_if_that_is_unique)
{
	ck_assert_str_eq(sd_fields("[slog@1 User=\"1\" ~s=\"user\"]"), "{\"User\":\"1\"}");
	ck_assert_str_eq(sd_fields("[slog@1 User=\"1\" user=\"2\" ~s=\"user\"]"), "{\"User\":1,\"user\":\"2\"}");
	ck_assert_str_eq(sd_fields("[slog@1 User=\"1\" uSer=\"2\" ~s=\"user\"]"), "{\"User\":1,\"uSer\":2}");
}
END_TEST

START_TEST(what_was_moved_to_numbered_parameters_and_to_the_overflow_comes_back)
{
	ck_assert_str_eq(sd_fields("[slog@1 a=\"1\" ~7=\"a%20b=c=d\" ~o=\"{\\\"k\\\":[1\\],\\\"l\\\":\\\"x\\\"}\" ~s=\"a\"]"),
	                 "{\"a\":\"1\",\"a b\":\"c=d\",\"k\":[1],\"l\":\"x\"}");
	ck_assert_str_eq(sd_fields("[slog@1 ~1=\"no-key\" ~2=\"=x\" ~o=\"[1\\]\" ~what=\"5\"]"),
	                 "{\"~1\":\"no-key\",\"~2\":\"=x\",\"~o\":\"[1]\",\"~what\":5}");
}
END_TEST

START_TEST(raw_octets_are_undone_only_if_they_are_what_we_would_write)
{
	ck_assert_str_eq(sd_fields("[slog@1 a=\"\uEFC3(\" b=\"\uEFC3\uEFA9\"]"),
	                 "{\"a\":\"\uEFC3(\",\"b\":\"\uEFEE\uEFBF\uEF83\uEFEE\uEFBE\uEFA9\"}");
	ck_assert_uint_eq(field("a").length, 2);
	ck_assert_str_eq(field("a").text, "\xC3(");
	ck_assert_str_eq(field("b").text, "\uEFC3\uEFA9");
}
END_TEST

START_TEST(an_own_sd_id_is_known_by_its_parameter_wherever_it_is)
{
	ck_assert_str_eq(sd_fields("[acme@7 x=\"1\" ~v=\"1\"]"), "{\"x\":1}");
	ck_assert_str_eq(sd_fields("[acme@7 x=\"1\"]"), "{}");
	ck_assert(!reading.is_typed);
	ck_assert_str_eq(fields_as_json(&reading.structured_data), "{\"acme@7\":{\"x\":\"1\"}}");
	ck_assert_str_eq(sd_fields("[slog@5 x=\"1\"][acme@7 ~v=\"1\" y=\"2\"]"), "{\"y\":2}");
	ck_assert_str_eq(sd_fields("[acme@7 ~v=\"2\" y=\"2\"]"), "{}");
	ck_assert_str_eq(sd_fields("[slog@x y=\"2\"][slog@ z=\"1\"]"), "{}");
}
END_TEST

START_TEST(elements_of_others_are_strings_in_three_forms)
{
	sd_fields("[slog@1][origin ip=\"192.0.2.1\" ip=\"192.0.2.2\"][x@1 a=\"1\\n\\]\"][y@1][x@1 a=\"␊\"]");
	ck_assert_str_eq(fields_as_json(&reading.structured_data),
	                 "{\"origin\":[[\"ip\",\"192.0.2.1\"],[\"ip\",\"192.0.2.2\"]],\"x@1\":[{\"a\":\"1\\\\n]\"},"
	                 "{\"a\":\"␊\"}],\"y@1\":{}}");
}
END_TEST

START_TEST(a_message_is_undone_only_beside_our_element)
{
	sd_fields("- a␊b");
	message_must_be("a␊b");
	sd_fields("[x@1] a␊b");
	message_must_be("a␊b");
	sd_fields("[slog@1] \xEF\xBB\xBF" "a␊b");
	message_must_be("a\nb");
	sd_fields("[slog@1] ");
	ck_assert_ptr_null(reading.message.text);
}
END_TEST

START_TEST(a_message_that_begins_with_a_bom_keeps_it)
{
	COMES_BACK("{\"a\":1}", "\xEF\xBB\xBFtext", "t", "message", "\xEF\xBB\xBFtext", "a", 1);
}
END_TEST

START_TEST(an_element_with_too_many_parameters_is_somebody_elses)
{
	static char sd[8192] = "[slog@1";
	char *at = sd + strlen(sd);
	for (int i = 0; i < SLOG_READ_PARAMS_MAX; i++)
		at += sprintf(at, " k%d=\"1\"", i);
	strcpy(at, "]");
	static char line[16384];
	snprintf(line, sizeof line, HEADER "%s", sd);
	read_line(slog_read_rfc5424, line);
	ck_assert(reading.is_typed);
	strcpy(at, " last=\"1\"]");
	snprintf(line, sizeof line, HEADER "%s", sd);
	read_line(slog_read_rfc5424, line);
	ck_assert(!reading.is_typed);
	struct slog_read_value element;
	ck_assert(slog_read_find(&reading.structured_data, "slog@1", &element));
}
END_TEST

START_TEST(what_is_no_syslog_msg_is_invalid)
{
	static const char *const lines[] = {
		"", "<38>", "<192>1 - - - - - -", "<01>1 - - - - - -", "<38>2 - - - - - -", "<38>1 - - - - -", "<38>1 - - - - - ",
		"<38>1 x - - - - -", "<38>1 2026-02-29T00:00:00Z - - - - -", "<38>1 2026-10-11T22:14:15 - - - - -",
		HEADER "[a@1 x=\"1\"", HEADER "[a@1 x=1]", HEADER "[]", HEADER "[a@1 x=\"1\"]text", HEADER "-text",
		HEADER "[a@1 name-that-is-longer-than-thirty-two=\"1\"]",
		"<38>1 - - app-name-that-is-longer-than-forty-eight-octets-is- - - -",
	};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		ck_assert_msg(slog_read_rfc5424(&reading, lines[i], strlen(lines[i]), room, sizeof room) == SLOG_READ_INVALID,
		              "%s", lines[i]);
		ck_assert_ptr_nonnull(reading.reason);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("read_rfc5424");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, elements_that_syslog_ng_has_split_are_joined);
	tcase_add_test(tcase, members_of_an_object_are_joined_wherever_they_are);
	tcase_add_test(tcase, a_member_of_what_is_also_a_scalar_is_a_top_level_key);
	tcase_add_test(tcase, listed_names_match_exactly_else_without_case_if_that_is_unique);
	tcase_add_test(tcase, what_was_moved_to_numbered_parameters_and_to_the_overflow_comes_back);
	tcase_add_test(tcase, raw_octets_are_undone_only_if_they_are_what_we_would_write);
	tcase_add_test(tcase, an_own_sd_id_is_known_by_its_parameter_wherever_it_is);
	tcase_add_test(tcase, elements_of_others_are_strings_in_three_forms);
	tcase_add_test(tcase, a_message_is_undone_only_beside_our_element);
	tcase_add_test(tcase, a_message_that_begins_with_a_bom_keeps_it);
	tcase_add_test(tcase, an_element_with_too_many_parameters_is_somebody_elses);
	tcase_add_test(tcase, what_is_no_syslog_msg_is_invalid);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
