/* SPDX-License-Identifier: Apache-2.0 */
#include "relayctl/drill_proof.h"

#include <inttypes.h>
#include <stdarg.h>

enum { CUT_ENDS_EARLY_S = 2 }; /* by less than that, the relay's clock and ours may differ */

struct drill_bounds drill_bounds_of(uint64_t sent_before, uint64_t received, uint64_t sent_after, uint64_t waiting_after)
{
	return (struct drill_bounds){
		.low = (int64_t)received - (int64_t)(sent_after + waiting_after),
		.high = (int64_t)received - (int64_t)sent_before,
	};
}

void drill_bounds_meet(struct drill_bounds *bounds, struct drill_bounds other)
{
	struct drill_bounds met = {
		.low = other.low > bounds->low ? other.low : bounds->low,
		.high = other.high < bounds->high ? other.high : bounds->high,
	};
	if (met.low <= met.high) {
		*bounds = met;
		return;
	}
	bounds->low = other.low < bounds->low ? other.low : bounds->low;
	bounds->high = other.high > bounds->high ? other.high : bounds->high;
}

enum drill_hop drill_hop_compare(struct drill_bounds before, struct drill_bounds after, uint64_t *difference)
{
	*difference = 0;
	if (after.high < before.low) {
		*difference = (uint64_t)(before.low - after.high);
		return DRILL_HOP_LESS;
	}
	if (after.low > before.high) {
		*difference = (uint64_t)(after.low - before.high);
		return DRILL_HOP_MORE;
	}
	return DRILL_HOP_EQUAL;
}

uint64_t drill_hop_slack(struct drill_bounds before, struct drill_bounds after)
{
	int64_t missing = before.high - after.low, doubled = after.high - before.low;
	int64_t most = missing > doubled ? missing : doubled;
	return most > 0 ? (uint64_t)most : 0;
}

enum drill_cut drill_cut_stands(uint64_t cut_s, uint64_t left_s, bool covers, uint64_t covers_s)
{
	if (cut_s == 0 && left_s >= CUT_ENDS_EARLY_S)
		return DRILL_CUT_ENDED;
	return cut_s > 0 && covers && covers_s < left_s ? DRILL_CUT_NO_ROOM : DRILL_CUT_HOLDS;
}

/* ---- the verdict ---- */

struct findings {
	enum drill_verdict worst;
	FILE *out;
};

__attribute__((format(printf, 3, 4))) static void find(struct findings *findings, enum drill_verdict verdict,
                                                       const char *format, ...)
{
	static const char *const words[] = {
		[DRILL_PROVED] = "ok", [DRILL_UNPROVED] = "NOT PROVED", [DRILL_DOUBLED] = "TWICE", [DRILL_LOST] = "LOST"};
	va_list arguments;
	if (verdict > findings->worst)
		findings->worst = verdict;
	if (findings->out == NULL)
		return;
	fprintf(findings->out, "  %-10s  ", words[verdict]);
	va_start(arguments, format);
	vfprintf(findings->out, format, arguments);
	va_end(arguments);
	fputc('\n', findings->out);
}

static void judge_inputs(const struct drill_facts *facts, struct findings *findings)
{
	if (facts->sent < facts->tried)
		find(findings, DRILL_UNPROVED, "%u of %u probes did not go in, or nobody knows whether they did",
		     facts->tried - facts->sent, facts->tried);
	if (facts->unstored > 0 && facts->complete)
		find(findings, DRILL_LOST, "%u of %u probes were lost before this relay stored them, at the input",
		     facts->unstored, facts->sent);
	else if (!facts->complete)
		find(findings, DRILL_UNPROVED, "this relay could not look at all that it stored: was it restarted?");
	else
		find(findings, DRILL_PROVED, "%u of %u probes are stored here", facts->stored, facts->tried);
	if (!facts->knows_dropped)
		find(findings, DRILL_UNPROVED, "this relay does not say what its inputs dropped meanwhile");
	else if (facts->dropped > 0)
		find(findings, DRILL_LOST, "%" PRIu64 " messages were dropped at this relay's inputs meanwhile", facts->dropped);
	else
		find(findings, DRILL_PROVED, "this relay's inputs dropped nothing");
}

static void judge_here(const struct drill_facts *facts, struct findings *findings)
{
	if (!facts->finished)
		find(findings, DRILL_UNPROVED, "the drill did not run to its end");
	judge_inputs(facts, findings);
	if (facts->stored_copies > facts->stored)
		find(findings, DRILL_DOUBLED, "%" PRIu64 " copies of probes came into this relay's own spool",
		     facts->stored_copies - facts->stored);
	if (!facts->drained)
		find(findings, DRILL_UNPROVED, "what was stored meanwhile was not all delivered in time");
	else if (facts->confirmed)
		find(findings, DRILL_PROVED, "the next hop acknowledged all that was stored up to the last probe");
	else if (!facts->has_next)
		find(findings, DRILL_UNPROVED, "this output's transport acknowledges nothing (unconfirmed)");
	if (facts->put_aside > 0)
		find(findings, DRILL_LOST, "the output gave up %" PRIu64 " messages: quarantined, passed over, damaged, "
		     "dropped by a rule, or lost by the next hop", facts->put_aside);
	if (facts->wrong > 0)
		find(findings, DRILL_UNPROVED, "%u sums of this relay's ledger do not add up (relayctl ledger)", facts->wrong);
	else
		find(findings, DRILL_PROVED, "this relay's ledger adds up");
}

static void judge_equal_hop(const struct drill_facts *facts, struct findings *findings)
{
	const char *all = facts->hop_by_stream ? "of all messages that went in blocks" : "of all messages";
	if (facts->hop_by_stream && facts->elsewhere > 0)
		find(findings, DRILL_UNPROVED, "%" PRIu64 " messages were delivered to another server, or one by one: where blocks "
		     "are compared they do not count", facts->elsewhere);
	if (facts->hop_slack == 0)
		find(findings, DRILL_PROVED, "%s, the next relay received what this one sent", all);
	else if (facts->hop_slack <= facts->came_in / 100 * DRILL_SLACK_MAX_PERCENT)
		find(findings, DRILL_PROVED, "%s, the next relay received what this one sent, to within %" PRIu64, all,
		     facts->hop_slack);
	else
		find(findings, DRILL_UNPROVED, "%s, the next relay received what this one sent only to within %" PRIu64 ": too "
		     "much was on its way to say more", all, facts->hop_slack);
}

/* What is acknowledged and not at the next relay is lost, unless another server may have acknowledged it. */
static enum drill_verdict verdict_on_missing(const struct drill_facts *facts)
{
	return facts->other_server ? DRILL_UNPROVED : DRILL_LOST;
}

static void judge_hop(const struct drill_facts *facts, struct findings *findings)
{
	switch (facts->hop) {
	case DRILL_HOP_EQUAL:
		judge_equal_hop(facts, findings);
		return;
	case DRILL_HOP_LESS:
		find(findings, verdict_on_missing(facts), "of all messages, %" PRIu64 " that were acknowledged are missing at the "
		     "next relay", facts->hop_difference);
		return;
	case DRILL_HOP_MORE:
		find(findings, DRILL_DOUBLED, "of all messages, %" PRIu64 " more came to the next relay than were sent%s",
		     facts->hop_difference,
		     facts->other_server ? ": perhaps what was on its way at the cut, which another server got too" : "");
		return;
	case DRILL_HOP_UNKNOWN:
		find(findings, DRILL_UNPROVED, "the next relay's input has other senders, and no stream of blocks that both ends "
		     "count, so only the probes are compared");
		return;
	}
}

static void judge_next(const struct drill_facts *facts, struct findings *findings)
{
	if (facts->other_server)
		find(findings, DRILL_UNPROVED, "the output may have delivered to another server meanwhile: what is not at the next "
		     "relay may be there");
	if (facts->missing > 0 && facts->next_complete)
		find(findings, verdict_on_missing(facts), "%u probes were delivered and are not at the next relay", facts->missing);
	else if (!facts->next_complete)
		find(findings, DRILL_UNPROVED, "%u of %u probes are at the next relay, which was restarted or could not look at "
		     "all that it stored", facts->arrived, facts->stored);
	else if (facts->arrived < facts->stored)
		find(findings, DRILL_UNPROVED, "%u of %u probes are at the next relay by now", facts->arrived, facts->stored);
	else
		find(findings, DRILL_PROVED, "%u of %u probes are at the next relay", facts->arrived, facts->stored);
	if (facts->arrived_copies > facts->arrived)
		find(findings, DRILL_DOUBLED, "%" PRIu64 " copies of probes are there too many",
		     facts->arrived_copies - facts->arrived);
	else if (facts->next_complete)
		find(findings, DRILL_PROVED, "none of them is there twice");
	if (facts->next_wrong > 0)
		find(findings, DRILL_UNPROVED, "%u sums of the next relay's ledger do not add up (relayctl ledger)",
		     facts->next_wrong);
	else
		find(findings, DRILL_PROVED, "the next relay's ledger adds up");
	if (facts->next_replaced)
		find(findings, DRILL_LOST, "the next relay has another spool than before: what it had stored is gone");
	judge_hop(facts, findings);
}

enum drill_verdict drill_judge(const struct drill_facts *facts, FILE *out)
{
	struct findings findings = {DRILL_PROVED, out};
	judge_here(facts, &findings);
	if (facts->has_next)
		judge_next(facts, &findings);
	else
		find(&findings, DRILL_UNPROVED, "whether something came twice only the next relay knows: name it with --next");
	return findings.worst;
}
