/* SPDX-License-Identifier: Apache-2.0 */
/* What the reader of a message must be told, because the message does not say it: when it came, and in which zone. */
#ifndef RELAYD_SYSLOG_PARSE_CONTEXT_H
#define RELAYD_SYSLOG_PARSE_CONTEXT_H

#include "syslog/timezone.h"

/* A zone's abbreviation that the operator vouches for: "CEST" alone could as well be a host's name. */
struct zone_name {
	struct bytes name;
	int16_t offset_minutes; /* east positive */
};

/*
 * For each hour of the day with a year and without, and read by a zone's rules and with a fixed offset: senders of all kinds
 * are usual, and what the C library wrote is read both ways.
 */
enum { STAMP_CACHE_SLOTS = 128 };

/* An hour whose stamps need no calendar: private to timestamp_resolve.c. All-zero is empty. */
struct stamp_cache {
	uint64_t key;                          /* year, month, day, hour and zone as written */
	int64_t valid_from_ns, valid_until_ns; /* reception times for which the answer holds */
	int64_t hour_seconds;                  /* seconds since 1970 of the hour's begin */
	int32_t offset;                        /* seconds east of UTC */
};

enum { STAMP_MINUTE_BYTES = 16 }; /* "2026-10-11T22:14", "Oct 11 22:14:" and more */

/* The minute of the stamp that was read last: private to stamp_minute.c. All-zero is empty. */
struct stamp_minute {
	uint8_t text[STAMP_MINUTE_BYTES];      /* the stamp's first octets */
	int64_t valid_from_ns, valid_until_ns; /* reception times for which the answer holds, the second one excluded */
	int64_t seconds;                       /* since 1970, of the minute's begin */
	int16_t offset_minutes;                /* of the zone, east positive */
};

/*
 * One for each thread and input; set `received_ns` and `is_plain` before each message. The cache and the
 * minutes are the reader's own: leave them zero, and zero them when `zone` is exchanged.
 */
struct parse_context {
	int64_t received_ns;                /* wall clock */
	bool is_plain;                      /* the framer has seen that all octets of the message are 1..127 */
	const struct timezone_rules *zone;  /* of stamps without one: the input's, else the relay's own; NULL is UTC */
	const struct zone_name *zone_names; /* the operator's list, besides UTC and GMT */
	size_t zone_name_count;
	bool local_socket; /* the C library's syslog(3) wrote it: no HOSTNAME in legacy text, and musl writes UTC */
	struct stamp_cache cache[STAMP_CACHE_SLOTS];
	struct stamp_minute bsd_minute, iso_minute;
};

#endif
