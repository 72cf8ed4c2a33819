/* SPDX-License-Identifier: Apache-2.0 */
/* PRI (RFC 3164 4.1.1, RFC 5424 6.2.1). */
#ifndef RELAYD_SYSLOG_PRI_H
#define RELAYD_SYSLOG_PRI_H

#include "base/bytes.h"

enum {
	PRI_MAX = 191,
	PRI_DEFAULT = 13, /* user.notice, of a message that has none */
};

enum pri_outcome {
	PRI_EXACT,     /* to the letter */
	PRI_TOLERATED, /* leading zeros */
	PRI_ABSENT,    /* the text does not begin with "<" */
	PRI_INVALID,   /* "<>", or a number above 191: to be skipped */
	PRI_UNCLOSED,  /* "<" without one to three digits and ">": no PRI and no header */
};

/*
 * Reads PRI at the start of `text`: PRI = "<" 1*3DIGIT ">". Sets `*pri` (PRI_DEFAULT if there is no valid one) and
 * `*len`, the octets that it takes (0 if absent or unclosed).
 */
enum pri_outcome pri_read(struct bytes text, uint8_t *pri, size_t *len);

#endif
