/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger's document: every counter that is part of a sum, for `relayctl ledger` to add up. Counters are read one after
 * the other while the relay runs; what has been received is read last, so that no sum is ever larger than it.
 */
#include "base/clock.h"
#include "relay/document.h"
#include "relay/losses.h"
#include "relay/relay_internal.h"
#include "relay/streams.h"
#include "spool/ledger_sources.h"
#include "spool/spool_stream.h"
#include "syslog/peer.h"

/* Sums over all sources: what is left of the inputs' sums is of sources that are not known. */
struct known {
	uint64_t stored;
	uint64_t dropped[SPOOL_DROP_REASONS];
};

static void write_spool(yajl_gen gen, const struct relay *relay)
{
	struct spool_sums sums;
	spool_sums(relay->spool, &sums);
	document_name(gen, "spool");
	yajl_gen_map_open(gen);
	document_text(gen, "path", relay->settings->process.spool.is.path);
	document_count(gen, "first", spool_first(relay->spool));
	document_count(gen, "stored", spool_stored(relay->spool));
	document_count(gen, "unattributed", sums.unattributed);
	document_count(gen, "unused", sums.unused);
	document_count(gen, "damaged", sums.damaged);
	document_count(gen, "released", sums.released);
	yajl_gen_map_close(gen);
}

/* The input of that index, if it is in the configuration. */
static const struct relay_input *find_input(const struct relay *relay, unsigned index)
{
	for (unsigned i = 0; i < relay->inputs_count; i++)
		if (relay->inputs[i].spool_index == index)
			return &relay->inputs[i];
	return NULL;
}

/* The driver's type, "internal", or "" for what is not in the configuration any more. */
static const char *type_of(const struct relay *relay, unsigned index)
{
	const struct relay_input *input = find_input(relay, index);
	if (index == losses_spool_index(relay->losses))
		return "internal";
	return input != NULL ? input->settings->driver->type : "";
}

/* What it received; what left the configuration received what was stored and dropped. */
static uint64_t received_of(const struct relay *relay, unsigned index, uint64_t settled)
{
	const struct relay_input *input = find_input(relay, index);
	if (index == losses_spool_index(relay->losses))
		return losses_received(relay->losses);
	if (input == NULL)
		return settled;
	struct input_status status = {.state = ""};
	input->settings->driver->status(input->input, &status);
	return input->received_before + status.received;
}

static void write_input(yajl_gen gen, const struct relay *relay, unsigned index, struct known *all)
{
	struct spool_input_totals totals;
	spool_input_totals(relay->spool, index, &totals);
	uint64_t duplicate = spool_stream_voided(relay->spool, index);
	uint64_t settled = totals.stored + duplicate;
	all->stored += totals.stored;
	for (unsigned reason = 0; reason < SPOOL_DROP_REASONS; reason++) {
		settled += totals.dropped[reason];
		all->dropped[reason] += totals.dropped[reason];
	}
	uint64_t received = received_of(relay, index, settled);
	yajl_gen_map_open(gen);
	document_text(gen, "name", spool_input_name(relay->spool, index));
	document_text(gen, "type", type_of(relay, index));
	document_bool(gen, "configured", type_of(relay, index)[0] != '\0');
	document_count(gen, "received", received);
	document_count(gen, "stored", totals.stored);
	document_count(gen, "duplicate", duplicate);
	document_drops(gen, totals.dropped);
	document_count(gen, "in_memory", received > settled ? received - settled : 0);
	yajl_gen_map_close(gen);
}

static void write_inputs(yajl_gen gen, const struct relay *relay, struct known *all)
{
	struct spool_sums sums;
	spool_sums(relay->spool, &sums);
	document_name(gen, "inputs");
	yajl_gen_array_open(gen);
	for (unsigned i = 0; i < sums.inputs; i++)
		write_input(gen, relay, i, all);
	yajl_gen_array_close(gen);
}

static void write_source_name(yajl_gen gen, const struct relay *relay, unsigned index)
{
	if (index == SPOOL_SOURCE_OTHERS) {
		document_text(gen, "kind", "others");
		return;
	}
	const struct spool_source_name *name = spool_source_name(relay->spool, index);
	struct peer peer = {.port = 0};
	uint8_t address[PEER_TEXT_MAX_BYTES];
	memcpy(peer.address, name->address, sizeof peer.address);
	size_t len = peer_write_address(&peer, address);
	document_text(gen, "kind", "source");
	document_octets(gen, "peer", address, len);
	document_octets(gen, "host", name->hostname, name->hostname_len);
}

static void write_source(yajl_gen gen, const struct relay *relay, unsigned index, struct known *known)
{
	struct spool_source_totals totals;
	spool_source_totals(relay->spool, index, &totals);
	known->stored += totals.stored;
	for (unsigned reason = 0; reason < SPOOL_DROP_REASONS; reason++)
		known->dropped[reason] += totals.dropped[reason];
	yajl_gen_map_open(gen);
	write_source_name(gen, relay, index);
	document_count(gen, "received", totals.received);
	document_count(gen, "stored", totals.stored);
	document_drops(gen, totals.dropped);
	document_count(gen, "suspected", totals.suspected);
	document_count(gen, "last", (uint64_t)(totals.last_ns / CLOCK_NS_PER_SECOND));
	yajl_gen_map_close(gen);
}

/* What the inputs have and no source has. Never below 0: a reader that sees more sources than inputs asks again. */
static void write_unknown(yajl_gen gen, const struct known *all, const struct known *known)
{
	struct known rest = {.stored = all->stored > known->stored ? all->stored - known->stored : 0};
	uint64_t received = rest.stored;
	for (unsigned reason = 0; reason < SPOOL_DROP_REASONS; reason++) {
		rest.dropped[reason] =
			all->dropped[reason] > known->dropped[reason] ? all->dropped[reason] - known->dropped[reason] : 0;
		received += rest.dropped[reason];
	}
	yajl_gen_map_open(gen);
	document_text(gen, "kind", "unknown");
	document_count(gen, "received", received);
	document_count(gen, "stored", rest.stored);
	document_drops(gen, rest.dropped);
	yajl_gen_map_close(gen);
}

static void write_output(yajl_gen gen, const struct relay *relay, const struct relay_output *output)
{
	struct output_status status = {.state = ""};
	uint64_t stored = spool_stored(relay->spool);
	output->settings->driver->status(output->output, &status);
	yajl_gen_map_open(gen);
	document_text(gen, "name", output->settings->name);
	document_text(gen, "peer", status.peer);
	document_bool(gen, "confirmed", status.confirmed);
	document_count(gen, "start", spool_cursor_start(output->cursor));
	document_count(gen, "stored", stored);
	document_count(gen, "delivered", status.totals.delivered);
	document_count(gen, "filtered", status.totals.filtered);
	document_count(gen, "quarantined", status.totals.quarantined);
	document_count(gen, "dropped_oldest", status.totals.dropped_oldest);
	document_count(gen, "dropped_by_rule", status.totals.dropped_by_rule);
	document_count(gen, "damaged", status.totals.damaged);
	document_count(gen, "pending", stored > status.delivered ? stored - status.delivered : 0);
	document_count(gen, "resent", status.resent);
	document_count(gen, "lost_by_peer", spool_cursor_lost_by_peer(output->cursor));
	yajl_gen_map_close(gen);
}

char *relay_ledger_json(struct relay *relay)
{
	struct known all = {0}, known = {0};
	yajl_gen gen = document_begin();
	if (gen == NULL)
		return NULL;
	document_text(gen, "version", RELAYD_VERSION);
	document_count(gen, "time", (uint64_t)(clock_wall_ns() / CLOCK_NS_PER_SECOND));
	write_spool(gen, relay);
	document_name(gen, "streams");
	yajl_gen_map_open(gen);
	streams_write(gen, relay->spool, relay);
	yajl_gen_map_close(gen);
	write_inputs(gen, relay, &all);
	document_name(gen, "sources");
	yajl_gen_array_open(gen);
	unsigned sources = spool_source_count(relay->spool);
	for (unsigned i = 0; i < sources; i++)
		write_source(gen, relay, i, &known);
	write_unknown(gen, &all, &known);
	yajl_gen_array_close(gen);
	document_name(gen, "outputs");
	yajl_gen_array_open(gen);
	for (unsigned i = 0; i < relay->outputs_count; i++)
		write_output(gen, relay, &relay->outputs[i]);
	yajl_gen_array_close(gen);
	/* Inputs count what is written, before it is synced and so stored: the group that is on its way has these numbers. */
	document_count(gen, "appended", spool_appended(relay->spool));
	return document_finish(gen);
}
