/* SPDX-License-Identifier: Apache-2.0 */
/* See bound_set.h. */
#include "bound_set.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "bound_texts.h"

static void reckon_keys(struct slog_bound_set *set)
{
	set->keys = slog_keys_none();
	for (size_t i = 0; i < set->count; i++) {
		uint32_t bit = slog_keys_add(&set->keys, set->fields, i) >> 22;
		set->filter[bit / 64] |= UINT64_C(1) << (bit % 64);
		if (memchr(set->fields[i].key, '.', set->fields[i].key_length) != NULL)
			set->has_dots = true;
	}
}

/* Moves one text behind those in *at. */
static struct slog_bound_text keep(char **at, const struct slog_line *line)
{
	struct slog_bound_text text = {*at, line->length};
	memcpy(*at, line->text, line->length);
	*at += line->length;
	return text;
}

/* The two forms are written to room for both, then kept in what they need. */
static void write_texts(struct slog_bound_set *set, char room[3 * SLOG_BOUND_TEXT_MAX])
{
	struct slog_line json = slog_line_in(room, SLOG_BOUND_TEXT_MAX);
	struct slog_line param = slog_line_in(room + SLOG_BOUND_TEXT_MAX, SLOG_BOUND_TEXT_MAX);
	struct slog_line listed = slog_line_in(room + 2 * SLOG_BOUND_TEXT_MAX, SLOG_BOUND_TEXT_MAX);
	slog_json_put_bound(&json, set);
	bool has_param = slog_sd_element_put_bound(&param, &listed, set);
	set->texts = malloc(json.length + param.length + listed.length + 1);
	if (set->texts == NULL)
		return;
	char *at = set->texts;
	if (!json.overflowed)
		set->json = keep(&at, &json);
	if (has_param && !param.overflowed && !listed.overflowed) {
		set->param = keep(&at, &param);
		set->listed = keep(&at, &listed);
	}
}

void slog_bound_set_prepare(struct slog_bound_set *set)
{
	static _Atomic uint64_t last;
	set->number = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
	reckon_keys(set);
	if (set->keys.has_similar)
		return;
	char *room = malloc(3 * SLOG_BOUND_TEXT_MAX);
	if (room == NULL)
		return;
	write_texts(set, room);
	free(room);
}

void slog_bound_set_release(struct slog_bound_set *set)
{
	free(set->texts);
	set->texts = NULL;
}
