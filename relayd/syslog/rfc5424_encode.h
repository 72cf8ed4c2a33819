/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing SYSLOG-MSG of RFC 5424. A message that was read to the letter goes out octet by octet as it came; every other
 * one becomes a legal one, however bad the input was, with as little changed as that takes.
 */
#ifndef RELAYD_SYSLOG_RFC5424_ENCODE_H
#define RELAYD_SYSLOG_RFC5424_ENCODE_H

#include "syslog/envelope.h"
#include "syslog/timestamp.h"

enum {
	RFC5424_HEADER_MAX_BYTES = 5 + 2 + 36 + 1 + 255 + 1 + 48 + 1 + 128 + 1 + 32 + 1,
	RFC5424_STAMP_MAX_BYTES = 192,
	RFC5424_GROWTH_MAX =
		4, /* octets for one octet: three in STRUCTURED-DATA, and MSG in a damaged record may share it */
};

/* Room that is always enough for a message of `raw_len` octets. */
static inline size_t rfc5424_encoded_max(size_t raw_len)
{
	return RFC5424_HEADER_MAX_BYTES + RFC5424_STAMP_MAX_BYTES + RFC5424_GROWTH_MAX * raw_len + 8;
}

/* How to write. All-zero is a plain relay's choice. */
struct rfc5424_encoding {
	struct bytes fallback_hostname; /* HOSTNAME if the message has none, for instance the peer's address; empty: "-" */
	bool stamp;                     /* add [relayd@32473 …], and timeQuality where the zone is a guess */
	uint8_t replace_lf;             /* not 0: this octet stands for each LF, because the framing ends at LF */
	struct timestamp_minute *minute; /* for a thread that writes many: kept from one to the next. NULL: none */
};

struct rfc5424_encoded {
	size_t len;      /* 0 if not even HEADER and STRUCTURED-DATA fit */
	size_t replaced; /* LFs that were replaced */
	size_t cut;      /* octets of MSG that did not fit */
};

/*
 * Writes the message to `out`, at most `room` octets: MESSAGE_FORMAT_RFC5424 without a stamp unchanged (but for what
 * parse_trim() takes away, and replaced LFs), everything else anew (RFC 5424 A.1): a TIMESTAMP of at most six digits;
 * fields without octets that are not PRINTUSASCII ("?" stands for them), cut to their limits; STRUCTURED-DATA unaltered
 * where it is valid; MSG. If `room` is short MSG is cut, at the end of a character; nothing else ever is.
 *
 * The stamp says what this relay knows: [relayd@32473 peer="192.0.2.1:514" transport="udp" received="…Z"]. A message
 * that bears one from a relay before is not stamped again: one SD-ID must not occur twice, and the first one was
 * nearest.
 */
struct rfc5424_encoded rfc5424_encode(const struct envelope *envelope, const struct rfc5424_encoding *encoding,
									  uint8_t *out, size_t room);

#endif
