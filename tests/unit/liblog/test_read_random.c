/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was logged can be read back, field by field, with its type. A hundred thousand random events go through
 * RFC 5424 and JSON and from each to the other, and must come back without a difference.
 */
#include "random_events.h"
#include "sd_grammar.h"

#include <stdlib.h>
#include <unistd.h>
#include <yajl/yajl_parse.h>

#include <liblog/read.h>
#include <liblog/sink.h>

#include "clock.h"
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
	MUST((int)read->type == SLOG_READ_STRING);
	MUST(read->length == length);
	MUST(memcmp(read->text, octets, length) == 0);
	MUST((read->text[length]) == '\0');
}

static void must_be_double(const struct slog_read_value *read, double number)
{
	double back;
	if (number != number) {
		must_be_string(read, "NaN", 3);
	} else if (number - number != 0) {
		must_be_string(read, number > 0 ? "Infinity" : "-Infinity", number > 0 ? 8 : 9);
	} else {
		MUST((int)slog_as_double(read, &back) == SLOG_AS_EXACT);
		MUST(memcmp(&back, &number, sizeof back) == 0);
		MUST(strpbrk(read->text, ".e") != NULL);
	}
}

static void must_be_float(const struct slog_read_value *read, float number)
{
	double back;
	if (number - number != 0 || number != number) {
		must_be_double(read, number);
		return;
	}
	MUST((int)slog_as_double(read, &back) != SLOG_AS_NONE);
	float as_float = (float)back;
	MUST(memcmp(&as_float, &number, sizeof number) == 0);
	MUST(strpbrk(read->text, ".e") != NULL);
}

static void lists_must_be_equal(const struct slog_value *wrote, const struct slog_read_value *read)
{
	struct slog_read_cursor cursor = slog_read_members(read);
	struct slog_read_member member;
	MUST((int)read->type == SLOG_READ_LIST);
	for (size_t i = 0; i < wrote->length; i++) {
		MUST(slog_read_next(&cursor, &member));
		values_must_be_equal(&wrote->as.list[i], &member.value);
	}
	MUST(!slog_read_next(&cursor, &member));
}

static void member_must_be(struct slog_read_cursor *cursor, const struct slog_field *field)
{
	struct slog_read_member member;
	MUST(slog_read_next(cursor, &member));
	MUST(member.key_length == field->key_length);
	MUST(memcmp(member.key, field->key, member.key_length) == 0);
	values_must_be_equal(&field->value, &member.value);
}

static void objects_must_be_equal(const struct slog_value *wrote, const struct slog_read_value *read)
{
	struct slog_read_cursor cursor = slog_read_members(read);
	struct slog_read_member member;
	MUST((int)read->type == SLOG_READ_OBJECT);
	for (size_t i = 0; i < wrote->length; i++)
		if (slog_field_stands(wrote->as.group, wrote->length, i))
			member_must_be(&cursor, &wrote->as.group[i]);
	MUST(!slog_read_next(&cursor, &member));
}

static void must_be_bytes(const struct slog_read_value *read, const char *octets, size_t length)
{
	static char out[4096];
	size_t got;
	MUST(slog_as_bytes(read, out, sizeof out, &got));
	MUST(got == length);
	MUST(memcmp(out, octets, length) == 0);
}

static void values_must_be_equal(const struct slog_value *wrote, const struct slog_read_value *read)
{
	int64_t i64;
	uint64_t u64;
	switch (wrote->type) {
	case SLOG_TYPE_NULL:
		MUST((int)read->type == SLOG_READ_NULL);
		return;
	case SLOG_TYPE_BOOL:
		MUST((int)read->type == SLOG_READ_BOOL);
		MUST(strcmp(read->text, wrote->as.u64 != 0 ? "true" : "false") == 0);
		return;
	case SLOG_TYPE_INT:
		MUST((int)slog_as_i64(read, &i64) == SLOG_AS_EXACT);
		MUST(i64 == wrote->as.i64);
		MUST(strpbrk(read->text, ".e") == NULL);
		return;
	case SLOG_TYPE_UINT:
		MUST((int)slog_as_u64(read, &u64) == SLOG_AS_EXACT);
		MUST(u64 == wrote->as.u64);
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
	MUST(read.length == length);
	MUST((length > 0 ? memcmp(read.text, octets, length) : 0) == 0);
}

static void reading_must_be(const struct slog_reading *reading, const struct slog_entry *entry)
{
	struct slog_read_cursor cursor = slog_read_members(&reading->fields);
	struct slog_read_member member;
	const struct slog_field *field;
	size_t position = 0;
	MUST(reading->severity == (int)entry->severity);
	MUST(reading->facility == (int)entry->facility);
	MUST(reading->has_time);
	MUST(reading->time.tv_sec == entry->time.tv_sec);
	MUST(reading->time.tv_nsec == entry->time.tv_nsec);
	text_must_be(reading->name, entry->name, entry->name_length);
	text_must_be(reading->message, entry->message, entry->message_length);
	while ((field = slog_entry_next(entry, &position)) != NULL)
		member_must_be(&cursor, field);
	MUST(!slog_read_next(&cursor, &member));
}

/* ---- the property ----------------------------------------------------------------------------------------------- */

static struct slog_line encode(const struct slog_encoder *encoder, const struct slog_entry *entry, char *text)
{
	struct slog_line line = slog_line_in(text, TEXT_BYTES);
	encoder->encode(encoder, entry, &line);
	MUST(!line.overflowed);
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
	MUST(a.length == b.length);
	MUST(memcmp(a.text, b.text, a.length) == 0);
}

static void must_be_json(struct slog_line line)
{
	yajl_handle yajl = yajl_alloc(NULL, NULL, NULL);
	yajl_status status = yajl_parse(yajl, (const unsigned char *)line.text, line.length);
	if (status == yajl_status_ok)
		status = yajl_complete_parse(yajl);
	yajl_free(yajl);
	MUST((int)status == (int)yajl_status_ok);
	MUST(memchr(line.text, '\n', line.length) == NULL);
}

/*
 * The same event logged, with its first fields bound to the logger: the line must be the encoder's, whatever the calls
 * and the bound sets keep ready. The text for people is a field there, and of equal keys the last one stands.
 */
static void must_be_logged_as(const struct slog_entry *entry, struct slog_sink *sink, struct slog_line wanted)
{
	char name[SLOG_EVENT_NAME_LONG_MAX + 1];
	size_t bound = entry->field_count == 0 || entry->field_count % 3 != 0 ? 0 : entry->field_count / 2;
	struct slog_field *fields = malloc((entry->field_count - bound + 1) * sizeof *fields);
	size_t n = entry->field_count - bound;
	memcpy(name, entry->name, entry->name_length);
	name[entry->name_length] = '\0';
	memcpy(fields, entry->fields + bound, n * sizeof *fields);
	if (entry->message != NULL)
		fields[n++] = slog_kv_("message", slog_text_value_(SLOG_TYPE_STRING, entry->message, entry->message_length));
	slog_set_sink(&slog_default_logger, sink);
	slog_set_facility(&slog_default_logger, entry->facility);
	struct slog_logger *logger =
		bound > 0 ? slog_with_fields(&slog_default_logger, entry->fields, bound) : &slog_default_logger;
	slog_event(logger, entry->severity, name, fields, n);
	slog_free(logger);
	free(fields);
	MUST_SAY(slog_memory_text(sink, again_text, sizeof again_text) == wanted.length + 1, "%s, and not %.*s",
	         again_text, (int)wanted.length, wanted.text);
	MUST(memcmp(again_text, wanted.text, wanted.length) == 0);
	slog_memory_clear(sink);
}

static struct slog_sink *open_memory(const struct slog_encoder *encoder)
{
	struct slog_sink *sink = slog_sink_memory(TEXT_BYTES, encoder);
	MUST(sink != NULL);
	sink->max_size = TEXT_BYTES - 1;
	return sink;
}

static struct slog_sink *sd_sink, *json_sink;

static void start(void)
{
	struct slog_options options = {.size = sizeof options, .app_name = "app", .hostname = "host", .levels = "trace"};
	sd_sink = options.sink = open_memory(&slog_encoder_rfc5424);
	json_sink = open_memory(&slog_encoder_json);
	MUST(slog_open(&options) == 0);
}

static void stop(void)
{
	slog_set_sink(&slog_default_logger, NULL);
	slog_sink_close(&sd_sink);
	slog_sink_close(&json_sink);
	slog_close();
	slog_clock_freeze(NULL);
}

/* A field "message" and a text for people cannot be in one call, nor can NUL be in an event's name. */
static bool can_be_logged(const struct slog_entry *entry)
{
	for (size_t i = 0; entry->message != NULL && i < entry->field_count; i++)
		if (entry->fields[i].key_length == 7 && memcmp(entry->fields[i].key, "message", 7) == 0)
			return false;
	return entry->name_length == 0 || memchr(entry->name, '\0', entry->name_length) == NULL;
}

static void must_be_logged(const struct slog_entry *entry, struct slog_line sd, struct slog_line json)
{
	if (!can_be_logged(entry))
		return;
	slog_clock_freeze(&entry->time);
	must_be_logged_as(entry, sd_sink, sd);
	must_be_logged_as(entry, json_sink, json);
}

static void must_come_back(const struct slog_entry *entry)
{
	struct slog_reading reading;
	struct slog_line sd = encode(&slog_encoder_rfc5424, entry, sd_text);
	struct slog_line json = encode(&slog_encoder_json, entry, json_text);
	MUST_SAY(sd_grammar_holds(sd.text, sd.length), "breaks the grammar: %.*s", (int)sd.length, sd.text);
	must_be_json(json);
	must_be_logged(entry, sd, json);

	/* fields -> SD -> fields -> JSON is the JSON of the fields. */
	MUST((int)slog_read_rfc5424(&reading, sd.text, sd.length, room, SLOG_READ_ROOM(sd.length)) == SLOG_READ_OK);
	reading.is_typed = reading.is_typed || !slog_entry_has_fields(entry);
	MUST(reading.is_typed && !reading.is_cut);
	reading_must_be(&reading, entry);
	void *memory = malloc(slog_read_fields_size(&reading.fields) + 1);
	struct slog_entry again = entry_of(&reading, entry, memory);
	lines_must_be_equal(encode(&slog_encoder_json, &again, again_text), json);
	free(memory);

	/* fields -> JSON -> fields -> SD is the SD of the fields. */
	MUST((int)slog_read_json(&reading, json.text, json.length, room, SLOG_READ_ROOM(json.length)) == SLOG_READ_OK);
	MUST(!reading.is_cut);
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
			.pid = getpid(),
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
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_loop_test(tcase, random_events_come_back_from_both_forms, 0, 10);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
