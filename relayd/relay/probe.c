/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/probe.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <liblog/encoder.h>

#include "base/clock.h"
#include "base/decimal.h"

enum { NUMBER_DIGITS_MAX = 9, TEXT_MAX_BYTES = 160 };

size_t probe_write(const struct probe *probe, const char *hostname, long pid, char *out)
{
	char text[TEXT_MAX_BYTES];
	const struct timespec sent = {.tv_sec = probe->sent_ns / CLOCK_NS_PER_SECOND,
	                              .tv_nsec = probe->sent_ns % CLOCK_NS_PER_SECOND};
	int len = snprintf(text, sizeof text, "%s#%u of %u: a test message of relayctl, to be ignored", probe->id,
	                   probe->number, probe->count);
	assert(len > 0 && (size_t)len < sizeof text);
	const struct slog_field fields[] = {
		slog_kv("id", probe->id),
		slog_kv("number", probe->number),
		slog_kv("count", probe->count),
		slog_kv("sent", slog_time(sent)),
	};
	const struct slog_entry entry = {
		.time = sent,
		.severity = SLOG_INFO,
		.facility = SLOG_SYSLOG,
		.logger = "",
		.name = PROBE_MSGID,
		.name_length = strlen(PROBE_MSGID),
		.message = text,
		.message_length = (size_t)len,
		.hostname = hostname,
		.app_name = PROBE_APP_NAME,
		.pid = pid,
		.fields = fields,
		.field_count = sizeof fields / sizeof fields[0],
		.shown = sizeof fields / sizeof fields[0],
	};
	struct slog_line line = slog_line_in(out, PROBE_MESSAGE_MAX_BYTES);
	slog_encoder_rfc5424.encode(&slog_encoder_rfc5424, &entry, &line);
	return line.length;
}

bool probe_id_is_valid(const char *id)
{
	return strlen(id) == PROBE_ID_LEN && strspn(id, "0123456789abcdef") == PROBE_ID_LEN;
}

unsigned probe_find(struct bytes octets, const char *id, unsigned count)
{
	char token[PROBE_ID_LEN + 2];
	uint64_t number;
	assert(probe_id_is_valid(id));
	snprintf(token, sizeof token, "%s#", id);
	while (octets.len > PROBE_ID_LEN + 1) {
		const uint8_t *at = memmem(octets.at, octets.len, token, PROBE_ID_LEN + 1);
		if (at == NULL)
			return 0;
		octets = bytes_after(octets, (size_t)(at - octets.at) + PROBE_ID_LEN + 1);
		if (decimal_read(octets, NUMBER_DIGITS_MAX, &number) > 0 && number >= 1 && number <= count)
			return (unsigned)number;
	}
	return 0;
}
