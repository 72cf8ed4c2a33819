/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader walks the blocks up to `stored`, one segment file after the other, with large reads: from the window of what was
 * written last (recent.h), or from the file. It checks every block again: header, sequence, payload. (It reads instead of
 * mapping, because a mapped file that is damaged or cut is a signal, not an error.)
 *
 * Everything up to `stored` is proven, so what is missing is damage: the reader looks for the next valid block and
 * reports exactly the sequences between its neighbours.
 */
#include "spool/block.h"
#include "spool/segment_walk.h"
#include "spool/spool_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

struct spool_reader {
	struct spool *spool;
	struct spool_reader *next_reader;

	uint64_t wanted;    /* sequence of the next record to lend */

	/* The place in the file. */
	int file;           /* -1: not placed; then it goes where `wanted` is */
	uint64_t expected;  /* first sequence of the next block of records here */
	uint64_t place;     /* where the step under way began: what is invalid lies from here to the walk's offset */
	struct segment_walk walk;

	bool leave_packed;
	struct ZSTD_DCtx_s *unpacker;
	uint8_t *unpacked;
	size_t unpacked_size;
	char error[SPOOL_ERROR_MAX_BYTES];

	/* Waiting; under readers_lock. */
	void (*drops_changed)(void *context); /* NULL: nobody watches rules */
	void *drops_context;
	void (*wake)(void *context);
	void *wake_context;
	bool armed;
};

/* What the table says of the reader's segment. */
struct surroundings {
	bool there;          /* false: it was released while the reader was in it */
	uint64_t stored;     /* taken before the rest */
	uint64_t end;        /* of what may be read */
	uint64_t next_first; /* first sequence of the next segment; UINT64_MAX if there is none */
	uint64_t next_counter;
};

/* ---- opening and moving ---- */

struct spool_reader *spool_reader_open(struct spool *spool, uint64_t sequence)
{
	struct spool_reader *reader = calloc(1, sizeof *reader);
	if (reader == NULL)
		return NULL;
	reader->unpacker = ZSTD_createDCtx();
	if (reader->unpacker == NULL) {
		free(reader);
		return NULL;
	}
	reader->spool = spool;
	reader->wanted = sequence;
	reader->file = -1;
	reader->walk.disk = spool->disk;
	reader->walk.recent = &spool->recent;
	follower_join(&spool->recent.followers, &reader->walk.following);
	pthread_mutex_lock(&spool->readers_lock);
	reader->next_reader = spool->readers;
	spool->readers = reader;
	pthread_mutex_unlock(&spool->readers_lock);
	return reader;
}

static void leave_segment(struct spool_reader *reader)
{
	if (reader->file >= 0)
		reader->spool->disk->close(reader->spool->disk, reader->file);
	reader->file = -1;
}

void spool_reader_close(struct spool_reader **closing)
{
	struct spool_reader *reader = *closing;
	if (reader == NULL)
		return;
	struct spool *spool = reader->spool;
	pthread_mutex_lock(&spool->readers_lock);
	struct spool_reader **link = &spool->readers;
	while (*link != reader)
		link = &(*link)->next_reader;
	*link = reader->next_reader;
	pthread_mutex_unlock(&spool->readers_lock);
	follower_leave(&spool->recent.followers, &reader->walk.following);
	leave_segment(reader);
	walk_free(&reader->walk);
	ZSTD_freeDCtx(reader->unpacker);
	free(reader->unpacked);
	free(reader);
	*closing = NULL;
}

static struct surroundings look_around(const struct spool_reader *reader)
{
	struct spool *spool = reader->spool;
	struct surroundings around = {.stored = spool_stored(spool), .next_first = UINT64_MAX};
	pthread_mutex_lock(&spool->table_lock);
	const struct segment_table *table = &spool->table;
	for (unsigned i = table->count; i-- > 0;) {
		if (table->entry[i].counter != reader->walk.counter)
			continue;
		around.there = true;
		around.end = table->entry[i].end;
		if (i + 1 < table->count) {
			around.next_first = table->entry[i + 1].first;
			around.next_counter = table->entry[i + 1].counter;
		}
		break;
	}
	pthread_mutex_unlock(&spool->table_lock);
	return around;
}

void spool_reader_seek(struct spool_reader *reader, uint64_t sequence)
{
	if (reader->file >= 0 && (sequence < reader->expected || sequence >= look_around(reader).next_first)) {
		leave_segment(reader);
		follower_note(&reader->spool->recent.followers, &reader->walk.following, FOLLOWER_NOWHERE);
	}
	reader->wanted = sequence;
}

void spool_reader_leave_packed(struct spool_reader *reader, bool packed)
{
	reader->leave_packed = packed;
}

/* ---- segments ---- */

/* The newest segment that begins at or before the sequence; the oldest one if all begin behind it. */
static struct segment_entry find_segment(struct spool *spool, uint64_t sequence)
{
	pthread_mutex_lock(&spool->table_lock);
	const struct segment_table *table = &spool->table;
	unsigned from = 0, to = table->count; /* the last that begins at or before it is in [from, to) */
	assert(table->count > 0);
	while (to - from > 1) {
		unsigned middle = from + (to - from) / 2;
		if (table->entry[middle].first <= sequence)
			from = middle;
		else
			to = middle;
	}
	struct segment_entry entry = table->entry[from];
	pthread_mutex_unlock(&spool->table_lock);
	return entry;
}

static bool find_counter(struct spool *spool, uint64_t counter, struct segment_entry *entry)
{
	bool found = false;
	pthread_mutex_lock(&spool->table_lock);
	for (unsigned i = 0; i < spool->table.count && !found; i++) {
		found = spool->table.entry[i].counter == counter;
		if (found)
			*entry = spool->table.entry[i];
	}
	pthread_mutex_unlock(&spool->table_lock);
	return found;
}

static enum spool_read_result fail(struct spool_reader *reader, uint64_t counter, const char *what)
{
	unsigned long long offset = reader->file >= 0 ? reader->walk.offset : 0;
	snprintf(reader->error, sizeof reader->error, "%s: segment %llu, offset %llu: %s", reader->spool->path,
	         (unsigned long long)counter, offset, what);
	leave_segment(reader);
	return SPOOL_READ_FAILED;
}

/*
 * Opens the segment and places the reader at its first block. A header that is damaged gives a salt of nothing and so
 * no valid block; `previous_last` is then the most it can be. 0 or a negative errno.
 */
static int enter_segment(struct spool_reader *reader, const struct segment_entry *entry, uint64_t *previous_last)
{
	struct spool *spool = reader->spool;
	struct segment_header header;
	leave_segment(reader);
	int error, file = segment_open(spool, entry->counter, entry->first);
	if (file < 0)
		return file;
	bool valid = segment_header_load(spool->disk, file, entry->counter, entry->first, &header, &error) ==
	                     SEGMENT_HEADER_VALID &&
	             memcmp(header.spool_id, spool->id, sizeof spool->id) == 0;
	if (error < 0) {
		spool->disk->close(spool->disk, file);
		return error;
	}
	*previous_last = valid ? header.previous_last : entry->first - 1;
	reader->file = file;
	reader->walk.counter = entry->counter;
	reader->expected = entry->first;
	walk_start(&reader->walk, file, valid ? header.salt : 0, SEGMENT_HEADER_BYTES, entry->end);
	if (!valid)
		reader->walk.offset = entry->end;
	return 0;
}

/* ---- damage ---- */

/* Reports first..last as lost, as far as they are wanted; false if none of them is. */
static bool report_lost(struct spool_reader *reader, uint64_t first, uint64_t last, struct spool_view *view)
{
	reader->expected = last + 1;
	if (last < first || last < reader->wanted)
		return false;
	*view = (struct spool_view){.first = first < reader->wanted ? reader->wanted : first, .last = last};
	reader->wanted = last + 1;
	return true;
}

/* The octets from `place` to where the walk is now are damaged. */
static void note_damage(struct spool_reader *reader, uint64_t first, uint64_t last)
{
	struct damage_note note = {
		.counter = reader->walk.counter,
		.offset = reader->place,
		.len = reader->walk.offset - reader->place,
		.first = first,
		.last = last,
	};
	if (note.len == 0)
		note.len = 1; /* a note without octets would look like one that is done */
	segments_note_damage(reader->spool, &note);
	keeper_wake(reader->spool, false);
}

/* ---- reading: each step either ends with a result or sets *again ---- */

static enum spool_read_result place_reader(struct spool_reader *reader, bool *again)
{
	uint64_t previous_last;
	struct segment_entry entry = find_segment(reader->spool, reader->wanted);
	int result = enter_segment(reader, &entry, &previous_last);
	if (result == -ENOENT && !find_counter(reader->spool, entry.counter, &entry)) {
		*again = true; /* it was released between looking it up and opening it */
		return SPOOL_READ_CAUGHT_UP;
	}
	if (result < 0)
		return fail(reader, entry.counter, strerror(-result));
	if (reader->wanted < entry.first)
		reader->wanted = entry.first;
	*again = true;
	return SPOOL_READ_CAUGHT_UP;
}

/* The segment is read to its end: what is missing before the next one begins is lost, unless it was never used. */
static enum spool_read_result next_segment(struct spool_reader *reader, const struct surroundings *around,
                                           struct spool_view *view, bool *again)
{
	struct segment_entry entry;
	uint64_t previous_last;
	uint64_t first_missing = reader->expected;
	struct damage_note note = {.counter = reader->walk.counter, .offset = reader->place, .len = 1, .first = first_missing};
	if (reader->walk.offset > reader->place)
		note.len = reader->walk.offset - reader->place;
	if (!find_counter(reader->spool, around->next_counter, &entry)) {
		leave_segment(reader);
		*again = true;
		return SPOOL_READ_CAUGHT_UP;
	}
	int result = enter_segment(reader, &entry, &previous_last);
	if (result < 0)
		return fail(reader, entry.counter, strerror(-result));
	if (previous_last >= first_missing) {
		note.last = previous_last;
		segments_note_damage(reader->spool, &note);
		keeper_wake(reader->spool, false);
		if (report_lost(reader, first_missing, previous_last, view)) {
			reader->expected = entry.first;
			return SPOOL_READ_DAMAGE;
		}
	}
	reader->expected = entry.first;
	if (reader->wanted < entry.first)
		reader->wanted = entry.first;
	*again = true;
	return SPOOL_READ_CAUGHT_UP;
}

/* Nothing valid up to the end of what may be read. */
static enum spool_read_result at_end(struct spool_reader *reader, const struct surroundings *around,
                                     struct spool_view *view, bool *again)
{
	if (around->next_first != UINT64_MAX)
		return next_segment(reader, around, view, again);
	/*
	 * The newest segment ends before what is stored: the rest of it is lost; and if a wrong header led us beyond, all that
	 * is wanted is.
	 */
	uint64_t first = reader->expected <= around->stored ? reader->expected : reader->wanted;
	note_damage(reader, first, around->stored);
	if (report_lost(reader, first, around->stored, view))
		return SPOOL_READ_DAMAGE;
	*again = true;
	return SPOOL_READ_CAUGHT_UP;
}

/* Goes to the next valid header behind an invalid place. The sequences between are found missing when its turn comes. */
static enum walk_result search(struct spool_reader *reader)
{
	struct block_header header;
	reader->walk.read_bytes = WALK_READ_BYTES;
	enum walk_result result = walk_search(&reader->walk, &header);
	if (result == WALK_BLOCK && header.first == reader->expected)
		note_damage(reader, 1, 0);
	return result;
}

static bool make_room(struct spool_reader *reader, size_t size)
{
	if (size <= reader->unpacked_size)
		return true;
	uint8_t *grown = realloc(reader->unpacked, size);
	if (grown == NULL)
		return false;
	reader->unpacked = grown;
	reader->unpacked_size = size;
	return true;
}

static enum spool_read_result lose_block(struct spool_reader *reader, const struct block_header *header,
                                         struct spool_view *view, bool *again)
{
	if (!look_around(reader).there) {
		leave_segment(reader); /* not damaged: reused under our hands */
		*again = true;
		return SPOOL_READ_CAUGHT_UP;
	}
	walk_pass(&reader->walk, header);
	note_damage(reader, header->first, header->last);
	*again = !report_lost(reader, header->first, header->last, view);
	return *again ? SPOOL_READ_CAUGHT_UP : SPOOL_READ_DAMAGE;
}

/* A block of records with the sequence that was expected, and something in it that is wanted. */
static enum spool_read_result lend_block(struct spool_reader *reader, const struct block_header *header,
                                         struct spool_view *view, bool *again)
{
	struct bytes payload, records = {0};
	reader->walk.read_bytes = WALK_READ_BYTES;
	enum walk_result result = walk_payload(&reader->walk, header, &payload);
	if (result == WALK_FAILED)
		return fail(reader, reader->walk.counter, strerror(-reader->walk.error));
	bool unpack = !reader->leave_packed;
	if (result == WALK_BLOCK && unpack && header->codec != BLOCK_CODEC_NONE && !make_room(reader, header->unpacked_len))
		return fail(reader, reader->walk.counter, strerror(ENOMEM));
	if (result != WALK_BLOCK ||
	    (unpack && !block_unpack(header, payload, reader->unpacker, reader->unpacked, &records)))
		return lose_block(reader, header, view, again);
	*view = (struct spool_view){
		.first = header->first,
		.last = header->last,
		.count = header->count,
		.base_ns = header->base_ns,
		.input = header->input,
		.records = records,
		.packed = payload,
		.unpacked_len = header->unpacked_len,
		.codec = header->codec,
		.payload_checksum = header->payload_checksum,
		.place = {.segment = reader->walk.counter, .offset = (uint32_t)reader->walk.offset},
	};
	walk_pass(&reader->walk, header);
	reader->wanted = reader->expected = header->last + 1;
	return SPOOL_READ_BLOCK;
}

/*
 * Behind the segment's end: what an interrupted write left there, or a next segment that says to begin in the midst of
 * it. A control block at the end has the next one's first.
 */
static bool is_leftover(const struct block_header *header, uint64_t next_first)
{
	return header->first > next_first || (header->kind == BLOCK_RECORDS && header->last >= next_first);
}

static enum spool_read_result at_block(struct spool_reader *reader, const struct surroundings *around,
                                       const struct block_header *header, struct spool_view *view, bool *again)
{
	if (around->next_first != UINT64_MAX && is_leftover(header, around->next_first))
		return next_segment(reader, around, view, again);
	if (header->first > reader->expected) {
		uint64_t first = reader->expected;
		note_damage(reader, first, header->first - 1);
		*again = !report_lost(reader, first, header->first - 1, view);
		return *again ? SPOOL_READ_CAUGHT_UP : SPOOL_READ_DAMAGE;
	}
	if (header->kind == BLOCK_RECORDS && header->first == reader->expected && header->last >= reader->wanted)
		return lend_block(reader, header, view, again);
	/* A control block, or records before those that are wanted. */
	if (header->first == reader->expected)
		reader->expected = header->last + 1;
	walk_pass(&reader->walk, header);
	*again = true;
	return SPOOL_READ_CAUGHT_UP;
}

static enum spool_read_result read_on(struct spool_reader *reader, const struct surroundings *around,
                                      struct spool_view *view, bool *again)
{
	struct block_header header;
	reader->place = reader->walk.offset;
	reader->walk.limit = around->end;
	reader->walk.read_bytes = reader->expected < reader->wanted ? WALK_PEEK_BYTES : WALK_READ_BYTES;
	enum walk_result result = walk_look(&reader->walk, &header);
	if (result == WALK_INVALID)
		result = look_around(reader).there ? search(reader) : WALK_INVALID;
	switch (result) {
	case WALK_BLOCK:
		/* Looked at again after a search: cheap, and one place that decides. */
		if (walk_look(&reader->walk, &header) == WALK_BLOCK)
			return at_block(reader, around, &header, view, again);
		break;
	case WALK_END:
		return at_end(reader, around, view, again);
	case WALK_NEWER:
		return fail(reader, reader->walk.counter, "has blocks of a newer version of this program");
	case WALK_FAILED:
		return fail(reader, reader->walk.counter, strerror(-reader->walk.error));
	case WALK_INVALID:
		break;
	}
	leave_segment(reader); /* it was released, and its file is being reused */
	*again = true;
	return SPOOL_READ_CAUGHT_UP;
}

enum spool_read_result spool_read(struct spool_reader *reader, struct spool_view *view)
{
	enum spool_read_result result = SPOOL_READ_CAUGHT_UP;
	bool again = true;
	reader->error[0] = '\0';
	while (again) {
		again = false;
		if (reader->wanted > spool_stored(reader->spool))
			return SPOOL_READ_CAUGHT_UP;
		struct surroundings around = look_around(reader);
		if (reader->file >= 0 && !around.there)
			leave_segment(reader);
		if (reader->file < 0)
			result = place_reader(reader, &again);
		else if (reader->expected >= around.next_first)
			result = next_segment(reader, &around, view, &again);
		else
			result = read_on(reader, &around, view, &again);
	}
	return result;
}

const char *spool_reader_error(const struct spool_reader *reader)
{
	return reader->error;
}

/* ---- waiting ---- */

bool spool_reader_wait(struct spool_reader *reader, void (*wake)(void *context), void *context)
{
	struct spool *spool = reader->spool;
	pthread_mutex_lock(&spool->readers_lock);
	reader->wake = wake;
	reader->wake_context = context;
	reader->armed = true;
	pthread_mutex_unlock(&spool->readers_lock);
	if (spool_stored(spool) < reader->wanted)
		return true;
	/* Something came in between. If the writer was faster, the wake-up is on its way already: then it counts. */
	pthread_mutex_lock(&spool->readers_lock);
	bool fired = !reader->armed;
	reader->armed = false;
	pthread_mutex_unlock(&spool->readers_lock);
	return fired;
}

void readers_wake(struct spool *spool)
{
	pthread_mutex_lock(&spool->readers_lock);
	for (struct spool_reader *reader = spool->readers; reader != NULL; reader = reader->next_reader) {
		bool armed = reader->armed;
		reader->armed = false;
		if (armed)
			reader->wake(reader->wake_context);
	}
	pthread_mutex_unlock(&spool->readers_lock);
}

void spool_reader_watch_drops(struct spool_reader *reader, void (*changed)(void *context), void *context)
{
	pthread_mutex_lock(&reader->spool->readers_lock);
	reader->drops_changed = changed;
	reader->drops_context = context;
	pthread_mutex_unlock(&reader->spool->readers_lock);
}

void readers_wake_for_drops(struct spool *spool)
{
	pthread_mutex_lock(&spool->readers_lock);
	for (struct spool_reader *reader = spool->readers; reader != NULL; reader = reader->next_reader)
		if (reader->drops_changed != NULL)
			reader->drops_changed(reader->drops_context);
	pthread_mutex_unlock(&spool->readers_lock);
}
