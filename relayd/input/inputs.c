/* SPDX-License-Identifier: Apache-2.0 */
/* The list of input drivers: adding one is a file and a line here. */
#include "input/input_drivers.h"

const struct input_driver *const input_drivers[] = {
	&input_udp,
	&input_tcp,
	&input_tls,
	&input_relp,
	&input_unix,
	NULL,
};

const struct input_driver *input_driver_find(const char *type)
{
	for (size_t i = 0; input_drivers[i] != NULL; i++) {
		if (strcmp(input_drivers[i]->type, type) == 0)
			return input_drivers[i];
	}
	return NULL;
}
