/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading legacy messages: what RFC 3164 describes, and what vendors send instead. There is no invalid message, only
 * one without recognisable parts: every step that does not fit leaves its field absent and goes on.
 */
#ifndef RELAYD_SYSLOG_RFC3164_H
#define RELAYD_SYSLOG_RFC3164_H

#include "syslog/message.h"
#include "syslog/parse_context.h"

enum {
	RFC3164_HOSTNAME_MAX_BYTES = 255,
	RFC3164_TAG_MAX_BYTES = 255, /* the RFC allows 32; nobody keeps to it */
	RFC3164_PROCID_MAX_BYTES = 128,
	RFC3164_SEQUENCE_DIGITS_MAX = 10, /* Cisco's message counter */
};

/*
 * Reads what follows PRI, without trailing LF, CR, NUL. Sets everything in `*message` but pri, and only adds to its
 * flags. The grammar: legacy = *SP [seq] [origin] [mark] [stamp] *SP [host-tag] body seq    = [1*10DIGIT] ":" SP   ;
 * Cisco's counter; only if mark, stamp, mnemonic or origin follows origin = hostname ":" SP      ; Cisco's "logging
 * origin-id"; only if mark, stamp or mnemonic follows mark   = "*" / "."            ; Cisco's clock is not
 * synchronised; only directly before a stamp
 */
void rfc3164_decode(struct bytes text, struct parse_context *context, struct message *message);

/* All is MSG: for text whose "<" does not begin a PRI. */
void rfc3164_decode_bare(struct bytes text, const struct parse_context *context, struct message *message);

#endif
