/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two ends of the hop say before and after a drill. Of all messages, what the next relay received is compared by
 * the counters of its input if nobody else sends there, else by the stream of blocks that the output ships, each end by
 * its own count.
 */
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "relayctl/drill.h"

#define LOOK_NS     ((uint64_t)50 * CLOCK_NS_PER_MS) /* between looks at the hop */
#define LOOKS_NS    ((uint64_t)5 * CLOCK_NS_PER_SECOND) /* nor longer, if messages are on their way all the time */

/* ---- the hop in numbers ---- */

/* Both ends of the hop, by the input that it feeds and by its stream of blocks. */
struct hop {
	struct drill_bounds input, stream;
	struct drill_bounds elsewhere; /* delivered otherwise than by the stream */
	struct drill_input next;
	bool has_stream; /* both ends know it */
};

/* One look at both ends. False if one does not answer. */
static bool look_at_hop(struct drill *drill, struct hop *hop)
{
	const struct drill_arguments *arguments = drill->arguments;
	struct drill_output earlier;
	uint64_t shipped_before, shipped_after;
	char error[DRILL_ERROR_MAX_BYTES];
	bool knew = drill_look_stream(arguments->control, arguments->output, drill->next.spool, &shipped_before);
	if (!drill_look_output(arguments->control, arguments->output, &earlier, error) || !receipts_ask(&drill->next) ||
	    !drill_look_input(arguments->next, drill->next.receipt[0].input, &hop->next, error) ||
	    !drill_look_output(arguments->control, arguments->output, &drill->output, error))
		return false;
	/* After what waits: what leaves there in between is counted twice, and never missed. */
	bool knows = drill_look_stream(arguments->control, arguments->output, drill->next.spool, &shipped_after);
	hop->has_stream = knew && knows && drill->next.has_stream;
	hop->input = drill_bounds_of(earlier.sent, hop->next.received, drill->output.sent, drill->output.waiting);
	hop->elsewhere = drill_bounds_of(shipped_before, drill->output.sent, shipped_after, 0);
	hop->stream = drill_bounds_of(shipped_before, drill->next.stream_count, shipped_after, drill->output.waiting);
	return true;
}

/* Whether what can be compared is known exactly. */
static bool is_exact(const struct hop *hop)
{
	bool input = hop->next.connections != 1 || hop->input.low == hop->input.high;
	return input && (!hop->has_stream || hop->stream.low == hop->stream.high);
}

/* Looks until the hop is known exactly, or long enough. */
static bool look_at_hop_well(struct drill *drill, struct hop *hop)
{
	const struct timespec pause = {.tv_nsec = LOOK_NS};
	uint64_t deadline_ns = clock_monotonic_ns() + LOOKS_NS;
	struct hop other;
	if (!look_at_hop(drill, hop))
		return false;
	while (!is_exact(hop) && clock_monotonic_ns() < deadline_ns) {
		nanosleep(&pause, NULL);
		if (!look_at_hop(drill, &other))
			return false;
		drill_bounds_meet(&hop->input, other.input);
		drill_bounds_meet(&hop->stream, other.stream);
		drill_bounds_meet(&hop->elsewhere, other.elsewhere);
		hop->next = other.next;
		hop->has_stream = hop->has_stream && other.has_stream;
	}
	return true;
}

bool drill_note_hop(struct drill *drill)
{
	const struct receipts_output *output = receipts_find_output(&drill->here, drill->arguments->output);
	struct hop hop;
	if (output != NULL)
		memcpy(drill->next_stream, output->stream, sizeof drill->next_stream);
	drill->next.stream = drill->next_stream;
	if (!look_at_hop_well(drill, &hop))
		return false;
	memcpy(drill->next_spool, drill->next.spool, sizeof drill->next_spool);
	drill->hop_before = hop.input;
	drill->stream_before = hop.stream;
	drill->elsewhere_before = hop.elsewhere;
	drill->input_before = hop.next;
	drill->compares_input = hop.next.connections == 1;
	drill->compares_stream = hop.has_stream;
	return true;
}

/* ---- what is to be judged ---- */

/* Nobody else spoke to that input: one connection then and now, and no more new ones than we made. */
static bool input_is_ours(const struct drill *drill, const struct drill_input *now)
{
	uint64_t made = drill->output.connects - drill->before.connects;
	bool restarted = now->connections_total < drill->input_before.connections_total;
	return drill->compares_input && now->connections <= 1 &&
	       (restarted || now->connections_total - drill->input_before.connections_total <= made);
}

static void compare(struct drill_facts *facts, struct drill_bounds before, struct drill_bounds now)
{
	facts->hop = drill_hop_compare(before, now, &facts->hop_difference);
	facts->hop_slack = drill_hop_slack(before, now);
}

static void gather_hop(struct drill *drill, struct drill_facts *facts)
{
	struct hop now;
	uint64_t elsewhere;
	if (!look_at_hop_well(drill, &now))
		return;
	facts->next_replaced = strcmp(drill->next.spool, drill->next_spool) != 0;
	/* Of several servers each is sent what it lacks, also what another one has: only the stream's count is of this one. */
	bool has_stream = drill->compares_stream && now.has_stream && !facts->next_replaced;
	facts->hop_by_stream = !input_is_ours(drill, &now.next) || (has_stream && drill->before.servers > 1);
	if (!facts->hop_by_stream) {
		compare(facts, drill->hop_before, now.input);
	} else if (has_stream) {
		compare(facts, drill->stream_before, now.stream);
		if (drill_hop_compare(drill->elsewhere_before, now.elsewhere, &elsewhere) == DRILL_HOP_MORE)
			facts->elsewhere = elsewhere;
	}
}

/*
 * Whether something may have gone to another server since the cut: all went to the one of before if there was one session,
 * to the same address. Of more than one only the last is known.
 */
static bool may_be_elsewhere(const struct drill *drill)
{
	const struct drill_output *before = &drill->before, *now = &drill->output;
	uint64_t sessions = now->connects - before->connects;
	if (before->servers > 1 && (sessions > 1 || (sessions == 1 && !now->is_connected)))
		return true;
	return sessions > 0 && now->is_connected && strcmp(now->peer, before->peer) != 0;
}

unsigned drill_unstored(const struct drill *drill)
{
	unsigned count = 0;
	for (unsigned i = 0; i < drill->tried; i++)
		count += drill->taken[i] && drill->here.receipt[i].copies == 0;
	return count;
}

static void gather_probes(const struct drill *drill, struct drill_facts *facts)
{
	const struct receipts_output *output = receipts_find_output(&drill->here, drill->arguments->output);
	for (unsigned i = 0; i < drill->count; i++) {
		const struct receipt *here = &drill->here.receipt[i];
		bool there = facts->has_next && drill->next.receipt[i].copies > 0;
		if (here->copies > 0 && !there && output != NULL && output->delivered >= here->sequence)
			facts->missing++;
	}
}

/* What this relay's inputs had no room for, and what the output gave up. */
static void gather_losses(struct drill *drill, struct drill_facts *facts)
{
	const struct drill_arguments *arguments = drill->arguments;
	const struct receipts_output *output = receipts_find_output(&drill->here, arguments->output);
	char error[DRILL_ERROR_MAX_BYTES];
	facts->knows_dropped = drill_look_output(arguments->control, arguments->output, &drill->output, error) &&
	                       drill->output.dropped >= drill->before.dropped;
	if (facts->knows_dropped)
		facts->dropped = drill->output.dropped - drill->before.dropped;
	facts->came_in = drill->output.stored - drill->before.stored;
	facts->put_aside = output != NULL ? output->put_aside : 0;
}

void drill_gather(struct drill *drill, struct drill_facts *facts)
{
	const struct drill_arguments *arguments = drill->arguments;
	char error[DRILL_ERROR_MAX_BYTES];
	*facts = (struct drill_facts){
		.finished = drill->reached_end,
		.drained = drill->drained_ns != 0,
		.confirmed = drill->before.confirmed,
		.tried = drill->tried,
		.sent = drill->sent,
		.has_next = arguments->next != NULL,
	};
	if (facts->has_next)
		gather_hop(drill, facts);
	receipts_ask(&drill->here);
	facts->unstored = drill_unstored(drill);
	facts->stored = drill->here.seen;
	facts->stored_copies = drill->here.copies;
	facts->complete = receipts_are_complete(&drill->here);
	gather_losses(drill, facts);
	facts->other_server = may_be_elsewhere(drill);
	drill_check_ledger(arguments->control, &facts->wrong, error);
	if (facts->has_next) {
		facts->arrived = drill->next.seen;
		facts->arrived_copies = drill->next.copies;
		facts->next_complete = receipts_are_complete(&drill->next);
		drill_check_ledger(arguments->next, &facts->next_wrong, error);
		gather_probes(drill, facts);
	}
}
