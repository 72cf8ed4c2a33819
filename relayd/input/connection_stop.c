/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How connections end that do not end by themselves, and our own stop. A peer that gets answers sends again what it got none
 * for. One that gets none believes that everything arrived which our kernel has acknowledged: at our stop that is stored as
 * long as something can be, and then counted.
 */
#include <stdio.h>

#include "input/connection_internal.h"
#include "intake/counter.h"

void connection_stop(struct connection *connection)
{
	connection_set_deadline(connection, CONNECTION_STOP_NS);
	connection_protocol_of(connection->part)->stop(connection);
}

/* Octets of a peer without answers are lost with its connection. */
static void note_unread(struct connection *connection)
{
	char text[160];
	size_t octets = connection->rest_len + (connection->stream != NULL ? stream_unused(connection->stream) : 0);
	if (connection_part_answers(connection->part) || octets == 0)
		return;
	if (connection->part->stop.is_on) {
		connection->part->stop.unread_octets += octets;
		return;
	}
	snprintf(text, sizeof text, "the peer went on sending on a connection that we had ended: %zu octets are lost", octets);
	connection_log(connection, PEER_NOT_STORED, text, bytes_of(NULL, 0));
}

void connection_expire(struct connection *connection)
{
	const struct connection_part *part = connection->part;
	if (!connection->is_finishing && connection->stream != NULL && connection_part_answers(part)) {
		connection_protocol_of(part)->give_up(connection);
		return;
	}
	bool is_waiting = (connection->pauses & CONNECTION_PAUSE_ROOM) != 0;
	if (!connection_part_answers(part) && (part->stop.is_on ? !part->stop.gives_up : is_waiting)) {
		connection_set_deadline(connection, CONNECTION_FINISH_NS); /* it is not the peer who is late */
		return;
	}
	note_unread(connection);
	connection_close(connection);
}

/* --- our stop ---------------------------------------------------------------------------------------------------- */

static void on_handle_closed(uv_handle_t *handle)
{
	struct connection_part *part = handle->data;
	input_part_stopped(&part->server->input);
}

/* One line for all connections: who had sent what was dropped is in the ledger, by source. */
static void report_losses(struct connection_part *part)
{
	char text[240];
	const struct connection_part_stop *stop = &part->stop;
	if (stop->lost == 0 && stop->unread_octets == 0)
		return;
	snprintf(text, sizeof text,
	         "our stop could not wait any longer: %llu messages of %llu octets that had reached us are lost, counted as "
	         "dropped, and %llu octets that were not read",
	         (unsigned long long)stop->lost, (unsigned long long)stop->lost_octets, (unsigned long long)stop->unread_octets);
	peer_log_event(&part->log, PEER_NOT_STORED, connection_part_now(part), "all of the input", text, bytes_of(NULL, 0));
}

static void end_part_if_empty(struct connection_part *part)
{
	if (!part->stop.is_on || !list_is_empty(&part->connections))
		return;
	part->stop.is_on = false;
	report_losses(part);
	intake_remove_source(part->on->intake, &part->source);
	uv_close((uv_handle_t *)&part->timer, on_handle_closed);
}

void connection_part_forget(struct connection_part *part)
{
	connection_part_update_timer(part);
	end_part_if_empty(part);
}

void connection_drop(struct connection *connection, struct bytes message)
{
	struct connection_part *part = connection->part;
	bool is_full = intake_level(part->on->intake) != SPOOL_LEVEL_OPEN;
	intake_drop(part->on->intake, &part->source, &connection->peer, message, worker_wall_ns(part->on->worker),
	            is_full ? SPOOL_DROP_SPOOL_FULL : SPOOL_DROP_NO_BUFFER);
	part->stop.lost++;
	part->stop.lost_octets += message.len;
}

/* Everything that is left is read to its end, cut into messages, and counted. */
static void give_up(struct connection_part *part)
{
	part->stop.gives_up = true;
	LIST_FOR_EACH(link, &part->connections)
		connection_set_deadline(LIST_ENTRY(link, struct connection, link), CONNECTION_FINISH_NS);
	connection_part_try_again(part);
}

void connection_part_watch_stop(struct connection_part *part, uint64_t now)
{
	struct connection_part_stop *stop = &part->stop;
	uint64_t received = counter_get(&part->source.received);
	if (!stop->is_on || stop->gives_up || connection_part_answers(part))
		return;
	if (received != stop->received) {
		stop->received = received;
		stop->progress_ns = now;
	}
	if (now - stop->progress_ns >= part->server->stop_ns || now - stop->begun_ns >= part->server->drain_ns)
		give_up(part);
}

void connection_part_stop(struct connection_part *part)
{
	uint64_t now = connection_part_now(part);
	LIST_FOR_EACH(link, &part->connections) {
		struct connection *connection = LIST_ENTRY(link, struct connection, link);
		if (part->server->spec.tls != NULL && !connection->is_ready)
			/* Still in the handshake: at the most a client of TLS 1.3 has sent something right behind its Finished. */
			connection_close(connection);
		else if (connection->stream == NULL)
			connection_set_deadline(connection, CONNECTION_STOP_NS);
		else if (!connection->is_finishing || !connection_part_answers(part))
			connection_stop(connection);
	}
	intake_flush(part->on->intake);
	part->stop = (struct connection_part_stop){
		.is_on = true, .begun_ns = now, .progress_ns = now, .received = counter_get(&part->source.received),
	};
	end_part_if_empty(part);
}
