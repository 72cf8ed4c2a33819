/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See patience.h. What was waited, and what is promised to those that wait now, stands in one word, so that threads that
 * come at the same time do not promise themselves the same milliseconds: the number of a half of a second in the highest
 * sixteen bits, and sixteen bits of microseconds for that half and for each of the two before it, the latest in the lowest
 * bits. No second touches more than three halves.
 */
#include "patience.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>

#include "clock.h"

#define SECOND_US (SLOG_WAIT_SECOND_MS * 1000) /* what may be waited in one */
#define HALF_US 500000
#define HALVES 3
#define HALF_BITS 16
#define HALF_MAX_US UINT16_MAX
#define NUMBER_SHIFT (HALVES * HALF_BITS)
#define WAIT_MIN_US 1000 /* less is none: poll(2) counts in milliseconds */
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
	if (atomic_load_explicit(&patience->failing, memory_order_relaxed) == 0)
		return;
	atomic_store(&patience->failing, 0);
	atomic_store(&patience->stalled, 0);
}

/* ---- the word ---------------------------------------------------------------------------------------------------- */

/* How many halves lie between the word's and this one, which is not older. */
static unsigned halves_since(uint64_t used, uint64_t half)
{
	return (uint16_t)(half - (used >> NUMBER_SHIFT));
}

/* The word as it stands in this half of a second. One that another thread has moved further stays as it is. */
static uint64_t move_to(uint64_t used, uint64_t half)
{
	unsigned age = halves_since(used, half);
	if (age > UINT16_MAX - HALVES)
		return used;
	uint64_t counts = age < HALVES ? used << age * HALF_BITS & ((UINT64_C(1) << NUMBER_SHIFT) - 1) : 0;
	return half << NUMBER_SHIFT | counts;
}

static unsigned count_of(uint64_t used, unsigned age)
{
	return (uint16_t)(used >> age * HALF_BITS);
}

static uint64_t with_count(uint64_t used, unsigned age, unsigned us)
{
	uint64_t others = used & ~((uint64_t)HALF_MAX_US << age * HALF_BITS);
	return others | (uint64_t)(us < HALF_MAX_US ? us : HALF_MAX_US) << age * HALF_BITS;
}

static unsigned left_of(uint64_t used)
{
	unsigned sum = 0;
	for (unsigned age = 0; age < HALVES; age++)
		sum += count_of(used, age);
	return sum < SECOND_US ? SECOND_US - sum : 0;
}

/* ---- a wait ------------------------------------------------------------------------------------------------------ */

/*
 * Several threads use up the patience in less time than one, and a reader that pauses that long is not away for that.
 * A success that comes while we look finds what we put, or we find that it came.
 */
static void stall_if_failing(struct slog_patience *patience, uint64_t now_us)
{
	uint64_t since = atomic_load(&patience->failing);
	if (since == 0 || now_us < since + SECOND_US)
		return;
	atomic_store(&patience->stalled, slog_clock_monotonic_ms() + SLOG_STALLED_RETRY_MS);
	if (atomic_load(&patience->failing) == 0)
		atomic_store(&patience->stalled, 0);
}

bool slog_patience_begin(struct slog_patience *patience, unsigned max_us, struct slog_wait *wait)
{
	uint64_t used = atomic_load(&patience->used);
	uint64_t taken;
	if (atomic_load(&patience->stalled) != 0)
		return false;
	wait->start_us = slog_clock_monotonic_us();
	do {
		taken = move_to(used, wait->start_us / HALF_US);
		unsigned left = left_of(taken);
		wait->granted_us = left < max_us ? left : max_us;
		if (wait->granted_us < WAIT_MIN_US) {
			stall_if_failing(patience, wait->start_us);
			return false;
		}
		taken = with_count(taken, 0, count_of(taken, 0) + wait->granted_us);
	} while (!atomic_compare_exchange_weak(&patience->used, &used, taken));
	wait->half = taken >> NUMBER_SHIFT;
	return true;
}

/* What was waited takes the place of what was granted. */
static void settle(struct slog_patience *patience, const struct slog_wait *wait, uint64_t now_us, unsigned waited_us)
{
	uint64_t used = atomic_load(&patience->used);
	uint64_t settled;
	do {
		settled = move_to(used, now_us / HALF_US);
		unsigned age = (uint16_t)((settled >> NUMBER_SHIFT) - wait->half);
		unsigned count = age < HALVES ? count_of(settled, age) : 0;
		if (age < HALVES)
			settled = with_count(settled, age, count > wait->granted_us ? count - wait->granted_us : 0);
		settled = with_count(settled, 0, count_of(settled, 0) + waited_us);
	} while (!atomic_compare_exchange_weak(&patience->used, &used, settled));
}

/*
 * What a call has waited counts whether it helped or not: a reader that is always slow would else cost all our time.
 * Only waits in vain make the sink stalled; a slow reader is still asked by each call, and not waited for.
 */
unsigned slog_patience_end(struct slog_patience *patience, const struct slog_wait *wait, bool in_vain)
{
	uint64_t now_us = slog_clock_monotonic_us();
	uint64_t waited = now_us - wait->start_us;
	unsigned waited_us = waited == 0 ? 1 : waited < HALF_MAX_US ? (unsigned)waited : HALF_MAX_US;
	settle(patience, wait, now_us, waited_us);
	uint64_t never = 0;
	if (in_vain)
		atomic_compare_exchange_strong(&patience->failing, &never, now_us);
	return waited_us;
}

static bool is_ready_within(int fd, unsigned ms)
{
	struct pollfd poller = {.fd = fd, .events = POLLOUT};
	return poll(&poller, 1, (int)ms) > 0;
}

/*
 * A descriptor may say that it is ready and take nothing, as a terminal does whose little room is not enough: then it is
 * left alone for a while. Not at the first time, when it may be that its reader has just come.
 * An interrupted wait counts as a wait that ended: the bound matters more than the event.
 */
void slog_patience_sleep(int fd, unsigned ms)
{
	if (is_ready_within(fd, 0))
		poll(NULL, 0, LIAR_NAP_MS);
	else
		is_ready_within(fd, ms);
}

/* True if it may be tried again. */
static bool wait_once(int fd, unsigned ms, struct slog_call_wait *call, bool *in_vain)
{
	bool is_ready = is_ready_within(fd, 0);
	bool is_liar = is_ready && call->was_ready;
	call->was_ready = is_ready;
	if (is_liar)
		poll(NULL, 0, LIAR_NAP_MS);
	else
		is_ready = is_ready || is_ready_within(fd, ms);
	*in_vain = is_liar || !is_ready;
	return is_ready;
}

bool slog_patience_wait(struct slog_patience *patience, int fd, struct slog_call_wait *call)
{
	struct slog_wait wait;
	int cancel_state;
	bool in_vain;
	if (!slog_patience_begin(patience, call->left_us, &wait))
		return false;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	bool may_try = wait_once(fd, wait.granted_us / 1000, call, &in_vain);
	unsigned waited_us = slog_patience_end(patience, &wait, in_vain);
	pthread_setcancelstate(cancel_state, &cancel_state);
	call->left_us -= waited_us < call->left_us ? waited_us : call->left_us;
	return may_try;
}

bool slog_patience_enter(struct slog_gate *gate, struct slog_call_wait *call)
{
	uint64_t start = slog_clock_monotonic_ms();
	enum slog_gate_outcome outcome = slog_gate_take_whole(gate, call->left_us / 1000);
	uint64_t waited_us = (slog_clock_monotonic_ms() - start) * 1000;
	call->left_us -= waited_us < call->left_us ? (unsigned)waited_us : call->left_us;
	return outcome != SLOG_GATE_BUSY;
}
