/* SPDX-License-Identifier: Apache-2.0 */
#include "input/peer_log.h"

#include <liblog/slog.h>
#include <stdio.h>

#include "base/clock.h"

enum { LINES_PER_INTERVAL = 10, INTERVAL_SECONDS = 10 };

static const struct {
	const char *name;
	enum slog_severity severity;
} events[PEER_EVENTS] = {
	[PEER_NOT_ALLOWED] = {"peer_not_allowed", SLOG_WARNING},
	[PEER_OVER_LIMIT] = {"connection_limit", SLOG_WARNING},
	[PEER_PROTOCOL_ERROR] = {"protocol_error", SLOG_WARNING},
	[PEER_FRAMING] = {"framing_mismatch", SLOG_WARNING},
	[PEER_TLS_REFUSED] = {"tls_refused", SLOG_WARNING},
	[PEER_UNFINISHED] = {"unfinished_frame", SLOG_WARNING},
	[PEER_INCOMPLETE_CLOSE] = {"incomplete_close", SLOG_NOTICE},
	[PEER_IDLE] = {"idle_connection", SLOG_NOTICE},
	[PEER_TRUNCATED] = {"message_truncated", SLOG_WARNING},
	[PEER_NOT_STORED] = {"not_stored", SLOG_ERR},
	[PEER_NO_MEMORY] = {"no_memory", SLOG_ERR},
	[PEER_LOST] = {"input_lost_by_peer", SLOG_ERR},
};

void peer_log_init(struct peer_log *log, const char *input)
{
	*log = (struct peer_log){.input = input};
	for (unsigned i = 0; i < PEER_EVENTS; i++) {
		log->limits[i].burst = LINES_PER_INTERVAL;
		log->limits[i].interval_ns = (uint64_t)INTERVAL_SECONDS * CLOCK_NS_PER_SECOND;
	}
}

const char *octets_text(struct bytes octets, char text[OCTETS_TEXT_MAX_BYTES])
{
	size_t shown = octets.len < OCTETS_SHOWN_MAX ? octets.len : OCTETS_SHOWN_MAX;
	char *at = text;
	for (size_t i = 0; i < shown; i++) {
		uint8_t octet = octets.at[i];
		if (octet >= 0x20 && octet < 0x7f && octet != '\\')
			*at++ = (char)octet;
		else
			at += sprintf(at, "\\x%02X", octet);
	}
	strcpy(at, shown < octets.len ? "..." : "");
	return text;
}

void peer_log_event(struct peer_log *log, enum peer_event event, uint64_t now_ns, const char *peer, const char *message,
                    struct bytes octets)
{
	uint64_t held_back;
	if (!rate_limit_pass(&log->limits[event], now_ns, &held_back))
		return;
	char text[OCTETS_TEXT_MAX_BYTES];
	struct slog_field fields[5] = {
		slog_kv("input", log->input),
		slog_kv("peer", peer),
		slog_kv("message", message),
	};
	size_t count = 3;
	if (octets.len > 0)
		fields[count++] = slog_kv("octets", octets_text(octets, text));
	if (held_back > 0)
		fields[count++] = slog_kv("held_back", held_back);
	slog_event(SLOG_LOGGER, events[event].severity, events[event].name, fields, count);
}

/* FNV-1a, never 0. Two peers with one hash cost a line of the log. */
static uint64_t hash_of(const uint8_t address[16])
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (unsigned i = 0; i < 16; i++)
		hash = (hash ^ address[i]) * UINT64_C(0x100000001b3);
	return hash != 0 ? hash : 1;
}

bool peer_log_first_time(struct peer_log *log, const uint8_t address[16])
{
	uint64_t hash = hash_of(address);
	for (unsigned i = 0; i < PEER_LOG_REMEMBERED; i++) {
		if (log->told[i] == hash)
			return false;
	}
	log->told[log->told_next++ % PEER_LOG_REMEMBERED] = hash;
	return true;
}
