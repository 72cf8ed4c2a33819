/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading back: the events that the three complaints about syslog begin with, and lines without an end or without room.
 * What others may have made of our lines: test_read_rfc5424.c, test_read_json_logfmt.c; random events:
 * test_read_random.c.
 */
#include "support/guarded_bytes.h"

#include "read_back.h"

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
	tcase_add_test(tcase, less_room_is_told_and_never_left);
	tcase_add_test(tcase, every_end_of_a_line_is_safe);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
