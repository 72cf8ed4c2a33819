/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/streams.h"

#include <stdio.h>
#include <string.h>

#include <liblog/slog.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "relay/document.h"
#include "relay/relay_internal.h"
#include "spool/spool_stream.h"

enum { ENTRIES_AT_ONCE = 64 };

/* ---- ids ---- */

/* False, and a sentence, if the text is no id. */
static bool read_id(const char *text, uint8_t id[SPOOL_STREAM_ID_BYTES], char *error)
{
	static const char digits[] = "0123456789abcdef";
	size_t len = text != NULL ? strlen(text) : 0;
	bool good = len == 2 * SPOOL_STREAM_ID_BYTES && strspn(text, digits) == len;
	for (size_t i = 0; good && i < SPOOL_STREAM_ID_BYTES; i++)
		id[i] = (uint8_t)((strchr(digits, text[2 * i]) - digits) << 4 | (strchr(digits, text[2 * i + 1]) - digits));
	if (!good)
		snprintf(error, STREAMS_ERROR_MAX_BYTES,
		         "a stream is named by 32 hexadecimal digits, as \"relayctl stream ls\" has them");
	return good;
}

/* ---- the document ---- */

static void write_received(yajl_gen gen, const struct spool_stream_entry *entry)
{
	yajl_gen_map_open(gen);
	document_hex(gen, "stream", entry->stream, sizeof entry->stream);
	document_octets(gen, "identity", (const uint8_t *)entry->identity, strlen(entry->identity));
	document_count(gen, "sequence", entry->mark.sequence);
	document_count(gen, "records", entry->records);
	document_count(gen, "lost", entry->lost);
	document_count(gen, "duplicates", entry->duplicates);
	document_count(gen, "last", (uint64_t)(entry->last_ns / CLOCK_NS_PER_SECOND));
	document_text(gen, "connection", entry->connection);
	yajl_gen_map_close(gen);
}

static void write_all_received(yajl_gen gen, struct spool *spool)
{
	struct spool_stream_entry entries[ENTRIES_AT_ONCE];
	unsigned count, from = 0;
	document_name(gen, "received");
	yajl_gen_array_open(gen);
	do {
		count = spool_streams(spool, from, entries, ENTRIES_AT_ONCE);
		for (unsigned i = 0; i < ENTRIES_AT_ONCE && from + i < count; i++)
			write_received(gen, &entries[i]);
		from += ENTRIES_AT_ONCE;
	} while (from < count);
	yajl_gen_array_close(gen);
}

/* Whom the output talks to now; "" for nobody. */
static void write_peer(yajl_gen gen, const struct relay *relay, const char *name)
{
	struct output_status status = {.peer = ""};
	for (unsigned i = 0; i < relay->outputs_count; i++)
		if (strcmp(relay->outputs[i].settings->name, name) == 0)
			relay->outputs[i].settings->driver->status(relay->outputs[i].output, &status);
	document_text(gen, "peer", status.peer);
}

static void write_sent(yajl_gen gen, const struct spool_sent_stream *sent, const struct relay *relay)
{
	yajl_gen_map_open(gen);
	document_text(gen, "output", sent->name);
	document_hex(gen, "stream", sent->stream, sizeof sent->stream);
	document_count(gen, "delivered", sent->delivered);
	document_count(gen, "lost_by_peer", sent->lost_by_peer);
	if (relay != NULL)
		write_peer(gen, relay, sent->name);
	document_name(gen, "servers");
	yajl_gen_array_open(gen);
	for (unsigned i = 0; i < sent->servers; i++) {
		yajl_gen_map_open(gen);
		document_hex(gen, "spool", sent->server[i].spool, sizeof sent->server[i].spool);
		document_count(gen, "sequence", sent->server[i].sequence);
		document_count(gen, "records", sent->server[i].records);
		document_count(gen, "lost", sent->server[i].lost);
		yajl_gen_map_close(gen);
	}
	yajl_gen_array_close(gen);
	yajl_gen_map_close(gen);
}

void streams_write(yajl_gen gen, struct spool *spool, const struct relay *relay)
{
	struct spool_sent_stream sent;
	document_hex(gen, "spool", spool_id(spool), SPOOL_STREAM_ID_BYTES);
	document_bool(gen, "stored", spool_stream_changes_are_stored(spool));
	/* The sending side first: what it has was received before. */
	document_name(gen, "sent");
	yajl_gen_array_open(gen);
	for (unsigned i = 0; i < SPOOL_CURSORS_MAX; i++)
		if (spool_sent_stream(spool, i, &sent) && sent.servers > 0) /* else it was never sent as blocks */
			write_sent(gen, &sent, relay);
	yajl_gen_array_close(gen);
	write_all_received(gen, spool);
}

char *streams_json(struct relay *relay)
{
	yajl_gen gen = document_begin();
	if (gen == NULL)
		return NULL;
	document_text(gen, "version", RELAYD_VERSION);
	streams_write(gen, relay->spool, relay);
	return document_finish(gen);
}

/* ---- changes ---- */

/* Whether it was done; if not, says why. */
static bool tell(enum spool_stream_change change, char *error)
{
	if (change != SPOOL_STREAM_CHANGED)
		snprintf(error, STREAMS_ERROR_MAX_BYTES, "%s", spool_stream_change_text(change));
	return change == SPOOL_STREAM_CHANGED;
}

bool streams_adopt(struct relay *relay, const char *stream, const char *identity, const struct ucred *who, char *error)
{
	uint8_t id[SPOOL_STREAM_ID_BYTES];
	size_t len = identity != NULL ? strlen(identity) : 0;
	if (!read_id(stream, id, error))
		return false;
	if (len == 0 || len > SPOOL_IDENTITY_MAX_BYTES || !utf8_is_valid(bytes_of(identity, len))) {
		snprintf(error, STREAMS_ERROR_MAX_BYTES, "say which \"identity\" is to have the stream, in %d octets at most",
		         SPOOL_IDENTITY_MAX_BYTES);
		return false;
	}
	if (!tell(spool_stream_adopt(relay->spool, id, identity), error))
		return false;
	slog_notice("stream_adopted", "stream", stream, "identity", identity, "uid", who->uid, "pid", who->pid);
	return true;
}

bool streams_forget(struct relay *relay, const char *stream, const struct ucred *who, char *error)
{
	uint8_t id[SPOOL_STREAM_ID_BYTES];
	if (!read_id(stream, id, error) || !tell(spool_stream_forget(relay->spool, id), error))
		return false;
	slog_notice("stream_forgotten", "stream", stream, "uid", who->uid, "pid", who->pid);
	return true;
}
