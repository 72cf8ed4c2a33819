/* SPDX-License-Identifier: Apache-2.0 */
/* At most so many log lines of a kind per interval; the next one that passes says how many were held back. */
#ifndef RELAYD_BASE_RATE_LIMIT_H
#define RELAYD_BASE_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* Zero-initialise, then set the first two fields. Not shared between threads. */
struct rate_limit {
	uint64_t interval_ns;
	uint32_t burst;       /* lines allowed per interval */
	uint32_t used;        /* in this interval */
	uint64_t since_ns;    /* start of this interval, monotonic */
	uint64_t held_back;   /* since the last line that passed */
};

/*
 * May a line be logged at `now_ns` (monotonic)? If so, `*held_back` is the number of lines refused since the last one
 * that passed, for the line to mention.
 */
bool rate_limit_pass(struct rate_limit *limit, uint64_t now_ns, uint64_t *held_back);

#endif
