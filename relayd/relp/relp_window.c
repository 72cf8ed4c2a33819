/* SPDX-License-Identifier: Apache-2.0 */
#include "relp/relp_window.h"

#include "relp/relp_frame.h"

#include <assert.h>

void relp_window_init(struct relp_window *window, struct relp_window_entry *entries, size_t capacity,
                      uint64_t octets_max, uint32_t txnr)
{
	assert(entries != NULL && capacity > 0 && capacity <= RELP_WINDOW_MAX);
	assert(octets_max > 0 && txnr > 0 && txnr <= RELP_TXNR_MAX);
	*window = (struct relp_window){
		.entries = entries, .capacity = capacity, .octets_max = octets_max, .first_txnr = txnr, .next_txnr = txnr};
}

/* The entry `place` behind the oldest. */
static struct relp_window_entry *entry_at(const struct relp_window *window, size_t place)
{
	size_t index = window->first + place;
	return &window->entries[index < window->capacity ? index : index - window->capacity];
}

bool relp_window_has_room(const struct relp_window *window, size_t size)
{
	/* The last TXNR is kept for `close`. */
	if (window->count == window->capacity || window->next_txnr >= RELP_TXNR_MAX)
		return false;
	return window->count == 0 || window->octets + size <= window->octets_max;
}

uint32_t relp_window_add(struct relp_window *window, uint64_t sequence, size_t size, uint64_t now_ns)
{
	assert(relp_window_has_room(window, size) && size <= UINT32_MAX);
	assert(!window->any_sent || sequence > window->last_sequence);
	*entry_at(window, window->count) =
		(struct relp_window_entry){.sequence = sequence, .sent_ns = now_ns, .size = (uint32_t)size};
	window->count++;
	window->octets += size;
	window->any_sent = true;
	window->last_sequence = sequence;
	return window->next_txnr++;
}

static struct relp_window_entry *find(const struct relp_window *window, uint32_t txnr)
{
	if (txnr < window->first_txnr || txnr >= window->next_txnr)
		return NULL;
	return entry_at(window, txnr - window->first_txnr);
}

const struct relp_window_entry *relp_window_find(const struct relp_window *window, uint32_t txnr)
{
	return find(window, txnr);
}

bool relp_window_answer(struct relp_window *window, uint32_t txnr, enum relp_window_answer answer)
{
	assert(answer != RELP_WINDOW_OUTSTANDING);
	struct relp_window_entry *entry = find(window, txnr);
	if (entry == NULL || entry->answer != RELP_WINDOW_OUTSTANDING)
		return false;
	entry->answer = answer;
	return true;
}

bool relp_window_settle(struct relp_window *window, uint64_t *delivered)
{
	bool any = false;
	while (window->count > 0) {
		const struct relp_window_entry *oldest = entry_at(window, 0);
		if (oldest->answer != RELP_WINDOW_ACCEPTED)
			break;
		any = true;
		*delivered = oldest->sequence;
		window->octets -= oldest->size;
		window->first = window->first + 1 < window->capacity ? window->first + 1 : 0;
		window->count--;
		window->first_txnr++;
	}
	return any;
}

uint64_t relp_window_oldest_ns(const struct relp_window *window)
{
	return window->count > 0 ? entry_at(window, 0)->sent_ns : UINT64_MAX;
}

void relp_window_check(const struct relp_window *window)
{
	assert(window->count <= window->capacity && window->first < window->capacity);
	assert(window->next_txnr - window->first_txnr == window->count);
	uint64_t octets = 0;
	for (size_t i = 0; i < window->count; i++) {
		const struct relp_window_entry *entry = entry_at(window, i);
		octets += entry->size;
		assert(i == 0 || entry->sequence > entry_at(window, i - 1)->sequence);
		assert(entry->sequence <= window->last_sequence);
	}
	assert(octets == window->octets);
	assert(window->octets <= window->octets_max || window->count == 1);
}
