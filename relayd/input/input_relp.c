/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver `relp`: acknowledged syslog over TCP, TLS or a Unix socket. A message is answered when the group with its
 * block is stored: for each block that holds messages of a connection, the connection remembers the last TXNR, and all
 * answers that a group settles leave in one write. A full spool is shown by not reading, never by an answer.
 */
#include "input/input_drivers.h"
#include "input/relp_connection.h"
#include "input/stream_server.h"
#include "relp/relp_block.h"
#include "spool/spool_format.h"

enum {
	RELP_DEFAULT_PORT = 2514,
	RELP_OUTPUT_MAX_BYTES = 64 * 1024,
	RELP_LOCAL_PERMISSIONS = 0666, /* as /dev/log: whoever may enter the folder may log */
	/* The longest block that any spool takes; what this one takes is offered to each client. */
	RELP_FRAME_OVERHEAD_BYTES = RELP_FRAME_OVERHEAD_MAX + BLOCK_PAYLOAD_MAX_BYTES + RELP_BLOCK_HEAD_LEN,
};

struct relp_settings {
	struct input_common common;
	struct input_connections connections;
	char *listen;
	struct input_tls tls;
};

static const struct option options[] = {
	{.name = "listen", .kind = OPTION_TEXT, .offset = offsetof(struct relp_settings, listen), .required = true,
	 .doc = "Address and port (\"[::]:2514\" is all addresses) or the path of a Unix socket."},
	{.name = "tls", .kind = OPTION_SECTION, .offset = offsetof(struct relp_settings, tls),
	 .section = input_tls_options, .doc = "Our certificate, and who may connect; without it the connection is plain."},
	INPUT_COMMON_OPTIONS(struct relp_settings),
	INPUT_PEER_OPTIONS(struct relp_settings),
	INPUT_CONNECTION_OPTIONS(struct relp_settings),
	{0},
};

static struct relp_connection *relp_of(struct connection *connection)
{
	return (struct relp_connection *)connection;
}

/* --- receipts ---------------------------------------------------------------------------------------------------- */

static void remember(struct relp_connection *relp, uint32_t txnr, uint64_t ordinal)
{
	struct relp_receipt *last = &relp->receipts[(relp->first + relp->count - 1) % RELP_RECEIPTS_MAX];
	if (relp->count > 0 && last->ordinal == ordinal) {
		last->txnr = txnr;
		return;
	}
	assert(relp->count < RELP_RECEIPTS_MAX);
	assert(relp->count == 0 || last->ordinal < ordinal);
	relp->receipts[(relp->first + relp->count) % RELP_RECEIPTS_MAX] = (struct relp_receipt){ordinal, txnr};
	relp->count++;
}

/* Tells the session what is stored by now. */
static void settle(struct relp_connection *relp, uint64_t ordinal)
{
	const struct relp_receipt *settled = NULL;
	while (relp->count > 0 && relp->receipts[relp->first].ordinal <= ordinal) {
		settled = &relp->receipts[relp->first];
		relp->first = (relp->first + 1) % RELP_RECEIPTS_MAX;
		relp->count--;
	}
	if (settled != NULL)
		relp_server_stored(&relp->session, settled->txnr);
}

static bool is_window_full(const struct relp_connection *relp)
{
	return relp_server_state(&relp->session) < RELP_SERVER_CLOSING &&
	       (relp_server_pending(&relp->session) >= RELP_PENDING_MAX || relp->count == RELP_RECEIPTS_MAX);
}

/* Writes whatever is owed to the peer, and ends the connection if that was the last. */
static void answer(struct relp_connection *relp)
{
	struct connection *connection = &relp->connection;
	struct buffer *output = stream_output(connection->stream);
	bool has_more;
	do {
		bool is_complete = relp_server_write(&relp->session, output);
		has_more = !is_complete && buffer_len(output) > 0;
		stream_flush(connection->stream);
	} while (has_more && buffer_len(output) == 0); /* if the socket did not take all, the rest goes when it is writable */
	if (relp_server_state(&relp->session) == RELP_SERVER_CLOSED)
		connection_finish(connection);
	if (!is_window_full(relp))
		connection_resume(connection, CONNECTION_PAUSE_WINDOW);
}

/* --- the protocol ------------------------------------------------------------------------------------------------ */

static void open_connection(struct connection *connection)
{
	const struct relp_settings *settings = connection_settings(connection);
	relp_server_init(&relp_of(connection)->session, (size_t)settings->common.max_message_size, BYTES("relayd"));
}

/* The stream is lost to this connection: nothing more is answered, and the client sends it again elsewhere. */
static void break_off(struct relp_connection *relp)
{
	relp->count = 0;
	relp_server_give_up(&relp->session);
}

/* Gives one message to the intake. False: no room. */
static bool take(struct relp_connection *relp, const struct relp_server_event *event)
{
	uint64_t ordinal;
	uint32_t flags = event->truncated ? MESSAGE_TRUNCATED : 0;
	if (!connection_take(&relp->connection, event->data, flags, 0, &ordinal))
		return false;
	remember(relp, event->txnr, ordinal);
	connection_await_stored(&relp->connection);
	return true;
}

/* Gives the blocks of one command to the intake. False: no room, or the session is over. */
static bool take_blocks(struct relp_connection *relp, const struct relp_server_event *event)
{
	uint64_t ordinal;
	switch (relp_blocks_take(relp, event->data, &ordinal)) {
	case RELP_BLOCKS_TAKEN:
		remember(relp, event->txnr, ordinal);
		connection_await_stored(&relp->connection);
		return true;
	case RELP_BLOCKS_WAIT:
		return false;
	case RELP_BLOCKS_REFUSED:
		return true;
	case RELP_BLOCKS_INVALID:
		break;
	}
	break_off(relp);
	return true;
}

/* Takes what the next event in `*in` is; false if nothing more can be taken now. */
static bool take_event(struct relp_connection *relp, struct bytes *in)
{
	struct relp_server before = relp->session;
	struct relp_server_event event;
	enum relp_server_event_kind kind = relp_server_feed(&relp->session, *in, &event);
	if ((kind == RELP_SERVER_MESSAGE && !take(relp, &event)) ||
	    (kind == RELP_SERVER_BLOCKS && !take_blocks(relp, &event)) ||
	    (kind == RELP_SERVER_OPENED && !relp_blocks_open(relp, &event.offers))) {
		relp->session = before; /* the frame is presented again */
		return false;
	}
	if (kind == RELP_SERVER_LOST)
		relp_blocks_note_lost(relp, event.lost);
	if (kind == RELP_SERVER_PROTOCOL_ERROR)
		connection_protocol_error(&relp->connection, event.reason, event.offending);
	*in = bytes_after(*in, event.consumed);
	return kind != RELP_SERVER_NOTHING;
}

static size_t take_bytes(struct connection *connection, struct bytes bytes)
{
	struct relp_connection *relp = relp_of(connection);
	struct bytes in = bytes;
	do {
		if (is_window_full(relp)) {
			connection_pause(connection, CONNECTION_PAUSE_WINDOW);
			break;
		}
	} while (take_event(relp, &in));
	answer(relp);
	return bytes.len - in.len;
}

static void on_stored(struct connection *connection, uint64_t ordinal)
{
	struct relp_connection *relp = relp_of(connection);
	if (relp_blocks_stored(relp, ordinal))
		settle(relp, ordinal);
	else
		break_off(relp);
	if (relp->count > 0 || relp->stream.fence != 0)
		connection_await_stored(connection);
	answer(relp);
}

static void on_writable(struct connection *connection)
{
	answer(relp_of(connection));
}

static void stop_connection(struct connection *connection)
{
	relp_server_stop(&relp_of(connection)->session);
	connection_resume(connection, CONNECTION_PAUSE_ROOM); /* what waits is not taken any more: the peer sends it again */
	answer(relp_of(connection));
}

static void give_up(struct connection *connection)
{
	relp_server_give_up(&relp_of(connection)->session);
	answer(relp_of(connection));
	connection_finish(connection); /* also if the peer has not made room for the answers */
}

/* Rule 34: a relay that ships blocks is told that we are there, and full. */
static void on_waiting(struct connection *connection)
{
	if (relp_server_hint_full(&relp_of(connection)->session, stream_output(connection->stream)))
		stream_flush(connection->stream);
}

static void on_closed(struct connection *connection)
{
	relp_blocks_closed(relp_of(connection));
}

static bool owes(const struct connection *connection)
{
	const struct relp_connection *relp = (const struct relp_connection *)connection;
	return relp_server_pending(&relp->session) > 0 || relp->stream.fence != 0;
}

static const struct connection_protocol protocol = {
	.size = sizeof(struct relp_connection),
	.frame_overhead_bytes = RELP_FRAME_OVERHEAD_BYTES,
	.output_cap_bytes = RELP_OUTPUT_MAX_BYTES,
	.transports = {TRANSPORT_RELP, TRANSPORT_RELP_TLS, TRANSPORT_RELP_UNIX},
	.open = open_connection,
	.bytes = take_bytes,
	.writable = on_writable,
	.stored = on_stored,
	.stop = stop_connection,
	.give_up = give_up,
	.owes = owes,
	.waiting = on_waiting,
	.closed = on_closed,
};

/* --- the driver -------------------------------------------------------------------------------------------------- */

static struct stream_server_spec spec_of(const struct relp_settings *settings)
{
	return (struct stream_server_spec){
		.protocol = &protocol,
		.listen = settings->listen,
		.default_port = RELP_DEFAULT_PORT,
		.permissions = RELP_LOCAL_PERMISSIONS,
		.limits = &settings->connections,
		.tls = settings->tls.present ? &settings->tls : NULL,
		.use = SPOOL_BLOCK_WAITS,
	};
}

static bool check(const void *settings, char *error)
{
	const struct relp_settings *relp = settings;
	struct stream_server_spec spec = spec_of(relp);
	return input_common_check(&relp->common, error) && stream_server_check(&spec, error);
}

static void default_name(const void *settings, char *name)
{
	input_default_name("relp", ((const struct relp_settings *)settings)->listen, name);
}

static struct input *open_input(const struct input_setup *setup, char *error)
{
	struct stream_server_spec spec = spec_of(setup->settings);
	return stream_server_open(&spec, setup, error);
}

const struct input_driver input_relp = {
	.type = "relp",
	.doc = "RELP, plain or TLS: a message is acknowledged when it is stored on disk.",
	.options = options,
	.settings_size = sizeof(struct relp_settings),
	.check = check,
	.default_name = default_name,
	.open = open_input,
	.start = stream_server_start,
	.reload = stream_server_reload,
	.stop = stream_server_stop,
	.status = stream_server_status,
	.close = stream_server_close,
};
