/* SPDX-License-Identifier: Apache-2.0 */
/* The same event in RFC 5424 and in JSON: the written examples, and the cases that other encodings lose. */
#include "logged.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static struct slog_sink *rfc5424_sink;
static struct slog_sink *json_sink;

static void write_to(struct slog_sink *sink)
{
	logged_sink = sink;
	slog_set_sink(SLOG_LOGGER, sink);
}

static void start(void)
{
	logged_start(&slog_encoder_rfc5424);
	rfc5424_sink = logged_sink;
	json_sink = slog_sink_memory(LOGGED_BYTES, &slog_encoder_json);
}

static void stop(void)
{
	slog_set_sink(SLOG_LOGGER, NULL);
	slog_sink_close(&rfc5424_sink);
	slog_sink_close(&json_sink);
	logged_stop();
}

/* Logs the same event through both encoders, so the arguments are evaluated twice. */
#define BOTH(sd, members, ...) \
	do { \
		write_to(rfc5424_sink); \
		slog_info(__VA_ARGS__); \
		ck_assert_str_eq(logged_sd(), sd); \
		write_to(json_sink); \
		slog_info(__VA_ARGS__); \
		ck_assert_str_eq(logged_members(), members); \
		write_to(rfc5424_sink); \
	} while (0)

START_TEST(the_examples_of_the_encoding)
{
	BOTH("[slog@32473 user=\"root\" valid=\"false\" port=\"54460\"]",
	     "\"msgid\":\"t\",\"user\":\"root\",\"valid\":false,\"port\":54460",
	     "t", "user", "root", "valid", slog_bool(false), "port", 54460);
	BOTH("[slog@32473 user=\"12345\" uid=\"1000\" ~s=\"user\"]",
	     "\"msgid\":\"t\",\"user\":\"12345\",\"uid\":1000", "t", "user", "12345", "uid", 1000);
	BOTH("[slog@32473 load=\"1.0\" next=\"null\" say=\"null\" ~s=\"say\"]",
	     "\"msgid\":\"t\",\"load\":1.0,\"next\":null,\"say\":\"null\"",
	     "t", "load", 1.0, "next", (void *)NULL, "say", "null");
	BOTH("[slog@32473 geo/city=\"Paris\" geo/lat=\"48.85\" tags=\"[\\\"a\\\",3\\]\"]",
	     "\"msgid\":\"t\",\"geo\":{\"city\":\"Paris\",\"lat\":48.85},\"tags\":[\"a\",3]",
	     "t", "geo", slog_group("city", "Paris", "lat", 48.85), "tags", slog_list("a", 3));
	BOTH("[slog@32473 q=\"say \\\"hi\\\" [x\\]\" p=\"C:\\\\x\" n=\"a␊b\"]",
	     "\"msgid\":\"t\",\"q\":\"say \\\"hi\\\" [x]\",\"p\":\"C:\\\\x\",\"n\":\"a\\nb\"",
	     "t", "q", "say \"hi\" [x]", "p", "C:\\x", "n", "a\nb");
	BOTH("[slog@32473 a%20key=\"v\" source.ip=\"10.0.0.1\"]",
	     "\"msgid\":\"t\",\"a key\":\"v\",\"source.ip\":\"10.0.0.1\"",
	     "t", "a key", "v", "source.ip", "10.0.0.1");
	BOTH("[slog@32473 raw=\"data:;base64,AAEC\"]", "\"msgid\":\"t\",\"raw\":\"data:;base64,AAEC\"",
	     "t", "raw", slog_bytes("\0\1\2", 3));
}
END_TEST

START_TEST(the_login_event_is_one_readable_line)
{
	const char *line = "<38>1 2026-10-11T22:14:15.003000Z host app PID auth [slog@32473 "
	                   "msg=\"Failed\" method=\"password\" "
	                   "valid=\"false\" user=\"root\" remote_ip=\"8.8.8.8\" remote_port=\"54460\" protocol=\"ssh2\" "
	                   "info=\"null\" from=\"[::1\\]:22\" ~s=\"info\"]";
	const char *info = "null";
	slog_info("auth", "msg", "Failed", "method", "password", "valid", slog_bool(0), "user", "root",
	          "remote_ip", "8.8.8.8", "remote_port", 54460, "protocol", "ssh2", "info", info, "from", "[::1]:22");
	char pid[24];
	char expected[512];
	snprintf(pid, sizeof pid, "%ld", (long)getpid());
	size_t before = (size_t)(strstr(line, "PID") - line);
	snprintf(expected, sizeof expected, "%.*s%s%s", (int)before, line, pid, line + before + 3);
	/* A string that starts with a bracket is listed, whatever follows. */
	char *names = strstr(expected, "info\"]");
	strcpy(names, "info from\"]");
	ck_assert_str_eq(logged(), expected);
}
END_TEST

START_TEST(the_json_line_has_the_header_first)
{
	write_to(json_sink);
	slog_err("t", "message", "hello", "a", 1);
	char expected[512];
	snprintf(expected, sizeof expected,
	         "{\"timestamp\":\"2026-10-11T22:14:15.003000Z\",\"severity\":\"err\",\"facility\":\"auth\","
	         "\"hostname\":\"host\",\"app_name\":\"app\",\"procid\":\"%ld\",\"msgid\":\"t\","
	         "\"message\":\"hello\",\"a\":1}", (long)getpid());
	ck_assert_str_eq(logged(), expected);
	slog_trace("t");
	ck_assert_str_eq(logged(), "");
	slog_set_level(SLOG_LOGGER, SLOG_TRACE);
	slog_trace("t");
	ck_assert_ptr_nonnull(strstr(logged(), "\"severity\":\"debug\""));
	slog_set_level(SLOG_LOGGER, SLOG_INFO);
}
END_TEST

START_TEST(a_line_feed_in_the_message_forges_no_record)
{
	BOTH("[slog@32473] root␊<0>1 - forged", "\"msgid\":\"t\",\"message\":\"root\\n<0>1 - forged\"",
	     "t", "message", "root\n<0>1 - forged");
	BOTH("[slog@32473 user=\"a␊b\\]\\\" x=\\\"y\"]", "\"msgid\":\"t\",\"user\":\"a\\nb]\\\" x=\\\"y\"",
	     "t", "user", "a\nb]\" x=\"y");
}
END_TEST

START_TEST(a_message_without_fields_needs_no_element)
{
	BOTH("- plain \"text\"]", "\"msgid\":\"t\",\"message\":\"plain \\\"text\\\"]\"", "t", "message", "plain \"text\"]");
	BOTH("-", "\"msgid\":\"t\"", "t");
	BOTH("-", "\"msgid\":\"t\"", "t", "message", "");
	BOTH("-", "\"msgid\":\"t\"", "t", "message", (const char *)NULL);
}
END_TEST

START_TEST(a_message_that_is_no_text_is_an_ordinary_field)
{
	BOTH("[slog@32473 message=\"5\"]", "\"msgid\":\"t\",\"_message\":5", "t", "message", 5);
}
END_TEST

START_TEST(of_equal_keys_the_last_stands_at_its_own_place)
{
	BOTH("[slog@32473 b=\"2\" a=\"3\"] y", "\"msgid\":\"t\",\"message\":\"y\",\"b\":2,\"a\":3",
	     "t", "a", 1, "message", "x", "b", 2, "a", 3, "message", "y");
	BOTH("[slog@32473 g/b=\"2\" g/a=\"3\"]", "\"msgid\":\"t\",\"g\":{\"b\":2,\"a\":3}",
	     "t", "g", slog_group("a", 1, "b", 2, "a", 3));
}
END_TEST

START_TEST(keys_that_differ_only_in_case_survive_a_reader_that_folds_them)
{
	BOTH("[slog@32473 user=\"a\" ~1=\"User=b\" ~2=\"USER=12\" ~s=\"~2\"]",
	     "\"msgid\":\"t\",\"user\":\"a\",\"User\":\"b\",\"USER\":\"12\"", "t", "user", "a", "User", "b", "USER", "12");
}
END_TEST

START_TEST(a_long_key_goes_into_the_value)
{
	BOTH("[slog@32473 a23456789012345678901234567890ab=\"1\" ~1=\"a23456789012345678901234567890abc=2\"]",
	     "\"msgid\":\"t\",\"a23456789012345678901234567890ab\":1,\"a23456789012345678901234567890abc\":2",
	     "t", "a23456789012345678901234567890ab", 1, "a23456789012345678901234567890abc", 2);
}
END_TEST

START_TEST(a_dotted_key_that_syslog_ng_would_split_too_long_goes_into_the_value)
{
	/* "slog@32473" + '.' + 21 octets are 32; one more is too many. */
	BOTH("[slog@32473 a23456789012345678901.b=\"1\" ~1=\"a234567890123456789012.b=2\"]",
	     "\"msgid\":\"t\",\"a23456789012345678901.b\":1,\"a234567890123456789012.b\":2",
	     "t", "a23456789012345678901.b", 1, "a234567890123456789012.b", 2);
}
END_TEST

START_TEST(an_object_whose_names_do_not_fit_is_json_text)
{
	BOTH("[slog@32473 object=\"{\\\"a_name_of_quite_some_length_\\\":{\\\"x\\\":\\\"\\\\\\\\n\\\"}}\" n=\"1\"]",
	     "\"msgid\":\"t\",\"object\":{\"a_name_of_quite_some_length_\":{\"x\":\"\\\\n\"}},\"n\":1",
	     "t", "object", slog_group("a_name_of_quite_some_length_", slog_group("x", "\\n")), "n", 1);
}
END_TEST

START_TEST(control_characters_in_json_text_are_escaped_once_for_each_level)
{
	BOTH("[slog@32473 l=\"[\\\"a\\\\nb\\\",\\\"␛␊\\\"\\]\"]", "\"msgid\":\"t\",\"l\":[\"a\\nb\",\"␊\"]",
	     "t", "l", slog_list("a\nb", "␊"));
}
END_TEST

START_TEST(reserved_names_gain_one_underscore_in_json_only)
{
	BOTH("[slog@32473 severity=\"1\" _severity=\"2\" __relay=\"3\" _other=\"4\"]",
	     "\"msgid\":\"t\",\"_severity\":1,\"__severity\":2,\"___relay\":3,\"_other\":4",
	     "t", "severity", 1, "_severity", 2, "__relay", 3, "_other", 4);
	BOTH("[slog@32473 g/severity=\"1\"]", "\"msgid\":\"t\",\"g\":{\"severity\":1}", "t", "g", slog_group("severity", 1));
}
END_TEST

START_TEST(hostile_keys_are_encoded)
{
	BOTH("[slog@32473 a%22%5D%20b%3D%22c=\"1\" %7Es=\"2\" %-=\"3\" x%2F%25=\"4\"]",
	     "\"msgid\":\"t\",\"a\\\"] b=\\\"c\":1,\"~s\":2,\"\":3,\"x/%\":4", "t", "a\"] b=\"c", 1, "~s", 2, "", 3, "x/%", 4);
}
END_TEST

START_TEST(strings_that_read_as_other_types_are_listed)
{
	BOTH("[slog@32473 a=\"true\" b=\"truer\" c=\"[\" d=\"{}\" e=\"-1.5e3\" f=\"01\" g=\"\" h=\" 1\" ~s=\"a c d e\"]",
	     "\"msgid\":\"t\",\"a\":\"true\",\"b\":\"truer\",\"c\":\"[\",\"d\":\"{}\",\"e\":\"-1.5e3\","
	     "\"f\":\"01\",\"g\":\"\",\"h\":\" 1\"",
	     "t", "a", "true", "b", "truer", "c", "[", "d", "{}", "e", "-1.5e3", "f", "01", "g", "", "h", " 1");
}
END_TEST

START_TEST(numbers_that_json_lacks_are_strings)
{
	double zero = 0;
	BOTH("[slog@32473 a=\"NaN\" b=\"Infinity\" c=\"-Infinity\" d=\"0.1\"]",
	     "\"msgid\":\"t\",\"a\":\"NaN\",\"b\":\"Infinity\",\"c\":\"-Infinity\",\"d\":0.1",
	     "t", "a", zero / zero, "b", 1 / zero, "c", -1 / zero, "d", 0.1f);
}
END_TEST

START_TEST(json_texts_are_put_in_compact_or_as_strings)
{
	BOTH("[slog@32473 a=\"{\\\"x\\\":[1,\\\" \\\"\\]}\" b=\"{bad\" c=\"1E400\" d=\"\\\"s\\\"\" e=\"null\" ~s=\"b\"]",
	     "\"msgid\":\"t\",\"a\":{\"x\":[1,\" \"]},\"b\":\"{bad\",\"c\":1E400,\"d\":\"\\\"s\\\"\",\"e\":null",
	     "t", "a", slog_json("{ \"x\" :\n[1, \" \"] }\n"), "b", slog_json("{bad"), "c", slog_json(" 1E400 "),
	     "d", slog_json("\"s\""), "e", slog_json(NULL));
}
END_TEST

START_TEST(an_event_name_that_msgid_cannot_hold_is_kept)
{
	struct slog_field none = slog_kv("x", 1);
	const char *name = "a name that is longer than thirty-two octets";
	slog_event(SLOG_LOGGER, SLOG_INFO, name, &none, 0);
	const char *line = logged();
	ck_assert_ptr_nonnull(strstr(line, " a_name_that_is_longer_than_thirt [slog@32473 ~e=\"a name that is longer than "
	                                   "thirty-two octets\"]"));
	slog_event(SLOG_LOGGER, SLOG_INFO, "-", &none, 0);
	ck_assert_ptr_nonnull(strstr(logged(), " _ [slog@32473 ~e=\"-\"]"));
	write_to(json_sink);
	slog_event(SLOG_LOGGER, SLOG_INFO, name, &none, 1);
	ck_assert_str_eq(logged_members(), "\"msgid\":\"a name that is longer than thirty-two octets\",\"x\":1");
}
END_TEST

START_TEST(an_event_has_at_most_200_parameters)
{
	static char keys[300][16];
	struct slog_field fields[300];
	for (int i = 0; i < 300; i++) {
		snprintf(keys[i], sizeof keys[i], "k%d", i);
		fields[i] = slog_kv(keys[i], "12");
	}
	slog_event(SLOG_LOGGER, SLOG_INFO, "t", fields, 300);
	const char *line = logged_sd();
	int params = 0;
	for (const char *at = line; (at = strstr(at, "=\"")) != NULL; at++)
		params++;
	ck_assert_int_le(params, 200);
	ck_assert_ptr_nonnull(strstr(line, " k194=\"12\" ~o=\"{\\\"k195\\\":\\\"12\\\",\\\"k196\\\""));
	ck_assert_ptr_nonnull(strstr(line, "\\\"k299\\\":\\\"12\\\"}\" ~s=\"k0 k1 "));
}
END_TEST

START_TEST(an_object_of_more_than_64_leaves_is_json_text)
{
	static char keys[65][16];
	struct slog_field members[65];
	for (int i = 0; i < 65; i++) {
		snprintf(keys[i], sizeof keys[i], "%d", i);
		members[i] = slog_kv(keys[i], i);
	}
	struct slog_field field = slog_kv("g", slog_group_value_(members, 64));
	slog_event(SLOG_LOGGER, SLOG_INFO, "t", &field, 1);
	ck_assert_ptr_nonnull(strstr(logged(), "[slog@32473 g/0=\"0\" g/1=\"1\""));
	field = slog_kv("g", slog_group_value_(members, 65));
	slog_event(SLOG_LOGGER, SLOG_INFO, "t", &field, 1);
	ck_assert_ptr_nonnull(strstr(logged(), "[slog@32473 g=\"{\\\"0\\\":0,\\\"1\\\":1"));
}
END_TEST

START_TEST(values_nested_too_deep_become_a_string)
{
	struct slog_value level[SLOG_DEPTH_MAX + 2];
	level[0] = slog_any(7);
	for (int i = 1; i < SLOG_DEPTH_MAX + 2; i++)
		level[i] = slog_list_value_(&level[i - 1], 1);
	struct slog_field fields[] = {slog_kv("ok", level[SLOG_DEPTH_MAX]), slog_kv("deep", level[SLOG_DEPTH_MAX + 1])};
	write_to(json_sink);
	slog_event(SLOG_LOGGER, SLOG_INFO, "t", fields, 2);
	const char *line = logged();
	ck_assert_ptr_nonnull(strstr(line, "[[7]]"));
	ck_assert_ptr_nonnull(strstr(line, "[\"(nested too deep)\"]"));
}
END_TEST

START_TEST(an_own_sd_id_announces_the_encoding)
{
	struct slog_rfc5424_encoder own = SLOG_RFC5424_ENCODER_INIT;
	own.sd_id = "acme@12345";
	own.escape_dots = true;
	rfc5424_sink->encoder = &own.encoder;
	slog_info("t", "a.b", 1);
	ck_assert_str_eq(logged_sd(), "[acme@12345 ~v=\"1\" a%2Eb=\"1\"]");
	own.sd_id = "slog@54321";
	slog_info("t", "a.b", 1);
	ck_assert_str_eq(logged_sd(), "[slog@54321 a%2Eb=\"1\"]");
}
END_TEST

START_TEST(a_large_event_loses_whole_fields_then_the_end_of_its_message)
{
	static char text[3000];
	memset(text, 'x', sizeof text - 1);
	rfc5424_sink->max_size = json_sink->max_size = SLOG_EVENT_BYTES_MIN;
	struct slog_counters before = {.size = sizeof before};
	struct slog_counters after = {.size = sizeof after};
	slog_stats(&before);
	BOTH("[slog@32473 a=\"1\" ~cut=\"2\"] hello", "\"msgid\":\"t\",\"message\":\"hello\",\"a\":1,\"~cut\":2",
	     "t", "a", 1, "message", "hello", "b", text, "c", 3);
	slog_info("t", "a", 1, "message", text);
	const char *line = logged();
	ck_assert_uint_eq(strlen(line), SLOG_EVENT_BYTES_MIN);
	ck_assert_ptr_nonnull(strstr(line, "[slog@32473 ~cut=\"1\"] xxxx"));
	slog_stats(&after);
	ck_assert_uint_eq(after.cut - before.cut, 3);
}
END_TEST

START_TEST(a_message_is_not_cut_inside_a_character)
{
	static char text[3001];
	for (size_t i = 0; i < sizeof text - 1; i += 3)
		memcpy(text + i, "␊", 3); /* each is written with a prefix, as six octets */
	rfc5424_sink->max_size = SLOG_EVENT_BYTES_MIN;
	slog_info("t", "message", text);
	const char *line = logged();
	ck_assert_uint_le(strlen(line), SLOG_EVENT_BYTES_MIN);
	ck_assert_uint_gt(strlen(line), SLOG_EVENT_BYTES_MIN - 7);
	ck_assert_str_eq(line + strlen(line) - 6, "␛␊");
}
END_TEST

START_TEST(a_field_that_was_cut_does_not_bring_back_the_one_it_replaced)
{
	static char text[3000];
	memset(text, 'x', sizeof text - 1);
	rfc5424_sink->max_size = SLOG_EVENT_BYTES_MIN;
	struct slog_logger *bound = slog_with(SLOG_LOGGER, "a", "old", "b", 1);
	slog_info_to(bound, "t", "a", text);
	ck_assert_str_eq(logged_sd(), "[slog@32473 b=\"1\" ~cut=\"1\"]");
	slog_free(bound);
}
END_TEST

START_TEST(a_line_for_people_has_no_control_characters)
{
	write_to(json_sink);
	json_sink->encoder = &slog_encoder_console;
	setenv("TZ", "UTC", 1);
	slog_warning("t", "message", "two\nlines", "a", "b c", "d", slog_list(1, "\xc2\x9b"), "e", "\033[31m", "f", "");
	ck_assert_str_eq(logged(), "22:14:15.003 warning t two␊lines a=\"b c\" d=[1,\"??\"] e=\"\\u001b[31m\" f=\"\"");
	slog_info_to(slog_logger("net"), "up", "n", 1.5, "s", "word");
	ck_assert_str_eq(logged(), "22:14:15.003 info    net: up n=1.5 s=word");
}
END_TEST

START_TEST(a_gap_in_sequence_ids_is_a_loss_and_nothing_else)
{
	static uint64_t sequence;
	static struct slog_rfc5424_encoder own = SLOG_RFC5424_ENCODER_INIT;
	static char large[100000];
	own.sequence = &sequence;
	own.software = "my\"app";
	own.software_version = "1.2.3";
	rfc5424_sink->encoder = &own.encoder;
	slog_info("first", "a", 1);
	ck_assert_str_eq(logged_sd(), "[origin software=\"my\\\"app\" swVersion=\"1.2.3\"][meta sequenceId=\"1\"]"
	                              "[slog@32473 a=\"1\"]");
	slog_info("plain");
	ck_assert_str_eq(logged_sd(), "[origin software=\"my\\\"app\" swVersion=\"1.2.3\"][meta sequenceId=\"2\"]");
	memset(large, 'x', sizeof large - 1);
	slog_info("cut", "large", large); /* encoded several times */
	ck_assert_ptr_nonnull(strstr(logged_sd(), "sequenceId=\"3\""));
	slog_info("last");
	ck_assert_ptr_nonnull(strstr(logged_sd(), "sequenceId=\"4\""));
	sequence = (sequence & ~(uint64_t)UINT32_MAX) | 2147483647;
	slog_info("wrapped");
	ck_assert_ptr_nonnull(strstr(logged_sd(), "sequenceId=\"1\""));
	pid_t child = fork();
	if (child == 0) {
		slog_info("of_the_child");
		slog_info("of_the_child");
		_exit(strstr(logged(), "sequenceId=\"2\"") != NULL ? 0 : 1);
	}
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(time_quality_says_whether_the_clock_is_synchronized)
{
	static struct slog_rfc5424_encoder own = SLOG_RFC5424_ENCODER_INIT;
	own.time_quality = true;
	rfc5424_sink->encoder = &own.encoder;
	slog_info("first");
	const char *sd = logged_sd();
	ck_assert(strcmp(sd, "[timeQuality tzKnown=\"1\" isSynced=\"0\"]") == 0 ||
	          strncmp(sd, "[timeQuality tzKnown=\"1\" isSynced=\"1\" syncAccuracy=\"", 55) == 0);
}
END_TEST

START_TEST(elements_of_others_count_among_the_200_parameters)
{
	static uint64_t sequence;
	static struct slog_rfc5424_encoder own = SLOG_RFC5424_ENCODER_INIT;
	static char keys[195][16];
	struct slog_field fields[195];
	own.sequence = &sequence;
	rfc5424_sink->encoder = &own.encoder;
	for (int i = 0; i < 195; i++) {
		snprintf(keys[i], sizeof keys[i], "k%d", i);
		fields[i] = slog_kv(keys[i], i);
	}
	slog_event(&slog_default_logger, SLOG_INFO, "many", fields, 195);
	const char *sd = logged_sd();
	ck_assert_ptr_nonnull(strstr(sd, " k193=\"193\" ~o=\"{\\\"k194\\\":194}\"]"));
}
END_TEST

START_TEST(a_line_for_people_has_one_space_between_what_there_is)
{
	write_to(slog_sink_memory(4096, &slog_encoder_console));
	slog_event(SLOG_LOGGER, SLOG_INFO, "", (struct slog_field[]){slog_kv("message", "hello"), slog_kv("a", 1)}, 2);
	ck_assert_str_eq(logged() + strlen("00:00:00.000 "), "info    hello a=1");
	slog_event(SLOG_LOGGER, SLOG_INFO, "", (struct slog_field[]){slog_kv("a", 1)}, 1);
	ck_assert_str_eq(logged() + strlen("00:00:00.000 "), "info    a=1");
	slog_info("t", "message", "hello", "a", 1);
	ck_assert_str_eq(logged() + strlen("00:00:00.000 "), "info    t hello a=1");
	slog_sink_close(&logged_sink);
	write_to(rfc5424_sink);
}
END_TEST

/* Fields k0, k1, ...; the processor time that one event with them takes, in seconds. */
static double seconds_of(const struct slog_field *fields, size_t n)
{
	struct timespec before, after;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	slog_event(SLOG_LOGGER, SLOG_INFO, "t", fields, n);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	return (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
}

START_TEST(eighty_thousand_fields_take_no_long_time)
{
	enum { MANY = 80000, KEY_BYTES = 16 };
	static char keys[MANY][KEY_BYTES];
	static struct slog_field fields[MANY];
	for (int i = 0; i < MANY; i++) {
		snprintf(keys[i], sizeof keys[i], "k%d", i);
		fields[i] = slog_kv(keys[i], i);
	}
	struct slog_sink *const sinks[] = {rfc5424_sink, json_sink};
	for (size_t i = 0; i < 2; i++) {
		write_to(sinks[i]);
		const double limit = 10; /* under valgrind 6; comparing each with each took minutes, as fast as can be */
		ck_assert_double_lt(seconds_of(fields, MANY), limit);
		struct slog_field group = slog_kv("group", slog_group_value_(fields, MANY));
		ck_assert_double_lt(seconds_of(&group, 1), limit);
		ck_assert_double_lt(seconds_of(fields, SLOG_COMPARED_MAX), limit);
	}
	write_to(rfc5424_sink);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("encode");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, the_examples_of_the_encoding);
	tcase_add_test(tcase, the_login_event_is_one_readable_line);
	tcase_add_test(tcase, the_json_line_has_the_header_first);
	tcase_add_test(tcase, a_line_feed_in_the_message_forges_no_record);
	tcase_add_test(tcase, a_message_without_fields_needs_no_element);
	tcase_add_test(tcase, a_message_that_is_no_text_is_an_ordinary_field);
	tcase_add_test(tcase, of_equal_keys_the_last_stands_at_its_own_place);
	tcase_add_test(tcase, keys_that_differ_only_in_case_survive_a_reader_that_folds_them);
	tcase_add_test(tcase, a_long_key_goes_into_the_value);
	tcase_add_test(tcase, a_dotted_key_that_syslog_ng_would_split_too_long_goes_into_the_value);
	tcase_add_test(tcase, an_object_whose_names_do_not_fit_is_json_text);
	tcase_add_test(tcase, control_characters_in_json_text_are_escaped_once_for_each_level);
	tcase_add_test(tcase, reserved_names_gain_one_underscore_in_json_only);
	tcase_add_test(tcase, hostile_keys_are_encoded);
	tcase_add_test(tcase, strings_that_read_as_other_types_are_listed);
	tcase_add_test(tcase, numbers_that_json_lacks_are_strings);
	tcase_add_test(tcase, json_texts_are_put_in_compact_or_as_strings);
	tcase_add_test(tcase, an_event_name_that_msgid_cannot_hold_is_kept);
	tcase_add_test(tcase, an_event_has_at_most_200_parameters);
	tcase_add_test(tcase, an_object_of_more_than_64_leaves_is_json_text);
	tcase_add_test(tcase, values_nested_too_deep_become_a_string);
	tcase_add_test(tcase, an_own_sd_id_announces_the_encoding);
	tcase_add_test(tcase, a_large_event_loses_whole_fields_then_the_end_of_its_message);
	tcase_add_test(tcase, a_message_is_not_cut_inside_a_character);
	tcase_add_test(tcase, a_field_that_was_cut_does_not_bring_back_the_one_it_replaced);
	tcase_add_test(tcase, a_line_for_people_has_no_control_characters);
	tcase_add_test(tcase, a_gap_in_sequence_ids_is_a_loss_and_nothing_else);
	tcase_add_test(tcase, time_quality_says_whether_the_clock_is_synchronized);
	tcase_add_test(tcase, elements_of_others_count_among_the_200_parameters);
	tcase_add_test(tcase, a_line_for_people_has_one_space_between_what_there_is);
	tcase_add_test(tcase, eighty_thousand_fields_take_no_long_time);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
