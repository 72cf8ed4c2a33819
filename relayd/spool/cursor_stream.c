/* SPDX-License-Identifier: Apache-2.0 */
/* The stream that was born with a cursor: its id, and what each server has acknowledged of it. */
#include "spool/spool_internal.h"
#include "spool/spool_stream.h"

#include <assert.h>

bool spool_cursor_stream(struct spool_cursor *cursor, uint8_t *stream, uint64_t *checksum)
{
	pthread_mutex_lock(&cursor->lock);
	memcpy(stream, cursor->stream_id, sizeof cursor->stream_id);
	*checksum = cursor->payload_checksum;
	uint64_t forks = cursor->forks;
	pthread_mutex_unlock(&cursor->lock);
	return atomic_load_explicit(&cursor->forks_synced, memory_order_acquire) == forks;
}

/* Servers have their part in these numbers: a sum of many stays where it is when it could be no number of messages. */
static uint64_t plus(uint64_t lost, uint64_t more)
{
	return lost < SEQUENCE_MAX && more < SEQUENCE_MAX - lost ? lost + more : SEQUENCE_MAX;
}

/* With the lock held. */
static uint64_t lost_by_peer(const struct spool_cursor *cursor)
{
	uint64_t lost = cursor->lost_before;
	for (unsigned i = 0; i < cursor->servers; i++)
		lost = plus(lost, cursor->server[i].lost);
	return lost;
}

void spool_cursor_fork(struct spool_cursor *cursor)
{
	pthread_mutex_lock(&cursor->lock);
	spool_random(cursor->stream_id, sizeof cursor->stream_id);
	cursor->lost_before = lost_by_peer(cursor);
	cursor->servers = 0;
	cursor->forks++;
	cursor->dirty = true;
	pthread_mutex_unlock(&cursor->lock);
	keeper_wake(cursor->spool, true);
}

static struct spool_stream_server *find_server(struct spool_cursor *cursor, const uint8_t *id)
{
	for (unsigned i = 0; i < cursor->servers; i++)
		if (memcmp(cursor->server[i].spool, id, SPOOL_ID_BYTES) == 0)
			return &cursor->server[i];
	return NULL;
}

bool spool_cursor_server(struct spool_cursor *cursor, const uint8_t *id, struct spool_stream_server *server)
{
	*server = (struct spool_stream_server){.sequence = 0};
	memcpy(server->spool, id, sizeof server->spool);
	pthread_mutex_lock(&cursor->lock);
	const struct spool_stream_server *found = find_server(cursor, id);
	if (found != NULL)
		*server = *found;
	pthread_mutex_unlock(&cursor->lock);
	return found != NULL;
}

/* A place for a new server: free, or that of the server that is farthest behind. */
static struct spool_stream_server *place_for_server(struct spool_cursor *cursor)
{
	if (cursor->servers < CURSOR_SERVERS_MAX)
		return &cursor->server[cursor->servers++];
	struct spool_stream_server *least = &cursor->server[0];
	for (unsigned i = 1; i < cursor->servers; i++)
		if (cursor->server[i].sequence < least->sequence)
			least = &cursor->server[i];
	cursor->lost_before = plus(cursor->lost_before, least->lost);
	*least = (struct spool_stream_server){.sequence = 0};
	return least;
}

void spool_cursor_set_server(struct spool_cursor *cursor, const struct spool_stream_server *server)
{
	pthread_mutex_lock(&cursor->lock);
	struct spool_stream_server *found = find_server(cursor, server->spool);
	if (found == NULL)
		found = place_for_server(cursor);
	/* Else it goes to the disk with the cursor's next move, which is at hand. */
	bool is_urgent = server->lost != found->lost;
	*found = *server;
	cursor->dirty = cursor->dirty || is_urgent;
	pthread_mutex_unlock(&cursor->lock);
	if (!is_urgent)
		return;
	spool_note_loss(cursor->spool);
	keeper_wake(cursor->spool, false);
}

unsigned spool_cursor_servers(struct spool_cursor *cursor)
{
	pthread_mutex_lock(&cursor->lock);
	unsigned servers = cursor->servers;
	pthread_mutex_unlock(&cursor->lock);
	return servers;
}

uint64_t spool_cursor_lost_by_peer(const struct spool_cursor *cursor)
{
	struct spool_cursor *locked = &cursor->spool->cursors.cursor[cursor->place];
	pthread_mutex_lock(&locked->lock);
	uint64_t lost = lost_by_peer(locked);
	pthread_mutex_unlock(&locked->lock);
	return lost;
}

bool spool_sent_stream(const struct spool *spool, unsigned index, struct spool_sent_stream *sent)
{
	assert(index < CURSORS_MAX);
	struct spool_cursor *cursor = (struct spool_cursor *)(uintptr_t)&spool->cursors.cursor[index];
	if (!cursor->used || cursor->lost)
		return false;
	memcpy(sent->name, cursor->name, sizeof sent->name);
	pthread_mutex_lock(&cursor->lock);
	memcpy(sent->stream, cursor->stream_id, sizeof sent->stream);
	sent->delivered = spool_cursor_delivered(cursor);
	sent->lost_by_peer = lost_by_peer(cursor);
	sent->servers = cursor->servers;
	memcpy(sent->server, cursor->server, cursor->servers * sizeof cursor->server[0]);
	pthread_mutex_unlock(&cursor->lock);
	return true;
}
