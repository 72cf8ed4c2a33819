/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/sections.h"

#include "base/little_endian.h"

uint8_t *section_add(struct section_writer *writer, size_t len)
{
	assert(len <= writer->room - writer->len);
	uint8_t *at = writer->at + writer->len;
	writer->len += len;
	return at;
}

void section_begin(struct section_writer *writer, enum section_type type)
{
	writer->section = writer->len;
	uint8_t *at = section_add(writer, SECTION_HEADER_BYTES);
	le16_store(at, (uint16_t)type);
	le16_store(at + 2, 0);
	le32_store(at + 4, 0);
}

void section_end(struct section_writer *writer)
{
	size_t len = writer->len - writer->section - SECTION_HEADER_BYTES;
	if (len == 0)
		writer->len = writer->section;
	else
		le32_store(writer->at + writer->section + 4, (uint32_t)len);
}

bool section_next(struct bytes *sections, struct section *section)
{
	if (sections->len < SECTION_HEADER_BYTES)
		return false;
	uint32_t len = le32_load(sections->at + 4);
	if (len > sections->len - SECTION_HEADER_BYTES)
		return false;
	section->type = le16_load(sections->at);
	section->flags = le16_load(sections->at + 2);
	section->octets = bytes_of(sections->at + SECTION_HEADER_BYTES, len);
	*sections = bytes_after(*sections, SECTION_HEADER_BYTES + (size_t)len);
	return true;
}
