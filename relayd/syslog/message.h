/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One syslog message as it was read: views into the bytes as received, the time, and what was a guess. The same struct
 * is filled by the parser from fresh bytes and by the envelope from a stored record, so that a message is parsed once
 * in its life.
 */
#ifndef RELAYD_SYSLOG_MESSAGE_H
#define RELAYD_SYSLOG_MESSAGE_H

#include "base/bytes.h"

/* How the bytes were read. Stored in records: values never change. */
enum message_format {
	MESSAGE_FORMAT_UNSTRUCTURED = 0, /* no header: all is MSG */
	MESSAGE_FORMAT_RFC3164 = 1,      /* legacy header, or parts of one */
	MESSAGE_FORMAT_RFC5424 = 2,      /* to the letter of the grammar */
	MESSAGE_FORMAT_NEAR_RFC5424 = 3, /* RFC 5424 with deviations that were tolerated (protocols, 2.8) */
};

/* A set of formats has a bit for each: 1u << format. */
enum { MESSAGE_FORMATS_ALL = 15 };

/* What was guessed, missing or wrong. One bit each; stored in records: values never change. Names in
 * message_flag_name(). */
enum message_flag {
	MESSAGE_PRI_ABSENT = 1u << 0,      /* "pri-absent": 13 was assumed */
	MESSAGE_PRI_INVALID = 1u << 1,     /* "pri-invalid": 13 was assumed */
	MESSAGE_TIME_ABSENT = 1u << 2,     /* "time-absent": time is the reception time */
	MESSAGE_TIME_INVALID = 1u << 3,    /* "time-invalid": the form fitted, the date does not exist; reception time */
	MESSAGE_YEAR_GUESSED = 1u << 4,    /* "year-guessed" */
	MESSAGE_ZONE_GUESSED = 1u << 5,    /* "zone-guessed" */
	MESSAGE_CLOCK_UNSYNCED = 1u << 6,  /* "clock-unsynced": the sender says that its clock is not synchronised */
	MESSAGE_HOST_ABSENT = 1u << 7,     /* "host-absent" */
	MESSAGE_TAG_ABSENT = 1u << 8,      /* "tag-absent" */
	MESSAGE_NOT_UTF8 = 1u << 9,        /* "not-utf8" */
	MESSAGE_NUL = 1u << 10,            /* "nul": a NUL octet inside */
	MESSAGE_TRUNCATED = 1u << 11,      /* "truncated": by us or, as far as we saw, on the way */
	MESSAGE_FIELD_INVALID = 1u << 12,  /* "field-invalid": a header field breaks its grammar and was kept */
	MESSAGE_SD_INVALID = 1u << 13,     /* "sd-invalid": STRUCTURED-DATA does not parse; it is part of MSG */
	MESSAGE_SD_REPEATED = 1u << 14,    /* "sd-repeated": one SD-ID occurs twice */
	MESSAGE_BOM = 1u << 15,            /* "bom": MSG began with the BOM, which is not part of it */
	MESSAGE_TIME_PRECISION = 1u << 16, /* "time-precision": more than nine fraction digits, or second 60 */
	MESSAGE_FLAGS = 17,                /* how many bits are in use */
};

/* What MSG begins with if it is known to be UTF-8 (RFC 5424 6.4). */
#define MSG_BOM BYTES("\xEF\xBB\xBF")

/* A point in time and how exactly it was written. */
struct message_time {
	int64_t unix_ns;        /* nanoseconds since 1970-01-01T00:00:00Z */
	int16_t offset_minutes; /* of the zone it was written in (or assumed), east positive */
	uint8_t digits;         /* fraction digits as written, 0..9 */
};

/*
 * Views into the bytes as received; an absent field is a view with len 0 (NILVALUE "-" is absent too). They live as
 * long as those bytes. HOSTNAME is what the message says, never the peer's address.
 */
struct message {
	enum message_format format;
	uint32_t flags; /* enum message_flag */
	uint8_t pri;    /* 0..191; facility * 8 + severity */
	struct message_time time;
	struct bytes hostname;
	struct bytes app_name;
	struct bytes procid;
	struct bytes msgid;
	struct bytes structured_data; /* with its brackets, valid by structured_data.h */
	struct bytes msg;             /* without BOM and without trailing LF, CR, NUL */
};

static inline unsigned message_facility(const struct message *message)
{
	return message->pri >> 3;
}

static inline unsigned message_severity(const struct message *message)
{
	return message->pri & 7;
}

/* Whether the message itself says its PRI; else 13 was assumed. */
static inline bool message_has_pri(uint32_t flags)
{
	return (flags & (MESSAGE_PRI_ABSENT | MESSAGE_PRI_INVALID)) == 0;
}

/* "pri-absent" and so on for one bit of enum message_flag; asserts that it is one of them. */
const char *message_flag_name(enum message_flag flag);

#endif
