/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a RELP server sends: RELP-FRAME = TXNR SP COMMAND SP DATALEN [SP DATA] LF, where COMMAND is rsp or serverclose.
 * Pure: octets in, an outcome out.
 */
#ifndef LIBLOG_RELP_ANSWER_H
#define LIBLOG_RELP_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#define SLOG_RELP_TXNR_MAX 999999999U
#define SLOG_RELP_ANSWER_BYTES_MAX 4096 /* a whole frame; an answer to `open` has some hundred octets */

enum slog_relp_outcome { SLOG_RELP_COMPLETE, SLOG_RELP_INCOMPLETE, SLOG_RELP_INVALID };

enum slog_relp_command { SLOG_RELP_RSP, SLOG_RELP_SERVERCLOSE };

struct slog_relp_answer {
	enum slog_relp_command command;
	uint32_t txnr;
	int code;    /* the three digits that rsp begins with; 0: it has none, as the answer to `close` */
	size_t size; /* octets of the frame */
};

/* Reads the frame that the octets begin with. The answer is filled only if it is complete. */
enum slog_relp_outcome slog_relp_answer_read(const char *octets, size_t length, struct slog_relp_answer *answer);

#endif
