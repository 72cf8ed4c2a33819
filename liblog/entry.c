/* SPDX-License-Identifier: Apache-2.0 */
/* Walking the fields of an event; see encoder.h. */
#include "entry.h"

#include <string.h>

#include "scalar.h"

static const char message_key[] = "message";

static const struct slog_field *field_at(const struct slog_entry *entry, size_t i)
{
	return i < entry->bound_count ? &entry->bound[i] : &entry->fields[i - entry->bound_count];
}

/* True if no field of the event, and no later one of its own kind, has the key of field i. */
static bool stands(const struct slog_entry *entry, size_t i)
{
	if (i >= entry->bound_count)
		return slog_field_stands(entry->fields, entry->field_count, i - entry->bound_count);
	if (!slog_field_stands(entry->bound, entry->bound_count, i))
		return false;
	const struct slog_field *bound = &entry->bound[i];
	for (size_t j = 0; j < entry->field_count; j++)
		if (entry->fields[j].key_length == bound->key_length &&
		    memcmp(entry->fields[j].key, bound->key, bound->key_length) == 0)
			return false;
	return true;
}

/* A "message" that is text, or null, is no field. */
static bool is_message(const struct slog_field *field)
{
	return field->key_length == sizeof message_key - 1 &&
	       memcmp(field->key, message_key, sizeof message_key - 1) == 0 &&
	       (field->value.type == SLOG_TYPE_STRING || field->value.type == SLOG_TYPE_NULL);
}

size_t slog_entry_total(const struct slog_entry *entry)
{
	return entry->bound_count + entry->field_count;
}

void slog_entry_find_message(struct slog_entry *entry)
{
	for (size_t i = slog_entry_total(entry); i-- > 0;) {
		const struct slog_field *field = field_at(entry, i);
		if (!is_message(field) || !stands(entry, i))
			continue;
		if (field->value.type == SLOG_TYPE_STRING && field->value.length > 0) {
			entry->message = field->value.as.text;
			entry->message_length = field->value.length;
		}
		return;
	}
}

/* The next field below limit that is to be written. */
static const struct slog_field *next_below(const struct slog_entry *entry, size_t limit, size_t *position)
{
	while (*position < limit) {
		size_t i = (*position)++;
		const struct slog_field *field = field_at(entry, i);
		if (!is_message(field) && stands(entry, i))
			return field;
	}
	return NULL;
}

const struct slog_field *slog_entry_next(const struct slog_entry *entry, size_t *position)
{
	return next_below(entry, entry->shown, position);
}

bool slog_entry_has_fields(const struct slog_entry *entry)
{
	size_t position = 0;
	return slog_entry_next(entry, &position) != NULL;
}

void slog_entry_cut_fields(struct slog_entry *entry, size_t shown)
{
	size_t position = shown;
	entry->shown = shown;
	entry->is_cut = true;
	entry->cut = 0;
	while (next_below(entry, slog_entry_total(entry), &position) != NULL)
		entry->cut++;
}
