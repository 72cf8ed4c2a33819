/* SPDX-License-Identifier: Apache-2.0 */
/* Reading SYSLOG-MSG of RFC 5424, to the letter and a little beside it. Writing is rfc5424_encode.h. */
#ifndef RELAYD_SYSLOG_RFC5424_H
#define RELAYD_SYSLOG_RFC5424_H

#include "syslog/message.h"
#include "syslog/parse_context.h"

enum {
	RFC5424_HOSTNAME_MAX_BYTES = 255,
	RFC5424_APP_NAME_MAX_BYTES = 48,
	RFC5424_PROCID_MAX_BYTES = 128,
	RFC5424_MSGID_MAX_BYTES = 32,
};

enum rfc5424_outcome {
	RFC5424_READ,         /* the message is filled; its format says if to the letter or nearly */
	RFC5424_NO_TIMESTAMP, /* begins like RFC 5424, but what follows "1 " is no TIMESTAMP: read that as legacy text */
	RFC5424_NOT,          /* something else */
};

/*
 * Reads what follows PRI, without trailing LF, CR, NUL. Sets everything in `*message` but pri, and only adds to its
 * flags; MESSAGE_NOT_UTF8 must be there already if it applies. What breaks the grammar is kept and flagged: the message
 * is then MESSAGE_FORMAT_NEAR_RFC5424. If the outcome is not RFC5424_READ the message is as it was.
 */
enum rfc5424_outcome rfc5424_decode(struct bytes text, struct parse_context *context, struct message *message);

#endif
