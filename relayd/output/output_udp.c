/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver `udp`: one message per datagram (RFC 5426), many datagrams per system call. Unconfirmed: delivered means that
 * the kernel took the datagram. When the kernel reports that nobody listens there, the output waits and sends on from what
 * it has not sent yet; what was sent before that report came is gone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "net/resolver.h"
#include "net/socket.h"
#include "output/link.h"
#include "output/sender.h"
#include "output/timer.h"
#include "output/watch.h"

enum {
	UDP_DEFAULT_PORT = 514,
	UDP_MESSAGE_MAX_BYTES = 65507, /* what an IPv4 datagram carries */
	UDP_SAFE_BYTES = 1180,         /* RFC 5426 3.2: what every IPv6 receiver takes; for a path that refuses more */
	UDP_BATCH = 64,                /* datagrams per system call */
	UDP_GATHER_BYTES = 128 * 1024,
	PENDING_RUNS_MAX = 256,
};

struct udp_settings {
	struct output_common common;
	char *server;
	uint64_t max_message_size;
	unsigned format;
};

static const struct option rows[] = {
	OUTPUT_COMMON_ROWS,
	{.name = "server", .kind = OPTION_TEXT, .offset = offsetof(struct udp_settings, server), .required = true,
	 .doc = "Where to send: \"host:port\" (port 514 if it is left out)."},
	{.name = "max_message_size", .kind = OPTION_SIZE, .offset = offsetof(struct udp_settings, max_message_size),
	 .preset = "8KiB", .min = 480, .max = UDP_MESSAGE_MAX_BYTES,
	 .doc = "Longer messages are cut and counted; those above the path's MTU are lost more easily."},
	ENCODER_FORMAT_ROW(struct udp_settings, format, "rfc5424"),
	{.name = NULL},
};

struct datagram_out {
	uint64_t sequence;
	size_t at, len; /* in the arena */
};

struct udp_output {
	struct output base;
	const struct udp_settings *settings;
	struct endpoint endpoint;
	struct sender *sender;
	struct resolver_request *resolving;
	struct watch *watch;         /* of the connected socket; NULL: there is none */
	struct timer *retry;
	struct backoff backoff;
	uint64_t ready_ns;           /* when the socket was made */
	bool waiting;                /* for the socket to be writable, or for the retry */
	uint8_t *arena;
	size_t used;
	struct datagram_out batch[UDP_BATCH];
	unsigned first, count;       /* not sent yet: batch[first] .. batch[count - 1] */
};

static bool read_server(const struct udp_settings *settings, struct endpoint *endpoint, char *error)
{
	char problem[ADDRESS_ERROR_MAX_BYTES] = "";
	bool good = endpoint_read(settings->server, UDP_DEFAULT_PORT, endpoint, problem);
	if (good && !endpoint->is_local && endpoint->host[0] != '\0')
		return true;
	snprintf(error, OUTPUT_ERROR_MAX_BYTES, "server: \"%s\": %s", settings->server,
	         good ? "write a host and a port, as \"loghost:514\"" : problem);
	return false;
}

static bool check(const void *settings, char *error)
{
	const struct udp_settings *udp = settings;
	struct endpoint endpoint;
	return output_common_check(&udp->common, error) && encoder_check(udp->format, &udp->common, error) &&
	       read_server(udp, &endpoint, error);
}

static void close_output(struct output **closing)
{
	struct udp_output *udp = (struct udp_output *)*closing;
	if (udp == NULL)
		return;
	*closing = NULL;
	assert(udp->sender == NULL);
	free(udp->arena);
	output_base_free(&udp->base);
	free(udp);
}

static struct output *open_output(const struct output_setup *setup, char *error)
{
	struct udp_output *udp = calloc(1, sizeof *udp);
	uint8_t *arena = malloc(UDP_GATHER_BYTES);
	if (udp == NULL || arena == NULL) {
		snprintf(error, OUTPUT_ERROR_MAX_BYTES, "there is no memory for the output");
		free(udp);
		free(arena);
		return NULL;
	}
	output_base_init(&udp->base, &output_udp, setup);
	udp->settings = setup->settings;
	udp->arena = arena;
	udp->backoff = (struct backoff){.min_ns = LINK_BACKOFF_MIN_NS, .max_ns = LINK_BACKOFF_MAX_NS};
	struct output *output = &udp->base;
	if (!read_server(udp->settings, &udp->endpoint, error))
		close_output(&output);
	return output;
}

/* --- sending ----------------------------------------------------------------------------------------------------- */

static void retry_later(struct udp_output *udp)
{
	if (udp->ready_ns != 0 && worker_now_ns(udp->base.setup.worker) - udp->ready_ns >= LINK_GOOD_NS)
		backoff_reset(&udp->backoff);
	udp->ready_ns = 0;
	uint64_t delay = backoff_next(&udp->backoff, (uint32_t)(clock_monotonic_ns() * 0x9E3779B1u));
	udp->waiting = true;
	timer_set(udp->retry, delay);
	output_state(&udp->base, "waiting %.1f s", (double)delay / (double)CLOCK_NS_PER_SECOND);
}

/* What to do after sendmmsg() took nothing. True: try again at once. */
static bool after_error(struct udp_output *udp, int error)
{
	struct datagram_out *head = &udp->batch[udp->first];
	if (error == EINTR)
		return true;
	if (error == EAGAIN || error == ENOBUFS) {
		udp->waiting = true;
		if (error == EAGAIN)
			watch_writable(udp->watch);
		else
			timer_set(udp->retry, CLOCK_NS_PER_MS);
		return false;
	}
	if (error == EMSGSIZE && head->len > UDP_SAFE_BYTES) {
		head->len = utf8_cut(bytes_of(udp->arena + head->at, head->len), UDP_SAFE_BYTES);
		atomic_fetch_add_explicit(&udp->base.truncated, 1, memory_order_relaxed);
		return true;
	}
	output_trouble(&udp->base, "output_send_failed", "%s: %s", udp->settings->server,
	               error == ECONNREFUSED ? "nobody listens there" : strerror(error));
	watch_close(&udp->watch);
	retry_later(udp);
	return false;
}

static int send_batch(struct udp_output *udp)
{
	struct mmsghdr messages[UDP_BATCH];
	struct iovec vectors[UDP_BATCH];
	unsigned count = udp->count - udp->first;
	memset(messages, 0, count * sizeof *messages);
	for (unsigned i = 0; i < count; i++) {
		const struct datagram_out *datagram = &udp->batch[udp->first + i];
		vectors[i] = (struct iovec){.iov_base = udp->arena + datagram->at, .iov_len = datagram->len};
		messages[i].msg_hdr.msg_iov = &vectors[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	return sendmmsg(watch_fd(udp->watch), messages, count, MSG_NOSIGNAL);
}

static void flush(void *context)
{
	struct udp_output *udp = context;
	while (udp->first < udp->count) {
		if (udp->watch == NULL || udp->waiting)
			return;
		int sent = send_batch(udp);
		if (sent <= 0) {
			if (!after_error(udp, errno))
				return;
			continue;
		}
		output_well(&udp->base);
		udp->first += (unsigned)sent;
		sender_settle_through(udp->sender, udp->batch[udp->first - 1].sequence);
	}
	udp->first = udp->count = 0;
	udp->used = 0;
}

static bool is_full(const struct udp_output *udp, size_t len)
{
	return udp->count == UDP_BATCH || udp->used + len > UDP_GATHER_BYTES;
}

static bool send_message(void *context, uint64_t sequence, struct bytes message)
{
	struct udp_output *udp = context;
	size_t len = message.len;
	if (len > udp->settings->max_message_size)
		len = utf8_cut(message, udp->settings->max_message_size);
	if (is_full(udp, len))
		flush(udp);
	if (is_full(udp, len))
		return false;
	memcpy(udp->arena + udp->used, message.at, len);
	udp->batch[udp->count++] = (struct datagram_out){.sequence = sequence, .at = udp->used, .len = len};
	udp->used += len;
	if (len < message.len)
		atomic_fetch_add_explicit(&udp->base.truncated, 1, memory_order_relaxed);
	return true;
}

static void passed_over(void *context, uint64_t sequence)
{
	struct udp_output *udp = context;
	while (udp->first < udp->count && udp->batch[udp->first].sequence <= sequence)
		udp->first++;
}

static void go_on(void *context)
{
	struct udp_output *udp = context;
	udp->waiting = false;
	sender_resume(udp->sender);
}

/* --- the socket -------------------------------------------------------------------------------------------------- */

static void on_resolved(void *context, const struct address *addresses, unsigned count, const char *error)
{
	struct udp_output *udp = context;
	char problem[SOCKET_ERROR_MAX_BYTES] = "";
	int fd = -1;
	udp->resolving = NULL;
	for (unsigned i = 0; i < count && fd < 0; i++) {
		char text[ADDRESS_TEXT_MAX_BYTES];
		fd = socket_connect_udp(&addresses[i], problem);
		output_peer(&udp->base, address_text(&addresses[i], text));
	}
	if (fd >= 0)
		udp->watch = watch_open(udp->base.setup.worker, &fd, go_on, udp);
	if (udp->watch == NULL) {
		if (fd >= 0)
			close(fd);
		output_trouble(&udp->base, "output_connect_failed", "%s", count == 0 ? error : problem);
		retry_later(udp);
		return;
	}
	atomic_fetch_add_explicit(&udp->base.connects, 1, memory_order_relaxed);
	udp->ready_ns = worker_now_ns(udp->base.setup.worker);
	output_state(&udp->base, "sending");
	go_on(udp);
}

static void connect_again(void *context)
{
	struct udp_output *udp = context;
	if (udp->watch != NULL) {
		go_on(udp); /* only the kernel's memory was short */
		return;
	}
	udp->resolving = resolver_start(udp->base.setup.worker, &udp->endpoint, on_resolved, udp);
	if (udp->resolving == NULL)
		retry_later(udp);
}

static void close_all(struct udp_output *udp)
{
	resolver_cancel(&udp->resolving);
	watch_close(&udp->watch);
	timer_close(&udp->retry);
	sender_close(&udp->sender);
}

static void start_here(void *context)
{
	struct udp_output *udp = context;
	const struct sender_transport transport = {
		.send = send_message, .flush = flush, .settle = flush, .passed_over = passed_over, .context = udp};
	udp->sender = sender_open(&udp->base, ACCOUNT_THROUGH, PENDING_RUNS_MAX, udp->settings->format, &transport);
	udp->retry = timer_open(udp->base.setup.worker, connect_again, udp);
	if (udp->sender == NULL || udp->retry == NULL) {
		close_all(udp);
		output_state(&udp->base, "failed");
		return;
	}
	connect_again(udp);
}

static void start(struct output *output)
{
	output_base_start(output, start_here);
}

static void stop_here(void *context)
{
	struct udp_output *udp = context;
	if (udp->sender != NULL) {
		sender_stop(udp->sender);
		flush(udp);
		sender_publish(udp->sender);
		close_all(udp);
	}
	output_stopped(&udp->base);
}

static void stop(struct output *output, void (*stopped)(void *context), void *context)
{
	output_base_stop(output, stop_here, stopped, context);
}

const struct output_driver output_udp = {
	.type = "udp",
	.doc = "Sends one datagram per message (RFC 5426), unconfirmed: delivered means that the kernel took it.",
	.confirmed = false,
	.options = rows,
	.settings_size = sizeof(struct udp_settings),
	.check = check,
	.open = open_output,
	.start = start,
	.stop = stop,
	.status = output_base_status,
	.close = close_output,
};
