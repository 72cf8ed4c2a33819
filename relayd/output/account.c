/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two rings with their oldest element first. Runs are found by binary search over their ends; in the usual case, in which
 * each is one message, at the first look.
 */
#include "output/account.h"

#include <assert.h>
#include <stdlib.h>

bool account_open(struct account *account, enum account_kind kind, size_t pending_max, uint64_t delivered,
                  const struct spool_output_totals *totals)
{
	assert(pending_max > 0);
	*account = (struct account){
		.kind = kind,
		.runs_max = 2 * pending_max + 2, /* something settled before, between and behind all that is pending */
		.blocks_max = pending_max + 2,
		.pending_max = pending_max,
		.delivered = delivered,
		.reported = delivered,
		.last = delivered,
		.totals = *totals,
	};
	account->runs = calloc(account->runs_max, sizeof *account->runs);
	account->blocks = calloc(account->blocks_max, sizeof *account->blocks);
	account->dropped = calloc(account->runs_max, sizeof *account->dropped);
	if (account->runs != NULL && account->blocks != NULL && account->dropped != NULL)
		return true;
	account_close(account);
	return false;
}

void account_close(struct account *account)
{
	free(account->runs);
	free(account->blocks);
	free(account->dropped);
	*account = (struct account){0};
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static struct account_run *run_at(const struct account *account, size_t index)
{
	assert(index < account->runs_count);
	size_t at = account->runs_first + index;
	return &account->runs[at < account->runs_max ? at : at - account->runs_max];
}

/* What rules left out of the shipment of that run. */
static struct account_left_out *dropped_of(const struct account *account, const struct account_run *run)
{
	return &account->dropped[run - account->runs];
}

static struct spool_view *block_at(const struct account *account, size_t index)
{
	assert(index < account->blocks_count);
	size_t at = account->blocks_first + index;
	return &account->blocks[at < account->blocks_max ? at : at - account->blocks_max];
}

static void drop_first_run(struct account *account)
{
	account->runs_first = account->runs_first + 1 < account->runs_max ? account->runs_first + 1 : 0;
	account->runs_count--;
}

static void drop_first_block(struct account *account)
{
	account->blocks_first = account->blocks_first + 1 < account->blocks_max ? account->blocks_first + 1 : 0;
	account->blocks_count--;
}

/* For two runs, of which one may be pending, and a block. */
static bool has_new_room(const struct account *account)
{
	return account->runs_count + 2 <= account->runs_max && account->blocks_count < account->blocks_max &&
	       account->pending < account->pending_max;
}

bool account_has_room(const struct account *account)
{
	return account->lost > 0 || has_new_room(account); /* what is sent again has its place already */
}

static bool knows_block(const struct account *account, const struct spool_view *view)
{
	return account->blocks_count > 0 && block_at(account, account->blocks_count - 1)->first >= view->first;
}

bool account_has_room_for(const struct account *account, const struct spool_view *view)
{
	return knows_block(account, view) || has_new_room(account);
}

void account_note_block(struct account *account, const struct spool_view *view)
{
	if (knows_block(account, view))
		return; /* read again to send what was lost */
	assert(account->blocks_count < account->blocks_max);
	account->blocks_count++;
	struct spool_view *block = block_at(account, account->blocks_count - 1);
	*block = *view;
	block->records = (struct bytes){0};
}

void account_note(struct account *account, uint64_t sequence, enum outcome outcome)
{
	assert(sequence > account->last && outcome != OUTCOME_LOST);
	bool alone = account->kind == ACCOUNT_EACH && outcome == OUTCOME_PENDING;
	assert(!alone || sequence == account->last + 1);
	account->last = sequence;
	if (!alone && account->runs_count > 0) {
		struct account_run *newest = run_at(account, account->runs_count - 1);
		if (newest->outcome == outcome) {
			newest->last = sequence;
			return;
		}
	}
	assert(account->runs_count < account->runs_max);
	account->runs_count++;
	*run_at(account, account->runs_count - 1) = (struct account_run){.last = sequence, .outcome = outcome};
	if (outcome == OUTCOME_PENDING)
		account->pending++;
}

void account_note_dropped(struct account *account, uint64_t sequence, unsigned rule)
{
	assert(sequence > account->last && rule < SPOOL_DROP_RULES_MAX);
	account->last = sequence;
	struct account_run *newest = account->runs_count > 0 ? run_at(account, account->runs_count - 1) : NULL;
	if (newest != NULL && newest->outcome == OUTCOME_DROPPED && newest->rule == rule) {
		newest->last = sequence;
		return;
	}
	assert(account->runs_count < account->runs_max);
	account->runs_count++;
	*run_at(account, account->runs_count - 1) =
		(struct account_run){.last = sequence, .outcome = OUTCOME_DROPPED, .rule = rule};
}

static uint64_t sum_of_dropped(const struct account_left_out *left_out)
{
	uint64_t sum = 0;
	for (unsigned rule = 0; rule < SPOOL_DROP_RULES_MAX; rule++)
		sum += left_out->dropped[rule];
	return sum;
}

void account_note_shipment(struct account *account, uint64_t sequence, const struct account_left_out *left_out)
{
	uint64_t dropped = sum_of_dropped(left_out);
	assert(sequence > account->last && left_out->filtered + dropped <= sequence - account->last);
	assert(account->runs_count < account->runs_max);
	account->last = sequence;
	account->runs_count++;
	struct account_run *run = run_at(account, account->runs_count - 1);
	*run = (struct account_run){
		.last = sequence, .filtered = left_out->filtered, .outcome = OUTCOME_PENDING, .has_dropped = dropped > 0};
	if (dropped > 0)
		*dropped_of(account, run) = *left_out;
	account->pending++;
}

void account_note_checksum(struct account *account, uint64_t checksum)
{
	assert(account->blocks_count > 0);
	block_at(account, account->blocks_count - 1)->payload_checksum = checksum;
}

/* The run that holds the sequence; NULL if it is not behind `delivered` or not noted yet. */
static struct account_run *run_of(const struct account *account, uint64_t sequence)
{
	if (sequence <= account->delivered || sequence > account->last)
		return NULL;
	/* No run is empty; where all are of one sequence, the last one it can be is the one. */
	size_t low = 0, high = (size_t)(least(sequence - account->delivered, account->runs_count) - 1);
	if (run_at(account, high)->last == sequence)
		return run_at(account, high);
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (run_at(account, middle)->last < sequence)
			low = middle + 1;
		else
			high = middle;
	}
	return run_at(account, low);
}

enum outcome account_find(const struct account *account, uint64_t sequence)
{
	const struct account_run *run = run_of(account, sequence);
	assert(run != NULL);
	return run->outcome;
}

static bool change(struct account *account, uint64_t sequence, enum outcome from, enum outcome to)
{
	assert(account->kind == ACCOUNT_EACH);
	struct account_run *run = run_of(account, sequence);
	if (run == NULL || run->outcome != from)
		return false;
	assert(run->last == sequence);
	run->outcome = to;
	return true;
}

bool account_settle(struct account *account, uint64_t sequence)
{
	if (!change(account, sequence, OUTCOME_PENDING, OUTCOME_DELIVERED))
		return false;
	account->pending--;
	return true;
}

bool account_lose(struct account *account, uint64_t sequence)
{
	if (!change(account, sequence, OUTCOME_PENDING, OUTCOME_LOST))
		return false;
	account->pending--;
	account->lost++;
	return true;
}

void account_send_again(struct account *account, uint64_t sequence)
{
	bool was_lost = change(account, sequence, OUTCOME_LOST, OUTCOME_PENDING);
	assert(was_lost);
	(void)was_lost;
	account->lost--;
	account->pending++;
}

void account_quarantine(struct account *account, uint64_t sequence)
{
	bool was_lost = change(account, sequence, OUTCOME_LOST, OUTCOME_QUARANTINED);
	assert(was_lost);
	(void)was_lost;
	account->lost--;
}

void account_drop_lost(struct account *account, uint64_t sequence, unsigned rule)
{
	assert(rule < SPOOL_DROP_RULES_MAX);
	bool was_lost = change(account, sequence, OUTCOME_LOST, OUTCOME_DROPPED);
	assert(was_lost);
	(void)was_lost;
	run_of(account, sequence)->rule = rule;
	account->lost--;
}

void account_damage_lost(struct account *account, uint64_t first, uint64_t last)
{
	for (size_t i = 0; account->lost > 0 && i < account->runs_count; i++) {
		struct account_run *run = run_at(account, i);
		if (run->outcome != OUTCOME_LOST || run->last < first || run->last > last)
			continue;
		run->outcome = OUTCOME_DAMAGED;
		account->lost--;
	}
}

void account_set_rule(struct account *account, unsigned rule, uint64_t id)
{
	assert(rule < SPOOL_DROP_RULES_MAX);
	struct spool_drop_count *count = &account->totals.rule[rule];
	if (count->id != id)
		*count = (struct spool_drop_count){.id = id};
}

uint64_t account_first_lost(const struct account *account)
{
	if (account->lost == 0)
		return 0;
	for (size_t i = 0; i < account->runs_count; i++)
		if (run_at(account, i)->outcome == OUTCOME_LOST)
			return run_at(account, i)->last;
	assert(!"a lost sequence has its run");
	return 0;
}

static void count_dropped(struct spool_output_totals *totals, unsigned rule, uint64_t sequences)
{
	totals->dropped_by_rule += sequences;
	totals->rule[rule].dropped += sequences;
}

/* So many sequences of the run had this outcome. */
static void count(struct spool_output_totals *totals, const struct account_run *run, enum outcome outcome,
                  uint64_t sequences)
{
	switch (outcome) {
	case OUTCOME_DELIVERED:
		totals->delivered += sequences;
		return;
	case OUTCOME_FILTERED:
		totals->filtered += sequences;
		return;
	case OUTCOME_DAMAGED:
		totals->damaged += sequences;
		return;
	case OUTCOME_QUARANTINED:
		totals->quarantined += sequences;
		return;
	case OUTCOME_DROPPED:
		count_dropped(totals, run->rule, sequences);
		return;
	case OUTCOME_PENDING:
	case OUTCOME_LOST:
		assert(!"only what is settled is counted");
	}
}

/* What was left out of a shipment, of which `sequences` are to be counted; how many of them were not. */
static uint64_t count_left_out(struct account *account, const struct account_run *run, uint64_t sequences)
{
	struct spool_output_totals *totals = &account->totals;
	uint64_t filtered = least(run->filtered, sequences);
	totals->filtered += filtered;
	sequences -= filtered;
	for (unsigned rule = 0; run->has_dropped && rule < SPOOL_DROP_RULES_MAX; rule++) {
		uint64_t dropped = least(dropped_of(account, run)->dropped[rule], sequences);
		count_dropped(totals, rule, dropped);
		sequences -= dropped;
	}
	return sequences;
}

/* The run is settled; all but its last `sequences` were counted before, by a jump. */
static void count_run(struct account *account, const struct account_run *run, uint64_t sequences)
{
	if (run->filtered > 0 || run->has_dropped)
		sequences = count_left_out(account, run, sequences);
	count(&account->totals, run, run->outcome, sequences);
}

void account_settle_through(struct account *account, uint64_t sequence)
{
	assert(account->kind == ACCOUNT_THROUGH && sequence <= account->last);
	while (account->runs_count > 0 && account->delivered < sequence) {
		struct account_run *run = run_at(account, 0);
		uint64_t end = run->last < sequence ? run->last : sequence;
		enum outcome outcome = run->outcome == OUTCOME_PENDING ? OUTCOME_DELIVERED : run->outcome;
		count(&account->totals, run, outcome, end - account->delivered);
		account->delivered = end;
		if (end < run->last)
			return;
		account->pending -= run->outcome == OUTCOME_PENDING;
		drop_first_run(account);
	}
}

void account_rewind(struct account *account)
{
	account->runs_count = 0;
	account->blocks_count = 0;
	account->pending = 0;
	account->lost = 0;
	account->last = account->delivered;
}

void account_drop(struct account *account, uint64_t last, const struct spool_output_totals *totals)
{
	assert(last >= account->delivered);
	account->totals = *totals;
	account->delivered = last;
	while (account->runs_count > 0 && run_at(account, 0)->last <= last) {
		account->pending -= run_at(account, 0)->outcome == OUTCOME_PENDING;
		account->lost -= run_at(account, 0)->outcome == OUTCOME_LOST;
		drop_first_run(account);
	}
	if (account->last < last)
		account->last = last;
}

/* The view of the block that holds `delivered`; blocks wholly before it are forgotten. */
static void find_block(struct account *account, struct spool_view *view)
{
	while (account->blocks_count > 0 && block_at(account, 0)->last < account->delivered)
		drop_first_block(account);
	*view = (struct spool_view){0};
	if (account->blocks_count > 0 && block_at(account, 0)->first <= account->delivered)
		*view = *block_at(account, 0);
}

bool account_advance(struct account *account, struct spool_view *view)
{
	while (account->runs_count > 0 && run_at(account, 0)->outcome >= OUTCOME_DELIVERED) {
		struct account_run *run = run_at(account, 0);
		count_run(account, run, run->last - account->delivered);
		account->delivered = run->last;
		drop_first_run(account);
	}
	if (account->delivered == account->reported)
		return false;
	account->reported = account->delivered;
	find_block(account, view);
	return true;
}

void account_check(const struct account *account)
{
	uint64_t before = account->delivered;
	size_t pending = 0, lost = 0;
	for (size_t i = 0; i < account->runs_count; i++) {
		const struct account_run *run = run_at(account, i);
		assert(run->last > before);
		before = run->last;
		pending += run->outcome == OUTCOME_PENDING;
		lost += run->outcome == OUTCOME_LOST;
	}
	assert(before == account->last);
	assert(pending == account->pending && lost == account->lost);
	assert(account->kind == ACCOUNT_EACH || lost == 0);
}
