/* SPDX-License-Identifier: Apache-2.0 */
#include "relayctl/spool_records.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "relayctl/spool_filter.h"

static bool refuse(const struct spool_arguments *arguments, const char *what)
{
	spool_command_fail(arguments, what);
	return false;
}

struct spool_files *spool_command_files(const struct spool_arguments *arguments, char *error)
{
	char name[SPOOL_NAME_MAX_BYTES + 32];
	if (arguments->quarantine == NULL)
		return spool_files_open(arguments->path, error);
	int len = snprintf(name, sizeof name, "quarantine/%s", arguments->quarantine);
	if (len > 0 && (size_t)len < sizeof name && strchr(arguments->quarantine, '/') == NULL)
		return spool_files_open_file(arguments->path, name, error);
	snprintf(error, SPOOL_ERROR_MAX_BYTES, "\"%s\" is no name of an output", arguments->quarantine);
	return NULL;
}

/* --output: behind what it has got. */
static bool find_range(struct spool_records *records)
{
	const struct spool_arguments *arguments = records->arguments;
	struct spool_peeked cursors[SPOOL_CURSORS_MAX];
	records->first = arguments->first;
	records->last = arguments->last;
	if (arguments->output == NULL)
		return true;
	int count = spool_files_cursors(records->files, cursors, SPOOL_CURSORS_MAX);
	if (count < 0)
		return refuse(arguments, "the cursors cannot be read, so nobody knows what an output has got");
	for (int i = 0; i < count; i++) {
		if (strcmp(cursors[i].name, arguments->output) != 0)
			continue;
		if (records->first <= cursors[i].delivered)
			records->first = cursors[i].delivered + 1;
		return true;
	}
	fprintf(stderr, "%s: %s: has no place of an output \"%s\"\n", arguments->label, arguments->path, arguments->output);
	return false;
}

enum relayctl_exit spool_records_open(struct spool_records *records, const struct spool_arguments *arguments)
{
	char error[SPOOL_ERROR_MAX_BYTES];
	*records = (struct spool_records){.arguments = arguments};
	records->files = spool_command_files(arguments, error);
	if (records->files == NULL)
		return spool_command_fail(arguments, error);
	records->filter = calloc(1, sizeof *records->filter);
	if (records->filter == NULL)
		return spool_command_fail(arguments, "not enough memory");
	if (!spool_filter_open(records->filter, arguments->filter, spool_files_names(records->files)))
		return RELAYCTL_USAGE;
	if (!find_range(records))
		return RELAYCTL_FAILED;
	records->walk = spool_files_walk_open(records->files, records->first);
	return records->walk != NULL ? RELAYCTL_OK : spool_command_fail(arguments, "not enough memory");
}

void spool_records_close(struct spool_records *records)
{
	spool_files_walk_close(&records->walk);
	if (records->filter != NULL)
		spool_filter_close(records->filter);
	free(records->filter);
	spool_files_close(&records->files);
}

/* Counts and tells what of first..last is wanted. */
static void note_damage(struct spool_records *records, uint64_t first, uint64_t last, const char *why)
{
	if (first < records->first)
		first = records->first;
	if (last > records->last)
		last = records->last;
	if (last < first)
		return;
	records->unreadable += last - first + 1;
	fprintf(stderr, "%s: messages %" PRIu64 " to %" PRIu64 " cannot be read: %s\n", records->arguments->label, first, last,
	        why);
}

/* Goes to the next block of records; false if there is none in the range. */
static bool next_block(struct spool_records *records)
{
	struct spool_place_found place;
	for (;;) {
		switch (spool_files_next(records->walk, &place)) {
		case SPOOL_PLACE_BLOCK:
			if (place.header.kind != BLOCK_RECORDS)
				break;
			records->rest = place.records;
			records->next = place.first;
			envelope_context_start(&records->unpacking, place.header.base_ns);
			return place.first <= records->last;
		case SPOOL_PLACE_DAMAGE:
			note_damage(records, place.first, place.last, place.why);
			break;
		case SPOOL_PLACE_TAIL:
		case SPOOL_PLACE_RELEASED:
			break;
		case SPOOL_PLACE_NEWER:
			return refuse(records->arguments, "a newer version of relayd wrote what follows");
		case SPOOL_PLACE_END:
			return false;
		}
	}
}

bool spool_records_next(struct spool_records *records, uint64_t *sequence, struct envelope *envelope)
{
	struct bytes record;
	while (!records->ended) {
		if (!spool_record_next(&records->rest, &record)) {
			records->ended = !next_block(records);
			continue;
		}
		*sequence = records->next++;
		/* Each record is unpacked, wanted or not: it is relative to the one before it. */
		bool readable = envelope_unpack(&records->unpacking, record, envelope);
		records->ended = *sequence > records->last;
		if (*sequence < records->first || records->ended)
			continue;
		if (!readable)
			note_damage(records, *sequence, *sequence, "the record is malformed");
		else if (filter_passes(&records->filter->filter, envelope))
			return true;
	}
	return false;
}
