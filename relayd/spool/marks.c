/* SPDX-License-Identifier: Apache-2.0 */
/* The table of marks: what is in it, and the writer's judgement of each block. Its sections are in marks_sections.c. */
#include "spool/marks.h"

#include "base/little_endian.h"
#include "spool/marks_internal.h"

#include <assert.h>
#include <stdlib.h>

/* ---- the table ---- */

size_t marks_room(uint32_t segment_size)
{
	size_t share = segment_size / MARKS_SEGMENT_SHARE;
	return share < MARKS_ROOM_MAX_BYTES ? share : MARKS_ROOM_MAX_BYTES;
}

bool marks_init(struct marks *marks, uint32_t segment_size)
{
	*marks = (struct marks){.room = marks_room(segment_size), .bytes = NO_STREAM_BYTES};
	pthread_mutex_init(&marks->lock, NULL);
	marks->index = calloc(MARKS_INDEX_SIZE, sizeof *marks->index);
	return marks->index != NULL;
}

static void forget_peers(struct marks *marks)
{
	for (unsigned i = 0; i < marks->peers; i++)
		free(marks->peer[i].identity);
	marks->peers = marks->peers_unwritten = 0;
}

void marks_free(struct marks *marks)
{
	if (marks->index == NULL)
		return;
	forget_peers(marks);
	free(marks->peer);
	free(marks->entry);
	free(marks->index);
	marks->index = NULL;
	pthread_mutex_destroy(&marks->lock);
}

void marks_clear(struct marks *marks)
{
	forget_peers(marks);
	memset(marks->index, 0, MARKS_INDEX_SIZE * sizeof *marks->index);
	marks->count = marks->changed = marks->forgotten_count = 0;
	marks->bytes = NO_STREAM_BYTES;
}

/* Stream ids are random: any of their octets will do. */
static unsigned place_of(const uint8_t *stream)
{
	return (unsigned)(le64_load(stream) & (MARKS_INDEX_SIZE - 1));
}

struct mark_entry *marks_find(const struct marks *marks, const uint8_t *stream)
{
	/* At most half of the index is used, so that there is always an empty place. */
	for (unsigned at = place_of(stream); marks->index[at] != 0; at = (at + 1) & (MARKS_INDEX_SIZE - 1)) {
		struct mark_entry *entry = &marks->entry[marks->index[at] - 1];
		if (memcmp(entry->stream, stream, sizeof entry->stream) == 0)
			return entry;
	}
	return NULL;
}

static bool make_room(void **array, unsigned *room, unsigned count, size_t size)
{
	if (count < *room)
		return true;
	unsigned wanted = *room > 0 ? 2 * *room : 16;
	void *grown = realloc(*array, wanted * size);
	if (grown == NULL)
		return false;
	*array = grown;
	*room = wanted;
	return true;
}

bool marks_know_peer(struct marks *marks, uint32_t peer)
{
	while (marks->peers <= peer) {
		void *array = marks->peer;
		if (peer >= SPOOL_STREAMS_MAX || !make_room(&array, &marks->peers_room, marks->peers, sizeof *marks->peer))
			return false;
		marks->peer = array;
		marks->peer[marks->peers++] = (struct mark_peer){0};
	}
	return true;
}

static void forget_identity(struct marks *marks, uint32_t peer)
{
	struct mark_peer *forgotten = &marks->peer[peer];
	if (forgotten->identity == NULL)
		return;
	marks->bytes -= PEER_ENTRY_BYTES + strlen(forgotten->identity);
	marks->peers_unwritten -= !forgotten->written;
	free(forgotten->identity);
	forgotten->identity = NULL;
	forgotten->written = false;
}

/* A peer has one stream less; one that has none makes its place free. */
static void leave_peer(struct marks *marks, uint32_t peer)
{
	if (--marks->peer[peer].streams == 0)
		forget_identity(marks, peer);
}

bool marks_name_peer(struct marks *marks, uint32_t peer, struct bytes identity)
{
	if (!marks_know_peer(marks, peer))
		return false;
	char *name = malloc(identity.len + 1);
	if (name == NULL)
		return false;
	memcpy(name, identity.at, identity.len);
	name[identity.len] = '\0';
	forget_identity(marks, peer);
	marks->peer[peer].identity = name;
	marks->bytes += PEER_ENTRY_BYTES + identity.len;
	marks->peers_unwritten++;
	return true;
}

static void index_entry(struct marks *marks, unsigned entry)
{
	unsigned at = place_of(marks->entry[entry].stream);
	while (marks->index[at] != 0)
		at = (at + 1) & (MARKS_INDEX_SIZE - 1);
	marks->index[at] = (uint16_t)(entry + 1);
}

struct mark_entry *marks_add(struct marks *marks, const uint8_t *stream, uint32_t peer)
{
	void *array = marks->entry;
	if (marks->count == SPOOL_STREAMS_MAX || !marks_know_peer(marks, peer) ||
	    !make_room(&array, &marks->entries_room, marks->count, sizeof *marks->entry))
		return NULL;
	marks->entry = array;
	struct mark_entry *entry = &marks->entry[marks->count++];
	*entry = (struct mark_entry){.peer = peer};
	memcpy(entry->stream, stream, sizeof entry->stream);
	index_entry(marks, marks->count - 1);
	marks->peer[peer].streams++;
	marks->bytes += STREAM_BYTES;
	/* It is known again: that it was forgotten must not be written behind its new blocks. */
	for (unsigned i = 0; i < marks->forgotten_count; i++)
		if (memcmp(marks->forgotten[i], stream, SPOOL_STREAM_ID_BYTES) == 0)
			memcpy(marks->forgotten[i], marks->forgotten[--marks->forgotten_count], SPOOL_STREAM_ID_BYTES);
	return entry;
}

void marks_remove(struct marks *marks, struct mark_entry *entry)
{
	unsigned at = (unsigned)(entry - marks->entry);
	leave_peer(marks, entry->peer);
	marks->changed -= entry->changed;
	marks->bytes -= STREAM_BYTES;
	memmove(entry, entry + 1, (--marks->count - at) * sizeof *entry);
	/* Rare, and never more than a few thousand. */
	memset(marks->index, 0, MARKS_INDEX_SIZE * sizeof *marks->index);
	for (unsigned i = 0; i < marks->count; i++)
		index_entry(marks, i);
}

void marks_move(struct marks *marks, struct mark_entry *entry, uint32_t peer)
{
	marks->peer[peer].streams++;
	leave_peer(marks, entry->peer);
	entry->peer = peer;
}

static int find_peer(const struct marks *marks, const char *identity)
{
	for (unsigned i = 0; i < marks->peers; i++)
		if (marks->peer[i].identity != NULL && strcmp(marks->peer[i].identity, identity) == 0)
			return (int)i;
	return -1;
}

/* ---- who may have a stream ---- */

enum spool_stream_state marks_may_have_more(const struct marks *marks, const char *identity, size_t bytes)
{
	int peer = find_peer(marks, identity);
	if (peer >= 0 && marks->peer[peer].streams >= SPOOL_STREAMS_PER_PEER_MAX)
		return SPOOL_STREAM_PEER_LIMIT;
	size_t needed = bytes + (peer < 0 ? PEER_ENTRY_BYTES + strlen(identity) : 0);
	if (needed > marks->room || marks->bytes > marks->room - needed)
		return SPOOL_STREAM_SPOOL_LIMIT;
	return SPOOL_STREAM_HOLDS;
}

/* Whether the identity may have this stream: as its own, as one more, or as one whose owner is not known any more. */
static enum spool_stream_state may_have(const struct marks *marks, const struct mark_entry *entry, const char *identity)
{
	if (entry != NULL) {
		const char *owner = marks->peer[entry->peer].identity;
		return owner == NULL || strcmp(owner, identity) == 0 ? SPOOL_STREAM_HOLDS : SPOOL_STREAM_OTHER_PEER;
	}
	return marks->count < SPOOL_STREAMS_MAX ? marks_may_have_more(marks, identity, STREAM_BYTES) : SPOOL_STREAM_SPOOL_LIMIT;
}

int marks_give_place(struct marks *marks, const char *identity)
{
	int peer = find_peer(marks, identity);
	if (peer >= 0)
		return peer;
	for (peer = 0; peer < (int)marks->peers; peer++)
		if (marks->peer[peer].identity == NULL && marks->peer[peer].streams == 0)
			break;
	return marks_name_peer(marks, (uint32_t)peer, bytes_of_text(identity)) ? peer : -1;
}

/* ---- judging ---- */

static void fence(struct marks *marks, const struct spool_stream_session *session)
{
	struct mark_entry *entry = marks_find(marks, session->stream);
	if (may_have(marks, entry, session->identity) != SPOOL_STREAM_HOLDS)
		return;
	int peer = marks_give_place(marks, session->identity);
	if (peer < 0)
		return;
	if (entry == NULL)
		entry = marks_add(marks, session->stream, (uint32_t)peer);
	if (entry == NULL)
		return;
	if (entry->peer != (uint32_t)peer) /* its owner was forgotten with a damaged block */
		marks_move(marks, entry, (uint32_t)peer);
	entry->session = session->number;
	entry->ended_session = 0;
	entry->counted = false;
}

static bool end_session(struct mark_entry *entry, enum spool_stream_state why)
{
	entry->ended_session = entry->session;
	entry->ended = why;
	entry->session = 0;
	return false;
}

/* Rule 30: a block is new as a whole, or known as a whole, or the end of its session. */
static bool judge(struct mark_entry *entry, const struct block_header *header)
{
	if (entry->counted && header->stream_count != entry->session_count + header->count)
		return end_session(entry, SPOOL_STREAM_MISCOUNT);
	entry->counted = true;
	entry->session_count = header->stream_count;
	if (header->stream_last <= entry->appended.sequence) {
		entry->duplicates += header->count;
		return false;
	}
	if (header->stream_first <= entry->appended.sequence)
		return end_session(entry, SPOOL_STREAM_OVERLAP);
	entry->appended = (struct spool_mark){header->stream_last, header->payload_checksum, header->stream_count};
	return true;
}

bool marks_judge(struct marks *marks, struct spool_block *block)
{
	if (block->session == 0)
		return true; /* an input's */
	if (block->is_fence) {
		struct spool_stream_session session;
		memcpy(&session, block->memory + BLOCK_HEADER_BYTES, sizeof session);
		pthread_mutex_lock(&marks->lock);
		fence(marks, &session);
		pthread_mutex_unlock(&marks->lock);
		return false;
	}
	pthread_mutex_lock(&marks->lock);
	struct mark_entry *entry = marks_find(marks, block->header.stream_id);
	bool append = entry != NULL && entry->session == block->session && judge(entry, &block->header);
	if (append)
		block->header.peer = entry->peer; /* until the next checkpoint recovery knows the owner from here only */
	pthread_mutex_unlock(&marks->lock);
	return append;
}

/* ---- written and stored ---- */

void marks_note_written(struct marks *marks, const struct block_header *header)
{
	if (header->kind != BLOCK_RECORDS || header->origin != BLOCK_ORIGIN_STREAM)
		return;
	pthread_mutex_lock(&marks->lock);
	struct mark_entry *entry = marks_find(marks, header->stream_id);
	if (entry == NULL && !marks->settled) /* a disk that has more streams than there can be has lost them to us */
		entry = marks_add(marks, header->stream_id, header->peer);
	if (entry != NULL)
		entry->records += header->count;
	if (entry != NULL && header->hop_received_ns > entry->last_ns)
		entry->last_ns = header->hop_received_ns;
	if (entry != NULL && header->stream_last > entry->written.sequence)
		entry->written = (struct spool_mark){header->stream_last, header->payload_checksum, header->stream_count};
	pthread_mutex_unlock(&marks->lock);
}

void marks_publish(struct marks *marks, struct spool_block *const *block, unsigned count)
{
	pthread_mutex_lock(&marks->lock);
	for (unsigned i = 0; i < count; i++) {
		struct mark_entry *entry = block[i]->session != 0 ? marks_find(marks, block[i]->header.stream_id) : NULL;
		if (entry == NULL)
			continue;
		entry->stored = entry->written;
		assert(entry->appended.sequence == entry->stored.sequence);
	}
	marks->changes_stored = marks->changes_written;
	pthread_mutex_unlock(&marks->lock);
}

void marks_settle(struct marks *marks)
{
	marks->settled = true;
	for (unsigned i = 0; i < marks->count; i++) {
		marks->entry[i].appended = marks->entry[i].stored = marks->entry[i].written;
		marks->entry[i].lost_told = marks->entry[i].lost;
	}
}

/* ---- looking ---- */

enum spool_stream_state marks_look(struct marks *marks, const struct spool_stream_session *session,
                                   struct spool_mark *mark, char *owner)
{
	*mark = (struct spool_mark){0};
	pthread_mutex_lock(&marks->lock);
	const struct mark_entry *entry = marks_find(marks, session->stream);
	enum spool_stream_state state = may_have(marks, entry, session->identity);
	const char *identity = entry != NULL ? marks->peer[entry->peer].identity : NULL;
	if (owner != NULL) {
		owner[0] = '\0';
		if (identity != NULL)
			memcpy(owner, identity, strlen(identity) + 1);
	}
	if (state == SPOOL_STREAM_HOLDS && (entry == NULL || entry->session != session->number))
		state = entry != NULL && entry->ended_session == session->number ? entry->ended : SPOOL_STREAM_FENCED;
	if (entry != NULL)
		*mark = entry->stored;
	pthread_mutex_unlock(&marks->lock);
	return state;
}
