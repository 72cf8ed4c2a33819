/* SPDX-License-Identifier: Apache-2.0 */
#include "syslog/message.h"

static const char *const flag_names[MESSAGE_FLAGS] = {
	"pri-absent",  "pri-invalid", "time-absent",    "time-invalid", "year-guessed", "zone-guessed",  "clock-unsynced",
	"host-absent", "tag-absent",  "not-utf8",       "nul",          "truncated",    "field-invalid", "sd-invalid",
	"sd-repeated", "bom",         "time-precision",
};

const char *message_flag_name(enum message_flag flag)
{
	for (unsigned bit = 0; bit < MESSAGE_FLAGS; bit++) {
		if ((uint32_t)flag == 1u << bit)
			return flag_names[bit];
	}
	assert(!"one bit of enum message_flag");
	return "";
}
