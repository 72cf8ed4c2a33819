/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections of one input at one worker. One timer walks them all, a few times per time-out, and only while there is
 * a connection that has one: no timer for each, and no wake-ups when nothing is connected.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "input/connection_internal.h"
#include "intake/counter.h"
#include "net/socket.h"

enum {
	TICK_MIN_MS = 50,
	TICK_MAX_MS = 15000,
	TICK_ENDING_MS = 100,     /* while a connection has a deadline */
	TICK_WAITING_MS = 1000,   /* while one waits for room whose peer is to be told so, or may give up, or for memory */
	TICKS_PER_IDLE_TIMEOUT = 4,
};

/* A tick less, so that it is told in time. */
#define WAITING_NS ((uint64_t)(CONNECTION_WAITING_MS - TICK_WAITING_MS) * CLOCK_NS_PER_MS)

/* --- the timer --------------------------------------------------------------------------------------------------- */

static void on_tick(uv_timer_t *timer);

static uint64_t wanted_tick_ms(const struct connection_part *part)
{
	if (part->ending > 0)
		return TICK_ENDING_MS;
	uint64_t idle_ms = part->server->spec.limits->idle_timeout_ns / CLOCK_NS_PER_MS;
	bool waits = !list_is_empty(&part->waiting);
	uint64_t most_ms = waits && connection_protocol_of(part)->waiting != NULL ? TICK_WAITING_MS : TICK_MAX_MS;
	if (idle_ms == 0 || list_is_empty(&part->connections))
		return most_ms == TICK_WAITING_MS ? most_ms : 0;
	uint64_t tick_ms = idle_ms / TICKS_PER_IDLE_TIMEOUT;
	return tick_ms < TICK_MIN_MS ? TICK_MIN_MS : tick_ms > most_ms ? most_ms : tick_ms;
}

void connection_part_update_timer(struct connection_part *part)
{
	uint64_t tick_ms = wanted_tick_ms(part);
	if (tick_ms == part->tick_ms)
		return;
	part->tick_ms = tick_ms;
	if (tick_ms == 0)
		uv_timer_stop(&part->timer);
	else
		uv_timer_start(&part->timer, on_tick, tick_ms, tick_ms);
}

void connection_set_deadline(struct connection *connection, uint64_t from_now_ns)
{
	if (connection->deadline_ns == UINT64_MAX)
		connection->part->ending++;
	connection->deadline_ns = connection_part_now(connection->part) + from_now_ns;
	connection_part_update_timer(connection->part);
}

/* --- waiting ----------------------------------------------------------------------------------------------------- */

static bool may_try(struct connection_part *part)
{
	return part->stop.gives_up || intake_has_room(part->on->intake, &part->source);
}

/*
 * One after the other, as long as there are blocks: with thousands of them each block would wake all for one that gets it.
 * The others keep their places; who waits again, now or for memory, goes to the end.
 */
void connection_part_try_again(struct connection_part *part)
{
	struct list before; /* those that wait again go into the part's list, and are not met twice */
	list_init(&before);
	list_append_all(&before, &part->waiting);
	while (!list_is_empty(&before) && may_try(part))
		connection_try_again(LIST_ENTRY(before.next, struct connection, waiting));
	list_append_all(&before, &part->waiting);
	list_append_all(&part->waiting, &before);
}

static void on_room(void *context)
{
	connection_part_try_again(context);
}

static void on_stored(void *context, uint64_t ordinal)
{
	struct connection_part *part = context;
	struct list told; /* those that still wait for more go into the part's list, and are not met twice */
	list_init(&told);
	list_append_all(&told, &part->awaiting);
	struct list *link;
	while ((link = list_take_first(&told)) != NULL)
		connection_protocol_of(part)->stored(LIST_ENTRY(link, struct connection, awaiting), ordinal);
}

/* --- opening ----------------------------------------------------------------------------------------------------- */

static void fill_peer(struct connection *connection, int fd, const struct address *address)
{
	const struct stream_server *server = connection->part->server;
	const enum transport *transports = server->spec.protocol->transports;
	struct peer *peer = &connection->peer;
	address_octets(address, peer->address, &peer->port);
	peer->transport = (uint8_t)transports[server->is_local ? 2 : server->spec.tls != NULL ? 1 : 0];
	struct ucred credentials;
	socklen_t len = sizeof credentials;
	if (!server->is_local || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) != 0)
		return;
	peer->has_credentials = true;
	peer->pid = (uint32_t)credentials.pid;
	peer->uid = credentials.uid;
	peer->gid = credentials.gid;
}

static struct stream *open_stream(struct connection *connection, int *fd, const struct address *peer)
{
	struct stream_server *server = connection->part->server;
	const struct connection_protocol *protocol = server->spec.protocol;
	struct tls_context *tls = tls_holder_take(&server->tls);
	struct stream_options options = {
		.worker = connection->part->on->worker,
		.tls = tls,
		.peer = peer,
		.output_cap_bytes = protocol->output_cap_bytes,
		.pending_max_bytes = (size_t)server->input.common->max_message_size + protocol->frame_overhead_bytes,
		.events = connection_stream_events,
		.context = connection,
	};
	struct stream *stream = stream_adopt(fd, &options);
	tls_context_release(&tls);
	return stream;
}

void connection_part_adopt(struct connection_part *part, int fd, const struct address *peer)
{
	const struct connection_protocol *protocol = connection_protocol_of(part);
	struct connection *connection = calloc(1, protocol->size);
	if (connection != NULL) {
		connection->part = part;
		connection->deadline_ns = UINT64_MAX;
		connection->resumed_ns = connection_part_now(part);
		list_init(&connection->waiting);
		list_init(&connection->awaiting);
		fill_peer(connection, fd, peer);
		connection->stream = open_stream(connection, &fd, peer);
	}
	if (connection == NULL || connection->stream == NULL) {
		char text[ADDRESS_TEXT_MAX_BYTES];
		peer_log_event(&part->log, PEER_NO_MEMORY, connection_part_now(part), address_text(peer, text),
		               "a connection was closed at once: there is no memory for it", bytes_of(NULL, 0));
		free(connection);
		close(fd);
		stream_server_forget(part);
		return;
	}
	list_append(&part->connections, &connection->link);
	protocol->open(connection);
	connection_part_update_timer(part);
}

void connection_part_start(struct connection_part *part)
{
	const struct stream_server *server = part->server;
	assert((server->spec.protocol->owes != NULL) == (server->spec.protocol->give_up != NULL));
	list_init(&part->connections);
	list_init(&part->waiting);
	list_init(&part->awaiting);
	peer_log_init(&part->log, server->input.setup.name);
	input_init_source(&server->input, &part->source, server->spec.use, server->spec.is_local_dialect);
	part->source.stored = server->spec.protocol->stored != NULL ? on_stored : NULL;
	part->source.room = on_room;
	part->source.context = part;
	intake_add_source(part->on->intake, &part->source);
	uv_timer_init(worker_loop(part->on->worker), &part->timer);
	part->timer.data = part;
}

/* --- each tick --------------------------------------------------------------------------------------------------- */

static bool is_idle(const struct connection *connection, uint64_t now, uint64_t timeout_ns)
{
	const struct connection_part *part = connection->part;
	if (timeout_ns == 0 || connection->is_finishing || connection->pauses != 0 || connection->stream == NULL ||
	    (connection_part_answers(part) && connection_protocol_of(part)->owes(connection)))
		return false;
	uint64_t since = stream_last_active_ns(connection->stream);
	if (since < connection->resumed_ns)
		since = connection->resumed_ns;
	return now - since >= timeout_ns;
}

/* What a peer sends now that gets answers would not be answered: it is not taken either (rule 35). */
static void end_idle(struct connection *connection)
{
	connection_log(connection, PEER_IDLE, "nothing came for the idle_timeout: the connection is closed",
	               bytes_of(NULL, 0));
	if (connection_part_answers(connection->part))
		connection_stop(connection);
	else
		connection_finish(connection);
}

/*
 * A peer that gets answers has left while the spool is full: it sends again, in another session, what is not answered.
 * What it left here would only be stored once more, for each time that it tries.
 */
static bool has_given_up(const struct connection *connection)
{
	return connection_part_answers(connection->part) && connection->stream != NULL &&
	       (connection->pauses & CONNECTION_PAUSE_ROOM) != 0 &&
	       intake_level(connection->part->on->intake) != SPOOL_LEVEL_OPEN &&
	       socket_peer_has_left(stream_fd(connection->stream));
}

/* The peer closed before us, and has all that we had for it. */
static bool is_answered(const struct connection *connection)
{
	return connection->has_ended && connection->is_finishing && buffer_len(stream_output(connection->stream)) == 0;
}

void connection_tell_waiting(struct connection *connection, uint64_t now)
{
	const struct connection_protocol *protocol = connection_protocol_of(connection->part);
	if (protocol->waiting == NULL || (connection->pauses & CONNECTION_PAUSE_ROOM) == 0 || connection->stream == NULL ||
	    intake_level(connection->part->on->intake) == SPOOL_LEVEL_OPEN || now - connection->told_waiting_ns < WAITING_NS)
		return;
	connection->told_waiting_ns = now;
	protocol->waiting(connection);
}

static void on_tick(uv_timer_t *timer)
{
	struct connection_part *part = timer->data;
	uint64_t now = connection_part_now(part);
	uint64_t idle_timeout_ns = part->server->spec.limits->idle_timeout_ns;
	LIST_FOR_EACH(link, &part->connections) {
		struct connection *connection = LIST_ENTRY(link, struct connection, link);
		if (now >= connection->deadline_ns) {
			connection_expire(connection);
		} else if (is_answered(connection)) {
			connection_close(connection);
		} else if (is_idle(connection, now, idle_timeout_ns)) {
			end_idle(connection);
		} else if (has_given_up(connection)) {
			connection_stop(connection);
		} else {
			connection_tell_waiting(connection, now);
		}
	}
	/* A wait for room has an event at its end; one for memory has none. */
	if (intake_level(part->on->intake) == SPOOL_LEVEL_OPEN)
		connection_part_try_again(part);
	connection_part_watch_stop(part, now);
	connection_part_update_timer(part);
}
