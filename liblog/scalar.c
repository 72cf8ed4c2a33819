/* SPDX-License-Identifier: Apache-2.0 */
/* See scalar.h. Addresses are in address.c. */
#include "scalar.h"

#include <string.h>

#include <liblog/json.h>
#include <liblog/rfc5424.h>

#include "address.h"
#include "errno_name.h"
#include "number.h"

_Static_assert(SLOG_SCALAR_ROOM >= SLOG_ADDRESS_MAX && SLOG_SCALAR_ROOM >= SLOG_RFC3339_MAX, "room for all spellings");

enum slog_kind slog_value_shape(const struct slog_value *value)
{
	switch (value->type) {
	case SLOG_TYPE_LIST:
		return SLOG_KIND_LIST;
	case SLOG_TYPE_GROUP:
		return SLOG_KIND_OBJECT;
	case SLOG_TYPE_ERROR:
		return SLOG_KIND_ERROR;
	default:
		return SLOG_KIND_STRING;
	}
}

static void set(struct slog_scalar *scalar, enum slog_kind kind, const char *text, size_t length)
{
	scalar->kind = kind;
	scalar->text = text;
	scalar->length = length;
}

static void set_string(struct slog_scalar *scalar, enum slog_kind kind, const char *string)
{
	set(scalar, kind, string, strlen(string));
}

static void set_floating(struct slog_scalar *scalar, double number, bool is_float)
{
	if (number != number) {
		set_string(scalar, SLOG_KIND_STRING, "NaN");
	} else if (number - number != 0) {
		set_string(scalar, SLOG_KIND_STRING, number > 0 ? "Infinity" : "-Infinity");
	} else {
		size_t length = is_float ? slog_number_float(scalar->room, (float)number)
		                         : slog_number_double(scalar->room, number);
		set(scalar, SLOG_KIND_LITERAL, scalar->room, length);
	}
}

static void set_pointer(struct slog_scalar *scalar, uintptr_t pointer)
{
	char *at = scalar->room + SLOG_SCALAR_ROOM;
	do {
		*--at = "0123456789abcdef"[pointer & 15];
		pointer >>= 4;
	} while (pointer != 0);
	*--at = 'x';
	*--at = '0';
	set(scalar, SLOG_KIND_STRING, at, (size_t)(scalar->room + SLOG_SCALAR_ROOM - at));
}

/* A time that RFC 3339 cannot write is "@" and its seconds. */
static void set_time(struct slog_scalar *scalar, const struct slog_value *value)
{
	struct timespec time = {.tv_sec = (time_t)value->as.i64, .tv_nsec = (long)value->detail};
	size_t length = slog_rfc3339(scalar->room, SLOG_SCALAR_ROOM, time);
	if (length == 0) {
		scalar->room[0] = '@';
		length = 1 + slog_number_i64(scalar->room + 1, value->as.i64);
	}
	set(scalar, SLOG_KIND_STRING, scalar->room, length);
}

static const char *skip_space(const char *text, const char *end)
{
	while (text < end && (*text == ' ' || *text == '\t' || *text == '\r' || *text == '\n'))
		text++;
	return text;
}

/* A list, an object or a literal is put in as JSON; a JSON string, and what is not JSON, is a string as it stands. */
static void set_json(struct slog_scalar *scalar, const char *text, size_t length)
{
	const char *end = text + length;
	const char *start = skip_space(text, end);
	if (start == end || *start == '"' || !slog_json_is_valid(text, length)) {
		set(scalar, SLOG_KIND_STRING, text, length);
		return;
	}
	while (skip_space(end - 1, end) == end)
		end--;
	bool is_composite = *start == '[' || *start == '{';
	set(scalar, is_composite ? SLOG_KIND_JSON : SLOG_KIND_LITERAL, start, (size_t)(end - start));
}

/* The name, or the digits of a number that has none. */
static void set_errno(struct slog_scalar *scalar, int error)
{
	const struct slog_errno_row *row = slog_errno_row(error);
	if (row->error == error)
		set_string(scalar, SLOG_KIND_STRING, row->name);
	else
		set(scalar, SLOG_KIND_STRING, scalar->room, slog_number_i64(scalar->room, error));
}

/* A flat switch over the types. */
void slog_scalar_read(struct slog_scalar *scalar, const struct slog_value *value)
{
	switch (value->type) {
	case SLOG_TYPE_BOOL:
		set_string(scalar, SLOG_KIND_LITERAL, value->as.u64 != 0 ? "true" : "false");
		return;
	case SLOG_TYPE_INT:
		set(scalar, SLOG_KIND_LITERAL, scalar->room, slog_number_i64(scalar->room, value->as.i64));
		return;
	case SLOG_TYPE_UINT:
		set(scalar, SLOG_KIND_LITERAL, scalar->room, slog_number_u64(scalar->room, value->as.u64));
		return;
	case SLOG_TYPE_DOUBLE:
	case SLOG_TYPE_FLOAT:
		set_floating(scalar, value->as.number, value->type == SLOG_TYPE_FLOAT);
		return;
	case SLOG_TYPE_STRING:
		set(scalar, SLOG_KIND_STRING, value->as.text, value->length);
		return;
	case SLOG_TYPE_BYTES:
		set(scalar, SLOG_KIND_BASE64, value->as.text, value->length);
		return;
	case SLOG_TYPE_POINTER:
		set_pointer(scalar, (uintptr_t)value->as.pointer);
		return;
	case SLOG_TYPE_TIME:
		set_time(scalar, value);
		return;
	case SLOG_TYPE_ADDRESS:
		set(scalar, SLOG_KIND_STRING, scalar->room, slog_address_text(scalar->room, value->as.address));
		return;
	case SLOG_TYPE_ERRNO:
		set_errno(scalar, (int)value->detail);
		return;
	case SLOG_TYPE_JSON:
		set_json(scalar, value->as.text, value->length);
		return;
	case SLOG_TYPE_SECRET:
		set_string(scalar, SLOG_KIND_STRING, "***");
		return;
	case SLOG_TYPE_LIST:
	case SLOG_TYPE_GROUP:
	case SLOG_TYPE_ERROR:
		set(scalar, slog_value_shape(value), NULL, 0);
		return;
	case SLOG_TYPE_NULL:
	default: /* a type of a newer header than this library's */
		set_string(scalar, SLOG_KIND_LITERAL, "null");
		return;
	}
}

void slog_error_members(struct slog_field members[SLOG_ERROR_MEMBERS], const struct slog_value *value)
{
	const struct slog_errno_row *row = slog_errno_row((int)value->detail);
	members[0] = slog_kv_("code", slog_int_value_((int)value->detail));
	members[1] = slog_kv_("name", slog_string_value_(row->name));
	members[2] = slog_kv_("text", slog_string_value_(row->text));
}

bool slog_field_stands(const struct slog_field *fields, size_t n, size_t i)
{
	if (n > SLOG_COMPARED_MAX)
		return true;
	for (size_t j = i + 1; j < n; j++)
		if (fields[j].key_length == fields[i].key_length &&
		    memcmp(fields[j].key, fields[i].key, fields[i].key_length) == 0)
			return false;
	return true;
}
