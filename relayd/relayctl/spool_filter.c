/* SPDX-License-Identifier: Apache-2.0 */
#include "relayctl/spool_filter.h"

#include <stdio.h>

#include "config/config_filter.h"
#include "output/output_common.h"

bool spool_filter_open(struct spool_filter *filter, const char *json, const struct spool *spool)
{
	char error[OUTPUT_ERROR_MAX_BYTES];
	_Static_assert((int)FILTER_ERROR_MAX_BYTES <= (int)OUTPUT_ERROR_MAX_BYTES, "one text takes both errors");
	*filter = (struct spool_filter){.options = {.present = json != NULL}};
	if ((json == NULL || config_read_filter(json, &filter->options, error)) &&
	    filter_compile(&filter->filter, &filter->options, spool, error))
		return true;
	fprintf(stderr, "%s\n", error);
	return false;
}

void spool_filter_close(struct spool_filter *filter)
{
	filter_free(&filter->filter);
	option_free(output_filter_rows, &filter->options);
}
