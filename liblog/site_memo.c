/* SPDX-License-Identifier: Apache-2.0 */
/* See site_memo.h. */
#include "site_memo.h"

#include <liblog/json.h>
#include <liblog/rfc5424.h>

#include "reserved.h"

static struct slog_keys reckon_keys(const struct slog_field *fields, size_t n)
{
	struct slog_keys keys = slog_keys_none();
	for (size_t i = 0; i < n; i++)
		slog_keys_add(&keys, fields, i);
	return keys;
}

static size_t names_length(const struct slog_name *names, uint8_t pairs)
{
	size_t length = ((size_t)pairs + 1) * sizeof *names;
	for (size_t i = 0; i <= pairs; i++)
		length += names[i].length;
	return length;
}

/* The pair whose key is "message", whatever its value is this time. */
static size_t find_message(const struct slog_field *fields, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fields[i].key_length == 7 && memcmp(fields[i].key, "message", 7) == 0)
			return i;
	return SLOG_KEYS_NO_MESSAGE;
}

struct slog_site_memo *slog_site_memo_make(struct slog_site_memo *memo, const struct slog_name *names, uint8_t pairs,
                                           const struct slog_field *fields)
{
	size_t length = names_length(names, pairs);
	if (length > SLOG_SITE_NAMES_MAX)
		return NULL;
	struct slog_keys keys = reckon_keys(fields, pairs);
	memo->length = (uint16_t)length;
	memo->pairs = pairs;
	memo->is_known = false;
	memo->has_json = false;
	memo->has_param = false;
	memo->has_equal = keys.has_equal;
	memo->has_similar = keys.has_similar;
	memo->set_number = 0;
	memo->message = find_message(fields, pairs);
	memcpy(memo->names, names, length);
	return memo;
}

static bool is_plain_json_key(const struct slog_field *field)
{
	return slog_json_string_is_plain(field->key, field->key_length) &&
	       !slog_reserved_needs_underscore(field->key, field->key_length);
}

/* Names with dots may have to be written otherwise, which depends on the SD-ID. */
static bool is_plain_name(const struct slog_field *field)
{
	return field->key_length <= SLOG_SD_NAME_MAX && memchr(field->key, '.', field->key_length) == NULL &&
	       slog_rfc5424_name_length(field->key, field->key_length, false) == field->key_length;
}

static char *put(char *at, const char *bytes, size_t length)
{
	memcpy(at, bytes, length);
	return at + length;
}

/* The message's text is written too, so that the texts are found by adding lengths; it is never used. */
void slog_site_memo_know(struct slog_site_memo *memo, const struct slog_field *fields)
{
	char *json = memo->json;
	char *param = memo->param;
	size_t length = 0;
	memo->is_known = true;
	for (size_t i = 0; i < memo->pairs; i++)
		length += fields[i].key_length + SLOG_JSON_KEY_MORE;
	if (length > SLOG_SITE_TEXTS_MAX || memo->has_similar)
		return;
	memo->has_json = true;
	memo->has_param = true;
	for (size_t i = 0; i < memo->pairs; i++) {
		memo->has_json = memo->has_json && (i == memo->message || is_plain_json_key(&fields[i]));
		memo->has_param = memo->has_param && is_plain_name(&fields[i]);
		json = put(put(put(json, ",\"", 2), fields[i].key, fields[i].key_length), "\":", 2);
		param = put(put(put(param, " ", 1), fields[i].key, fields[i].key_length), "=\"", 2);
	}
}

void slog_site_memo_meet(struct slog_site_memo *memo, const struct slog_bound_set *set, const struct slog_field *fields)
{
	memo->set_number = set->number;
	memo->overrides = false;
	for (size_t i = 0; i < memo->pairs && !memo->overrides; i++)
		memo->overrides =
			slog_bound_set_meets(set, slog_key_hash(fields[i].key, fields[i].key_length), &fields[i]);
}
