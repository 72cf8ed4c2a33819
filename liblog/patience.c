/* SPDX-License-Identifier: Apache-2.0 */
/* See patience.h. */
#include "patience.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>

#include "clock.h"

#define MS_PER_SECOND 1000
#define LIAR_NAP_MS 1

bool slog_patience_may_try(struct slog_patience *patience)
{
	uint64_t next = atomic_load_explicit(&patience->stalled, memory_order_relaxed);
	if (next == 0)
		return true;
	uint64_t now_ms = slog_clock_monotonic_ms();
	/* Of several threads that come at the time one gets the try. */
	return now_ms >= next && atomic_compare_exchange_strong(&patience->stalled, &next, now_ms + SLOG_STALLED_RETRY_MS);
}

void slog_patience_restore(struct slog_patience *patience)
{
	if (atomic_load_explicit(&patience->stalled, memory_order_relaxed) != 0)
		atomic_store_explicit(&patience->stalled, 0, memory_order_relaxed);
}

unsigned slog_patience_left(struct slog_patience *patience, unsigned max_ms)
{
	uint64_t second = slog_clock_monotonic_ms() / MS_PER_SECOND;
	if (atomic_load_explicit(&patience->stalled, memory_order_relaxed) != 0)
		return 0;
	if (atomic_exchange_explicit(&patience->second, second, memory_order_relaxed) != second)
		atomic_store_explicit(&patience->waited, 0, memory_order_relaxed);
	unsigned waited = atomic_load_explicit(&patience->waited, memory_order_relaxed);
	unsigned of_second = waited < SLOG_WAIT_SECOND_MS ? SLOG_WAIT_SECOND_MS - waited : 0;
	return of_second < max_ms ? of_second : max_ms;
}

/*
 * What a call has waited counts whether it helped or not: a reader that is always slow would else cost all our time.
 * Only a wait in vain makes the sink stalled; a slow reader is still asked by each call, and not waited for.
 */
static unsigned spend(struct slog_patience *patience, uint64_t start_ms, bool in_vain)
{
	uint64_t now = slog_clock_monotonic_ms();
	unsigned waited = now - start_ms > 1 ? (unsigned)(now - start_ms) : 1;
	if (atomic_fetch_add_explicit(&patience->waited, waited, memory_order_relaxed) + waited >= SLOG_WAIT_SECOND_MS &&
	    in_vain && slog_patience_left(patience, 1) == 0)
		atomic_store_explicit(&patience->stalled, now + SLOG_STALLED_RETRY_MS, memory_order_relaxed);
	return waited;
}

unsigned slog_patience_spend(struct slog_patience *patience, uint64_t start_ms)
{
	return spend(patience, start_ms, true);
}

/*
 * Asks a descriptor that has refused octets, waiting for so long at most. *lies: it says that it takes some, as a
 * terminal does whose little room is not enough; then it is left alone for a while instead. An interrupted wait counts as
 * a wait that ended: the bound matters more than the event.
 */
static bool is_ready_within(int fd, unsigned ms, bool *lies)
{
	struct pollfd poller = {.fd = fd, .events = POLLOUT};
	*lies = poll(&poller, 1, 0) > 0;
	return poll(*lies ? NULL : &poller, *lies ? 0 : 1, *lies ? LIAR_NAP_MS : (int)ms) > 0;
}

void slog_patience_sleep(int fd, unsigned ms)
{
	bool lies;
	is_ready_within(fd, ms, &lies);
}

bool slog_patience_wait(struct slog_patience *patience, int fd, unsigned *left_ms)
{
	bool lies;
	uint64_t start = slog_clock_monotonic_ms();
	unsigned may_wait = slog_patience_left(patience, *left_ms);
	if (may_wait == 0)
		return false;
	bool is_ready = is_ready_within(fd, may_wait, &lies);
	unsigned waited = spend(patience, start, !is_ready);
	*left_ms -= waited < *left_ms ? waited : *left_ms;
	return is_ready || lies;
}
