/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each folder of tests/corpus/rfc3164 and rfc5424 is a case: `input` is one message as received, `expect` says what is
 * known besides (received, zone, zone-names, local-socket) and what parse_message() makes of it (format, pri, time,
 * flags, and the fields). A field that is not mentioned is absent. Octets that are not printable are \xNN, a backslash
 * is doubled.
 */
#include "syslog/parse.h"
#include "syslog/timestamp.h"

#include "fuzz/message_checks.h"
#include "support/feed.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	FILE_MAX_BYTES = 1 << 18,
	ZONE_NAMES_MAX = 4,
	LINE_MAX = 1 << 17,
};

static const char *const format_names[] = {"unstructured", "rfc3164", "rfc5424", "near-rfc5424"};

struct text {
	char at[LINE_MAX * 2];
	size_t len;
};

static struct bytes read_file(const char *folder, const char *name, uint8_t *room)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "rb");
	ck_assert_msg(file != NULL, "%s is missing", path);
	size_t len = fread(room, 1, FILE_MAX_BYTES, file);
	ck_assert_msg(len < FILE_MAX_BYTES && !ferror(file), "%s", path);
	fclose(file);
	return bytes_of(room, len);
}

/* The value of a line "key: value"; an empty view if there is none. */
static struct bytes value_of(struct bytes expect, const char *key)
{
	while (expect.len > 0) {
		size_t len = bytes_find(expect, '\n');
		struct bytes line = bytes_first(expect, len);
		if (bytes_start_with(line, bytes_of_text(key)) && line.len > strlen(key) + 1 && line.at[strlen(key)] == ':')
			return bytes_after(line, strlen(key) + 2);
		expect = bytes_after(expect, len < expect.len ? len + 1 : len);
	}
	return bytes_of(NULL, 0);
}

static void put(struct text *text, const char *key, const char *value)
{
	text->len += (size_t)snprintf(text->at + text->len, sizeof text->at - text->len, "%s: %s\n", key, value);
	ck_assert_uint_lt(text->len, sizeof text->at);
}

static void put_field(struct text *text, const char *key, struct bytes field)
{
	static char value[LINE_MAX];
	size_t len = 0;
	if (field.len == 0)
		return;
	for (size_t i = 0; i < field.len; i++) {
		uint8_t octet = field.at[i];
		const char *form = octet == '\\' ? "\\\\" : octet >= 32 && octet < 127 ? "%c" : "\\x%02X";
		len += (size_t)snprintf(value + len, sizeof value - len, form, octet);
		ck_assert_uint_lt(len, sizeof value);
	}
	put(text, key, value);
}

static void put_flags(struct text *text, uint32_t flags)
{
	char value[512] = "";
	for (unsigned bit = 0; bit < MESSAGE_FLAGS; bit++) {
		if ((flags >> bit & 1) == 0)
			continue;
		if (value[0] != '\0')
			strcat(value, " ");
		strcat(value, message_flag_name((enum message_flag)(1u << bit)));
	}
	if (value[0] != '\0')
		put(text, "flags", value);
}

static void describe(const struct message *message, struct text *text)
{
	char number[8];
	uint8_t time[TIMESTAMP_TEXT_MAX_BYTES + 1] = {0};
	text->len = 0;
	put(text, "format", format_names[message->format]);
	snprintf(number, sizeof number, "%u", message->pri);
	put(text, "pri", number);
	timestamp_write(&message->time, TIMESTAMP_DIGITS_MAX, true, time);
	put(text, "time", (const char *)time);
	put_flags(text, message->flags);
	put_field(text, "hostname", message->hostname);
	put_field(text, "app-name", message->app_name);
	put_field(text, "procid", message->procid);
	put_field(text, "msgid", message->msgid);
	put_field(text, "structured-data", message->structured_data);
	put_field(text, "msg", message->msg);
}

struct corpus_case {
	const char *folder;
	struct parse_context context;
	struct timezone_rules zone;
	struct zone_name zone_names[ZONE_NAMES_MAX];
	struct bytes input;
	struct text seen;
};

static void read_context(struct corpus_case *test, struct bytes expect)
{
	struct timestamp stamp;
	bool exact;
	struct message received = {0};
	struct bytes zone = value_of(expect, "zone"), name = value_of(expect, "zone-names");
	struct bytes when = value_of(expect, "received");
	ck_assert_msg(timestamp_read_iso(when, &stamp, &exact) == when.len && when.len > 0, "%s: received", test->folder);
	static struct parse_context utc;
	/* The reader of stamps serves the test too: the vectors of test_timestamp_resolve.c hold it against numbers. */
	char message_text[128];
	snprintf(message_text, sizeof message_text, "<13>1 %.*s - - - - -", (int)when.len, (const char *)when.at);
	parse_message(bytes_of_text(message_text), &utc, &received);
	test->context = (struct parse_context){.received_ns = received.time.unix_ns,
										   .local_socket = value_of(expect, "local-socket").len > 0};
	if (zone.len > 0) {
		ck_assert_msg(timezone_from_posix(zone, &test->zone), "%s: zone", test->folder);
		test->context.zone = &test->zone;
	}
	if (name.len > 0) {
		size_t len = bytes_find(name, '=');
		test->zone_names[0] =
			(struct zone_name){bytes_first(name, len), (int16_t)atoi((const char *)name.at + len + 1)};
		test->context.zone_names = test->zone_names;
		test->context.zone_name_count = 1;
	}
}

/*
 * Every prefix is a message too: nothing is read or pointed to outside of it, and whole it passes all that
 * the fuzz targets check.
 */
static void parse_prefix(void *user, struct bytes prefix)
{
	struct corpus_case *test = user;
	struct message message;
	parse_message(prefix, &test->context, &message);
	check_views(&message, prefix);
	if (prefix.len == test->input.len) {
		describe(&message, &test->seen);
		check_message(prefix, &test->context);
	}
}

/* False, and a message, if the case is read in another way. */
static bool run_case(const char *folder)
{
	static uint8_t input[FILE_MAX_BYTES], expect_file[FILE_MAX_BYTES + 1];
	static struct corpus_case test;
	test = (struct corpus_case){.folder = folder};
	test.input = read_file(folder, "input", input);
	struct bytes expect = read_file(folder, "expect", expect_file);
	expect_file[expect.len] = '\0';
	read_context(&test, expect);
	feed_every_prefix(test.input, parse_prefix, &test);
	struct bytes format = value_of(expect, "format");
	ck_assert_msg(format.len > 0, "%s: expect has no format", folder);
	const char *wanted = (const char *)format.at - strlen("format: ");
	if (strcmp(test.seen.at, wanted) == 0)
		return true;
	fprintf(stderr, "%s\nexpected\n%s\nseen\n%s\n", folder, wanted, test.seen.at);
	return false;
}

static unsigned run_corpus(const char *codec)
{
	char path[4096];
	unsigned cases = 0, wrong = 0;
	snprintf(path, sizeof path, "%s/corpus/%s", TESTS_DIR, codec);
	DIR *corpus = opendir(path);
	ck_assert_msg(corpus != NULL, "%s", path);
	for (struct dirent *entry = readdir(corpus); entry != NULL; entry = readdir(corpus)) {
		char folder[8192];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(folder, sizeof folder, "%s/%s", path, entry->d_name);
		wrong += run_case(folder) ? 0 : 1;
		cases++;
	}
	closedir(corpus);
	ck_assert_uint_eq(wrong, 0);
	return cases;
}

START_TEST(legacy_messages_are_read_as_the_corpus_says)
{
	ck_assert_uint_gt(run_corpus("rfc3164"), 100);
}
END_TEST

START_TEST(rfc5424_messages_are_read_as_the_corpus_says)
{
	ck_assert_uint_gt(run_corpus("rfc5424"), 30);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("syslog corpus");
	TCase *tests = tcase_create("corpus");
	tcase_add_test(tests, legacy_messages_are_read_as_the_corpus_says);
	tcase_add_test(tests, rfc5424_messages_are_read_as_the_corpus_says);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
