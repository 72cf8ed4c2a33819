/* SPDX-License-Identifier: Apache-2.0 */
/* What a file may define before it includes slog.h: where its calls go, and that they say where they stand. */
#define SLOG_LOGGER own_logger
#define SLOG_SOURCE_LOCATION

#include <liblog/slog.h>

static struct slog_logger *own_logger = &slog_default_logger;

#include <stdio.h>

#include "logged.h"

static void start(void)
{
	logged_start(&slog_encoder_json);
	own_logger = slog_logger("per_file");
}

static void stop(void)
{
	slog_set_sink(own_logger, NULL);
	logged_stop();
}

START_TEST(source_location_is_three_plain_fields)
{
	char expected[256];
	const int line = __LINE__ + 1;
	slog_info("t", "a", 1);
	snprintf(expected, sizeof expected,
	         "\"msgid\":\"t\",\"a\":1,\"code_file\":\"%s\",\"code_line\":%d,"
	         "\"code_func\":\"source_location_is_three_plain_fields_fn\"", __FILE__, line);
	ck_assert_str_eq(logged_members(), expected);
}
END_TEST

START_TEST(a_file_has_a_logger_of_its_own)
{
	struct slog_sink *own = slog_sink_memory(LOGGED_BYTES, &slog_encoder_json);
	struct slog_sink *of_all = logged_sink;
	slog_set_sink(own_logger, own);
	slog_info("mine");
	slog_info_to(&slog_default_logger, "of_all");
	ck_assert_ptr_nonnull(strstr(logged(), "\"msgid\":\"of_all\""));
	ck_assert_ptr_null(strstr(logged_text, "\"msgid\":\"mine\""));
	logged_sink = own;
	ck_assert_ptr_nonnull(strstr(logged(), "\"msgid\":\"mine\""));
	logged_sink = of_all;
	slog_set_level(own_logger, SLOG_OFF);
	slog_emerg("mine");
	ck_assert_str_eq(logged(), "");
	slog_set_sink(own_logger, NULL);
	slog_sink_close(&own);
}
END_TEST

/* A sink that logs, as one may that calls into a library which does. */
struct chatty {
	struct slog_sink sink;
	unsigned lines;
};

static int write_and_log(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity)
{
	struct chatty *chatty = (struct chatty *)sink;
	(void)line, (void)length, (void)severity;
	chatty->lines++;
	slog_warning("from_inside");
	return 0;
}

static void close_nothing(struct slog_sink *sink)
{
	(void)sink;
}

START_TEST(a_call_inside_a_call_is_dropped_and_counted)
{
	static const struct slog_sink_driver driver = {.name = "chatty", .write = write_and_log, .close = close_nothing};
	struct chatty chatty = {{&driver, &slog_encoder_json, SLOG_EVENT_BYTES_DEFAULT}, 0};
	struct slog_counters before = {.size = sizeof before}, after = {.size = sizeof after};
	slog_set_sink(own_logger, &chatty.sink);
	slog_stats(&before);
	slog_info("t");
	slog_info("t");
	slog_stats(&after);
	ck_assert_uint_eq(chatty.lines, 2);
	ck_assert_uint_eq(after.dropped[SLOG_WARNING] - before.dropped[SLOG_WARNING], 2);
	ck_assert_uint_eq(after.dropped[SLOG_INFO], before.dropped[SLOG_INFO]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("per_file");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, source_location_is_three_plain_fields);
	tcase_add_test(tcase, a_file_has_a_logger_of_its_own);
	tcase_add_test(tcase, a_call_inside_a_call_is_dropped_and_counted);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
