/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short cuts of a logging call give the same octets as the long way: what a thread remembers of call sites, bound
 * fields that were encoded once, headers that were kept. Random events, each logged several times from a descriptor made
 * here, against the same fields encoded without any of that.
 */
#include "logged.h"

#include <stdio.h>
#include <string.h>

#include "identity.h"
#include "logger.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define EVENTS 200
#else
#define EVENTS 3000
#endif
#define PAIRS_MAX 12
#define REFERENCE_BYTES 65536

static const char *const keys[] = {
	"user", "User", "uid", "message", "msg", "timestamp", "_timestamp", "a.b", "a%b", "~s", "", "a key", "q\"k",
	"remote_ip", "remote_port", "a_key_that_is_longer_than_a_param_name", "sixteen_octets_k", "seventeen_octets_", "k]",
	"procid", "relay",
	"very.long.dotted.key.x", "tail.", "\xC3\xA9t\xC3\xA9", "msgid", "n", "x1", "x2", "x3", "x4", "x5", "x6",
};
static const char *const texts[] = {
	"", "root", "12345", "true", "-1", "1e5", "[x", "{", "say \"hi\"", "a\\b", "line1\nline2", "\x1B[31m", "caf\xC3\xA9",
	"\xFF\xFE",
	"]", "fifteen octets!", "sixteen octets!!", "seventeen octets!", "a text of more than two blocks of octets, and a half",
	"\xE2\x90\x8A picture", "null", "192.0.2.1", "plain text with a quote at the very end\"",
};
#define COUNT(array) (sizeof(array) / sizeof *(array))

static uint64_t random_state = 88172645463325252;

static size_t below(size_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (size_t)(random_state % limit);
}

static struct slog_value any_value(void)
{
	static const struct slog_field group[] = {{"city", 4, {.type = SLOG_TYPE_UINT, .as = {.u64 = 7}}}};
	switch (below(12)) {
	case 0:
		return slog_int_value_((long long)random_state);
	case 1:
		return slog_uint_value_(random_state >> below(64));
	case 2:
		return slog_double_value_((double)(int64_t)random_state / 1000);
	case 3:
		return slog_bool_value_(below(2) == 0);
	case 4:
		return slog_null_value_();
	case 5:
		return slog_group_value_(group, 1);
	case 6:
		return slog_error_value_(SLOG_TYPE_ERROR, 2);
	default:
		return slog_string_value_(texts[below(COUNT(texts))]);
	}
}

/* A descriptor as a call site has it, at one address, whatever stands in it. */
static _Alignas(4) char descriptor[2048];
static struct slog_field fields[PAIRS_MAX];
static struct slog_value values[PAIRS_MAX];
static size_t pairs;

static void make_event(void)
{
	static const char event[] = "event";
	char *text = descriptor + sizeof(struct slog_site);
	struct slog_name names[PAIRS_MAX + 1] = {{sizeof event - 1, 0, 0}};
	pairs = below(PAIRS_MAX + 1);
	struct slog_site site = {SLOG_SITE_VERSION, sizeof(struct slog_site), SLOG_INFO, (uint8_t)pairs};
	memcpy(descriptor, &site, sizeof site);
	char *at = text + (pairs + 1) * sizeof *names;
	memcpy(at, event, sizeof event - 1);
	at += sizeof event - 1;
	for (size_t i = 0; i < pairs; i++) {
		const char *key = keys[below(COUNT(keys))];
		names[i + 1].length = (uint16_t)strlen(key);
		memcpy(at, key, strlen(key));
		values[i] = any_value();
		fields[i] = slog_field_(at, strlen(key), values[i]);
		at += strlen(key);
	}
	memcpy(text, names, (pairs + 1) * sizeof *names);
}

/* The event the long way, with its LF. */
static const char *reference(const struct slog_logger *logger, const struct slog_encoder *encoder)
{
	static char text[REFERENCE_BYTES];
	struct slog_entry entry = {
		.time = slog_clock_now(), .severity = SLOG_INFO, .facility = SLOG_AUTH, .logger = "", .name = "event",
		.name_length = 5, .hostname = slog_identity_hostname(), .app_name = slog_identity_app_name(),
		.pid = slog_identity_pid(), .bound = logger->state->set.fields, .bound_count = logger->state->set.count,
		.fields = fields, .field_count = pairs, .shown = logger->state->set.count + pairs,
	};
	for (size_t i = entry.shown; i-- > 0 && entry.message == NULL;) {
		const struct slog_field *field = i < entry.bound_count ? &entry.bound[i] : &fields[i - entry.bound_count];
		if (field->key_length != 7 || memcmp(field->key, "message", 7) != 0)
			continue;
		/* The last "message" stands; it is the message if it is text, and none if it is null or empty. */
		if (field->value.type == SLOG_TYPE_STRING && field->value.length > 0) {
			entry.message = field->value.as.text;
			entry.message_length = field->value.length;
		}
		break;
	}
	struct slog_line line = slog_line_in(text, sizeof text - 1);
	encoder->encode(encoder, &entry, &line);
	ck_assert(!line.overflowed);
	text[line.length] = '\0';
	return text;
}

/* Three times: the first makes the thread remember the site, the second writes its texts, the third uses them. */
static void check_event(struct slog_logger *logger, const struct slog_encoder *encoder)
{
	const char *expected = reference(logger, encoder);
	for (int i = 0; i < 3; i++) {
		slog_emit_values_1(logger, (const struct slog_site *)(const void *)descriptor, values);
		ck_assert_str_eq(logged(), expected);
	}
	slog_event(logger, SLOG_INFO, "event", fields, pairs);
	ck_assert_str_eq(logged(), expected);
}

static void check_events(const struct slog_encoder *encoder)
{
	logged_start(encoder);
	struct slog_logger *bound = slog_with(&slog_default_logger, "user", "root", "x1", "12345", "a.b", 1, "x2", "say \"hi\"");
	struct slog_logger *other = slog_with(&slog_default_logger, "x3", "true", "message", "bound text", "uid", 7);
	struct slog_logger *nested = slog_with(&slog_default_logger, "geo", slog_group("city", "Paris"), "n", 1);
	struct slog_logger *loggers[] = {&slog_default_logger, bound, other, nested};
	for (int i = 0; i < EVENTS; i++) {
		make_event();
		for (size_t l = 0; l < COUNT(loggers); l++)
			check_event(loggers[l], encoder);
	}
	slog_free(bound);
	slog_free(other);
	slog_free(nested);
	logged_stop();
}

START_TEST(json_is_the_same_by_every_road)
{
	check_events(&slog_encoder_json);
}
END_TEST

START_TEST(structured_data_is_the_same_by_every_road)
{
	check_events(&slog_encoder_rfc5424);
}
END_TEST

START_TEST(structured_data_with_an_own_sd_id_is_the_same_by_every_road)
{
	static struct slog_rfc5424_encoder own = SLOG_RFC5424_ENCODER_INIT;
	own.sd_id = "acme.example.corp@12345";
	check_events(&own.encoder);
	own.escape_dots = true;
	check_events(&own.encoder);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("same_text");
	TCase *tcase = tcase_create("all");
	tcase_add_test(tcase, json_is_the_same_by_every_road);
	tcase_add_test(tcase, structured_data_is_the_same_by_every_road);
	tcase_add_test(tcase, structured_data_with_an_own_sd_id_is_the_same_by_every_road);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
