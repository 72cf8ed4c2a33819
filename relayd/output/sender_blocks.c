/* SPDX-License-Identifier: Apache-2.0 */
/* How a sender ships blocks: what of each is shipped, what the next hop knows already, and what is settled by it. */
#include "output/sender_internal.h"

#include "base/clock.h"

/* Time to reconnect, or for a server to start again; but a rule that is to make room must not wait for one that is gone. */
#define SENDER_ASK_NS ((uint64_t)30 * CLOCK_NS_PER_SECOND)

static void count_sent(struct sender *sender, const struct relp_block *block)
{
	_Atomic uint64_t *sent = &sender->output->sent;
	if (block->last > atomic_load_explicit(sent, memory_order_relaxed))
		atomic_store_explicit(sent, block->last, memory_order_relaxed);
	else
		atomic_fetch_add_explicit(&sender->output->resent, block->records, memory_order_relaxed);
}

static enum step leave_block(struct sender *sender)
{
	sender->has_block = sender->has_shipment = false;
	shipment_done(sender->shipment);
	sender->ship_from = sender->block.last + 1;
	spool_reader_leave_packed(sender->reader, sender_leaves_packed(sender, sender->ship_from));
	return STEP_ON;
}

/* What the next hop has already is made as it was made for it: so it is known again, and counted as what it was. */
static struct shipment_choice choose(const struct sender *sender)
{
	static const struct filter everything;
	bool known = sender->block.last <= sender->known.to;
	return (struct shipment_choice){
		.from = sender->ship_from,
		.filter = known && sender->known.whole ? &everything : &sender->filter,
		.rules = &sender->rules,
		.scope = {.newest = known ? sender->known.newest_rule : UINT64_MAX, .behind = sender->account.last},
	};
}

/* The block that is lent ends here, and nothing of it is shipped. */
static enum step pass_empty(struct sender *sender)
{
	uint64_t last = sender->block.last;
	if (last > sender->account.last) {
		account_note_shipment(&sender->account, last, &sender->left_out);
		account_settle(&sender->account, last);
	}
	if (sender->transport.not_wanted != NULL)
		sender->transport.not_wanted(sender->transport.context, last);
	return leave_block(sender);
}

/* Makes the shipment of the block that is lent; STEP_ON without one: there is nothing to ship of it. */
static enum step make_shipment(struct sender *sender)
{
	const struct spool_view *block = &sender->block;
	const struct shipment_choice choice = choose(sender);
	uint64_t from = choice.from > block->first ? choice.from : block->first;
	if (!shipment_is_whole(block, &choice) && block->records.len == 0) {
		/* A block in which an earlier session of messages ended, or a new rule: its records are needed after all. */
		sender->has_block = false;
		spool_reader_leave_packed(sender->reader, false);
		spool_reader_seek(sender->reader, from);
		return STEP_ON;
	}
	switch (shipment_make(sender->shipment, block, &choice, &sender->shipped, &sender->left_out)) {
	case SHIPMENT_READY:
		sender->has_shipment = true;
		return STEP_ON;
	case SHIPMENT_EMPTY:
		return pass_empty(sender);
	case SHIPMENT_MALFORMED:
		sender_note_damage(sender, from, block->last);
		return leave_block(sender);
	case SHIPMENT_NO_MEMORY:
		break;
	}
	return sender_retry_later(sender);
}

enum step sender_ship_block(struct sender *sender)
{
	struct account *account = &sender->account;
	struct relp_block *block = &sender->shipped;
	if (!sender->has_shipment)
		return make_shipment(sender);
	enum sender_shipped result = sender->transport.send_block(sender->transport.context, block);
	if (result == SENDER_NO_ROOM)
		return STEP_FULL;
	if (block->last > account->last) {
		account_note_shipment(account, block->last, &sender->left_out);
		account_note_checksum(account, block->checksum);
		if (result == SENDER_KNOWN)
			account_settle(account, block->last);
	}
	if (result == SENDER_SHIPPED) {
		count_sent(sender, block);
		if (block->last > sender->shipped_to)
			sender->shipped_to = block->last;
	}
	return leave_block(sender);
}

void sender_start_over(struct sender *sender, uint64_t from)
{
	sender_publish(sender);
	account_rewind(&sender->account);
	uint64_t behind = sender->account.delivered + 1;
	sender_go_to(sender, from < behind ? from : behind);
	sender->lost_some = false;
}

/* ---- what the next hop says that it has ---- */

static uint64_t now_of(const struct sender *sender)
{
	return worker_now_ns(sender->output->setup.worker);
}

void sender_cut_off(struct sender *sender)
{
	sender->ask_until_ns = now_of(sender) + SENDER_ASK_NS;
	sender_start_over(sender, UINT64_MAX);
}

void sender_asked(struct sender *sender, uint64_t has)
{
	sender->ask_until_ns = 0;
	if (sender->shipped_to > has)
		sender->shipped_to = has;
	drop_rules_reclaim(&sender->rules, has);
}

void sender_stop_asking(struct sender *sender)
{
	if (sender->ask_until_ns == 0 || now_of(sender) < sender->ask_until_ns)
		return;
	sender_asked(sender, 0);
	sender_go_to(sender, sender->ship_from);
}

void sender_keep_asking(struct sender *sender)
{
	uint64_t now = now_of(sender);
	if (sender->ask_until_ns > now && !timer_is_set(sender->retry))
		timer_set(sender->retry, sender->ask_until_ns - now);
}

/* Whether the block, shipped from that sequence on, has the checksum with the rules up to some one of them. */
static enum sender_knowledge was_shipped_from(struct sender *sender, const struct spool_view *view, uint64_t from,
                                              uint64_t checksum)
{
	struct relp_block block;
	struct account_left_out left_out;
	const struct drop_rules *rules = &sender->rules;
	for (unsigned i = rules->count + 1; i-- > 0;) {
		const struct shipment_choice choice = {
			.from = from,
			.filter = &sender->filter,
			.rules = rules,
			.scope = {.newest = i > 0 ? rules->rule[i - 1]->id : 0, .behind = from - 1},
		};
		enum shipment_result made = shipment_make(sender->shipment, view, &choice, &block, &left_out);
		if (made == SHIPMENT_NO_MEMORY)
			return SENDER_CANNOT_SAY;
		if (made != SHIPMENT_READY || block.checksum != checksum)
			continue;
		sender->known = (struct sender_known){.to = view->last, .newest_rule = choice.scope.newest};
		return SENDER_KNOWS;
	}
	return SENDER_KNOWS_NOT;
}

static enum sender_knowledge was_shipped(struct sender *sender, const struct spool_view *view, uint64_t checksum)
{
	uint64_t next = spool_cursor_delivered(sender->output->setup.cursor) + 1;
	enum sender_knowledge result = was_shipped_from(sender, view, view->first, checksum);
	if (result == SENDER_KNOWS_NOT && next > view->first && next <= view->last)
		result = was_shipped_from(sender, view, next, checksum);
	if (result != SENDER_KNOWS_NOT || view->payload_checksum != checksum)
		return result;
	sender->known = (struct sender_known){.to = view->last, .whole = true};
	return SENDER_KNOWS;
}

enum sender_knowledge sender_knows(struct sender *sender, uint64_t last, uint64_t checksum)
{
	struct spool_view view;
	enum sender_knowledge result = SENDER_KNOWS_NOT;
	sender->known = (struct sender_known){0};
	if (last == 0)
		return result;
	struct spool_reader *reader =
		sender_take_rules(sender) ? spool_reader_open(sender->output->setup.spool, last) : NULL;
	if (reader == NULL)
		return SENDER_CANNOT_SAY;
	enum spool_read_result read = spool_read(reader, &view);
	if (read == SPOOL_READ_FAILED)
		result = SENDER_CANNOT_SAY;
	else if (read == SPOOL_READ_BLOCK && view.last == last)
		result = was_shipped(sender, &view, checksum);
	sender->has_shipment = false; /* its memory was used for this */
	shipment_done(sender->shipment);
	spool_reader_close(&reader);
	return result;
}
