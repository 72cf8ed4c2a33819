/* SPDX-License-Identifier: Apache-2.0 */
#include "relayctl/answer.h"

#include <stdio.h>

#include "base/decimal.h"
#include "base/printable.h"

enum { COUNT_DIGITS_MAX = 19 };

static uint64_t count_of(const struct json_value *value)
{
	uint64_t count = 0;
	if (value == NULL || value->kind != JSON_NUMBER)
		return 0;
	struct bytes text = bytes_of_text(value->text);
	return decimal_read(text, COUNT_DIGITS_MAX, &count) == text.len ? count : 0;
}

uint64_t answer_count(const struct json_value *object, const char *name)
{
	return count_of(json_member(object, name));
}

const char *answer_text(const struct json_value *object, const char *name)
{
	const struct json_value *member = json_member(object, name);
	return member != NULL && member->text != NULL ? member->text : "";
}

bool answer_is(const struct json_value *object, const char *name)
{
	const struct json_value *member = json_member(object, name);
	return member != NULL && member->kind == JSON_BOOL && strcmp(member->text, "true") == 0;
}

uint64_t answer_sum(const struct json_value *object)
{
	uint64_t sum = 0;
	for (const struct json_value *member = object != NULL ? object->first : NULL; member != NULL; member = member->next)
		sum += count_of(member);
	return sum;
}

const struct json_value *answer_find(const struct json_value *list, const char *name, const char *text)
{
	for (const struct json_value *item = list != NULL ? list->first : NULL; item != NULL; item = item->next)
		if (strcmp(answer_text(item, name), text) == 0)
			return item;
	return NULL;
}

void answer_copy(const struct json_value *object, const char *name, char *out, size_t size)
{
	snprintf(out, size, "%s", answer_text(object, name));
	printable_make(out);
}

void answer_make_printable(struct json_value *document)
{
	if (document == NULL)
		return;
	if (document->text != NULL)
		printable_make(document->text);
	if (document->name != NULL)
		printable_make(document->name);
	/* As deep as JSON_DEPTH_MAX allows. */
	for (struct json_value *child = document->first; child != NULL; child = child->next)
		answer_make_printable(child);
}
