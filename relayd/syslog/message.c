/* SPDX-License-Identifier: Apache-2.0 */
#include "syslog/message.h"

static const char *const flag_names[MESSAGE_FLAGS] = {
	"pri-absent",  "pri-invalid", "time-absent",    "time-invalid", "year-guessed", "zone-guessed",  "clock-unsynced",
	"host-absent", "tag-absent",  "not-utf8",       "nul",          "truncated",    "field-invalid", "sd-invalid",
	"sd-repeated", "bom",         "time-precision",
};

const char *message_flag_name(enum message_flag flag)
{
	uint32_t bits = (uint32_t)flag;
	assert(bits != 0 && (bits & (bits - 1)) == 0 && bits >> MESSAGE_FLAGS == 0);
	return flag_names[__builtin_ctz(bits)];
}
