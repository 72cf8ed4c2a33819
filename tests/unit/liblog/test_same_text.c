/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short cuts of a logging call give the same octets as the long way: the short road from the arguments into the line,
 * what a thread remembers of call sites, bound fields that were encoded once, headers that were kept. Random events, each
 * logged several times from a descriptor made here, against the same fields encoded without any of that.
 */
#include "logged.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "identity.h"
#include "logger.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define EVENTS 200
#else
#define EVENTS 2000
#endif
#define MANY_EVERY 40 /* events of a logger whose events take long to check */
#define PAIRS_MAX 12
#define REFERENCE_BYTES 1048576

static const char *const keys[] = {
	"user", "User", "uid", "message", "msg", "timestamp", "_timestamp", "a.b", "a%b", "~s", "", "a key", "q\"k",
	"remote_ip", "remote_port", "a_key_that_is_longer_than_a_param_name", "sixteen_octets_k", "seventeen_octets_", "k]",
	"procid", "relay",
	"very.long.dotted.key.x", "tail.", "\xC3\xA9t\xC3\xA9", "msgid", "n", "x1", "x2", "x3", "x4", "x5", "x6",
};
static const char *const plain_keys[PAIRS_MAX] = {
	"user", "valid", "sixteen_octets_k", "n", "remote_ip", "a_key_of_thirty-two_octets_in_it", "x", "uid", "b-2", "method",
	"attempt", "zz",
};
static const char *const texts[] = {
	"", "root", "12345", "true", "-1", "1e5", "[x", "{", "say \"hi\"", "a\\b", "line1\nline2", "\x1B[31m", "caf\xC3\xA9",
	"\xFF\xFE", "]", "x", "ab", "abc", "abcd", "seven o", "a \"quote", "fifteen octets!", "sixteen octets!!",
	"seventeen octets!", "a text of more than two blocks of octets, and a half", "\xE2\x90\x8A picture", "null",
	"192.0.2.1", "\xEF\xBB\xBFmarked", "plain text with a quote at the very end\"",
};
static const char *const events[] = {"event", "-", "", "an event", "say\"hi\"", "a_name_of_thirty-two_octets_here"};
static char long_text[40000]; /* its end is a text of any length: the short road's line ends within it, at every place */
#define COUNT(array) (sizeof(array) / sizeof *(array))

static uint64_t random_state = 88172645463325252;

static size_t below(size_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (size_t)(random_state % limit);
}

static const char *any_text(void)
{
	if (below(20) > 0)
		return texts[below(COUNT(texts))];
	return long_text + sizeof long_text - 1 - below(below(8) == 0 ? sizeof long_text : 1900);
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
		return slog_string_value_(any_text());
	}
}

/* Descriptors as call sites of C and of C++ have them, at one address each, whatever stands in them. */
static _Alignas(4) char descriptor[2048];
static _Alignas(4) char descriptor_cxx[sizeof descriptor];
static struct slog_field fields[PAIRS_MAX];
static struct slog_value values[PAIRS_MAX];
static size_t pairs;
static const char *event;
static enum slog_severity severity;
static enum slog_facility facility;

/* The arguments of a call in C, by their position; what of them a value is made from stands in `values`. */
enum call { CALL_OF_TEXTS, CALL_OF_TYPES, CALL_OF_VALUES, CALLS };
static enum call call;
static const char *strings[PAIRS_MAX];
static long long numbers[PAIRS_MAX];
static double floats[PAIRS_MAX];

static const uint8_t types[PAIRS_MAX] = {
	SLOG_ARGUMENT_INT_, SLOG_ARGUMENT_STRING_, SLOG_ARGUMENT_BOOL_, SLOG_ARGUMENT_DOUBLE_, SLOG_ARGUMENT_UINT_,
	SLOG_ARGUMENT_LONG_, SLOG_ARGUMENT_ULONG_, SLOG_ARGUMENT_LLONG_, SLOG_ARGUMENT_ULLONG_, SLOG_ARGUMENT_FLOAT_,
	SLOG_ARGUMENT_POINTER_, SLOG_ARGUMENT_VALUE_,
};

static uint8_t argument_at(size_t i)
{
	return call == CALL_OF_TEXTS ? SLOG_ARGUMENT_STRING_ : call == CALL_OF_VALUES ? SLOG_ARGUMENT_VALUE_ : types[i];
}

static struct slog_value value_at(size_t i)
{
	switch (argument_at(i)) {
	case SLOG_ARGUMENT_INT_:
		return slog_int_value_((int)numbers[i]);
	case SLOG_ARGUMENT_STRING_:
		return slog_string_value_(strings[i]);
	case SLOG_ARGUMENT_BOOL_:
		return slog_bool_value_((int)numbers[i] != 0);
	case SLOG_ARGUMENT_DOUBLE_:
		return slog_double_value_(floats[i]);
	case SLOG_ARGUMENT_UINT_:
		return slog_uint_value_((unsigned)numbers[i]);
	case SLOG_ARGUMENT_LONG_:
		return slog_int_value_((long)numbers[i]);
	case SLOG_ARGUMENT_ULONG_:
		return slog_uint_value_((unsigned long)numbers[i]);
	case SLOG_ARGUMENT_LLONG_:
		return slog_int_value_(numbers[i]);
	case SLOG_ARGUMENT_ULLONG_:
		return slog_uint_value_((unsigned long long)numbers[i]);
	case SLOG_ARGUMENT_FLOAT_:
		return slog_float_value_((float)floats[i]);
	case SLOG_ARGUMENT_POINTER_:
		return slog_pointer_value_(strings[i]);
	default:
		return any_value();
	}
}

/* More arguments than the site has pairs are passed, and not looked at. */
static void emit_in_c(struct slog_logger *logger)
{
	const struct slog_site *site = (const struct slog_site *)(const void *)descriptor;
	const char *const *s = strings;
	const struct slog_value *v = values;
	if (call == CALL_OF_TEXTS)
		slog_emit_1(logger, site, s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9], s[10], s[11]);
	else if (call == CALL_OF_VALUES)
		slog_emit_1(logger, site, v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10], v[11]);
	else
		slog_emit_1(logger, site, (int)numbers[0], s[1], (int)numbers[2], floats[3], (unsigned)numbers[4],
		            (long)numbers[5], (unsigned long)numbers[6], numbers[7], (unsigned long long)numbers[8],
		            (double)(float)floats[9], (const void *)s[10], v[11]);
}

static void make_values(void)
{
	call = (enum call)below(CALLS);
	for (size_t i = 0; i < PAIRS_MAX; i++) {
		strings[i] = below(20) == 0 ? NULL : any_text();
		numbers[i] = (long long)(random_state >> below(64)) * (below(2) == 0 ? 1 : -1);
		floats[i] = (double)numbers[i] / 1000;
		values[i] = value_at(i);
	}
}

static void make_event(void)
{
	char *text = descriptor + sizeof(struct slog_site);
	struct slog_name names[PAIRS_MAX + 1] = {{0, 0, 0}};
	event = events[below(2) == 0 ? 0 : below(COUNT(events))];
	severity = (enum slog_severity)below(SLOG_SEVERITIES);
	facility = (enum slog_facility)below(SLOG_FACILITIES);
	pairs = below(PAIRS_MAX + 1);
	bool begins_with_message = below(4) == 0;
	make_values();
	struct slog_site site = {SLOG_SITE_VERSION, sizeof(struct slog_site), (uint8_t)severity, (uint8_t)pairs, 0};
	char *start = text + (pairs + 1) * sizeof *names;
	char *at = start;
	names[0].length = (uint16_t)strlen(event);
	memcpy(at, event, strlen(event));
	at += strlen(event);
	for (size_t i = 0; i < pairs; i++) {
		/* Half of the events have keys of which the short road can write each. */
		const char *key = random_state & 1 ? keys[below(COUNT(keys))] : plain_keys[i];
		if (i == 0 && begins_with_message)
			key = "message";
		names[i + 1].length = (uint16_t)strlen(key);
		names[i + 1].argument = argument_at(i);
		memcpy(at, key, strlen(key));
		fields[i] = slog_field_(at, strlen(key), values[i]);
		at += strlen(key);
	}
	site.text = (uint16_t)(at - start);
	memcpy(descriptor, &site, sizeof site);
	memcpy(text, names, (pairs + 1) * sizeof *names);
	for (size_t i = 0; i <= pairs; i++)
		names[i].argument = SLOG_ARGUMENT_NONE_;
	memcpy(descriptor_cxx, descriptor, sizeof descriptor);
	memcpy(descriptor_cxx + sizeof site, names, (pairs + 1) * sizeof *names);
}

/* The event the long way, with its LF. */
static const char *reference(const struct slog_logger *logger, const struct slog_encoder *encoder)
{
	static char text[REFERENCE_BYTES];
	struct slog_entry entry = {
		.time = slog_clock_now(), .severity = severity, .facility = facility, .logger = "", .name = event,
		.name_length = strlen(event), .hostname = slog_identity_hostname(), .app_name = slog_identity_app_name(),
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
		slog_emit_values_1(logger, (const struct slog_site *)(const void *)descriptor_cxx, values);
		ck_assert_str_eq(logged(), expected);
	}
	for (int i = 0; i < 3; i++) {
		emit_in_c(logger);
		ck_assert_str_eq(logged(), expected);
	}
	slog_event(logger, severity, event, fields, pairs);
	ck_assert_str_eq(logged(), expected);
}

/* Mostly the next microsecond; now and then another second, or one that has no TIMESTAMP. */
static void let_time_pass(struct timespec *now)
{
	static const time_t seconds[] = {0, 951782400, 1791756855, 253402300799, 253402300800, -62167219201};
	now->tv_nsec = (long)below(1000000000);
	if (below(10) == 0)
		now->tv_sec = below(2) == 0 ? now->tv_sec + 1 : seconds[below(COUNT(seconds))];
	slog_clock_freeze(now);
}

/* So many bound fields that an event's own may be beyond what an element holds. */
static struct slog_logger *logger_of_many(void)
{
	static char names[190][2];
	struct slog_field bound[190];
	for (size_t i = 0; i < COUNT(bound); i++) {
		names[i][0] = (char)('a' + i / 26);
		names[i][1] = (char)('a' + i % 26);
		bound[i] = slog_field_(names[i], sizeof names[i], slog_int_value_(1));
	}
	return slog_with_fields(&slog_default_logger, bound, COUNT(bound));
}

static void check_events(const struct slog_encoder *encoder)
{
	struct timespec now = {.tv_sec = 1791756855};
	logged_start(encoder);
	slog_set_level(&slog_default_logger, SLOG_TRACE);
	memset(long_text, 'l', sizeof long_text - 1);
	struct slog_logger *bound = slog_with(&slog_default_logger, "user", "root", "x1", "12345", "a.b", 1, "x2", "say \"hi\"");
	struct slog_logger *other = slog_with(&slog_default_logger, "x3", "true", "message", "bound text", "uid", 7);
	struct slog_logger *nested = slog_with(&slog_default_logger, "geo", slog_group("city", "Paris"), "n", 1);
	struct slog_logger *many = logger_of_many();
	struct slog_logger *loggers[] = {&slog_default_logger, bound, other, nested};
	for (int i = 0; i < EVENTS; i++) {
		make_event();
		let_time_pass(&now);
		slog_set_facility(&slog_default_logger, facility);
		for (size_t l = 0; l < COUNT(loggers); l++)
			check_event(loggers[l], encoder);
		if (i % MANY_EVERY == 0)
			check_event(many, encoder);
	}
	slog_free(bound);
	slog_free(other);
	slog_free(nested);
	slog_free(many);
	logged_stop();
}

START_TEST(json_is_the_same_by_every_road)
{
	check_events(&slog_encoder_json);
}
END_TEST

START_TEST(json_for_dev_log_is_the_same_by_every_road)
{
	check_events(&slog_encoder_cee);
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

/* The room of the short road may end anywhere: in a text, in what stands before a value, or in the last octets. */
START_TEST(a_line_is_the_same_wherever_its_room_ends)
{
	const struct slog_encoder *encoders[] = {&slog_encoder_json, &slog_encoder_rfc5424};
	memset(long_text, 'l', sizeof long_text - 1);
	for (size_t e = 0; e < COUNT(encoders); e++) {
		logged_start(encoders[e]);
		for (size_t length = 1000; length < 2200; length++) {
			const char *first = long_text + sizeof long_text - 1 - length;
			const struct slog_field pair[] = {slog_kv("text", first),
			                                  slog_kv("a_key_of_thirty-two_octets_in_it", long_text)};
			slog_event(SLOG_LOGGER, SLOG_INFO, "event", pair, 2);
			size_t expected = strlen(logged());
			ck_assert_uint_gt(expected, length + sizeof long_text);
			slog_info("event", "text", first, "a_key_of_thirty-two_octets_in_it", long_text);
			ck_assert_uint_eq(strlen(logged()), expected);
			slog_info("event", "message", first, "a_key_of_thirty-two_octets_in_it", long_text);
			ck_assert_uint_gt(strlen(logged()), length + sizeof long_text);
		}
		logged_stop();
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("same_text");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, json_is_the_same_by_every_road);
	tcase_add_test(tcase, json_for_dev_log_is_the_same_by_every_road);
	tcase_add_test(tcase, structured_data_is_the_same_by_every_road);
	tcase_add_test(tcase, structured_data_with_an_own_sd_id_is_the_same_by_every_road);
	tcase_add_test(tcase, a_line_is_the_same_wherever_its_room_ends);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
