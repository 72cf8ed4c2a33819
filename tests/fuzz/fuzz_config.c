/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a configuration: read, explained if good, errors printed if not, everything freed. */
#include "config/config.h"
#include "config/explain.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *nowhere;
	if (nowhere == NULL && (nowhere = fopen("/dev/null", "w")) == NULL)
		abort();
	struct config config;
	if (config_read_text(&config, "relayd.conf", bytes_of(data, size)))
		explain_print(&config, nowhere);
	else
		config_print_errors(&config, nowhere);
	/* Good exactly if nothing was said against it. */
	if (config.errors_count > 0 && config.errors[0].text == NULL)
		abort();
	config_free(&config);
	return 0;
}
