/* SPDX-License-Identifier: Apache-2.0 */
/* The marks on the disk: the sections `peers` and `streams` (spool_format.h). */
#include "base/little_endian.h"
#include "spool/marks_internal.h"

size_t marks_changes_bytes_max(void)
{
	return SECTION_HEADER_BYTES + (size_t)MARKS_PEERS_AT_ONCE * (PEER_ENTRY_BYTES + SPOOL_IDENTITY_MAX_BYTES);
}

static void write_peers(struct marks *marks, struct section_writer *writer, unsigned from, unsigned to)
{
	section_begin(writer, SECTION_PEERS);
	for (unsigned i = from; i < to; i++) {
		const char *identity = marks->peer[i].identity;
		if (identity == NULL)
			continue;
		size_t len = strlen(identity);
		uint8_t *at = section_add(writer, PEER_ENTRY_BYTES + len);
		le32_store(at, i);
		le16_store(at + 4, (uint16_t)len);
		memcpy(at + PEER_ENTRY_BYTES, identity, len);
	}
	section_end(writer);
	if (marks->peers_written < to)
		marks->peers_written = to;
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

size_t marks_write_all(struct marks *marks, uint8_t *out, size_t room)
{
	struct section_writer writer = {.at = out, .room = room};
	pthread_mutex_lock(&marks->lock);
	write_peers(marks, &writer, 0, marks->peers);
	write_streams(marks, &writer);
	pthread_mutex_unlock(&marks->lock);
	return writer.len;
}

bool marks_have_changes(struct marks *marks)
{
	pthread_mutex_lock(&marks->lock);
	bool changes = marks->peers_written < marks->peers;
	pthread_mutex_unlock(&marks->lock);
	return changes;
}

size_t marks_write_changes(struct marks *marks, uint8_t *out, size_t room)
{
	struct section_writer writer = {.at = out, .room = room};
	pthread_mutex_lock(&marks->lock);
	unsigned last = marks->peers_written + MARKS_PEERS_AT_ONCE;
	write_peers(marks, &writer, marks->peers_written, last < marks->peers ? last : marks->peers);
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
		entries = bytes_after(entries, len);
	}
	marks->peers_written = marks->peers;
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

bool marks_read_section(struct marks *marks, const struct section *section)
{
	bool good = true;
	if (section->type == SECTION_PEERS)
		good = read_peers(marks, section->octets);
	else if (section->type == SECTION_STREAMS)
		good = read_streams(marks, section->octets);
	if (marks->room < marks->bytes)
		marks->room = marks->bytes; /* from a configuration with larger segments: nothing is forgotten */
	return good;
}
