/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one relay on the way has seen of the probes of one id: asked over its control socket, gathered over many answers,
 * and kept also over a restart of that relay, which then no longer knows what it saw before.
 *
 * Times of another host are made comparable by asking: a relay's clock is read between the moments when we ask and when
 * its answer is here, so it is known as exactly as that took, however wrong it is set.
 */
#ifndef RELAYD_RELAYCTL_PROBE_RECEIPTS_H
#define RELAYD_RELAYCTL_PROBE_RECEIPTS_H

#include "config/json_tree.h"
#include "relay/probe.h"

enum { RECEIPT_NAME_MAX_BYTES = 64 + 1, RECEIPTS_OUTPUTS_MAX = 32, RECEIPTS_ERROR_MAX_BYTES = 512 };

/* One probe at one relay. */
struct receipt {
	uint64_t copies;          /* 0: not seen */
	uint64_t sequence;        /* of the first one there */
	int64_t stored_ns;        /* by that relay's clock */
	char input[RECEIPT_NAME_MAX_BYTES];
};

struct receipts_output {
	char name[RECEIPT_NAME_MAX_BYTES];
	bool confirmed;
	char stream[RECEIPT_NAME_MAX_BYTES]; /* the id of what it ships, in hexadecimal */
	bool wants;               /* its filter lets the probes pass */
	uint64_t delivered;       /* sequence */
	uint64_t put_aside;       /* of all messages since the beginning: not delivered, for good */
};

struct receipts {
	const char *path;         /* of the control socket */
	const char *id;
	unsigned count;
	struct receipt *receipt;  /* [number - 1] */
	unsigned seen;            /* different numbers */
	uint64_t copies;
	char host[256];           /* as the relay calls it; "" until it has answered */
	char spool[RECEIPT_NAME_MAX_BYTES];  /* the id of its spool, as of the last answer */
	const char *stream;       /* asked for; NULL: none. Set by the caller */
	bool has_stream;          /* it knows it, and has stored so many messages of it */
	uint64_t stream_count;
	unsigned begun;           /* times that the relay began to look; more than one: it was restarted */
	uint64_t unread;          /* messages that it stored and could not look at */
	uint64_t stored, looked_at;
	struct receipts_output output[RECEIPTS_OUTPUTS_MAX];
	unsigned outputs_count;
	int64_t clock_ns;         /* its clock minus ours, */
	uint64_t clock_error_ns;  /* give or take so much; UINT64_MAX: not known yet */
	char error[RECEIPTS_ERROR_MAX_BYTES]; /* of the last question; "" if it was answered */
};

/* Begins to look at the relay behind `path`. False and `error`. receipts_end() in any case. */
bool receipts_begin(struct receipts *receipts, const char *path, const char *id, unsigned count);

/* Asks what was seen by now. False and `error` if there is no answer; a relay that has forgotten is made to look again. */
bool receipts_ask(struct receipts *receipts);

/* Takes an answer that came between `asked_ns` and `answered_ns` (our wall clock). False if it is none. For tests, too. */
bool receipts_take(struct receipts *receipts, const struct json_value *answer, int64_t asked_ns, int64_t answered_ns);

/* Ends the looking and frees. */
void receipts_end(struct receipts *receipts);

/* Whether what was not seen was not there: the relay has looked at all, and was never restarted. */
bool receipts_are_complete(const struct receipts *receipts);

/* When the probe was stored there, by our clock. */
int64_t receipts_stored_ns(const struct receipts *receipts, const struct receipt *receipt);

/* The highest sequence that a probe has there; 0 if none was seen. */
uint64_t receipts_last_sequence(const struct receipts *receipts);

/* The output of that name, or NULL. */
const struct receipts_output *receipts_find_output(const struct receipts *receipts, const char *name);

#endif
