/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two ends of the hop say before and after a drill. Of all messages, what the next relay received is compared by
 * the counters of its input if nobody else sends there, else by its mark of the stream of blocks that the output ships.
 */
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "relayctl/drill.h"

#define SETTLE_NS ((uint64_t)200 * CLOCK_NS_PER_MS) /* between looks at the hop */
enum { HOP_LOOKS = 5 };

/* ---- the hop in numbers ---- */

/* One look at both ends. False if one does not answer. */
static bool look_at_hop(struct drill *drill, struct drill_bounds *input, struct drill_bounds *stream,
                        struct drill_input *next)
{
	const struct drill_arguments *arguments = drill->arguments;
	struct drill_output earlier;
	char error[DRILL_ERROR_MAX_BYTES];
	if (!drill_look_output(arguments->control, arguments->output, &earlier, error) || !receipts_ask(&drill->next) ||
	    !drill_look_input(arguments->next, drill->next.receipt[0].input, next, error) ||
	    !drill_look_output(arguments->control, arguments->output, &drill->output, error))
		return false;
	*input = drill_bounds_of(earlier.sent, next->received, drill->output.sent, drill->output.waiting);
	*stream = drill_bounds_of(earlier.sent, drill->next.stream_count, drill->output.sent, drill->output.waiting);
	return true;
}

/* Several looks together. */
static bool look_at_hop_well(struct drill *drill, struct drill_bounds *input, struct drill_bounds *stream,
                             struct drill_input *next)
{
	const struct timespec pause = {.tv_nsec = SETTLE_NS};
	struct drill_bounds one, other;
	for (unsigned i = 0; i < HOP_LOOKS; i++) {
		if (!look_at_hop(drill, &one, &other, next))
			return false;
		if (i == 0) {
			*input = one;
			*stream = other;
		} else {
			drill_bounds_meet(input, one);
			drill_bounds_meet(stream, other);
		}
		nanosleep(&pause, NULL);
	}
	return true;
}

bool drill_note_hop(struct drill *drill)
{
	const struct receipts_output *output = receipts_find_output(&drill->here, drill->arguments->output);
	if (output != NULL)
		memcpy(drill->next_stream, output->stream, sizeof drill->next_stream);
	drill->next.stream = drill->next_stream;
	if (!look_at_hop_well(drill, &drill->hop_before, &drill->stream_before, &drill->input_before))
		return false;
	memcpy(drill->next_spool, drill->next.spool, sizeof drill->next_spool);
	drill->compares_input = drill->input_before.connections == 1;
	drill->compares_stream = drill->next.has_stream;
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

static void gather_hop(struct drill *drill, struct drill_facts *facts)
{
	struct drill_bounds input, stream;
	struct drill_input now;
	if (!look_at_hop_well(drill, &input, &stream, &now))
		return;
	if (input_is_ours(drill, &now))
		facts->hop = drill_hop_compare(drill->hop_before, input, &facts->hop_difference);
	else if (drill->compares_stream && drill->next.has_stream)
		facts->hop = drill_hop_compare(drill->stream_before, stream, &facts->hop_difference);
	facts->next_replaced = strcmp(drill->next.spool, drill->next_spool) != 0;
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
		.sent = drill->sent,
		.has_next = arguments->next != NULL,
	};
	if (facts->has_next)
		gather_hop(drill, facts);
	receipts_ask(&drill->here);
	facts->stored = drill->here.seen;
	facts->stored_copies = drill->here.copies;
	facts->complete = receipts_are_complete(&drill->here);
	drill_check_ledger(arguments->control, &facts->wrong, error);
	if (facts->has_next) {
		facts->arrived = drill->next.seen;
		facts->arrived_copies = drill->next.copies;
		facts->next_complete = receipts_are_complete(&drill->next);
		drill_check_ledger(arguments->next, &facts->next_wrong, error);
		gather_probes(drill, facts);
	}
}
