/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/document.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

enum { HEX_OCTETS_MAX = 32 };

yajl_gen document_begin(void)
{
	yajl_gen gen = yajl_gen_alloc(NULL);
	if (gen != NULL)
		yajl_gen_map_open(gen);
	return gen;
}

void document_name(yajl_gen gen, const char *name)
{
	yajl_gen_string(gen, (const unsigned char *)name, strlen(name));
}

void document_text(yajl_gen gen, const char *name, const char *value)
{
	document_octets(gen, name, (const uint8_t *)value, strlen(value));
}

void document_octets(yajl_gen gen, const char *name, const uint8_t *value, size_t len)
{
	document_name(gen, name);
	if (utf8_is_valid(bytes_of(value, len))) {
		yajl_gen_string(gen, len > 0 ? value : (const uint8_t *)"", len);
		return;
	}
	unsigned char *text = malloc(len);
	for (size_t i = 0; text != NULL && i < len; i++)
		text[i] = value[i] < 0x80 ? value[i] : '?';
	yajl_gen_string(gen, text != NULL ? text : (const unsigned char *)"?", text != NULL ? len : 1);
	free(text);
}

static void write_hex(char text[2 * HEX_OCTETS_MAX + 1], const uint8_t *value, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	assert(len <= HEX_OCTETS_MAX);
	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[value[i] >> 4];
		text[2 * i + 1] = digits[value[i] & 15];
	}
	text[2 * len] = '\0';
}

void document_hex(yajl_gen gen, const char *name, const uint8_t *value, size_t len)
{
	char text[2 * HEX_OCTETS_MAX + 1];
	write_hex(text, value, len);
	document_text(gen, name, text);
}

bool document_is_hex(const char *text, const uint8_t *value, size_t len)
{
	char expected[2 * HEX_OCTETS_MAX + 1];
	write_hex(expected, value, len);
	return strcmp(text, expected) == 0;
}

void document_count(yajl_gen gen, const char *name, uint64_t value)
{
	document_name(gen, name);
	yajl_gen_integer(gen, (long long)value);
}

void document_bool(yajl_gen gen, const char *name, bool value)
{
	document_name(gen, name);
	yajl_gen_bool(gen, value);
}

void document_drops(yajl_gen gen, const uint64_t dropped[SPOOL_DROP_REASONS])
{
	document_name(gen, "dropped");
	yajl_gen_map_open(gen);
	for (unsigned reason = 0; reason < SPOOL_DROP_REASONS; reason++) {
		const char *name = spool_drop_reason_name((enum spool_drop_reason)reason);
		if (name != NULL && dropped[reason] > 0)
			document_count(gen, name, dropped[reason]);
	}
	yajl_gen_map_close(gen);
}

char *document_finish(yajl_gen gen)
{
	const unsigned char *document;
	size_t len;
	char *copy = NULL;
	yajl_gen_map_close(gen);
	if (yajl_gen_get_buf(gen, &document, &len) == yajl_gen_status_ok && (copy = malloc(len + 2)) != NULL) {
		memcpy(copy, document, len);
		memcpy(copy + len, "\n", 2);
	}
	yajl_gen_free(gen);
	return copy;
}
