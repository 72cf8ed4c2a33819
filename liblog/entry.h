/* SPDX-License-Identifier: Apache-2.0 */
/* What liblog itself does with a struct slog_entry, beyond what encoder.h gives to encoders. */
#ifndef LIBLOG_ENTRY_H
#define LIBLOG_ENTRY_H

#include <liblog/encoder.h>

#include "bound_set.h"
#include "site_memo.h"

/*
 * What the call found out about its event, so that encoders need not. Entries made elsewhere have none, and all is
 * looked up for them.
 */
struct slog_prepared {
	const struct slog_entry *entry;  /* of which this is true: not of a copy that an encoder changed */
	struct slog_keys keys;            /* of the event's own fields */
	const struct slog_bound_set *set; /* of the logger; NULL: it has no bound fields */
	bool overrides;                   /* a field of the event has, but perhaps for case, the key of a bound one */
	bool has_plain_keys;              /* all keys, bound ones too, are known to be different */
	bool has_distinct_keys;           /* the same without regard to ASCII case */
	bool is_held;                     /* the level does not let it pass: for the backtrace only */
	struct slog_headers *headers;     /* of the calling thread (headers.h) */
	uint32_t sequence;                /* the number that a standard element gave to this event; 0: none yet */
	const struct slog_site_memo *memo; /* of the call site (site_memo.h); NULL: none */
};

/* Says what follows from the members above these. */
static inline void slog_prepared_finish(struct slog_prepared *prepared)
{
	const struct slog_bound_set *set = prepared->set;
	prepared->has_plain_keys = !prepared->keys.has_equal && !prepared->overrides &&
	                           (set == NULL || !set->keys.has_equal);
	prepared->has_distinct_keys = prepared->has_plain_keys && !prepared->keys.has_similar &&
	                              (set == NULL || !set->keys.has_similar);
}

/* What is known of this very entry; NULL: nothing, also of a copy. */
static inline struct slog_prepared *slog_entry_prepared(const struct slog_entry *entry)
{
	return entry->prepared != NULL && entry->prepared->entry == entry ? entry->prepared : NULL;
}

static inline bool slog_entry_has_plain_keys(const struct slog_entry *entry)
{
	return slog_entry_prepared(entry) != NULL && entry->prepared->has_plain_keys;
}

static inline bool slog_entry_has_distinct_keys(const struct slog_entry *entry)
{
	return slog_entry_prepared(entry) != NULL && entry->prepared->has_distinct_keys;
}

/*
 * The logger's bound set, whose texts may be used, if this event may be written with them: it shows them all, and none
 * has another value.
 */
static inline const struct slog_bound_set *slog_entry_bound_texts(const struct slog_entry *entry)
{
	if (entry->bound_count == 0 || !slog_entry_has_distinct_keys(entry) || entry->shown < entry->bound_count)
		return NULL;
	return entry->prepared->set;
}

/* As slog_entry_next(), for entries that have plain keys. */
static inline const struct slog_field *slog_entry_next_plain(const struct slog_entry *entry, size_t *position)
{
	while (*position < entry->shown) {
		size_t i = (*position)++;
		if (i >= entry->bound_count) {
			if (i - entry->bound_count != entry->prepared->keys.message)
				return &entry->fields[i - entry->bound_count];
		} else if (i != entry->prepared->set->keys.message) {
			return &entry->bound[i];
		}
	}
	return NULL;
}

/* Fields of both kinds, written or not. */
size_t slog_entry_total(const struct slog_entry *entry);

/* Sets the message from the field "message", of which the last one stands. An empty message equals none. */
void slog_entry_find_message(struct slog_entry *entry);

/* Marks the entry as cut and leaves only the first `shown` of its fields. */
void slog_entry_cut_fields(struct slog_entry *entry, size_t shown);

#endif
