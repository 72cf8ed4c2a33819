/* SPDX-License-Identifier: Apache-2.0 */
#include "input/zone_names.h"

#include "base/decimal.h"
#include "input/input.h"

#include <stdio.h>
#include <stdlib.h>

enum { ZONE_ABBREVIATION_MIN = 2, ZONE_ABBREVIATION_MAX = 5 }; /* as legacy TIMESTAMPs have them */

/* Reads "+02:00" or "-0330", nothing behind it. */
static bool read_offset(struct bytes text, int16_t *minutes)
{
	if (text.len < 5 || (text.at[0] != '+' && text.at[0] != '-'))
		return false;
	uint64_t hours, rest;
	struct bytes behind = bytes_after(text, 3);
	if (behind.at[0] == ':')
		behind = bytes_after(behind, 1);
	if (decimal_read(bytes_of(text.at + 1, 2), 2, &hours) != 2 || behind.len != 2 ||
	    decimal_read(behind, 2, &rest) != 2 || hours > 14 || rest > 59)
		return false;
	int offset = (int)(hours * 60 + rest);
	*minutes = (int16_t)(text.at[0] == '-' ? -offset : offset);
	return true;
}

static bool read_zone_name(const char *item, struct zone_name *out)
{
	struct bytes text = bytes_of_text(item);
	size_t len = bytes_find(text, '=');
	if (len < ZONE_ABBREVIATION_MIN || len > ZONE_ABBREVIATION_MAX || len == text.len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text.at[i] < 'A' || text.at[i] > 'Z')
			return false;
	}
	out->name = bytes_first(text, len);
	return read_offset(bytes_after(text, len + 1), &out->offset_minutes);
}

bool zone_names_read(const struct option_list *list, struct zone_name **names, char *error)
{
	*names = NULL;
	if (list->count == 0)
		return true;
	struct zone_name *read = calloc(list->count, sizeof *read);
	if (read == NULL) {
		snprintf(error, INPUT_ERROR_MAX_BYTES, "no memory for zone_names");
		return false;
	}
	for (size_t i = 0; i < list->count; i++) {
		if (read_zone_name(list->items[i], &read[i]))
			continue;
		snprintf(error, INPUT_ERROR_MAX_BYTES, "zone_names: \"%.80s\" is not two to five capital letters, \"=\" and "
		         "an offset; write for example \"CEST=+02:00\"", list->items[i]);
		free(read);
		return false;
	}
	*names = read;
	return true;
}
