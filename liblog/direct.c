/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See direct.h. One loop makes both forms: what stands before each value is copied from the memo, the value is written
 * behind it as it is taken. What has no room, and what only the long road can write, gives up the whole line.
 */
#include "direct.h"

#include "clock.h"
#include "deliver.h"
#include "json_value.h"
#include "number.h"
#include "reads_as_typed.h"
#include "sd_element.h"
#include "site.h"

/* What any value but a text needs, and what follows it up to the next one. */
#define SLACK (SLOG_DOUBLE_MAX + SLOG_SITE_TEXTS_MAX + 2 * SLOG_OCTETS_BLOCK)

_Static_assert(SLOG_LANE_LINE_BYTES > SLOG_HEADER_TEXT_MAX + SLOG_SITE_TEXTS_MAX + SLACK, "room for all but values");

struct direct {
	const struct slog_site_memo *memo;
	const struct slog_name *names;
	const struct slog_bound_set *set; /* NULL: none */
	struct slog_direct_values values;
	const struct slog_name *next; /* of the pair that is to be written */
	const char *limit; /* in the line, SLACK before its end: where a value may begin */
	uint32_t listed;   /* a bit for each pair that ~s lists */
};

_Static_assert(SLOG_PAIRS_MAX <= 32, "a bit for each pair");

/* Whether a text of this length may be written at `at`, which may be behind the limit by what stands before a value. */
static inline SLOG_ALWAYS bool has_room(const struct direct *direct, const char *at, size_t length)
{
	return (ptrdiff_t)length <= direct->limit - at;
}

static inline void list(struct direct *direct, const struct slog_name *name)
{
	direct->listed |= UINT32_C(1) << (name - direct->names - 1);
}

/* ---- values: each function returns where it ends, or NULL --------------------------------------------------------- */

static inline SLOG_ALWAYS char *put_bool(char *at, bool is_true)
{
	memcpy(at, is_true ? "true" : "false", 5);
	return at + (is_true ? 4 : 5);
}

/* Any value, by the functions of the long road. */
static __attribute__((noinline)) char *put_any_json(struct direct *direct, char *at, const struct slog_value *value)
{
	if (!has_room(direct, at, 0))
		return NULL;
	struct slog_line line = slog_line_in(at, (size_t)(direct->limit - at));
	struct slog_json_out out = {&line, false};
	slog_json_put_value(&out, value);
	return line.overflowed ? NULL : at + line.length;
}

/* The same, but for what becomes more than one parameter. */
static __attribute__((noinline)) char *put_any_param(struct direct *direct, char *at, const struct slog_value *value,
                                                     const struct slog_name *name)
{
	if (slog_is_nested(value) || !has_room(direct, at, 0))
		return NULL;
	struct slog_line line = slog_line_in(at, (size_t)(direct->limit - at));
	if (slog_sd_put_value(&line, value))
		list(direct, name);
	return line.overflowed ? NULL : at + line.length;
}

static inline SLOG_ALWAYS char *put_any(struct direct *direct, char *at, const struct slog_value *value,
                                        const struct slog_name *name, bool is_json)
{
	return is_json ? put_any_json(direct, at, value) : put_any_param(direct, at, value, name);
}

/* A text that is escaped, or none. */
static __attribute__((noinline)) char *put_unplain(struct direct *direct, char *at, const char *text, size_t length,
                                                   const struct slog_name *name, bool is_json)
{
	struct slog_value value;
	slog_set_value(&value, text != NULL ? SLOG_TYPE_STRING : SLOG_TYPE_NULL, length, 0);
	value.as.text = text;
	return put_any(direct, at, &value, name, is_json);
}

static inline SLOG_ALWAYS char *put_text(struct direct *direct, char *at, const char *text, size_t length,
                                         const struct slog_name *name, bool is_json)
{
	if (!has_room(direct, at, length))
		return NULL;
	if (is_json) {
		at[0] = '"';
		if (!slog_octets_copy(at + 1, text, length, SLOG_OCTETS_JSON))
			return put_unplain(direct, at, text, length, name, is_json);
		at[1 + length] = '"';
		return at + length + 2;
	}
	if (!slog_octets_copy(at, text, length, SLOG_OCTETS_PARAM))
		return put_unplain(direct, at, text, length, name, is_json);
	if (slog_reads_as_typed(text, length))
		list(direct, name);
	return at + length;
}

static inline SLOG_ALWAYS char *put_double(struct direct *direct, char *at, double number, const struct slog_name *name,
                                           bool is_json)
{
	if (number - number == 0) /* finite */
		return at + slog_number_double(at, number);
	struct slog_value value;
	slog_set_number(&value, SLOG_TYPE_DOUBLE, number);
	return put_any(direct, at, &value, name, is_json);
}

static inline SLOG_ALWAYS char *put_value(struct direct *direct, char *at, const struct slog_value *value,
                                          const struct slog_name *name, bool is_json)
{
	switch (value->type) {
	case SLOG_TYPE_STRING:
		return put_text(direct, at, value->as.text, value->length, name, is_json);
	case SLOG_TYPE_INT:
		return at + slog_number_i64(at, value->as.i64);
	case SLOG_TYPE_UINT:
		return at + slog_number_u64(at, value->as.u64);
	case SLOG_TYPE_BOOL:
		return put_bool(at, value->as.u64 != 0);
	case SLOG_TYPE_DOUBLE:
		return put_double(direct, at, value->as.number, name, is_json);
	default:
		return put_any(direct, at, value, name, is_json);
	}
}

/* For types that are rare, and for the message. */
static __attribute__((noinline)) void take_argument(struct slog_value *value, unsigned type, va_list *arguments)
{
	slog_take_argument(value, type, arguments);
}

/* The next value, which is of this type: a text in most cases, else by a flat switch, as in site.h. */
static inline SLOG_ALWAYS char *put_next(struct direct *direct, char *at, const struct slog_name *name, bool is_json)
{
	va_list *arguments = direct->values.arguments;
	struct slog_value value;
	if (name->argument == SLOG_ARGUMENT_STRING_) {
		const char *string = va_arg(*arguments, const char *);
		if (string == NULL)
			return put_unplain(direct, at, NULL, 0, name, is_json);
		return put_text(direct, at, string, strlen(string), name, is_json);
	}
	switch (name->argument) {
	case SLOG_ARGUMENT_BOOL_:
		return put_bool(at, va_arg(*arguments, int) != 0);
	case SLOG_ARGUMENT_INT_:
		return at + slog_number_i64(at, va_arg(*arguments, int));
	case SLOG_ARGUMENT_UINT_:
		return at + slog_number_u64(at, va_arg(*arguments, unsigned));
	case SLOG_ARGUMENT_LONG_:
		return at + slog_number_i64(at, va_arg(*arguments, long));
	case SLOG_ARGUMENT_ULONG_:
		return at + slog_number_u64(at, va_arg(*arguments, unsigned long));
	case SLOG_ARGUMENT_LLONG_:
		return at + slog_number_i64(at, va_arg(*arguments, long long));
	case SLOG_ARGUMENT_ULLONG_:
		return at + slog_number_u64(at, va_arg(*arguments, unsigned long long));
	case SLOG_ARGUMENT_DOUBLE_:
		return put_double(direct, at, va_arg(*arguments, double), name, is_json);
	case SLOG_ARGUMENT_NONE_:
		return put_value(direct, at, direct->values.next++, name, is_json);
	default:
		take_argument(&value, name->argument, arguments);
		return put_value(direct, at, &value, name, is_json);
	}
}

/* All pairs from the next one on, with `more` octets beside the key in what stands before a value. */
static inline SLOG_ALWAYS char *put_pairs(struct direct *direct, char *at, const char *text, size_t more, bool is_json)
{
	const struct slog_name *end = direct->names + 1 + direct->memo->pairs;
	for (const struct slog_name *name = direct->next; name < end; name++) {
		size_t length = name->length + more;
		slog_octets_copy_blocks(at, text, length);
		text += length;
		at = put_next(direct, at + length, name, is_json);
		if (at == NULL)
			return NULL;
		if (!is_json)
			*at++ = '"';
		if (at > direct->limit)
			return NULL;
	}
	return at;
}

/* ---- the message: it is the first pair, or there is none ----------------------------------------------------------- */

/* Takes it. False if it is no message, but a field with another key. */
static bool take_message(struct direct *direct, struct slog_value *message)
{
	if (direct->values.arguments != NULL)
		take_argument(message, direct->next->argument, direct->values.arguments);
	else
		*message = *direct->values.next++;
	direct->next++;
	if (message->type == SLOG_TYPE_NULL)
		message->length = 0;
	return message->type == SLOG_TYPE_STRING || message->type == SLOG_TYPE_NULL;
}

/* An empty message equals none. */
static char *put_json_message(struct direct *direct, char *at, const char *text, size_t length)
{
	const struct slog_name *name = direct->next;
	struct slog_value message;
	if (!take_message(direct, &message))
		return NULL;
	if (message.length == 0)
		return at;
	slog_octets_copy_blocks(at, text, length);
	return put_text(direct, at + length, message.as.text, message.length, name, true);
}

/* SP MSG. One that begins with a BOM goes the long road. */
static char *put_msg(struct direct *direct, char *at, const struct slog_value *message)
{
	if (message->length == 0)
		return at;
	if (!has_room(direct, at, message->length + 1) || message->as.text[0] == '\xEF')
		return NULL;
	*at++ = ' ';
	if (slog_octets_copy(at, message->as.text, message->length, SLOG_OCTETS_MSG))
		return at + message->length;
	struct slog_line line = slog_line_in(at, (size_t)(direct->limit - at));
	slog_line_put_escaped(&line, slog_rfc5424_msg, message->as.text, message->length);
	return line.overflowed ? NULL : at + line.length;
}

/* ---- lines -------------------------------------------------------------------------------------------------------- */

static inline SLOG_ALWAYS char *put_bound(const struct direct *direct, char *at, const struct slog_bound_text *text)
{
	if (!has_room(direct, at, text->length))
		return NULL;
	slog_octets_move(at, text->text, text->length);
	return at + text->length;
}

static char *put_json(struct direct *direct, const struct slog_header *header, char *room, long nanoseconds)
{
	const struct slog_site_memo *memo = direct->memo;
	char *at = slog_header_put(header, room, nanoseconds);
	slog_octets_copy_blocks(at, memo->json, memo->json_start);
	at += memo->json_start;
	const char *text = memo->json + memo->json_start;
	if (memo->message == 0) {
		size_t length = direct->names[1].length + SLOG_JSON_KEY_MORE;
		at = put_json_message(direct, at, text, length);
		text += length;
		if (at == NULL)
			return NULL;
	}
	if (direct->set != NULL && (at = put_bound(direct, at, &direct->set->json)) == NULL)
		return NULL;
	at = put_pairs(direct, at, text, SLOG_JSON_KEY_MORE, true);
	if (at == NULL)
		return NULL;
	*at++ = '}';
	return at;
}

/* ~s: the bound fields' names that it lists, then those of the site. */
static __attribute__((noinline)) char *put_listed(const struct direct *direct, char *at)
{
	if (!has_room(direct, at, 0))
		return NULL;
	struct slog_line line = slog_line_in(at, (size_t)(direct->limit - at));
	const char *text = direct->memo->param;
	const char *separator = " ~s=\"";
	if (direct->set != NULL && direct->set->listed.length > 0) {
		slog_line_put_string(&line, separator);
		slog_line_put(&line, direct->set->listed.text, direct->set->listed.length);
		separator = " ";
	}
	for (unsigned i = 0; i < direct->memo->pairs; i++) {
		size_t length = direct->names[i + 1].length;
		if ((direct->listed >> i & 1) != 0) {
			slog_line_put_string(&line, separator);
			slog_line_put(&line, text + 1, length);
			separator = " ";
		}
		text += length + SLOG_PARAM_NAME_MORE;
	}
	slog_line_put_char(&line, '"');
	return line.overflowed ? NULL : at + line.length;
}

static char *put_rfc5424(struct direct *direct, const struct slog_header *header, char *room, long nanoseconds)
{
	static const char start[] = " [" SLOG_RFC5424_SD_ID;
	const struct slog_site_memo *memo = direct->memo;
	char *at = slog_header_put(header, room, nanoseconds);
	slog_octets_move(at, (const char *)(direct->names + memo->pairs + 1), direct->names[0].length);
	at += direct->names[0].length;
	memcpy(at, start, sizeof start - 1);
	at += sizeof start - 1;
	struct slog_value message = {.length = 0};
	const char *text = memo->param;
	if (memo->message == 0) {
		text += direct->names[1].length + SLOG_PARAM_NAME_MORE;
		if (!take_message(direct, &message))
			return NULL;
	}
	if (direct->set != NULL && (at = put_bound(direct, at, &direct->set->param)) == NULL)
		return NULL;
	at = put_pairs(direct, at, text, SLOG_PARAM_NAME_MORE, false);
	if (at == NULL)
		return NULL;
	if ((direct->listed != 0 || (direct->set != NULL && direct->set->listed.length > 0)) &&
	    (at = put_listed(direct, at)) == NULL)
		return NULL;
	*at++ = ']';
	return put_msg(direct, at, &message);
}

/* ---- whether it may be ------------------------------------------------------------------------------------------- */

/* A bound set whose texts were kept, which no field of the site overrides; or none. */
static inline bool goes_with(struct slog_site_memo *memo, const struct slog_bound_set *set, bool is_json)
{
	if (set->count == 0)
		return true;
	if (set->keys.message != SLOG_KEYS_NO_MESSAGE || (is_json ? set->json.text : set->param.text) == NULL ||
	    set->params + memo->pairs > SLOG_SD_PARAMS_OF_FIELDS_MAX)
		return false;
	if (set->number != memo->set_number)
		slog_site_memo_meet(memo, set);
	return !memo->overrides;
}

/* A message elsewhere would have to be written before what stands before it. Without a field there is no SD-ELEMENT. */
static inline bool can_be_written(const struct slog_site_memo *memo, bool is_json)
{
	size_t message = memo->message == 0 ? 1 : 0;
	if (memo->pairs <= message || (message == 0 && memo->message != SLOG_KEYS_NO_MESSAGE))
		return false;
	return is_json ? memo->has_json : memo->has_param && memo->name_is_msgid && memo->json_start > 0;
}

static inline bool is_short_form(const struct slog_encoder *encoder)
{
	return encoder == &slog_encoder_json || encoder == &slog_encoder_rfc5424 || encoder == &slog_encoder_cee;
}

static inline const struct slog_header *header_of(const struct slog_encoder *encoder, struct slog_headers *headers,
                                                  const struct slog_header_key *key)
{
	if (encoder == &slog_encoder_json)
		return slog_json_header(headers, key);
	return encoder == &slog_encoder_cee ? slog_cee_header(headers, key) : slog_rfc5424_header(headers, key);
}

bool slog_direct_emit(struct slog_lane *lane, struct slog_logger *logger, const struct slog_site *site,
                      struct slog_site_memo *memo, struct slog_direct_values values)
{
	const struct slog_logger_state *named = logger->state->named->state;
	const struct slog_bound_set *set = &logger->state->set;
	struct slog_sink *sink = slog_logger_sink(logger);
	bool is_json = sink->encoder != &slog_encoder_rfc5424;
	bool is_held = site->severity > atomic_load_explicit(&named->threshold, memory_order_relaxed);
	if (!is_short_form(sink->encoder) || is_held || sink->max_size < SLOG_LANE_LINE_BYTES ||
	    !can_be_written(memo, is_json) || !goes_with(memo, set, is_json))
		return false;
	struct direct direct;
	direct.memo = memo;
	direct.names = (const struct slog_name *)(const void *)memo->names;
	direct.set = set->count > 0 ? set : NULL;
	direct.values = values;
	direct.next = direct.names + 1;
	direct.limit = lane->room + SLOG_LANE_LINE_BYTES - SLACK;
	direct.listed = 0;
	slog_headers_refresh(&lane->headers);
	struct timespec now = slog_clock_now();
	const struct slog_header_key key = {(enum slog_severity)site->severity, slog_logger_facility(logger), now.tv_sec};
	const struct slog_header *header = header_of(sink->encoder, &lane->headers, &key);
	if (header == NULL)
		return false;
	char *end = is_json ? put_json(&direct, header, lane->room, now.tv_nsec)
	                    : put_rfc5424(&direct, header, lane->room, now.tv_nsec);
	if (end == NULL)
		return false;
	slog_deliver_line(sink, lane->room, (size_t)(end - lane->room), key.severity);
	return true;
}
