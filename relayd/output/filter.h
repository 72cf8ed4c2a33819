/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which records an output wants: facility, severity, and patterns for HOSTNAME, APP-NAME and the input's name. Compiled
 * once; then PRI is one table look-up, and patterns are tried only for records that passed it.
 */
#ifndef RELAYD_OUTPUT_FILTER_H
#define RELAYD_OUTPUT_FILTER_H

#include "output/output.h"
#include "syslog/envelope.h"

enum { FILTER_ERROR_MAX_BYTES = 384, FILTER_PRIS = 192 };

/* Set up with filter_compile(); private. */
struct filter {
	bool active;                                /* false: everything passes */
	bool pri[FILTER_PRIS];
	const struct option_list *hostname, *app_name;
	signed char *inputs;                        /* by index: 1 wanted, 0 not, -1 not asked yet; NULL: all wanted */
	const struct option_list *input;
	const struct spool *spool;                  /* knows the inputs' names */
};

/*
 * Compiles what the operator wrote, which must outlive the filter. `spool` tells the inputs' names; NULL only where nothing
 * will be matched (a check). False and a sentence in `error` (FILTER_ERROR_MAX_BYTES). filter_free() frees.
 */
bool filter_compile(struct filter *filter, const struct output_filter_options *options, const struct spool *spool,
                    char *error);
void filter_free(struct filter *filter);

/* Whether the output wants this record. */
bool filter_passes(const struct filter *filter, const struct envelope *envelope);

/* Whether `text` matches `pattern`: '*' is any run of octets, '?' one octet; ASCII case does not matter. */
bool filter_glob(const char *pattern, struct bytes text);

#endif
