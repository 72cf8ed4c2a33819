/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of slog.h from C++17: the same macros, values by overloads. */
#include <liblog/sink.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include <check.h>

static slog_sink *sink;
static char text[65536];

static void start()
{
	sink = slog_sink_memory(sizeof text - 1, &slog_encoder_json);
	slog_set_sink(SLOG_LOGGER, sink);
}

static void stop()
{
	slog_set_sink(SLOG_LOGGER, nullptr);
	slog_sink_close(&sink);
}

/* What follows the msgid of the one line since the last call. */
static const char *logged()
{
	size_t length = slog_memory_text(sink, text, sizeof text);
	slog_memory_clear(sink);
	ck_assert_uint_gt(length, 2);
	text[length - 2] = '\0';
	const char *at = strstr(text, "\"msgid\":\"t\"");
	ck_assert_ptr_nonnull(at);
	return at + strlen("\"msgid\":\"t\"");
}

static int evaluated;

static std::string made(const char *value)
{
	evaluated++;
	return std::string(value) + std::string(100, '.').substr(0, 1);
}

enum colour { RED = 3 };

START_TEST(every_cxx_type_has_its_json_type)
{
	slog_info("t");
	ck_assert_str_eq(logged(), "");
	const char *null = nullptr;
	short s = -2;
	unsigned char uc = 255;
	slog_info("t", "b", 1 == 2, "s", s, "uc", uc, "ull", ~0ull, "f", 0.1f, "d", 48.85, "e", RED, "n", nullptr, "p", null,
	          "v", static_cast<void *>(nullptr), "c", "lit");
	ck_assert_str_eq(logged(), ",\"b\":false,\"s\":-2,\"uc\":255,\"ull\":18446744073709551615,\"f\":0.1,\"d\":48.85,\"e\":3,"
	                           "\"n\":null,\"p\":null,\"v\":null,\"c\":\"lit\"");
}
END_TEST

START_TEST(strings_of_the_library_live_until_the_call_ends)
{
	std::string_view view("viewed", 4);
	slog_info("t", "a", made("x"), "v", view, "w", std::string_view(), "m", std::string("a\0b", 3));
	ck_assert_str_eq(logged(), ",\"a\":\"x.\",\"v\":\"view\",\"w\":\"\",\"m\":\"a\\u0000b\"");
}
END_TEST

START_TEST(helpers_nest_as_arguments)
{
	slog_info("t", "g", slog_group("city", made("Paris"), "l", slog_list(1, "x", slog_group("deep", 2.5))),
	          "e", slog_error(2), "message", slog_msgf("%d left", 3));
	ck_assert_str_eq(logged(), ",\"message\":\"3 left\",\"g\":{\"city\":\"Paris.\",\"l\":[1,\"x\",{\"deep\":2.5}]},"
	                           "\"e\":{\"code\":2,\"name\":\"ENOENT\",\"text\":\"No such file or directory\"}");
}
END_TEST

START_TEST(a_level_that_is_off_evaluates_nothing)
{
	evaluated = 0;
	slog_debug("t", "a", made("x"));
	ck_assert_int_eq(evaluated, 0);
}
END_TEST

START_TEST(bound_fields_are_copied)
{
	slog_logger *bound = slog_with(slog_logger("net"), "a", made("x"), "b", 1);
	slog_info_to(bound, "t", "c", true);
	ck_assert_str_eq(logged(), ",\"a\":\"x.\",\"b\":1,\"c\":true");
	slog_free(bound);
}
END_TEST

int main()
{
	Suite *suite = suite_create("cxx");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, every_cxx_type_has_its_json_type);
	tcase_add_test(tcase, strings_of_the_library_live_until_the_call_ends);
	tcase_add_test(tcase, helpers_nest_as_arguments);
	tcase_add_test(tcase, a_level_that_is_off_evaluates_nothing);
	tcase_add_test(tcase, bound_fields_are_copied);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
