/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes out for a record. The format is the output's option; PRI is always there (a legacy text without one could begin
 * with 'z', which rsyslog takes for a compressed message).
 */
#ifndef RELAYD_OUTPUT_ENCODER_H
#define RELAYD_OUTPUT_ENCODER_H

#include "base/buffer.h"
#include "output/output_common.h"
#include "output/typed_event.h"
#include "syslog/envelope.h"
#include "syslog/timestamp.h"

enum encoder_format {
	/*
	 * Legal RFC 5424, always: the octets as received where they are that already (and no stamp is wanted), else written
	 * anew from the fields. The default.
	 */
	ENCODER_RFC5424 = 0,
	/* The octets as received, whatever they are; with PRI before them where they have none. A stamp is not possible. */
	ENCODER_RAW = 1,
	/* One JSON object, with all that the relay knows; the fields of liblog's events with their types. */
	ENCODER_JSON = 2,
};

/* The names above, for an OPTION_CHOICE. */
extern const char *const encoder_format_names[];

/* The row of the option `format` at `member` of a driver's settings. */
#define ENCODER_FORMAT_ROW(type, member, preset_text) \
	{.name = "format", .kind = OPTION_CHOICE, .offset = offsetof(type, member), .preset = preset_text, \
	 .choices = encoder_format_names, \
	 .doc = "rfc5424: always legal RFC 5424, octet for octet as received where it was that; raw: as " \
	         "received, whatever it is; json: one JSON object, liblog's events with their types."}

/* Most octets of one encoded message. A longer one cannot be sent and is counted as damaged. */
enum { ENCODER_MESSAGE_MAX_BYTES = 32 * 1024 * 1024 };

/* Set up with encoder_init(); private. Belongs to one thread. */
struct encoder {
	enum encoder_format format;
	bool stamp;
	unsigned as_received;      /* the set of formats whose messages go on as they came, if they have a PRI */
	const struct spool *spool; /* names of inputs */
	struct typed_event typed;
	struct buffer scratch;
	size_t room;               /* last asked of scratch */
	struct timestamp_minute minute;
};

/* False and a sentence (OUTPUT_ERROR_MAX_BYTES) if the options contradict each other. */
bool encoder_check(enum encoder_format format, const struct output_common *common, char *error);

void encoder_init(struct encoder *encoder, enum encoder_format format, bool stamp, const struct spool *spool);
void encoder_free(struct encoder *encoder);

enum encoder_result {
	ENCODER_DONE = 0,
	ENCODER_TOO_LONG = 1,  /* more than ENCODER_MESSAGE_MAX_BYTES */
	ENCODER_NO_MEMORY = 2, /* try again later */
};

/*
 * Encodes one record, without framing. `*message` is a view into the record or into the encoder's memory: until the next
 * call, as long as the record's own octets live.
 */
enum encoder_result encoder_encode(struct encoder *encoder, const struct envelope *envelope, struct bytes *message);

/*
 * The same for a message whose format is in encoder->as_received, and that has a PRI: its raw octets are enough, of which
 * there are no more than ENCODER_MESSAGE_MAX_BYTES.
 */
struct bytes encoder_pass_on(const struct encoder *encoder, struct bytes raw);

/*
 * Several messages that are needed at the same time. Starting a run ends what was encoded before; a record of
 * `record_len` octets may be added if the run takes it, which it does not in every format; then `*message` lives as
 * long as the run.
 */
void encoder_start_run(struct encoder *encoder);
bool encoder_run_takes(const struct encoder *encoder, size_t record_len);
void encoder_run_add(struct encoder *encoder, const struct envelope *envelope, struct bytes *message);

#endif
