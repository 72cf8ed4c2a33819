/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tokens of JSON (RFC 8259), taken from the front of a text. Each function moves `at` behind what it took and says
 * true, or says false; `at` is then somewhere inside what it did not like.
 */
#ifndef LIBLOG_JSON_TOKEN_H
#define LIBLOG_JSON_TOKEN_H

#include <stdbool.h>

struct slog_json_text {
	const char *at;
	const char *end;
};

bool slog_json_take_char(struct slog_json_text *text, char wanted);

/* "true", "false", "null". */
bool slog_json_take_word(struct slog_json_text *text, const char *word);

bool slog_json_take_number(struct slog_json_text *text);

/* A string with its quotes: valid UTF-8, no control characters, escapes of the grammar. */
bool slog_json_take_string(struct slog_json_text *text);

void slog_json_skip_space(struct slog_json_text *text);

#endif
