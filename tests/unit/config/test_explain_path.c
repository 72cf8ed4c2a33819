/* SPDX-License-Identifier: Apache-2.0 */
/* What --explain says of a path: every driver is known, and every weaker setting is named. */
#include "config/config.h"
#include "config/explain.h"

#include <check.h>
#include <stdlib.h>

enum { SENTENCE_MAX_BYTES = 4096 };

#define UDP    "{ \"type\": \"udp\", \"listen\": \"[::1]:5514\" }"
#define TCP    "{ \"type\": \"tcp\", \"listen\": \"[::1]:5514\" }"
#define RELP   "{ \"type\": \"relp\", \"listen\": \"[::1]:2514\" }"
#define STDOUT "\"name\": \"o\", \"type\": \"stdout\""

/* The sentence for the only path of a configuration that is put together from its parts. */
static const char *explained(const char *spool, const char *input, const char *output)
{
	static char sentence[SENTENCE_MAX_BYTES], text[SENTENCE_MAX_BYTES];
	int len = snprintf(text, sizeof text, "{ \"spool\": { %s }, \"inputs\": [ %s ], \"outputs\": [ { %s } ] }", spool,
					   input, output);
	struct config config;
	bool good = config_read_text(&config, "test", bytes_of(text, (size_t)len));
	config_print_errors(&config, stderr);
	ck_assert_msg(good, "%s", text);
	explain_path(&config.settings, 0, 0, sentence, sizeof sentence);
	config_free(&config);
	return sentence;
}

static void check_says(const char *sentence, const char *part)
{
	ck_assert_msg(strstr(sentence, part) != NULL, "\"%s\" is not in: %s", part, sentence);
}

static void check_does_not_say(const char *sentence, const char *part)
{
	ck_assert_msg(strstr(sentence, part) == NULL, "\"%s\" is in: %s", part, sentence);
}

START_TEST(every_driver_is_known)
{
	static struct settings settings;
	struct output_common common = {0};
	for (unsigned i = 0; input_drivers[i] != NULL; i++) {
		for (unsigned k = 0; output_drivers[k] != NULL; k++) {
			char sentence[SENTENCE_MAX_BYTES];
			void *options = calloc(1, output_drivers[k]->settings_size);
			memcpy(options, &common, sizeof common);
			settings.inputs[0].driver = input_drivers[i];
			settings.inputs[0].options = calloc(1, input_drivers[i]->settings_size);
			settings.inputs_count = 1;
			settings.outputs[0].driver = output_drivers[k];
			settings.outputs[0].options = options;
			settings.outputs_count = 1;
			explain_path(&settings, 0, 0, sentence, sizeof sentence);
			check_does_not_say(sentence, "not known when");
			/* The driver's own flag and the words must agree. */
			ck_assert_msg((strstr(sentence, "unconfirmed") == NULL) == output_drivers[k]->confirmed, "%s: %s",
						  output_drivers[k]->type, sentence);
			free(options);
			free(settings.inputs[0].options);
		}
	}
}
END_TEST

START_TEST(relp_in_is_acknowledged_when_stored)
{
	const char *sentence = explained("", RELP, STDOUT);
	check_says(sentence, "acknowledged to its sender when it is stored on disk");
	check_says(sentence, "senders are made to wait");
	check_does_not_say(sentence, "sync");
}
END_TEST

START_TEST(udp_in_loses_datagrams)
{
	const char *sentence = explained("\"memory\": \"48MiB\"", UDP, STDOUT);
	check_says(sentence, "The network may lose datagrams that nobody counts");
	check_says(sentence, "at most 48MiB");
	check_says(sentence, "new messages are dropped by severity and counted");
	check_does_not_say(sentence, "receive_aggregates");
}
END_TEST

START_TEST(aggregates_are_not_counted_exactly)
{
	const char *sentence = explained(
		"", "{ \"type\": \"udp\", \"listen\": \"[::1]:5514\", \"receive_aggregates\": true }", STDOUT);
	check_says(sentence, "What the kernel drops is counted by aggregates of 1 to 128 datagrams, not exactly "
						 "(receive_aggregates); the network may lose datagrams");
}
END_TEST

START_TEST(sync_off_is_named_on_every_path)
{
	check_does_not_say(explained("", RELP, STDOUT), "loses acknowledged messages");
	check_says(explained("\"sync\": \"off\"", RELP, STDOUT), "loses acknowledged messages");
	check_says(explained("\"sync\": \"off\"", TCP, STDOUT), "\"sync\" is \"off\"");
	check_says(explained("\"sync\": \"off\"", UDP, STDOUT), "\"sync\" is \"off\"");
}
END_TEST

/* Only those who wait, and get no answers, believe that all arrived which the kernel has taken. */
START_TEST(what_a_stop_may_drop_is_named)
{
	check_says(explained("", TCP, STDOUT), "a stop in order stores what had come while it can, for 20 s at the most");
	check_does_not_say(explained("", RELP, STDOUT), "a stop in order");
	check_does_not_say(explained("", UDP, STDOUT), "a stop in order");
}
END_TEST

START_TEST(drop_oldest_is_named_with_its_limits)
{
	const char *sentence = explained(
		"", TCP, STDOUT ", \"when_behind\": \"drop_oldest\", \"max_lag_size\": \"1GiB\", \"max_lag_time\": \"2h\"");
	check_says(sentence, "or 1GiB are pending or they are 2h old");
	check_says(sentence, "(drop_oldest)");
	check_does_not_say(sentence, "senders are made to wait");
}
END_TEST

START_TEST(balance_and_filters_are_named)
{
	const char *sentence =
		explained("", TCP,
				  "\"name\": \"o\", \"type\": \"relp\", \"servers\": [ \"a:1\", \"b:1\" ], \"mode\": \"balance\", "
				  "\"filter\": { \"severity\": \"err\" }");
	check_says(sentence, "(balance)");
	check_says(sentence, "its filter lets pass");
	check_says(sentence, "imrelp");
}
END_TEST

START_TEST(a_short_room_cuts_the_sentence)
{
	static struct settings settings;
	struct output_common common = {0};
	settings.inputs[0].driver = input_drivers[0];
	settings.inputs[0].options = calloc(1, input_drivers[0]->settings_size);
	settings.outputs[0].driver = output_driver_find("stdout");
	settings.inputs_count = settings.outputs_count = 1;
	void *options = calloc(1, settings.outputs[0].driver->settings_size);
	memcpy(options, &common, sizeof common);
	settings.outputs[0].options = options;
	for (size_t size = 1; size < 300; size++) {
		char *sentence = malloc(size);
		explain_path(&settings, 0, 0, sentence, size);
		ck_assert_uint_eq(strlen(sentence), size - 1);
		free(sentence);
	}
	free(options);
	free(settings.inputs[0].options);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("explain_path");
	TCase *tests = tcase_create("explain_path");
	tcase_add_test(tests, every_driver_is_known);
	tcase_add_test(tests, relp_in_is_acknowledged_when_stored);
	tcase_add_test(tests, udp_in_loses_datagrams);
	tcase_add_test(tests, aggregates_are_not_counted_exactly);
	tcase_add_test(tests, sync_off_is_named_on_every_path);
	tcase_add_test(tests, what_a_stop_may_drop_is_named);
	tcase_add_test(tests, drop_oldest_is_named_with_its_limits);
	tcase_add_test(tests, balance_and_filters_are_named);
	tcase_add_test(tests, a_short_room_cuts_the_sentence);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
