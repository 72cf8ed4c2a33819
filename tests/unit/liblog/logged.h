/* SPDX-License-Identifier: Apache-2.0 */
/* What a test logged: the default logger writes to memory, with a clock that stands and names that are known. */
#ifndef TESTS_UNIT_LIBLOG_LOGGED_H
#define TESTS_UNIT_LIBLOG_LOGGED_H

#include <check.h>
#include <stdlib.h>

#include <liblog/sink.h>

#include "clock.h"

#define LOGGED_BYTES 262144

static char logged_text[LOGGED_BYTES + 1];
static struct slog_sink *logged_sink;

static inline void logged_start(const struct slog_encoder *encoder)
{
	static const struct timespec time = {1791756855, 3000000}; /* 2026-10-11T22:14:15.003Z */
	slog_clock_freeze(&time);
	logged_sink = slog_sink_memory(LOGGED_BYTES, encoder);
	struct slog_options options = {
		.size = sizeof options, .app_name = "app", .hostname = "host", .facility = SLOG_AUTH, .sink = logged_sink,
	};
	ck_assert_int_eq(slog_open(&options), 0);
}

static inline void logged_stop(void)
{
	slog_close();
	slog_clock_freeze(NULL);
}

/* All lines since the last call, without the LF of the last one. */
static inline const char *logged(void)
{
	size_t length = slog_memory_text(logged_sink, logged_text, sizeof logged_text);
	if (length > 0)
		logged_text[length - 1] = '\0';
	slog_memory_clear(logged_sink);
	return logged_text;
}

/* Of the one RFC 5424 line since the last call: STRUCTURED-DATA and MSG. */
static inline const char *logged_sd(void)
{
	const char *at = logged();
	for (int spaces = 0; spaces < 6 && *at != '\0'; at++)
		spaces += *at == ' ';
	return at;
}

/* Of the one JSON line since the last call: what follows the procid, without the closing brace. */
static inline const char *logged_members(void)
{
	char *at = (char *)(size_t)strstr(logged(), "\"procid\":");
	ck_assert_ptr_nonnull(at);
	at = strchr(at, ',');
	at[strlen(at) - 1] = '\0';
	return at + 1;
}

#endif
