/* SPDX-License-Identifier: Apache-2.0 */
#include "net/rest.h"

#include "base/clock.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { AWAKE = 0, RESTING = 1 };

void rest_ring(struct rest *rest)
{
	atomic_fetch_add_explicit(&rest->rings, 1, memory_order_seq_cst);
	if (atomic_exchange_explicit(&rest->bell, AWAKE, memory_order_seq_cst) == RESTING)
		syscall(SYS_futex, &rest->bell, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void rest_answer(struct rest *rest)
{
	atomic_fetch_sub_explicit(&rest->rings, 1, memory_order_seq_cst);
}

static void sleep_until_rung(struct rest *rest, uint64_t ns)
{
	const struct timespec most = {.tv_sec = (time_t)(ns / CLOCK_NS_PER_SECOND), .tv_nsec = (long)(ns % CLOCK_NS_PER_SECOND)};
	atomic_store_explicit(&rest->bell, RESTING, memory_order_seq_cst);
	if (atomic_load_explicit(&rest->rings, memory_order_seq_cst) == 0)
		syscall(SYS_futex, &rest->bell, FUTEX_WAIT_PRIVATE, RESTING, &most, NULL, 0);
	atomic_store_explicit(&rest->bell, AWAKE, memory_order_seq_cst);
}

void rest_take(struct rest *rest, uv_loop_t *loop)
{
	uint64_t until_ns = rest->is_refused || rest->watches > 0 ? 0 : rest->until_ns;
	rest->until_ns = 0;
	rest->is_refused = false;
	if (until_ns == 0)
		return;
	int timer_ms = uv_backend_timeout(loop); /* 0 if anything else is due, -1 without a timer */
	uint64_t now_ns = clock_monotonic_ns();
	if (timer_ms == 0 || until_ns <= now_ns)
		return;
	uint64_t ns = until_ns - now_ns;
	if (timer_ms > 0 && ns > (uint64_t)timer_ms * CLOCK_NS_PER_MS)
		ns = (uint64_t)timer_ms * CLOCK_NS_PER_MS;
	sleep_until_rung(rest, ns);
	uv_update_time(loop);
}
