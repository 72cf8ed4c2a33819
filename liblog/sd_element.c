/* SPDX-License-Identifier: Apache-2.0 */
/* See sd_element.h. */
#include "sd_element.h"

#include <liblog/json.h>
#include <liblog/rfc5424.h>

#include "bound_texts.h"
#include "entry.h"
#include "json_value.h"
#include "number.h"
#include "octets.h"
#include "reads_as_typed.h"
#include "scalar.h"
#include "sd_names.h"

static const char own_sd_id[] = "slog@";

struct element {
	struct slog_line *line;
	const char *sd_id;
	bool escape_dots;
	unsigned long_names; /* ~1, ~2, ... used so far */
	const struct slog_bound_set *set; /* whose parameters stand before those in `names`, as they were kept; or NULL */
	struct slog_sd_names names;
};

/* The encoded name of a leaf while an object is walked: "geo/city". */
struct path {
	char text[SLOG_SD_NAME_MAX];
	size_t length;
};

/* ---- names ------------------------------------------------------------------------------------------------------ */

/*
 * syslog-ng splits a name at its last dot and makes what is before it part of the SD-ID, which has at most 32 octets.
 */
static bool splits_too_long(const struct element *element, const char *name, size_t length)
{
	while (length > 0 && name[length - 1] != '.')
		length--;
	return length > 0 && strlen(element->sd_id) + length > SLOG_SD_NAME_MAX;
}

/* ` ~N="`: begins a parameter whose value starts with the key. */
static void begin_numbered_param(struct element *element)
{
	slog_sd_names_add_unique(&element->names);
	slog_line_put(element->line, " ~", 2);
	slog_line_put_u64(element->line, ++element->long_names);
	slog_line_put(element->line, "=\"", 2);
}

/* ` name="` or ` ~N="name=`: begins a parameter whose encoded name is ready. */
static void begin_param(struct element *element, const char *name, size_t length)
{
	struct slog_line *line = element->line;
	if (!splits_too_long(element, name, length) && slog_sd_names_add(&element->names, line, name, length)) {
		slog_line_put_char(line, ' ');
		slog_line_put(line, name, length);
		slog_line_put(line, "=\"", 2);
		return;
	}
	begin_numbered_param(element);
	slog_line_put(line, name, length);
	slog_line_put_char(line, '=');
}

static size_t put_name_escape(char *out, size_t size, const char *bytes, size_t length, size_t *taken)
{
	return slog_rfc5424_name(out, size, bytes, length, false, taken);
}

static size_t put_name_escape_dots(char *out, size_t size, const char *bytes, size_t length, size_t *taken)
{
	return slog_rfc5424_name(out, size, bytes, length, true, taken);
}

/* The same for a key whose encoded form is longer than a PARAM-NAME. */
static void begin_long_param(struct element *element, const struct slog_field *field)
{
	struct slog_line *line = element->line;
	begin_numbered_param(element);
	slog_line_put_escaped(line, element->escape_dots ? put_name_escape_dots : put_name_escape, field->key,
	                      field->key_length);
	slog_line_put_char(line, '=');
}

/* Appends an encoded key to the path. False if it does not fit. */
static bool path_append(const struct element *element, struct path *path, const char *key, size_t length)
{
	size_t need = slog_rfc5424_name_length(key, length, element->escape_dots);
	if (need > sizeof path->text - path->length)
		return false;
	size_t taken;
	path->length += slog_rfc5424_name(path->text + path->length, sizeof path->text - path->length, key, length,
	                                  element->escape_dots, &taken);
	return true;
}

/* ---- values ----------------------------------------------------------------------------------------------------- */

static __attribute__((noinline)) bool put_scalar(struct slog_line *line, const struct slog_value *value)
{
	struct slog_scalar scalar;
	slog_scalar_read(&scalar, value);
	if (scalar.kind == SLOG_KIND_BASE64) {
		slog_line_put_base64(line, scalar.text, scalar.length);
	} else if (scalar.kind == SLOG_KIND_STRING) {
		slog_line_put_escaped(line, slog_rfc5424_value, scalar.text, scalar.length);
		return slog_reads_as_typed(scalar.text, scalar.length);
	} else if (scalar.kind == SLOG_KIND_LITERAL) {
		slog_line_put(line, scalar.text, scalar.length);
	} else {
		struct slog_json_out out = {line, true};
		slog_json_put_value(&out, value);
	}
	return false;
}

bool slog_sd_put_value(struct slog_line *line, const struct slog_value *value)
{
	struct slog_json_out out = {line, true};
	if (slog_value_shape(value) == SLOG_KIND_STRING)
		return put_scalar(line, value);
	slog_json_put_value(&out, value);
	return false;
}

/* Ends the parameter that was begun with its value. */
static void put_value(struct element *element, const struct slog_value *value)
{
	if (slog_sd_put_value(element->line, value))
		slog_sd_names_list_last(&element->names);
	slog_line_put_char(element->line, '"');
}

/* ---- objects ---------------------------------------------------------------------------------------------------- */

static bool is_open_object(const struct slog_value *value)
{
	return slog_value_shape(value) == SLOG_KIND_OBJECT && value->length > 0;
}

/* Counts the leaves of an object to *leaves. False if it cannot be flattened: a name too long, or too many leaves. */
static bool can_flatten(const struct element *element, const struct slog_value *value, size_t name_length,
                        size_t *leaves)
{
	if (name_length > SLOG_SD_NAME_MAX)
		return false;
	if (!is_open_object(value))
		return ++*leaves <= SLOG_SD_LEAVES_MAX;
	for (size_t i = 0; i < value->length; i++) {
		const struct slog_field *member = &value->as.group[i];
		size_t length = slog_rfc5424_name_length(member->key, member->key_length, element->escape_dots);
		if (slog_field_stands(value->as.group, value->length, i) &&
		    !can_flatten(element, &member->value, name_length + 1 + length, leaves))
			return false;
	}
	return true;
}

static void put_leaves(struct element *element, struct path *path, const struct slog_value *value)
{
	if (!is_open_object(value)) {
		begin_param(element, path->text, path->length);
		put_value(element, value);
		return;
	}
	size_t length = path->length;
	for (size_t i = 0; i < value->length; i++) {
		const struct slog_field *member = &value->as.group[i];
		if (!slog_field_stands(value->as.group, value->length, i))
			continue;
		path->text[path->length++] = '/';
		path_append(element, path, member->key, member->key_length);
		put_leaves(element, path, &member->value);
		path->length = length;
	}
}

/* An error as the object that it is, code, name, text: its members live here while they are written. */
static __attribute__((noinline)) void put_error(struct element *element, struct path *path,
                                                const struct slog_value *value)
{
	struct slog_field members[SLOG_ERROR_MEMBERS];
	slog_error_members(members, value);
	struct slog_value group = slog_group_value_(members, SLOG_ERROR_MEMBERS);
	put_leaves(element, path, &group);
}

/* ---- fields ----------------------------------------------------------------------------------------------------- */

/* Parameters that a field becomes; *flat says whether it is an object to be flattened. */
static size_t count_params(const struct element *element, const struct slog_field *field, bool *flat)
{
	static const size_t longest_error_member = sizeof "/code" - 1;
	size_t leaves = 0;
	size_t length = slog_rfc5424_name_length(field->key, field->key_length, element->escape_dots);
	if (slog_value_shape(&field->value) == SLOG_KIND_ERROR) {
		*flat = length + longest_error_member <= SLOG_SD_NAME_MAX;
		return *flat ? SLOG_ERROR_MEMBERS : 1;
	}
	*flat = is_open_object(&field->value) && can_flatten(element, &field->value, length, &leaves);
	return *flat ? leaves : 1;
}

static void put_field(struct element *element, const struct slog_field *field, bool flat)
{
	struct path path = {.length = 0};
	if (!path_append(element, &path, field->key, field->key_length)) {
		begin_long_param(element, field);
		put_value(element, &field->value);
	} else if (!flat) {
		begin_param(element, path.text, path.length);
		put_value(element, &field->value);
	} else if (slog_value_shape(&field->value) == SLOG_KIND_ERROR) {
		put_error(element, &path, &field->value);
	} else {
		put_leaves(element, &path, &field->value);
	}
}

/* `="" "` and a number: what a parameter needs beside its name and text. */
#define PARAM_ROOM (8 + SLOG_DOUBLE_MAX)

/* A value that needs no escaping; NULL if it is another. There is PARAM_ROOM and room for the text. */
static inline SLOG_ALWAYS char *put_plain_value(char *at, const struct slog_value *value)
{
	if (value->type == SLOG_TYPE_STRING)
		return slog_octets_copy(at, value->as.text, value->length, SLOG_OCTETS_PARAM) ? at + value->length : NULL;
	if (value->type == SLOG_TYPE_INT)
		return at + slog_number_i64(at, value->as.i64);
	if (value->type == SLOG_TYPE_UINT)
		return at + slog_number_u64(at, value->as.u64);
	if (value->type == SLOG_TYPE_DOUBLE && value->as.number - value->as.number == 0)
		return at + slog_number_double(at, value->as.number);
	if (value->type != SLOG_TYPE_BOOL)
		return NULL;
	memcpy(at, value->as.u64 != 0 ? "true" : "false", 5);
	return at + (value->as.u64 != 0 ? 4 : 5);
}

/* Counts a parameter that is written without a look at its name. */
static inline void count_param(struct element *element, const struct slog_value *value)
{
	element->names.count++;
	if (value->type == SLOG_TYPE_STRING && slog_reads_as_typed(value->as.text, value->length))
		slog_sd_names_list_last(&element->names);
}

/*
 * Fields of the call, with the names as they are remembered; see put_known_fields() in encode_json.c. All names are
 * different, no value is nested, and there are fewer than an element may have. Returns how many are dealt with.
 */
static size_t put_known_fields(struct element *element, const struct slog_entry *entry, size_t n)
{
	struct slog_line *line = element->line;
	const struct slog_prepared *prepared = entry->prepared;
	const char *text = prepared->memo->param;
	const struct slog_field *message =
		prepared->keys.message != SLOG_KEYS_NO_MESSAGE ? &entry->fields[prepared->keys.message] : NULL;
	const struct slog_field *field = entry->fields;
	const struct slog_field *end = field + n;
	size_t need = prepared->keys.octets + n * (PARAM_ROOM + SLOG_OCTETS_BLOCK);
	char *at = line->text + line->length;
	if (line->overflowed || line->size - line->length < need)
		return 0;
	for (; field < end; field++) {
		size_t length = field->key_length + SLOG_PARAM_NAME_MORE;
		if (field != message) {
			slog_octets_copy_blocks(at, text, length);
			at += length;
			char *after = put_plain_value(at, &field->value);
			if (after != NULL) {
				*after++ = '"';
				count_param(element, &field->value);
			} else {
				line->length = (size_t)(at - line->text);
				element->names.count++;
				put_value(element, &field->value);
				if (line->overflowed || line->size - line->length < need)
					return (size_t)(field + 1 - entry->fields);
				after = line->text + line->length;
			}
			at = after;
		}
		text += length;
	}
	line->length = (size_t)(at - line->text);
	return n;
}

/* ~o: the field and all after it as one JSON object, so that their order is kept. */
static void put_overflow(struct element *element, const struct slog_entry *entry, const struct slog_field *field,
                         size_t *position)
{
	struct slog_json_out out = {element->line, true};
	slog_line_put_string(element->line, " ~o=\"");
	for (char before = '{'; field != NULL; before = ',', field = slog_entry_next(entry, position)) {
		slog_json_put_text(&out, &before, 1);
		slog_json_put_string(&out, field->key, field->key_length);
		slog_json_put_text(&out, ":", 1);
		slog_json_put_value(&out, &field->value);
	}
	slog_line_put_string(element->line, "}\"");
}

/* Nested values become names of more than one part; all others are one parameter each. */
static bool is_nested(const struct slog_field *field)
{
	return field->value.type == SLOG_TYPE_GROUP || field->value.type == SLOG_TYPE_ERROR;
}

static void put_fields(struct element *element, const struct slog_entry *entry, size_t position, size_t params)
{
	const struct slog_field *field;
	if (position == entry->bound_count && entry->shown > position && element->names.are_distinct &&
	    entry->prepared->memo != NULL && entry->prepared->memo->has_param &&
	    params + entry->field_count <= SLOG_SD_PARAMS_OF_FIELDS_MAX)
		position += put_known_fields(element, entry, entry->shown - position);
	while (!element->line->overflowed && (field = slog_entry_next(entry, &position)) != NULL) {
		bool flat = false;
		size_t more = is_nested(field) ? count_params(element, field, &flat) : 1;
		if (params + element->names.count + more > SLOG_SD_PARAMS_OF_FIELDS_MAX) {
			put_overflow(element, entry, field, &position);
			return;
		}
		put_field(element, field, flat);
	}
}

/* Whether all names of the element differ, also for a reader that folds case: those of nested fields may meet others. */
static bool has_distinct_names(const struct slog_entry *entry)
{
	return slog_entry_has_distinct_keys(entry) && !entry->prepared->keys.has_nested &&
	       (entry->prepared->set == NULL || !entry->prepared->set->keys.has_nested);
}

/* The bound set whose parameters were kept and are good for this element; NULL if there is none. */
static const struct slog_bound_set *kept_params(const struct element *element, const struct slog_entry *entry)
{
	const struct slog_bound_set *set = slog_entry_bound_texts(entry);
	if (set == NULL || set->param.text == NULL || entry->prepared->keys.has_nested)
		return NULL;
	bool is_standard = !element->escape_dots && strcmp(element->sd_id, SLOG_RFC5424_SD_ID) == 0;
	return is_standard || !set->has_dots ? set : NULL;
}

/* ~s: the names of strings that read as other types. */
static void put_listed(const struct element *element)
{
	const struct slog_bound_set *set = element->set;
	bool has_bound = set != NULL && set->listed.length > 0;
	if (!has_bound && !element->names.has_listed)
		return;
	slog_line_put_string(element->line, " ~s=\"");
	if (has_bound)
		slog_line_put(element->line, set->listed.text, set->listed.length);
	if (has_bound && element->names.has_listed)
		slog_line_put_char(element->line, ' ');
	if (element->names.has_listed)
		slog_sd_names_put_listed(&element->names, element->line, element->line);
	slog_line_put_char(element->line, '"');
}

/* `[SD-ID`, and ~v if the SD-ID does not say whose element it is. */
static void begin_element(struct slog_line *line, const char *sd_id)
{
	size_t length = strlen(sd_id);
	if (line->overflowed || line->size - line->length < length + 1) {
		line->overflowed = true;
		return;
	}
	line->text[line->length] = '[';
	slog_octets_move(line->text + line->length + 1, sd_id, length);
	line->length += length + 1;
	if (length < sizeof own_sd_id - 1 || memcmp(sd_id, own_sd_id, sizeof own_sd_id - 1) != 0)
		slog_line_put_string(line, " ~v=\"1\"");
}

void slog_sd_element_put_for(struct slog_line *line, const struct slog_entry *entry,
                             const struct slog_rfc5424_encoder *encoder, size_t other_params, bool with_name)
{
	const char *sd_id = encoder->sd_id;
	struct element element;
	element.line = line;
	element.sd_id = sd_id;
	element.escape_dots = encoder->escape_dots;
	element.long_names = 0;
	element.set = kept_params(&element, entry);
	begin_element(line, sd_id);
	if (element.set != NULL)
		slog_line_put(line, element.set->param.text, element.set->param.length);
	slog_sd_names_start(&element.names, line, element.set != NULL || has_distinct_names(entry));
	if (element.set != NULL)
		put_fields(&element, entry, entry->bound_count, other_params + element.set->params);
	else
		put_fields(&element, entry, 0, other_params);
	if (with_name) {
		slog_line_put_string(line, " ~e=\"");
		slog_line_put_escaped(line, slog_rfc5424_value, entry->name, entry->name_length);
		slog_line_put_char(line, '"');
	}
	if (entry->is_cut) {
		slog_line_put_string(line, " ~cut=\"");
		slog_line_put_u64(line, entry->cut);
		slog_line_put_char(line, '"');
	}
	put_listed(&element);
	slog_line_put_char(line, ']');
}

void slog_sd_element_put(struct slog_line *line, const struct slog_entry *entry, const char *sd_id, bool escape_dots,
                         bool with_name)
{
	const struct slog_rfc5424_encoder encoder = {.sd_id = sd_id, .escape_dots = escape_dots};
	slog_sd_element_put_for(line, entry, &encoder, 0, with_name);
}

bool slog_sd_element_put_bound(struct slog_line *line, struct slog_line *listed, struct slog_bound_set *set)
{
	struct element element = {.line = line, .sd_id = SLOG_RFC5424_SD_ID};
	slog_sd_names_start(&element.names, line, false);
	for (size_t i = 0; i < set->count && !line->overflowed; i++) {
		bool flat;
		if (i == set->keys.message)
			continue;
		if (element.names.count + count_params(&element, &set->fields[i], &flat) > SLOG_SD_PARAMS_OF_FIELDS_MAX)
			return false;
		put_field(&element, &set->fields[i], flat);
	}
	slog_sd_names_put_listed(&element.names, line, listed);
	set->params = element.names.count;
	return element.long_names == 0;
}
