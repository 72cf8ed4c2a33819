/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `failed` has one bit for each server that failed in this round. The next one tried is the first without its bit; when all
 * have it, the round is over and the link waits. So failing over takes no time, and a set of servers that are all up and
 * all refuse is not hammered: a session clears the bits only when it was good for a while.
 */
#include "output/link.h"

#include <assert.h>
#include <liblog/slog.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/socket.h"

enum { LINK_PROBES_WANTED = 2 };

/* A connection that ends so soon behind the TLS handshake is taken for a refused one. */
#define LINK_REFUSAL_NS ((uint64_t)1 * CLOCK_NS_PER_SECOND)

struct link {
	struct link_settings settings;
	enum link_state state;
	unsigned server;             /* index of the one that is tried or connected */
	uint32_t failed;
	struct backoff backoff;
	uint64_t waiting_ns;         /* for the status */
	bool is_cut;                 /* it waits because link_cut() said so */
	uint64_t established_ns;     /* 0: not yet */
	struct connect *connecting;
	struct stream *stream;
	struct timer *timer;         /* the wait, or the next probe */
	struct connect *probing;
	unsigned probes_good;
	char reason[512];            /* why the last connection ended */
};

unsigned link_servers_read(const struct option_list *list, uint16_t default_port,
                           struct link_server servers[LINK_SERVERS_MAX], char *error)
{
	if (list->count == 0 || list->count > LINK_SERVERS_MAX) {
		snprintf(error, OUTPUT_ERROR_MAX_BYTES, "servers: write 1 to %d of them, as [\"host:port\"]", LINK_SERVERS_MAX);
		return 0;
	}
	for (size_t i = 0; i < list->count; i++) {
		char problem[ADDRESS_ERROR_MAX_BYTES];
		servers[i].name = list->items[i];
		if (!endpoint_read(list->items[i], default_port, &servers[i].endpoint, problem)) {
			snprintf(error, OUTPUT_ERROR_MAX_BYTES, "servers: \"%s\": %s", list->items[i], problem);
			return 0;
		}
		if (!servers[i].endpoint.is_local && servers[i].endpoint.host[0] == '\0') {
			snprintf(error, OUTPUT_ERROR_MAX_BYTES, "servers: \"%s\": a host is missing before the port",
			         list->items[i]);
			return 0;
		}
	}
	return (unsigned)list->count;
}

static void move_to(struct link *link, enum link_state state)
{
	link->state = state;
	link->settings.events.changed(link->settings.context);
}

static void try_server(struct link *link);
static void probe(struct link *link);

static void on_timer(void *context)
{
	struct link *link = context;
	if (link->state == LINK_WAITING)
		try_server(link);
	else if (link->state == LINK_ESTABLISHED)
		probe(link);
}

struct backoff link_pauses = {.min_ns = LINK_BACKOFF_MIN_NS, .max_ns = LINK_BACKOFF_MAX_NS};

struct link *link_open(const struct link_settings *settings)
{
	assert(settings->count > 0 && settings->count <= LINK_SERVERS_MAX);
	struct link *link = calloc(1, sizeof *link);
	if (link == NULL)
		return NULL;
	link->settings = *settings;
	link->backoff = link_pauses;
	link->timer = timer_open(settings->output->setup.worker, on_timer, link);
	if (link->timer == NULL) {
		free(link);
		return NULL;
	}
	return link;
}

void link_close(struct link **closing)
{
	struct link *link = *closing;
	if (link == NULL)
		return;
	*closing = NULL;
	connect_cancel(&link->connecting);
	connect_cancel(&link->probing);
	timer_close(&link->timer);
	stream_close(&link->stream);
	free(link);
}

/* Random enough for jitter: the loop's clock in nanoseconds, mixed. */
static uint32_t jitter(struct link *link)
{
	uint64_t now = clock_monotonic_ns() ^ (uint64_t)(uintptr_t)link;
	return (uint32_t)((now * 0x9E3779B97F4A7C15u) >> 32);
}

static void wait_then_connect(struct link *link, uint64_t at_least_ns)
{
	link->failed = 0;
	link->waiting_ns = backoff_next(&link->backoff, jitter(link));
	if (link->waiting_ns < at_least_ns)
		link->waiting_ns = at_least_ns;
	timer_set(link->timer, link->waiting_ns);
	move_to(link, LINK_WAITING);
}

/* Ends the connection or attempt and goes on with the next server, or after a wait. */
static void go_on(struct link *link, uint64_t at_least_ns)
{
	struct worker *worker = link->settings.output->setup.worker;
	bool was_good = link->established_ns != 0 && worker_now_ns(worker) - link->established_ns >= LINK_GOOD_NS;
	connect_cancel(&link->connecting);
	connect_cancel(&link->probing);
	stream_close(&link->stream);
	timer_unset(link->timer);
	link->established_ns = 0;
	link->probes_good = 0;
	if (link->state == LINK_STOPPED)
		return;
	if (was_good) {
		backoff_reset(&link->backoff);
		link->failed = 0;
	}
	link->failed |= 1u << link->server;
	bool all_failed = link->failed == (1u << link->settings.count) - 1;
	if (all_failed || at_least_ns > 0)
		wait_then_connect(link, at_least_ns);
	else
		try_server(link);
}

void link_fail(struct link *link, uint64_t at_least_ns, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(link->reason, sizeof link->reason, format, arguments);
	va_end(arguments);
	output_trouble(link->settings.output, link->established_ns != 0 ? "output_connection_lost" : "output_connect_failed",
	               "%s: %s", link_server_name(link), link->reason);
	go_on(link, at_least_ns);
}

static void on_ready(void *context)
{
	struct link *link = context;
	if (link->state == LINK_STOPPED)
		return; /* the owner's stop was faster, and it closes the connection */
	move_to(link, LINK_OPENING);
	link->settings.events.ready(link->settings.context);
}

static size_t on_bytes(void *context, struct bytes bytes)
{
	struct link *link = context;
	return link->settings.events.bytes(link->settings.context, bytes);
}

static void on_writable(void *context)
{
	struct link *link = context;
	link->settings.events.writable(link->settings.context);
}

static const char *end_text(enum stream_end end)
{
	switch (end) {
	case STREAM_END_EOF:
		return "the server closed the connection";
	case STREAM_END_WITHOUT_NOTIFY:
		return "the server closed the connection without TLS close_notify";
	case STREAM_END_RESET:
		return "the connection broke";
	case STREAM_END_TLS:
		return "refused: TLS";
	case STREAM_END_HANDSHAKE_TIMEOUT:
		return "the TLS handshake took too long; does the server speak TLS on this port?";
	case STREAM_END_PENDING_LIMIT:
		return "the server sends what is no answer";
	}
	return "the connection ended";
}

/*
 * Servers that check certificates when the handshake is over (rsyslog's, RELP and TCP alike) refuse without a word: they
 * close. A network that breaks in that very moment looks the same, so the refusal is told as probable.
 */
static bool closed_behind_handshake(const struct link *link, enum stream_end end)
{
	if (link->settings.tls == NULL || *link->settings.tls == NULL)
		return false;
	if (end != STREAM_END_EOF && end != STREAM_END_WITHOUT_NOTIFY && end != STREAM_END_RESET)
		return false;
	uint64_t now = worker_now_ns(link->settings.output->setup.worker);
	return link->state == LINK_OPENING ||
	       (link->state == LINK_ESTABLISHED && now - link->established_ns < LINK_REFUSAL_NS);
}

static void on_end(void *context, enum stream_end end, const char *detail, struct bytes rest)
{
	struct link *link = context;
	char reason[sizeof link->reason];
	snprintf(reason, sizeof reason, "%s%s%s%s",
	         closed_behind_handshake(link, end) ? "refused right behind the TLS handshake, probably our certificate: " : "",
	         end_text(end), detail != NULL && detail[0] != '\0' ? ": " : "",
	         detail != NULL ? detail : "");
	bool stopped = link->state == LINK_STOPPED;
	if (link->state != LINK_CONNECTING)
		link->settings.events.down(link->settings.context, end == STREAM_END_EOF, rest);
	/* A stopped link may be gone now: its owner was waiting for this. And the owner may have failed it itself. */
	if (!stopped && link->stream != NULL)
		link_fail(link, 0, "%s", reason);
}

static void on_connected(void *context, int fd, const char *error)
{
	struct link *link = context;
	struct output *output = link->settings.output;
	link->connecting = NULL;
	if (fd < 0) {
		output_trouble(output, "output_connect_failed", "%s", error);
		snprintf(link->reason, sizeof link->reason, "%s", error);
		go_on(link, 0);
		return;
	}
	const struct socket_keepalive keepalive = {
		.idle_seconds = 30, .interval_seconds = 10, .probes = 3, .user_timeout_ms = 60000};
	socket_set_stream_options(fd, &keepalive);
	const struct endpoint *endpoint = &link->settings.servers[link->server].endpoint;
	const struct stream_options options = {
		.worker = output->setup.worker,
		.tls = link->settings.tls != NULL ? *link->settings.tls : NULL,
		.server_name = endpoint->is_local ? NULL : endpoint->host,
		.output_cap_bytes = LINK_OUTPUT_CAP_BYTES,
		.pending_max_bytes = LINK_PENDING_MAX_BYTES,
		.events = {.ready = on_ready, .bytes = on_bytes, .writable = on_writable, .end = on_end},
		.context = link,
	};
	link->stream = stream_adopt(&fd, &options);
	if (link->stream != NULL)
		return;
	close(fd);
	link_fail(link, 0, "there is no memory for a connection");
}

static void try_server(struct link *link)
{
	link->server = 0;
	link->is_cut = false;
	while ((link->failed & 1u << link->server) != 0)
		link->server++;
	assert(link->server < link->settings.count);
	const struct link_server *server = &link->settings.servers[link->server];
	move_to(link, LINK_CONNECTING);
	link->connecting = connect_start(link->settings.output->setup.worker, &server->endpoint, server->name, on_connected,
	                                 link);
	if (link->connecting == NULL)
		link_fail(link, 0, "there is no memory for a connection");
}

void link_start(struct link *link)
{
	assert(link->state == LINK_STOPPED);
	try_server(link);
}

static void plan_probe(struct link *link)
{
	if (link->server != 0 && link->settings.failback_interval_ns > 0)
		timer_set(link->timer, link->settings.failback_interval_ns);
}

static void on_probed(void *context, int fd, const char *error)
{
	struct link *link = context;
	(void)error;
	link->probing = NULL;
	if (fd >= 0)
		close(fd);
	link->probes_good = fd >= 0 ? link->probes_good + 1 : 0;
	if (link->probes_good >= LINK_PROBES_WANTED)
		link->settings.events.go_home(link->settings.context);
	else
		plan_probe(link);
}

static void probe(struct link *link)
{
	const struct link_server *first = &link->settings.servers[0];
	link->probing = connect_start(link->settings.output->setup.worker, &first->endpoint, first->name, on_probed, link);
	if (link->probing == NULL)
		plan_probe(link);
}

void link_established(struct link *link)
{
	assert(link->state == LINK_OPENING);
	struct output *output = link->settings.output;
	link->established_ns = worker_now_ns(output->setup.worker);
	atomic_fetch_add_explicit(&output->connects, 1, memory_order_relaxed);
	slog_info_to(output_logger(), "output_connected", "output", output->common->name, "server", link_server_name(link),
	             "peer", stream_peer_text(link->stream), "identity", stream_peer_identity(link->stream));
	output_well(output);
	move_to(link, LINK_ESTABLISHED);
	plan_probe(link);
}

/* Ends the connection, or the attempt to make one, and forgets which servers have failed. */
static void drop(struct link *link)
{
	connect_cancel(&link->connecting);
	connect_cancel(&link->probing);
	stream_close(&link->stream);
	timer_unset(link->timer);
	link->established_ns = 0;
	link->probes_good = 0;
	link->failed = 0;
}

void link_reconnect(struct link *link)
{
	if (link->state == LINK_STOPPED)
		return;
	drop(link);
	try_server(link);
}

void link_cut(struct link *link, uint64_t for_ns)
{
	if (for_ns == 0) {
		if (link->is_cut)
			link_reconnect(link);
		return;
	}
	if (link->state == LINK_OPENING || link->state == LINK_ESTABLISHED)
		link->settings.events.down(link->settings.context, false, bytes_of(NULL, 0));
	if (link->state == LINK_STOPPED)
		return;
	drop(link);
	snprintf(link->reason, sizeof link->reason, "cut for a drill");
	output_trouble(link->settings.output, "output_connection_cut", "%s: cut for a drill of %.0f s", link_server_name(link),
	               (double)for_ns / (double)CLOCK_NS_PER_SECOND);
	link->is_cut = true;
	link->waiting_ns = for_ns;
	timer_set(link->timer, for_ns);
	move_to(link, LINK_WAITING);
}

void link_stop(struct link *link)
{
	connect_cancel(&link->connecting);
	connect_cancel(&link->probing);
	timer_unset(link->timer);
	link->state = LINK_STOPPED;
}

enum link_state link_state(const struct link *link)
{
	return link->state;
}

struct stream *link_stream(const struct link *link)
{
	return link->state == LINK_CONNECTING || link->state == LINK_WAITING ? NULL : link->stream;
}

const char *link_server_name(const struct link *link)
{
	return link->settings.servers[link->server].name;
}

static void show_one(struct output *output, const struct link *link)
{
	output_peer(output, link->stream != NULL ? stream_peer_text(link->stream) : link_server_name(link));
	switch (link->state) {
	case LINK_STOPPED:
		output_state(output, "stopping");
		return;
	case LINK_CONNECTING:
		output_state(output, "connecting");
		return;
	case LINK_OPENING:
		output_state(output, "opening the session");
		return;
	case LINK_ESTABLISHED:
		output_state(output, "connected");
		return;
	case LINK_WAITING:
		if (link->is_cut) {
			output_state(output, "cut for %.0f s", (double)link->waiting_ns / (double)CLOCK_NS_PER_SECOND);
			return;
		}
		output_state(output, "%swaiting %.1f s", strncmp(link->reason, "refused", 7) == 0 ? "refused, " : "",
		             (double)link->waiting_ns / (double)CLOCK_NS_PER_SECOND);
		return;
	}
}

void link_show(struct output *output, struct link *const *links, unsigned count)
{
	if (count == 1) {
		show_one(output, links[0]);
		return;
	}
	unsigned up = 0;
	for (unsigned i = 0; i < count; i++)
		up += links[i] != NULL && links[i]->state == LINK_ESTABLISHED;
	output_peer(output, "");
	output_state(output, "connected to %u of %u servers", up, count);
}
