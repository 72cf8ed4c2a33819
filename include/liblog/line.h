/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One encoded line under construction: bounded, never fails, remembers that it overflowed.
 *
 * An encoder appends without looking; whoever gave the room looks at `overflowed` once, at the end. After the first
 * piece that does not fit nothing more is appended, so a line that overflowed is a prefix of what was meant, and is
 * thrown away or encoded again with less in it (see encoder.h).
 *
 * A line belongs to one thread. It does not own its octets.
 */
#ifndef LIBLOG_LINE_H
#define LIBLOG_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

struct slog_line {
	char *text;      /* lent by whoever made the line; not terminated by NUL */
	size_t length;   /* octets written */
	size_t size;     /* octets that text has room for */
	bool overflowed; /* something did not fit */
};

/* A writer of rfc5424.h or json.h: see there. */
typedef size_t slog_escape_fn(char *out, size_t size, const char *bytes, size_t length, size_t *taken);

/* An empty line of at most size octets in text, which the caller keeps until the line is no longer used. */
static inline struct slog_line slog_line_in(char *text, size_t size)
{
	struct slog_line line;
	line.text = text;
	line.length = 0;
	line.size = size;
	line.overflowed = false;
	return line;
}

/* Appends bytes as they are, all or nothing. */
static inline void slog_line_put(struct slog_line *line, const char *bytes, size_t length)
{
	if (line->overflowed || length > line->size - line->length) {
		line->overflowed = true;
		return;
	}
	memcpy(line->text + line->length, bytes, length);
	line->length += length;
}

/* Appends one octet. */
static inline void slog_line_put_char(struct slog_line *line, char octet)
{
	slog_line_put(line, &octet, 1);
}

/* Appends a string that ends with NUL. */
static inline void slog_line_put_string(struct slog_line *line, const char *string)
{
	slog_line_put(line, string, strlen(string));
}

/* Appends a decimal number. */
void slog_line_put_u64(struct slog_line *line, unsigned long long number);

/* Appends bytes through an escaping writer. What fits of them is kept when the line overflows. */
void slog_line_put_escaped(struct slog_line *line, slog_escape_fn *escape, const char *bytes, size_t length);

#ifdef __cplusplus
}
#endif

#endif
