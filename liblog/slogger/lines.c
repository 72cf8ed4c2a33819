/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a file or of standard input as events: JSON, logfmt, or text. */
#include <errno.h>
#include <stdlib.h>

#include "slogger.h"

enum {
	LINE_MAX_BYTES = 1 << 20,
	ADDED_FIELDS_MAX = 7, /* the message, and what the header of a line says of its origin */
};

struct lines {
	const struct slogger_arguments *arguments;
	unsigned long number;
	bool failed;
	size_t length;
	char line[LINE_MAX_BYTES];
	char room[SLOG_READ_ROOM(LINE_MAX_BYTES)];
};

static void complain(struct lines *lines, const char *what)
{
	fprintf(stderr, "slogger: line %lu: %s\n", lines->number, what);
	lines->failed = true;
}

/* ---- one line as an event --------------------------------------------------------------------------------------- */

static size_t add_text(struct slog_field *fields, size_t n, const char *key, struct slog_read_text text)
{
	if (text.text == NULL)
		return n;
	fields[n] = slog_kv_(key, slog_text_value_(SLOG_TYPE_STRING, text.text, text.length));
	return n + 1;
}

/* An object of the reading as a field; its members follow in memory at *tree, which is moved behind them. */
static size_t add_object(struct slog_field *fields, size_t n, const char *key, const struct slog_read_value *object,
                         char **tree)
{
	const struct slog_field *members;
	if (object->type != SLOG_READ_OBJECT)
		return n;
	size_t count = slog_read_fields(object, *tree, &members);
	*tree += slog_read_fields_size(object);
	fields[n] = slog_kv_(key, slog_group_value_(members, count));
	return n + 1;
}

/* The event's name as C text, "" if there is none. What has no place in a name is told. */
static void read_name(struct lines *lines, struct slog_read_text read, char name[SLOG_EVENT_NAME_LONG_MAX + 1])
{
	size_t length = read.text != NULL ? strnlen(read.text, read.length) : 0;
	if (length < read.length)
		complain(lines, "its msgid has a NUL, and was cut there");
	if (length > SLOG_EVENT_NAME_LONG_MAX) {
		complain(lines, "its msgid is longer than 128 octets, and was cut");
		length = SLOG_EVENT_NAME_LONG_MAX;
	}
	memcpy(name, length > 0 ? read.text : "", length);
	name[length] = '\0';
}

/*
 * The fields of a reading. Who logged it first, and when, are fields too: the header of what is sent says when and by
 * whom slogger was run.
 */
static void send_reading(struct lines *lines, const struct slog_reading *reading)
{
	char name[SLOG_EVENT_NAME_LONG_MAX + 1];
	size_t size = slog_read_fields_size(&reading->fields) + slog_read_fields_size(&reading->structured_data) +
	              slog_read_fields_size(&reading->relay);
	char *memory = malloc(size + 1);
	const struct slog_field *fields;
	if (memory == NULL) {
		complain(lines, "memory is short");
		return;
	}
	size_t n = slog_read_fields(&reading->fields, memory, &fields);
	char *tree = memory + slog_read_fields_size(&reading->fields);
	struct slog_field *all = malloc((n + ADDED_FIELDS_MAX) * sizeof *all);
	if (all != NULL) {
		if (n > 0)
			memcpy(all, fields, n * sizeof *all);
		n = add_text(all, n, "timestamp", reading->timestamp);
		n = add_text(all, n, "hostname", reading->hostname);
		n = add_text(all, n, "app_name", reading->app_name);
		n = add_text(all, n, "procid", reading->procid);
		n = add_object(all, n, "structured_data", &reading->structured_data, &tree);
		n = add_object(all, n, "relay", &reading->relay, &tree);
		n = add_text(all, n, "message", reading->message);
		read_name(lines, reading->name, name);
		slogger_send(reading->facility, reading->severity, name[0] != '\0' ? name : lines->arguments->msgid, all, n);
	} else {
		complain(lines, "memory is short");
	}
	free(all);
	free(memory);
}

static void send_text(struct lines *lines)
{
	struct slog_field message = slog_kv_("message", slog_text_value_(SLOG_TYPE_STRING, lines->line, lines->length));
	slogger_send(-1, -1, lines->arguments->msgid, &message, 1);
}

/* The end of the word that begins at i if it is key=value, with a value in quotes perhaps; else 0. */
static size_t pair_end(const struct lines *lines, size_t i)
{
	const char *line = lines->line;
	size_t start = i;
	while (i < lines->length && (unsigned char)line[i] > ' ' && strchr("=\"{}[]<>(),;", line[i]) == NULL)
		i++;
	if (i == start || i == lines->length || line[i++] != '=')
		return 0;
	if (i < lines->length && line[i] == '"') {
		for (i++; i < lines->length && line[i] != '"'; i++)
			i += line[i] == '\\';
		i++;
		return i == lines->length || (i < lines->length && (unsigned char)line[i] <= ' ') ? i : 0;
	}
	while (i < lines->length && (unsigned char)line[i] > ' ')
		i++;
	return i;
}

/* Whether every word of the line is key=value, as in logfmt. A word that is none would become a field without a value. */
static bool looks_like_logfmt(const struct lines *lines)
{
	size_t i = 0;
	bool has_pair = false;
	for (;;) {
		while (i < lines->length && (unsigned char)lines->line[i] <= ' ')
			i++;
		if (i == lines->length)
			return has_pair;
		i = pair_end(lines, i);
		if (i == 0)
			return false;
		has_pair = true;
	}
}

/* What does not look like JSON or logfmt, or only looks like it, is text: nothing is lost. */
static void send_what_it_looks_like(struct lines *lines)
{
	struct slog_reading reading;
	if (lines->length > 0 && lines->line[0] == '{' &&
	    slog_read_json(&reading, lines->line, lines->length, lines->room, sizeof lines->room) == SLOG_READ_OK)
		send_reading(lines, &reading);
	else if (looks_like_logfmt(lines) &&
	         slog_read_logfmt(&reading, lines->line, lines->length, lines->room, sizeof lines->room) == SLOG_READ_OK)
		send_reading(lines, &reading);
	else
		send_text(lines);
}

static void send_read(struct lines *lines, enum slog_read_result result, const struct slog_reading *reading)
{
	if (result == SLOG_READ_OK) {
		send_reading(lines, reading);
		return;
	}
	complain(lines, result == SLOG_READ_INVALID ? reading->reason : "it is too large");
	send_text(lines);
}

static void send_line(struct lines *lines)
{
	struct slog_reading reading;
	if (lines->length == 0 && lines->arguments->skip_empty)
		return;
	switch (lines->arguments->input) {
	case SLOGGER_INPUT_AUTO:
		send_what_it_looks_like(lines);
		return;
	case SLOGGER_INPUT_JSON:
		send_read(lines, slog_read_json(&reading, lines->line, lines->length, lines->room, sizeof lines->room), &reading);
		return;
	case SLOGGER_INPUT_LOGFMT:
		send_read(lines, slog_read_logfmt(&reading, lines->line, lines->length, lines->room, sizeof lines->room), &reading);
		return;
	case SLOGGER_INPUT_TEXT:
		send_text(lines);
		return;
	}
}

/* ---- lines ------------------------------------------------------------------------------------------------------ */

/* Reads one line, without its LF. False at the end. What has no room is read and told. */
static bool read_line(struct lines *lines, FILE *file)
{
	int octet;
	size_t length = 0;
	while ((octet = getc_unlocked(file)) != EOF && octet != '\n') {
		if (length < sizeof lines->line)
			lines->line[length] = (char)octet;
		length++;
	}
	if (octet == EOF && length == 0)
		return false;
	lines->number++;
	lines->length = length < sizeof lines->line ? length : sizeof lines->line;
	if (length > sizeof lines->line)
		complain(lines, "it is longer than 1 MiB, and was cut");
	return true;
}

bool slogger_lines_send(const struct slogger_arguments *arguments)
{
	static struct lines lines;
	FILE *file = arguments->file != NULL && strcmp(arguments->file, "-") != 0 ? fopen(arguments->file, "re") : stdin;
	lines.arguments = arguments;
	if (file == NULL) {
		fprintf(stderr, "slogger: %s: %s\n", arguments->file, strerror(errno));
		return false;
	}
	while (!slogger_stdout_is_gone() && read_line(&lines, file))
		send_line(&lines);
	if (ferror(file)) {
		fprintf(stderr, "slogger: the input cannot be read: %s\n", strerror(errno));
		lines.failed = true;
	}
	if (file != stdin)
		fclose(file);
	return !lines.failed;
}
