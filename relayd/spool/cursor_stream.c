/* SPDX-License-Identifier: Apache-2.0 */
/* The stream that was born with a cursor: its id, and what each server has acknowledged of it. */
#include "spool/spool_internal.h"
#include "spool/spool_stream.h"

bool spool_cursor_stream(struct spool_cursor *cursor, uint8_t *stream, uint64_t *checksum)
{
	pthread_mutex_lock(&cursor->lock);
	memcpy(stream, cursor->stream_id, sizeof cursor->stream_id);
	*checksum = cursor->payload_checksum;
	uint64_t forks = cursor->forks;
	pthread_mutex_unlock(&cursor->lock);
	return atomic_load_explicit(&cursor->forks_synced, memory_order_acquire) == forks;
}

void spool_cursor_fork(struct spool_cursor *cursor)
{
	pthread_mutex_lock(&cursor->lock);
	spool_random(cursor->stream_id, sizeof cursor->stream_id);
	cursor->servers = 0;
	cursor->forks++;
	cursor->dirty = true;
	pthread_mutex_unlock(&cursor->lock);
	keeper_wake(cursor->spool, true);
}

static struct cursor_server *find_server(struct spool_cursor *cursor, const uint8_t *server)
{
	for (unsigned i = 0; i < cursor->servers; i++)
		if (memcmp(cursor->server[i].spool_id, server, SPOOL_ID_BYTES) == 0)
			return &cursor->server[i];
	return NULL;
}

uint64_t spool_cursor_acknowledged(struct spool_cursor *cursor, const uint8_t *server)
{
	pthread_mutex_lock(&cursor->lock);
	const struct cursor_server *found = find_server(cursor, server);
	uint64_t sequence = found != NULL ? found->sequence : 0;
	pthread_mutex_unlock(&cursor->lock);
	return sequence;
}

/* A place for a new server: free, or that of the server that is farthest behind. */
static struct cursor_server *place_for_server(struct spool_cursor *cursor)
{
	if (cursor->servers < CURSOR_SERVERS_MAX)
		return &cursor->server[cursor->servers++];
	struct cursor_server *least = &cursor->server[0];
	for (unsigned i = 1; i < cursor->servers; i++)
		if (cursor->server[i].sequence < least->sequence)
			least = &cursor->server[i];
	return least;
}

void spool_cursor_acknowledge(struct spool_cursor *cursor, const uint8_t *server, uint64_t sequence)
{
	pthread_mutex_lock(&cursor->lock);
	struct cursor_server *found = find_server(cursor, server);
	if (found == NULL) {
		found = place_for_server(cursor);
		memcpy(found->spool_id, server, SPOOL_ID_BYTES);
	}
	found->sequence = sequence; /* it goes to the disk with the cursor's next move, which is at hand */
	pthread_mutex_unlock(&cursor->lock);
}
