/* SPDX-License-Identifier: Apache-2.0 */
/* FIELDs of the command line. */
#include <stdlib.h>

#include "slogger.h"

/* Memory that fields point into. It is kept, and reachable, as long as the program runs. */
struct kept {
	struct kept *next;
	max_align_t octets[];
};

static void *keep(size_t size)
{
	static struct kept *all;
	struct kept *kept = malloc(sizeof *kept + size);
	if (kept == NULL) {
		fputs("slogger: memory is short\n", stderr);
		exit(SLOGGER_FAILED);
	}
	kept->next = all;
	all = kept;
	return kept->octets;
}

/* The text as the only member of an object is what the library reads; nothing else may be smuggled into it. */
static bool read_json(const char *text, struct slog_field *field)
{
	size_t size = strlen(text) + sizeof "{\"\":}";
	char *object = keep(size);
	size_t length = (size_t)snprintf(object, size, "{\"\":%s}", text);
	char *room = keep(SLOG_READ_ROOM(length));
	struct slog_reading reading;
	const struct slog_field *fields;
	if (slog_read_json(&reading, object, length, room, SLOG_READ_ROOM(length)) != SLOG_READ_OK)
		return false;
	if (slog_read_fields(&reading.fields, keep(slog_read_fields_size(&reading.fields)), &fields) != 1)
		return false;
	field->value = fields[0].value;
	return true;
}

bool slogger_field_read(const char *word, struct slog_field *field)
{
	const char *equals = strchr(word, '=');
	if (equals == NULL || equals == word || (equals == word + 1 && word[0] == ':')) {
		fprintf(stderr, "slogger: %s: a field is key=text or key:=json\n", word);
		return false;
	}
	bool is_json = equals[-1] == ':';
	*field = slog_field_(word, (size_t)(equals - word) - (is_json ? 1 : 0), slog_string_value_(equals + 1));
	if (!is_json || read_json(equals + 1, field))
		return true;
	fprintf(stderr, "slogger: %s: what follows := is not JSON; a text is written %.*s=text\n", word,
	        (int)field->key_length, field->key);
	return false;
}
