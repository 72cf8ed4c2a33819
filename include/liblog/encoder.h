/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoders: an event as octets. Those we ship, and how to write one.
 *
 * An encoder is a pure function from an event to one line. It appends to a struct slog_line without looking whether
 * there is room: when the line overflows, liblog gives the encoder the event again with fewer fields in it (whole
 * top-level fields from the end, then the end of the message), until it fits. So the result must not grow when fields
 * are taken away, and everything the encoder knows must come from the event and from itself. No framing: the LF after
 * a line is the sink's.
 *
 * An encoder runs inside a logging call, in any thread, on a stack of which 4 KiB are promised for the whole call: it
 * keeps no state, allocates nothing and keeps its frame small.
 */
#ifndef LIBLOG_ENCODER_H
#define LIBLOG_ENCODER_H

#include <liblog/line.h>
#include <liblog/slog.h>

#ifdef __cplusplus
extern "C" {
#endif

struct slog_prepared;

/* One event as an encoder sees it. All it points at is lent for the call of encode(). New members come at the end. */
struct slog_entry {
	struct timespec time;
	enum slog_severity severity; /* SLOG_TRACE is debug on every wire */
	enum slog_facility facility;
	const char *logger;      /* the named logger's name; "" for the default one */
	const char *name;        /* the event's name, not terminated by NUL */
	size_t name_length;      /* 0: it has none */
	const char *message;     /* NULL: it has none; not terminated by NUL */
	size_t message_length;   /* never 0 when message is not NULL */
	const char *hostname;    /* "" if not known */
	const char *app_name;    /* "" if not known */
	long pid;
	const struct slog_field *bound; /* the logger's fields, then the event's; read them with slog_entry_next() */
	size_t bound_count;
	const struct slog_field *fields;
	size_t field_count;
	size_t shown;            /* of both together, how many slog_entry_next() may give */
	bool is_cut;             /* it did not fit: say so, with the number below */
	size_t cut;              /* fields that were left out */
	struct slog_prepared *prepared; /* liblog's own; NULL in an entry that is not made by a call */
};

struct slog_encoder {
	const char *name; /* "json" */
	void (*encode)(const struct slog_encoder *encoder, const struct slog_entry *entry, struct slog_line *line);
};

/*
 * The next field to write, in order, and NULL at the end; *position is 0 at first. Of fields with equal keys only the
 * last is given, and the one that became the message is not. Do not walk bound and fields yourself.
 */
const struct slog_field *slog_entry_next(const struct slog_entry *entry, size_t *position);

/* True if the entry has a field to give. */
bool slog_entry_has_fields(const struct slog_entry *entry);

/* Appends a value as JSON text: numbers keep their type, strings are quoted and escaped (json.h). */
void slog_line_put_json(struct slog_line *line, const struct slog_value *value);

/* One JSON object in the vocabulary of this project: timestamp, severity, ..., message, then the event's fields. */
extern const struct slog_encoder slog_encoder_json;

/* An RFC 5424 SYSLOG-MSG; the fields as one SD-ELEMENT "slog@32473", typed, nested and reversible. */
extern const struct slog_encoder slog_encoder_rfc5424;

/*
 * The same with choices, to be used as &own.encoder; start from SLOG_RFC5424_ENCODER_INIT. The strings must live as long
 * as the encoder is used.
 */
struct slog_rfc5424_encoder {
	size_t size; /* sizeof(struct slog_rfc5424_encoder), as SLOG_RFC5424_ENCODER_INIT has it; new members come at the end */
	struct slog_encoder encoder;
	/* At most 32 octets, PRINTUSASCII without '=', ']' and '"': for those with a private enterprise number of their own. */
	const char *sd_id;
	/* Dots in names are written as %2E, for chains that lead from syslog-ng to rsyslog's mmpstrucdata. */
	bool escape_dots;
	/* The element timeQuality (RFC 5424, 7.1): whether the system's clock is synchronised, asked once a minute. */
	bool time_quality;
	/* The element origin (7.2): software and swVersion, cut to 48 and 32 octets. NULL: without. */
	const char *software;
	const char *software_version;
	/*
	 * The element meta (7.3) with sequenceId, by which a receiver sees gaps: 1, 2, ... for each event that this encoder
	 * writes, and from 1 again in a child of fork(). The counter is the caller's, zero at first, of one sink only, and
	 * then liblog's. NULL: without.
	 */
	uint64_t *sequence;
};
#define SLOG_RFC5424_SD_ID "slog@32473"
#define SLOG_RFC5424_ENCODER_INIT \
	{sizeof(struct slog_rfc5424_encoder), {"rfc5424", slog_encode_rfc5424}, SLOG_RFC5424_SD_ID, false, false, NULL, NULL, \
		NULL}
void slog_encode_rfc5424(const struct slog_encoder *encoder, const struct slog_entry *entry, struct slog_line *line);

/* For /dev/log: a header as of syslog(3), RFC 3164 in local time, then "@cee:" and the JSON object. */
extern const struct slog_encoder slog_encoder_cee;

/*
 * For journald's native socket: its fields MESSAGE (the event's name if there is none), PRIORITY, SYSLOG_FACILITY,
 * SYSLOG_IDENTIFIER, SYSLOG_PID and SYSLOG_MSGID (the event's name); SYSLOG_STRUCTURED_DATA, the fields in their exact
 * form; and each field under its key in capitals, with F_ before it where that name is taken. Not a line: it has LFs.
 */
extern const struct slog_encoder slog_encoder_journald;

/* One logfmt line; lists and objects in it are strings of JSON text. */
extern const struct slog_encoder slog_encoder_logfmt;

/*
 * One JSON object with the names of the Elastic Common Schema for what the header holds ("@timestamp", "log.level",
 * "message", ... as dotted names); the event's fields keep theirs. Not meant to be read back.
 */
extern const struct slog_encoder slog_encoder_ecs;

/* A line for people: local time, severity, logger, event, message, key=value. Not meant to be read back. */
extern const struct slog_encoder slog_encoder_console;

/* The same with colours for a terminal. */
extern const struct slog_encoder slog_encoder_console_colour;

#ifdef __cplusplus
}
#endif

#endif
