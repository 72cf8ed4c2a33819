/* SPDX-License-Identifier: Apache-2.0 */
/* The marks on the disk: the sections `peers`, `streams` and `counts` (spool_format.h). */
#include "base/little_endian.h"
#include "spool/marks_internal.h"

/* In `counts`, instead of the index of a peer. */
#define FORGOTTEN UINT32_MAX

size_t marks_changes_bytes_max(void)
{
	return 2 * SECTION_HEADER_BYTES + (size_t)MARKS_PEERS_AT_ONCE * (PEER_ENTRY_BYTES + SPOOL_IDENTITY_MAX_BYTES) +
	       (size_t)MARKS_CHANGES_AT_ONCE * COUNT_ENTRY_BYTES;
}

/* All identities, or those that were not written yet, as many as there is room for in a control block. */
static void write_peers(struct marks *marks, struct section_writer *writer, bool only_new)
{
	unsigned room = MARKS_PEERS_AT_ONCE;
	section_begin(writer, SECTION_PEERS);
	for (unsigned i = 0; i < marks->peers; i++) {
		struct mark_peer *peer = &marks->peer[i];
		if (peer->identity == NULL || (only_new && (peer->written || room == 0)))
			continue;
		size_t len = strlen(peer->identity);
		uint8_t *at = section_add(writer, PEER_ENTRY_BYTES + len);
		le32_store(at, i);
		le16_store(at + 4, (uint16_t)len);
		memcpy(at + PEER_ENTRY_BYTES, peer->identity, len);
		marks->peers_unwritten -= !peer->written;
		peer->written = true;
		room -= room > 0;
	}
	section_end(writer);
}

static void write_streams(const struct marks *marks, struct section_writer *writer)
{
	section_begin(writer, SECTION_STREAMS);
	for (unsigned i = 0; i < marks->count; i++) {
		const struct mark_entry *entry = &marks->entry[i];
		if (entry->written.sequence == 0)
			continue; /* a session without any block yet: it will begin anew */
		uint8_t *at = section_add(writer, MARK_ENTRY_BYTES);
		le32_store(at, entry->peer);
		memcpy(at + 4, entry->stream, SPOOL_STREAM_ID_BYTES);
		le64_store(at + 20, entry->written.sequence);
		le64_store(at + 28, entry->written.checksum);
		le64_store(at + 36, entry->written.count);
	}
	section_end(writer);
}

static void write_count(struct section_writer *writer, const uint8_t *stream, uint32_t peer, const struct mark_entry *entry)
{
	uint8_t *at = section_add(writer, COUNT_ENTRY_BYTES);
	memset(at, 0, COUNT_ENTRY_BYTES);
	memcpy(at, stream, SPOOL_STREAM_ID_BYTES);
	le32_store(at + 16, peer);
	if (entry == NULL)
		return;
	le64_store(at + 20, entry->records);
	le64_store(at + 28, entry->lost);
	le64_store(at + 36, (uint64_t)entry->last_ns);
}

static void write_counts(const struct marks *marks, struct section_writer *writer)
{
	section_begin(writer, SECTION_COUNTS);
	for (unsigned i = 0; i < marks->count; i++)
		if (marks->entry[i].written.sequence > 0)
			write_count(writer, marks->entry[i].stream, marks->entry[i].peer, &marks->entry[i]);
	section_end(writer);
}

/* Those that changed otherwise than by their blocks; what has no room waits for the next control block. */
static void write_changed(struct marks *marks, struct section_writer *writer)
{
	unsigned room = MARKS_CHANGES_AT_ONCE;
	section_begin(writer, SECTION_COUNTS);
	for (; marks->forgotten_count > 0; room--)
		write_count(writer, marks->forgotten[--marks->forgotten_count], FORGOTTEN, NULL);
	for (unsigned i = 0; i < marks->count && room > 0 && marks->changed > 0; i++) {
		struct mark_entry *entry = &marks->entry[i];
		if (!entry->changed)
			continue;
		write_count(writer, entry->stream, entry->peer, entry);
		entry->changed = false;
		marks->changed--;
		room--;
	}
	section_end(writer);
	if (marks->changed == 0)
		marks->changes_written = marks->changes;
}

size_t marks_write_all(struct marks *marks, uint8_t *out, size_t room)
{
	struct section_writer writer = {.at = out, .room = room};
	pthread_mutex_lock(&marks->lock);
	write_peers(marks, &writer, false);
	write_streams(marks, &writer);
	write_counts(marks, &writer);
	pthread_mutex_unlock(&marks->lock);
	return writer.len;
}

bool marks_have_changes(struct marks *marks)
{
	pthread_mutex_lock(&marks->lock);
	bool changes = marks->peers_unwritten > 0 || marks->changed > 0 || marks->forgotten_count > 0;
	pthread_mutex_unlock(&marks->lock);
	return changes;
}

size_t marks_write_changes(struct marks *marks, uint8_t *out, size_t room)
{
	struct section_writer writer = {.at = out, .room = room};
	pthread_mutex_lock(&marks->lock);
	/* A place in the table may be another identity's now: whose streams left it is read first. */
	write_changed(marks, &writer);
	write_peers(marks, &writer, true);
	pthread_mutex_unlock(&marks->lock);
	return writer.len;
}

/* ---- reading ---- */

static bool read_peers(struct marks *marks, struct bytes entries)
{
	while (entries.len >= PEER_ENTRY_BYTES) {
		uint32_t peer = le32_load(entries.at);
		size_t len = le16_load(entries.at + 4);
		entries = bytes_after(entries, PEER_ENTRY_BYTES);
		if (len == 0 || len > SPOOL_IDENTITY_MAX_BYTES || len > entries.len || memchr(entries.at, '\0', len) != NULL ||
		    !marks_name_peer(marks, peer, bytes_first(entries, len)))
			return false;
		marks->peer[peer].written = true;
		marks->peers_unwritten--;
		entries = bytes_after(entries, len);
	}
	return entries.len == 0;
}

static bool read_streams(struct marks *marks, struct bytes entries)
{
	for (; entries.len >= MARK_ENTRY_BYTES; entries = bytes_after(entries, MARK_ENTRY_BYTES)) {
		const uint8_t *stream = entries.at + 4;
		struct mark_entry *entry = marks_find(marks, stream);
		if (entry == NULL)
			entry = marks_add(marks, stream, le32_load(entries.at));
		if (entry == NULL)
			return false;
		entry->written.sequence = le64_load(entries.at + 20);
		entry->written.checksum = le64_load(entries.at + 28);
		entry->written.count = le64_load(entries.at + 36);
		if (entry->written.sequence == 0 || entry->written.sequence > SEQUENCE_MAX)
			return false;
	}
	return entries.len == 0;
}

/* Before the section come the marks, so that whatever is not known here was never known. */
static bool read_counts(struct marks *marks, struct bytes entries, bool checkpoint)
{
	for (; entries.len >= COUNT_ENTRY_BYTES; entries = bytes_after(entries, COUNT_ENTRY_BYTES)) {
		struct mark_entry *entry = marks_find(marks, entries.at);
		uint32_t peer = le32_load(entries.at + 16);
		if (entry == NULL)
			continue;
		if (peer == FORGOTTEN) {
			marks_remove(marks, entry);
			continue;
		}
		if (!marks_know_peer(marks, peer))
			return false;
		marks_move(marks, entry, peer);
		if (checkpoint)
			entry->records = le64_load(entries.at + 20);
		entry->lost = le64_load(entries.at + 28);
		entry->last_ns = (int64_t)le64_load(entries.at + 36);
	}
	return entries.len == 0;
}

bool marks_read_section(struct marks *marks, const struct section *section, bool checkpoint)
{
	bool good = true;
	if (section->type == SECTION_PEERS)
		good = read_peers(marks, section->octets);
	else if (section->type == SECTION_STREAMS)
		good = read_streams(marks, section->octets);
	else if (section->type == SECTION_COUNTS)
		good = read_counts(marks, section->octets, checkpoint);
	if (marks->room < marks->bytes)
		marks->room = marks->bytes; /* from a configuration with larger segments: nothing is forgotten */
	return good;
}
