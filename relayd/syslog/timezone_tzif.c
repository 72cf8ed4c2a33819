/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TZif files (RFC 9636, 3): a header with six counts, a data block with 32-bit times, and from version 2 on a second
 * header and block with 64-bit times and a footer, which is a POSIX TZ text between two LFs. Numbers are big-endian.
 */
#include "syslog/timezone.h"

enum {
	HEADER_LEN = 44,
	COUNTS_AT = 20,
	TYPES_MAX = 256,
	TYPE_LEN = 6, /* offset, is-daylight, index of its name */
	COUNT_MAX = 1 << 20,
};

struct tzif_header {
	uint8_t version;
	size_t isut, isstd, leap, time, type, name; /* how many of each */
};

static uint32_t be32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t time_at(const uint8_t *at, size_t width)
{
	if (width == 4)
		return (int32_t)be32(at);
	return (int64_t)((uint64_t)be32(at) << 32 | be32(at + 4));
}

static bool take_header(struct bytes *file, struct tzif_header *header)
{
	if (file->len < HEADER_LEN || !bytes_start_with(*file, BYTES("TZif")))
		return false;
	size_t counts[6];
	for (size_t i = 0; i < 6; i++) {
		counts[i] = be32(file->at + COUNTS_AT + 4 * i);
		if (counts[i] > COUNT_MAX)
			return false;
	}
	*header = (struct tzif_header){.version = file->at[4],
								   .isut = counts[0],
								   .isstd = counts[1],
								   .leap = counts[2],
								   .time = counts[3],
								   .type = counts[4],
								   .name = counts[5]};
	*file = bytes_after(*file, HEADER_LEN);
	return header->type > 0 && header->type <= TYPES_MAX;
}

static size_t block_len(const struct tzif_header *header, size_t width)
{
	return header->time * (width + 1) + header->type * TYPE_LEN + header->name + header->leap * (width + 4) +
		   header->isstd + header->isut;
}

static bool offset_of_type(const uint8_t *types, size_t type, int32_t *offset)
{
	*offset = (int32_t)be32(types + type * TYPE_LEN);
	return *offset >= -TIMEZONE_OFFSET_MAX_SECONDS && *offset <= TIMEZONE_OFFSET_MAX_SECONDS;
}

static bool read_block(const uint8_t *block, const struct tzif_header *header, size_t width,
					   struct timezone_rules *rules)
{
	const uint8_t *times = block;
	const uint8_t *type_of = times + header->time * width;
	const uint8_t *types = type_of + header->time;
	if (!offset_of_type(types, 0, &rules->first_offset))
		return false;
	size_t first = header->time > TIMEZONE_CHANGES_MAX ? header->time - TIMEZONE_CHANGES_MAX : 0;
	for (size_t i = first; i < header->time; i++) {
		unsigned n = rules->changes;
		rules->change_at[n] = time_at(times + i * width, width);
		if (type_of[i] >= header->type || !offset_of_type(types, type_of[i], &rules->offset_from[n]))
			return false;
		if (n > 0 && rules->change_at[n] <= rules->change_at[n - 1])
			return false;
		rules->changes = n + 1;
	}
	return true;
}

/* footer = LF [POSIX TZ text] LF; an empty one says that nothing is known of the time after the last change. */
static bool read_footer(struct bytes rest, struct timezone_rules *rules)
{
	if (rest.len < 2 || rest.at[0] != '\n')
		return false;
	rest = bytes_after(rest, 1);
	size_t len = bytes_find(rest, '\n');
	if (len == rest.len)
		return false;
	if (len == 0)
		return true;
	struct timezone_rules footer;
	if (!timezone_from_posix(bytes_first(rest, len), &footer))
		return false;
	rules->rule = footer.rule;
	rules->has_rule = true;
	return true;
}

static bool read_file(struct bytes file, struct timezone_rules *rules)
{
	struct tzif_header header;
	size_t width = 4;
	if (!take_header(&file, &header))
		return false;
	bool has_second_block = header.version >= '2';
	if (has_second_block) {
		size_t skip = block_len(&header, width);
		if (skip > file.len)
			return false;
		file = bytes_after(file, skip);
		width = 8;
		if (!take_header(&file, &header))
			return false;
	}
	size_t len = block_len(&header, width);
	if (len > file.len || !read_block(file.at, &header, width, rules))
		return false;
	return !has_second_block || read_footer(bytes_after(file, len), rules);
}

bool timezone_from_tzif(struct bytes file, struct timezone_rules *rules)
{
	*rules = (struct timezone_rules){0};
	if (read_file(file, rules))
		return true;
	*rules = (struct timezone_rules){0};
	return false;
}
