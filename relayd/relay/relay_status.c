/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status document: the spool's number line and space, each input with its ledger, each output with its watermarks. Its
 * members are the interface of `relayctl status --json` and described in relayctl(1).
 */
#include "base/clock.h"
#include "relay/budget.h"
#include "relay/cut.h"
#include "relay/document.h"
#include "relay/losses.h"
#include "relay/relay_internal.h"
#include "spool/spool_stream.h"

static void write_spool(yajl_gen gen, const struct relay *relay)
{
	static const char *const levels[] = {"open", "reserve", "full"};
	struct spool_usage usage;
	spool_usage(relay->spool, &usage);
	document_name(gen, "spool");
	yajl_gen_map_open(gen);
	document_text(gen, "path", relay->settings->process.spool.is.path);
	document_text(gen, "level", levels[spool_level(relay->spool)]);
	document_count(gen, "appended", spool_appended(relay->spool));
	document_count(gen, "stored", spool_stored(relay->spool));
	document_count(gen, "first", spool_first(relay->spool));
	document_count(gen, "used_bytes", usage.used_bytes);
	document_count(gen, "on_disk_bytes", usage.on_disk_bytes);
	document_count(gen, "max_size_bytes", usage.max_size_bytes);
	document_count(gen, "reserve_bytes", usage.reserve_bytes);
	document_count(gen, "segments", usage.segments);
	document_count(gen, "groups", usage.groups);
	document_count(gen, "syncs", usage.syncs);
	document_count(gen, "damaged", usage.damaged_sequences);
	struct budget_rates rates = budget_now(relay->budget, 0, 0);
	document_count(gen, "messages_per_s", rates.messages_per_s);
	document_count(gen, "octets_per_s", rates.octets_per_s);
	if (rates.covers)
		document_count(gen, "covers_s", rates.covers_s);
	yajl_gen_map_close(gen);
}

/* Every driver that can do TLS has a section of that name, and a section begins with whether it is there. */
static bool speaks_tls(const struct input_settings *settings)
{
	const struct option *row = option_find(settings->driver->options, "tls");
	return row != NULL && *(const bool *)((const char *)settings->options + row->offset);
}

/* How many it may send to; 0: it is of a kind that has none. */
static uint64_t servers_of(const struct output_settings *settings)
{
	const struct option *row = option_find(settings->driver->options, "servers");
	if (row == NULL)
		return 0;
	const struct option_list *servers = (const void *)((const char *)settings->options + row->offset);
	return servers->count;
}

static void write_input(yajl_gen gen, const struct relay *relay, const struct relay_input *input)
{
	struct input_status status = {.state = ""};
	input->settings->driver->status(input->input, &status);
	struct spool_input_totals totals;
	spool_input_totals(relay->spool, input->spool_index, &totals);
	uint64_t duplicate = spool_stream_voided(relay->spool, input->spool_index);
	yajl_gen_map_open(gen);
	document_text(gen, "name", input->settings->name);
	document_text(gen, "type", input->settings->driver->type);
	document_text(gen, "listen", status.listen);
	document_bool(gen, "tls", speaks_tls(input->settings));
	document_text(gen, "state", status.state);
	document_count(gen, "connections", status.connections);
	document_count(gen, "connections_total", status.connections_total);
	document_count(gen, "connections_refused", status.connections_refused);
	document_count(gen, "received", input->received_before + status.received);
	document_count(gen, "stored", totals.stored);
	document_count(gen, "duplicate", duplicate);
	document_drops(gen, totals.dropped);
	document_count(gen, "truncated", status.truncated);
	document_count(gen, "protocol_errors", status.protocol_errors);
	document_count(gen, "tls_refused", status.tls_refused);
	yajl_gen_map_close(gen);
}

/* The relay's own messages about losses: an input without a socket. */
static void write_internal(yajl_gen gen, const struct relay *relay)
{
	struct spool_input_totals totals;
	spool_input_totals(relay->spool, losses_spool_index(relay->losses), &totals);
	yajl_gen_map_open(gen);
	document_text(gen, "name", losses_input_name(relay->losses));
	document_text(gen, "type", "internal");
	document_text(gen, "listen", "");
	document_text(gen, "state", "running");
	document_count(gen, "connections", 0);
	document_count(gen, "received", losses_received(relay->losses));
	document_count(gen, "stored", totals.stored);
	document_drops(gen, totals.dropped);
	yajl_gen_map_close(gen);
}

static void write_totals(yajl_gen gen, const struct spool_output_totals *totals)
{
	document_name(gen, "totals");
	yajl_gen_map_open(gen);
	document_count(gen, "delivered", totals->delivered);
	document_count(gen, "filtered", totals->filtered);
	document_count(gen, "quarantined", totals->quarantined);
	document_count(gen, "dropped_oldest", totals->dropped_oldest);
	document_count(gen, "dropped_by_rule", totals->dropped_by_rule);
	document_count(gen, "damaged", totals->damaged);
	yajl_gen_map_close(gen);
}

static void write_output(yajl_gen gen, const struct relay *relay, const struct relay_output *output)
{
	struct output_status status = {.state = ""};
	output->settings->driver->status(output->output, &status);
	uint64_t stored = spool_stored(relay->spool);
	yajl_gen_map_open(gen);
	document_text(gen, "name", output->settings->name);
	document_text(gen, "type", output->settings->driver->type);
	document_text(gen, "state", status.state);
	document_text(gen, "detail", status.detail);
	document_text(gen, "peer", status.peer);
	document_count(gen, "servers", servers_of(output->settings));
	document_count(gen, "since", (uint64_t)(status.since_ns / CLOCK_NS_PER_SECOND));
	document_count(gen, "cut_s", cut_seconds_left(output));
	document_bool(gen, "confirmed", status.confirmed);
	document_count(gen, "start", spool_cursor_start(output->cursor));
	document_count(gen, "appended", spool_appended(relay->spool));
	document_count(gen, "stored", stored);
	document_count(gen, "sent", status.sent);
	document_count(gen, "delivered", status.delivered);
	uint64_t pending = stored > status.delivered ? stored - status.delivered : 0;
	struct budget_rates rates = budget_now(relay->budget, (unsigned)(output - relay->outputs), pending);
	document_count(gen, "pending", pending);
	document_count(gen, "delivered_per_s", rates.delivered_per_s);
	if (rates.drains)
		document_count(gen, "drains_s", rates.drains_s);
	document_count(gen, "resent", status.resent);
	document_count(gen, "connects", status.connects);
	document_count(gen, "replaced_octets", status.replaced_octets);
	write_totals(gen, &status.totals);
	yajl_gen_map_close(gen);
}

static void write_document(yajl_gen gen, const struct relay *relay)
{
	document_text(gen, "version", RELAYD_VERSION);
	document_count(gen, "uptime_s", (clock_monotonic_ns() - relay->started_ns) / CLOCK_NS_PER_SECOND);
	write_spool(gen, relay);
	document_name(gen, "inputs");
	yajl_gen_array_open(gen);
	for (unsigned i = 0; i < relay->inputs_count; i++)
		write_input(gen, relay, &relay->inputs[i]);
	write_internal(gen, relay);
	yajl_gen_array_close(gen);
	document_name(gen, "outputs");
	yajl_gen_array_open(gen);
	for (unsigned i = 0; i < relay->outputs_count; i++)
		write_output(gen, relay, &relay->outputs[i]);
	yajl_gen_array_close(gen);
}

char *relay_status_json(struct relay *relay)
{
	yajl_gen gen = document_begin();
	if (gen == NULL)
		return NULL;
	write_document(gen, relay);
	return document_finish(gen);
}
