/* SPDX-License-Identifier: Apache-2.0 */
/* See reading.h. */
#include "reading.h"

#include <string.h>

#include "reserved.h"

void slog_reading_start(struct slog_reading *reading)
{
	memset(reading, 0, sizeof *reading);
	reading->severity = -1;
	reading->facility = -1;
	reading->fields = slog_packed_nothing(SLOG_READ_OBJECT);
	reading->structured_data = reading->relay = slog_packed_nothing(SLOG_READ_NULL);
}

enum slog_read_result slog_reading_end(const struct slog_packer *packer)
{
	return packer->overflowed ? SLOG_READ_NO_ROOM : SLOG_READ_OK;
}

enum slog_read_result slog_reading_invalid(struct slog_reading *reading, const char *reason)
{
	reading->reason = reason;
	return SLOG_READ_INVALID;
}

static struct slog_read_text text_of(const struct slog_read_value *value)
{
	struct slog_read_text text = {value->text, value->length};
	return text;
}

/* The number of a name among count, or -1. */
static int number_of(const struct slog_read_value *value, const char *(*name_of)(int number), int count)
{
	for (int number = 0; value->type == SLOG_READ_STRING && number < count; number++)
		if (slog_read_is(value, name_of(number)))
			return number;
	return -1;
}

static bool take_timestamp(struct slog_reading *reading, const struct slog_read_value *value)
{
	struct timespec time;
	bool has_zone;
	if (value->type != SLOG_READ_STRING || !slog_timestamp_read(value->text, value->length, true, &time, &has_zone))
		return false;
	reading->timestamp = text_of(value);
	reading->has_time = has_zone;
	reading->time = time;
	return true;
}

/* Trace is debug on every wire. */
static bool take_severity(struct slog_reading *reading, const struct slog_read_value *value)
{
	int number = number_of(value, slog_severity_name, SLOG_TRACE);
	if (number >= 0)
		reading->severity = number;
	return number >= 0;
}

static bool take_facility(struct slog_reading *reading, const struct slog_read_value *value)
{
	int number = number_of(value, slog_facility_name, SLOG_FACILITIES);
	if (number >= 0)
		reading->facility = number;
	return number >= 0;
}

static bool take_string(struct slog_read_text *text, const struct slog_read_value *value)
{
	if (value->type == SLOG_READ_STRING)
		*text = text_of(value);
	return value->type == SLOG_READ_STRING;
}

static bool take_object(struct slog_read_value *object, const struct slog_read_value *value)
{
	if (value->type == SLOG_READ_OBJECT)
		*object = *value;
	return value->type == SLOG_READ_OBJECT;
}

static bool take_cut(struct slog_reading *reading, const struct slog_read_value *value)
{
	uint64_t cut;
	if (slog_as_u64(value, &cut) != SLOG_AS_EXACT)
		return false;
	reading->is_cut = true;
	reading->cut = (unsigned long)cut;
	return true;
}

/* A flat switch over the names. */
static bool take_header(struct slog_reading *reading, enum slog_reserved name, const struct slog_read_value *value)
{
	switch (name) {
	case SLOG_RESERVED_TIMESTAMP:
		return take_timestamp(reading, value);
	case SLOG_RESERVED_SEVERITY:
		return take_severity(reading, value);
	case SLOG_RESERVED_FACILITY:
		return take_facility(reading, value);
	case SLOG_RESERVED_HOSTNAME:
		return take_string(&reading->hostname, value);
	case SLOG_RESERVED_APP_NAME:
		return take_string(&reading->app_name, value);
	case SLOG_RESERVED_PROCID:
		return take_string(&reading->procid, value);
	case SLOG_RESERVED_MSGID:
		return take_string(&reading->name, value);
	case SLOG_RESERVED_MESSAGE:
		return take_string(&reading->message, value);
	case SLOG_RESERVED_STRUCTURED_DATA:
		return take_object(&reading->structured_data, value);
	case SLOG_RESERVED_RELAY:
		return take_object(&reading->relay, value);
	case SLOG_RESERVED_CUT:
		return take_cut(reading, value);
	case SLOG_RESERVED_NAMES:
		break;
	}
	return false;
}

void slog_reading_take_pair(struct slog_reading *reading, char *key)
{
	struct slog_read_member member;
	slog_packed_member(key, &member);
	if (take_header(reading, slog_reserved_name(member.key, member.key_length), &member.value))
		slog_pack_remove(key);
	else if (member.key_length > 0 && member.key[0] == '_' &&
	         slog_reserved_needs_underscore(member.key, member.key_length))
		slog_pack_shorten(key);
}
