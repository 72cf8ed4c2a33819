/* SPDX-License-Identifier: Apache-2.0 */
/* `relayctl spool verify`: every block is read and checked; what is damaged is told with its place. */
#include <inttypes.h>
#include <string.h>

#include "relayctl/spool_records.h"

struct verified {
	uint64_t blocks, messages;
	uint64_t places, missing; /* damaged */
};

static void print_damage(const struct spool_place_found *place)
{
	printf("segment %" PRIu64 ", offset %" PRIu64 ", %" PRIu64 " octets: %s; ", place->segment->counter, place->offset,
	       place->len, place->why);
	if (place->last < place->first)
		puts("no message is missing that the spool knows of");
	else
		printf("messages %" PRIu64 " to %" PRIu64 " are missing\n", place->first, place->last);
}

/* One place; false at the end of the walk. */
static bool take(struct verified *verified, enum spool_place_kind kind, const struct spool_place_found *place)
{
	switch (kind) {
	case SPOOL_PLACE_BLOCK:
		verified->blocks++;
		verified->messages += place->header.count;
		return true;
	case SPOOL_PLACE_DAMAGE:
		verified->places++;
		verified->missing += place->last >= place->first ? place->last - place->first + 1 : 0;
		print_damage(place);
		return true;
	case SPOOL_PLACE_TAIL:
		if (place->len > 0)
			printf("segment %" PRIu64 ", offset %" PRIu64 ", %" PRIu64 " octets: the end of a write that was not finished; "
			       "nothing in it was acknowledged\n", place->segment->counter, place->offset, place->len);
		return true;
	case SPOOL_PLACE_RELEASED:
		return true;
	case SPOOL_PLACE_NEWER:
		verified->places++;
		puts("a newer version of relayd wrote what follows: it cannot be verified");
		return false;
	case SPOOL_PLACE_END:
		break;
	}
	return false;
}

/* The file of cursors is the one that is not made of blocks. */
static void verify_cursors(struct verified *verified, const struct spool_files *files)
{
	struct spool_peeked cursor;
	int count = spool_files_cursors(files, &cursor, 1);
	if (count >= 0)
		return;
	verified->places++;
	printf("cursors: %s\n", strerror(-count));
}

static enum relayctl_exit verify(const struct spool_arguments *arguments, struct spool_files *files)
{
	struct verified verified = {0};
	struct spool_place_found place;
	struct spool_files_walk *walk = spool_files_walk_open(files, 0);
	if (walk == NULL)
		return spool_command_fail(arguments, "not enough memory");
	if (arguments->quarantine == NULL)
		verify_cursors(&verified, files);
	enum spool_place_kind kind;
	do
		kind = spool_files_next(walk, &place);
	while (take(&verified, kind, &place));
	spool_files_walk_close(&walk);
	printf("%s: %u segments, %" PRIu64 " blocks, %" PRIu64 " messages", arguments->path, spool_files_count(files),
	       verified.blocks, verified.messages);
	if (verified.places == 0)
		puts(": all good");
	else
		printf("; %" PRIu64 " damaged places, %" PRIu64 " messages missing\n", verified.places, verified.missing);
	return verified.places == 0 ? RELAYCTL_OK : RELAYCTL_DAMAGED;
}

enum relayctl_exit spool_verify_run(const struct spool_arguments *arguments)
{
	char error[SPOOL_ERROR_MAX_BYTES];
	struct spool_files *files = spool_command_files(arguments, error);
	if (files == NULL)
		return spool_command_fail(arguments, error);
	enum relayctl_exit code = verify(arguments, files);
	spool_files_close(&files);
	return code;
}
