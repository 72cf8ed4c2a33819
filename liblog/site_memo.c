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
		slog_keys_add_key(&keys, fields, i);
	return keys;
}

/* The pair whose key is "message", whatever its value is this time. */
static size_t find_message(const struct slog_field *fields, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fields[i].key_length == 7 && memcmp(fields[i].key, "message", 7) == 0)
			return i;
	return SLOG_KEYS_NO_MESSAGE;
}

/* Makes the memo that of a site with these names. False if they have no room. */
static bool remember(struct slog_site_memo *memo, const struct slog_site *site, const struct slog_field *fields)
{
	const struct slog_name *names = slog_site_names(site);
	size_t pairs = site->pairs;
	size_t length = slog_site_length(site);
	size_t text = 0;
	for (size_t i = 0; i <= pairs; i++)
		text += names[i].length;
	/* A descriptor of programs compiled before it had `text` says something else there. */
	if (length > SLOG_SITE_NAMES_MAX || text != site->text)
		return false;
	struct slog_keys keys = reckon_keys(fields, pairs);
	memo->length = (uint16_t)length;
	memo->pairs = site->pairs;
	memo->is_known = false;
	memo->has_json = false;
	memo->has_param = false;
	memo->has_equal = keys.has_equal;
	memo->has_similar = keys.has_similar;
	memo->name_is_msgid = slog_name_is_msgid((const char *)(names + pairs + 1), names[0].length);
	memo->set_number = 0;
	memo->message = find_message(fields, pairs);
	memcpy(memo->names, names, length);
	return true;
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

/* The name of the event and, for each pair, what stands before its value. They have room. */
static void write_texts(struct slog_site_memo *memo, const char *name, size_t name_length, const struct slog_field *fields)
{
	char *json = memo->json;
	char *param = memo->param;
	if (name_length > 0)
		json = put(put(put(json, ",\"msgid\":\"", SLOG_JSON_NAME_MORE - 1), name, name_length), "\"", 1);
	memo->json_start = (uint16_t)(json - memo->json);
	memo->has_json = slog_json_string_is_plain(name, name_length);
	memo->has_param = true;
	for (size_t i = 0; i < memo->pairs; i++) {
		/* The message's text is written too, so that the texts are found by adding lengths; it is never used. */
		memo->has_json = memo->has_json && (i == memo->message || is_plain_json_key(&fields[i]));
		memo->has_param = memo->has_param && is_plain_name(&fields[i]);
		json = put(put(put(json, ",\"", 2), fields[i].key, fields[i].key_length), "\":", 2);
		param = put(put(put(param, " ", 1), fields[i].key, fields[i].key_length), "=\"", 2);
	}
}

/* A site that has come for the second time: from now on its texts are worth their while, if they fit. */
static void know(struct slog_site_memo *memo, const struct slog_name *names, const struct slog_field *fields)
{
	size_t texts = memo->length - ((size_t)memo->pairs + 1) * sizeof *names;
	memo->is_known = true;
	if (!memo->has_similar && texts + SLOG_JSON_NAME_MORE + memo->pairs * SLOG_JSON_KEY_MORE <= SLOG_SITE_TEXTS_MAX)
		write_texts(memo, (const char *)(names + memo->pairs + 1), names[0].length, fields);
}

struct slog_site_memo *slog_site_memo_for(struct slog_site_memos *memos, const struct slog_site *site,
                                          const struct slog_field *fields)
{
	struct slog_site_memo *memo = slog_site_memo_place(memos, site);
	if (!slog_site_memo_is_of(memo, site))
		return remember(memo, site, fields) ? memo : NULL;
	if (!memo->is_known)
		know(memo, slog_site_names(site), fields);
	return memo;
}

void slog_site_memo_meet(struct slog_site_memo *memo, const struct slog_bound_set *set)
{
	const struct slog_name *names = (const struct slog_name *)(const void *)memo->names;
	const char *key = (const char *)(names + memo->pairs + 1) + names[0].length;
	memo->set_number = set->number;
	memo->overrides = false;
	for (size_t i = 1; i <= memo->pairs && !memo->overrides; i++) {
		memo->overrides = slog_bound_set_meets(set, slog_key_hash(key, names[i].length), key, names[i].length);
		key += names[i].length;
	}
}
