/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outage budget: at the rate of the last minute, how long the spool lasts if nothing is delivered any more, and how long
 * each output needs to deliver what waits for it. A sample every ten seconds, on the main thread; once nothing has moved
 * between two of them, none before something does.
 */
#ifndef RELAYD_RELAY_BUDGET_H
#define RELAYD_RELAY_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct relay;
struct budget;

enum {
	BUDGET_SAMPLE_MS = 10 * 1000,
	BUDGET_SAMPLES = 6, /* so many are looked back */
};

/* What a moment of the relay is, for its rates. */
struct budget_sample {
	uint64_t at_ns;     /* monotonic */
	uint64_t messages;  /* appended */
	uint64_t octets;    /* written */
	uint64_t delivered; /* of one output */
};

/* Between two samples. */
struct budget_rates {
	uint64_t messages_per_s;  /* that come in; rounded */
	uint64_t octets_per_s;
	uint64_t delivered_per_s;
	bool covers;              /* something comes in: */
	uint64_t covers_s;        /* the spool lasts so long */
	bool drains;              /* more is delivered than comes in, or nothing waits: */
	uint64_t drains_s;        /* until nothing waits any more */
};

/* The rates from `then` to `now`; `room_octets` are free in the spool, `pending` messages wait. Pure. */
struct budget_rates budget_rates_of(const struct budget_sample *then, const struct budget_sample *now,
                                    uint64_t room_octets, uint64_t pending);

/* Begins to take samples, on the relay's loop. NULL if memory is short. */
struct budget *budget_open(struct relay *relay);

/* Clears the pointer; harmless if NULL. The loop must run once more. */
void budget_close(struct budget **budget);

/* Something has moved, perhaps: samples are taken again. From the main thread. */
void budget_go_on(struct budget *budget);

/* The relay's rates with output `output` (an index below SETTINGS_OUTPUTS_MAX). From the main thread. */
struct budget_rates budget_now(struct budget *budget, unsigned output, uint64_t pending);

#endif
