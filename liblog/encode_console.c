/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event as a line for people at a terminal: local time, severity, logger, event, message, key=value. Whatever the
 * event holds, the terminal gets no control character from it, neither C0 nor C1.
 */
#include <liblog/encoder.h>

#include <liblog/json.h>
#include <liblog/rfc5424.h>

#include "clock.h"
#include "json_value.h"
#include "number.h"

#define SEVERITY_WIDTH 7 /* "warning" */
#define DAY_SECONDS 86400

static const char dim[] = "\033[2m";
static const char bold[] = "\033[1m";
static const char reset[] = "\033[0m";

/* Red for what is wrong, yellow for what may be, nothing for what is normal, dim for what is for developers. */
static const char *const severity_colour[SLOG_SEVERITIES] = {
	"\033[1;31m", "\033[1;31m", "\033[1;31m", "\033[31m", "\033[33m", "\033[36m", "\033[32m", "\033[2m", "\033[2m",
};

struct console {
	struct slog_line *line;
	bool has_colours;
};

static void put_colour(const struct console *console, const char *colour)
{
	if (console->has_colours)
		slog_line_put_string(console->line, colour);
}

/* C1 control characters (U+0080..U+009F: C2 80 to C2 9F) are for terminals what ESC is, and legal in JSON. */
static void remove_c1(struct slog_line *line, size_t from)
{
	for (size_t i = from; i + 1 < line->length; i++)
		if ((unsigned char)line->text[i] == 0xC2 && (unsigned char)line->text[i + 1] < 0xA0)
			line->text[i] = line->text[i + 1] = '?';
}

/* "14:03:59.123" in local time. */
static void put_time(const struct console *console, struct timespec time)
{
	char text[] = "00:00:00.000 ";
	long of_day = (long)((time.tv_sec + slog_clock_zone_offset(time.tv_sec)) % DAY_SECONDS);
	if (of_day < 0)
		of_day += DAY_SECONDS;
	slog_number_fixed(text, 2, (uint32_t)(of_day / 3600));
	slog_number_fixed(text + 3, 2, (uint32_t)(of_day / 60 % 60));
	slog_number_fixed(text + 6, 2, (uint32_t)(of_day % 60));
	slog_number_fixed(text + 9, 3, (uint32_t)(time.tv_nsec / 1000000));
	put_colour(console, dim);
	slog_line_put_string(console->line, text);
	put_colour(console, reset);
}

static void put_severity(const struct console *console, enum slog_severity severity)
{
	static const char spaces[] = "        ";
	const char *name = slog_severity_name((int)severity);
	put_colour(console, severity_colour[severity]);
	slog_line_put_string(console->line, name);
	put_colour(console, reset);
	slog_line_put(console->line, spaces, SEVERITY_WIDTH + 1 - strlen(name));
}

/* True if a string can stand after '=' without quotes. */
static bool is_word(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i] == ' ' || bytes[i] == '"' || bytes[i] == '=' || bytes[i] == '\\')
			return false;
	return length > 0 && slog_json_string_is_plain(bytes, length);
}

static __attribute__((noinline)) void put_scalar(struct slog_line *line, const struct slog_value *value)
{
	struct slog_scalar scalar;
	slog_scalar_read(&scalar, value);
	bool is_quoted = scalar.kind == SLOG_KIND_STRING && !is_word(scalar.text, scalar.length);
	if (scalar.kind == SLOG_KIND_BASE64) {
		slog_line_put_base64(line, scalar.text, scalar.length);
		return;
	}
	if (is_quoted)
		slog_line_put_char(line, '"');
	slog_line_put_escaped(line, is_quoted ? slog_json_string : slog_rfc5424_msg, scalar.text, scalar.length);
	if (is_quoted)
		slog_line_put_char(line, '"');
}

static void put_field(const struct console *console, const struct slog_field *field)
{
	put_colour(console, dim);
	slog_line_put_escaped(console->line, slog_rfc5424_msg, field->key, field->key_length);
	slog_line_put_char(console->line, '=');
	put_colour(console, reset);
	if (slog_value_shape(&field->value) == SLOG_KIND_STRING)
		put_scalar(console->line, &field->value);
	else
		slog_line_put_json(console->line, &field->value);
}

/* One space between what there is; the first has that of the severity. */
static void put_gap(const struct console *console, bool *is_first)
{
	if (!*is_first)
		slog_line_put_char(console->line, ' ');
	*is_first = false;
}

static void put_all(const struct console *console, const struct slog_entry *entry)
{
	struct slog_line *line = console->line;
	size_t start = line->length;
	put_time(console, entry->time);
	put_severity(console, entry->severity);
	if (entry->logger[0] != '\0') {
		slog_line_put_escaped(line, slog_rfc5424_msg, entry->logger, strlen(entry->logger));
		slog_line_put(line, ": ", 2);
	}
	bool is_first = true;
	if (entry->name_length > 0) {
		put_gap(console, &is_first);
		put_colour(console, bold);
		slog_line_put_escaped(line, slog_rfc5424_msg, entry->name, entry->name_length);
		put_colour(console, reset);
	}
	if (entry->message != NULL) {
		put_gap(console, &is_first);
		slog_line_put_escaped(line, slog_rfc5424_msg, entry->message, entry->message_length);
	}
	size_t position = 0;
	const struct slog_field *field;
	while ((field = slog_entry_next(entry, &position)) != NULL) {
		put_gap(console, &is_first);
		put_field(console, field);
	}
	if (entry->is_cut)
		slog_line_put_string(line, " (cut)");
	remove_c1(line, start);
}

static void encode_plain(const struct slog_encoder *encoder, const struct slog_entry *entry, struct slog_line *line)
{
	(void)encoder;
	struct console console = {line, false};
	put_all(&console, entry);
}

static void encode_colour(const struct slog_encoder *encoder, const struct slog_entry *entry, struct slog_line *line)
{
	(void)encoder;
	struct console console = {line, true};
	put_all(&console, entry);
}

const struct slog_encoder slog_encoder_console = {"console", encode_plain};
const struct slog_encoder slog_encoder_console_colour = {"console-colour", encode_colour};
