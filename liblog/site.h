/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a call site's descriptor and its variable arguments, for the calls from C. */
#ifndef LIBLOG_SITE_H
#define LIBLOG_SITE_H

#include <assert.h>
#include <stdarg.h>

#include <liblog/slog.h>

static inline void slog_set_value(struct slog_value *value, enum slog_type type, size_t length, uint64_t bits)
{
	value->type = (uint8_t)type;
	memset(value->zero, 0, sizeof value->zero);
	value->detail = 0;
	value->length = length;
	value->as.u64 = bits;
}

static inline void slog_set_number(struct slog_value *value, enum slog_type type, double number)
{
	slog_set_value(value, type, 0, 0);
	value->as.number = number;
}

/* A NULL pointer is null. */
static inline void slog_set_pointer(struct slog_value *value, enum slog_type type, const char *pointer)
{
	size_t length = type == SLOG_TYPE_STRING && pointer != NULL ? strlen(pointer) : 0;
	slog_set_value(value, pointer != NULL ? type : SLOG_TYPE_NULL, length, 0);
	value->as.text = pointer;
}

static inline bool slog_is_nested(const struct slog_value *value)
{
	return value->type == SLOG_TYPE_GROUP || value->type == SLOG_TYPE_ERROR;
}

/* Takes the next argument. A flat switch over the types that a call site can have. */
static inline __attribute__((always_inline)) void slog_take_argument(struct slog_value *value, unsigned type,
                                                                     va_list *arguments)
{
	switch (type) {
	case SLOG_ARGUMENT_BOOL_:
		slog_set_value(value, SLOG_TYPE_BOOL, 0, va_arg(*arguments, int) != 0 ? 1 : 0);
		return;
	case SLOG_ARGUMENT_INT_:
		slog_set_value(value, SLOG_TYPE_INT, 0, (uint64_t)va_arg(*arguments, int));
		return;
	case SLOG_ARGUMENT_UINT_:
		slog_set_value(value, SLOG_TYPE_UINT, 0, va_arg(*arguments, unsigned));
		return;
	case SLOG_ARGUMENT_LONG_:
		slog_set_value(value, SLOG_TYPE_INT, 0, (uint64_t)va_arg(*arguments, long));
		return;
	case SLOG_ARGUMENT_ULONG_:
		slog_set_value(value, SLOG_TYPE_UINT, 0, va_arg(*arguments, unsigned long));
		return;
	case SLOG_ARGUMENT_LLONG_:
		slog_set_value(value, SLOG_TYPE_INT, 0, (uint64_t)va_arg(*arguments, long long));
		return;
	case SLOG_ARGUMENT_ULLONG_:
		slog_set_value(value, SLOG_TYPE_UINT, 0, va_arg(*arguments, unsigned long long));
		return;
	case SLOG_ARGUMENT_FLOAT_:
		slog_set_number(value, SLOG_TYPE_FLOAT, va_arg(*arguments, double));
		return;
	case SLOG_ARGUMENT_DOUBLE_:
		slog_set_number(value, SLOG_TYPE_DOUBLE, va_arg(*arguments, double));
		return;
	case SLOG_ARGUMENT_STRING_:
		slog_set_pointer(value, SLOG_TYPE_STRING, va_arg(*arguments, const char *));
		return;
	case SLOG_ARGUMENT_POINTER_:
		slog_set_pointer(value, SLOG_TYPE_POINTER, va_arg(*arguments, const char *));
		return;
	default:
		assert(type == SLOG_ARGUMENT_VALUE_);
		*value = va_arg(*arguments, struct slog_value);
	}
}

/* What a call site has said once: the walk over its names. */
struct slog_site_reader {
	const struct slog_name *names;
	const char *event;
	const char *key; /* of the next pair */
};

static inline void slog_site_check(const struct slog_site *site)
{
	assert(site->version == SLOG_SITE_VERSION && site->pairs <= SLOG_PAIRS_MAX);
}

static inline struct slog_site_reader slog_site_reader(const struct slog_site *site)
{
	slog_site_check(site);
	struct slog_site_reader reader;
	reader.names = (const struct slog_name *)(const void *)((const char *)site + site->size);
	reader.event = (const char *)(reader.names + site->pairs + 1);
	reader.key = reader.event + reader.names[0].length;
	return reader;
}

static inline void slog_set_key(struct slog_field *field, struct slog_site_reader *reader, size_t pair)
{
	field->key = reader->key;
	field->key_length = reader->names[pair + 1].length;
	reader->key += field->key_length;
}

#endif
