/* SPDX-License-Identifier: Apache-2.0 */
/* Walking the fields of an event; see encoder.h. */
#include "entry.h"

#include <string.h>

#include "scalar.h"

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
	for (size_t j = 0; j < entry->field_count; j++)
		if (slog_keys_equal(&entry->fields[j], &entry->bound[i]))
			return false;
	return true;
}

size_t slog_entry_total(const struct slog_entry *entry)
{
	return entry->bound_count + entry->field_count;
}

static void set_message(struct slog_entry *entry, const struct slog_value *value)
{
	if (value->type == SLOG_TYPE_STRING && value->length > 0) {
		entry->message = value->as.text;
		entry->message_length = value->length;
	}
}

/* Where all keys differ, what was found when they were walked is all there is to know. */
static void find_plain_message(struct slog_entry *entry)
{
	const struct slog_prepared *prepared = entry->prepared;
	if (prepared->keys.message != SLOG_KEYS_NO_MESSAGE)
		set_message(entry, &entry->fields[prepared->keys.message].value);
	else if (prepared->set != NULL && prepared->set->keys.message != SLOG_KEYS_NO_MESSAGE)
		set_message(entry, &entry->bound[prepared->set->keys.message].value);
}

void slog_entry_find_message(struct slog_entry *entry)
{
	if (slog_entry_has_plain_keys(entry)) {
		find_plain_message(entry);
		return;
	}
	for (size_t i = slog_entry_total(entry); i-- > 0;) {
		const struct slog_field *field = field_at(entry, i);
		if (!slog_field_is_message(field) || !stands(entry, i))
			continue;
		set_message(entry, &field->value);
		return;
	}
}

/* The next field below limit that is to be written. */
static const struct slog_field *next_below(const struct slog_entry *entry, size_t limit, size_t *position)
{
	while (*position < limit) {
		size_t i = (*position)++;
		const struct slog_field *field = field_at(entry, i);
		if (!slog_field_is_message(field) && stands(entry, i))
			return field;
	}
	return NULL;
}

const struct slog_field *slog_entry_next(const struct slog_entry *entry, size_t *position)
{
	if (slog_entry_has_plain_keys(entry))
		return slog_entry_next_plain(entry, position);
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
