/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status document: the spool's number line and space, each input with its ledger, each output with its watermarks. Its
 * members are the interface of `relayctl status --json` and described in relayctl(1).
 */
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_gen.h>

#include "base/clock.h"
#include "relay/relay_internal.h"

static void text(yajl_gen gen, const char *value)
{
	yajl_gen_string(gen, (const unsigned char *)value, strlen(value));
}

static void member_text(yajl_gen gen, const char *name, const char *value)
{
	text(gen, name);
	text(gen, value);
}

static void member_count(yajl_gen gen, const char *name, uint64_t value)
{
	text(gen, name);
	yajl_gen_integer(gen, (long long)value);
}

static void member_bool(yajl_gen gen, const char *name, bool value)
{
	text(gen, name);
	yajl_gen_bool(gen, value);
}

static void write_spool(yajl_gen gen, const struct relay *relay)
{
	static const char *const levels[] = {"open", "reserve", "full"};
	struct spool_usage usage;
	spool_usage(relay->spool, &usage);
	text(gen, "spool");
	yajl_gen_map_open(gen);
	member_text(gen, "path", relay->settings->process.spool.is.path);
	member_text(gen, "level", levels[spool_level(relay->spool)]);
	member_count(gen, "appended", spool_appended(relay->spool));
	member_count(gen, "stored", spool_stored(relay->spool));
	member_count(gen, "first", spool_first(relay->spool));
	member_count(gen, "used_bytes", usage.used_bytes);
	member_count(gen, "on_disk_bytes", usage.on_disk_bytes);
	member_count(gen, "max_size_bytes", usage.max_size_bytes);
	member_count(gen, "reserve_bytes", usage.reserve_bytes);
	member_count(gen, "segments", usage.segments);
	member_count(gen, "groups", usage.groups);
	member_count(gen, "syncs", usage.syncs);
	member_count(gen, "damaged", usage.damaged_sequences);
	yajl_gen_map_close(gen);
}

static void write_drops(yajl_gen gen, const struct spool_input_totals *totals)
{
	text(gen, "dropped");
	yajl_gen_map_open(gen);
	for (unsigned reason = 0; reason < SPOOL_DROP_REASONS; reason++) {
		const char *name = spool_drop_reason_name((enum spool_drop_reason)reason);
		if (name != NULL && totals->dropped[reason] > 0)
			member_count(gen, name, totals->dropped[reason]);
	}
	yajl_gen_map_close(gen);
}

static void write_input(yajl_gen gen, const struct relay *relay, const struct relay_input *input)
{
	struct input_status status = {.state = ""};
	input->settings->driver->status(input->input, &status);
	struct spool_input_totals totals;
	spool_input_totals(relay->spool, input->spool_index, &totals);
	yajl_gen_map_open(gen);
	member_text(gen, "name", input->settings->name);
	member_text(gen, "type", input->settings->driver->type);
	member_text(gen, "listen", status.listen);
	member_text(gen, "state", status.state);
	member_count(gen, "connections", status.connections);
	member_count(gen, "connections_total", status.connections_total);
	member_count(gen, "connections_refused", status.connections_refused);
	member_count(gen, "received", input->received_before + status.received);
	member_count(gen, "stored", totals.stored);
	write_drops(gen, &totals);
	member_count(gen, "truncated", status.truncated);
	member_count(gen, "protocol_errors", status.protocol_errors);
	member_count(gen, "tls_refused", status.tls_refused);
	yajl_gen_map_close(gen);
}

static void write_totals(yajl_gen gen, const struct spool_output_totals *totals)
{
	text(gen, "totals");
	yajl_gen_map_open(gen);
	member_count(gen, "delivered", totals->delivered);
	member_count(gen, "filtered", totals->filtered);
	member_count(gen, "quarantined", totals->quarantined);
	member_count(gen, "dropped_oldest", totals->dropped_oldest);
	member_count(gen, "damaged", totals->damaged);
	yajl_gen_map_close(gen);
}

static void write_output(yajl_gen gen, const struct relay *relay, const struct relay_output *output)
{
	struct output_status status = {.state = ""};
	output->settings->driver->status(output->output, &status);
	uint64_t stored = spool_stored(relay->spool);
	yajl_gen_map_open(gen);
	member_text(gen, "name", output->settings->name);
	member_text(gen, "type", output->settings->driver->type);
	member_text(gen, "state", status.state);
	member_text(gen, "detail", status.detail);
	member_text(gen, "peer", status.peer);
	member_count(gen, "since", (uint64_t)(status.since_ns / CLOCK_NS_PER_SECOND));
	member_bool(gen, "confirmed", status.confirmed);
	member_count(gen, "start", spool_cursor_start(output->cursor));
	member_count(gen, "appended", spool_appended(relay->spool));
	member_count(gen, "stored", stored);
	member_count(gen, "sent", status.sent);
	member_count(gen, "delivered", status.delivered);
	member_count(gen, "pending", stored > status.delivered ? stored - status.delivered : 0);
	member_count(gen, "resent", status.resent);
	member_count(gen, "connects", status.connects);
	member_count(gen, "replaced_octets", status.replaced_octets);
	write_totals(gen, &status.totals);
	yajl_gen_map_close(gen);
}

static void write_document(yajl_gen gen, const struct relay *relay)
{
	yajl_gen_map_open(gen);
	member_text(gen, "version", RELAYD_VERSION);
	member_count(gen, "uptime_s", (clock_monotonic_ns() - relay->started_ns) / CLOCK_NS_PER_SECOND);
	write_spool(gen, relay);
	text(gen, "inputs");
	yajl_gen_array_open(gen);
	for (unsigned i = 0; i < relay->inputs_count; i++)
		write_input(gen, relay, &relay->inputs[i]);
	yajl_gen_array_close(gen);
	text(gen, "outputs");
	yajl_gen_array_open(gen);
	for (unsigned i = 0; i < relay->outputs_count; i++)
		write_output(gen, relay, &relay->outputs[i]);
	yajl_gen_array_close(gen);
	yajl_gen_map_close(gen);
}

char *relay_status_json(struct relay *relay)
{
	yajl_gen gen = yajl_gen_alloc(NULL);
	if (gen == NULL)
		return NULL;
	write_document(gen, relay);
	const unsigned char *document;
	size_t len;
	char *copy = NULL;
	if (yajl_gen_get_buf(gen, &document, &len) == yajl_gen_status_ok && (copy = malloc(len + 2)) != NULL) {
		memcpy(copy, document, len);
		memcpy(copy + len, "\n", 2);
	}
	yajl_gen_free(gen);
	return copy;
}
