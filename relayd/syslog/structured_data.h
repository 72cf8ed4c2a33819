/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STRUCTURED-DATA (RFC 5424 6.3): its extent, its SD-ELEMENTs and SD-PARAMs, and the unescaping of PARAM-VALUE.
 *
 *   STRUCTURED-DATA = NILVALUE / 1*SD-ELEMENT
 *   SD-ELEMENT      = "[" SD-ID *( SP SD-PARAM ) "]"
 *   SD-PARAM        = PARAM-NAME "=" %d34 PARAM-VALUE %d34
 *   SD-NAME         = 1*32PRINTUSASCII                ; except "=", SP, "]" and %d34
 *   PARAM-VALUE     = UTF-8; %d34, "\" and "]" are escaped with "\"; "\" before anything else is an octet like others
 */
#ifndef RELAYD_SYSLOG_STRUCTURED_DATA_H
#define RELAYD_SYSLOG_STRUCTURED_DATA_H

#include "base/bytes.h"

enum {
	SD_NAME_MAX_BYTES = 32,
	SD_ELEMENTS_MAX = 128, /* SD-ELEMENTs in one message; more are not taken for STRUCTURED-DATA */
};

enum sd_outcome {
	SD_EXACT,     /* to the letter, but for UTF-8, which is not looked at */
	SD_TOLERATED, /* with an unescaped "]" in a PARAM-VALUE */
	SD_MALFORMED,
};

/* What one look at the elements of a message tells. */
struct sd_extent {
	enum sd_outcome outcome;
	size_t len;    /* of all elements; 0 if malformed */
	bool repeated; /* one SD-ID occurs twice */
};

struct sd_element {
	struct bytes id;
	struct bytes params; /* what sd_next_param() reads */
};

struct sd_param {
	struct bytes name;
	struct bytes value; /* still escaped, without its quotes */
};

/* Whether "\\" before this octet in a PARAM-VALUE is an escape. */
static inline bool sd_is_escaped(uint8_t octet)
{
	return octet == '"' || octet == '\\' || octet == ']';
}

/* Measures the SD-ELEMENTs at the start of `text`, which begins with "[" (NILVALUE is the caller's). */
struct sd_extent sd_measure(struct bytes text);

/* Takes the next SD-ELEMENT from the start of `*rest`. False at the end, or where the text is malformed. */
bool sd_next_element(struct bytes *rest, struct sd_element *element);

/* Takes the next SD-PARAM from the start of `*params`. False at the end, or where the text is malformed. */
bool sd_next_param(struct bytes *params, struct sd_param *param);

#endif
