/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that the next hop refuses for good, put aside so that the others can go on: a file of the output's own below
 * the spool, `quarantine/<output>`, made as a segment is (spool_format.h): header, then a block for each message, with
 * its sequence. A message is synced there before its output's cursor passes it (spool-rules.md, rule 38).
 *
 * One thread, the output's. The file is opened when the first message comes.
 */
#ifndef RELAYD_OUTPUT_QUARANTINE_H
#define RELAYD_OUTPUT_QUARANTINE_H

#include "spool/spool.h"
#include "syslog/envelope.h"

struct quarantine;

enum quarantine_result {
	QUARANTINE_DONE = 0,   /* it is on the disk */
	QUARANTINE_FULL = 1,   /* max_size_bytes would be passed */
	QUARANTINE_FAILED = 2, /* `error` says why; after a failed sync nothing is taken any more */
};

enum { QUARANTINE_ERROR_MAX_BYTES = 512 };

/* For the output of that name; texts are copied. NULL if memory is short. Touches no file. */
struct quarantine *quarantine_open(const char *spool_path, const char *output, uint64_t max_size_bytes);
void quarantine_close(struct quarantine **quarantine);

/* Where its file is. */
const char *quarantine_path(const struct quarantine *quarantine);

/* Appends one message and syncs it. `error` has QUARANTINE_ERROR_MAX_BYTES. */
enum quarantine_result quarantine_put(struct quarantine *quarantine, uint64_t sequence, const struct envelope *envelope,
                                      char *error);

#endif
