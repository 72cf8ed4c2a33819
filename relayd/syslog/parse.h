/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one reader of messages: RFC 5424, else RFC 3164 and its relatives, else all is MSG. It never fails; what was
 * guessed or wrong is flagged. One forward pass over the octets.
 */
#ifndef RELAYD_SYSLOG_PARSE_H
#define RELAYD_SYSLOG_PARSE_H

#include "syslog/message.h"
#include "syslog/parse_context.h"

/*
 * Reads one message as received, without its transport's framing, into `*message`. Its views point into `raw`.
 * MESSAGE_TRUNCATED is for the caller to add, who knows if `raw` was cut.
 */
void parse_message(struct bytes raw, struct parse_context *context, struct message *message);

/*
 * The octets of `raw` that are the message: without trailing LF and NUL in any mixture, and one CR before them. What is
 * left of framing is no part of it.
 */
struct bytes parse_trim(struct bytes raw);

#endif
