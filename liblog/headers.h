/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headers of a thread's events: those of one encoder, severity and facility in one second are the same octets but for
 * the digits of the microsecond. So the last one is kept, and an event that may have it copies it. Made again when the
 * second, the names or the process change, or an event of another severity or facility comes.
 */
#ifndef LIBLOG_HEADERS_H
#define LIBLOG_HEADERS_H

#include <liblog/encoder.h>
#include <liblog/rfc5424.h>

#include "identity.h"
#include "number.h"
#include "octets.h"

#define SLOG_HEADER_NAMES_MAX 400    /* octets; longer ones are written with each event */
#define SLOG_HEADER_TEXT_MAX 512     /* octets of a header, the names included */
#define SLOG_HEADER_DATE_TIME 20     /* "2026-10-11T22:14:15." */
#define SLOG_HEADER_NO_KIND (-1)

/* Who logs, as it stands in the headers of one encoder. */
struct slog_header_names {
	size_t length; /* 0: too long */
	char text[SLOG_HEADER_NAMES_MAX];
};

/* The last header of one encoder. */
struct slog_header {
	int kind; /* severity and facility; SLOG_HEADER_NO_KIND: there is no header */
	uint32_t micro_at; /* where the six digits of the microsecond stand */
	time_t second;
	size_t length;
	char text[SLOG_HEADER_TEXT_MAX + SLOG_OCTETS_FOUR];
};

struct slog_headers {
	uint64_t version;                      /* of slog_identity_version(); 0: nothing is written yet */
	time_t second;                         /* that date_time tells */
	bool has_second;
	char date_time[SLOG_HEADER_DATE_TIME];
	const char *hostname;
	const char *app_name;
	long pid;
	struct slog_header_names json_names;    /* `,"hostname":"h","app_name":"a","procid":"1"` */
	struct slog_header_names rfc5424_names; /* ` h a 1 ` */
	struct slog_header json;                /* `{"timestamp":...`, with the names */
	struct slog_header cee;                 /* the same behind what /dev/log has before it */
	struct slog_header rfc5424;             /* `<PRI>1 TIMESTAMP` and the names */
};

/* Writes the names anew, and forgets the headers. */
void slog_headers_write(struct slog_headers *headers, uint64_t version);

/* Makes the names what they are now. */
static inline void slog_headers_refresh(struct slog_headers *headers)
{
	uint64_t version = slog_identity_version();
	if (headers->version != version)
		slog_headers_write(headers, version);
}

/* What tells headers apart. */
struct slog_header_key {
	enum slog_severity severity;
	enum slog_facility facility;
	time_t second;
};

static inline int slog_header_kind(const struct slog_header_key *key)
{
	return (int)key->severity << 8 | (int)key->facility;
}

/* True if this is that header, but for the digits. */
static inline bool slog_header_is(const struct slog_header *header, const struct slog_header_key *key)
{
	return header->kind == slog_header_kind(key) && header->second == key->second;
}

/*
 * Begins a header, in *line: `prefix`, `start` and the TIMESTAMP; the encoder appends the rest. False if the time cannot be
 * written. Then it ends it: false if that became too long.
 */
bool slog_header_begin(struct slog_headers *headers, struct slog_header *header, struct slog_line *line,
                       const struct slog_header_key *key, const char *prefix, const char *start);
bool slog_header_end(struct slog_header *header, const struct slog_line *line, const struct slog_header_key *key);

/* The JSON header with what stands before it, as one header; each encoder's own. False if it cannot be kept. */
bool slog_json_make_header_behind(struct slog_headers *headers, struct slog_header *header,
                                  const struct slog_header_key *key, const char *prefix);
bool slog_json_make_header(struct slog_headers *headers, const struct slog_header_key *key);
bool slog_cee_make_header(struct slog_headers *headers, const struct slog_header_key *key);
bool slog_rfc5424_make_header(struct slog_headers *headers, const struct slog_header_key *key);

/* The header for this key, made if need be; NULL if it cannot be kept. */
static inline const struct slog_header *slog_json_header(struct slog_headers *headers, const struct slog_header_key *key)
{
	bool is_there = slog_header_is(&headers->json, key) || slog_json_make_header(headers, key);
	return is_there ? &headers->json : NULL;
}

static inline const struct slog_header *slog_cee_header(struct slog_headers *headers, const struct slog_header_key *key)
{
	bool is_there = slog_header_is(&headers->cee, key) || slog_cee_make_header(headers, key);
	return is_there ? &headers->cee : NULL;
}

static inline const struct slog_header *slog_rfc5424_header(struct slog_headers *headers, const struct slog_header_key *key)
{
	bool is_there = slog_header_is(&headers->rfc5424, key) || slog_rfc5424_make_header(headers, key);
	return is_there ? &headers->rfc5424 : NULL;
}

/* Copies it with these nanoseconds to where there is room for four blocks more than its length. Returns the end. */
static inline SLOG_ALWAYS char *slog_header_put(const struct slog_header *header, char *out, long nanoseconds)
{
	uint32_t micro = (uint32_t)nanoseconds / 1000;
	char *digits = out + header->micro_at;
	slog_octets_copy_fours(out, header->text, header->length);
	memcpy(digits, &slog_two_digits[micro / 10000 * 2], 2);
	memcpy(digits + 2, &slog_two_digits[micro / 100 % 100 * 2], 2);
	memcpy(digits + 4, &slog_two_digits[micro % 100 * 2], 2);
	return out + header->length;
}

#endif
