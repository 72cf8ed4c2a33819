/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of a drill. Each waits for something in turns; in each turn a probe goes in if one is due, both relays are asked
 * if that is due, and a line says how things are. So the probes go on whatever the step waits for.
 */
#include "relayctl/drill.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "relayctl/client.h"

#define TURN_NS     ((uint64_t)50 * CLOCK_NS_PER_MS)
#define ASK_NS      ((uint64_t)250 * CLOCK_NS_PER_MS)
#define LINE_NS     ((uint64_t)5 * CLOCK_NS_PER_SECOND)
#define PROBE_NS    ((uint64_t)200 * CLOCK_NS_PER_MS)  /* between probes, at the least */
#define ARRIVE_NS   ((uint64_t)10 * CLOCK_NS_PER_SECOND) /* probes that nothing holds up need no longer */
#define LATE_NS     ((uint64_t)5 * CLOCK_NS_PER_SECOND)  /* nor those that an input took, or a next hop acknowledged */

volatile int drill_interrupted;

__attribute__((format(printf, 2, 3))) static bool stop(struct drill *drill, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(drill->error, sizeof drill->error, format, arguments);
	va_end(arguments);
	return false;
}

/* A line of progress, with the time of day. */
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	char clock[16];
	time_t now = time(NULL);
	struct tm local;
	va_list arguments;
	strftime(clock, sizeof clock, "%H:%M:%S", localtime_r(&now, &local));
	printf("%s  ", clock);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
}

static double seconds(uint64_t ns)
{
	return (double)ns / (double)CLOCK_NS_PER_SECOND;
}

/* ---- turns ---- */

static void send_probe(struct drill *drill, uint64_t now)
{
	char error[PROBE_SENDER_ERROR_MAX_BYTES];
	int64_t sent_ns;
	drill->tried++;
	bool taken = probe_sender_send(&drill->sender, drill->id, drill->tried, drill->count, &sent_ns, error);
	drill->taken[drill->tried - 1] = taken;
	drill->sent += taken;
	if (!taken)
		say("probe %u did not go in: %s", drill->tried, error);
	uint64_t during_ns = drill->is_cut ? drill->arguments->seconds * CLOCK_NS_PER_SECOND / DRILL_PROBES_MAX : 0;
	drill->probed_ns = now;
	drill->next_probe_ns = now + (during_ns > PROBE_NS ? during_ns : PROBE_NS);
}

static void ask(struct drill *drill, uint64_t now)
{
	char error[DRILL_ERROR_MAX_BYTES];
	receipts_ask(&drill->here);
	if (drill->arguments->next != NULL)
		receipts_ask(&drill->next);
	/* A relay that does not answer now may do so again; if not, the receipts lack its word. */
	if (drill_look_output(drill->arguments->control, drill->arguments->output, &drill->output, error))
		drill->looked_ns = clock_monotonic_ns();
	drill->next_ask_ns = now + ASK_NS;
}

/* One turn; `until` probes are to be given to the input by now. False if the drill was interrupted. */
static bool turn(struct drill *drill, unsigned until)
{
	const struct timespec pause = {.tv_nsec = TURN_NS};
	uint64_t now = clock_monotonic_ns();
	if (drill_interrupted)
		return stop(drill, "interrupted");
	if (drill->tried < until && now >= drill->next_probe_ns)
		send_probe(drill, now);
	if (now >= drill->next_ask_ns)
		ask(drill, now);
	nanosleep(&pause, NULL);
	return true;
}

static bool line_is_due(struct drill *drill)
{
	uint64_t now = clock_monotonic_ns();
	if (now < drill->next_line_ns)
		return false;
	drill->next_line_ns = now + LINE_NS;
	return true;
}

/* Whether all probes are stored here, or those that are not will not be any more: the input lost them. */
static bool is_stored(const struct drill *drill)
{
	return drill_unstored(drill) == 0 || clock_monotonic_ns() - drill->probed_ns > LATE_NS;
}

/* Whether the output has delivered all probes that are stored. */
static bool is_delivered(const struct drill *drill)
{
	const struct receipts_output *output = receipts_find_output(&drill->here, drill->arguments->output);
	return output != NULL && is_stored(drill) && output->delivered >= receipts_last_sequence(&drill->here);
}

static bool has_arrived(const struct drill *drill)
{
	return drill->arguments->next == NULL || drill->next.seen >= drill->here.seen;
}

/* ---- steps ---- */

static yajl_gen request_begin(const struct drill *drill, const char *command)
{
	yajl_gen request = client_begin(command);
	if (request != NULL)
		document_text(request, "output", drill->arguments->output);
	return request;
}

static bool request_send(struct drill *drill, yajl_gen request)
{
	char error[CLIENT_ERROR_MAX_BYTES];
	struct json_value *answer = client_send(drill->arguments->control, request, error);
	bool done = answer != NULL;
	json_tree_free(&answer);
	return done || stop(drill, "%s", error);
}

/* Asks relayd to cut the output; `check`: only whether it would. */
static bool request_cut(struct drill *drill, bool check)
{
	yajl_gen request = request_begin(drill, "cut");
	if (request != NULL) {
		document_count(request, "seconds", drill->arguments->seconds);
		document_bool(request, "check", check);
	}
	return request_send(drill, request);
}

static bool stop_away(struct drill *drill)
{
	return stop(drill, "nothing was cut: output %s does not deliver now (%s%s%s)", drill->arguments->output,
	            drill->output.state, drill->output.detail[0] != '\0' ? ": " : "", drill->output.detail);
}

static bool begin(struct drill *drill)
{
	const struct drill_arguments *arguments = drill->arguments;
	if (!drill_look_output(arguments->control, arguments->output, &drill->before, drill->error))
		return false;
	drill->output = drill->before;
	if (arguments->next != NULL && drill->output.deals)
		return stop(drill, "nothing was cut: output %s deals its messages to several servers (balance), so that with --next "
		            "what goes to the others would seem to be lost", arguments->output);
	if (!request_cut(drill, true))
		return false;
	if (!drill->output.is_connected)
		return stop_away(drill);
	drill->status = client_look(arguments->control, "status", drill->error);
	if (drill->status == NULL || !probe_sender_open(&drill->sender, drill->status, arguments->input, drill->error))
		return false;
	/* The far end looks first. */
	if (arguments->next != NULL && !receipts_begin(&drill->next, arguments->next, drill->id, drill->count))
		return stop(drill, "%s", drill->next.error);
	if (!receipts_begin(&drill->here, arguments->control, drill->id, drill->count))
		return stop(drill, "%s", drill->here.error);
	say("drill of output %s, %" PRIu64 " s; probes %s go in at input \"%s\"", arguments->output, arguments->seconds,
	    drill->id, drill->sender.input);
	return true;
}

/* Without a cut the probes must arrive, or nothing would be proved with one. */
static bool check_road(struct drill *drill)
{
	const struct drill_arguments *arguments = drill->arguments;
	uint64_t deadline_ns = clock_monotonic_ns() + ARRIVE_NS + DRILL_PROBES_AROUND * PROBE_NS;
	while (drill->here.seen < DRILL_PROBES_AROUND || !is_delivered(drill) || !has_arrived(drill)) {
		if (!turn(drill, DRILL_PROBES_AROUND))
			return false;
		if (clock_monotonic_ns() < deadline_ns)
			continue;
		if (drill->here.seen < DRILL_PROBES_AROUND)
			return stop(drill, "nothing was cut: %u of %u probes are stored here, so not even the input can be relied on",
			            drill->here.seen, drill->tried);
		if (!is_delivered(drill))
			return stop_away(drill);
		return stop(drill, "nothing was cut: output %s has delivered the probes, but %s has seen %u of %u; does this output "
		            "send there?", arguments->output, arguments->next, drill->next.seen, drill->sent);
	}
	const struct receipts_output *output = receipts_find_output(&drill->here, arguments->output);
	if (!output->wants)
		return stop(drill, "nothing was cut: output %s does not take the probes, its filter drops messages like them",
		            arguments->output);
	say("before the cut: %u probes went in, and %s", drill->sent,
	    arguments->next != NULL ? "are at the next relay" : "are delivered");
	return arguments->next == NULL || drill_note_hop(drill) ||
	       stop(drill, "nothing was cut: %s does not say what it received", arguments->next);
}

static bool cut(struct drill *drill)
{
	if (!request_cut(drill, false))
		return false;
	drill->is_cut = true;
	drill->cut_ns = clock_monotonic_ns();
	drill->next_ask_ns = 0;
	drill->next_line_ns = drill->cut_ns + LINE_NS;
	say("output %s is cut; relayd makes the connection again in %" PRIu64 " s, whatever happens to this command",
	    drill->arguments->output, drill->arguments->seconds);
	return true;
}

static void say_waiting(const struct drill *drill)
{
	char budget[64] = "";
	uint64_t covers_s = drill->output.covers_s;
	if (drill->output.covers && covers_s < 2 * 3600)
		snprintf(budget, sizeof budget, "; the spool would last %" PRIu64 " min more", covers_s / 60);
	else if (drill->output.covers)
		snprintf(budget, sizeof budget, "; the spool would last %" PRIu64 " h more", covers_s / 3600);
	if (drill->output.cut_s > 0)
		say("cut, %" PRIu64 " s left: %" PRIu64 " messages wait%s", drill->output.cut_s, drill->output.waiting, budget);
	else
		say("%s: %" PRIu64 " messages wait%s", drill->output.state, drill->output.waiting, budget);
}

/* Looks whether the cut still stands and may go on; if not, says why and ends it. */
static bool cut_stands(struct drill *drill, uint64_t end_ns)
{
	const struct drill_output *output = &drill->output;
	uint64_t left_s = end_ns > drill->looked_ns ? (end_ns - drill->looked_ns) / CLOCK_NS_PER_SECOND : 0;
	if (drill->looked_ns < drill->cut_ns) /* nobody has answered since */
		return true;
	switch (drill_cut_stands(output->cut_s, left_s, output->covers, output->covers_s)) {
	case DRILL_CUT_HOLDS:
		return true;
	case DRILL_CUT_ENDED:
		drill->is_cut = false;
		stop(drill, "output %s is not cut any more, %" PRIu64 " s early: somebody else restored it, or the relay was "
		     "restarted", drill->arguments->output, left_s);
		break;
	case DRILL_CUT_NO_ROOM:
		stop(drill, "the spool would last %" PRIu64 " s more, and the cut %" PRIu64 " s: it is ended now",
		     output->covers_s, left_s);
		break;
	}
	drill->over_ns = clock_monotonic_ns();
	return false;
}

static bool wait_while_cut(struct drill *drill)
{
	uint64_t end_ns = drill->cut_ns + drill->arguments->seconds * CLOCK_NS_PER_SECOND;
	while (clock_monotonic_ns() < end_ns) {
		if (!turn(drill, drill->count - DRILL_PROBES_AROUND) || !cut_stands(drill, end_ns))
			return false;
		if (line_is_due(drill))
			say_waiting(drill);
	}
	drill->over_ns = end_ns;
	drill->is_cut = false;
	drill->next_ask_ns = 0;
	drill->next_line_ns = clock_monotonic_ns() + LINE_NS;
	say("the time is over: %" PRIu64 " messages wait", drill->output.waiting);
	return true;
}

static bool wait_for_return(struct drill *drill)
{
	uint64_t deadline_ns = drill->over_ns + drill->arguments->within_ns;
	bool ready = false;
	/* What no more probes fit into is not tried: from here on each counts from those that were. */
	unsigned last = drill->tried + DRILL_PROBES_AROUND;
	while (!ready && clock_monotonic_ns() < deadline_ns) {
		if (!turn(drill, drill->connected_ns != 0 ? last : drill->tried))
			return false;
		if (drill->connected_ns == 0 && drill->output.is_connected) {
			drill->connected_ns = clock_monotonic_ns();
			say("connected again %.1f s later; %" PRIu64 " messages wait", seconds(drill->connected_ns - drill->over_ns),
			    drill->output.waiting);
		}
		ready = drill->tried >= last && is_delivered(drill);
		if (line_is_due(drill))
			say_waiting(drill);
	}
	if (!ready)
		return stop(drill, "output %s did not deliver all within %.0f s: %s", drill->arguments->output,
		            seconds(drill->arguments->within_ns), drill->output.detail);
	drill->drained_ns = clock_monotonic_ns();
	say("all that was stored up to the last probe is delivered, %.1f s after the cut was over",
	    seconds(drill->drained_ns - drill->over_ns));
	return true;
}

/* What was acknowledged is there; only the last relay's own look at it may take a moment. */
static bool wait_for_arrival(struct drill *drill)
{
	uint64_t deadline_ns = clock_monotonic_ns() + LATE_NS;
	while (!has_arrived(drill) && clock_monotonic_ns() < deadline_ns)
		if (!turn(drill, drill->tried))
			return false;
	return true;
}

/* Restores what is cut; what the input took has its time to be stored, so that what is not is lost. */
static void break_off(struct drill *drill)
{
	char reason[sizeof drill->error];
	memcpy(reason, drill->error, sizeof reason);
	if (drill->is_cut && request_send(drill, request_begin(drill, "restore")))
		say("output %s is restored", drill->arguments->output);
	else if (drill->is_cut)
		say("output %s could not be restored (%s): it comes back by itself", drill->arguments->output, drill->error);
	while (!is_stored(drill) && turn(drill, drill->tried))
		;
	memcpy(drill->error, reason, sizeof reason);
}

bool drill_run_steps(struct drill *drill)
{
	drill->count = 2 * DRILL_PROBES_AROUND;
	uint64_t during = drill->arguments->seconds * CLOCK_NS_PER_SECOND / PROBE_NS;
	drill->count += during < DRILL_PROBES_MAX ? (unsigned)during : DRILL_PROBES_MAX;
	drill->reached_end = begin(drill) && check_road(drill) && cut(drill) && wait_while_cut(drill) &&
	                     wait_for_return(drill) && wait_for_arrival(drill);
	if (!drill->reached_end && drill->cut_ns != 0)
		break_off(drill);
	return drill->reached_end;
}
