/* SPDX-License-Identifier: Apache-2.0 */
#include "relayctl/duration.h"

#include "base/option.h"

bool duration_read(const char *text, uint64_t *nanoseconds)
{
	return option_read_duration(text, nanoseconds);
}
