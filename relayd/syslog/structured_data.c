/* SPDX-License-Identifier: Apache-2.0 */
#include "syslog/structured_data.h"

/* What an octet means here. */
enum {
	NAME = 1,  /* may stand in SD-NAME */
	VALUE = 2, /* stands for itself in PARAM-VALUE */
};

static const uint8_t octet_class[256] = {
	[0 ... 32] = VALUE,           [33] = NAME | VALUE, ['"'] = 0, ['#' ... '<'] = NAME | VALUE, ['='] = VALUE,
	['>' ... '['] = NAME | VALUE, ['\\'] = NAME,       [']'] = 0, ['^' ... '~'] = NAME | VALUE, [127 ... 255] = VALUE,
};

/* Length of the SD-NAME at `at`; 0 if there is none or it is too long. */
static size_t name_len(struct bytes text, size_t at)
{
	size_t end = at;
	while (end < text.len && (octet_class[text.at[end]] & NAME) != 0)
		end++;
	return end - at <= SD_NAME_MAX_BYTES ? end - at : 0;
}

static bool is_escaped(uint8_t octet)
{
	return octet == '"' || octet == '\\' || octet == ']';
}

/* Offset of the quote that ends the PARAM-VALUE which begins at `at`; text.len if there is none. */
static size_t value_end(struct bytes text, size_t at, bool *bracket)
{
	while (at < text.len) {
		uint8_t octet = text.at[at];
		if ((octet_class[octet] & VALUE) != 0) {
			at++;
		} else if (octet == '"') {
			return at;
		} else if (octet == '\\' && at + 1 < text.len && is_escaped(text.at[at + 1])) {
			at += 2;
		} else {
			*bracket = *bracket || octet == ']';
			at++;
		}
	}
	return text.len;
}

/* Length of the SD-PARAM at the start of `text`; 0 if there is none. */
static size_t param_read(struct bytes text, struct sd_param *param, bool *bracket)
{
	size_t len = name_len(text, 0);
	if (len == 0 || text.len < len + 2 || text.at[len] != '=' || text.at[len + 1] != '"')
		return 0;
	size_t begin = len + 2;
	size_t end = value_end(text, begin, bracket);
	if (end == text.len)
		return 0;
	param->name = bytes_first(text, len);
	param->value = bytes_of(text.at + begin, end - begin);
	return end + 1;
}

/* Length of the SD-ELEMENT at the start of `text`; 0 if there is none. */
static size_t element_read(struct bytes text, struct sd_element *element, bool *bracket)
{
	if (text.len == 0 || text.at[0] != '[')
		return 0;
	size_t id_len = name_len(text, 1);
	size_t at = 1 + id_len;
	if (id_len == 0)
		return 0;
	while (at < text.len && text.at[at] == ' ') {
		struct sd_param param;
		size_t len = param_read(bytes_after(text, at + 1), &param, bracket);
		if (len == 0)
			return 0;
		at += 1 + len;
	}
	if (at == text.len || text.at[at] != ']')
		return 0;
	element->id = bytes_of(text.at + 1, id_len);
	element->params = bytes_of(text.at + 1 + id_len, at - 1 - id_len);
	return at + 1;
}

static bool is_among(struct bytes id, const struct bytes *ids, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (bytes_equal(id, ids[i]))
			return true;
	}
	return false;
}

struct sd_extent sd_measure(struct bytes text)
{
	struct bytes ids[SD_ELEMENTS_MAX];
	struct sd_extent extent = {.outcome = SD_MALFORMED};
	size_t count = 0, at = 0;
	bool bracket = false;
	do {
		struct sd_element element;
		size_t len = count < SD_ELEMENTS_MAX ? element_read(bytes_after(text, at), &element, &bracket) : 0;
		if (len == 0)
			return (struct sd_extent){.outcome = SD_MALFORMED};
		extent.repeated = extent.repeated || is_among(element.id, ids, count);
		ids[count++] = element.id;
		at += len;
	} while (at < text.len && text.at[at] == '[');
	extent.outcome = bracket ? SD_TOLERATED : SD_EXACT;
	extent.len = at;
	return extent;
}

bool sd_next_element(struct bytes *rest, struct sd_element *element)
{
	bool bracket = false;
	size_t len = element_read(*rest, element, &bracket);
	*rest = len > 0 ? bytes_after(*rest, len) : bytes_first(*rest, 0);
	return len > 0;
}

bool sd_next_param(struct bytes *params, struct sd_param *param)
{
	bool bracket = false;
	size_t len = 0;
	if (params->len > 0 && params->at[0] == ' ')
		len = param_read(bytes_after(*params, 1), param, &bracket);
	*params = len > 0 ? bytes_after(*params, 1 + len) : bytes_first(*params, 0);
	return len > 0;
}
