/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The element of ours back to fields (sd_element.h says how it is written). Its parameters are first listed, wherever
 * syslog-ng has put them; then they are packed in order, those of one object together.
 */
#include "read_sd.h"

#include <string.h>

#include <liblog/json.h>
#include <liblog/rfc5424.h>

#include "ascii.h"
#include "undo.h"

/* A PARAM-NAME: what syslog-ng has split off it, and the rest. */
struct name {
	struct slog_read_text split; /* there is a dot behind it; text NULL: it was not split */
	struct slog_read_text rest;
};

struct param {
	struct name name;
	struct name path; /* the encoded key, its levels separated by '/'; the name, but for ~1, ~2, ... */
	struct slog_read_text value;
	bool is_string; /* listed in ~s */
	bool is_packed;
};

struct own_element {
	struct slog_reading *reading;
	struct slog_packer *packer;
	size_t count;
	struct param params[SLOG_READ_PARAMS_MAX];
};

/* ---- names in two pieces ---------------------------------------------------------------------------------------- */

static size_t name_length(const struct name *name)
{
	return name->rest.length + (name->split.text != NULL ? name->split.length + 1 : 0);
}

static char name_octet(const struct name *name, size_t i)
{
	size_t before = name->split.text != NULL ? name->split.length + 1 : 0;
	if (i >= before)
		return name->rest.text[i - before];
	return i == name->split.length ? '.' : name->split.text[i];
}

static bool names_share(const struct name *a, const struct name *b, size_t length)
{
	if (a->split.text == NULL && b->split.text == NULL)
		return a->rest.length >= length && b->rest.length >= length &&
		       memcmp(a->rest.text, b->rest.text, length) == 0;
	if (name_length(a) < length || name_length(b) < length)
		return false;
	for (size_t i = 0; i < length; i++)
		if (name_octet(a, i) != name_octet(b, i))
			return false;
	return true;
}

static bool name_is(const struct name *name, const char *text, size_t length, bool fold_case)
{
	if (name_length(name) != length)
		return false;
	for (size_t i = 0; i < length; i++) {
		char octet = name_octet(name, i);
		if (octet != text[i] && !(fold_case && slog_ascii_lower(octet) == slog_ascii_lower(text[i])))
			return false;
	}
	return true;
}

/* Offset of the next '/' from `at` on, or the name's length. */
static size_t name_slash(const struct name *name, size_t at)
{
	size_t length = name_length(name);
	while (at < length && name_octet(name, at) != '/')
		at++;
	return at;
}

/* Whether '/' separates levels here: not in a name that is longer than those we flatten, or that has empty levels. */
static bool name_has_levels(const struct name *name)
{
	size_t length = name_length(name);
	if (length > SLOG_SD_NAME_MAX || length == 0 || name_octet(name, length - 1) == '/')
		return false;
	for (size_t at = 0; at < length; at = name_slash(name, at) + 1)
		if (name_octet(name, at) == '/')
			return false;
	return true;
}

/* ---- listing ---------------------------------------------------------------------------------------------------- */

/* ~1, ~2, ...: the key is in the value. */
static void find_path(struct param *param)
{
	const struct slog_read_text *name = &param->name.rest;
	param->path = param->name;
	if (name->length < 2 || name->text[0] != '~')
		return;
	for (size_t i = 1; i < name->length; i++)
		if (name->text[i] < '0' || name->text[i] > '9')
			return;
	const char *equals = param->value.length > 0 ? memchr(param->value.text, '=', param->value.length) : NULL;
	if (equals == NULL || equals == param->value.text)
		return;
	size_t length = (size_t)(equals - param->value.text);
	param->path.rest.text = param->value.text;
	param->path.rest.length = length;
	param->value.text += length + 1;
	param->value.length -= length + 1;
}

static bool list_params(struct own_element *own, struct slog_read_text sd, struct slog_read_text own_id)
{
	struct slog_sd_element_text element;
	struct slog_read_text split;
	struct slog_sd_param text;
	while (slog_sd_take_element(&sd, &element)) {
		if (!slog_sd_is_own(element.id, own_id, &split))
			continue;
		while (slog_sd_take_param(&element.params, &text)) {
			if (own->count == SLOG_READ_PARAMS_MAX)
				return false;
			struct param *param = &own->params[own->count++];
			memset(param, 0, sizeof *param);
			param->name.split = split;
			param->name.rest = text.name;
			param->value = text.value;
			find_path(param);
		}
	}
	return true;
}

/* The parameter of this name: exactly, else without regard to case if only one is. */
static struct param *find_param(struct own_element *own, const char *name, size_t length)
{
	struct param *found = NULL;
	size_t folded = 0;
	for (size_t i = 0; i < own->count; i++) {
		if (name_is(&own->params[i].name, name, length, false))
			return &own->params[i];
		if (name_is(&own->params[i].name, name, length, true)) {
			found = &own->params[i];
			folded++;
		}
	}
	return folded == 1 ? found : NULL;
}

/* The names in ~s, separated by spaces. There are no more than parameters. */
static void mark_strings(struct own_element *own, struct slog_read_text names)
{
	const char *at = names.text;
	const char *end = at + names.length;
	for (size_t i = 0; i < own->count && at < end; i++) {
		const char *space = memchr(at, ' ', (size_t)(end - at));
		size_t length = (size_t)((space != NULL ? space : end) - at);
		struct param *param = find_param(own, at, length);
		if (param != NULL)
			param->is_string = true;
		at += length + 1;
	}
}

/* ---- values ----------------------------------------------------------------------------------------------------- */

static void pack_string(struct slog_packer *packer, struct slog_read_text value)
{
	struct slog_packed_octets octets = slog_pack_begin_octets(packer, SLOG_READ_STRING, value.length);
	if (octets.octets != NULL)
		slog_pack_end_octets(packer, octets, slog_undo_value(octets.octets, value.text, value.length));
}

/* JSON and what else is only known without its escapes is looked at in scratch memory. */
static void pack_typed(struct slog_packer *packer, struct slog_read_text value)
{
	char *text = slog_pack_scratch(packer, value.length);
	if (text == NULL)
		return;
	slog_pack_by_looks(packer, text, slog_undo_value(text, value.text, value.length));
	slog_pack_free(packer, value.length);
}

static void pack_value(struct own_element *own, const struct param *param)
{
	if (param->is_string)
		pack_string(own->packer, param->value);
	else
		pack_typed(own->packer, param->value);
}

/* ---- the element's own parameters ------------------------------------------------------------------------------- */

static void read_event_name(struct own_element *own, const struct param *param)
{
	char *before = own->packer->at;
	pack_string(own->packer, param->value);
	if (own->packer->overflowed)
		return;
	struct slog_read_value value = slog_packed_value(before);
	own->reading->name.text = value.text;
	own->reading->name.length = value.length;
}

static bool read_cut(struct own_element *own, const struct param *param)
{
	struct slog_read_value number = {SLOG_READ_NUMBER, param->value.text, param->value.length};
	uint64_t cut;
	if (!slog_json_is_number(number.text, number.length) || slog_as_u64(&number, &cut) != SLOG_AS_EXACT)
		return false;
	own->reading->is_cut = true;
	own->reading->cut = (unsigned long)cut;
	return true;
}

/* Takes a parameter that is no field. ~o is in the fields' order, and names that we do not know are fields. */
static bool take_own_param(struct own_element *own, const struct param *param)
{
	if (name_is(&param->name, "~cut", 4, false))
		return read_cut(own, param);
	if (name_is(&param->name, "~s", 2, false))
		mark_strings(own, param->value);
	else if (name_is(&param->name, "~e", 2, false))
		read_event_name(own, param);
	else
		return name_is(&param->name, "~v", 2, false);
	return true;
}

/* ~o: an object whose members are fields. What is none is an ordinary string. */
static void pack_overflow(struct own_element *own, const struct param *param)
{
	struct slog_packer *packer = own->packer;
	char *text = slog_pack_scratch(packer, param->value.length);
	if (text == NULL)
		return;
	size_t length = slog_undo_value(text, param->value.text, param->value.length);
	if (!slog_pack_json_members(packer, text, length, SLOG_DEPTH_MAX + 1, NULL, NULL)) {
		slog_pack_octets(packer, SLOG_READ_STRING, "~o", 2);
		slog_pack_octets(packer, SLOG_READ_STRING, text, length);
	}
	slog_pack_free(packer, param->value.length);
}

/* ---- objects ---------------------------------------------------------------------------------------------------- */

/* The key that the path's octets from `from` to `to` encode. */
static void pack_key(struct slog_packer *packer, const struct name *path, size_t from, size_t to)
{
	struct slog_packed_octets octets = slog_pack_begin_octets(packer, SLOG_READ_STRING, to - from);
	if (octets.octets == NULL)
		return;
	for (size_t i = from; i < to; i++)
		octets.octets[i - from] = name_octet(path, i);
	slog_pack_end_octets(packer, octets, slog_undo_name(octets.octets, octets.octets, to - from));
}

/* Whether a parameter that is no object has exactly these octets of the path. */
static bool is_scalar(const struct own_element *own, const struct name *path, size_t length)
{
	for (size_t i = 0; i < own->count; i++)
		if (name_length(&own->params[i].path) == length && names_share(&own->params[i].path, path, length))
			return true;
	return false;
}

/*
 * Packs what is not packed yet of the parameters from `first` on whose paths begin with the first one's `depth`
 * octets. Recursion ends because a path with levels has at most SLOG_SD_NAME_MAX octets.
 */
static void pack_members(struct own_element *own, size_t first, size_t depth)
{
	const struct name *common = &own->params[first].path;
	for (size_t i = first; i < own->count; i++) {
		struct param *param = &own->params[i];
		if (param->is_packed || !names_share(&param->path, common, depth) ||
		    (depth > 0 && !name_has_levels(&param->path)))
			continue;
		size_t length = name_length(&param->path);
		size_t slash = name_has_levels(&param->path) ? name_slash(&param->path, depth) : length;
		if (slash < length && !is_scalar(own, &param->path, slash)) {
			pack_key(own->packer, &param->path, depth, slash);
			slog_pack_begin(own->packer, SLOG_READ_OBJECT);
			pack_members(own, i, slash + 1);
			slog_pack_end(own->packer);
			continue;
		}
		param->is_packed = true;
		if (name_is(&param->path, "~o", 2, false)) {
			pack_overflow(own, param);
		} else {
			pack_key(own->packer, &param->path, depth, length);
			pack_value(own, param);
		}
	}
}

bool slog_sd_pack_own(struct slog_reading *reading, struct slog_packer *packer, struct slog_read_text sd,
                      struct slog_read_text own_id)
{
	struct own_element own;
	own.reading = reading;
	own.packer = packer;
	own.count = 0;
	if (!list_params(&own, sd, own_id))
		return false;
	for (size_t i = 0; i < own.count; i++)
		own.params[i].is_packed = name_octet(&own.params[i].name, 0) == '~' && take_own_param(&own, &own.params[i]);
	char *fields = packer->at;
	slog_pack_begin(packer, SLOG_READ_OBJECT);
	if (own.count > 0)
		pack_members(&own, 0, 0);
	slog_pack_end(packer);
	if (!packer->overflowed)
		reading->fields = slog_packed_value(fields);
	return true;
}
