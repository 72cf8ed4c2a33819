/* SPDX-License-Identifier: Apache-2.0 */
#include "relayctl/ledger_table.h"

#include <inttypes.h>

#include "relayctl/answer.h"

enum { HOSTS_PRINTED_MAX = 20 };

static void print_drops(const struct json_value *row, FILE *out)
{
	const struct json_value *dropped = json_member(row, "dropped");
	for (const struct json_value *reason = dropped != NULL ? dropped->first : NULL; reason != NULL;
	     reason = reason->next)
		fprintf(out, "    %s dropped: %s\n", reason->text, reason->name);
}

static void print_inputs(const struct json_value *inputs, FILE *out)
{
	fprintf(out, "%-40s %14s %14s %10s %12s\n", "INPUT", "RECEIVED", "STORED", "IN MEMORY", "DROPPED");
	for (const struct json_value *input = inputs != NULL ? inputs->first : NULL; input != NULL; input = input->next) {
		fprintf(out, "%-40s %14" PRIu64 " %14" PRIu64 " %10" PRIu64 " %12" PRIu64 "\n", answer_text(input, "name"),
		        answer_count(input, "received"), answer_count(input, "stored"), answer_count(input, "in_memory"),
		        answer_sum(json_member(input, "dropped")));
		print_drops(input, out);
		if (answer_count(input, "duplicate") > 0)
			fprintf(out, "    %" PRIu64 " came again from another relay, and were known\n",
			        answer_count(input, "duplicate"));
	}
}

static void print_source_name(const struct json_value *source, FILE *out)
{
	const char *kind = answer_text(source, "kind");
	const char *host = answer_text(source, "host"), *peer = answer_text(source, "peer");
	if (strcmp(kind, "source") == 0)
		fprintf(out, "%-24s %-24s", host[0] != '\0' ? host : "-", peer[0] != '\0' ? peer : "local");
	else
		fprintf(out, "%-49s", strcmp(kind, "others") == 0 ? "(others, without a row of their own)" : "(sender not known)");
}

/* Rows that never counted anything are left out. */
static void print_sources(const struct json_value *sources, FILE *out)
{
	fprintf(out, "\n%-24s %-24s %14s %14s %12s %10s\n", "SOURCE", "PEER", "RECEIVED", "STORED", "DROPPED", "SUSPECTED");
	for (const struct json_value *source = sources != NULL ? sources->first : NULL; source != NULL;
	     source = source->next) {
		if (answer_count(source, "received") == 0 && answer_count(source, "suspected") == 0)
			continue;
		print_source_name(source, out);
		fprintf(out, " %14" PRIu64 " %14" PRIu64 " %12" PRIu64 " %10" PRIu64 "\n", answer_count(source, "received"),
		        answer_count(source, "stored"), answer_sum(json_member(source, "dropped")),
		        answer_count(source, "suspected"));
		print_drops(source, out);
	}
}

static void print_output_losses(const struct json_value *output, FILE *out)
{
	static const struct { const char *name, *words; } losses[] = {
		{"quarantined", "quarantined"},
		{"dropped_oldest", "dropped: the output was behind"},
		{"dropped_by_rule", "dropped by a rule (relayctl spool drop)"},
		{"damaged", "damaged"},
		{"lost_by_peer", "lost-by-peer: acknowledged, and lost when the next hop was restored"}};
	for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++)
		if (answer_count(output, losses[i].name) > 0)
			fprintf(out, "    %" PRIu64 " %s\n", answer_count(output, losses[i].name), losses[i].words);
}

static void print_outputs(const struct json_value *outputs, FILE *out)
{
	fprintf(out, "\n%-40s %14s %14s %10s %12s\n", "OUTPUT", "TO DELIVER", "DELIVERED", "FILTERED", "IN THE SPOOL");
	for (const struct json_value *output = outputs != NULL ? outputs->first : NULL; output != NULL;
	     output = output->next) {
		uint64_t stored = answer_count(output, "stored"), start = answer_count(output, "start");
		fprintf(out, "%-40s %14" PRIu64 " %14" PRIu64 " %10" PRIu64 " %12" PRIu64 "\n", answer_text(output, "name"),
		        stored > start ? stored - start : 0, answer_count(output, "delivered"), answer_count(output, "filtered"),
		        answer_count(output, "pending"));
		print_output_losses(output, out);
	}
}

void ledger_table_print(const struct json_value *ledger, FILE *out)
{
	const struct json_value *spool = json_member(ledger, "spool");
	print_inputs(json_member(ledger, "inputs"), out);
	print_sources(json_member(ledger, "sources"), out);
	print_outputs(json_member(ledger, "outputs"), out);
	fprintf(out, "\nspool %s: %" PRIu64 " stored, of these %" PRIu64 " given back, %" PRIu64 " damaged; %" PRIu64
	        " sequences never used\n\n", answer_text(spool, "path"),
	        answer_count(spool, "stored") - answer_count(spool, "unused"), answer_count(spool, "released"),
	        answer_count(spool, "damaged"), answer_count(spool, "unused"));
}

/* ---- a hop ---- */

/* The sum of a counter over the sources of that host. */
static uint64_t of_host(const struct json_value *ledger, const char *host, const char *counter)
{
	uint64_t sum = 0;
	const struct json_value *sources = json_member(ledger, "sources");
	for (const struct json_value *source = sources != NULL ? sources->first : NULL; source != NULL;
	     source = source->next)
		if (strcmp(answer_text(source, "kind"), "source") == 0 && strcmp(answer_text(source, "host"), host) == 0)
			sum += answer_count(source, counter);
	return sum;
}

/* Whether an earlier source has the same host. */
static bool is_repeated(const struct json_value *sources, const struct json_value *source)
{
	for (const struct json_value *other = sources->first; other != source; other = other->next)
		if (strcmp(answer_text(other, "host"), answer_text(source, "host")) == 0)
			return true;
	return false;
}

static void print_hosts(const struct json_value *from, const struct json_value *to, FILE *out)
{
	const struct json_value *sources = json_member(from, "sources");
	unsigned differ = 0;
	for (const struct json_value *source = sources != NULL ? sources->first : NULL; source != NULL;
	     source = source->next) {
		const char *host = answer_text(source, "host");
		if (strcmp(answer_text(source, "kind"), "source") != 0 || is_repeated(sources, source))
			continue;
		uint64_t stored = of_host(from, host, "stored"), received = of_host(to, host, "received");
		if (stored == received || ++differ > HOSTS_PRINTED_MAX)
			continue;
		fprintf(out, "    host %s: %" PRIu64 " stored there, %" PRIu64 " received here\n", host[0] != '\0' ? host : "-",
		        stored, received);
	}
	if (differ > HOSTS_PRINTED_MAX)
		fprintf(out, "    and %u hosts more\n", differ - HOSTS_PRINTED_MAX);
}

void ledger_hop_print(const struct ledger_hop *hop, const struct json_value *from, const struct json_value *to, FILE *out)
{
	const char *what = hop->stream != NULL ? "stream" : "input";
	fprintf(out, "output %s sent %" PRIu64 ", %s %s received %" PRIu64, answer_text(hop->output, "name"), hop->sent, what,
	        answer_text(hop->stream != NULL ? hop->stream : hop->input, hop->stream != NULL ? "stream" : "name"),
	        hop->received);
	if (hop->lost > 0)
		fprintf(out, ", %" PRIu64 " of which are lost-by-peer", hop->lost);
	fputs(": ", out);
	if (hop->received == hop->sent)
		fputs("the hop adds up\n", out);
	else if (hop->adds_up)
		fprintf(out, "the hop adds up with %" PRIu64 " on their way or sent again\n", hop->received - hop->sent);
	else if (hop->received < hop->sent)
		fprintf(out, "DOES NOT ADD UP: %" PRIu64 " are missing\n", hop->sent - hop->received);
	else
		fprintf(out, "DOES NOT ADD UP: %" PRIu64 " more came than were sent; does the input have other senders?\n",
		        hop->received - hop->sent);
	if (hop->received != hop->sent && hop->stream == NULL)
		print_hosts(from, to, out);
}

void ledger_hop_print_json(const struct ledger_hop *hop, FILE *out)
{
	fprintf(out, "{\"sent\":%" PRIu64 ",\"received\":%" PRIu64 ",\"unconfirmed\":%" PRIu64 ",\"adds_up\":%s", hop->sent,
	        hop->received, hop->unconfirmed, hop->adds_up ? "true" : "false");
	if (hop->stream != NULL)
		fprintf(out, ",\"stream\":\"%s\",\"lost_by_peer\":%" PRIu64, answer_text(hop->stream, "stream"), hop->lost);
	fputs("}\n", out);
}
