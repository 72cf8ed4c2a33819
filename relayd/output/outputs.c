/* SPDX-License-Identifier: Apache-2.0 */
/* The list of output drivers: adding one is a file and a line here. */
#include "output/output_common.h"

const struct output_driver *const output_drivers[] = {
	&output_relp, &output_tls, &output_tcp, &output_udp, &output_file, &output_stdout, NULL,
};

const struct output_driver *output_driver_find(const char *type)
{
	for (const struct output_driver *const *driver = output_drivers; *driver != NULL; driver++)
		if (strcmp((*driver)->type, type) == 0)
			return *driver;
	return NULL;
}
