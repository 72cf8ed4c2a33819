/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The drivers `tcp` and `tls`: syslog over a byte stream (RFC 6587, RFC 5425), which nobody acknowledges. Both are labelled
 * unconfirmed: delivered means that the server's kernel has taken the message (drain.h), not that anybody stored it. After
 * a connection is lost, all that had not left this machine is sent again; what the server's kernel held at that moment may
 * be lost, and some messages may arrive twice.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "frame/non_transparent_framing.h"
#include "frame/octet_counting.h"
#include "output/drain.h"
#include "output/link.h"
#include "output/sender.h"

enum {
	TCP_DEFAULT_PORT = 514,
	TLS_DEFAULT_PORT = 6514,
	GATHER_BYTES = 256 * 1024,  /* written out together */
	PENDING_RUNS_MAX = 4096,
	LF_REPLACEMENT = ' ',
};

#define STOP_TIMEOUT_NS ((uint64_t)2 * CLOCK_NS_PER_SECOND)
#define LOOK_MIN_NS ((uint64_t)5 * CLOCK_NS_PER_MS)   /* at the kernel's queue, while something is in it */
#define LOOK_MAX_NS ((uint64_t)200 * CLOCK_NS_PER_MS)
/*
 * Under TLS 1.3 a client that the server refuses sees a finished handshake first, and its octets are taken by the kernel.
 * So nothing counts as delivered before the connection has stood for so long.
 */
#define TLS_PROBATION_NS ((uint64_t)1 * CLOCK_NS_PER_SECOND)

enum framing {
	FRAMING_OCTET_COUNTING = 0,
	FRAMING_NON_TRANSPARENT = 1,
};
static const char *const framing_names[] = {"octet-counting", "non-transparent", NULL};

struct stream_settings {
	struct output_common common;
	struct option_list servers;
	uint64_t failback_interval_ns;
	unsigned framing;
	unsigned format;
	struct output_tls_options tls;
};

#define STREAM_ROWS                                                                                                    \
	OUTPUT_COMMON_ROWS,                                                                                            \
	{.name = "failback_interval", .kind = OPTION_DURATION,                                                         \
	 .offset = offsetof(struct stream_settings, failback_interval_ns), .preset = "60s",                            \
	 .doc = "How often the first server is probed while another one is used; after two good probes it is " \
	         "used again; 0: never."}, \
	{.name = "framing", .kind = OPTION_CHOICE, .offset = offsetof(struct stream_settings, framing),                \
	 .preset = "octet-counting", .choices = framing_names,                                                         \
	 .doc = "octet-counting carries every message; non-transparent ends each with LF and replaces any LF " \
	         "inside by a space."}, \
	ENCODER_FORMAT_ROW(struct stream_settings, format, "rfc5424")

static const struct option tcp_rows[] = {
	STREAM_ROWS,
	{.name = "servers", .kind = OPTION_LIST, .offset = offsetof(struct stream_settings, servers), .required = true,
	 .doc = "Where to send: \"host:port\" (port 514 if it is left out), or \"unix:/path\"; the first one is "
	         "preferred."},
	{.name = NULL},
};

static const struct option tls_rows[] = {
	STREAM_ROWS,
	{.name = "servers", .kind = OPTION_LIST, .offset = offsetof(struct stream_settings, servers), .required = true,
	 .doc = "Where to send: \"host:port\" (port 6514 if it is left out); the first one is preferred."},
	{.name = "tls", .kind = OPTION_SECTION, .offset = offsetof(struct stream_settings, tls), .section = output_tls_rows,
	 .required = true, .doc = "Certificates, and who the server may be."},
	{.name = NULL},
};

struct syslog_output {
	struct output base;
	const struct stream_settings *settings;
	struct link_server servers[LINK_SERVERS_MAX];
	unsigned servers_count;
	struct tls_context *tls;
	struct sender *sender;
	struct link *link;
	struct drain drain;         /* of the connection that stands */
	uint64_t ready_ns;
	bool was_full;              /* a message found no room in the output buffer */
	bool going_home;            /* nothing new: when all has left, to the preferred server */
	struct timer *look;         /* at the kernel's queue again */
	uint64_t look_ns;
	struct timer *stop_timer;
};

static uint16_t default_port(const struct output_driver *driver)
{
	return driver == &output_tls ? TLS_DEFAULT_PORT : TCP_DEFAULT_PORT;
}

static bool check_stream(const struct output_driver *driver, const void *settings, char *error)
{
	const struct stream_settings *stream = settings;
	struct link_server servers[LINK_SERVERS_MAX];
	return output_common_check(&stream->common, error) && encoder_check(stream->format, &stream->common, error) &&
	       link_servers_read(&stream->servers, default_port(driver), servers, error) > 0;
}

static bool check_tcp(const void *settings, char *error)
{
	return check_stream(&output_tcp, settings, error);
}

static bool check_tls(const void *settings, char *error)
{
	return check_stream(&output_tls, settings, error);
}

static void close_output(struct output **closing);

static struct output *open_stream(const struct output_driver *driver, const struct output_setup *setup, char *error)
{
	struct syslog_output *stream = calloc(1, sizeof *stream);
	if (stream == NULL) {
		snprintf(error, OUTPUT_ERROR_MAX_BYTES, "there is no memory for the output");
		return NULL;
	}
	output_base_init(&stream->base, driver, setup);
	stream->settings = setup->settings;
	stream->servers_count =
		link_servers_read(&stream->settings->servers, default_port(driver), stream->servers, error);
	if (stream->servers_count > 0 && driver == &output_tls)
		stream->tls = output_tls_open(&stream->settings->tls, error);
	struct output *output = &stream->base;
	if (stream->servers_count == 0 || (driver == &output_tls && stream->tls == NULL))
		close_output(&output);
	return output;
}

static struct output *open_tcp(const struct output_setup *setup, char *error)
{
	return open_stream(&output_tcp, setup, error);
}

static struct output *open_tls(const struct output_setup *setup, char *error)
{
	return open_stream(&output_tls, setup, error);
}

/* --- sending ----------------------------------------------------------------------------------------------------- */

/* Appends one frame; its length, or 0 if there is no memory. */
static size_t append_frame(struct syslog_output *stream, struct bytes message, struct buffer *out)
{
	uint8_t *room = buffer_reserve(out, message.len + OCTET_COUNTING_HEADER_MAX + 1);
	if (room == NULL)
		return 0;
	size_t len;
	if (stream->settings->framing == FRAMING_OCTET_COUNTING) {
		len = octet_counting_header_write(message.len, room);
		memcpy(room + len, message.at, message.len);
		len += message.len;
	} else {
		uint64_t replaced = 0;
		len = non_transparent_write(message, LF_REPLACEMENT, room, &replaced);
		if (replaced > 0)
			atomic_fetch_add_explicit(&stream->base.replaced_octets, replaced, memory_order_relaxed);
	}
	buffer_commit(out, len);
	return len;
}

static unsigned send_run(void *context, uint64_t first, const struct bytes *messages, unsigned count)
{
	struct syslog_output *stream = context;
	if (link_state(stream->link) != LINK_ESTABLISHED || stream->going_home)
		return 0;
	struct stream *transport = link_stream(stream->link);
	struct buffer *out = stream_output(transport);
	unsigned taken = 0;
	for (; taken < count && buffer_len(out) < GATHER_BYTES; taken++) {
		if (buffer_len(out) == 0)
			(void)buffer_reserve(out, GATHER_BYTES + 1); /* with the frame that passes it, once instead of by doubling */
		size_t len = append_frame(stream, messages[taken], out);
		if (len == 0) {
			sender_retry(stream->sender);
			break;
		}
		drain_note(&stream->drain, first + taken, len);
		if (buffer_len(out) >= GATHER_BYTES)
			stream_flush(transport);
	}
	stream->was_full = taken < count && buffer_len(out) >= GATHER_BYTES;
	return taken;
}

/* Moves `delivered` to what has left this machine. True if it moved. */
static bool settle(struct syslog_output *stream)
{
	struct stream *transport = link_stream(stream->link);
	bool closing = stream->base.stopping;
	uint64_t now = worker_now_ns(stream->base.setup.worker);
	uint64_t queued, sequence;
	if (transport == NULL || (stream->tls != NULL && now - stream->ready_ns < TLS_PROBATION_NS))
		return false;
	if (drain_queued(stream_fd(transport), closing, &queued) != DRAIN_SOCKET_GOOD)
		return false;
	/* Under TLS the queue counts ciphertext, which is longer: the error is on the safe side. */
	if (!drain_advance(&stream->drain, queued + buffer_len(stream_output(transport)), &sequence))
		return false;
	sender_settle_through(stream->sender, sequence);
	return true;
}

/* Everything has left: is there something that waited for it? */
static void after_drain(struct syslog_output *stream)
{
	if (stream->base.stopping && stream->tls == NULL) {
		timer_set(stream->stop_timer, 0);
	} else if (stream->going_home) {
		stream->going_home = false;
		stream_shutdown(link_stream(stream->link));
		link_reconnect(stream->link);
	}
}

/* Looks at the kernel's queue, soon again while something is in it, less often while nothing moves. */
static void look(void *context)
{
	struct syslog_output *stream = context;
	bool moved = settle(stream);
	if (moved)
		sender_resume(stream->sender);
	if (drain_is_dry(&stream->drain)) {
		timer_unset(stream->look);
		after_drain(stream);
		return;
	}
	if (link_stream(stream->link) == NULL)
		return;
	stream->look_ns = moved || stream->look_ns == 0 ? LOOK_MIN_NS : stream->look_ns * 2;
	if (stream->look_ns > LOOK_MAX_NS)
		stream->look_ns = LOOK_MAX_NS;
	timer_set(stream->look, stream->look_ns);
}

static void flush(void *context)
{
	struct syslog_output *stream = context;
	if (link_state(stream->link) != LINK_ESTABLISHED)
		return;
	drain_mark(&stream->drain);
	stream_flush(link_stream(stream->link));
	/* No event tells of a buffer that is empty at once. Asked once: there may be nothing that it could be told to. */
	if (stream->was_full && buffer_len(stream_output(link_stream(stream->link))) == 0) {
		stream->was_full = false;
		sender_resume_later(stream->sender);
	}
	if (!drain_is_dry(&stream->drain) && !timer_is_set(stream->look)) {
		stream->look_ns = LOOK_MIN_NS;
		timer_set(stream->look, stream->look_ns);
	}
}

/* --- what the link says ------------------------------------------------------------------------------------------ */

static void on_ready(void *context)
{
	struct syslog_output *stream = context;
	stream->drain = (struct drain){0};
	stream->going_home = false;
	stream->ready_ns = worker_now_ns(stream->base.setup.worker);
	link_established(stream->link);
	sender_resume(stream->sender);
}

/* Servers say nothing in this protocol; what they send is dropped. */
static size_t on_bytes(void *context, struct bytes bytes)
{
	(void)context;
	return bytes.len;
}

static void on_writable(void *context)
{
	struct syslog_output *stream = context;
	sender_resume(stream->sender);
}

static void on_down(void *context, bool in_order, struct bytes rest)
{
	struct syslog_output *stream = context;
	(void)rest;
	timer_unset(stream->look);
	/* After our own close the peer's, in order, says that it has read all (over TLS: its TLS layer has). */
	bool has_all = stream->base.stopping && in_order && buffer_len(stream_output(link_stream(stream->link))) == 0;
	if (has_all && stream->drain.octets > 0)
		sender_settle_through(stream->sender, stream->drain.sequence);
	sender_publish(stream->sender);
	if (stream->base.stopping)
		timer_set(stream->stop_timer, 0);
	else
		sender_rewind(stream->sender);
	stream->drain = (struct drain){0};
}

static void on_go_home(void *context)
{
	struct syslog_output *stream = context;
	stream->going_home = true;
	look(stream);
}

static void on_changed(void *context)
{
	struct syslog_output *stream = context;
	link_show(&stream->base, &stream->link, 1);
}

/* --- starting and stopping --------------------------------------------------------------------------------------- */

static void close_all(struct syslog_output *stream)
{
	link_close(&stream->link);
	timer_close(&stream->look);
	timer_close(&stream->stop_timer);
	sender_close(&stream->sender);
}

static void end(void *context)
{
	struct syslog_output *stream = context;
	settle(stream);
	sender_publish(stream->sender);
	close_all(stream);
	output_stopped(&stream->base);
}

static void start_here(void *context)
{
	struct syslog_output *stream = context;
	const struct sender_transport transport = {.send_run = send_run, .flush = flush, .context = stream};
	const struct link_settings link = {
		.output = &stream->base,
		.servers = stream->servers,
		.count = stream->servers_count,
		.tls = &stream->tls,
		.failback_interval_ns = stream->settings->failback_interval_ns,
		.events = {.ready = on_ready,
		           .bytes = on_bytes,
		           .writable = on_writable,
		           .down = on_down,
		           .go_home = on_go_home,
		           .changed = on_changed},
		.context = stream,
	};
	struct worker *worker = stream->base.setup.worker;
	stream->sender = sender_open(&stream->base, ACCOUNT_THROUGH, PENDING_RUNS_MAX, stream->settings->format, &transport);
	stream->link = link_open(&link);
	stream->look = timer_open(worker, look, stream);
	stream->stop_timer = timer_open(worker, end, stream);
	if (stream->sender != NULL && stream->link != NULL && stream->look != NULL && stream->stop_timer != NULL) {
		link_start(stream->link);
		return;
	}
	close_all(stream);
	output_state(&stream->base, "failed");
	output_trouble(&stream->base, "output_failed", "there is no memory for the output");
}

static void start(struct output *output)
{
	output_base_start(output, start_here);
}

static void stop_here(void *context)
{
	struct syslog_output *stream = context;
	stream->base.stopping = true;
	if (stream->sender == NULL) {
		output_stopped(&stream->base);
		return;
	}
	sender_stop(stream->sender);
	bool connected = link_state(stream->link) == LINK_ESTABLISHED;
	link_stop(stream->link);
	output_state(&stream->base, "stopping");
	timer_set(stream->stop_timer, connected ? STOP_TIMEOUT_NS : 0);
	if (!connected)
		return;
	drain_mark(&stream->drain);
	stream_shutdown(link_stream(stream->link));
	look(stream);
}

static void stop(struct output *output, void (*stopped)(void *context), void *context)
{
	output_base_stop(output, stop_here, stopped, context);
}

static void cut_here(void *context)
{
	struct syslog_output *stream = context;
	if (stream->link != NULL)
		link_cut(stream->link, stream->base.cut_ns);
}

static bool cut(struct output *output, uint64_t for_ns)
{
	return output_base_cut(output, cut_here, for_ns);
}

static bool reload_tls(struct output *output, char *error)
{
	struct syslog_output *stream = (struct syslog_output *)output;
	return output_tls_reload(output, &stream->settings->tls, &stream->tls, error);
}

static void close_output(struct output **closing)
{
	struct syslog_output *stream = (struct syslog_output *)*closing;
	if (stream == NULL)
		return;
	*closing = NULL;
	assert(stream->sender == NULL);
	tls_context_release(&stream->tls);
	output_base_free(&stream->base);
	free(stream);
}

const struct output_driver output_tcp = {
	.type = "tcp",
	.doc = "Sends syslog over plain TCP (RFC 6587), unconfirmed: delivered means that the server's kernel "
	        "has taken the message.",
	.confirmed = false,
	.options = tcp_rows,
	.settings_size = sizeof(struct stream_settings),
	.check = check_tcp,
	.open = open_tcp,
	.start = start,
	.cut = cut,
	.stop = stop,
	.status = output_base_status,
	.close = close_output,
};

const struct output_driver output_tls = {
	.type = "tls",
	.doc = "Sends syslog over TLS (RFC 5425), unconfirmed: delivered means that the server's kernel has "
	        "taken the message.",
	.confirmed = false,
	.options = tls_rows,
	.settings_size = sizeof(struct stream_settings),
	.check = check_tls,
	.open = open_tls,
	.start = start,
	.reload = reload_tls,
	.cut = cut,
	.stop = stop,
	.status = output_base_status,
	.close = close_output,
};
