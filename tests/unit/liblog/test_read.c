/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading back: the events that the three complaints about syslog begin with, and what others may have made of our
 * lines on the way. Random events are in test_read_random.c.
 */
#include "logged.h"

#include <locale.h>
#include <stdio.h>
#include <unistd.h>

#include <liblog/read.h>

#include "support/guarded_bytes.h"

static struct slog_sink *rfc5424_sink, *json_sink, *logfmt_sink;
static struct slog_reading reading;
static char text[LOGGED_BYTES];
static char room[SLOG_READ_ROOM(LOGGED_BYTES)];

static void start(void)
{
	logged_start(&slog_encoder_rfc5424);
	rfc5424_sink = logged_sink;
	json_sink = slog_sink_memory(LOGGED_BYTES, &slog_encoder_json);
	logfmt_sink = slog_sink_memory(LOGGED_BYTES, &slog_encoder_logfmt);
}

static void stop(void)
{
	slog_set_sink(SLOG_LOGGER, NULL);
	slog_sink_close(&rfc5424_sink);
	slog_sink_close(&json_sink);
	slog_sink_close(&logfmt_sink);
	logged_stop();
}

typedef enum slog_read_result read_fn(struct slog_reading *reading, const char *text, size_t length, char *room,
                                      size_t size);

static void read_line(read_fn *reader, const char *line)
{
	enum slog_read_result result = reader(&reading, line, strlen(line), room, SLOG_READ_ROOM(strlen(line)));
	ck_assert_msg(result == SLOG_READ_OK, "%s: %s", reading.reason, line);
}

/* The fields that were read, as JSON. */
static const char *fields_as_json(const struct slog_read_value *value)
{
	static char memory[1 << 18] __attribute__((aligned(16)));
	struct slog_line line = slog_line_in(text, sizeof text - 1);
	const struct slog_field *fields;
	ck_assert_uint_le(slog_read_fields_size(value), sizeof memory);
	struct slog_value group = slog_group_value_(NULL, 0);
	size_t n = slog_read_fields(value, memory, &fields);
	group = slog_group_value_(n > 0 ? fields : (struct slog_field *)memory, n);
	slog_line_put_json(&line, &group);
	ck_assert(!line.overflowed);
	text[line.length] = '\0';
	return text;
}

static void log_to(struct slog_sink *sink)
{
	logged_sink = sink;
	slog_set_sink(SLOG_LOGGER, sink);
}

/* Logs an event in both forms and reads each back: the fields must be `json`, the message must be `msg`. */
#define COMES_BACK(json, msg, ...) \
	do { \
		log_to(rfc5424_sink); \
		slog_info(__VA_ARGS__); \
		read_line(slog_read_rfc5424, logged()); \
		ck_assert_str_eq(fields_as_json(&reading.fields), json); \
		message_must_be(msg); \
		log_to(json_sink); \
		slog_info(__VA_ARGS__); \
		read_line(slog_read_json, logged()); \
		ck_assert_str_eq(fields_as_json(&reading.fields), json); \
		message_must_be(msg); \
		log_to(rfc5424_sink); \
	} while (0)

static void message_must_be(const char *message)
{
	ck_assert_uint_eq(reading.message.length, strlen(message));
	ck_assert_int_eq(memcmp(reading.message.length > 0 ? reading.message.text : "", message, strlen(message)), 0);
}

static struct slog_read_value field(const char *key)
{
	struct slog_read_value value = {0};
	ck_assert_msg(slog_read_find(&reading.fields, key, &value), "no field %s", key);
	return value;
}

/* ---- the complaints --------------------------------------------------------------------------------------------- */

static void log_login(const char *user)
{
	slog_info("auth", "msg", "Failed password", "method", "password", "valid", slog_bool(false), "user", user,
	          "remote_ip", "192.0.2.7", "remote_port", 54460, "protocol", "ssh2", "info", (const char *)NULL,
	          "authenticated", slog_bool(false));
}

/* One login attempt is one event with nine fields, whatever the attacker calls himself. */
static void login_must_be_read(read_fn *reader, const char *user)
{
	read_line(reader, logged());
	ck_assert_uint_eq(reading.name.length, 4);
	struct slog_read_cursor cursor = slog_read_members(&reading.fields);
	struct slog_read_member member;
	int count = 0;
	while (slog_read_next(&cursor, &member))
		count++;
	ck_assert_int_eq(count, 9);
	struct slog_read_value value = field("user");
	ck_assert(slog_read_is(&value, user));
	value = field("remote_ip");
	ck_assert(slog_read_is(&value, "192.0.2.7"));
	value = field("remote_port");
	int64_t port;
	ck_assert_int_eq((int)slog_as_i64(&value, &port), SLOG_AS_EXACT);
	ck_assert_int_eq(port, 54460);
	ck_assert_int_eq((int)field("valid").type, SLOG_READ_BOOL);
	ck_assert_str_eq(field("valid").text, "false");
	ck_assert_int_eq((int)field("info").type, SLOG_READ_NULL);
}

START_TEST(a_login_as_root_from_8_8_8_8_forges_nothing)
{
	static const char *const users[] = {
		"root", "root from 8.8.8.8", "root\" remote_ip=\"8.8.8.8", "root remote_ip=8.8.8.8", "root\"] forged",
		"root\",\"remote_ip\":\"8.8.8.8", "root\n<38>1 - - sshd - auth [slog@32473 user=\"x\"]", "\\", "\\\"", "true", "",
		"{\"a\":1}", "root\"][slog@32473 user=\"x\"", "root\033[2K",
	};
	for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
		log_to(rfc5424_sink);
		log_login(users[i]);
		login_must_be_read(slog_read_rfc5424, users[i]);
		log_to(json_sink);
		log_login(users[i]);
		login_must_be_read(slog_read_json, users[i]);
		log_to(logfmt_sink);
		log_login(users[i]);
		login_must_be_read(slog_read_logfmt, users[i]);
	}
}
END_TEST

START_TEST(a_mail_comes_back_with_its_types_and_its_list)
{
	COMES_BACK("{\"from\":\"a@example.com\",\"bytes\":12345,\"to\":[\"b@example.com\",\"c@example.com\"],\"spam\":false,"
	           "\"status\":\"queued\"}", "",
	           "smtp", "from", "a@example.com", "bytes", 12345, "to", slog_list("b@example.com", "c@example.com"), "spam",
	           slog_bool(false), "status", "queued");
	ck_assert_int_eq((int)field("to").type, SLOG_READ_LIST);
	ck_assert_int_eq((int)field("bytes").type, SLOG_READ_NUMBER);
}
END_TEST

START_TEST(the_header_comes_back)
{
	slog_warning("auth", "message", "two\nlines", "x", 1);
	read_line(slog_read_rfc5424, logged());
	ck_assert_int_eq(reading.severity, SLOG_WARNING);
	ck_assert_int_eq(reading.facility, SLOG_AUTH);
	ck_assert_int_eq(reading.time.tv_sec, 1791756855);
	ck_assert_int_eq(reading.time.tv_nsec, 3000000);
	ck_assert(reading.has_time && reading.is_typed && !reading.is_cut);
	ck_assert_int_eq(strncmp(reading.hostname.text, "host ", 5), 0);
	ck_assert_int_eq(strncmp(reading.app_name.text, "app ", 4), 0);
	message_must_be("two\nlines");
	log_to(json_sink);
	slog_warning("auth", "message", "two\nlines", "x", 1);
	read_line(slog_read_json, logged());
	ck_assert_int_eq(reading.severity, SLOG_WARNING);
	ck_assert_int_eq(reading.facility, SLOG_AUTH);
	ck_assert_int_eq(reading.time.tv_sec, 1791756855);
	ck_assert_str_eq(reading.hostname.text, "host");
	ck_assert_str_eq(reading.app_name.text, "app");
	message_must_be("two\nlines");
}
END_TEST

/* ---- what may have happened on the way -------------------------------------------------------------------------- */

#define HEADER "<38>1 2026-10-11T22:14:15.003000Z host app 42 t "

static const char *sd_fields(const char *sd)
{
	char line[2048];
	snprintf(line, sizeof line, HEADER "%s", sd);
	static char kept[2048];
	strcpy(kept, line);
	read_line(slog_read_rfc5424, kept);
	return fields_as_json(&reading.fields);
}

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

/* ---- JSON and logfmt -------------------------------------------------------------------------------------------- */

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

/* ---- C types ---------------------------------------------------------------------------------------------------- */

static struct slog_read_value number(const char *digits)
{
	struct slog_read_value value = {SLOG_READ_NUMBER, digits, strlen(digits)};
	return value;
}

static void must_be_i64(const char *digits, enum slog_as as, int64_t wanted)
{
	struct slog_read_value value = number(digits);
	int64_t got;
	ck_assert_msg(slog_as_i64(&value, &got) == as, "%s", digits);
	ck_assert_int_eq(got, wanted);
}

static void must_be_u64(const char *digits, enum slog_as as, uint64_t wanted)
{
	struct slog_read_value value = number(digits);
	uint64_t got;
	ck_assert_msg(slog_as_u64(&value, &got) == as, "%s", digits);
	ck_assert_uint_eq(got, wanted);
}

static void must_be_double(const char *digits, enum slog_as as, double wanted)
{
	struct slog_read_value value = number(digits);
	double got;
	ck_assert_msg(slog_as_double(&value, &got) == as, "%s", digits);
	ck_assert_double_eq(got, wanted);
}

START_TEST(integers_say_if_they_are_exact)
{
	must_be_i64("9223372036854775807", SLOG_AS_EXACT, INT64_MAX);
	must_be_i64("9223372036854775808", SLOG_AS_INEXACT, INT64_MAX);
	must_be_i64("-9223372036854775808", SLOG_AS_EXACT, INT64_MIN);
	must_be_i64("-9223372036854775809", SLOG_AS_INEXACT, INT64_MIN);
	must_be_i64("-0", SLOG_AS_EXACT, 0);
	must_be_i64("1.0", SLOG_AS_EXACT, 1);
	must_be_i64("-1.5", SLOG_AS_INEXACT, -1);
	must_be_i64("12e2", SLOG_AS_EXACT, 1200);
	must_be_i64("1200e-2", SLOG_AS_EXACT, 12);
	must_be_i64("0.001", SLOG_AS_INEXACT, 0);
	must_be_i64("0.00e5", SLOG_AS_EXACT, 0);
	must_be_i64("1e99999999999999999999", SLOG_AS_INEXACT, INT64_MAX);
	must_be_u64("18446744073709551615", SLOG_AS_EXACT, UINT64_MAX);
	must_be_u64("18446744073709551616", SLOG_AS_INEXACT, UINT64_MAX);
	must_be_u64("1844674407370955161.5e1", SLOG_AS_EXACT, UINT64_MAX);
	must_be_u64("-1", SLOG_AS_INEXACT, 0);
	must_be_u64("-0.0", SLOG_AS_EXACT, 0);
}
END_TEST

START_TEST(doubles_say_if_they_are_exact_whatever_the_locale)
{
	setlocale(LC_ALL, "de_DE.UTF-8");
	must_be_double("0.1", SLOG_AS_EXACT, 0.1);
	must_be_double("1E0", SLOG_AS_EXACT, 1);
	must_be_double("100e-2", SLOG_AS_EXACT, 1);
	must_be_double("5e-324", SLOG_AS_EXACT, 5e-324);
	must_be_double("9007199254740993", SLOG_AS_INEXACT, 9007199254740992.0);
	must_be_double("0.10000000000000000001", SLOG_AS_INEXACT, 0.1);
	must_be_double("1e-400", SLOG_AS_INEXACT, 0);
	struct slog_read_value value = number("1E400");
	double got;
	ck_assert_int_eq((int)slog_as_double(&value, &got), SLOG_AS_INEXACT);
	ck_assert(got > 1e308);
	value = (struct slog_read_value){SLOG_READ_STRING, "1", 1};
	ck_assert_int_eq((int)slog_as_double(&value, &got), SLOG_AS_NONE);
}
END_TEST

static bool bytes_are(const char *base64, const char *octets, size_t length)
{
	struct slog_read_value value = {SLOG_READ_STRING, base64, strlen(base64)};
	char out[16];
	size_t got;
	return slog_as_bytes(&value, out, sizeof out, &got) && got == length && memcmp(out, octets, length) == 0;
}

START_TEST(octets_are_read_from_their_spelling)
{
	ck_assert(bytes_are("data:;base64,AAEC", "\0\1\2", 3));
	ck_assert(bytes_are("data:;base64,AAE=", "\0\1", 2));
	ck_assert(bytes_are("data:;base64,/w==", "\xff", 1));
	ck_assert(bytes_are("data:;base64,", "", 0));
	ck_assert(!bytes_are("data:;base64,AAE", "", 0));
	ck_assert(!bytes_are("data:;base64,A===", "", 0));
	ck_assert(!bytes_are("data:;base64,AA==AAAA", "", 0));
	ck_assert(!bytes_are("data:;base64,AA*A", "", 0));
	ck_assert(!bytes_are("AAEC", "", 0));
	ck_assert(!bytes_are("data:;base64,AAECAAECAAECAAECAAECAAECAAEC", "", 0));
}
END_TEST

/* ---- memory ----------------------------------------------------------------------------------------------------- */

START_TEST(less_room_is_told_and_never_left)
{
	const char *line = HEADER "[slog@1 a=\"[1,2,3\\]\" g/b=\"x\" ~1=\"c=d\" ~o=\"{\\\"e\\\":1}\"][x@1 y=\"z\"] message";
	size_t length = strlen(line);
	bool was_enough = false;
	for (size_t size = 0; size <= SLOG_READ_ROOM(length); size++) {
		struct guarded_bytes lent = guarded_bytes_room(size);
		enum slog_read_result result = slog_read_rfc5424(&reading, line, length, (char *)lent.at, size);
		ck_assert(result == SLOG_READ_OK || (result == SLOG_READ_NO_ROOM && !was_enough));
		was_enough = result == SLOG_READ_OK;
		guarded_bytes_free(&lent);
	}
	ck_assert(was_enough);
}
END_TEST

START_TEST(every_end_of_a_line_is_safe)
{
	const char *line = HEADER "[slog@1 a=\"\uEFC3\uEF80␛␠␛␊\\]\" ~1=\"c=d\" ~s=\"a\"][x@1 y=\"\\\\\"] ␛␠\uEF80";
	for (size_t length = 0; length <= strlen(line); length++) {
		struct guarded_bytes cut = guarded_bytes_copy(bytes_of((const uint8_t *)line, length));
		slog_read_rfc5424(&reading, (const char *)cut.at, length, room, sizeof room);
		slog_read_json(&reading, (const char *)cut.at, length, room, sizeof room);
		slog_read_logfmt(&reading, (const char *)cut.at, length, room, sizeof room);
		guarded_bytes_free(&cut);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("read");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, a_login_as_root_from_8_8_8_8_forges_nothing);
	tcase_add_test(tcase, a_mail_comes_back_with_its_types_and_its_list);
	tcase_add_test(tcase, the_header_comes_back);
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
	tcase_add_test(tcase, a_reserved_name_without_its_type_is_an_ordinary_field);
	tcase_add_test(tcase, of_equal_keys_the_last_one_is_found);
	tcase_add_test(tcase, surrogates_in_json_are_characters_in_pairs_and_octets_alone);
	tcase_add_test(tcase, what_is_no_json_object_is_invalid);
	tcase_add_test(tcase, fields_may_have_32_levels_and_no_more);
	tcase_add_test(tcase, logfmt_keeps_the_types_of_scalars);
	tcase_add_test(tcase, logfmt_of_others_is_read_as_well_as_can_be);
	tcase_add_test(tcase, ecs_has_its_three_names_first_and_no_name_twice);
	tcase_add_test(tcase, the_json_behind_a_cee_cookie_is_an_event);
	tcase_add_test(tcase, integers_say_if_they_are_exact);
	tcase_add_test(tcase, doubles_say_if_they_are_exact_whatever_the_locale);
	tcase_add_test(tcase, octets_are_read_from_their_spelling);
	tcase_add_test(tcase, less_room_is_told_and_never_left);
	tcase_add_test(tcase, every_end_of_a_line_is_safe);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
