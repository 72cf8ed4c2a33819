/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading back what was logged: from a SYSLOG-MSG, a JSON line or a logfmt line to the event's fields with their types.
 *
 *	char room[SLOG_READ_ROOM(LINE_MAX)];
 *	struct slog_reading reading;
 *	if (slog_read_json(&reading, line, length, room, sizeof room) == SLOG_READ_OK) {
 *		struct slog_read_cursor cursor = slog_read_members(&reading.fields);
 *		struct slog_read_member member;
 *		while (slog_read_next(&cursor, &member))
 *			printf("%s is %s\n", member.key, member.value.text);
 *	}
 *
 * The bytes may come from anybody. Nothing is allocated: the caller lends `room`, in which everything that was escaped
 * stands without its escapes. Reading an SD-ELEMENT takes up to 24 KiB of stack, everything else little. A reading and
 * all that was taken from it point into the text and the room, and live as long as both do.
 *
 * Types are those of the wire: null, bool, number, string (octets), list, object. What was logged as a time, an
 * address or octets is a string with that spelling. Numbers keep their digits.
 *
 * Keys of one object are in the order of the line. What liblog writes has no key twice; a line of somebody else may,
 * and then the last one stands: slog_read_find() gives it, slog_read_next() gives all.
 *
 * Pure functions; no state, safe in any thread.
 */
#ifndef LIBLOG_READ_H
#define LIBLOG_READ_H

#include <liblog/encoder.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Room that is always enough for a line of so many octets. */
#define SLOG_READ_ROOM(length) (4 * (length) + 64)

#define SLOG_READ_PARAMS_MAX 256 /* SD-PARAMs of a typed element; one with more is taken for somebody else's */

enum slog_read_result {
	SLOG_READ_OK,
	SLOG_READ_INVALID, /* the text is not of this format; reading.reason says why, the rest of it has no meaning */
	SLOG_READ_NO_ROOM  /* size is less than SLOG_READ_ROOM(length) and was not enough */
};

enum slog_read_type {
	SLOG_READ_NULL,   /* text is "null" */
	SLOG_READ_BOOL,   /* text is "true" or "false" */
	SLOG_READ_NUMBER, /* text is its digits, as JSON writes numbers */
	SLOG_READ_STRING, /* text is its octets, with a NUL behind them */
	SLOG_READ_LIST,   /* see slog_read_members() */
	SLOG_READ_OBJECT
};

struct slog_read_value {
	enum slog_read_type type;
	const char *text; /* of a list or an object: private */
	size_t length;    /* octets of text, without the NUL; 0 for lists and objects */
};

struct slog_read_member {
	const char *key; /* with a NUL behind it; in a list "" */
	size_t key_length;
	struct slog_read_value value;
};

/* An octet string, not terminated by NUL. */
struct slog_read_text {
	const char *text; /* NULL: there is none (the NILVALUE, or no such member) */
	size_t length;
};

/* An event as it was read. */
struct slog_reading {
	const char *reason;      /* why it is invalid, a constant; NULL otherwise */
	int severity;            /* SLOG_EMERG to SLOG_DEBUG; -1: not said */
	int facility;            /* 0 to 23; -1: not said */
	bool has_time;           /* the timestamp is there and names its zone: time is it */
	struct timespec time;
	struct slog_read_text timestamp; /* as written; may lack its zone in JSON */
	struct slog_read_text hostname;
	struct slog_read_text app_name;
	struct slog_read_text procid;
	struct slog_read_text name;      /* of the event: MSGID, or what stands for it */
	struct slog_read_text message;
	struct slog_read_text sd_id;     /* of the element of ours, SYSLOG-MSG only */
	bool is_typed;           /* the fields have types; false for a SYSLOG-MSG without an element of ours */
	bool is_cut;             /* the event was too large when it was written, and lost so many fields: */
	unsigned long cut;
	struct slog_read_value fields;          /* an object: the event's fields */
	struct slog_read_value structured_data; /* an object of SD-ID: the elements that are not ours; else null */
	struct slog_read_value relay;           /* an object: what a relay wrote about a message, JSON only; else null */
};

/*
 * A SYSLOG-MSG (RFC 5424, 6), to the letter of its grammar but for one leniency: a "]" in a PARAM-VALUE need not be
 * escaped. The element of ours is the first with the parameter ~v="1", else the first whose SD-ID is "slog@" and a
 * number; all elements with its SD-ID and what syslog-ng has split off them are read as one.
 *
 * In structured_data an element is an object of strings, or, where a name repeats, a list of lists of name and value;
 * elements with the same SD-ID are a list of these.
 */
enum slog_read_result slog_read_rfc5424(struct slog_reading *reading, const char *text, size_t length, char *room,
                                        size_t size);

/*
 * The same for those who have taken a message apart themselves: sd is the SD-ELEMENTs (no octets: the NILVALUE),
 * msgid and msg as they stand in the message (no octets: none). Sets name, message, is_typed, is_cut, cut, fields and
 * structured_data; all else is "not said". The room is that for all three together.
 */
enum slog_read_result slog_read_structured_data(struct slog_reading *reading, struct slog_read_text sd,
                                                struct slog_read_text msgid, struct slog_read_text msg, char *room,
                                                size_t size);

/*
 * One JSON object in the vocabulary of this project, white space around it allowed. Its strings are undone as liblog
 * writes them. A reserved name whose value has not its type is an ordinary field. Nested deeper than SLOG_DEPTH_MAX
 * below a field: invalid.
 */
enum slog_read_result slog_read_json(struct slog_reading *reading, const char *text, size_t length, char *room,
                                     size_t size);

/*
 * One logfmt line, `key=value key="quoted value" key`. An unquoted true, false, null, number, list or object of JSON is
 * one, everything else is a string; a key alone is true. The names of the header are those of JSON. This reads what
 * slog_encoder_logfmt writes, lists and objects as the strings that they are there, and other dialects as well as can
 * be; only a line without any key is invalid.
 */
enum slog_read_result slog_read_logfmt(struct slog_reading *reading, const char *text, size_t length, char *room,
                                       size_t size);

/* ---- walking ---------------------------------------------------------------------------------------------------- */

/* Private. */
struct slog_read_cursor {
	const char *at;
	bool has_keys;
};

/* A cursor before the first member of a list or an object. Other values have none. */
struct slog_read_cursor slog_read_members(const struct slog_read_value *value);

/* The next member; false at the end. */
bool slog_read_next(struct slog_read_cursor *cursor, struct slog_read_member *member);

/* The member of an object with this key, of several the last. False if there is none. */
bool slog_read_find(const struct slog_read_value *object, const char *key, struct slog_read_value *value);

/* True if the value is a string of exactly these octets. */
bool slog_read_is(const struct slog_read_value *value, const char *string);

/* ---- values as C types ------------------------------------------------------------------------------------------ */

enum slog_as {
	SLOG_AS_NONE,    /* it is no number; the result is 0 */
	SLOG_AS_INEXACT, /* the nearest there is: cut towards zero, rounded, or the end of the range */
	SLOG_AS_EXACT    /* for a double: writing it again gives the same number */
};

enum slog_as slog_as_i64(const struct slog_read_value *value, int64_t *number);
enum slog_as slog_as_u64(const struct slog_read_value *value, uint64_t *number);
enum slog_as slog_as_double(const struct slog_read_value *value, double *number);

/*
 * The octets of a value that slog_bytes() has written. True, with the octets in out (at most size) and *length set, if
 * the value is such a string and has no more than size octets; value->length is always size enough.
 */
bool slog_as_bytes(const struct slog_read_value *value, char *out, size_t size, size_t *length);

/* ---- logging again ---------------------------------------------------------------------------------------------- */

/* Octets of memory, aligned for any type, that the members of this list or object take as fields. */
size_t slog_read_fields_size(const struct slog_read_value *value);

/*
 * The members of an object as the fields that slog_event() and encoders take, in memory of at least
 * slog_read_fields_size() octets; returns how many there are, *fields is where they begin. Encoded again they are the
 * same values, digits included.
 */
size_t slog_read_fields(const struct slog_read_value *object, void *memory, const struct slog_field **fields);

/* Appends a value as JSON text. */
void slog_read_put_json(const struct slog_read_value *value, struct slog_line *line);

/*
 * Appends the members of an object as those of an event's JSON form, each with a comma before it: reserved names get
 * their underscore, and of equal keys the last one stands (of more than SLOG_READ_COMPARED_MAX members all
 * are written: they would take too long to compare, and are nobody's honest event).
 */
#define SLOG_READ_COMPARED_MAX 4096
void slog_read_put_json_fields(const struct slog_read_value *fields, struct slog_line *line);

#ifdef __cplusplus
}
#endif

#endif
