/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the headers of a thread's events have in common: the date and time of the last second, and who logs, written
 * once for each encoder and copied from then on. Written again when the second, the names or the process change.
 */
#ifndef LIBLOG_HEADERS_H
#define LIBLOG_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <liblog/rfc5424.h>

#include "identity.h"
#include "number.h"

#define SLOG_HEADER_TEXT_MAX 400     /* octets; longer ones are written with each event */
#define SLOG_HEADER_DATE_TIME 20     /* "2026-10-11T22:14:15." */

struct slog_header_text {
	size_t length; /* 0: too long */
	char text[SLOG_HEADER_TEXT_MAX];
};

struct slog_headers {
	uint64_t version;                      /* of slog_identity_version(); 0: nothing is written yet */
	time_t second;                         /* that date_time tells */
	bool has_second;
	char date_time[SLOG_HEADER_DATE_TIME];
	const char *hostname;
	const char *app_name;
	long pid;
	struct slog_header_text json;          /* `,"hostname":"h","app_name":"a","procid":"1"` */
	struct slog_header_text rfc5424;       /* ` h a 1 ` */
};

/* Writes all of it but the time. */
void slog_headers_write(struct slog_headers *headers, uint64_t version);

/* Makes all of it but the time what it is now. */
static inline void slog_headers_refresh(struct slog_headers *headers)
{
	uint64_t version = slog_identity_version();
	if (headers->version != version)
		slog_headers_write(headers, version);
}

/* Makes date_time that of this second. False if RFC 3339 cannot write it. */
bool slog_headers_set_second(struct slog_headers *headers, time_t second);

/* Writes a TIMESTAMP, SLOG_TIMESTAMP_MAX octets, as slog_rfc5424_timestamp() does. False if it cannot be written. */
static inline bool slog_headers_put_time(struct slog_headers *headers, char *out, struct timespec time)
{
	if ((!headers->has_second || headers->second != time.tv_sec) && !slog_headers_set_second(headers, time.tv_sec))
		return false;
	uint32_t micro = (uint32_t)time.tv_nsec / 1000;
	memcpy(out, headers->date_time, SLOG_HEADER_DATE_TIME);
	memcpy(out + 20, &slog_two_digits[micro / 10000 * 2], 2);
	memcpy(out + 22, &slog_two_digits[micro / 100 % 100 * 2], 2);
	memcpy(out + 24, &slog_two_digits[micro % 100 * 2], 2);
	out[26] = 'Z';
	return true;
}

#endif
