/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two usual stamps in a short way: nearly each says the same minute as the one before it, so it is compared with that
 * one instead of read, and only its seconds count. What any other octet would make of it is for the long way to say
 * (legacy_timestamp.h, timestamp.h, timestamp_resolve.h), which reads these forms the same.
 */
#ifndef RELAYD_SYSLOG_STAMP_MINUTE_H
#define RELAYD_SYSLOG_STAMP_MINUTE_H

#include "syslog/message.h"
#include "syslog/parse_context.h"
#include "syslog/timestamp.h"

/*
 * Reads RFC 3164's own form (legacy_timestamp_read_common()) at the start of `text`, of any minute. Sets the message's time
 * and the flags about it. False, and nothing is set, if it is in any other form.
 */
bool stamp_minute_read_bsd(struct bytes text, struct parse_context *context, struct message *message);

/*
 * Reads a TIMESTAMP of RFC 5424 at the start of `text` that has a zone and is in the minute noted last, and sets the
 * message's time. Returns its length; 0, and nothing is set, if it is any other or no SP follows.
 */
size_t stamp_minute_read_iso(struct bytes text, const struct parse_context *context, struct message *message);

/* Notes the minute of `stamp`, which was read from the start of `text` to the letter of RFC 5424 and has been resolved. */
void stamp_minute_note_iso(struct bytes text, const struct timestamp *stamp, struct parse_context *context);

#endif
