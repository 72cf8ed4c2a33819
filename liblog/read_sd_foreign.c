/* SPDX-License-Identifier: Apache-2.0 */
/* Which element of a message is ours, and the elements that are not: objects of strings (liblog/read.h). */
#include "read_sd.h"

#include <string.h>

#include "undo.h"

#define NAMES_COMPARED_MAX 64 /* an element with more takes the list form, which is always right */

static const char own_prefix[] = "slog@";

static bool equal(struct slog_read_text a, struct slog_read_text b)
{
	return a.length == b.length && memcmp(a.text, b.text, a.length) == 0;
}

static bool is(struct slog_read_text text, const char *string)
{
	struct slog_read_text other = {string, strlen(string)};
	return equal(text, other);
}

/* Length of "slog@" and a number at the start of an SD-ID, if that is all of it up to a dot; else 0. */
static size_t own_length(struct slog_read_text id)
{
	size_t at = sizeof own_prefix - 1;
	if (id.length <= at || memcmp(id.text, own_prefix, at) != 0)
		return 0;
	size_t digits = at;
	while (digits < id.length && id.text[digits] >= '0' && id.text[digits] <= '9')
		digits++;
	return digits > at && (digits == id.length || id.text[digits] == '.') ? digits : 0;
}

static bool announces_encoding(struct slog_read_text params)
{
	struct slog_sd_param param;
	while (slog_sd_take_param(&params, &param))
		if (is(param.name, "~v"))
			return is(param.value, "1");
	return false;
}

bool slog_sd_find_own(struct slog_read_text sd, struct slog_read_text *own)
{
	struct slog_sd_element_text element;
	bool is_announced = false;
	size_t count = 0;
	own->text = NULL;
	own->length = 0;
	for (; slog_sd_take_element(&sd, &element) && count < SLOG_READ_ELEMENTS_MAX; count++) {
		if (!is_announced && announces_encoding(element.params)) {
			is_announced = true;
			*own = element.id;
		} else if (own->length == 0) {
			own->text = element.id.text;
			own->length = own_length(element.id);
		}
	}
	return sd.length == 0;
}

bool slog_sd_is_own(struct slog_read_text id, struct slog_read_text own, struct slog_read_text *split)
{
	split->text = NULL;
	split->length = 0;
	if (own.length == 0 || id.length < own.length || memcmp(id.text, own.text, own.length) != 0)
		return false;
	if (id.length == own.length)
		return true;
	split->text = id.text + own.length + 1;
	split->length = id.length - own.length - 1;
	return id.text[own.length] == '.';
}

static bool names_repeat(struct slog_read_text params)
{
	struct slog_read_text names[NAMES_COMPARED_MAX];
	struct slog_sd_param param;
	size_t count = 0;
	while (slog_sd_take_param(&params, &param)) {
		if (count == NAMES_COMPARED_MAX)
			return true;
		for (size_t i = 0; i < count; i++)
			if (equal(param.name, names[i]))
				return true;
		names[count++] = param.name;
	}
	return false;
}

/* The octets of a foreign PARAM-VALUE are its own: only the RFC's three escapes are undone. */
static void pack_value(struct slog_packer *packer, struct slog_read_text value)
{
	struct slog_packed_octets octets = slog_pack_begin_octets(packer, SLOG_READ_STRING, value.length);
	if (octets.octets != NULL)
		slog_pack_end_octets(packer, octets, slog_undo_sd_escapes(octets.octets, value.text, value.length));
}

static void pack_element(struct slog_packer *packer, struct slog_read_text params)
{
	bool has_pairs = names_repeat(params);
	struct slog_sd_param param;
	slog_pack_begin(packer, has_pairs ? SLOG_READ_LIST : SLOG_READ_OBJECT);
	while (slog_sd_take_param(&params, &param)) {
		if (has_pairs)
			slog_pack_begin(packer, SLOG_READ_LIST);
		slog_pack_octets(packer, SLOG_READ_STRING, param.name.text, param.name.length);
		pack_value(packer, param.value);
		if (has_pairs)
			slog_pack_end(packer);
	}
	slog_pack_end(packer);
}

/* The elements of a message that are not ours. */
struct elements {
	size_t count;
	struct slog_sd_element_text all[SLOG_READ_ELEMENTS_MAX];
};

static void list_elements(struct elements *elements, struct slog_read_text sd, struct slog_read_text own)
{
	struct slog_sd_element_text element;
	struct slog_read_text split;
	elements->count = 0;
	while (slog_sd_take_element(&sd, &element) && elements->count < SLOG_READ_ELEMENTS_MAX)
		if (!slog_sd_is_own(element.id, own, &split))
			elements->all[elements->count++] = element;
}

/* Packs all elements that have the SD-ID of the one at i, as a list if there are more; nothing if one came before. */
static void pack_same(struct slog_packer *packer, const struct elements *elements, size_t i)
{
	struct slog_read_text id = elements->all[i].id;
	size_t count = 0;
	for (size_t j = 0; j < elements->count; j++) {
		if (!equal(elements->all[j].id, id))
			continue;
		if (j < i)
			return;
		count++;
	}
	slog_pack_octets(packer, SLOG_READ_STRING, id.text, id.length);
	if (count > 1)
		slog_pack_begin(packer, SLOG_READ_LIST);
	for (size_t j = i; j < elements->count; j++)
		if (equal(elements->all[j].id, id))
			pack_element(packer, elements->all[j].params);
	if (count > 1)
		slog_pack_end(packer);
}

void slog_sd_pack_foreign(struct slog_reading *reading, struct slog_packer *packer, struct slog_read_text sd,
                          struct slog_read_text own)
{
	struct elements elements;
	list_elements(&elements, sd, own);
	if (elements.count == 0)
		return;
	char *packed = packer->at;
	slog_pack_begin(packer, SLOG_READ_OBJECT);
	for (size_t i = 0; i < elements.count; i++)
		pack_same(packer, &elements, i);
	slog_pack_end(packer);
	if (!packer->overflowed)
		reading->structured_data = slog_packed_value(packed);
}
