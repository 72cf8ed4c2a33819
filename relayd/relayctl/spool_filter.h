/* SPDX-License-Identifier: Apache-2.0 */
/* --filter: what an output's "filter" says, as text on the command line. */
#ifndef RELAYD_RELAYCTL_SPOOL_FILTER_H
#define RELAYD_RELAYCTL_SPOOL_FILTER_H

#include "output/filter.h"

/* All zero: everything passes. spool_filter_close() frees. */
struct spool_filter {
	struct output_filter_options options;
	struct filter filter;
};

/*
 * Reads `json` (NULL: everything passes); `spool` knows the names of inputs. False after having said on stderr what is wrong
 * with it.
 */
bool spool_filter_open(struct spool_filter *filter, const char *json, const struct spool *spool);
void spool_filter_close(struct spool_filter *filter);

#endif
