/* SPDX-License-Identifier: Apache-2.0 */
/* Read values as the fields that are logged, so that what was read can be written again. */
#include <liblog/read.h>

/*
 * The array of each list and object is followed by the arrays of those in it. Depth of recursion is that of the
 * value, which the readers limit.
 */
static size_t size_of(const struct slog_read_value *value)
{
	struct slog_read_cursor cursor = slog_read_members(value);
	struct slog_read_member member;
	size_t size = 0;
	while (slog_read_next(&cursor, &member))
		size += (value->type == SLOG_READ_OBJECT ? sizeof(struct slog_field) : sizeof(struct slog_value)) +
		        size_of(&member.value);
	return size;
}

size_t slog_read_fields_size(const struct slog_read_value *value)
{
	return size_of(value);
}

static size_t count_members(const struct slog_read_value *value)
{
	struct slog_read_cursor cursor = slog_read_members(value);
	struct slog_read_member member;
	size_t count = 0;
	while (slog_read_next(&cursor, &member))
		count++;
	return count;
}

static struct slog_value value_of(const struct slog_read_value *read, char **memory);

static struct slog_value list_of(const struct slog_read_value *read, char **memory)
{
	size_t count = count_members(read);
	struct slog_value *items = (struct slog_value *)(void *)*memory;
	struct slog_read_cursor cursor = slog_read_members(read);
	struct slog_read_member member;
	*memory += count * sizeof *items;
	for (size_t i = 0; slog_read_next(&cursor, &member); i++)
		items[i] = value_of(&member.value, memory);
	return slog_list_value_(items, count);
}

static struct slog_value group_of(const struct slog_read_value *read, char **memory)
{
	size_t count = count_members(read);
	struct slog_field *fields = (struct slog_field *)(void *)*memory;
	struct slog_read_cursor cursor = slog_read_members(read);
	struct slog_read_member member;
	*memory += count * sizeof *fields;
	for (size_t i = 0; slog_read_next(&cursor, &member); i++)
		fields[i] = slog_field_(member.key, member.key_length, value_of(&member.value, memory));
	return slog_group_value_(fields, count);
}

/* A number goes out with the digits that it came with. */
static struct slog_value value_of(const struct slog_read_value *read, char **memory)
{
	switch (read->type) {
	case SLOG_READ_BOOL:
		return slog_bool_value_(read->text[0] == 't');
	case SLOG_READ_NUMBER:
		return slog_text_value_(SLOG_TYPE_JSON, read->text, read->length);
	case SLOG_READ_STRING:
		return slog_text_value_(SLOG_TYPE_STRING, read->text, read->length);
	case SLOG_READ_LIST:
		return list_of(read, memory);
	case SLOG_READ_OBJECT:
		return group_of(read, memory);
	case SLOG_READ_NULL:
		break;
	}
	return slog_null_value_();
}

size_t slog_read_fields(const struct slog_read_value *object, void *memory, const struct slog_field **fields)
{
	char *at = memory;
	struct slog_value group = group_of(object, &at);
	*fields = group.as.group;
	return group.length;
}
