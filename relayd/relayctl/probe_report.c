/* SPDX-License-Identifier: Apache-2.0 */
#include "relayctl/probe_report.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_gen.h>

#include "base/clock.h"
#include "relay/document.h"

enum { TEXT_MAX_BYTES = 64 };

static int compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
	return (a > b) - (a < b);
}

struct probe_latency probe_latency_at(const struct probe_path *path, unsigned relay)
{
	static uint64_t took[PROBE_NUMBERS_MAX];
	const struct receipts *receipts = &path->relays[relay];
	struct probe_latency latency = {.count = 0};
	assert(path->count <= PROBE_NUMBERS_MAX);
	for (unsigned i = 0; i < path->count; i++) {
		if (receipts->receipt[i].copies == 0)
			continue;
		/* Clocks of two hosts are known to within an error: it may seem to have come before it was sent. */
		int64_t ns = receipts_stored_ns(receipts, &receipts->receipt[i]) - path->sent_ns[i];
		took[latency.count++] = ns > 0 ? (uint64_t)ns : 0;
	}
	if (latency.count == 0)
		return latency;
	qsort(took, latency.count, sizeof took[0], compare);
	latency.min_ns = took[0];
	latency.median_ns = took[latency.count / 2];
	latency.max_ns = took[latency.count - 1];
	return latency;
}

bool probe_path_arrived(const struct probe_path *path)
{
	return path->relays[path->relays_count - 1].seen == path->count;
}

uint64_t probe_path_doubled(const struct probe_path *path)
{
	uint64_t most = 0;
	for (unsigned i = 0; i < path->relays_count; i++) {
		uint64_t doubled = path->relays[i].copies - path->relays[i].seen;
		most = doubled > most ? doubled : most;
	}
	return most;
}

/* ---- for people ---- */

static double ms(uint64_t ns)
{
	return (double)ns / (double)CLOCK_NS_PER_MS;
}

static const char *took_text(const struct probe_latency *latency, const struct receipts *receipts, char out[TEXT_MAX_BYTES])
{
	double error = ms(receipts->clock_error_ns);
	if (latency->count == 1)
		snprintf(out, TEXT_MAX_BYTES, "%.1f ms (± %.1f)", ms(latency->min_ns), error);
	else
		snprintf(out, TEXT_MAX_BYTES, "%.1f / %.1f / %.1f ms (± %.1f)", ms(latency->min_ns), ms(latency->median_ns),
		         ms(latency->max_ns), error);
	return out;
}

static const char *fate_at(const struct receipts *receipts, const struct receipts_output *output)
{
	if (!output->wants)
		return "does not want it: its filter drops messages like this one";
	if (output->delivered < receipts_last_sequence(receipts))
		return "has not delivered it yet";
	if (output->put_aside > 0)
		return "is past it, but put messages aside meanwhile (relayctl ledger): this one may be among them";
	return output->confirmed ? "has delivered it, acknowledged" : "has delivered it, unconfirmed";
}

/* Of the lowest number that was seen; there is one. */
static const struct receipt *first_receipt(const struct receipts *receipts)
{
	const struct receipt *first = receipts->receipt;
	while (first->copies == 0)
		first++;
	return first;
}

static void print_relay(const struct probe_path *path, unsigned index, FILE *out)
{
	char took[TEXT_MAX_BYTES];
	const struct receipts *receipts = &path->relays[index];
	struct probe_latency latency = probe_latency_at(path, index);
	fprintf(out, "%u. %s, %s\n", index + 1, receipts->host[0] != '\0' ? receipts->host : "-", receipts->path);
	if (receipts->error[0] != '\0')
		fprintf(out, "   %s\n", receipts->error);
	if (latency.count == 0) {
		fputs("   not seen\n", out);
		return;
	}
	const struct receipt *first = first_receipt(receipts);
	fprintf(out, "   in by input \"%s\", stored as message %" PRIu64 " after %s\n", first->input, first->sequence,
	        took_text(&latency, receipts, took));
	if (path->count > 1)
		fprintf(out, "   %u of %u seen (shortest / median / longest)\n", latency.count, path->count);
	if (receipts->copies > receipts->seen)
		fprintf(out, "   SEEN MORE THAN ONCE: %" PRIu64 " copies too many\n", receipts->copies - receipts->seen);
	for (unsigned i = 0; i < receipts->outputs_count; i++)
		fprintf(out, "   output %s %s\n", receipts->output[i].name, fate_at(receipts, &receipts->output[i]));
}

/* The first relay that lacks a probe; the one before it has them all. */
static unsigned first_without(const struct probe_path *path)
{
	unsigned at = 0;
	while (at < path->relays_count - 1 && path->relays[at].seen == path->count)
		at++;
	return at;
}

static void print_result(const struct probe_path *path, FILE *out)
{
	char took[TEXT_MAX_BYTES];
	const char *what = path->count == 1 ? "The probe" : "All probes";
	uint64_t doubled = probe_path_doubled(path);
	if (!probe_path_arrived(path)) {
		unsigned at = first_without(path);
		fprintf(out, "NOT ARRIVED: %u of %u probes were stored by %s", path->relays[at].seen, path->count,
		        path->relays[at].path);
		if (at > 0)
			fprintf(out, "; they were last seen at %s\n", path->relays[at - 1].path);
		else
			fputs(", where they went in\n", out);
		return;
	}
	struct probe_latency latency = probe_latency_at(path, path->relays_count - 1);
	const struct receipts *last = &path->relays[path->relays_count - 1];
	fprintf(out, "%s arrived: %u relay%s, %s, %s.\n", what, path->relays_count, path->relays_count > 1 ? "s" : "",
	        took_text(&latency, last, took), doubled == 0 ? "once" : "BUT MORE THAN ONCE");
}

void probe_path_print(const struct probe_path *path, FILE *out)
{
	fprintf(out, "probe %s: %u message%s over %s to input \"%s\"\n\n", path->id, path->count, path->count > 1 ? "s" : "",
	        path->way, path->input);
	for (unsigned i = 0; i < path->relays_count; i++)
		print_relay(path, i, out);
	fputc('\n', out);
	print_result(path, out);
}

/* ---- as JSON ---- */

static void put_ms(yajl_gen gen, const char *name, uint64_t ns)
{
	char text[TEXT_MAX_BYTES];
	int len = snprintf(text, sizeof text, "%.3f", ms(ns));
	document_name(gen, name);
	yajl_gen_number(gen, text, (size_t)len);
}

static void put_output(yajl_gen gen, const struct receipts *receipts, const struct receipts_output *output)
{
	bool delivered = output->wants && output->delivered >= receipts_last_sequence(receipts) && receipts->seen > 0;
	yajl_gen_map_open(gen);
	document_text(gen, "name", output->name);
	document_bool(gen, "wants", output->wants);
	document_bool(gen, "confirmed", output->confirmed);
	document_bool(gen, "delivered", delivered);
	document_count(gen, "put_aside", output->put_aside);
	yajl_gen_map_close(gen);
}

static void put_relay(yajl_gen gen, const struct probe_path *path, unsigned index)
{
	const struct receipts *receipts = &path->relays[index];
	struct probe_latency latency = probe_latency_at(path, index);
	yajl_gen_map_open(gen);
	document_text(gen, "control", receipts->path);
	document_text(gen, "host", receipts->host);
	document_count(gen, "seen", receipts->seen);
	document_count(gen, "copies", receipts->copies);
	if (latency.count > 0) {
		document_text(gen, "input", first_receipt(receipts)->input);
		document_count(gen, "sequence", first_receipt(receipts)->sequence);
		put_ms(gen, "min_ms", latency.min_ns);
		put_ms(gen, "median_ms", latency.median_ns);
		put_ms(gen, "max_ms", latency.max_ns);
		put_ms(gen, "clock_error_ms", receipts->clock_error_ns);
	}
	if (receipts->error[0] != '\0')
		document_text(gen, "error", receipts->error);
	document_name(gen, "outputs");
	yajl_gen_array_open(gen);
	for (unsigned i = 0; i < receipts->outputs_count; i++)
		put_output(gen, receipts, &receipts->output[i]);
	yajl_gen_array_close(gen);
	yajl_gen_map_close(gen);
}

void probe_path_print_json(const struct probe_path *path, FILE *out)
{
	yajl_gen gen = document_begin();
	if (gen == NULL)
		return;
	document_text(gen, "id", path->id);
	document_count(gen, "count", path->count);
	document_text(gen, "input", path->input);
	document_bool(gen, "arrived", probe_path_arrived(path));
	document_count(gen, "doubled", probe_path_doubled(path));
	document_name(gen, "relays");
	yajl_gen_array_open(gen);
	for (unsigned i = 0; i < path->relays_count; i++)
		put_relay(gen, path, i);
	yajl_gen_array_close(gen);
	char *text = document_finish(gen);
	if (text != NULL)
		fputs(text, out);
	free(text);
}
