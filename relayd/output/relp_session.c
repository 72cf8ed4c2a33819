/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message resent goes out with a lower sequence than others before it, while the client's window wants numbers that grow.
 * So each session numbers its messages 1, 2, 3 ... (ordinals); `outstanding` is the ring that leads back to the sequences.
 */
#include "output/relp_session.h"

#include <stdlib.h>

#include "base/clock.h"

/* For people; nothing depends on it. */
#define SOFTWARE "relayd,0.1,https://example.net/relayd"

enum { ANSWER_TEXT_SHOWN_BYTES = 160 };

/* A message, or a block with so many records, that is on its way. */
struct outstanding {
	uint64_t sequence;
	uint32_t records;
};

struct relp_session {
	struct relp_session_settings settings;
	struct link *link;
	struct relp_client client;
	struct relp_window_entry *entries;
	struct outstanding *outstanding; /* ring: ordinal n at n & mask */
	uint64_t mask;               /* its size, a power of two, less 1 */
	uint64_t first_ordinal;      /* of the oldest outstanding one */
	uint64_t next_ordinal;
	struct timer *deadline;
	uint64_t deadline_ns;        /* what it is set to */
	bool draining;               /* nothing new is sent: about to close, for a change of server, a reopen or our stop */
	bool finishing;
	bool finished;
	bool warned;
	uint64_t full_to;            /* the server is full until the message of this ordinal is settled; 0: it is not */
	unsigned refusals;           /* of `refused`, in a row */
	uint64_t refused;            /* sequence */
	uint64_t refused_ordinal;    /* in this session; 0: it has refused nothing */
};

static uint64_t now_of(const struct relp_session *session)
{
	return worker_now_ns(session->settings.link.output->setup.worker);
}

/* --- the ring of outstanding messages ---------------------------------------------------------------------------- */

static struct outstanding *slot_of(struct relp_session *session, uint64_t ordinal)
{
	return &session->outstanding[ordinal & session->mask];
}

static void settle_through(struct relp_session *session, uint64_t ordinal)
{
	for (; session->first_ordinal <= ordinal; session->first_ordinal++) {
		const struct outstanding *settled = slot_of(session, session->first_ordinal);
		if (session->refusals > 0 && settled->sequence == session->refused)
			session->refusals = 0;
		session->settings.settled(session->settings.context, settled->sequence, settled->records);
	}
}

static void lose_all(struct relp_session *session)
{
	for (; session->first_ordinal < session->next_ordinal; session->first_ordinal++)
		session->settings.lost(session->settings.context, slot_of(session, session->first_ordinal)->sequence);
}

/*
 * Set once while something is waited for, not for each message: it looks again when it fires. What is sent while something
 * older is waited for changes nothing.
 */
static void watch_deadline(struct relp_session *session)
{
	uint64_t deadline = relp_client_deadline_ns(&session->client);
	if (deadline == UINT64_MAX || (timer_is_set(session->deadline) && session->deadline_ns <= deadline))
		return;
	uint64_t now = now_of(session);
	session->deadline_ns = deadline;
	timer_set(session->deadline, deadline > now ? deadline - now : 0);
}

/* --- what the server says ---------------------------------------------------------------------------------------- */

/* A session that is to end says `close` when all that can still be settled is. True if it did. */
static bool close_if_drained(struct relp_session *session)
{
	enum relp_client_state state = relp_client_state(&session->client);
	bool may_close = state == RELP_CLIENT_READY || state == RELP_CLIENT_DRAINING;
	/* Nothing from the refused message on will be settled in this session. */
	bool is_drained = session->first_ordinal == session->next_ordinal || session->first_ordinal == session->refused_ordinal;
	if (!session->draining || !may_close || !is_drained)
		return false;
	struct stream *stream = link_stream(session->link);
	if (relp_client_close(&session->client, now_of(session), stream_output(stream))) {
		stream_flush(stream);
		watch_deadline(session);
	} else {
		stream_shutdown(stream); /* no memory for it: the server's end ends the session too */
	}
	return true;
}

static void note_refusal(struct relp_session *session, const struct relp_client_event *event)
{
	uint64_t sequence = slot_of(session, event->sequence)->sequence;
	atomic_fetch_add_explicit(&session->settings.link.output->refused, 1, memory_order_relaxed);
	if (session->refused_ordinal == 0)
		session->refused_ordinal = event->sequence;
	if (session->refused_ordinal != event->sequence)
		return; /* one at a time: it is sent again with the others */
	session->refusals = session->refusals > 0 && session->refused == sequence ? session->refusals + 1 : 1;
	session->refused = sequence;
	output_trouble(session->settings.link.output, "output_refused",
	               "%s refused %s %llu for the %u. time: %u %.*s. It is sent again, alone, and "
	               "nothing behind it goes out until the server takes it",
	               link_server_name(session->link),
	               relp_client_ships_blocks(&session->client) != NULL ? "the block up to message" : "message",
	               (unsigned long long)sequence, session->refusals, event->code,
	               (int)bytes_first(event->text, ANSWER_TEXT_SHOWN_BYTES).len, (const char *)event->text.at);
}

static void note_open(struct relp_session *session)
{
	link_established(session->link);
	session->settings.changed(session->settings.context);
}

static void tell_finished(struct relp_session *session)
{
	if (session->finished)
		return;
	session->finished = true;
	session->settings.finished(session->settings.context);
}

/* The session is over: what is outstanding is lost. True if that was our stop; then the session may be gone. */
static bool give_up(struct relp_session *session)
{
	lose_all(session);
	timer_unset(session->deadline);
	if (!session->finishing)
		return false;
	tell_finished(session);
	return true;
}

/* How long to wait at least before the refused message is tried again; 0: there is none. */
static uint64_t hold_ns(const struct relp_session *session)
{
	if (session->refusals == 0)
		return 0;
	return session->refusals >= RELP_SESSION_HOLD_REFUSALS ? link_pauses.max_ns : link_pauses.min_ns;
}

/* The server or we broke the session off. */
static void end_session(struct relp_session *session, const char *reason, struct bytes text, unsigned code)
{
	if (give_up(session))
		return;
	if (code != 0)
		link_fail(session->link, hold_ns(session), "refused: %s: %u %.*s", reason, code,
		          (int)bytes_first(text, ANSWER_TEXT_SHOWN_BYTES).len, (const char *)text.at);
	else
		link_fail(session->link, hold_ns(session), "%s", reason);
	session->settings.progress(session->settings.context);
}

static void on_closed_in_order(struct relp_session *session)
{
	if (give_up(session))
		return;
	if (session->refusals > 0)
		link_fail(session->link, hold_ns(session), "closed after it had refused message %llu",
		          (unsigned long long)session->refused);
	else
		link_reconnect(session->link);
	session->settings.progress(session->settings.context);
}

/* The server's answer to `open`. False: the session is no good. */
static bool take_open(struct relp_session *session)
{
	const struct relp_session_settings *settings = &session->settings;
	if (link_state(session->link) != LINK_OPENING)
		return true; /* our stop was faster: there will be no session */
	const char *wrong = settings->opened != NULL
	                      ? settings->opened(settings->context, relp_client_ships_blocks(&session->client)) : NULL;
	if (wrong != NULL) {
		end_session(session, wrong, BYTES(""), 0);
		return false;
	}
	note_open(session);
	return true;
}

/* Rule 34: the server is there, and has no room. Nothing is missed while it says so. */
static void note_full(struct relp_session *session)
{
	relp_client_note_full(&session->client, now_of(session));
	bool was_full = session->full_to > 0;
	session->full_to = session->next_ordinal - 1;
	if (was_full)
		return;
	output_trouble(session->settings.link.output, "output_server_full",
	               "the spool of %s is full: it takes nothing more until its own outputs have made room, and what is to be "
	               "sent waits here", link_server_name(session->link));
}

/* All that it had not taken when it said so is settled. */
static void note_room(struct relp_session *session)
{
	if (session->full_to == 0 || session->first_ordinal <= session->full_to)
		return;
	output_well(session->settings.link.output);
	session->full_to = 0;
}

/* One event. False: the session is over, and may be gone. */
static bool take_event(struct relp_session *session, const struct relp_client_event *event)
{
	switch (event->kind) {
	case RELP_CLIENT_NOTHING:
		return true;
	case RELP_CLIENT_OPENED:
		return take_open(session);
	case RELP_CLIENT_FULL:
		note_full(session);
		return true;
	case RELP_CLIENT_ACKNOWLEDGED:
		settle_through(session, event->sequence);
		note_room(session);
		return true;
	case RELP_CLIENT_REFUSED:
		note_refusal(session, event);
		session->draining = true;
		return true;
	case RELP_CLIENT_CLOSED:
		on_closed_in_order(session);
		return false;
	case RELP_CLIENT_SERVER_CLOSE:
		end_session(session, "the server ended the session (serverclose)", BYTES(""), 0);
		return false;
	case RELP_CLIENT_ERROR:
		end_session(session, event->reason, event->text, event->code);
		return false;
	}
	return true;
}

/* Takes all answers in `bytes`. False: the session is over, and may be gone. */
static bool take_answers(struct relp_session *session, struct bytes bytes, size_t *used)
{
	struct relp_client_event event;
	*used = 0;
	do {
		relp_client_feed(&session->client, bytes_after(bytes, *used), &event);
		*used += event.consumed;
		if (!take_event(session, &event))
			return false;
	} while (event.kind != RELP_CLIENT_NOTHING);
	return true;
}

/* --- time-outs --------------------------------------------------------------------------------------------------- */

static void on_deadline(void *context)
{
	struct relp_session *session = context;
	const char *expired = relp_client_expired(&session->client, now_of(session));
	if (expired != NULL)
		end_session(session, expired, BYTES(""), 0);
	else
		watch_deadline(session);
}

/* --- what the link says ------------------------------------------------------------------------------------------ */

static void on_ready(void *context)
{
	struct relp_session *session = context;
	struct relp_client_settings client = {
		.software = BYTES(SOFTWARE),
		.entries = session->entries,
		.window = session->settings.window,
		.window_octets = session->settings.window_octets,
		.answer_timeout_ns = session->settings.answer_timeout_ns,
	};
	const struct relp_session_settings *settings = &session->settings;
	enum relp_session_offer offer =
		settings->offer != NULL ? settings->offer(settings->context, &client.block) : RELP_OFFER_MESSAGES;
	if (offer == RELP_OFFER_LATER) {
		link_fail(session->link, 0, "the stream's id is not on the disk yet");
		return;
	}
	client.offers_blocks = offer == RELP_OFFER_BLOCKS;
	assert(session->first_ordinal == session->next_ordinal);
	session->first_ordinal = session->next_ordinal = 1;
	session->refused_ordinal = 0;
	session->full_to = 0;
	session->draining = session->finishing;
	relp_client_init(&session->client, &client);
	struct stream *stream = link_stream(session->link);
	if (!relp_client_open(&session->client, now_of(session), stream_output(stream))) {
		link_fail(session->link, 0, "there is no memory for a session");
		return;
	}
	stream_flush(stream);
	watch_deadline(session);
}

static size_t on_bytes(void *context, struct bytes bytes)
{
	struct relp_session *session = context;
	size_t used;
	if (!take_answers(session, bytes, &used))
		return bytes.len;
	if (relp_client_wants_reopen(&session->client))
		session->draining = true;
	if (close_if_drained(session))
		return used;
	session->settings.progress(session->settings.context);
	return used;
}

static void on_writable(void *context)
{
	struct relp_session *session = context;
	session->settings.progress(session->settings.context);
}

/* Every answer that could be read is settled before the rest is lost (spool-rules.md, rule 35). */
static void on_down(void *context, bool in_order, struct bytes rest)
{
	struct relp_session *session = context;
	(void)in_order;
	size_t used;
	session->draining = true; /* the link still looks established */
	if (relp_client_state(&session->client) != RELP_CLIENT_NEW && !take_answers(session, rest, &used))
		return;
	if (!give_up(session))
		session->settings.progress(session->settings.context);
}

static void on_go_home(void *context)
{
	struct relp_session *session = context;
	session->draining = true;
	close_if_drained(session);
}

static void on_changed(void *context)
{
	struct relp_session *session = context;
	session->settings.changed(session->settings.context);
}

/* --- for the output ---------------------------------------------------------------------------------------------- */

struct relp_session *relp_session_open(const struct relp_session_settings *settings)
{
	struct relp_session *session = calloc(1, sizeof *session);
	if (session == NULL)
		return NULL;
	session->settings = *settings;
	session->settings.link.context = session;
	session->settings.link.events = (struct link_events){
		.ready = on_ready,
		.bytes = on_bytes,
		.writable = on_writable,
		.down = on_down,
		.go_home = on_go_home,
		.changed = on_changed,
	};
	session->first_ordinal = session->next_ordinal = 1;
	session->entries = calloc(settings->window, sizeof *session->entries);
	while (session->mask + 1 < settings->window)
		session->mask = 2 * session->mask + 1;
	session->outstanding = calloc((size_t)session->mask + 1, sizeof *session->outstanding);
	session->deadline = timer_open(settings->link.output->setup.worker, on_deadline, session);
	session->link = link_open(&session->settings.link);
	if (session->entries == NULL || session->outstanding == NULL || session->deadline == NULL || session->link == NULL)
		relp_session_close(&session);
	return session;
}

void relp_session_close(struct relp_session **closing)
{
	struct relp_session *session = *closing;
	if (session == NULL)
		return;
	*closing = NULL;
	link_close(&session->link);
	timer_close(&session->deadline);
	free(session->entries);
	free(session->outstanding);
	free(session);
}

void relp_session_start(struct relp_session *session)
{
	link_start(session->link);
}

size_t relp_session_room(const struct relp_session *session)
{
	if (link_state(session->link) != LINK_ESTABLISHED || session->draining ||
	    relp_client_state(&session->client) != RELP_CLIENT_READY ||
	    buffer_len(stream_output(link_stream(session->link))) >= RELP_SESSION_GATHER_BYTES)
		return 0;
	return session->settings.window - relp_client_unacknowledged(&session->client);
}

bool relp_session_may_rest(const struct relp_session *session)
{
	return relp_session_room(session) > session->settings.window / 2 && session->refusals == 0 &&
	       buffer_len(stream_output(link_stream(session->link))) == 0;
}

/* Rule 38: all before the refused message goes first and is answered, then it alone. */
static bool must_wait(const struct relp_session *session, uint64_t sequence)
{
	if (session->refusals == 0 || sequence < session->refused)
		return false;
	return sequence > session->refused || relp_client_unacknowledged(&session->client) > 0;
}

static void warn_of_size(struct relp_session *session, uint64_t sequence, size_t len)
{
	if (session->warned || session->settings.warn_size == 0 || len <= session->settings.warn_size)
		return;
	session->warned = true;
	output_trouble(session->settings.link.output, "output_long_message",
	               "message %llu has %zu octets, more than warn_size: many servers cut such messages and "
	               "acknowledge them all the same; raise the server's limit (rsyslog: maxDataSize), then warn_size",
	               (unsigned long long)sequence, len);
}

bool relp_session_send(struct relp_session *session, uint64_t sequence, struct bytes message)
{
	if (relp_session_room(session) == 0 || must_wait(session, sequence))
		return false;
	struct stream *stream = link_stream(session->link);
	struct buffer *out = stream_output(stream);
	if (buffer_len(out) == 0)
		(void)buffer_reserve(out, RELP_SESSION_GATHER_BYTES); /* once, instead of by doubling */
	if (relp_client_send(&session->client, message, session->next_ordinal, now_of(session), out) != RELP_SEND_OK)
		return false;
	*slot_of(session, session->next_ordinal++) = (struct outstanding){.sequence = sequence, .records = 1};
	warn_of_size(session, sequence, message.len);
	if (relp_client_unacknowledged(&session->client) == 1)
		watch_deadline(session);
	if (buffer_len(out) >= RELP_SESSION_GATHER_BYTES)
		stream_flush(stream);
	return true;
}

bool relp_session_ships_blocks(const struct relp_session *session)
{
	return link_state(session->link) == LINK_ESTABLISHED && relp_client_ships_blocks(&session->client) != NULL;
}

bool relp_session_takes_block(const struct relp_session *session, size_t packed, size_t unpacked)
{
	return relp_client_takes_block(&session->client, packed, unpacked);
}

bool relp_session_send_block(struct relp_session *session, const struct relp_block *block)
{
	if (relp_session_room(session) == 0 || must_wait(session, block->last))
		return false;
	struct stream *stream = link_stream(session->link);
	struct buffer *out = stream_output(stream);
	if (relp_client_send_block(&session->client, block, session->next_ordinal, now_of(session), out) != RELP_SEND_OK)
		return false;
	*slot_of(session, session->next_ordinal++) = (struct outstanding){.sequence = block->last, .records = block->records};
	watch_deadline(session);
	if (buffer_len(out) >= RELP_SESSION_GATHER_BYTES)
		stream_flush(stream);
	return true;
}

bool relp_session_awaits_answers(const struct relp_session *session)
{
	return session->first_ordinal != session->next_ordinal;
}

void relp_session_hint_lost(struct relp_session *session, uint64_t records)
{
	struct stream *stream = link_stream(session->link);
	if (stream != NULL && relp_client_hint_lost(&session->client, records, stream_output(stream)))
		stream_flush(stream);
}

void relp_session_renew(struct relp_session *session)
{
	session->draining = true;
	if (link_state(session->link) == LINK_ESTABLISHED)
		close_if_drained(session);
}

void relp_session_flush(struct relp_session *session)
{
	struct stream *stream = link_stream(session->link);
	if (link_state(session->link) == LINK_ESTABLISHED && buffer_len(stream_output(stream)) > 0)
		stream_flush(stream);
}

void relp_session_finish(struct relp_session *session)
{
	bool has_session = link_state(session->link) == LINK_ESTABLISHED;
	session->finishing = true;
	session->draining = true;
	link_stop(session->link);
	if (!has_session)
		tell_finished(session);
	else
		close_if_drained(session);
}

void relp_session_forget(struct relp_session *session, uint64_t sequence)
{
	if (session->refusals > 0 && session->refused <= sequence)
		session->refusals = 0;
}

struct link *relp_session_link(const struct relp_session *session)
{
	return session->link;
}

unsigned relp_session_refusals(const struct relp_session *session, uint64_t *sequence)
{
	*sequence = session->refused;
	return session->refusals;
}
