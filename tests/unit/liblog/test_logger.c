/* SPDX-License-Identifier: Apache-2.0 */
/* Loggers: levels, names, bound fields, sinks of their own. */
#include "logged.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void start(void)
{
	logged_start(&slog_encoder_json);
}

START_TEST(a_name_has_one_logger)
{
	struct slog_logger *logger = slog_logger("auth");
	ck_assert_ptr_eq(logger, slog_logger("auth"));
	ck_assert_ptr_ne(logger, slog_logger("net"));
	ck_assert_ptr_eq(slog_logger(""), SLOG_LOGGER);
}
END_TEST

START_TEST(levels_are_set_by_text_also_for_loggers_made_later)
{
	struct slog_logger *early = slog_logger("early");
	ck_assert(slog_set_levels("warn,early=DEBUG,late=off"));
	struct slog_logger *late = slog_logger("late");
	struct slog_logger *other = slog_logger("other");
	ck_assert(slog_enabled(early, SLOG_DEBUG) && !slog_enabled(early, SLOG_TRACE));
	ck_assert(!slog_enabled(late, SLOG_EMERG));
	ck_assert(slog_enabled(other, SLOG_WARNING) && !slog_enabled(other, SLOG_NOTICE));
	slog_set_level(SLOG_LOGGER, SLOG_TRACE);
	ck_assert(slog_enabled(other, SLOG_TRACE));
	ck_assert(!slog_enabled(early, SLOG_TRACE));
}
END_TEST

START_TEST(a_wrong_level_text_changes_nothing)
{
	ck_assert(!slog_set_levels("debug,net=loud"));
	ck_assert(!slog_set_levels("debug,,info"));
	ck_assert(!slog_set_levels("net="));
	ck_assert(!slog_enabled(SLOG_LOGGER, SLOG_DEBUG));
	ck_assert(slog_set_levels(""));
}
END_TEST

START_TEST(bound_fields_come_first_and_are_overridden_once)
{
	struct slog_logger *one = slog_with(SLOG_LOGGER, "conn", 7, "peer", "a");
	struct slog_logger *two = slog_with(one, "user", "root", "conn", 8);
	slog_free(one);
	slog_info_to(two, "t", "x", 1, "peer", "b");
	ck_assert_str_eq(logged_members(), "\"msgid\":\"t\",\"user\":\"root\",\"conn\":8,\"x\":1,\"peer\":\"b\"");
	slog_info_to(two, "t");
	ck_assert_str_eq(logged_members(), "\"msgid\":\"t\",\"peer\":\"a\",\"user\":\"root\",\"conn\":8");
	slog_free(two);
}
END_TEST

START_TEST(a_bound_object_is_replaced_and_never_merged)
{
	struct slog_logger *bound = slog_with(SLOG_LOGGER, "g", slog_group("a", 1, "b", 2), "h", slog_group("a", 1));
	slog_info_to(bound, "t", "g", slog_group("c", 3), "a", 4);
	ck_assert_str_eq(logged_members(), "\"msgid\":\"t\",\"h\":{\"a\":1},\"g\":{\"c\":3},\"a\":4");
	slog_free(bound);
}
END_TEST

START_TEST(bound_values_are_copied)
{
	char text[] = "before";
	char key[] = "k1";
	struct slog_field inner[] = {slog_kv(key, text)};
	struct slog_value items[] = {slog_any(text), slog_group_value_(inner, 1)};
	struct slog_field fields[] = {
		slog_kv(key, text), slog_kv("l", slog_list_value_(items, 2)), slog_kv("y", slog_bytes(text, 1)),
	};
	struct slog_logger *bound = slog_with_fields(SLOG_LOGGER, fields, 3);
	strcpy(text, "AFTER!");
	strcpy(key, "xx");
	memset(items, 0, sizeof items);
	slog_info_to(bound, "t");
	ck_assert_str_eq(logged_members(), "\"msgid\":\"t\",\"k1\":\"before\",\"l\":[\"before\",{\"k1\":\"before\"}],"
	                                   "\"y\":\"data:;base64,Yg==\"");
	slog_free(bound);
}
END_TEST

START_TEST(a_bound_message_is_the_message_until_an_event_has_one)
{
	struct slog_logger *bound = slog_with(SLOG_LOGGER, "message", "usual", "a", 1);
	slog_info_to(bound, "t");
	ck_assert_str_eq(logged_members(), "\"msgid\":\"t\",\"message\":\"usual\",\"a\":1");
	slog_info_to(bound, "t", "message", "special");
	ck_assert_str_eq(logged_members(), "\"msgid\":\"t\",\"message\":\"special\",\"a\":1");
	slog_free(bound);
}
END_TEST

START_TEST(a_bound_logger_follows_the_level_of_its_named_one)
{
	struct slog_logger *named = slog_logger("follow");
	struct slog_logger *bound = slog_with(named, "a", 1);
	ck_assert(!slog_enabled(bound, SLOG_DEBUG));
	slog_set_level(named, SLOG_DEBUG);
	ck_assert(slog_enabled(bound, SLOG_DEBUG));
	slog_set_level(bound, SLOG_ERR);
	ck_assert(!slog_enabled(named, SLOG_INFO) && !slog_enabled(bound, SLOG_INFO));
	slog_free(bound);
}
END_TEST

START_TEST(a_logger_may_have_its_own_sink_and_facility)
{
	struct slog_logger *named = slog_logger("own");
	struct slog_logger *bound = slog_with(named, "a", 1);
	struct slog_sink *own = slog_sink_memory(4096, &slog_encoder_rfc5424);
	ck_assert_ptr_null(slog_set_sink(named, own));
	slog_set_facility(named, SLOG_LOCAL7);
	slog_info_to(bound, "t");
	ck_assert_str_eq(logged(), "");
	char text[256];
	slog_memory_text(own, text, sizeof text);
	ck_assert_int_eq(strncmp(text, "<190>1 ", 7), 0);
	ck_assert_ptr_eq(slog_set_sink(named, NULL), own);
	slog_sink_close(&own);
	ck_assert_ptr_null(own);
	slog_info_to(bound, "t");
	ck_assert_ptr_nonnull(strstr(logged(), "\"facility\":\"local7\""));
	slog_free(bound);
}
END_TEST

START_TEST(slog_open_refuses_what_it_does_not_understand)
{
	struct slog_options options = {.size = sizeof options - 1};
	ck_assert_int_eq(slog_open(&options), EINVAL);
	options = (struct slog_options){.size = sizeof options, .levels = "nonsense"};
	ck_assert_int_eq(slog_open(&options), EINVAL);
	options = (struct slog_options){.size = sizeof options, .facility = 24};
	ck_assert_int_eq(slog_open(&options), EINVAL);
	slog_info("t");
	ck_assert_str_eq(logged_members(), "\"msgid\":\"t\"");
}
END_TEST

START_TEST(the_environment_wins_over_the_program)
{
	setenv("SLOG", "debug,net=err", 1);
	struct slog_options options = {.size = sizeof options, .levels = "warning,net=info,db=notice", .sink = NULL};
	ck_assert_int_eq(slog_open(&options), 0);
	ck_assert(slog_enabled(SLOG_LOGGER, SLOG_DEBUG));
	ck_assert(!slog_enabled(slog_logger("net"), SLOG_WARNING));
	ck_assert(slog_enabled(slog_logger("db"), SLOG_NOTICE) && !slog_enabled(slog_logger("db"), SLOG_INFO));
	unsetenv("SLOG");
}
END_TEST

START_TEST(a_child_logs_its_own_procid)
{
	slog_info("t");
	logged();
	pid_t child = fork();
	if (child == 0) {
		char expected[64];
		snprintf(expected, sizeof expected, "\"procid\":\"%ld\"", (long)getpid());
		slog_info("t");
		_exit(strstr(logged(), expected) != NULL ? 0 : 1);
	}
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(counters_are_filled_as_far_as_their_size_goes)
{
	struct slog_counters counters;
	memset(&counters, 0x55, sizeof counters);
	counters.size = offsetof(struct slog_counters, cut);
	slog_stats(&counters);
	ck_assert_uint_eq(counters.size, offsetof(struct slog_counters, cut));
	ck_assert_uint_eq(counters.cut, UINT64_C(0x5555555555555555));
}
END_TEST

#define THREADS 4
#define EVENTS 300

static void *log_many(void *number)
{
	struct slog_logger *bound = slog_with(slog_logger("threads"), "thread", *(int *)number);
	for (int i = 0; i < EVENTS; i++) {
		slog_info_to(bound, "t", "i", i);
		if (i % 100 == 0)
			slog_set_level(SLOG_LOGGER, i % 200 == 0 ? SLOG_DEBUG : SLOG_INFO);
	}
	slog_free(bound);
	return NULL;
}

START_TEST(threads_lose_no_event_and_tear_no_line)
{
	pthread_t threads[THREADS];
	int numbers[THREADS];
	for (int i = 0; i < THREADS; i++) {
		numbers[i] = i;
		ck_assert_int_eq(pthread_create(&threads[i], NULL, log_many, &numbers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	int lines = 0;
	for (char *line = strtok((char *)(size_t)logged(), "\n"); line != NULL; line = strtok(NULL, "\n"), lines++)
		ck_assert(strncmp(line, "{\"timestamp\"", 12) == 0 && line[strlen(line) - 1] == '}');
	ck_assert_int_eq(lines, THREADS * EVENTS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("logger");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, start, logged_stop);
	tcase_add_test(tcase, a_name_has_one_logger);
	tcase_add_test(tcase, levels_are_set_by_text_also_for_loggers_made_later);
	tcase_add_test(tcase, a_wrong_level_text_changes_nothing);
	tcase_add_test(tcase, bound_fields_come_first_and_are_overridden_once);
	tcase_add_test(tcase, a_bound_object_is_replaced_and_never_merged);
	tcase_add_test(tcase, bound_values_are_copied);
	tcase_add_test(tcase, a_bound_message_is_the_message_until_an_event_has_one);
	tcase_add_test(tcase, a_bound_logger_follows_the_level_of_its_named_one);
	tcase_add_test(tcase, a_logger_may_have_its_own_sink_and_facility);
	tcase_add_test(tcase, slog_open_refuses_what_it_does_not_understand);
	tcase_add_test(tcase, the_environment_wins_over_the_program);
	tcase_add_test(tcase, a_child_logs_its_own_procid);
	tcase_add_test(tcase, counters_are_filled_as_far_as_their_size_goes);
	tcase_add_test(tcase, threads_lose_no_event_and_tear_no_line);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
