/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yajl tells events; the path of open objects and lists is kept beside them. The line of an event is found by counting
 * the newlines that yajl has passed since the event before, so each octet is looked at once.
 */
#include "config/json_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <yajl/yajl_parse.h>

struct reading {
	struct bytes text;
	yajl_handle parser;
	size_t counted; /* octets whose newlines are in `line` */
	unsigned line;
	struct json_value *root;
	struct json_value *open[JSON_DEPTH_MAX];
	unsigned depth;
	char *name; /* of the member whose value comes next */
	unsigned name_line;
	struct json_error *error;
};

enum { GO_ON = 1, STOP = 0 }; /* what yajl's callbacks return */

static void count_lines(struct reading *reading)
{
	size_t passed = yajl_get_bytes_consumed(reading->parser);
	if (passed > reading->text.len)
		passed = reading->text.len;
	for (; reading->counted < passed; reading->counted++)
		reading->line += reading->text.at[reading->counted] == '\n';
}

static int stop(struct reading *reading, const char *why)
{
	count_lines(reading);
	reading->error->line = reading->line;
	snprintf(reading->error->text, sizeof reading->error->text, "%s", why);
	return STOP;
}

static void free_value(struct json_value *value)
{
	/* As deep as JSON_DEPTH_MAX allows. */
	for (struct json_value *child = value->first; child != NULL;) {
		struct json_value *next = child->next;
		free_value(child);
		child = next;
	}
	free(value->name);
	free(value->text);
	free(value);
}

/* Puts the value into the object or list that is open, or makes it the root. */
static void attach(struct reading *reading, struct json_value *value)
{
	if (reading->depth == 0) {
		assert(reading->root == NULL);
		reading->root = value;
		return;
	}
	struct json_value *parent = reading->open[reading->depth - 1];
	if (parent->last != NULL)
		parent->last->next = value;
	else
		parent->first = value;
	parent->last = value;
	parent->children++;
}

static struct json_value *add_value(struct reading *reading, enum json_kind kind, struct bytes text)
{
	count_lines(reading);
	if (reading->depth > 0 && reading->open[reading->depth - 1]->children >= JSON_CHILDREN_MAX) {
		stop(reading, "too many values in one list or object");
		return NULL;
	}
	struct json_value *value = calloc(1, sizeof *value);
	char *copy = text.at != NULL ? strndup((const char *)text.at, text.len) : NULL;
	if (value == NULL || (text.at != NULL && copy == NULL)) {
		free(value);
		free(copy);
		stop(reading, "memory is short");
		return NULL;
	}
	value->kind = kind;
	value->text = copy;
	value->line = reading->name != NULL ? reading->name_line : reading->line;
	value->name = reading->name;
	reading->name = NULL;
	attach(reading, value);
	return value;
}

static int add_open(struct reading *reading, enum json_kind kind)
{
	if (reading->depth >= JSON_DEPTH_MAX)
		return stop(reading, "lists and objects are nested too deeply");
	struct json_value *value = add_value(reading, kind, bytes_of(NULL, 0));
	if (value == NULL)
		return STOP;
	reading->open[reading->depth++] = value;
	return GO_ON;
}

static int close_innermost(struct reading *reading)
{
	/* yajl matches brackets itself. */
	assert(reading->depth > 0);
	reading->depth--;
	return GO_ON;
}

/* ---- yajl's events ---- */

static int on_null(void *context)
{
	return add_value(context, JSON_NULL, bytes_of(NULL, 0)) != NULL ? GO_ON : STOP;
}

static int on_boolean(void *context, int value)
{
	return add_value(context, JSON_BOOL, value ? BYTES("true") : BYTES("false")) != NULL ? GO_ON : STOP;
}

static int on_number(void *context, const char *digits, size_t len)
{
	return add_value(context, JSON_NUMBER, bytes_of(digits, len)) != NULL ? GO_ON : STOP;
}

static int on_string(void *context, const unsigned char *text, size_t len)
{
	/* An empty text may come without an address. */
	struct bytes bytes = len > 0 ? bytes_of(text, len) : BYTES("");
	if (bytes_find(bytes, '\0') < bytes.len)
		return stop(context, "a text contains the character NUL (\\u0000)");
	return add_value(context, JSON_STRING, bytes) != NULL ? GO_ON : STOP;
}

static int on_name(void *context, const unsigned char *text, size_t len)
{
	struct reading *reading = context;
	struct bytes bytes = bytes_of(text, len);
	if (bytes_find(bytes, '\0') < bytes.len)
		return stop(reading, "a name contains the character NUL (\\u0000)");
	assert(reading->name == NULL);
	reading->name = strndup(len > 0 ? (const char *)text : "", len);
	if (reading->name == NULL)
		return stop(reading, "memory is short");
	count_lines(reading);
	reading->name_line = reading->line;
	const struct json_value *twin = json_member(reading->open[reading->depth - 1], reading->name);
	if (twin != NULL) {
		char why[JSON_ERROR_MAX_BYTES];
		snprintf(why, sizeof why, "\"%.80s\" is there twice; the first is in line %u", reading->name, twin->line);
		return stop(reading, why);
	}
	return GO_ON;
}

static int on_object(void *context)
{
	return add_open(context, JSON_OBJECT);
}

static int on_list(void *context)
{
	return add_open(context, JSON_LIST);
}

static int on_end(void *context)
{
	return close_innermost(context);
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_object,
	.yajl_map_key = on_name,
	.yajl_end_map = on_end,
	.yajl_start_array = on_list,
	.yajl_end_array = on_end,
};

/* What yajl says is "lexical error: invalid char in json text.\n": one line without the trailing dot is what we print.
 */
static void report_syntax(struct reading *reading)
{
	unsigned char *said = yajl_get_error(reading->parser, 0, NULL, 0);
	char why[JSON_ERROR_MAX_BYTES];
	const char *text = said != NULL ? (const char *)said : "unknown error";
	if (strstr(text, "premature EOF") != NULL)
		text = "the text ends too early";
	int len = (int)strcspn(text, "\n");
	while (len > 0 && (text[len - 1] == '.' || text[len - 1] == ' '))
		len--;
	snprintf(why, sizeof why, "not JSON: %.*s", len, text);
	stop(reading, why);
	if (said != NULL)
		yajl_free_error(reading->parser, said);
}

struct json_value *json_tree_read(struct bytes text, struct json_error *error)
{
	struct reading reading = {.text = text, .line = 1, .error = error};
	*error = (struct json_error){.line = 1};
	if (text.len > JSON_TEXT_MAX_BYTES) {
		snprintf(error->text, sizeof error->text, "longer than %d octets", JSON_TEXT_MAX_BYTES);
		return NULL;
	}
	reading.parser = yajl_alloc(&callbacks, NULL, &reading);
	if (reading.parser == NULL) {
		snprintf(error->text, sizeof error->text, "memory is short");
		return NULL;
	}
	yajl_config(reading.parser, yajl_allow_comments, 1);
	yajl_status status = yajl_parse(reading.parser, text.at, text.len);
	if (status == yajl_status_ok) {
		/* From here on yajl counts from zero again: all lines are behind us. */
		count_lines(&reading);
		reading.counted = text.len;
		status = yajl_complete_parse(reading.parser);
	}
	if (status == yajl_status_error)
		report_syntax(&reading);
	yajl_free(reading.parser);
	free(reading.name);
	if (status != yajl_status_ok && reading.root != NULL)
		json_tree_free(&reading.root);
	return reading.root;
}

/* ---- looking into a tree ---- */

const struct json_value *json_member(const struct json_value *object, const char *name)
{
	if (object == NULL || object->kind != JSON_OBJECT)
		return NULL;
	const struct json_value *member = object->first;
	while (member != NULL && strcmp(member->name, name) != 0)
		member = member->next;
	return member;
}

const struct json_value *json_item(const struct json_value *list, unsigned index)
{
	if (list == NULL || list->kind != JSON_LIST)
		return NULL;
	const struct json_value *item = list->first;
	while (item != NULL && index-- > 0)
		item = item->next;
	return item;
}

const char *json_kind_name(enum json_kind kind)
{
	static const char *const names[] = {
		[JSON_NULL] = "null",   [JSON_BOOL] = "true or false", [JSON_NUMBER] = "a number",
		[JSON_STRING] = "text", [JSON_LIST] = "a list",        [JSON_OBJECT] = "an object",
	};
	assert(kind <= JSON_OBJECT);
	return names[kind];
}

void json_tree_free(struct json_value **root)
{
	if (*root != NULL)
		free_value(*root);
	*root = NULL;
}
