/* SPDX-License-Identifier: Apache-2.0 */
/* Between marks.c and marks_sections.c. All with the lock held, or while one thread has the table. */
#ifndef RELAYD_SPOOL_MARKS_INTERNAL_H
#define RELAYD_SPOOL_MARKS_INTERNAL_H

#include "spool/marks.h"

enum {
	MARKS_INDEX_SIZE = 4 * SPOOL_STREAMS_MAX, /* a power of two */
	PEER_ENTRY_BYTES = 4 + 2,                 /* and the identity */
	MARK_ENTRY_BYTES = 4 + SPOOL_STREAM_ID_BYTES + 3 * 8,
	COUNT_ENTRY_BYTES = SPOOL_STREAM_ID_BYTES + 4 + 3 * 8,
	STREAM_BYTES = MARK_ENTRY_BYTES + COUNT_ENTRY_BYTES,
	NO_STREAM_BYTES = 3 * SECTION_HEADER_BYTES,
};

/* The stream's entry; NULL if it is not known. Until the next marks_add(). */
struct mark_entry *marks_find(const struct marks *marks, const uint8_t *stream);

/* A new entry for a stream that has none, of the peer of this index. NULL if there is no room or no memory. */
struct mark_entry *marks_add(struct marks *marks, const uint8_t *stream, uint32_t peer);

/* Makes the table long enough for the index. False if it cannot be one, or memory is short. */
bool marks_know_peer(struct marks *marks, uint32_t peer);

/* Takes a stream out of the table. The entries behind it move. */
void marks_remove(struct marks *marks, struct mark_entry *entry);

/* Gives the stream to the peer of this index, which the table is long enough for. */
void marks_move(struct marks *marks, struct mark_entry *entry, uint32_t peer);

/* The identity's place in the table, given if it has none; -1 if memory is short. */
int marks_give_place(struct marks *marks, const char *identity);

/* Whether the identity may have one more stream; and this one (NULL: one that is not known). */
enum spool_stream_state marks_may_have_more(const struct marks *marks, const char *identity, size_t bytes);

/* Gives the index its identity. */
bool marks_name_peer(struct marks *marks, uint32_t peer, struct bytes identity);

/* The stream as others see it. */
void marks_show(const struct marks *marks, const struct mark_entry *entry, struct spool_stream_entry *shown);

/* As spool_stream_look(). Takes the lock. */
enum spool_stream_state marks_look(struct marks *marks, const struct spool_stream_session *session,
                                   struct spool_mark *mark, char *owner);

#endif
