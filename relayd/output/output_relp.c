/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver `relp`: a message is delivered when the server has answered it with 200. With several servers either one
 * session fails over between them, or each has a session and messages are dealt to the one with the most room.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "output/quarantine.h"
#include "output/relp_session.h"
#include "output/relp_stream.h"
#include "output/sender.h"

enum {
	RELP_DEFAULT_PORT = 2514,
	/* A server that refuses so many messages one after the other, and takes none between them, is likely to be ill
	 * itself (its disk is full, say): then every message is tried so many times as often, lest the whole spool is put
	 * aside. So is a block of those that are sent again to a restored server. */
	QUARANTINED_IN_A_ROW = 3,
	QUARANTINE_PATIENCE = 10,
	/* A block is refused with others behind it, and then alone; then its messages go one by one. */
	BLOCK_REFUSALS = 2,
};

/*
 * For so long at the most answers lie unread that nobody waits for. Longer than from group to group, so that they are read
 * when the next one is sent, and cost no wake-up of their own.
 */
#define ANSWERS_REST_NS ((uint64_t)4 * CLOCK_NS_PER_MS)

#define STOP_TIMEOUT_NS ((uint64_t)2 * CLOCK_NS_PER_SECOND)

enum relp_mode {
	RELP_MODE_FAILOVER = 0,
	RELP_MODE_BALANCE = 1,
};
static const char *const mode_names[] = {"failover", "balance", NULL};

enum relp_on_refused {
	RELP_ON_REFUSED_QUARANTINE = 0,
	RELP_ON_REFUSED_HOLD = 1,
};
static const char *const on_refused_names[] = {"quarantine", "hold", NULL};

struct relp_settings {
	struct output_common common;
	struct option_list servers;
	unsigned mode;
	uint64_t failback_interval_ns;
	uint64_t window;
	uint64_t window_size;
	uint64_t answer_timeout_ns;
	uint64_t warn_size;
	unsigned on_refused;
	uint64_t max_refusals;
	uint64_t quarantine_size;
	unsigned format;
	struct output_tls_options tls;
};

static const struct option rows[] = {
	OUTPUT_COMMON_ROWS,
	{.name = "servers", .kind = OPTION_LIST, .offset = offsetof(struct relp_settings, servers), .required = true,
	 .doc = "Where to send: \"host:port\" (port 2514 if it is left out), or \"unix:/path\"; the first one is "
	         "preferred."},
	{.name = "mode", .kind = OPTION_CHOICE, .offset = offsetof(struct relp_settings, mode), .preset = "failover",
	 .choices = mode_names,
	 .doc = "With several servers: failover uses one at a time, balance uses all and deals each message to "
	         "the one with most room."},
	{.name = "failback_interval", .kind = OPTION_DURATION,
	 .offset = offsetof(struct relp_settings, failback_interval_ns), .preset = "60s",
	 .doc = "With failover: how often the first server is probed while another one is used; after two good "
	         "probes it is used again; 0: never."},
	{.name = "window", .kind = OPTION_COUNT, .offset = offsetof(struct relp_settings, window), .preset = "1024",
	 .min = 1, .max = RELP_WINDOW_MAX, .doc = "Messages that may be unacknowledged at one server."},
	{.name = "window_size", .kind = OPTION_SIZE, .offset = offsetof(struct relp_settings, window_size), .preset = "4MiB",
	 .min = 1024, .max = 1u << 30, .doc = "Octets of messages that may be unacknowledged at one server."},
	{.name = "answer_timeout", .kind = OPTION_DURATION, .offset = offsetof(struct relp_settings, answer_timeout_ns),
	 .preset = "90s", .min = CLOCK_NS_PER_SECOND, .max = 24ull * 3600 * CLOCK_NS_PER_SECOND,
	 .doc = "A session in which a message stays unanswered for so long is given up; a relayd whose spool is full says so, "
	         "and is waited for."},
	{.name = "warn_size", .kind = OPTION_SIZE, .offset = offsetof(struct relp_settings, warn_size), .preset = "8KiB",
	 .doc = "The first longer message is warned of, because rsyslog's default is to cut it there and to "
	         "acknowledge it; 0: never."},
	{.name = "on_refused", .kind = OPTION_CHOICE, .offset = offsetof(struct relp_settings, on_refused),
	 .preset = "quarantine", .choices = on_refused_names,
	 .doc = "What happens to a message that the server refuses again and again: it is kept in quarantine/<output> in the "
	         "spool and the others go on, or it holds them up until the server takes it."},
	{.name = "max_refusals", .kind = OPTION_COUNT, .offset = offsetof(struct relp_settings, max_refusals), .preset = "3",
	 .min = 1, .max = 1000, .doc = "How often a message is refused before it goes into quarantine."},
	{.name = "quarantine_size", .kind = OPTION_SIZE, .offset = offsetof(struct relp_settings, quarantine_size),
	 .preset = "64MiB", .min = 1024 * 1024, .max = 1ull << 40,
	 .doc = "Octets that the quarantine may take, beside the spool's max_size; when it is full a refused message holds the "
	         "others up."},
	ENCODER_FORMAT_ROW(struct relp_settings, format, "rfc5424"),
	{.name = "tls", .kind = OPTION_SECTION, .offset = offsetof(struct relp_settings, tls), .section = output_tls_rows,
	 .doc = "Speak RELP over TLS."},
	{.name = NULL},
};

struct relp_output {
	struct output base;
	const struct relp_settings *settings;
	struct link_server servers[LINK_SERVERS_MAX];
	unsigned servers_count;
	struct tls_context *tls;
	struct sender *sender;
	struct relp_stream_sender stream;
	bool start_over;                 /* a session that shipped blocks has ended */
	struct relp_session *sessions[LINK_SERVERS_MAX];
	unsigned sessions_count;
	unsigned finished;
	struct timer *stop_timer;
	struct quarantine *quarantine;   /* NULL: refused messages hold */
	unsigned in_a_row;               /* put into it, and blocks given up, since anything was taken */
};

static bool check(const void *settings, char *error)
{
	const struct relp_settings *relp = settings;
	struct link_server servers[LINK_SERVERS_MAX];
	return output_common_check(&relp->common, error) && encoder_check(relp->format, &relp->common, error) &&
	       link_servers_read(&relp->servers, RELP_DEFAULT_PORT, servers, error) > 0;
}

static void close_output(struct output **closing);

static struct output *open_output(const struct output_setup *setup, char *error)
{
	const struct relp_settings *settings = setup->settings;
	struct relp_output *relp = calloc(1, sizeof *relp);
	if (relp == NULL) {
		snprintf(error, OUTPUT_ERROR_MAX_BYTES, "there is no memory for the output");
		return NULL;
	}
	output_base_init(&relp->base, &output_relp, setup);
	relp->settings = settings;
	relp->servers_count = link_servers_read(&settings->servers, RELP_DEFAULT_PORT, relp->servers, error);
	if (relp->servers_count > 0 && settings->tls.present)
		relp->tls = output_tls_open(&settings->tls, error);
	bool good = relp->servers_count > 0 && (!settings->tls.present || relp->tls != NULL);
	if (good && settings->on_refused == RELP_ON_REFUSED_QUARANTINE) {
		relp->quarantine = quarantine_open(spool_path(setup->spool), settings->common.name, settings->quarantine_size);
		good = relp->quarantine != NULL;
		if (!good)
			snprintf(error, OUTPUT_ERROR_MAX_BYTES, "there is no memory for the output");
	}
	struct output *output = &relp->base;
	if (!good)
		close_output(&output);
	return output;
}

/* --- from the sender to the sessions ----------------------------------------------------------------------------- */

/* A session that has room and awaits no answer was short of memory: nothing else will tell us to go on. */
static void retry_if_nothing_comes(struct relp_output *relp)
{
	for (unsigned i = 0; i < relp->sessions_count; i++) {
		if (relp_session_room(relp->sessions[i]) > 0 && !relp_session_awaits_answers(relp->sessions[i]))
			sender_retry(relp->sender);
	}
}

static bool send_message(void *context, uint64_t sequence, struct bytes message)
{
	struct relp_output *relp = context;
	struct relp_session *best = relp->sessions[0];
	for (unsigned i = 1; i < relp->sessions_count; i++)
		if (relp_session_room(relp->sessions[i]) > relp_session_room(best))
			best = relp->sessions[i];
	if (relp_session_send(best, sequence, message))
		return true;
	/* The best one may be waiting with a refused message. */
	for (unsigned i = 0; i < relp->sessions_count; i++)
		if (relp->sessions[i] != best && relp_session_send(relp->sessions[i], sequence, message))
			return true;
	retry_if_nothing_comes(relp);
	return false;
}

static bool ships_blocks(void *context)
{
	return ((struct relp_output *)context)->stream.ships;
}

static enum sender_shipped send_block(void *context, struct relp_block *block)
{
	struct relp_output *relp = context;
	enum sender_shipped shipped = relp_stream_send(&relp->stream, relp->sessions[0], block);
	if (shipped == SENDER_NO_ROOM)
		retry_if_nothing_comes(relp);
	return shipped;
}

static void flush(void *context)
{
	struct relp_output *relp = context;
	for (unsigned i = 0; i < relp->sessions_count; i++)
		relp_session_flush(relp->sessions[i]);
}

/* Answers move the cursor only; a window that is nearly full, or octets that the socket did not take, need them sooner. */
static void caught_up(void *context)
{
	struct relp_output *relp = context;
	for (unsigned i = 0; i < relp->sessions_count; i++)
		if (!relp_session_may_rest(relp->sessions[i]))
			return;
	struct worker *worker = relp->base.setup.worker;
	worker_rest(worker, worker_now_ns(worker) + ANSWERS_REST_NS);
}

/* How often something is refused before it is put aside, or given up. */
static uint64_t enough_refusals(const struct relp_output *relp)
{
	return relp->settings->max_refusals * (relp->in_a_row < QUARANTINED_IN_A_ROW ? 1 : QUARANTINE_PATIENCE);
}

/*
 * Whether every server that can be asked has refused the message often enough: with `balance` one that has not may still
 * take it.
 */
static bool is_refused_for_good(const struct relp_output *relp, uint64_t sequence)
{
	bool any = false;
	uint64_t enough = enough_refusals(relp);
	for (unsigned i = 0; i < relp->sessions_count; i++) {
		uint64_t refused;
		bool often = relp_session_refusals(relp->sessions[i], &refused) >= enough && refused == sequence;
		if (!often && link_state(relp_session_link(relp->sessions[i])) == LINK_ESTABLISHED)
			return false;
		any |= often;
	}
	return any;
}

static bool quarantine(void *context, uint64_t sequence, const struct envelope *envelope)
{
	struct relp_output *relp = context;
	char error[QUARANTINE_ERROR_MAX_BYTES];
	if (relp->quarantine == NULL || !is_refused_for_good(relp, sequence))
		return false;
	if (quarantine_put(relp->quarantine, sequence, envelope, error) != QUARANTINE_DONE) {
		output_trouble(&relp->base, "output_held", "message %llu is refused and cannot go into quarantine, so all behind it "
		               "waits: %s", (unsigned long long)sequence, error);
		return false;
	}
	relp->in_a_row++;
	output_trouble(&relp->base, "output_quarantined",
	               "message %llu was refused %llu times: it is kept in %s, and the others go on",
	               (unsigned long long)sequence, (unsigned long long)relp->settings->max_refusals,
	               quarantine_path(relp->quarantine));
	for (unsigned i = 0; i < relp->sessions_count; i++)
		relp_session_forget(relp->sessions[i], sequence);
	return true;
}

static void passed_over(void *context, uint64_t sequence)
{
	struct relp_output *relp = context;
	for (unsigned i = 0; i < relp->sessions_count; i++)
		relp_session_forget(relp->sessions[i], sequence);
}

/* A rule of the operator's has dropped what a server refuses: it holds nothing up any more. */
static void not_wanted(void *context, uint64_t sequence)
{
	struct relp_output *relp = context;
	uint64_t refused;
	for (unsigned i = 0; i < relp->sessions_count; i++)
		if (relp_session_refusals(relp->sessions[i], &refused) > 0 && refused == sequence)
			relp_session_forget(relp->sessions[i], sequence);
}

/* --- from the sessions to the sender ----------------------------------------------------------------------------- */

static void on_settled(void *context, uint64_t sequence, uint32_t records)
{
	struct relp_output *relp = context;
	relp->in_a_row = 0;
	if (relp_stream_acknowledged(&relp->stream, sequence, records))
		relp_session_hint_lost(relp->sessions[0], relp->stream.server.lost);
	sender_settle(relp->sender, sequence);
}

/* What the server refuses of what it lost: with "on_refused": "hold" it is tried on, with growing pauses. */
static bool may_give_up(const struct relp_output *relp, unsigned refusals)
{
	return relp->quarantine != NULL && refusals >= enough_refusals(relp);
}

/*
 * Rule 38 for a block: which of its messages the server does not want is found by sending them one by one. Those of a block
 * that was settled before, and that a restored server was to get again, cannot be: it is given up.
 */
static void take_block_apart(struct relp_output *relp, uint64_t sequence)
{
	uint64_t refused;
	unsigned refusals = relp_session_refusals(relp->sessions[0], &refused);
	if (refusals < BLOCK_REFUSALS || refused != sequence)
		return;
	if (relp_stream_was_settled(&relp->stream, sequence)) {
		if (!may_give_up(relp, refusals))
			return;
		relp->in_a_row++;
		relp_stream_give_up(&relp->stream, sequence);
	} else {
		relp_stream_send_plain(&relp->stream, sequence);
		output_trouble(&relp->base, "output_block_refused", "the block up to message %llu is refused: its messages are "
		               "sent one by one", (unsigned long long)sequence);
	}
	relp_session_forget(relp->sessions[0], sequence);
}

static void on_lost(void *context, uint64_t sequence)
{
	struct relp_output *relp = context;
	if (relp->stream.ships) {
		relp->start_over = true;
		take_block_apart(relp, sequence);
	} else {
		sender_lose(relp->sender, sequence);
	}
}

static enum relp_session_offer offer(void *context, struct relp_block_request *request)
{
	return relp_stream_offer(&((struct relp_output *)context)->stream, request);
}

static const char *on_opened(void *context, const struct relp_block_answer *answer)
{
	struct relp_output *relp = context;
	const char *server = link_server_name(relp_session_link(relp->sessions[0]));
	const char *wrong = relp->stream.wanted ? relp_stream_opened(&relp->stream, answer, server) : NULL;
	if (answer != NULL && wrong == NULL && relp->stream.server.lost > answer->lost)
		relp_session_hint_lost(relp->sessions[0], relp->stream.server.lost);
	return wrong;
}

/* A message that one server refused and another one took holds nothing up any more. */
static void forget_refused(struct relp_output *relp)
{
	uint64_t refused, delivered = spool_cursor_delivered(relp->base.setup.cursor);
	for (unsigned i = 0; i < relp->sessions_count; i++)
		if (relp_session_refusals(relp->sessions[i], &refused) > 0)
			relp_session_forget(relp->sessions[i], delivered);
}

static void show(struct relp_output *relp)
{
	struct link *links[LINK_SERVERS_MAX];
	uint64_t refused;
	for (unsigned i = 0; i < relp->sessions_count; i++)
		links[i] = relp_session_link(relp->sessions[i]);
	if (relp->sessions_count == 1 && relp_session_refusals(relp->sessions[0], &refused) >= RELP_SESSION_HOLD_REFUSALS)
		output_state(&relp->base, "held: message %llu is refused", (unsigned long long)refused);
	else
		link_show(&relp->base, links, relp->sessions_count);
}

static void on_progress(void *context)
{
	struct relp_output *relp = context;
	if (relp->start_over)
		sender_cut_off(relp->sender);
	relp->start_over = false;
	sender_resume(relp->sender);
	if (relp_stream_wants_renewal(&relp->stream))
		relp_session_renew(relp->sessions[0]);
	if (relp->sessions_count > 1)
		forget_refused(relp);
}

static void on_changed(void *context)
{
	show(context);
}

/* --- starting and stopping --------------------------------------------------------------------------------------- */

static void close_all(struct relp_output *relp)
{
	for (unsigned i = 0; i < relp->sessions_count; i++)
		relp_session_close(&relp->sessions[i]);
	relp->sessions_count = 0;
	timer_close(&relp->stop_timer);
	sender_close(&relp->sender);
}

static void end(void *context)
{
	struct relp_output *relp = context;
	sender_publish(relp->sender);
	close_all(relp);
	output_stopped(&relp->base);
}

static void on_finished(void *context)
{
	struct relp_output *relp = context;
	/* Not from inside the session that has finished, nor from inside the loop over all of them: on the next turn. */
	if (++relp->finished == relp->sessions_count)
		timer_set(relp->stop_timer, 0);
}

static struct relp_session *new_session(struct relp_output *relp, const struct link_server *servers, unsigned count)
{
	const struct relp_settings *settings = relp->settings;
	const struct relp_session_settings session = {
		.link = {.output = &relp->base,
		         .servers = servers,
		         .count = count,
		         .tls = &relp->tls,
		         .failback_interval_ns = settings->failback_interval_ns},
		.window = (unsigned)settings->window,
		.window_octets = settings->window_size,
		.answer_timeout_ns = settings->answer_timeout_ns,
		.warn_size = settings->warn_size,
		.context = relp,
		.offer = offer,
		.opened = on_opened,
		.settled = on_settled,
		.lost = on_lost,
		.progress = on_progress,
		.changed = on_changed,
		.finished = on_finished,
	};
	return relp_session_open(&session);
}

static bool open_sessions(struct relp_output *relp)
{
	bool balance = relp->settings->mode == RELP_MODE_BALANCE;
	unsigned wanted = balance ? relp->servers_count : 1;
	for (unsigned i = 0; i < wanted; i++) {
		relp->sessions[i] = new_session(relp, &relp->servers[i], balance ? 1 : relp->servers_count);
		if (relp->sessions[i] == NULL)
			return false;
		relp->sessions_count++;
	}
	return true;
}

static void start_here(void *context)
{
	struct relp_output *relp = context;
	const struct sender_transport transport = {
		.send = send_message, .quarantine = quarantine,
		.ships_blocks = ships_blocks, .send_block = send_block, .flush = flush,
		.caught_up = caught_up, .passed_over = passed_over,
		.not_wanted = not_wanted, .context = relp};
	unsigned sessions = relp->settings->mode == RELP_MODE_BALANCE ? relp->servers_count : 1;
	relp->sender = sender_open(&relp->base, ACCOUNT_EACH, (size_t)relp->settings->window * sessions,
	                           relp->settings->format, &transport);
	relp->stop_timer = timer_open(relp->base.setup.worker, end, relp);
	/* What the operator wants to have written into messages can only be written into messages. */
	bool wants_blocks = relp->settings->mode == RELP_MODE_FAILOVER && relp->settings->format == ENCODER_RFC5424 &&
	                    !relp->settings->common.stamp;
	relp_stream_init(&relp->stream, &relp->base, relp->sender, wants_blocks);
	if (relp->sender == NULL || relp->stop_timer == NULL || !open_sessions(relp)) {
		close_all(relp);
		output_state(&relp->base, "failed");
		output_trouble(&relp->base, "output_failed", "there is no memory for the output");
		return;
	}
	for (unsigned i = 0; i < relp->sessions_count; i++)
		relp_session_start(relp->sessions[i]);
}

static void start(struct output *output)
{
	output_base_start(output, start_here);
}

static void stop_here(void *context)
{
	struct relp_output *relp = context;
	if (relp->sender == NULL) {
		output_stopped(&relp->base);
		return;
	}
	sender_stop(relp->sender);
	output_state(&relp->base, "stopping");
	timer_set(relp->stop_timer, STOP_TIMEOUT_NS);
	for (unsigned i = 0; i < relp->sessions_count; i++)
		relp_session_finish(relp->sessions[i]);
}

static void stop(struct output *output, void (*stopped)(void *context), void *context)
{
	output_base_stop(output, stop_here, stopped, context);
}

static void cut_here(void *context)
{
	struct relp_output *relp = context;
	for (unsigned i = 0; i < relp->sessions_count; i++)
		link_cut(relp_session_link(relp->sessions[i]), relp->base.cut_ns);
}

static bool cut(struct output *output, uint64_t for_ns)
{
	return output_base_cut(output, cut_here, for_ns);
}

static bool reload(struct output *output, char *error)
{
	struct relp_output *relp = (struct relp_output *)output;
	return !relp->settings->tls.present || output_tls_reload(output, &relp->settings->tls, &relp->tls, error);
}

static void close_output(struct output **closing)
{
	struct relp_output *relp = (struct relp_output *)*closing;
	if (relp == NULL)
		return;
	*closing = NULL;
	assert(relp->sender == NULL);
	tls_context_release(&relp->tls);
	quarantine_close(&relp->quarantine);
	output_base_free(&relp->base);
	free(relp);
}

const struct output_driver output_relp = {
	.type = "relp",
	.doc = "Sends over RELP, plain, over TLS or to a Unix socket; delivered means that the server has "
	        "acknowledged the message.",
	.confirmed = true,
	.options = rows,
	.settings_size = sizeof(struct relp_settings),
	.check = check,
	.open = open_output,
	.start = start,
	.reload = reload,
	.cut = cut,
	.stop = stop,
	.status = output_base_status,
	.close = close_output,
};
