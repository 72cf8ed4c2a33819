/* SPDX-License-Identifier: Apache-2.0 */
#include "relayctl/probe_sender.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/printable.h"
#include "frame/octet_counting.h"
#include "net/address.h"
#include "relayctl/answer.h"
#include "relayctl/blocking_socket.h"

enum {
	SEND_TIMEOUT_SECONDS = 5,
	ANSWER_TIMEOUT_SECONDS = 10,
	FRAME_MAX_BYTES = PROBE_MESSAGE_MAX_BYTES + OCTET_COUNTING_HEADER_MAX + 1,
	RELP_OUT_MAX_BYTES = 4096,
};

#define SOFTWARE "relayctl," RELAYD_VERSION ",probe"

__attribute__((format(printf, 2, 3))) static bool refuse(char *error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(error, PROBE_SENDER_ERROR_MAX_BYTES, format, arguments);
	va_end(arguments);
	printable_make(error);
	return false;
}

/* ---- which input ---- */

/* How this input is spoken to; PROBE_WAYS: not by us. */
static enum probe_way way_of(const struct json_value *input)
{
	static const char *const types[PROBE_WAYS] = {"relp", "tcp", "udp", "unix"};
	if (answer_is(input, "tls"))
		return PROBE_WAYS;
	for (unsigned way = 0; way < PROBE_WAYS; way++)
		if (strcmp(answer_text(input, "type"), types[way]) == 0)
			return (enum probe_way)way;
	return PROBE_WAYS;
}

static const struct json_value *named(const struct json_value *inputs, const char *name, enum probe_way *way, char *error)
{
	const struct json_value *input = answer_find(inputs, "name", name);
	if (input == NULL) {
		refuse(error, "there is no input \"%s\"", name);
		return NULL;
	}
	*way = way_of(input);
	if (*way < PROBE_WAYS)
		return input;
	refuse(error, "input \"%s\" is one of type %s%s: probes go over udp, tcp, relp and unix, and none over TLS", name,
	       answer_text(input, "type"), answer_is(input, "tls") ? " with TLS" : "");
	return NULL;
}

/* As probe_sender_open() says. `way`: over what. */
static const struct json_value *choose(const struct json_value *status, const char *name, enum probe_way *way, char *error)
{
	static const enum probe_way order[PROBE_WAYS] = {PROBE_WAY_RELP, PROBE_WAY_TCP, PROBE_WAY_LOCAL, PROBE_WAY_UDP};
	const struct json_value *inputs = json_member(status, "inputs");
	if (inputs == NULL) {
		refuse(error, "the answer is not a status of relayd");
		return NULL;
	}
	if (name != NULL)
		return named(inputs, name, way, error);
	for (unsigned i = 0; i < PROBE_WAYS; i++)
		for (const struct json_value *input = inputs->first; input != NULL; input = input->next)
			if (way_of(input) == order[i]) {
				*way = order[i];
				return input;
			}
	refuse(error, "the relay has no input that a probe could go in at: udp, tcp, relp or unix, without TLS");
	return NULL;
}

/* ---- connecting ---- */

/* A listener on all addresses is spoken to over loopback. */
static void to_loopback(struct address *address)
{
	if (address->sa.any.sa_family == AF_INET && address->sa.ipv4.sin_addr.s_addr == htonl(INADDR_ANY))
		address->sa.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (address->sa.any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&address->sa.ipv6.sin6_addr))
		address->sa.ipv6.sin6_addr = in6addr_loopback;
}

static int connect_as(const struct address *address, int type)
{
	return blocking_socket_connect(&address->sa.any, address->len, type, SEND_TIMEOUT_SECONDS);
}

static bool open_socket(struct probe_sender *sender, char *error)
{
	struct endpoint endpoint;
	struct address address;
	char problem[ADDRESS_ERROR_MAX_BYTES];
	bool datagram = sender->way == PROBE_WAY_UDP || sender->way == PROBE_WAY_LOCAL;
	if (!endpoint_read(sender->listen, 0, &endpoint, problem) || !address_of_endpoint(&endpoint, &address))
		return refuse(error, "input \"%s\" listens at \"%s\", which is no address here", sender->input, sender->listen);
	to_loopback(&address);
	sender->fd = connect_as(&address, datagram ? SOCK_DGRAM : SOCK_STREAM);
	/* As the C library's syslog(): a local socket of the other kind. */
	sender->is_stream = sender->fd < 0 && sender->way == PROBE_WAY_LOCAL && errno == EPROTOTYPE;
	if (sender->is_stream)
		sender->fd = connect_as(&address, SOCK_STREAM);
	if (sender->fd >= 0)
		return true;
	return refuse(error, "input \"%s\" at %s: %s; a probe is sent on the host of the first relay", sender->input,
	              sender->listen, strerror(errno));
}

static void close_socket(struct probe_sender *sender)
{
	if (sender->fd >= 0)
		close(sender->fd);
	sender->fd = -1;
	buffer_free(&sender->in);
	buffer_free(&sender->out);
}

/* ---- RELP: one message at a time ---- */

static bool write_out(struct probe_sender *sender)
{
	bool sent = blocking_socket_send(sender->fd, buffer_peek(&sender->out));
	buffer_consume(&sender->out, buffer_len(&sender->out));
	return sent;
}

/* Waits for more octets. False: none came in time, or the connection has ended. */
static bool read_in(struct probe_sender *sender, uint64_t deadline_ns)
{
	uint64_t now = clock_monotonic_ns();
	struct pollfd watched = {.fd = sender->fd, .events = POLLIN};
	int left_ms = now < deadline_ns ? (int)((deadline_ns - now) / CLOCK_NS_PER_MS) : 0;
	int ready = poll(&watched, 1, left_ms);
	if (ready <= 0)
		return ready < 0 && errno == EINTR && now < deadline_ns;
	size_t room = RELP_CLIENT_INPUT_MAX - buffer_len(&sender->in);
	uint8_t *at = buffer_reserve(&sender->in, room);
	ssize_t got = at != NULL ? recv(sender->fd, at, room, 0) : 0;
	if (got > 0)
		buffer_commit(&sender->in, (size_t)got);
	return got > 0;
}

/* Takes answers until one of that kind. */
static bool await(struct probe_sender *sender, enum relp_client_event_kind kind, char *error)
{
	uint64_t deadline_ns = clock_monotonic_ns() + ANSWER_TIMEOUT_SECONDS * CLOCK_NS_PER_SECOND;
	struct relp_client_event event;
	for (;;) {
		relp_client_feed(&sender->relp, buffer_peek(&sender->in), &event);
		enum relp_client_event_kind got = event.kind;
		if (got == RELP_CLIENT_REFUSED || got == RELP_CLIENT_ERROR)
			return refuse(error, "input \"%s\" refused the probe", sender->input);
		buffer_consume(&sender->in, event.consumed);
		if (got == kind)
			return true;
		if (got == RELP_CLIENT_FULL)
			relp_client_note_full(&sender->relp, clock_monotonic_ns());
		if (got == RELP_CLIENT_SERVER_CLOSE || got == RELP_CLIENT_CLOSED)
			return refuse(error, "input \"%s\" ended the session", sender->input);
		if (got == RELP_CLIENT_NOTHING && !read_in(sender, deadline_ns))
			return refuse(error, "input \"%s\" gave no answer", sender->input);
	}
}

static bool open_session(struct probe_sender *sender, char *error)
{
	const struct relp_client_settings settings = {
		.software = BYTES(SOFTWARE),
		.entries = sender->window,
		.window = 1,
		.window_octets = FRAME_MAX_BYTES,
	};
	buffer_init(&sender->in, RELP_CLIENT_INPUT_MAX);
	buffer_init(&sender->out, RELP_OUT_MAX_BYTES);
	relp_client_init(&sender->relp, &settings);
	if (!relp_client_open(&sender->relp, clock_monotonic_ns(), &sender->out))
		return refuse(error, "not enough memory");
	if (!write_out(sender))
		return refuse(error, "input \"%s\": %s", sender->input, strerror(errno));
	return await(sender, RELP_CLIENT_OPENED, error);
}

static bool send_relp(struct probe_sender *sender, struct bytes message, char *error)
{
	if (relp_client_send(&sender->relp, message, ++sender->sent, clock_monotonic_ns(), &sender->out) != RELP_SEND_OK)
		return refuse(error, "input \"%s\" takes no message now", sender->input);
	if (!write_out(sender))
		return refuse(error, "input \"%s\": %s", sender->input, strerror(errno));
	return await(sender, RELP_CLIENT_ACKNOWLEDGED, error);
}

/* ---- the others ---- */

static struct bytes frame(const struct probe_sender *sender, struct bytes message, uint8_t out[FRAME_MAX_BYTES])
{
	size_t len = sender->way == PROBE_WAY_TCP ? octet_counting_header_write(message.len, out) : 0;
	assert(message.len <= PROBE_MESSAGE_MAX_BYTES);
	memcpy(out + len, message.at, message.len);
	len += message.len;
	if (sender->way == PROBE_WAY_LOCAL && sender->is_stream)
		out[len++] = '\n';
	return bytes_of(out, len);
}

static bool send_frame(struct probe_sender *sender, struct bytes message, char *error)
{
	uint8_t room[FRAME_MAX_BYTES];
	return blocking_socket_send(sender->fd, frame(sender, message, room)) ||
	       refuse(error, "input \"%s\": %s", sender->input, strerror(errno));
}

/* ---- together ---- */

static bool connect_sender(struct probe_sender *sender, char *error)
{
	if (!open_socket(sender, error))
		return false;
	if (sender->way != PROBE_WAY_RELP || open_session(sender, error))
		return true;
	close_socket(sender);
	return false;
}

bool probe_sender_open(struct probe_sender *sender, const struct json_value *status, const char *name, char *error)
{
	*sender = (struct probe_sender){.fd = -1};
	const struct json_value *input = choose(status, name, &sender->way, error);
	if (input == NULL)
		return false;
	answer_copy(input, "name", sender->input, sizeof sender->input);
	sender->listen = answer_text(input, "listen");
	return connect_sender(sender, error);
}

void probe_sender_new_id(char id[PROBE_ID_LEN + 1])
{
	uint64_t random;
	/* Always this much at once, but for a kernel that has just begun. */
	if (getrandom(&random, sizeof random, 0) != sizeof random)
		random = clock_monotonic_ns() ^ (uint64_t)getpid() << 40;
	snprintf(id, PROBE_ID_LEN + 1, "%016" PRIx64, random);
}

bool probe_sender_send(struct probe_sender *sender, const char *id, unsigned number, unsigned count, int64_t *sent_ns,
                       char *error)
{
	char host[256] = "", text[PROBE_MESSAGE_MAX_BYTES];
	if (gethostname(host, sizeof host - 1) != 0)
		host[0] = '\0';
	if (sender->fd < 0 && !connect_sender(sender, error))
		return false;
	*sent_ns = clock_wall_ns();
	const struct probe probe = {.id = id, .number = number, .count = count, .sent_ns = *sent_ns};
	struct bytes message = bytes_of(text, probe_write(&probe, host, (long)getpid(), text));
	bool sent = sender->way == PROBE_WAY_RELP ? send_relp(sender, message, error) : send_frame(sender, message, error);
	if (!sent)
		close_socket(sender);
	return sent;
}

void probe_sender_close(struct probe_sender *sender)
{
	if (sender->fd >= 0 && sender->way == PROBE_WAY_RELP &&
	    relp_client_close(&sender->relp, clock_monotonic_ns(), &sender->out))
		write_out(sender);
	close_socket(sender);
}
