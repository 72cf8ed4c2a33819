/* SPDX-License-Identifier: Apache-2.0 */
/* The call: types, evaluation, errno, stack, and the helpers. */
#include "logged.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h> /* must live beside slog.h */

static void start(void)
{
	logged_start(&slog_encoder_json);
}

static int evaluated;

static int count(int value)
{
	evaluated++;
	return value;
}

START_TEST(every_c_type_has_its_json_type)
{
	bool b = true;
	signed char sc = -1;
	unsigned char uc = 255;
	short s = -2;
	unsigned short us = 65535;
	unsigned u = 4294967295u;
	long l = -3;
	unsigned long ul = 4;
	long long ll = INT64_MIN;
	unsigned long long ull = UINT64_MAX;
	float f = 0.1f;
	double d = 0.1;
	slog_info("t", "b", b, "sc", sc, "uc", uc, "s", s, "us", us, "i", -5, "u", u, "l", l, "ul", ul,
	          "ll", ll, "ull", ull,
	          "f", f, "d", d);
	ck_assert_str_eq(logged_members(),
	                 "\"msgid\":\"t\",\"b\":true,\"sc\":-1,\"uc\":255,\"s\":-2,\"us\":65535,\"i\":-5,"
	                 "\"u\":4294967295,\"l\":-3,"
	                 "\"ul\":4,\"ll\":-9223372036854775808,\"ull\":18446744073709551615,\"f\":0.1,\"d\":0.1");
}
END_TEST

START_TEST(pointers_are_strings_or_null)
{
	char text[] = "abc";
	const char *null = NULL;
	const unsigned char *octets = (const unsigned char *)"xyz";
	signed char letters[] = {'h', 'i', 0};
	slog_info("t", "a", text, "b", "lit", "c", null, "d", octets, "e", letters,
	          "f", (void *)0x1f, "g", (const void *)NULL);
	ck_assert_str_eq(logged_members(), "\"msgid\":\"t\",\"a\":\"abc\",\"b\":\"lit\",\"c\":null,\"d\":\"xyz\",\"e\":\"hi\","
	                                   "\"f\":\"0x1f\",\"g\":null");
}
END_TEST

START_TEST(helpers_make_what_c_has_no_type_for)
{
	struct timespec time = {1791756855, 120000000};
	slog_info("t", "b", slog_bool(evaluated == 77), "s", slog_str("a\0bc", 3), "n", slog_str(NULL, 5),
	          "y", slog_bytes("hi", 2),
	          "z", slog_bytes(NULL, 2), "t", slog_time(time), "p", slog_secret("hunter2"),
	          "g", slog_group("k", slog_list(1, "x")));
	ck_assert_str_eq(logged_members(), "\"msgid\":\"t\",\"b\":false,"
	                                   "\"s\":\"a\\u0000b\",\"n\":null,"
	                                   "\"y\":\"data:;base64,aGk=\","
	                                   "\"z\":null,\"t\":\"2026-10-11T22:14:15.120Z\",\"p\":\"***\","
	                                   "\"g\":{\"k\":[1,\"x\"]}");
	errno = ENOENT;
	slog_info("t", "e", slog_errno(), "f", slog_error(EACCES), "u", slog_error(99999));
	ck_assert_str_eq(logged_members(), "\"msgid\":\"t\",\"e\":\"ENOENT\","
	                                   "\"f\":{\"code\":13,\"name\":\"EACCES\",\"text\":\"Permission denied\"},"
	                                   "\"u\":{\"code\":99999,\"name\":\"unknown\",\"text\":\"Unknown error\"}");
	errno = 99999;
	slog_info("t", "e", slog_errno());
	ck_assert_str_eq(logged_members(), "\"msgid\":\"t\",\"e\":\"99999\"");
	errno = -1;
	slog_info("t", "e", slog_errno());
	ck_assert_str_eq(logged_members(), "\"msgid\":\"t\",\"e\":\"-1\"");
}
END_TEST

START_TEST(addresses_are_written_as_people_write_them)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(22), .sin_addr.s_addr = htonl(0xC0000201)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(22), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_un path = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
	struct sockaddr_un abstract = {.sun_family = AF_UNIX, .sun_path = "\0name"};
	struct sockaddr_un unnamed = {.sun_family = AF_UNIX};
	struct sockaddr *none = NULL;
	slog_info("t", "a", slog_addr(&in), "b", slog_addr(&in6), "c", slog_addr(&path), "d", slog_addr(&abstract),
	          "e", slog_addr(&unnamed), "f", slog_addr(none));
	ck_assert_str_eq(logged_members(), "\"msgid\":\"t\",\"a\":\"192.0.2.1:22\",\"b\":\"[::1]:22\",\"c\":\"unix:/dev/log\","
	                                   "\"d\":\"unix:@name\",\"e\":\"unix:\",\"f\":null");
}
END_TEST

/* Every pattern of zero words, with words of one to four digits, and those that end as IPv4. */
START_TEST(ipv6_is_written_as_inet_ntop_does)
{
	static const unsigned words[] = {0x1, 0x12, 0xABC, 0xFFFF};
	for (unsigned pattern = 0; pattern < 256 * 4; pattern++) {
		struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(1)};
		for (unsigned i = 0; i < 8; i++) {
			unsigned word = (pattern >> i & 1) != 0 ? words[(i + pattern / 256) % 4] : 0;
			in6.sin6_addr.s6_addr[2 * i] = (uint8_t)(word >> 8);
			in6.sin6_addr.s6_addr[2 * i + 1] = (uint8_t)word;
		}
		char text[INET6_ADDRSTRLEN], wanted[128];
		inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof text);
		snprintf(wanted, sizeof wanted, "\"msgid\":\"t\",\"a\":\"[%s]:1\"", text);
		slog_info("t", "a", slog_addr(&in6));
		ck_assert_str_eq(logged_members(), wanted);
	}
}
END_TEST

START_TEST(msgf_formats_and_marks_what_was_cut)
{
	static char text[2 * SLOG_MSGF_MAX];
	memset(text, 'x', sizeof text - 1);
	slog_info("t", "message", slog_msgf("%s: %d left", "disk", 3), "other", slog_msgf("%c", 'o'));
	ck_assert_str_eq(logged_members(), "\"msgid\":\"t\",\"message\":\"disk: 3 left\",\"other\":\"o\"");
	slog_info("t", "message", slog_msgf("%s", text));
	const char *line = logged();
	ck_assert_ptr_nonnull(strstr(line, "xxx...\"}"));
	ck_assert_uint_gt(strlen(line), SLOG_MSGF_MAX);
}
END_TEST

START_TEST(a_level_that_is_off_evaluates_nothing)
{
	evaluated = 0;
	slog_debug("t", "a", count(1), "g", slog_group("b", count(2)));
	slog_debug_to((evaluated += 10, SLOG_LOGGER), "t", "a", count(1));
	ck_assert_int_eq(evaluated, 10);
	slog_info("t", "a", count(1), "g", slog_group("b", count(2)), "l", slog_list(count(3)));
	ck_assert_int_eq(evaluated, 13);
	ck_assert_str_eq(logged_members(), "\"msgid\":\"t\",\"a\":1,\"g\":{\"b\":2},\"l\":[3]");
}
END_TEST

START_TEST(a_secret_is_not_looked_at)
{
	evaluated = 0;
	slog_info("t", "p", slog_secret(count(1)));
	ck_assert_int_eq(evaluated, 0);
}
END_TEST

static int refuse(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity)
{
	(void)sink, (void)line, (void)length, (void)severity;
	errno = EPIPE;
	return EPIPE;
}

START_TEST(errno_is_left_as_it_was)
{
	static const struct slog_sink_driver refusing = {.name = "refusing", .write = refuse};
	struct slog_sink sink = {&refusing, &slog_encoder_json, SLOG_EVENT_BYTES_DEFAULT};
	struct slog_sink *old = slog_set_sink(SLOG_LOGGER, &sink);
	struct slog_counters before = {.size = sizeof before};
	struct slog_counters after = {.size = sizeof after};
	slog_stats(&before);
	errno = 42;
	slog_warning("t", "message", slog_msgf("%d", 1));
	ck_assert_int_eq(errno, 42);
	slog_free(slog_with(SLOG_LOGGER, "a", 1));
	ck_assert_int_eq(errno, 42);
	slog_stats(&after);
	ck_assert_uint_eq(after.dropped[SLOG_WARNING] - before.dropped[SLOG_WARNING], 1);
	ck_assert_int_eq(after.last_error, EPIPE);
	slog_set_sink(SLOG_LOGGER, old);
	slog_sink_close(&old);
}
END_TEST

START_TEST(a_call_takes_32_pairs)
{
	slog_info("t", "k", 1, "k", 2, "k", 3, "k", 4, "k", 5, "k", 6, "k", 7, "k", 8, "k", 9, "k", 10, "k", 11, "k", 12,
	          "k", 13,
	          "k", 14, "k", 15, "k", 16, "k", 17, "k", 18, "k", 19, "k", 20, "k", 21, "k", 22, "k", 23, "k", 24, "k", 25,
	          "k", 26, "k", 27, "k", 28, "k", 29, "k", 30, "j", 31, "k", 32);
	ck_assert_str_eq(logged_members(), "\"msgid\":\"t\",\"j\":31,\"k\":32");
}
END_TEST

START_TEST(an_array_takes_keys_of_the_run_time)
{
	char key[] = "run time";
	struct slog_field fields[] = {slog_kv(key, 1), slog_kv("b", "x"), slog_kv("message", "m")};
	slog_event(SLOG_LOGGER, SLOG_NOTICE, "t", fields, 3);
	ck_assert_str_eq(logged_members(), "\"msgid\":\"t\",\"message\":\"m\",\"run time\":1,\"b\":\"x\"");
	slog_event(SLOG_LOGGER, SLOG_DEBUG, "t", fields, 3);
	ck_assert_str_eq(logged(), "");
	slog_event(SLOG_LOGGER, SLOG_NOTICE, "t", NULL, 0);
	ck_assert_str_eq(logged_members(), "\"msgid\":\"t\"");
}
END_TEST

inline void log_from_inline(int x);
inline void log_from_inline(int x)
{
	slog_info("t", "x", x, "b", slog_bool(x));
}
extern inline void log_from_inline(int x);

START_TEST(an_inline_function_may_log)
{
	log_from_inline(5);
	ck_assert_str_eq(logged_members(), "\"msgid\":\"t\",\"x\":5,\"b\":true");
}
END_TEST

START_TEST(a_call_is_one_statement)
{
	if (evaluated == -1)
		slog_info("t");
	else
		slog_info("u");
	ck_assert_str_eq(logged_members(), "\"msgid\":\"u\"");
}
END_TEST

/* Runs one call on a stack filled with a pattern, and sees how much of it was used. */
#define STACK_BYTES (4 << 20)
#define PATTERN 0xA5

static void *call_once(void *unused)
{
	slog_info("t", "message", "x", "g", slog_group("a", slog_list(1, 2.5e-300, slog_errno())), "e", slog_error(2));
	return unused;
}

static void *call_nothing(void *unused)
{
	return unused;
}

static size_t stack_used(void *(*function)(void *))
{
	unsigned char *stack = aligned_alloc(4096, STACK_BYTES);
	memset(stack, PATTERN, STACK_BYTES);
	pthread_attr_t attributes;
	pthread_t thread;
	pthread_attr_init(&attributes);
	ck_assert_int_eq(pthread_attr_setstack(&attributes, stack, STACK_BYTES), 0);
	ck_assert_int_eq(pthread_create(&thread, &attributes, function, NULL), 0);
	pthread_join(thread, NULL);
	pthread_attr_destroy(&attributes);
	size_t untouched = 0;
	while (untouched < STACK_BYTES && stack[untouched] == PATTERN)
		untouched++;
	free(stack);
	return STACK_BYTES - untouched;
}

/* What is promised is promised for optimised code; sanitizers and debug builds make frames larger. */
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define STACK_MAX 4096
#else
#define STACK_MAX 65536
#endif

START_TEST(a_call_uses_at_most_4_kib_of_stack)
{
	static const struct slog_encoder *const encoders[] = {
		&slog_encoder_rfc5424, &slog_encoder_json, &slog_encoder_console,
	};
	for (size_t i = 0; i < 3; i++) {
		logged_sink->encoder = encoders[i];
		stack_used(call_once); /* starts what is started once */
		size_t used = stack_used(call_once) - stack_used(call_nothing);
		ck_assert_uint_le(used, STACK_MAX);
	}
}
END_TEST

static struct slog_entry changed(const struct slog_entry *entry)
{
	struct slog_entry other = *entry;
	other.name = "another\nname";
	other.name_length = strlen(other.name);
	other.fields++;
	other.field_count--;
	other.shown--;
	return other;
}

static void put_changed_json(const struct slog_encoder *encoder, const struct slog_entry *entry, struct slog_line *line)
{
	(void)encoder;
	struct slog_entry other = changed(entry);
	slog_encoder_json.encode(&slog_encoder_json, &other, line);
}

static void put_changed_rfc5424(const struct slog_encoder *encoder, const struct slog_entry *entry, struct slog_line *line)
{
	(void)encoder;
	struct slog_entry other = changed(entry);
	slog_encoder_rfc5424.encode(&slog_encoder_rfc5424, &other, line);
}

/* What is kept of a call's site is true of its own entry only: the second call of a site knows it already. */
START_TEST(an_encoder_may_give_a_changed_copy_on)
{
	static const struct slog_encoder json = {"changed-json", put_changed_json}, rfc5424 = {"changed", put_changed_rfc5424};
	for (int call = 0; call < 6; call++) {
		logged_sink->encoder = call % 2 == 0 ? &json : &rfc5424;
		slog_info("event", "secret", "hidden", "user", "root");
		if (call % 2 == 0)
			ck_assert_str_eq(logged_members(), "\"msgid\":\"another\\nname\",\"user\":\"root\"");
		else
			ck_assert_str_eq(logged_sd(), "[slog@32473 user=\"root\" ~e=\"another␊name\"]");
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("call");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, start, logged_stop);
	tcase_add_test(tcase, every_c_type_has_its_json_type);
	tcase_add_test(tcase, pointers_are_strings_or_null);
	tcase_add_test(tcase, helpers_make_what_c_has_no_type_for);
	tcase_add_test(tcase, addresses_are_written_as_people_write_them);
	tcase_add_test(tcase, ipv6_is_written_as_inet_ntop_does);
	tcase_add_test(tcase, msgf_formats_and_marks_what_was_cut);
	tcase_add_test(tcase, a_level_that_is_off_evaluates_nothing);
	tcase_add_test(tcase, a_secret_is_not_looked_at);
	tcase_add_test(tcase, errno_is_left_as_it_was);
	tcase_add_test(tcase, a_call_takes_32_pairs);
	tcase_add_test(tcase, an_array_takes_keys_of_the_run_time);
	tcase_add_test(tcase, an_inline_function_may_log);
	tcase_add_test(tcase, a_call_is_one_statement);
	tcase_add_test(tcase, a_call_uses_at_most_4_kib_of_stack);
	tcase_add_test(tcase, an_encoder_may_give_a_changed_copy_on);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
