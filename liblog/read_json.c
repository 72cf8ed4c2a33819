/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON line back to an event. All members are packed as one object; those that belong to the header are then taken
 * out of it, and keys that were escaped with an underscore lose it.
 */
#include "packed.h"
#include "reading.h"

static void take_member(void *context, char *key)
{
	slog_reading_take_pair(context, key);
}

enum slog_read_result slog_read_json(struct slog_reading *reading, const char *text, size_t length, char *room,
                                     size_t size)
{
	struct slog_packer packer = slog_packer_in(room, size);
	slog_reading_start(reading);
	char *fields = packer.at;
	slog_pack_begin(&packer, SLOG_READ_OBJECT);
	if (!slog_pack_json_members(&packer, text, length, SLOG_DEPTH_MAX + 1, take_member, reading))
		return slog_reading_invalid(reading, "it is not a JSON object in UTF-8 of at most 32 levels");
	slog_pack_end(&packer);
	if (!packer.overflowed)
		reading->fields = slog_packed_value(fields);
	reading->is_typed = true;
	return slog_reading_end(&packer);
}
