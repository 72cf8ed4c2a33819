/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/cut.h"

#include <inttypes.h>
#include <stdio.h>

#include <liblog/slog.h>

#include "base/clock.h"
#include "output/output_common.h"
#include "relay/budget.h"
#include "relay/relay_internal.h"

static bool refuse(char *error, const char *what)
{
	snprintf(error, CUT_ERROR_MAX_BYTES, "%s", what);
	return false;
}

bool cut_is_safe(const struct cut_plan *plan, char *error)
{
	if (plan->seconds == 0 || plan->seconds > CUT_SECONDS_MAX) {
		snprintf(error, CUT_ERROR_MAX_BYTES, "an output is cut for 1 s to %d s", CUT_SECONDS_MAX);
		return false;
	}
	if (plan->level != SPOOL_LEVEL_OPEN)
		return refuse(error, "the spool is full or nearly so: what comes during a cut would have no room");
	if (plan->covers && plan->covers_s / CUT_MARGIN < plan->seconds) {
		snprintf(error, CUT_ERROR_MAX_BYTES,
		         "at the rate of the last minute the spool covers an outage of %" PRIu64 " s, and a drill may use half of "
		         "it: %" PRIu64 " s at the most", plan->covers_s, plan->covers_s / CUT_MARGIN);
		return false;
	}
	if (plan->drops_oldest && plan->max_lag_ns > 0 && plan->max_lag_ns / CLOCK_NS_PER_SECOND / CUT_MARGIN < plan->seconds)
		return refuse(error, "the output passes over what waits for so long (max_lag_time): the cut would lose messages");
	if (plan->drops_oldest && plan->max_lag_octets > 0 &&
	    plan->used_octets + plan->octets_per_s * plan->seconds * CUT_MARGIN > plan->max_lag_octets)
		return refuse(error, "the output passes over messages when so many wait (max_lag_size): the cut would lose some");
	return true;
}

static struct relay_output *find(struct relay *relay, const char *name, char *error)
{
	for (unsigned i = 0; i < relay->outputs_count; i++)
		if (strcmp(relay->outputs[i].settings->name, name) == 0)
			return &relay->outputs[i];
	snprintf(error, CUT_ERROR_MAX_BYTES, "there is no output of that name");
	return NULL;
}

static struct cut_plan plan_of(const struct relay *relay, const struct relay_output *output, uint64_t seconds)
{
	const struct output_common *common = output->settings->options;
	struct budget_rates rates = budget_now(relay->budget, (unsigned)(output - relay->outputs), 0);
	struct spool_usage usage;
	spool_usage(relay->spool, &usage);
	return (struct cut_plan){
		.seconds = seconds,
		.level = spool_level(relay->spool),
		.covers = rates.covers,
		.covers_s = rates.covers_s,
		.octets_per_s = rates.octets_per_s,
		.used_octets = usage.used_bytes,
		.drops_oldest = common->when_behind == SPOOL_DROP_OLDEST,
		.max_lag_octets = common->max_lag_size,
		.max_lag_ns = common->max_lag_time_ns,
	};
}

uint64_t cut_seconds_left(const struct relay_output *output)
{
	uint64_t now = clock_monotonic_ns();
	if (output->cut_until_ns <= now)
		return 0;
	return (output->cut_until_ns - now + CLOCK_NS_PER_SECOND - 1) / CLOCK_NS_PER_SECOND;
}

/* The output, if it may be cut. */
static struct relay_output *find_for_cut(struct relay *relay, const char *name, uint64_t seconds, char *error)
{
	struct relay_output *output = find(relay, name, error);
	if (output == NULL)
		return NULL;
	const struct output_driver *driver = output->settings->driver;
	struct cut_plan plan = plan_of(relay, output, seconds);
	if (driver->cut == NULL) {
		snprintf(error, CUT_ERROR_MAX_BYTES, "an output of type %s has no connection that could be cut", driver->type);
		return NULL;
	}
	if (cut_seconds_left(output) > 0) {
		snprintf(error, CUT_ERROR_MAX_BYTES, "the output is cut already");
		return NULL;
	}
	return cut_is_safe(&plan, error) ? output : NULL;
}

bool cut_check(struct relay *relay, const char *name, uint64_t seconds, char *error)
{
	return find_for_cut(relay, name, seconds, error) != NULL;
}

bool cut_begin(struct relay *relay, const char *name, uint64_t seconds, const struct ucred *who, char *error)
{
	struct relay_output *output = find_for_cut(relay, name, seconds, error);
	if (output == NULL)
		return false;
	const struct output_driver *driver = output->settings->driver;
	if (relay->state != RELAY_STATE_RUNNING || !driver->cut(output->output, seconds * CLOCK_NS_PER_SECOND))
		return refuse(error, "the output does not run");
	output->cut_until_ns = clock_monotonic_ns() + seconds * CLOCK_NS_PER_SECOND;
	slog_warning("output_cut", "output", name, "seconds", seconds, "uid", who->uid, "pid", who->pid, "message",
	             slog_msgf("output \"%s\" is cut for a drill of %" PRIu64 " s that uid %u asked for; it comes back by "
	                       "itself", name, seconds, who->uid));
	return true;
}

bool cut_end(struct relay *relay, const char *name, const struct ucred *who, char *error)
{
	struct relay_output *output = find(relay, name, error);
	if (output == NULL)
		return false;
	uint64_t left = cut_seconds_left(output);
	if (left == 0)
		return true;
	output->cut_until_ns = 0;
	output->settings->driver->cut(output->output, 0);
	slog_warning("output_restored", "output", name, "seconds_early", left, "uid", who->uid, "pid", who->pid, "message",
	             slog_msgf("uid %u ended the drill that cut output \"%s\"", who->uid, name));
	return true;
}
