/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was logged can be read back, field by field, with its type. A hundred thousand random events go through
 * RFC 5424 and JSON and from each to the other, and must come back without a difference.
 */
#include "random_events.h"
#include "sd_grammar.h"

#include <stdlib.h>
#include <yajl/yajl_parse.h>

#include <liblog/read.h>

#include "entry.h"
#include "scalar.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define EVENTS 4000
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define EVENTS 4000
#endif
#endif
#ifndef EVENTS
#ifdef __OPTIMIZE__
#define EVENTS 100000
#else
#define EVENTS 20000
#endif
#endif

enum { TEXT_BYTES = 1 << 22 };

static struct random_events events = {.state = 88172645463325252u};
static char sd_text[TEXT_BYTES];
static char json_text[TEXT_BYTES];
static char again_text[TEXT_BYTES];
static char room[SLOG_READ_ROOM(TEXT_BYTES)];

/* ---- comparing -------------------------------------------------------------------------------------------------- */

static void values_must_be_equal(const struct slog_value *wrote, const struct slog_read_value *read);

static void must_be_string(const struct slog_read_value *read, const char *octets, size_t length)
{
	ck_assert_int_eq((int)read->type, SLOG_READ_STRING);
	ck_assert_uint_eq(read->length, length);
	ck_assert_int_eq(memcmp(read->text, octets, length), 0);
	ck_assert_int_eq(read->text[length], '\0');
}

static void must_be_double(const struct slog_read_value *read, double number)
{
	double back;
	if (number != number) {
		must_be_string(read, "NaN", 3);
	} else if (number - number != 0) {
		must_be_string(read, number > 0 ? "Infinity" : "-Infinity", number > 0 ? 8 : 9);
	} else {
		ck_assert_int_eq((int)slog_as_double(read, &back), SLOG_AS_EXACT);
		ck_assert_int_eq(memcmp(&back, &number, sizeof back), 0);
		ck_assert_ptr_nonnull(strpbrk(read->text, ".e"));
	}
}

static void must_be_float(const struct slog_read_value *read, float number)
{
	double back;
	if (number - number != 0 || number != number) {
		must_be_double(read, number);
		return;
	}
	ck_assert_int_ne((int)slog_as_double(read, &back), SLOG_AS_NONE);
	float as_float = (float)back;
	ck_assert_int_eq(memcmp(&as_float, &number, sizeof number), 0);
	ck_assert_ptr_nonnull(strpbrk(read->text, ".e"));
}

static void lists_must_be_equal(const struct slog_value *wrote, const struct slog_read_value *read)
{
	struct slog_read_cursor cursor = slog_read_members(read);
	struct slog_read_member member;
	ck_assert_int_eq((int)read->type, SLOG_READ_LIST);
	for (size_t i = 0; i < wrote->length; i++) {
		ck_assert(slog_read_next(&cursor, &member));
		values_must_be_equal(&wrote->as.list[i], &member.value);
	}
	ck_assert(!slog_read_next(&cursor, &member));
}

static void member_must_be(struct slog_read_cursor *cursor, const struct slog_field *field)
{
	struct slog_read_member member;
	ck_assert(slog_read_next(cursor, &member));
	ck_assert_uint_eq(member.key_length, field->key_length);
	ck_assert_int_eq(memcmp(member.key, field->key, member.key_length), 0);
	values_must_be_equal(&field->value, &member.value);
}

static void objects_must_be_equal(const struct slog_value *wrote, const struct slog_read_value *read)
{
	struct slog_read_cursor cursor = slog_read_members(read);
	struct slog_read_member member;
	ck_assert_int_eq((int)read->type, SLOG_READ_OBJECT);
	for (size_t i = 0; i < wrote->length; i++)
		if (slog_field_stands(wrote->as.group, wrote->length, i))
			member_must_be(&cursor, &wrote->as.group[i]);
	ck_assert(!slog_read_next(&cursor, &member));
}

static void must_be_bytes(const struct slog_read_value *read, const char *octets, size_t length)
{
	static char out[4096];
	size_t got;
	ck_assert(slog_as_bytes(read, out, sizeof out, &got));
	ck_assert_uint_eq(got, length);
	ck_assert_int_eq(memcmp(out, octets, length), 0);
}

static void values_must_be_equal(const struct slog_value *wrote, const struct slog_read_value *read)
{
	int64_t i64;
	uint64_t u64;
	switch (wrote->type) {
	case SLOG_TYPE_NULL:
		ck_assert_int_eq((int)read->type, SLOG_READ_NULL);
		return;
	case SLOG_TYPE_BOOL:
		ck_assert_int_eq((int)read->type, SLOG_READ_BOOL);
		ck_assert_str_eq(read->text, wrote->as.u64 != 0 ? "true" : "false");
		return;
	case SLOG_TYPE_INT:
		ck_assert_int_eq((int)slog_as_i64(read, &i64), SLOG_AS_EXACT);
		ck_assert_int_eq(i64, wrote->as.i64);
		ck_assert_ptr_null(strpbrk(read->text, ".e"));
		return;
	case SLOG_TYPE_UINT:
		ck_assert_int_eq((int)slog_as_u64(read, &u64), SLOG_AS_EXACT);
		ck_assert_uint_eq(u64, wrote->as.u64);
		return;
	case SLOG_TYPE_DOUBLE:
		must_be_double(read, wrote->as.number);
		return;
	case SLOG_TYPE_FLOAT:
		must_be_float(read, (float)wrote->as.number);
		return;
	case SLOG_TYPE_BYTES:
		must_be_bytes(read, wrote->as.text, wrote->length);
		return;
	case SLOG_TYPE_LIST:
		lists_must_be_equal(wrote, read);
		return;
	case SLOG_TYPE_GROUP:
		objects_must_be_equal(wrote, read);
		return;
	default:
		must_be_string(read, wrote->as.text, wrote->length);
	}
}

static void text_must_be(struct slog_read_text read, const char *octets, size_t length)
{
	ck_assert_uint_eq(read.length, length);
	ck_assert_int_eq(length > 0 ? memcmp(read.text, octets, length) : 0, 0);
}

static void reading_must_be(const struct slog_reading *reading, const struct slog_entry *entry)
{
	struct slog_read_cursor cursor = slog_read_members(&reading->fields);
	struct slog_read_member member;
	const struct slog_field *field;
	size_t position = 0;
	ck_assert_int_eq(reading->severity, (int)entry->severity);
	ck_assert_int_eq(reading->facility, (int)entry->facility);
	ck_assert(reading->has_time);
	ck_assert_int_eq(reading->time.tv_sec, entry->time.tv_sec);
	ck_assert_int_eq(reading->time.tv_nsec, entry->time.tv_nsec);
	text_must_be(reading->name, entry->name, entry->name_length);
	text_must_be(reading->message, entry->message, entry->message_length);
	while ((field = slog_entry_next(entry, &position)) != NULL)
		member_must_be(&cursor, field);
	ck_assert(!slog_read_next(&cursor, &member));
}

/* ---- the property ----------------------------------------------------------------------------------------------- */

static struct slog_line encode(const struct slog_encoder *encoder, const struct slog_entry *entry, char *text)
{
	struct slog_line line = slog_line_in(text, TEXT_BYTES);
	encoder->encode(encoder, entry, &line);
	ck_assert(!line.overflowed);
	return line;
}

/* The same event with the fields that were read. */
static struct slog_entry entry_of(const struct slog_reading *reading, const struct slog_entry *before, void *memory)
{
	struct slog_entry entry = *before;
	entry.bound_count = 0;
	entry.field_count = slog_read_fields(&reading->fields, memory, &entry.fields);
	entry.shown = entry.field_count;
	entry.name = reading->name.text;
	entry.name_length = reading->name.length;
	entry.message = reading->message.text;
	entry.message_length = reading->message.length;
	return entry;
}

static void lines_must_be_equal(struct slog_line a, struct slog_line b)
{
	ck_assert_uint_eq(a.length, b.length);
	ck_assert_int_eq(memcmp(a.text, b.text, a.length), 0);
}

static void must_be_json(struct slog_line line)
{
	yajl_handle yajl = yajl_alloc(NULL, NULL, NULL);
	yajl_status status = yajl_parse(yajl, (const unsigned char *)line.text, line.length);
	if (status == yajl_status_ok)
		status = yajl_complete_parse(yajl);
	yajl_free(yajl);
	ck_assert_int_eq((int)status, (int)yajl_status_ok);
	ck_assert_ptr_null(memchr(line.text, '\n', line.length));
}

static void must_come_back(const struct slog_entry *entry)
{
	struct slog_reading reading;
	struct slog_line sd = encode(&slog_encoder_rfc5424, entry, sd_text);
	struct slog_line json = encode(&slog_encoder_json, entry, json_text);
	ck_assert_msg(sd_grammar_holds(sd.text, sd.length), "breaks the grammar: %.*s", (int)sd.length, sd.text);
	must_be_json(json);

	/* fields -> SD -> fields -> JSON is the JSON of the fields. */
	ck_assert_int_eq((int)slog_read_rfc5424(&reading, sd.text, sd.length, room, SLOG_READ_ROOM(sd.length)), SLOG_READ_OK);
	reading.is_typed = reading.is_typed || !slog_entry_has_fields(entry);
	ck_assert(reading.is_typed && !reading.is_cut);
	reading_must_be(&reading, entry);
	void *memory = malloc(slog_read_fields_size(&reading.fields) + 1);
	struct slog_entry again = entry_of(&reading, entry, memory);
	lines_must_be_equal(encode(&slog_encoder_json, &again, again_text), json);
	free(memory);

	/* fields -> JSON -> fields -> SD is the SD of the fields. */
	ck_assert_int_eq((int)slog_read_json(&reading, json.text, json.length, room, SLOG_READ_ROOM(json.length)), SLOG_READ_OK);
	ck_assert(!reading.is_cut);
	reading_must_be(&reading, entry);
	memory = malloc(slog_read_fields_size(&reading.fields) + 1);
	again = entry_of(&reading, entry, memory);
	lines_must_be_equal(encode(&slog_encoder_rfc5424, &again, again_text), sd);
	free(memory);
}

static void run(int count)
{
	char name[SLOG_EVENT_NAME_LONG_MAX];
	char message[512];
	for (int i = 0; i < count; i++) {
		struct slog_entry entry = {
			.time = {(time_t)random_below(&events, 4102444800u), 1000 * (long)random_below(&events, 1000000)},
			.severity = (enum slog_severity)random_below(&events, SLOG_TRACE),
			.facility = (enum slog_facility)random_below(&events, SLOG_FACILITIES),
			.logger = "",
			.hostname = "host",
			.app_name = "app",
			.pid = 1234,
		};
		uint64_t seed = events.state;
		entry.fields = random_event(&events, &entry.field_count);
		entry.shown = entry.field_count;
		entry.name_length = random_below(&events, 3) > 0 ? 4 : random_octets(&events, name, sizeof name);
		entry.name = entry.name_length == 4 ? "auth" : name;
		entry.message_length = random_below(&events, 2) == 0 ? 0 : random_octets(&events, message, sizeof message);
		entry.message = entry.message_length > 0 ? message : NULL;
		if (getenv("SHOW_SEEDS") != NULL)
			fprintf(stderr, "event %d, seed %llu\n", i, (unsigned long long)seed);
		must_come_back(&entry);
	}
}

START_TEST(random_events_come_back_from_both_forms)
{
	/* Each loop has a seed of its own, so a failure names the part. */
	events.state += (uint64_t)_i * 7919;
	run(EVENTS / 10);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("read_random");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, random_events_come_back_from_both_forms, 0, 10);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
