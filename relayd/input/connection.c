/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection: its messages to the intake, waiting for room, the events of its stream, and its end.
 */
#include "input/connection.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "input/connection_internal.h"
#include "intake/counter.h"

static const char *peer_text(const struct connection *connection)
{
	return connection->stream != NULL ? stream_peer_text(connection->stream) : "a peer that has left";
}

void connection_log(struct connection *connection, enum peer_event event, const char *message,
                    struct bytes octets)
{
	struct connection_part *part = connection->part;
	peer_log_event(&part->log, event, connection_part_now(part), peer_text(connection), message, octets);
}

const void *connection_settings(const struct connection *connection)
{
	return connection->part->server->input.setup.settings;
}

/* --- ending ------------------------------------------------------------------------------------------------------ */

static void leave_waiting(struct connection *connection)
{
	if (list_is_empty(&connection->waiting))
		return;
	list_remove(&connection->waiting);
	counter_add(&connection->part->waiting_count, (uint64_t)-1);
}

void connection_close(struct connection *connection)
{
	struct connection_part *part = connection->part;
	if (connection_protocol_of(part)->closed != NULL)
		connection_protocol_of(part)->closed(connection);
	leave_waiting(connection);
	list_remove(&connection->awaiting);
	list_remove(&connection->link);
	if (connection->deadline_ns != UINT64_MAX)
		part->ending--;
	stream_close(&connection->stream);
	free(connection->rest);
	free(connection);
	stream_server_forget(part);
	connection_part_forget(part);
}

void connection_finish(struct connection *connection)
{
	if (connection->is_finishing)
		return;
	connection->is_finishing = true;
	connection_set_deadline(connection, CONNECTION_FINISH_NS);
	if (connection->stream != NULL)
		stream_shutdown(connection->stream);
}

void connection_protocol_error(struct connection *connection, const char *reason, struct bytes octets)
{
	counter_add(&connection->part->protocol_errors, 1);
	connection_log(connection, PEER_PROTOCOL_ERROR, reason, octets);
}

/* --- messages and room ------------------------------------------------------------------------------------------- */

void connection_pause(struct connection *connection, enum connection_pause why)
{
	if (connection->pauses == 0 && connection->stream != NULL)
		stream_pause(connection->stream);
	connection->pauses |= why;
}

/* True: that was the last one, so it is read again. */
static bool end_pause(struct connection *connection, enum connection_pause why)
{
	if ((connection->pauses & why) == 0)
		return false;
	connection->pauses &= ~(unsigned)why;
	if (why == CONNECTION_PAUSE_ROOM)
		leave_waiting(connection);
	connection->resumed_ns = connection_part_now(connection->part);
	return connection->pauses == 0;
}

void connection_resume(struct connection *connection, enum connection_pause why)
{
	if (end_pause(connection, why) && connection->stream != NULL)
		stream_resume(connection->stream);
}

__attribute__((noinline, cold)) static void wait_for_room(struct connection *connection)
{
	struct connection_part *part = connection->part;
	assert(list_is_empty(&connection->waiting));
	list_append(&part->waiting, &connection->waiting);
	counter_add(&part->waiting_count, 1);
	connection_pause(connection, CONNECTION_PAUSE_ROOM);
	connection_part_update_timer(part);
	connection_tell_waiting(connection, connection_part_now(part));
}

static void log_cut(struct connection *connection, struct bytes message, uint64_t skipped)
{
	char text[256] = "a message was cut: it is longer than max_message_size, or its end never came; raise max_message_size "
	                 "or lower the sender's";
	if (skipped > 0)
		snprintf(text, sizeof text, "a message was cut, and the next %" PRIu64 " octets are skipped: its MSG-LEN is above "
		                            "max_message_size; raise it or lower the sender's, or set \"framing\" if this is no "
		                            "MSG-LEN", skipped);
	connection_log(connection, PEER_TRUNCATED, text, message);
}

static inline bool take(struct connection *connection, struct bytes message, uint32_t flags, uint64_t *receipt)
{
	struct connection_part *part = connection->part;
	int64_t received_ns = worker_wall_ns(part->on->worker);
	if (intake_take(part->on->intake, &part->source, &connection->peer, message, flags, received_ns, receipt) ==
	    INTAKE_WAIT) {
		wait_for_room(connection);
		return false;
	}
	return true;
}

/* Longer than the limit: the log says so. */
__attribute__((noinline, cold)) static bool take_cut(struct connection *connection, struct bytes message, uint32_t flags,
                                                     uint64_t skipped, uint64_t *receipt)
{
	bool taken = take(connection, message, flags, receipt);
	if (taken)
		log_cut(connection, message, skipped);
	return taken;
}

bool connection_take(struct connection *connection, struct bytes message, uint32_t flags, uint64_t skipped,
                     uint64_t *receipt)
{
	if (connection->part->stop.gives_up || connection->drops) {
		connection_drop(connection, message);
		return true;
	}
	if ((flags & MESSAGE_TRUNCATED) != 0)
		return take_cut(connection, message, flags, skipped, receipt);
	return take(connection, message, flags, receipt);
}

bool connection_fence(struct connection *connection, const struct spool_stream_session *session, uint64_t *receipt)
{
	bool taken = intake_fence(connection->part->on->intake, session, receipt) == INTAKE_TAKEN;
	if (!taken)
		wait_for_room(connection);
	return taken;
}

enum intake_block_result connection_take_block(struct connection *connection, const struct spool_stream_session *session,
                                               const struct spool_stream_block *block, struct bytes payload,
                                               uint64_t *receipt, const char **reason)
{
	struct connection_part *part = connection->part;
	enum intake_block_result result =
		intake_take_block(part->on->intake, &part->source, session, block, payload, receipt, reason);
	if (result == INTAKE_BLOCK_WAIT)
		wait_for_room(connection);
	return result;
}

int64_t connection_wall_ns(const struct connection *connection)
{
	return worker_wall_ns(connection->part->on->worker);
}

struct spool *connection_spool(const struct connection *connection)
{
	return intake_spool(connection->part->on->intake);
}

void connection_refuse_stream(struct connection *connection, const char *reason, const char *owner)
{
	counter_add(&connection->part->protocol_errors, 1);
	connection_log(connection, PEER_PROTOCOL_ERROR, reason, bytes_of_text(owner));
}

void connection_report_lost(struct connection *connection, const char *identity, uint64_t records)
{
	char text[400];
	snprintf(text, sizeof text,
	         "%.200s says that this relay's spool was restored from an older state: %llu messages of its stream that were "
	         "acknowledged here are lost (lost-by-peer), because they are not there any more either", identity,
	         (unsigned long long)records);
	connection_log(connection, PEER_LOST, text, bytes_of(NULL, 0));
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

void connection_try_again(struct connection *connection)
{
	bool is_read = end_pause(connection, CONNECTION_PAUSE_ROOM);
	if (connection->rest == NULL) {
		if (is_read)
			stream_resume_now(connection->stream);
		return;
	}
	struct bytes rest = bytes_of(connection->rest, connection->rest_len);
	use_rest(connection, connection_protocol_of(connection->part)->end(connection, rest));
	if (connection->rest == NULL)
		connection_close(connection);
}

void connection_await_stored(struct connection *connection)
{
	if (list_is_empty(&connection->awaiting))
		list_append(&connection->part->awaiting, &connection->awaiting);
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
	return connection_protocol_of(connection->part)->bytes(connection, bytes);
}

static void on_writable(void *context)
{
	struct connection *connection = context;
	const struct connection_protocol *protocol = connection_protocol_of(connection->part);
	if (protocol->writable != NULL)
		protocol->writable(connection);
}

/* Counts and logs an end that is more than the peer's good-bye. */
static void note_end(struct connection *connection, enum stream_end end, const char *detail, struct bytes rest)
{
	struct connection_part *part = connection->part;
	if (end == STREAM_END_HANDSHAKE_TIMEOUT || (end == STREAM_END_TLS && !connection->is_ready)) {
		counter_add(&part->tls_refused, 1);
		connection_log(connection, PEER_TLS_REFUSED, detail, bytes_of(NULL, 0));
	} else if (end == STREAM_END_TLS) {
		connection_protocol_error(connection, detail, bytes_of(NULL, 0));
	} else if (end == STREAM_END_PENDING_LIMIT) {
		counter_add(&part->protocol_errors, 1);
		connection_log(connection, PEER_UNFINISHED, detail, rest);
	} else if (end == STREAM_END_WITHOUT_NOTIFY && connection->is_ready && !connection->is_finishing) {
		connection_log(connection, PEER_INCOMPLETE_CLOSE, "the peer closed without close_notify: it may have had "
		                                                  "more to say; what came is kept", bytes_of(NULL, 0));
	}
}

/* Nobody sends it again: it is cut into messages, and each is counted. */
static void drop_rest(struct connection *connection, struct bytes rest)
{
	connection_log(connection, PEER_NOT_STORED, "the last messages of a connection are lost, counted as dropped: the spool "
	                                            "has no room for them, and there is no memory to keep them", rest);
	leave_waiting(connection);
	connection->pauses = 0;
	connection->drops = true;
	size_t settled = connection_protocol_of(connection->part)->end(connection, rest);
	assert(settled == rest.len);
}

/* A copy of what could not be settled; the stream's memory goes with it. */
static void keep_rest(struct connection *connection, struct bytes rest)
{
	if (rest.len == 0)
		return;
	connection->rest = malloc(rest.len);
	if (connection->rest == NULL) {
		drop_rest(connection, rest);
		return;
	}
	memcpy(connection->rest, rest.at, rest.len);
	connection->rest_len = rest.len;
}

/* A peer that has shut its side only, in order, may still wait for our answers. */
static bool may_want_answers(const struct connection *connection, enum stream_end end)
{
	const struct connection_protocol *protocol = connection_protocol_of(connection->part);
	return end == STREAM_END_EOF && connection_part_answers(connection->part) &&
	       (protocol->owes(connection) || buffer_len(stream_output(connection->stream)) > 0);
}

/* It may as well be gone, so not for longer than at our own stop. */
static void answer_the_last(struct connection *connection)
{
	connection->has_ended = true;
	if (connection->is_finishing)
		return;
	connection_stop(connection);
}

static void on_end(void *context, enum stream_end end, const char *detail, struct bytes rest)
{
	struct connection *connection = context;
	const struct connection_protocol *protocol = connection_protocol_of(connection->part);
	note_end(connection, end, detail, rest);
	leave_waiting(connection); /* it may end while it waits, if memory is short */
	connection->pauses = 0;
	if (may_want_answers(connection, end)) {
		answer_the_last(connection);
		return;
	}
	if (protocol->end != NULL)
		keep_rest(connection, bytes_after(rest, protocol->end(connection, rest)));
	if (connection->rest == NULL)
		connection_close(connection);
	else
		stream_close(&connection->stream);
}

const struct stream_events connection_stream_events = {
	.ready = on_ready,
	.bytes = on_bytes,
	.writable = on_writable,
	.end = on_end,
};
