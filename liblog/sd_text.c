/* SPDX-License-Identifier: Apache-2.0 */
/* See sd_text.h. */
#include "sd_text.h"

#include <string.h>

#include <liblog/rfc5424.h>

static struct slog_read_text from(struct slog_read_text text, size_t at)
{
	struct slog_read_text rest = {text.text + at, text.length - at};
	return rest;
}

/* Length of the SD-NAME at `at`; 0 if there is none or it is too long. */
static size_t name_length(struct slog_read_text text, size_t at)
{
	size_t end = at;
	while (end < text.length && text.text[end] > ' ' && text.text[end] < 0x7F && text.text[end] != '=' &&
	       text.text[end] != ']' && text.text[end] != '"')
		end++;
	return end - at <= SLOG_SD_NAME_MAX ? end - at : 0;
}

/* Offset of the quote that ends the PARAM-VALUE which begins at `at`; text.length if there is none. */
static size_t value_end(struct slog_read_text text, size_t at)
{
	for (; at < text.length && text.text[at] != '"'; at++) {
		bool is_escape = text.text[at] == '\\' && at + 1 < text.length;
		if (is_escape && (text.text[at + 1] == '"' || text.text[at + 1] == '\\' || text.text[at + 1] == ']'))
			at++;
	}
	return at;
}

bool slog_sd_take_param(struct slog_read_text *params, struct slog_sd_param *param)
{
	struct slog_read_text text = *params;
	if (text.length == 0 || text.text[0] != ' ')
		return false;
	size_t length = name_length(text, 1);
	size_t begin = 1 + length + 2;
	if (length == 0 || text.length < begin || text.text[begin - 2] != '=' || text.text[begin - 1] != '"')
		return false;
	size_t end = value_end(text, begin);
	if (end >= text.length)
		return false;
	param->name.text = text.text + 1;
	param->name.length = length;
	param->value.text = text.text + begin;
	param->value.length = end - begin;
	*params = from(text, end + 1);
	return true;
}

bool slog_sd_take_element(struct slog_read_text *rest, struct slog_sd_element_text *element)
{
	struct slog_read_text text = *rest;
	if (text.length == 0 || text.text[0] != '[')
		return false;
	element->id.text = text.text + 1;
	element->id.length = name_length(text, 1);
	if (element->id.length == 0)
		return false;
	text = from(text, 1 + element->id.length);
	element->params = text;
	struct slog_sd_param param;
	while (slog_sd_take_param(&text, &param))
		continue;
	if (text.length == 0 || text.text[0] != ']')
		return false;
	element->params.length -= text.length;
	*rest = from(text, 1);
	return true;
}
