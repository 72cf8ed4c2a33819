/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One loss as a message for those downstream: what, how many, of whom, from when to when, why, and which counter says so.
 * RFC 5424, its fields in liblog's typed encoding (SD-ID slog@32473), so that programs read them and people the text.
 *
 *     messages_lost       err: counted as dropped or damaged, certainly
 *     messages_suspected  notice: numbers are missing between sequenceIds; part of no sum
 *     unclean_stop        warning: how much may be lost that nobody could count
 */
#ifndef RELAYD_RELAY_LOSS_MESSAGE_H
#define RELAYD_RELAY_LOSS_MESSAGE_H

#include "base/bytes.h"

enum loss_event {
	LOSS_CERTAIN = 0,   /* "messages_lost" */
	LOSS_SUSPECTED = 1, /* "messages_suspected" */
	LOSS_UNCLEAN = 2,   /* "unclean_stop": only `octets`, and `to_ns` */
};

/* Whose counter it is: exactly one of the first four is set, or it is the sum of the sources that have no row. */
struct loss {
	enum loss_event event;
	const char *input;     /* an input's, where nobody knows the sender */
	const char *output;
	const char *identity;  /* of a stream's relay, by whose word they are lost */
	const char *peer;      /* a source's: its address as text, "" if it is local */
	struct bytes hostname; /* a source's, as its messages say */
	const char *reason;    /* "spool-full": the counter's name */
	uint64_t count;        /* since the last message of this counter */
	uint64_t total;        /* the counter, which runs since the spool was created */
	int64_t from_ns;       /* wall clock: it happened in between */
	int64_t to_ns;
	uint64_t octets;       /* LOSS_UNCLEAN: this much at the most */
};

enum { LOSS_MESSAGE_MAX_BYTES = 2048 };

/* Writes the message to `out` of LOSS_MESSAGE_MAX_BYTES; returns its length. `hostname`: this machine's. */
size_t loss_message_write(const struct loss *loss, const char *hostname, long pid, char *out);

#endif
