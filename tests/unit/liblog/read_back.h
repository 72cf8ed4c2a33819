/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines for tests of reading back: logged to the sink of the wanted form, or made of a header and STRUCTURED-DATA; read
 * into one reading.
 */
#ifndef TESTS_UNIT_LIBLOG_READ_BACK_H
#define TESTS_UNIT_LIBLOG_READ_BACK_H

#include "logged.h"

#include <stdio.h>

#include <liblog/read.h>

static struct slog_sink *rfc5424_sink, *json_sink, *logfmt_sink;
static struct slog_reading reading;
static char text[LOGGED_BYTES];
static char room[SLOG_READ_ROOM(LOGGED_BYTES)];

static inline void start(void)
{
	logged_start(&slog_encoder_rfc5424);
	rfc5424_sink = logged_sink;
	json_sink = slog_sink_memory(LOGGED_BYTES, &slog_encoder_json);
	logfmt_sink = slog_sink_memory(LOGGED_BYTES, &slog_encoder_logfmt);
}

static inline void stop(void)
{
	slog_set_sink(SLOG_LOGGER, NULL);
	slog_sink_close(&rfc5424_sink);
	slog_sink_close(&json_sink);
	slog_sink_close(&logfmt_sink);
	logged_stop();
}

typedef enum slog_read_result read_fn(struct slog_reading *reading, const char *text, size_t length, char *room,
                                      size_t size);

static inline void read_line(read_fn *reader, const char *line)
{
	enum slog_read_result result = reader(&reading, line, strlen(line), room, SLOG_READ_ROOM(strlen(line)));
	ck_assert_msg(result == SLOG_READ_OK, "%s: %s", reading.reason, line);
}

/* The fields that were read, as JSON. */
static inline const char *fields_as_json(const struct slog_read_value *value)
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

static inline void log_to(struct slog_sink *sink)
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

static inline void message_must_be(const char *message)
{
	ck_assert_uint_eq(reading.message.length, strlen(message));
	ck_assert_int_eq(memcmp(reading.message.length > 0 ? reading.message.text : "", message, strlen(message)), 0);
}

static inline struct slog_read_value field(const char *key)
{
	struct slog_read_value value = {0};
	ck_assert_msg(slog_read_find(&reading.fields, key, &value), "no field %s", key);
	return value;
}

#define HEADER "<38>1 2026-10-11T22:14:15.003000Z host app 42 t "

static inline const char *sd_fields(const char *sd)
{
	char line[2048];
	snprintf(line, sizeof line, HEADER "%s", sd);
	static char kept[2048];
	strcpy(kept, line);
	read_line(slog_read_rfc5424, kept);
	return fields_as_json(&reading.fields);
}

#endif
