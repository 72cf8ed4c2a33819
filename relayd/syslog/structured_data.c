/* SPDX-License-Identifier: Apache-2.0 */
#include "syslog/structured_data.h"

#include "base/octets16.h"

/* Not in SD-NAME. */
static unsigned not_name(octets16 block)
{
	return octets16_mask(octets16_no_graph(block) | (block == '=') | (block == ']') | (block == '"'));
}

/* In PARAM-VALUE not for itself. */
static unsigned not_value(octets16 block)
{
	return octets16_mask((block == '"') | (block == '\\') | (block == ']'));
}

/* The end of the SD-NAME at `at`; NULL if there is none or it is too long. */
static inline const uint8_t *name_end(const uint8_t *at, const uint8_t *end)
{
	const uint8_t *stop = octets16_find(at, end, '=', not_name);
	return (size_t)(stop - at) - 1 < SD_NAME_MAX_BYTES ? stop : NULL;
}

/* The quote that ends the PARAM-VALUE at `at`; `end` if there is none. */
__attribute__((always_inline)) static inline const uint8_t *value_end(const uint8_t *at, const uint8_t *end,
																	  bool *bracket)
{
	for (;;) {
		at = octets16_find(at, end, '"', not_value);
		if (at == end || *at == '"')
			return at;
		*bracket = *bracket || *at == ']';
		at += *at == '\\' && end - at > 1 && sd_is_escaped(at[1]) ? 2 : 1;
	}
}

/* The end of the SD-PARAM at `at`; NULL if there is none. */
static inline const uint8_t *param_read(const uint8_t *at, const uint8_t *end, struct sd_param *param, bool *bracket)
{
	const uint8_t *equals = name_end(at, end);
	if (equals == NULL || end - equals < 2 || memcmp(equals, "=\"", 2) != 0)
		return NULL;
	const uint8_t *value = equals + 2;
	const uint8_t *quote = value_end(value, end, bracket);
	if (quote == end)
		return NULL;
	param->name = bytes_of(at, (size_t)(equals - at));
	param->value = bytes_of(value, (size_t)(quote - value));
	return quote + 1;
}

/* Length of the SD-ELEMENT at the start of `text`; 0 if there is none. */
static size_t element_read(struct bytes text, struct sd_element *element, bool *bracket)
{
	if (text.len == 0 || text.at[0] != '[')
		return 0;
	const uint8_t *id = text.at + 1, *end = text.at + text.len;
	const uint8_t *params = name_end(id, end), *at = params;
	if (at == NULL)
		return 0;
	while (at < end && *at == ' ') {
		struct sd_param param;
		at = param_read(at + 1, end, &param, bracket);
		if (at == NULL)
			return 0;
	}
	if (at == end || *at != ']')
		return 0;
	element->id = bytes_of(id, (size_t)(params - id));
	element->params = bytes_of(params, (size_t)(at - params));
	return (size_t)(at + 1 - text.at);
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
	const uint8_t *end = params->at + params->len, *behind = NULL;
	if (params->len > 0 && params->at[0] == ' ')
		behind = param_read(params->at + 1, end, param, &bracket);
	*params = behind != NULL ? bytes_of(behind, (size_t)(end - behind)) : bytes_first(*params, 0);
	return behind != NULL;
}
