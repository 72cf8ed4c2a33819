/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record is read in three steps that may each be the last for a while: a block is lent by the reader; a record is cut off
 * it, unpacked, filtered and encoded; the encoded message waits in `message` until the transport takes it. So nothing is
 * encoded twice because a window is full, and nothing is encoded before the transport had room for what was before it: one
 * message, or a run. Of most records nothing is asked: of these, a whole run goes through each step at once, if the
 * transport takes runs.
 *
 *     account.last + 1 == sequence of the first that waits, unless it is one that was lost and is sent again
 */
#include "output/sender_internal.h"

#include <stdlib.h>

#include "base/clock.h"

enum { SENDER_TURN_RECORDS = 2048 }; /* looked at in one turn of the loop */

#define SENDER_RETRY_NS ((uint64_t)1 * CLOCK_NS_PER_SECOND) /* for want of memory, and after a first read error */
#define SENDER_READ_RETRY_MAX_NS ((uint64_t)30 * CLOCK_NS_PER_SECOND) /* doubling from there */

static void on_wake(void *context)
{
	sender_resume(context);
}

static void wake(void *context)
{
	waker_wake(context);
}

struct sender *sender_open(struct output *output, enum account_kind kind, size_t pending_max,
                           enum encoder_format format, const struct sender_transport *transport)
{
	struct sender *sender = calloc(1, sizeof *sender);
	if (sender == NULL)
		return NULL;
	assert(transport->send_run == NULL || kind == ACCOUNT_THROUGH);
	const struct output_setup *setup = &output->setup;
	uint64_t delivered = spool_cursor_delivered(setup->cursor);
	struct spool_output_totals totals;
	spool_cursor_totals(setup->cursor, &totals);
	char error[FILTER_ERROR_MAX_BYTES];
	sender->output = output;
	sender->transport = *transport;
	encoder_init(&sender->encoder, format, output->common->stamp, setup->spool);
	if (!filter_compile(&sender->filter, &output->common->filter, setup->spool, error) ||
	    !account_open(&sender->account, kind, pending_max, delivered, &totals))
		goto fail;
	drop_rules_init(&sender->rules, setup, output->common->name);
	sender->reader = spool_reader_open(setup->spool, delivered + 1);
	sender->waker = waker_open(setup->worker, on_wake, sender);
	sender->retry = timer_open(setup->worker, on_wake, sender);
	sender->shipment = shipment_open();
	if (sender->shipment != NULL && sender->reader != NULL && sender->waker != NULL && sender->retry != NULL) {
		spool_reader_watch_drops(sender->reader, wake, sender->waker);
		return sender;
	}
fail:
	sender_close(&sender);
	return NULL;
}

void sender_close(struct sender **closing)
{
	struct sender *sender = *closing;
	if (sender == NULL)
		return;
	*closing = NULL;
	/* The reader first: it may still ask the waker. */
	if (sender->reader != NULL)
		spool_reader_close(&sender->reader);
	if (sender->waker != NULL)
		waker_close(&sender->waker);
	timer_close(&sender->retry);
	account_close(&sender->account);
	shipment_close(&sender->shipment);
	drop_rules_free(&sender->rules);
	filter_free(&sender->filter);
	encoder_free(&sender->encoder);
	free(sender);
}

static bool ships_blocks(const struct sender *sender)
{
	const struct sender_transport *transport = &sender->transport;
	return transport->ships_blocks != NULL && transport->ships_blocks(transport->context);
}

bool sender_leaves_packed(const struct sender *sender, uint64_t sequence)
{
	const struct drop_scope all = {.newest = UINT64_MAX};
	return !sender->filter.active && !drop_rules_reach(&sender->rules, &all, sequence, UINT64_MAX);
}

void sender_go_to(struct sender *sender, uint64_t sequence)
{
	sender->has_block = false;
	sender->waiting = 0;
	sender->has_shipment = false;
	sender->ship_from = sequence;
	spool_reader_leave_packed(sender->reader, ships_blocks(sender) && sender_leaves_packed(sender, sequence));
	spool_reader_seek(sender->reader, sequence);
}

/* To the first sequence that is still to be sent. */
static void go_back(struct sender *sender)
{
	uint64_t lost = account_first_lost(&sender->account);
	sender_go_to(sender, lost > 0 ? lost : sender->account.last + 1);
	sender->lost_some = false;
}

/* Counts belong to rules that are there. */
static void count_by_rules(struct sender *sender)
{
	for (unsigned i = 0; i < sender->rules.count; i++)
		account_set_rule(&sender->account, sender->rules.rule[i]->place, sender->rules.rule[i]->id);
}

bool sender_take_rules(struct sender *sender)
{
	if (!drop_rules_are_stale(&sender->rules))
		return true;
	if (!drop_rules_refresh(&sender->rules, sender->shipped_to)) {
		sender_retry_later(sender);
		return false;
	}
	count_by_rules(sender);
	if (ships_blocks(sender))
		sender_go_to(sender, sender->ship_from);
	else
		go_back(sender);
	return true;
}

/* Rule 11: the cursor may have been moved while we were behind. */
static bool follow_jump(struct sender *sender)
{
	uint64_t first, last;
	if (!spool_cursor_jumped(sender->output->setup.cursor, &first, &last))
		return false;
	struct spool_output_totals totals;
	spool_cursor_totals(sender->output->setup.cursor, &totals);
	account_drop(&sender->account, last, &totals);
	count_by_rules(sender);
	if (sender->transport.passed_over != NULL)
		sender->transport.passed_over(sender->transport.context, last);
	output_trouble(sender->output, "output_passed_over",
	               "the output was behind: messages %llu to %llu were passed over (when_behind is drop_oldest)",
	               (unsigned long long)first, (unsigned long long)last);
	go_back(sender);
	return true;
}

static enum step begin_block(struct sender *sender)
{
	const struct spool_view *block = &sender->block;
	bool has_gap = block->first > sender->account.last + 1;
	if (has_gap && follow_jump(sender))
		return STEP_ON; /* the keeper moved the cursor and gave the segment back while we were about to read it */
	if (!account_has_room_for(&sender->account, block)) {
		sender->has_block = false;
		spool_reader_seek(sender->reader, block->first);
		return STEP_FULL;
	}
	/* What is missing is reported as damage; a gap that was not reported are sequences that were never used. */
	if (has_gap)
		account_note(&sender->account, block->first - 1, OUTCOME_FILTERED);
	account_note_block(&sender->account, block);
	sender->has_block = true;
	sender->rest = block->records;
	sender->next = block->first;
	envelope_context_start(&sender->unpacking, block->base_ns);
	return STEP_ON;
}

enum step sender_note_damage(struct sender *sender, uint64_t first, uint64_t last)
{
	size_t lost = sender->account.lost;
	account_damage_lost(&sender->account, first, last);
	if (last > sender->account.last)
		account_note(&sender->account, last, OUTCOME_DAMAGED);
	else if (sender->account.lost == lost)
		return STEP_ON;
	output_trouble(sender->output, "output_damaged",
	               "messages %llu to %llu cannot be read from the spool: they are counted as damaged",
	               (unsigned long long)first, (unsigned long long)last);
	return STEP_ON;
}

enum step sender_retry_later(struct sender *sender)
{
	timer_set(sender->retry, SENDER_RETRY_NS);
	return STEP_RETRY;
}

static void end_read_trouble(struct sender *sender)
{
	if (sender->read_retry_ns == 0)
		return;
	sender->read_retry_ns = 0;
	atomic_store(&sender->output->unreadable, false);
	output_well(sender->output);
}

/*
 * An I/O error is no damage: the octets may be back when the disk, or the way to it, is. To pass over them would be a loss
 * that nobody decided on; so the output holds, says so, and tries again.
 */
static enum step read_again_later(struct sender *sender)
{
	uint64_t wait_ns = sender->read_retry_ns == 0 ? SENDER_RETRY_NS : 2 * sender->read_retry_ns;
	sender->read_retry_ns = wait_ns < SENDER_READ_RETRY_MAX_NS ? wait_ns : SENDER_READ_RETRY_MAX_NS;
	atomic_store(&sender->output->unreadable, true);
	output_trouble(sender->output, "output_read_failed", "the spool cannot be read, trying again in %u s: %s",
	               (unsigned)(sender->read_retry_ns / CLOCK_NS_PER_SECOND), spool_reader_error(sender->reader));
	timer_set(sender->retry, sender->read_retry_ns);
	return STEP_RETRY;
}

static enum step next_block(struct sender *sender)
{
	/* Whatever else happens meanwhile: the wait is one. */
	if (sender->read_retry_ns > 0 && timer_is_set(sender->retry))
		return STEP_RETRY;
	enum spool_read_result result = spool_read(sender->reader, &sender->block);
	if (result == SPOOL_READ_FAILED)
		return read_again_later(sender);
	end_read_trouble(sender);
	switch (result) {
	case SPOOL_READ_BLOCK:
		return begin_block(sender);
	case SPOOL_READ_CAUGHT_UP:
		return spool_reader_wait(sender->reader, wake, sender->waker) ? STEP_CAUGHT_UP : STEP_ON;
	case SPOOL_READ_DAMAGE:
		return sender_note_damage(sender, sender->block.first, sender->block.last);
	case SPOOL_READ_FAILED:
		break;
	}
	assert(!"a read that failed was dealt with");
	return STEP_RETRY;
}

/* Whether this sequence is still to be sent: behind all that is noted, or noted as lost. */
static bool is_wanted(const struct sender *sender, uint64_t sequence)
{
	const struct account *account = &sender->account;
	return sequence > account->last ||
	       (sequence > account->delivered && account->lost > 0 && account_find(account, sequence) == OUTCOME_LOST);
}

static enum step take_encoded(struct sender *sender, uint64_t sequence, enum encoder_result result)
{
	switch (result) {
	case ENCODER_DONE:
		sender->waiting = 1;
		sender->sequence = sequence;
		return STEP_ON;
	case ENCODER_TOO_LONG:
		return sender_note_damage(sender, sequence, sequence);
	case ENCODER_NO_MEMORY:
		break;
	}
	sender_go_to(sender, sequence);
	return sender_retry_later(sender);
}

static const struct drop_rule *rule_for(const struct sender *sender, uint64_t sequence, const struct envelope *envelope)
{
	static const struct drop_scope all = {.newest = UINT64_MAX};
	return sender->rules.count > 0 ? drop_rules_find(&sender->rules, &all, sequence, envelope) : NULL;
}

static enum step drop_record(struct sender *sender, uint64_t sequence, const struct drop_rule *rule)
{
	const struct sender_transport *transport = &sender->transport;
	if (sequence > sender->account.last)
		account_note_dropped(&sender->account, sequence, rule->place);
	else
		account_drop_lost(&sender->account, sequence, rule->place);
	if (transport->not_wanted != NULL)
		transport->not_wanted(transport->context, sequence);
	return STEP_ON;
}

/* Whether nothing is asked of a record but to be sent: none was sent before, for those may go into quarantine. */
static bool asks_nothing(const struct sender *sender, uint64_t sequence)
{
	return sequence > sender->account.last && !sender->filter.active && sender->rules.count == 0;
}

/* Makes a message of the record if that asks for no more than a run gives. */
static bool add_to_run(struct sender *sender, struct bytes record, struct bytes *message)
{
	struct bytes raw;
	if (record.len > ENCODER_MESSAGE_MAX_BYTES)
		return false;
	if (envelope_skim(&sender->unpacking, record, sender->encoder.as_received, &raw)) {
		*message = encoder_pass_on(&sender->encoder, raw);
		return true;
	}
	if (!encoder_run_takes(&sender->encoder, record.len))
		return false;
	unsigned peers = sender->unpacking.peers;
	if (!envelope_unpack(&sender->unpacking, record, &sender->envelope)) {
		sender->unpacking.peers = peers; /* it is unpacked again, to be counted: its peer has one place */
		return false;
	}
	encoder_run_add(&sender->encoder, &sender->envelope, message);
	return true;
}

/* Takes a run of records off the block. False: the next one has to be looked at by itself. */
__attribute__((noinline)) static bool next_run(struct sender *sender)
{
	unsigned max = sender->transport.send_run != NULL ? SENDER_RUN_MAX : 1, count = 0;
	struct bytes rest = sender->rest, record;
	if (!asks_nothing(sender, sender->next))
		return false;
	encoder_start_run(&sender->encoder);
	while (count < max && spool_record_next(&rest, &record) &&
	       add_to_run(sender, record, &sender->message[count])) {
		sender->rest = rest;
		count++;
	}
	sender->waiting = count;
	sender->sequence = sender->next;
	sender->next += count;
	return count > 0;
}

/* Takes the next record off the block. */
static enum step next_record(struct sender *sender)
{
	struct bytes record;
	struct envelope *envelope = &sender->envelope;
	uint64_t sequence = sender->next;
	if (!spool_record_next(&sender->rest, &record)) {
		sender->has_block = false;
		if (sequence <= sender->block.last)
			return sender_note_damage(sender, sequence, sender->block.last);
		return STEP_ON;
	}
	sender->next++;
	bool readable = envelope_unpack(&sender->unpacking, record, envelope);
	envelope->input = (uint16_t)sender->block.input; /* in another relay's block it is one of that relay's */
	if (!is_wanted(sender, sequence))
		return STEP_ON;
	if (!readable)
		return sender_note_damage(sender, sequence, sequence);
	if (!filter_passes(&sender->filter, envelope)) {
		account_note(&sender->account, sequence, OUTCOME_FILTERED);
		return STEP_ON;
	}
	const struct drop_rule *rule = rule_for(sender, sequence, envelope);
	if (rule != NULL)
		return drop_record(sender, sequence, rule);
	return take_encoded(sender, sequence, encoder_encode(&sender->encoder, envelope, &sender->message[0]));
}

/* Only what has been sent before is ever refused, so that the sequence is noted already: as lost. */
static bool put_into_quarantine(struct sender *sender)
{
	const struct sender_transport *transport = &sender->transport;
	if (transport->quarantine == NULL || sender->sequence > sender->account.last ||
	    !transport->quarantine(transport->context, sender->sequence, &sender->envelope))
		return false;
	account_quarantine(&sender->account, sender->sequence);
	sender->waiting = 0;
	return true;
}

/* Gives what waits to the transport; returns how many of it were taken. */
static unsigned give(struct sender *sender)
{
	const struct sender_transport *transport = &sender->transport;
	if (transport->send_run != NULL)
		return transport->send_run(transport->context, sender->sequence, sender->message, sender->waiting);
	return transport->send(transport->context, sender->sequence, sender->message[0]) ? 1 : 0;
}

/* Only this thread writes both. */
static void count_sent(struct output *output, uint64_t first, uint64_t last)
{
	uint64_t before = atomic_load_explicit(&output->sent, memory_order_relaxed);
	if (last > before)
		atomic_store_explicit(&output->sent, last, memory_order_relaxed);
	if (first <= before)
		atomic_fetch_add_explicit(&output->resent, (last < before ? last : before) - first + 1, memory_order_relaxed);
}

static enum step send_waiting(struct sender *sender)
{
	if (put_into_quarantine(sender))
		return STEP_ON;
	uint64_t first = sender->sequence;
	unsigned taken = give(sender);
	if (taken == 0)
		return STEP_FULL;
	assert(taken <= sender->waiting);
	uint64_t last = first + taken - 1;
	sender->waiting -= taken;
	sender->sequence += taken;
	memmove(sender->message, sender->message + taken, sender->waiting * sizeof *sender->message);
	if (last > sender->account.last)
		account_note(&sender->account, last, OUTCOME_PENDING);
	else
		account_send_again(&sender->account, last);
	count_sent(sender->output, first, last);
	return STEP_ON;
}

static bool make_room(struct sender *sender)
{
	sender_publish(sender); /* what is settled already makes room */
	if (!account_has_room(&sender->account) && sender->transport.settle != NULL) {
		sender->transport.settle(sender->transport.context);
		sender_publish(sender);
	}
	return account_has_room(&sender->account);
}

/* What comes before a message waits: a block, a record of it. */
static enum step prepare(struct sender *sender)
{
	if (!account_has_room(&sender->account) && !make_room(sender))
		return STEP_FULL;
	if (!sender->has_block)
		return next_block(sender);
	if (ships_blocks(sender))
		return sender_ship_block(sender);
	return next_run(sender) ? STEP_ON : next_record(sender);
}

static enum step step(struct sender *sender, unsigned *looked_at)
{
	enum step prepared = sender->waiting > 0 ? STEP_ON : prepare(sender);
	*looked_at += sender->waiting > 0 ? sender->waiting : 1;
	return sender->waiting > 0 ? send_waiting(sender) : prepared;
}

void sender_resume(struct sender *sender)
{
	sender_publish(sender);
	if (sender->stopped)
		return;
	if (sender->lost_some)
		go_back(sender);
	sender_stop_asking(sender);
	if (!sender_take_rules(sender))
		return;
	enum step last = STEP_ON;
	uint64_t sent = atomic_load_explicit(&sender->output->sent, memory_order_relaxed);
	for (unsigned looked_at = 0; looked_at < SENDER_TURN_RECORDS && last == STEP_ON;)
		last = step(sender, &looked_at);
	if (sender->transport.flush != NULL)
		sender->transport.flush(sender->transport.context);
	sender_publish(sender);
	sender_keep_asking(sender);
	if (last == STEP_CAUGHT_UP && sender->transport.caught_up != NULL &&
	    sent != atomic_load_explicit(&sender->output->sent, memory_order_relaxed))
		sender->transport.caught_up(sender->transport.context);
	if (last == STEP_ON)
		sender_resume_later(sender);
}

void sender_retry(struct sender *sender)
{
	(void)sender_retry_later(sender);
}

void sender_resume_later(struct sender *sender)
{
	waker_wake(sender->waker);
}

void sender_stop(struct sender *sender)
{
	sender->stopped = true;
}

void sender_settle(struct sender *sender, uint64_t sequence)
{
	account_settle(&sender->account, sequence);
}

void sender_lose(struct sender *sender, uint64_t sequence)
{
	if (account_lose(&sender->account, sequence))
		sender->lost_some = true;
}

void sender_settle_through(struct sender *sender, uint64_t sequence)
{
	if (sequence > sender->account.delivered)
		account_settle_through(&sender->account, sequence);
}

void sender_rewind(struct sender *sender)
{
	account_rewind(&sender->account);
	sender_go_to(sender, sender->account.delivered + 1);
}

static void move_cursor(struct sender *sender)
{
	struct account *account = &sender->account;
	struct spool_view view;
	if (account_advance(account, &view))
		spool_cursor_deliver(sender->output->setup.cursor, account->delivered, view.count > 0 ? &view : NULL,
		                     &account->totals);
}

void sender_publish(struct sender *sender)
{
	/* Our own news first: if we are beyond a jump of the keeper's already, the cursor forgets it. */
	move_cursor(sender);
	if (follow_jump(sender))
		move_cursor(sender);
}

void sender_check(const struct sender *sender)
{
	const struct account *account = &sender->account;
	const struct spool_output_totals *totals = &account->totals;
	account_check(account);
	uint64_t settled = totals->delivered + totals->filtered + totals->quarantined + totals->dropped_oldest +
	                   totals->damaged + totals->dropped_by_rule;
	assert(account->delivered - spool_cursor_start(sender->output->setup.cursor) == settled);
	assert(account->last <= spool_stored(sender->output->setup.spool));
	assert(sender->waiting == 0 || is_wanted(sender, sender->sequence));
}
