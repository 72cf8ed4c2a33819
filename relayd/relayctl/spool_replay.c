/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `relayctl spool replay`: sends messages of a spool again, over RELP, to an input of a running relay. It is a sender like
 * any other: at least once, and done when everything was answered, which means that it is stored there.
 */
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/printable.h"
#include "net/address.h"
#include "output/encoder.h"
#include "relayctl/blocking_socket.h"
#include "relayctl/spool_records.h"
#include "relp/relp_client.h"

enum {
	REPLAY_WINDOW = 1024,
	REPLAY_WINDOW_BYTES = 4 << 20,
	REPLAY_GATHER_BYTES = 64 << 10,
	REPLAY_DEFAULT_PORT = 2514,
	/* One message of any size fits behind what is gathered. */
	REPLAY_OUTPUT_MAX_BYTES = REPLAY_GATHER_BYTES + ENCODER_MESSAGE_MAX_BYTES + RELP_FRAME_OVERHEAD_MAX,
};

#define SOFTWARE "relayctl," RELAYD_VERSION ",replay"

struct replay {
	const struct spool_arguments *arguments;
	struct relp_client client;
	struct relp_window_entry entries[REPLAY_WINDOW];
	struct buffer in, out;
	int fd;
	bool opened, closed, failed;
	uint64_t sent, acknowledged; /* messages, and the sequence up to which all are */
};

static bool fail(struct replay *replay, const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", replay->arguments->label, replay->arguments->to, what);
	replay->failed = true;
	return false;
}

/* ---- connecting ---- */

static int connect_name(const struct endpoint *endpoint, const char **what)
{
	char port[8];
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
	snprintf(port, sizeof port, "%u", endpoint->port);
	int result = getaddrinfo(endpoint->host, port, &hints, &found);
	if (result != 0) {
		*what = gai_strerror(result);
		return -1;
	}
	int fd = -1;
	for (const struct addrinfo *each = found; each != NULL && fd < 0; each = each->ai_next)
		fd = blocking_socket_connect(each->ai_addr, each->ai_addrlen, SOCK_STREAM, 0);
	*what = strerror(errno);
	freeaddrinfo(found);
	return fd;
}

static bool connect_to_relay(struct replay *replay)
{
	struct endpoint endpoint;
	struct address address;
	char error[ADDRESS_ERROR_MAX_BYTES];
	const char *what = "";
	if (!endpoint_read(replay->arguments->to, REPLAY_DEFAULT_PORT, &endpoint, error))
		return fail(replay, error);
	if (endpoint.is_local && address_of_endpoint(&endpoint, &address)) {
		replay->fd = blocking_socket_connect(&address.sa.any, address.len, SOCK_STREAM, 0);
		what = strerror(errno);
	} else {
		replay->fd = connect_name(&endpoint, &what);
	}
	return replay->fd >= 0 || fail(replay, what);
}

/* ---- the session ---- */

static void take_event(struct replay *replay, const struct relp_client_event *event)
{
	char text[256];
	if (event->kind == RELP_CLIENT_OPENED) {
		replay->opened = true;
	} else if (event->kind == RELP_CLIENT_ACKNOWLEDGED) {
		replay->acknowledged = event->sequence;
	} else if (event->kind == RELP_CLIENT_CLOSED) {
		replay->closed = true;
	} else if (event->kind == RELP_CLIENT_REFUSED) {
		snprintf(text, sizeof text, "message %" PRIu64 " is refused: %u %.*s", event->sequence, event->code,
		         (int)bytes_first(event->text, 160).len, (const char *)event->text.at);
		printable_make(text);
		fail(replay, text);
	} else if (event->kind == RELP_CLIENT_SERVER_CLOSE) {
		fail(replay, "the relay ended the session");
	} else if (event->kind == RELP_CLIENT_ERROR) {
		fail(replay, event->reason);
	}
}

static void take_answers(struct replay *replay)
{
	uint8_t *room = buffer_reserve(&replay->in, RELP_CLIENT_INPUT_MAX - buffer_len(&replay->in));
	ssize_t got = room != NULL ? recv(replay->fd, room, RELP_CLIENT_INPUT_MAX - buffer_len(&replay->in), MSG_DONTWAIT) : 0;
	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got <= 0) {
		fail(replay, got < 0 ? strerror(errno) : "the relay closed the connection");
		return;
	}
	buffer_commit(&replay->in, (size_t)got);
	struct relp_client_event event;
	do {
		relp_client_feed(&replay->client, buffer_peek(&replay->in), &event);
		take_event(replay, &event);
		buffer_consume(&replay->in, event.consumed);
	} while (event.kind != RELP_CLIENT_NOTHING && !replay->failed);
}

/* Writes and reads once there is anything to do; false if the session has failed. */
static bool turn(struct replay *replay)
{
	struct bytes out = buffer_peek(&replay->out);
	struct pollfd watched = {.fd = replay->fd, .events = (short)(POLLIN | (out.len > 0 ? POLLOUT : 0))};
	int ready = poll(&watched, 1, 1000);
	if (ready < 0 && errno != EINTR)
		return fail(replay, strerror(errno));
	if (ready > 0 && (watched.revents & POLLOUT) != 0) {
		ssize_t put = send(replay->fd, out.at, out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (put < 0 && errno != EINTR && errno != EAGAIN)
			return fail(replay, strerror(errno));
		buffer_consume(&replay->out, put > 0 ? (size_t)put : 0);
	}
	if (ready > 0 && (watched.revents & (POLLIN | POLLHUP | POLLERR)) != 0)
		take_answers(replay);
	const char *expired = relp_client_expired(&replay->client, clock_monotonic_ns());
	if (!replay->failed && !replay->closed && expired != NULL)
		return fail(replay, expired);
	return !replay->failed;
}

/* ---- messages ---- */

static bool send_message(struct replay *replay, uint64_t sequence, struct bytes message)
{
	enum relp_send_result result = RELP_SEND_NOT_READY;
	while (buffer_len(&replay->out) >= REPLAY_GATHER_BYTES && turn(replay))
		;
	while (!replay->failed) {
		result = relp_client_send(&replay->client, message, sequence, clock_monotonic_ns(), &replay->out);
		if (result == RELP_SEND_OK) {
			replay->sent++;
			return true;
		}
		if (relp_client_wants_reopen(&replay->client))
			return fail(replay, "one session carries no more; go on with --first");
		turn(replay);
	}
	return false;
}

static bool send_all(struct replay *replay, struct spool_records *records)
{
	struct encoder encoder;
	struct envelope envelope;
	struct bytes message;
	uint64_t sequence;
	bool good = true;
	encoder_init(&encoder, ENCODER_RFC5424, false, spool_files_names(records->files));
	while (good && spool_records_next(records, &sequence, &envelope)) {
		good = encoder_encode(&encoder, &envelope, &message) == ENCODER_DONE || fail(replay, "a message cannot be encoded");
		good = good && send_message(replay, sequence, message);
	}
	encoder_free(&encoder);
	return good;
}

static bool run_session(struct replay *replay, struct spool_records *records)
{
	const struct relp_client_settings settings = {
		.software = BYTES(SOFTWARE),
		.entries = replay->entries,
		.window = REPLAY_WINDOW,
		.window_octets = REPLAY_WINDOW_BYTES,
	};
	relp_client_init(&replay->client, &settings);
	if (!relp_client_open(&replay->client, clock_monotonic_ns(), &replay->out))
		return fail(replay, "not enough memory");
	while (!replay->opened && turn(replay))
		;
	if (replay->failed || !send_all(replay, records))
		return false;
	while (relp_client_unacknowledged(&replay->client) > 0 && turn(replay))
		;
	if (replay->failed || !relp_client_close(&replay->client, clock_monotonic_ns(), &replay->out))
		return false;
	while (!replay->closed && turn(replay))
		;
	/* All is stored there; how the connection ends does not matter. */
	return true;
}

static enum relayctl_exit replay_records(struct replay *replay, struct spool_records *records)
{
	bool good = connect_to_relay(replay) && run_session(replay, records);
	if (replay->fd >= 0)
		close(replay->fd);
	if (good) {
		printf("%" PRIu64 " messages are stored by the relay at %s\n", replay->sent, replay->arguments->to);
		return records->unreadable > 0 ? RELAYCTL_DAMAGED : RELAYCTL_OK;
	}
	if (replay->acknowledged > 0)
		fprintf(stderr, "%s: all up to message %" PRIu64 " are stored there; go on with --first %" PRIu64 "\n",
		        replay->arguments->label, replay->acknowledged, replay->acknowledged + 1);
	return RELAYCTL_FAILED;
}

enum relayctl_exit spool_replay_run(const struct spool_arguments *arguments)
{
	static struct replay replay; /* large */
	struct spool_records records;
	replay.arguments = arguments;
	replay.fd = -1;
	if (arguments->to == NULL) {
		fprintf(stderr, "%s: say with --to where: \"host:port\" or \"unix:/path\" of a RELP input\n", arguments->label);
		return RELAYCTL_USAGE;
	}
	buffer_init(&replay.in, RELP_CLIENT_INPUT_MAX);
	buffer_init(&replay.out, REPLAY_OUTPUT_MAX_BYTES);
	enum relayctl_exit code = spool_records_open(&records, arguments);
	if (code == RELAYCTL_OK)
		code = replay_records(&replay, &records);
	spool_records_close(&records);
	buffer_free(&replay.in);
	buffer_free(&replay.out);
	return code;
}
