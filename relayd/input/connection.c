/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections of one input at one worker. One timer walks them all, a few times per time-out, and only while there is
 * a connection that has one: no timer for each, and no wake-ups when nothing is connected.
 */
#include "input/connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "input/stream_server.h"
#include "intake/counter.h"
#include "net/socket.h"

enum {
	TICK_MIN_MS = 50,
	TICK_MAX_MS = 15000,
	TICK_ENDING_MS = 100,     /* while a connection has a deadline */
	TICKS_PER_IDLE_TIMEOUT = 4,
};

static uint64_t now_of(const struct connection_part *part)
{
	return worker_now_ns(part->on->worker);
}

static const char *peer_text(const struct connection *connection)
{
	return connection->stream != NULL ? stream_peer_text(connection->stream) : "a peer that has left";
}

static void log_event(struct connection *connection, enum peer_event event, const char *message, struct bytes octets)
{
	peer_log_event(&connection->part->log, event, now_of(connection->part), peer_text(connection), message, octets);
}

const void *connection_settings(const struct connection *connection)
{
	return connection->part->server->input.setup.settings;
}

/* --- the timer --------------------------------------------------------------------------------------------------- */

static void on_tick(uv_timer_t *timer);

static uint64_t wanted_tick_ms(const struct connection_part *part)
{
	if (part->ending > 0)
		return TICK_ENDING_MS;
	uint64_t idle_ms = part->server->spec.limits->idle_timeout_ns / CLOCK_NS_PER_MS;
	if (idle_ms == 0 || list_is_empty(&part->connections))
		return 0;
	uint64_t tick_ms = idle_ms / TICKS_PER_IDLE_TIMEOUT;
	return tick_ms < TICK_MIN_MS ? TICK_MIN_MS : tick_ms > TICK_MAX_MS ? TICK_MAX_MS : tick_ms;
}

static void update_timer(struct connection_part *part)
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

static void set_deadline(struct connection *connection, uint64_t from_now_ns)
{
	if (connection->deadline_ns == UINT64_MAX)
		connection->part->ending++;
	connection->deadline_ns = now_of(connection->part) + from_now_ns;
	update_timer(connection->part);
}

/* --- ending ------------------------------------------------------------------------------------------------------ */

static void on_handle_closed(uv_handle_t *handle)
{
	struct connection_part *part = handle->data;
	input_part_stopped(&part->server->input);
}

static void end_part_if_empty(struct connection_part *part)
{
	if (!part->is_stopping || !list_is_empty(&part->connections))
		return;
	part->is_stopping = false;
	intake_remove_source(part->on->intake, &part->source);
	uv_close((uv_handle_t *)&part->timer, on_handle_closed);
}

static void leave_waiting(struct connection *connection)
{
	if (list_is_empty(&connection->waiting))
		return;
	list_remove(&connection->waiting);
	counter_add(&connection->part->waiting, (uint64_t)-1);
}

/* Ends it at once. */
static void close_connection(struct connection *connection)
{
	struct connection_part *part = connection->part;
	leave_waiting(connection);
	list_remove(&connection->awaiting);
	list_remove(&connection->link);
	if (connection->deadline_ns != UINT64_MAX)
		part->ending--;
	stream_close(&connection->stream);
	free(connection->rest);
	free(connection);
	stream_server_forget(part);
	update_timer(part);
	end_part_if_empty(part);
}

void connection_finish(struct connection *connection)
{
	if (connection->is_finishing)
		return;
	connection->is_finishing = true;
	set_deadline(connection, CONNECTION_FINISH_NS);
	if (connection->stream != NULL)
		stream_shutdown(connection->stream);
}

void connection_protocol_error(struct connection *connection, const char *reason, struct bytes octets)
{
	counter_add(&connection->part->protocol_errors, 1);
	log_event(connection, PEER_PROTOCOL_ERROR, reason, octets);
}

/* --- messages and room ------------------------------------------------------------------------------------------- */

void connection_pause(struct connection *connection, enum connection_pause why)
{
	if (connection->pauses == 0 && connection->stream != NULL)
		stream_pause(connection->stream);
	connection->pauses |= why;
}

void connection_resume(struct connection *connection, enum connection_pause why)
{
	if ((connection->pauses & why) == 0)
		return;
	connection->pauses &= ~(unsigned)why;
	if (why == CONNECTION_PAUSE_ROOM)
		leave_waiting(connection);
	connection->resumed_ns = now_of(connection->part);
	if (connection->pauses == 0 && connection->stream != NULL)
		stream_resume(connection->stream);
}

/* Those that got nothing of the last room come first next time: nobody starves. */
static void wait_for_room(struct connection *connection)
{
	struct connection_part *part = connection->part;
	assert(list_is_empty(&connection->waiting));
	list_append(connection->has_taken ? &part->fed : &part->hungry, &connection->waiting);
	counter_add(&part->waiting, 1);
	connection_pause(connection, CONNECTION_PAUSE_ROOM);
}

bool connection_take(struct connection *connection, struct bytes message, uint32_t flags, uint64_t *receipt)
{
	struct connection_part *part = connection->part;
	int64_t received_ns = worker_wall_ns(part->on->worker);
	if (intake_take(part->on->intake, &part->source, &connection->peer, message, flags, received_ns, receipt) ==
	    INTAKE_WAIT) {
		wait_for_room(connection);
		return false;
	}
	connection->has_taken = true;
	if ((flags & MESSAGE_TRUNCATED) != 0)
		log_event(connection, PEER_TRUNCATED, "a message was cut: it is longer than max_message_size, or its end "
		                                      "never came; raise max_message_size or lower the sender's", message);
	return true;
}

static struct bytes rest_of(const struct connection *connection)
{
	return bytes_of(connection->rest, connection->rest_len);
}

/* Drops the first `used` octets of the rest; without any left there is none. */
static void use_rest(struct connection *connection, size_t used)
{
	assert(used <= connection->rest_len);
	connection->rest_len -= used;
	memmove(connection->rest, connection->rest + used, connection->rest_len);
	if (connection->rest_len > 0)
		return;
	free(connection->rest);
	connection->rest = NULL;
}

/* There may be room again: goes on reading, or settles what was left at the end of the stream and closes. */
static void try_again(struct connection *connection)
{
	connection->has_taken = false;
	connection_resume(connection, CONNECTION_PAUSE_ROOM);
	if (connection->rest == NULL)
		return;
	use_rest(connection, connection->part->server->spec.protocol->end(connection, rest_of(connection)));
	if (connection->rest == NULL)
		close_connection(connection);
}

static void move_all(struct list *from, struct list *to)
{
	struct list *link;
	while ((link = list_take_first(from)) != NULL)
		list_append(to, link);
}

static void on_room(void *context)
{
	struct connection_part *part = context;
	struct list woken; /* those that wait again go into the part's lists, and are not met twice */
	list_init(&woken);
	move_all(&part->hungry, &woken);
	move_all(&part->fed, &woken);
	while (!list_is_empty(&woken))
		try_again(LIST_ENTRY(woken.next, struct connection, waiting));
}

void connection_await_stored(struct connection *connection)
{
	if (list_is_empty(&connection->awaiting))
		list_append(&connection->part->awaiting, &connection->awaiting);
}

static void on_stored(void *context, uint64_t ordinal)
{
	struct connection_part *part = context;
	struct list told; /* those that still wait for more go into the part's list, and are not met twice */
	list_init(&told);
	move_all(&part->awaiting, &told);
	struct list *link;
	while ((link = list_take_first(&told)) != NULL)
		part->server->spec.protocol->stored(LIST_ENTRY(link, struct connection, awaiting), ordinal);
}

/* --- the stream's events ----------------------------------------------------------------------------------------- */

static void on_ready(void *context)
{
	struct connection *connection = context;
	connection->is_ready = true;
}

static size_t on_bytes(void *context, struct bytes bytes)
{
	struct connection *connection = context;
	return connection->part->server->spec.protocol->bytes(connection, bytes);
}

static void on_writable(void *context)
{
	struct connection *connection = context;
	const struct connection_protocol *protocol = connection->part->server->spec.protocol;
	if (protocol->writable != NULL)
		protocol->writable(connection);
}

/* Counts and logs an end that is more than the peer's good-bye. */
static void note_end(struct connection *connection, enum stream_end end, const char *detail, struct bytes rest)
{
	struct connection_part *part = connection->part;
	if (end == STREAM_END_HANDSHAKE_TIMEOUT || (end == STREAM_END_TLS && !connection->is_ready)) {
		counter_add(&part->tls_refused, 1);
		log_event(connection, PEER_TLS_REFUSED, detail, bytes_of(NULL, 0));
	} else if (end == STREAM_END_TLS) {
		connection_protocol_error(connection, detail, bytes_of(NULL, 0));
	} else if (end == STREAM_END_PENDING_LIMIT) {
		counter_add(&part->protocol_errors, 1);
		log_event(connection, PEER_UNFINISHED, detail, rest);
	} else if (end == STREAM_END_WITHOUT_NOTIFY && !connection->is_finishing) {
		log_event(connection, PEER_INCOMPLETE_CLOSE, "the peer closed without close_notify: it may have had more to "
		                                             "say; what came is kept", bytes_of(NULL, 0));
	}
}

/* A copy of what could not be settled; the stream's memory goes with it. */
static void keep_rest(struct connection *connection, struct bytes rest)
{
	if (rest.len == 0)
		return;
	connection->rest = malloc(rest.len);
	if (connection->rest == NULL) {
		log_event(connection, PEER_NOT_STORED, "the last octets of a connection are lost: the spool has no room for them, "
		                                       "and there is no memory to keep them", rest);
		return;
	}
	memcpy(connection->rest, rest.at, rest.len);
	connection->rest_len = rest.len;
}

static void on_end(void *context, enum stream_end end, const char *detail, struct bytes rest)
{
	struct connection *connection = context;
	const struct connection_protocol *protocol = connection->part->server->spec.protocol;
	note_end(connection, end, detail, rest);
	leave_waiting(connection); /* it may end while it waits, if memory is short */
	connection->pauses = 0;
	if (protocol->end != NULL)
		keep_rest(connection, bytes_after(rest, protocol->end(connection, rest)));
	if (connection->rest == NULL)
		close_connection(connection);
	else
		stream_close(&connection->stream);
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

static struct stream *open_stream(struct connection *connection, int *fd)
{
	static const struct socket_keepalive keepalive = {
		.idle_seconds = 60, .interval_seconds = 10, .probes = 6, .user_timeout_ms = 120000,
	};
	struct stream_server *server = connection->part->server;
	const struct connection_protocol *protocol = server->spec.protocol;
	struct tls_context *tls = tls_holder_take(&server->tls);
	struct stream_options options = {
		.worker = connection->part->on->worker,
		.tls = tls,
		.output_cap_bytes = protocol->output_cap_bytes,
		.pending_max_bytes = (size_t)server->input.common->max_message_size + protocol->frame_overhead_bytes,
		.events = {.ready = on_ready, .bytes = on_bytes, .writable = on_writable, .end = on_end},
		.context = connection,
	};
	socket_set_stream_options(*fd, &keepalive);
	struct stream *stream = stream_adopt(fd, &options);
	tls_context_release(&tls);
	return stream;
}

void connection_part_adopt(struct connection_part *part, int fd, const struct address *peer)
{
	const struct connection_protocol *protocol = part->server->spec.protocol;
	struct connection *connection = calloc(1, protocol->size);
	if (connection != NULL) {
		connection->part = part;
		connection->deadline_ns = UINT64_MAX;
		connection->resumed_ns = now_of(part);
		list_init(&connection->waiting);
		list_init(&connection->awaiting);
		fill_peer(connection, fd, peer);
		connection->stream = open_stream(connection, &fd);
	}
	if (connection == NULL || connection->stream == NULL) {
		char text[ADDRESS_TEXT_MAX_BYTES];
		peer_log_event(&part->log, PEER_NO_MEMORY, now_of(part), address_text(peer, text),
		               "a connection was closed at once: there is no memory for it", bytes_of(NULL, 0));
		free(connection);
		close(fd);
		stream_server_forget(part);
		return;
	}
	list_append(&part->connections, &connection->link);
	protocol->open(connection);
	update_timer(part);
}

void connection_part_start(struct connection_part *part)
{
	const struct stream_server *server = part->server;
	list_init(&part->connections);
	list_init(&part->hungry);
	list_init(&part->fed);
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

/* --- time-outs and stop ------------------------------------------------------------------------------------------ */

/* The time for ending in order is over. */
static void expire(struct connection *connection)
{
	const struct connection_protocol *protocol = connection->part->server->spec.protocol;
	if (!connection->is_finishing && connection->stream != NULL && protocol->give_up != NULL) {
		protocol->give_up(connection);
		return;
	}
	if ((connection->pauses & CONNECTION_PAUSE_ROOM) != 0 && protocol->give_up == NULL)
		log_event(connection, PEER_NOT_STORED, "the spool had no room until our stop: what this peer had sent last is "
		                                       "lost", rest_of(connection));
	close_connection(connection);
}

static bool is_idle(const struct connection *connection, uint64_t now, uint64_t timeout_ns)
{
	const struct connection_protocol *protocol = connection->part->server->spec.protocol;
	if (timeout_ns == 0 || connection->is_finishing || connection->pauses != 0 || connection->stream == NULL ||
	    (protocol->owes != NULL && protocol->owes(connection)))
		return false;
	uint64_t since = stream_last_active_ns(connection->stream);
	if (since < connection->resumed_ns)
		since = connection->resumed_ns;
	return now - since >= timeout_ns;
}

static void on_tick(uv_timer_t *timer)
{
	struct connection_part *part = timer->data;
	uint64_t now = now_of(part);
	uint64_t idle_timeout_ns = part->server->spec.limits->idle_timeout_ns;
	LIST_FOR_EACH(link, &part->connections) {
		struct connection *connection = LIST_ENTRY(link, struct connection, link);
		if (now >= connection->deadline_ns) {
			expire(connection);
		} else if (is_idle(connection, now, idle_timeout_ns)) {
			log_event(connection, PEER_IDLE, "nothing came for the idle_timeout: the connection is closed",
			          bytes_of(NULL, 0));
			connection_finish(connection);
		}
	}
}

void connection_part_stop(struct connection_part *part)
{
	const struct connection_protocol *protocol = part->server->spec.protocol;
	LIST_FOR_EACH(link, &part->connections) {
		struct connection *connection = LIST_ENTRY(link, struct connection, link);
		if (part->server->spec.tls != NULL && !connection->is_ready) {
			close_connection(connection); /* still in the handshake: it has sent nothing */
			continue;
		}
		if (connection->is_finishing)
			continue;
		set_deadline(connection, CONNECTION_STOP_NS);
		if (connection->stream != NULL)
			protocol->stop(connection);
	}
	intake_flush(part->on->intake);
	part->is_stopping = true;
	end_part_if_empty(part);
}
