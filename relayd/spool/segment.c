/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/segment.h"

#include "base/little_endian.h"

#include <inttypes.h>
#include <stdio.h>
#include <xxhash.h>

enum { CHECKSUM_BYTES = 8 };

void segment_header_write(const struct segment_header *header, uint8_t *out)
{
	memset(out, 0, SEGMENT_HEADER_BYTES);
	le32_store(out, SEGMENT_MAGIC);
	out[4] = FORMAT_MAJOR;
	out[5] = FORMAT_MINOR;
	le16_store(out + 6, SEGMENT_HEADER_BYTES);
	le64_store(out + 8, header->counter);
	memcpy(out + 16, header->spool_id, sizeof header->spool_id);
	le64_store(out + 32, header->salt);
	le64_store(out + 40, header->first);
	le64_store(out + 48, header->previous_last);
	le64_store(out + 56, (uint64_t)header->begun_ns);
	le64_store(out + SEGMENT_HEADER_BYTES - CHECKSUM_BYTES,
	           XXH3_64bits(out, SEGMENT_HEADER_BYTES - CHECKSUM_BYTES));
}

static bool is_number(uint64_t counter_or_sequence)
{
	return counter_or_sequence > 0 && counter_or_sequence <= SEQUENCE_MAX;
}

static bool is_consistent(const struct segment_header *header)
{
	return is_number(header->counter) && is_number(header->first) && header->previous_last < header->first;
}

enum segment_header_result segment_header_read(struct bytes octets, struct segment_header *header)
{
	/* The header's length is fixed within a major version: the checkpoint must be found even if it is damaged. */
	if (octets.len < SEGMENT_HEADER_BYTES || le32_load(octets.at) != SEGMENT_MAGIC)
		return SEGMENT_HEADER_INVALID;
	if (octets.at[4] > FORMAT_MAJOR)
		return SEGMENT_HEADER_NEWER;
	uint64_t checksum = XXH3_64bits(octets.at, SEGMENT_HEADER_BYTES - CHECKSUM_BYTES);
	if (octets.at[4] != FORMAT_MAJOR || le16_load(octets.at + 6) != SEGMENT_HEADER_BYTES ||
	    checksum != le64_load(octets.at + SEGMENT_HEADER_BYTES - CHECKSUM_BYTES))
		return SEGMENT_HEADER_INVALID;
	struct segment_header loaded = {
		.counter = le64_load(octets.at + 8),
		.salt = le64_load(octets.at + 32),
		.first = le64_load(octets.at + 40),
		.previous_last = le64_load(octets.at + 48),
		.begun_ns = (int64_t)le64_load(octets.at + 56),
	};
	memcpy(loaded.spool_id, octets.at + 16, sizeof loaded.spool_id);
	if (!is_consistent(&loaded))
		return SEGMENT_HEADER_INVALID;
	*header = loaded;
	return SEGMENT_HEADER_VALID;
}

enum segment_header_result segment_header_load(const struct disk *disk, int file, uint64_t counter, uint64_t first,
                                               struct segment_header *header, int *error)
{
	uint8_t octets[SEGMENT_HEADER_BYTES];
	struct segment_header loaded;
	int64_t got = disk->read(disk, file, octets, sizeof octets, 0);
	*error = got < 0 ? (int)got : 0;
	if (got < 0)
		return SEGMENT_HEADER_INVALID;
	enum segment_header_result result = segment_header_read(bytes_of(octets, (size_t)got), &loaded);
	if (result != SEGMENT_HEADER_VALID)
		return result;
	if (loaded.counter != counter || loaded.first != first)
		return SEGMENT_HEADER_INVALID;
	*header = loaded;
	return SEGMENT_HEADER_VALID;
}

/* Sixteen hexadecimal digits, lower case: so that names sort as numbers do and have one form. */
static bool parse_hex(const char **text, uint64_t *value)
{
	uint64_t number = 0;
	for (int i = 0; i < 16; i++) {
		char digit = (*text)[i];
		if (digit >= '0' && digit <= '9')
			number = number << 4 | (uint64_t)(digit - '0');
		else if (digit >= 'a' && digit <= 'f')
			number = number << 4 | (uint64_t)(digit - 'a' + 10);
		else
			return false;
	}
	*text += 16;
	*value = number;
	return true;
}

static bool parse_prefix(const char **text, const char *prefix)
{
	size_t len = strlen(prefix);
	if (strncmp(*text, prefix, len) != 0)
		return false;
	*text += len;
	return true;
}

static bool parse_two(const char *name, const char *prefix, uint64_t *a, uint64_t *b)
{
	return parse_prefix(&name, prefix) && parse_hex(&name, a) && parse_prefix(&name, "-") && parse_hex(&name, b) &&
	       *name == '\0';
}

void segment_name(uint64_t counter, uint64_t first, char *name)
{
	snprintf(name, DISK_NAME_MAX_BYTES, "segment-%016" PRIx64 "-%016" PRIx64, counter, first);
}

bool segment_name_parse(const char *name, uint64_t *counter, uint64_t *first)
{
	return parse_two(name, "segment-", counter, first) && is_number(*counter) && is_number(*first);
}

void segment_spare_name(uint64_t number, char *name)
{
	snprintf(name, DISK_NAME_MAX_BYTES, "spare-%016" PRIx64, number);
}

bool segment_spare_name_parse(const char *name, uint64_t *number)
{
	return parse_prefix(&name, "spare-") && parse_hex(&name, number) && *name == '\0' && *number <= SEQUENCE_MAX;
}

void segment_damaged_name(uint64_t counter, uint64_t offset, char *name)
{
	snprintf(name, DISK_NAME_MAX_BYTES, "damaged-%016" PRIx64 "-%016" PRIx64, counter, offset);
}

bool segment_damaged_name_parse(const char *name, uint64_t *counter, uint64_t *offset)
{
	return parse_two(name, "damaged-", counter, offset);
}

void segment_aside_name(uint64_t counter, uint64_t first, char *name)
{
	snprintf(name, DISK_NAME_MAX_BYTES, "damaged-segment-%016" PRIx64 "-%016" PRIx64, counter, first);
}

bool segment_aside_name_parse(const char *name, uint64_t *counter, uint64_t *first)
{
	return parse_prefix(&name, "damaged-") && segment_name_parse(name, counter, first);
}
