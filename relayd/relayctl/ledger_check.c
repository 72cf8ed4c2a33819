/* SPDX-License-Identifier: Apache-2.0 */
#include "relayctl/ledger_check.h"

#include <inttypes.h>

#include "relayctl/answer.h"

/* The sum of one member over a list of objects; of one reason in "dropped" if `reason` is not NULL. */
static uint64_t sum_over(const struct json_value *list, const char *name, const char *reason)
{
	uint64_t sum = 0;
	for (const struct json_value *item = list != NULL ? list->first : NULL; item != NULL; item = item->next)
		sum += reason != NULL ? answer_count(json_member(item, name), reason) : answer_count(item, name);
	return sum;
}

/* 1 if they differ, which is said. */
static unsigned hold(const char *what, const char *name, uint64_t left, uint64_t right, FILE *out)
{
	if (left == right)
		return 0;
	if (out != NULL)
		fprintf(out, "DOES NOT ADD UP: %s%s%s: %" PRIu64 " and %" PRIu64 "\n", what, name[0] != '\0' ? " of " : "", name,
		        left, right);
	return 1;
}

static unsigned check_received(const struct json_value *list, const char *what, const char *name, FILE *out)
{
	unsigned wrong = 0;
	for (const struct json_value *item = list != NULL ? list->first : NULL; item != NULL; item = item->next) {
		uint64_t known = answer_count(item, "stored") + answer_sum(json_member(item, "dropped"));
		uint64_t other = answer_count(item, "duplicate") + answer_count(item, "in_memory");
		wrong += hold(what, answer_text(item, name), answer_count(item, "received"), known + other, out);
	}
	return wrong;
}

/* By source is another way to the same sums. */
static unsigned check_sources(const struct json_value *inputs, const struct json_value *sources, FILE *out)
{
	unsigned wrong = hold("stored of all inputs and of all sources", "", sum_over(inputs, "stored", NULL),
	                      sum_over(sources, "stored", NULL), out);
	for (const struct json_value *input = inputs != NULL ? inputs->first : NULL; input != NULL; input = input->next) {
		const struct json_value *dropped = json_member(input, "dropped");
		for (const struct json_value *reason = dropped != NULL ? dropped->first : NULL; reason != NULL;
		     reason = reason->next)
			wrong += hold("dropped by all inputs and of all sources,", reason->name,
			              sum_over(inputs, "dropped", reason->name), sum_over(sources, "dropped", reason->name), out);
	}
	return wrong;
}

static unsigned check_outputs(const struct json_value *outputs, FILE *out)
{
	static const char *const parts[] = {
		"delivered", "filtered", "quarantined", "dropped_oldest", "dropped_by_rule", "damaged", "pending"};
	unsigned wrong = 0;
	for (const struct json_value *output = outputs != NULL ? outputs->first : NULL; output != NULL;
	     output = output->next) {
		uint64_t sum = answer_count(output, "start");
		for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
			sum += answer_count(output, parts[i]);
		wrong += hold("stored, and what became of it at output", answer_text(output, "name"),
		              answer_count(output, "stored"), sum, out);
	}
	return wrong;
}

unsigned ledger_check(const struct json_value *ledger, FILE *out)
{
	const struct json_value *inputs = json_member(ledger, "inputs"), *spool = json_member(ledger, "spool");
	const struct json_value *sources = json_member(ledger, "sources");
	uint64_t stored =
		sum_over(inputs, "stored", NULL) + answer_count(spool, "unattributed") + answer_count(spool, "unused");
	/* What is being synced while we look is counted by inputs already, and not yet stored. */
	uint64_t last = answer_count(spool, "stored"), appended = answer_count(ledger, "appended");
	if (stored > last && stored <= appended)
		last = stored;
	return check_received(inputs, "received, and stored, dropped and in memory", "name", out) +
	       check_received(sources, "received, and stored and dropped", "host", out) +
	       hold("the spool's sequence, and stored of all inputs", "", last, stored, out) +
	       check_sources(inputs, sources, out) + check_outputs(json_member(ledger, "outputs"), out);
}

/* ---- a hop ---- */

static bool is_choice(const struct json_value *item, const char *name)
{
	if (name != NULL)
		return strcmp(answer_text(item, "name"), name) == 0;
	bool internal = strcmp(answer_text(item, "type"), "internal") == 0;
	return !internal && (json_member(item, "configured") == NULL || answer_is(item, "configured"));
}

/* The only item of the list that it may be, or NULL with a sentence. */
static const struct json_value *choose(const struct json_value *ledger, const char *list, const char *option,
                                       const char *name, FILE *errors)
{
	const struct json_value *found = NULL, *items = json_member(ledger, list);
	unsigned count = 0;
	for (const struct json_value *item = items != NULL ? items->first : NULL; item != NULL; item = item->next) {
		if (!is_choice(item, name))
			continue;
		found = item;
		count++;
	}
	if (count == 1)
		return found;
	if (name != NULL)
		fprintf(errors, "relayctl ledger: there is no \"%s\" among the %s\n", name, list);
	else
		fprintf(errors, "relayctl ledger: there are %u %s: say with %s which one it is\n", count, list, option);
	return NULL;
}

/*
 * Rules 25 to 31: what the sender knows that this server (its spool's id) acknowledged of the stream, and what the server
 * counts itself. False if the output sends it no stream.
 */
static bool compare_stream(const struct json_value *from, const struct json_value *to, struct ledger_hop *hop)
{
	const struct json_value *ours = json_member(from, "streams"), *theirs = json_member(to, "streams");
	const struct json_value *sent = answer_find(json_member(ours, "sent"), "output", answer_text(hop->output, "name"));
	const struct json_value *server = answer_find(json_member(sent, "servers"), "spool", answer_text(theirs, "spool"));
	if (server == NULL)
		return false;
	hop->stream = answer_find(json_member(theirs, "received"), "stream", answer_text(sent, "stream"));
	hop->sent = answer_count(server, "records");
	hop->lost = answer_count(hop->stream, "lost");
	hop->received = answer_count(hop->stream, "records") + hop->lost;
	return hop->stream != NULL;
}

bool ledger_compare(const struct json_value *from, const char *output, const struct json_value *to, const char *input,
                    struct ledger_hop *hop, FILE *errors)
{
	*hop = (struct ledger_hop){.output = choose(from, "outputs", "--output", output, errors)};
	if (hop->output == NULL)
		return false;
	bool by_input = input != NULL || !compare_stream(from, to, hop);
	if (by_input) {
		hop->input = choose(to, "inputs", "--input", input, errors);
		if (hop->input == NULL)
			return false;
		hop->sent = answer_count(hop->output, "delivered");
		hop->received = answer_count(hop->input, "received") - answer_count(hop->input, "duplicate");
	}
	hop->unconfirmed = answer_count(hop->output, "pending") + answer_count(hop->output, "resent");
	if (by_input) /* what was passed over may have been on its way; a stream's own count knows */
		hop->unconfirmed += answer_count(hop->output, "dropped_oldest");
	hop->adds_up = hop->sent <= hop->received && hop->received <= hop->sent + hop->unconfirmed;
	return true;
}
