/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cutting an output for a drill: its connection is broken as a network would break it, and made again when the time is
 * over, by the output's own timer: whoever asked for the cut may be gone by then. Refused where it could cost a message.
 */
#ifndef RELAYD_RELAY_CUT_H
#define RELAYD_RELAY_CUT_H

#include <sys/socket.h>

#include "spool/spool.h"

struct relay;
struct relay_output;

enum {
	CUT_SECONDS_MAX = 3600,
	CUT_MARGIN = 2,             /* the outage budget must be so many times the cut */
	CUT_ERROR_MAX_BYTES = 512,
};

/* What decides whether a cut is safe. */
struct cut_plan {
	uint64_t seconds;
	enum spool_level level;
	bool covers;                /* as in struct budget_rates: */
	uint64_t covers_s;
	uint64_t octets_per_s;
	uint64_t used_octets;       /* that wait already */
	bool drops_oldest;          /* the output's when_behind */
	uint64_t max_lag_octets;    /* 0: none */
	uint64_t max_lag_ns;        /* 0: none */
};

/* Whether it is; if not, a sentence in `error` (CUT_ERROR_MAX_BYTES). Pure. */
bool cut_is_safe(const struct cut_plan *plan, char *error);

/* Whether cut_begin() would cut it now. False and a sentence in `error`. */
bool cut_check(struct relay *relay, const char *name, uint64_t seconds, char *error);

/*
 * Cuts the output of that name for so long. False and a sentence in `error` if there is none, it cannot be cut, is cut
 * already, or it is not safe. A cut is told in the log, with who asked. From the main thread.
 */
bool cut_begin(struct relay *relay, const char *name, uint64_t seconds, const struct ucred *who, char *error);

/* Ends a cut before its time. False and a sentence if there is no such output; one that is not cut is no error. */
bool cut_end(struct relay *relay, const char *name, const struct ucred *who, char *error);

/* How long the output is still cut; 0: it is not. */
uint64_t cut_seconds_left(const struct relay_output *output);

#endif
