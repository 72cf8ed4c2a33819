/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a stream otherwise than by its blocks: an operator gives it to another identity or has it forgotten, its
 * relay says what was lost, a connection begins or ceases to speak it. The writer puts what is to last into a control block.
 */
#include "spool/marks_internal.h"
#include "spool/spool_internal.h"

#include <assert.h>
#include <stdio.h>

const char *spool_stream_change_text(enum spool_stream_change change)
{
	switch (change) {
	case SPOOL_STREAM_CHANGED:
		return "done";
	case SPOOL_STREAM_UNKNOWN:
		return "no such stream is known here";
	case SPOOL_STREAM_ACTIVE:
		return "a connection speaks the stream: it is in use";
	case SPOOL_STREAM_NO_PLACE:
		return "the identity has as many streams as one may have, or the spool as many as it can remember";
	case SPOOL_STREAM_BUSY:
		return "too many changes wait to be written: try again";
	}
	return "";
}

/* For the next control block. */
static void note_change(struct marks *marks, struct mark_entry *entry)
{
	marks->changes++;
	if (entry == NULL || entry->changed)
		return;
	entry->changed = true;
	marks->changed++;
}

static enum spool_stream_change adopt(struct marks *marks, const uint8_t *stream, const char *identity)
{
	struct mark_entry *entry = marks_find(marks, stream);
	if (entry == NULL)
		return SPOOL_STREAM_UNKNOWN;
	const char *owner = marks->peer[entry->peer].identity;
	if (owner != NULL && strcmp(owner, identity) == 0)
		return SPOOL_STREAM_CHANGED;
	if (marks_may_have_more(marks, identity, 0) != SPOOL_STREAM_HOLDS)
		return SPOOL_STREAM_NO_PLACE;
	int peer = marks_give_place(marks, identity);
	if (peer < 0)
		return SPOOL_STREAM_NO_PLACE;
	marks_move(marks, entry, (uint32_t)peer);
	entry->session = 0; /* what the owner of before still has on its way is void */
	note_change(marks, entry);
	return SPOOL_STREAM_CHANGED;
}

static enum spool_stream_change forget(struct marks *marks, const uint8_t *stream)
{
	struct mark_entry *entry = marks_find(marks, stream);
	if (entry == NULL)
		return SPOOL_STREAM_UNKNOWN;
	if (entry->connected != 0)
		return SPOOL_STREAM_ACTIVE;
	/* Blocks of it are on their way to the disk, and will want it there; or too many changes wait. */
	if (entry->appended.sequence != entry->stored.sequence || marks->forgotten_count == MARKS_CHANGES_AT_ONCE)
		return SPOOL_STREAM_BUSY;
	memcpy(marks->forgotten[marks->forgotten_count++], stream, SPOOL_STREAM_ID_BYTES);
	marks_remove(marks, entry);
	note_change(marks, NULL);
	return SPOOL_STREAM_CHANGED;
}

enum spool_stream_change spool_stream_adopt(struct spool *spool, const uint8_t *stream, const char *identity)
{
	assert(identity[0] != '\0' && strlen(identity) <= SPOOL_IDENTITY_MAX_BYTES);
	pthread_mutex_lock(&spool->marks.lock);
	enum spool_stream_change change = adopt(&spool->marks, stream, identity);
	pthread_mutex_unlock(&spool->marks.lock);
	writer_nudge(spool);
	return change;
}

enum spool_stream_change spool_stream_forget(struct spool *spool, const uint8_t *stream)
{
	pthread_mutex_lock(&spool->marks.lock);
	enum spool_stream_change change = forget(&spool->marks, stream);
	pthread_mutex_unlock(&spool->marks.lock);
	writer_nudge(spool);
	return change;
}

bool spool_stream_changes_are_stored(struct spool *spool)
{
	pthread_mutex_lock(&spool->marks.lock);
	bool stored = spool->marks.changes_stored == spool->marks.changes;
	pthread_mutex_unlock(&spool->marks.lock);
	return stored;
}

/* ---- connections and what they say ---- */

/* The entry of the stream, if this is its session. With the lock held. */
static struct mark_entry *held_by(struct marks *marks, const struct spool_stream_session *session)
{
	struct mark_entry *entry = marks_find(marks, session->stream);
	return entry != NULL && entry->session == session->number ? entry : NULL;
}

void spool_stream_connected(struct spool *spool, const struct spool_stream_session *session, const char *connection)
{
	pthread_mutex_lock(&spool->marks.lock);
	struct mark_entry *entry = held_by(&spool->marks, session);
	if (entry != NULL) {
		entry->connected = session->number;
		snprintf(entry->connection, sizeof entry->connection, "%s", connection);
	}
	pthread_mutex_unlock(&spool->marks.lock);
}

void spool_stream_disconnected(struct spool *spool, const struct spool_stream_session *session)
{
	pthread_mutex_lock(&spool->marks.lock);
	struct mark_entry *entry = marks_find(&spool->marks, session->stream);
	if (entry != NULL && entry->connected == session->number)
		entry->connected = 0;
	pthread_mutex_unlock(&spool->marks.lock);
}

void spool_stream_counts(struct spool *spool, const uint8_t *stream, uint64_t *records, uint64_t *lost)
{
	*records = *lost = 0;
	pthread_mutex_lock(&spool->marks.lock);
	const struct mark_entry *entry = marks_find(&spool->marks, stream);
	if (entry != NULL) {
		*records = entry->records;
		*lost = entry->lost;
	}
	pthread_mutex_unlock(&spool->marks.lock);
}

uint64_t spool_stream_note_lost(struct spool *spool, const struct spool_stream_session *session, uint64_t lost)
{
	uint64_t more = 0;
	pthread_mutex_lock(&spool->marks.lock);
	struct mark_entry *entry = held_by(&spool->marks, session);
	if (entry != NULL && lost > entry->lost && lost <= SEQUENCE_MAX - entry->records) {
		more = lost - entry->lost;
		entry->lost = lost;
		note_change(&spool->marks, entry);
	}
	pthread_mutex_unlock(&spool->marks.lock);
	if (more > 0)
		spool_note_loss(spool);
	return more;
}

bool spool_stream_untold(struct spool *spool, unsigned *at, struct spool_stream_entry *entry, uint64_t *told)
{
	struct marks *marks = &spool->marks;
	bool found = false;
	pthread_mutex_lock(&marks->lock);
	while (*at < marks->count && !found) {
		const struct mark_entry *next = &marks->entry[(*at)++];
		found = next->lost > next->lost_told;
		if (found) {
			*told = next->lost_told;
			marks_show(marks, next, entry);
		}
	}
	pthread_mutex_unlock(&marks->lock);
	return found;
}

void spool_stream_told(struct spool *spool, const uint8_t *stream, uint64_t lost)
{
	pthread_mutex_lock(&spool->marks.lock);
	struct mark_entry *entry = marks_find(&spool->marks, stream);
	if (entry != NULL)
		entry->lost_told = lost;
	pthread_mutex_unlock(&spool->marks.lock);
}
