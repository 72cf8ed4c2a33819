/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a message's parts give back its bytes, so that a structured output need not carry these as well. */
#ifndef RELAYD_SYSLOG_REPRODUCE_H
#define RELAYD_SYSLOG_REPRODUCE_H

#include "syslog/envelope.h"

/*
 * True if PRI, time and the fields, put together as their RFC has it, are exactly the message's octets (as parse_trim()
 * leaves them): "<PRI>Mmm dd hh:mm:ss HOSTNAME TAG[PROCID]: MSG" with absent parts left out, or RFC 5424 with "-" for
 * them and STRUCTURED-DATA written from its names and unescaped values.
 */
bool message_is_reproduced(const struct envelope *envelope);

#endif
