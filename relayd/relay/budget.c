/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/budget.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "relay/relay_internal.h"

/* One sample, of all outputs. */
struct moment {
	struct budget_sample sample; /* but for `delivered` */
	uint64_t delivered[SETTINGS_OUTPUTS_MAX];
};

struct budget {
	struct relay *relay;
	uv_timer_t timer;
	struct moment moment[BUDGET_SAMPLES]; /* a ring */
	unsigned taken;                       /* ever */
};

static uint64_t per_second(uint64_t count, uint64_t ns)
{
	return ns > 0 ? (uint64_t)((double)count * CLOCK_NS_PER_SECOND / (double)ns + 0.5) : 0;
}

static uint64_t seconds(uint64_t count, uint64_t of, uint64_t ns)
{
	return (uint64_t)((double)count / (double)of * (double)ns / CLOCK_NS_PER_SECOND);
}

struct budget_rates budget_rates_of(const struct budget_sample *then, const struct budget_sample *now,
                                    uint64_t room_octets, uint64_t pending)
{
	uint64_t ns = now->at_ns - then->at_ns;
	uint64_t messages = now->messages - then->messages, octets = now->octets - then->octets;
	uint64_t delivered = now->delivered - then->delivered;
	struct budget_rates rates = {
		.messages_per_s = per_second(messages, ns),
		.octets_per_s = per_second(octets, ns),
		.delivered_per_s = per_second(delivered, ns),
		.covers = octets > 0 && ns > 0, /* the first messages may be numbered and not written yet */
		.drains = pending == 0 || (delivered > messages && ns > 0),
	};
	if (rates.covers)
		rates.covers_s = seconds(room_octets, octets, ns);
	if (rates.drains && pending > 0)
		rates.drains_s = seconds(pending, delivered - messages, ns);
	return rates;
}

static void look(const struct relay *relay, struct moment *moment)
{
	struct spool_usage usage;
	spool_usage(relay->spool, &usage);
	moment->sample = (struct budget_sample){
		.at_ns = clock_monotonic_ns(), .messages = spool_appended(relay->spool), .octets = usage.written_bytes};
	for (unsigned i = 0; i < relay->outputs_count; i++)
		moment->delivered[i] = spool_cursor_delivered(relay->outputs[i].cursor);
}

static void take(struct budget *budget)
{
	look(budget->relay, &budget->moment[budget->taken++ % BUDGET_SAMPLES]);
}

static const struct moment *newest(const struct budget *budget)
{
	return &budget->moment[(budget->taken - 1) % BUDGET_SAMPLES];
}

static bool is_same(const struct moment *a, const struct moment *b)
{
	return a->sample.messages == b->sample.messages && a->sample.octets == b->sample.octets &&
	       memcmp(a->delivered, b->delivered, sizeof a->delivered) == 0;
}

/* Asks to be told of the next move before it looks: what comes in between is seen, or told. */
static void on_timer(uv_timer_t *timer)
{
	struct budget *budget = timer->data;
	struct moment before = *newest(budget);
	atomic_exchange(&budget->relay->awaits_move, true);
	take(budget);
	if (is_same(&before, newest(budget)))
		uv_timer_stop(timer);
}

/* The samples that were not taken while the timer rested: nothing had moved. */
static void catch_up(struct budget *budget)
{
	uint64_t now_ns = clock_monotonic_ns(), interval_ns = BUDGET_SAMPLE_MS * CLOCK_NS_PER_MS;
	struct moment same = *newest(budget);
	uint64_t missing = (now_ns - same.sample.at_ns) / interval_ns;
	if (uv_is_active((uv_handle_t *)&budget->timer))
		return;
	for (uint64_t left = missing < BUDGET_SAMPLES ? missing : BUDGET_SAMPLES; left > 0; left--) {
		same.sample.at_ns = now_ns - (left - 1) * interval_ns;
		budget->moment[budget->taken++ % BUDGET_SAMPLES] = same;
	}
}

void budget_go_on(struct budget *budget)
{
	catch_up(budget);
	if (!uv_is_active((uv_handle_t *)&budget->timer))
		uv_timer_start(&budget->timer, on_timer, BUDGET_SAMPLE_MS, BUDGET_SAMPLE_MS);
}

struct budget *budget_open(struct relay *relay)
{
	struct budget *budget = calloc(1, sizeof *budget);
	if (budget == NULL || uv_timer_init(relay->loop, &budget->timer) != 0) {
		free(budget);
		return NULL;
	}
	budget->relay = relay;
	budget->timer.data = budget;
	take(budget);
	budget_go_on(budget);
	return budget;
}

static void on_closed(uv_handle_t *timer)
{
	free(timer->data);
}

void budget_close(struct budget **closed)
{
	struct budget *budget = *closed;
	*closed = NULL;
	if (budget != NULL)
		uv_close((uv_handle_t *)&budget->timer, on_closed);
}

struct budget_rates budget_now(struct budget *budget, unsigned output, uint64_t pending)
{
	catch_up(budget);
	/* The oldest in the ring: the next to be overwritten, once it is full. */
	unsigned oldest = budget->taken > BUDGET_SAMPLES ? budget->taken % BUDGET_SAMPLES : 0;
	struct moment then = budget->moment[oldest], now = {0};
	struct spool_usage usage;
	look(budget->relay, &now);
	if (!is_same(newest(budget), &now))
		budget_go_on(budget); /* it moved without a word, which a cursor that is being written does not say again */
	spool_usage(budget->relay->spool, &usage);
	uint64_t taken = usage.used_bytes + usage.reserve_bytes;
	assert(output < SETTINGS_OUTPUTS_MAX);
	then.sample.delivered = then.delivered[output];
	now.sample.delivered = now.delivered[output];
	return budget_rates_of(&then.sample, &now.sample, usage.max_size_bytes > taken ? usage.max_size_bytes - taken : 0,
	                       pending);
}
