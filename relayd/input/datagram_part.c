/* SPDX-License-Identifier: Apache-2.0 */
/* One socket of a datagram input, on its worker's thread: receiving, the kernel's drop counter, stopping. */
#include "input/datagram_part.h"

#include <liblog/slog.h>
#include <linux/filter.h>
#include <sys/socket.h>
#include <unistd.h>

#include "intake/counter.h"
#include "net/socket.h"

static bool is_local(const struct datagram_part *part)
{
	return part->owner->spec.endpoint.is_local;
}

/* --- receiving --------------------------------------------------------------------------------------------------- */

static void fill_peer(const struct datagram_part *part, const struct datagram *datagram, struct peer *peer)
{
	*peer = (struct peer){
		.transport = (uint8_t)part->owner->spec.transport,
		.has_credentials = datagram->has_credentials,
		.pid = datagram->pid,
		.uid = datagram->uid,
		.gid = datagram->gid,
	};
	if (datagram->from.len > 0)
		address_octets(&datagram->from, peer->address, &peer->port);
}

static void log_event(struct datagram_part *part, enum peer_event event, const struct datagram *datagram,
                      struct bytes bytes, const char *message)
{
	char text[ADDRESS_TEXT_MAX_BYTES];
	const char *peer = is_local(part) ? part->owner->input.listen : address_text(&datagram->from, text);
	peer_log_event(&part->log, event, worker_now_ns(part->on->worker), peer, message, bytes);
}

static void drop(struct datagram_part *part, const struct peer *peer, enum spool_drop_reason reason)
{
	intake_count_drop(part->on->intake, &part->source, peer, reason, 1);
}

/* Takes one message of the datagram, or of the aggregate. */
static void take_message(struct datagram_part *part, const struct datagram *datagram, const struct peer *peer,
                         struct bytes bytes, bool truncated)
{
	if (bytes.len == 0) {
		drop(part, peer, SPOOL_DROP_EMPTY);
		return;
	}
	if (truncated || bytes.len > part->source.max_message_bytes)
		log_event(part, PEER_TRUNCATED, datagram, bytes, "a message was cut: it is longer than max_message_size; raise it "
		                                                 "or lower the sender's");
	int64_t received_ns = datagram->received_ns != 0 ? datagram->received_ns : worker_wall_ns(part->on->worker);
	uint64_t receipt; /* nobody is told */
	intake_take(part->on->intake, &part->source, peer, bytes, truncated ? MESSAGE_TRUNCATED : 0, received_ns, &receipt);
}

/* Returns how many messages it was. The kernel cuts only the end: the last datagram of an aggregate that lacks some. */
static unsigned take(struct datagram_part *part, const struct datagram *datagram)
{
	struct peer peer;
	unsigned messages = 0;
	struct bytes rest = datagram->bytes;
	bool is_allowed = allowed_peers_contain(&part->owner->input.allowed_peers, &datagram->from);
	fill_peer(part, datagram, &peer);
	do {
		struct bytes bytes = datagram_next(datagram, &rest);
		if (is_allowed) {
			take_message(part, datagram, &peer, bytes, datagram->truncated && rest.len == 0);
		} else {
			drop(part, &peer, SPOOL_DROP_PEER_NOT_ALLOWED);
			log_event(part, PEER_NOT_ALLOWED, datagram, bytes, "a datagram was dropped: the peer is not in allowed_peers");
		}
		messages++;
	} while (rest.len > 0);
	return messages;
}

/*
 * Receives one batch and returns how many datagrams or aggregates there were, or -1: errors of the socket are transient,
 * poll asks again. Adds to `messages` how many messages that was.
 */
static int receive_batch(struct datagram_part *part, unsigned *messages)
{
	const struct datagram *datagrams;
	int count = datagram_receive(part->batch, part->fd, &datagrams);
	for (int i = 0; i < count; i++)
		*messages += take(part, &datagrams[i]);
	if (count > 0)
		part->has_received = true;
	return count;
}

/* --- the kernel's drop counter ----------------------------------------------------------------------------------- */

/* Where an aggregate was one to the kernel, its number has a reason of its own: it is no number of datagrams. */
static void count_kernel_drops(struct datagram_part *part)
{
	uint32_t drops = socket_drops(part->fd);
	uint32_t more = drops - part->drops_seen; /* right across the counter's wrap */
	bool aggregates = part->owner->spec.receive_aggregates;
	part->drops_seen = drops;
	if (more == 0)
		return;
	intake_count_drop(part->on->intake, &part->source, NULL, aggregates ? SPOOL_DROP_KERNEL_AGGREGATES : SPOOL_DROP_KERNEL,
	                  more);
	counter_add(&part->kernel_drops, more);
	slog_warning("kernel_drops", "input", part->owner->input.setup.name, "dropped", more, "message",
	             aggregates ? "the kernel dropped aggregates of 1 to 128 datagrams: the socket's receive buffer was full; "
	                          "raise receive_buffer (and net.core.rmem_max) or add workers"
	                        : "the kernel dropped datagrams: the socket's receive buffer was full; raise receive_buffer "
	                          "(and net.core.rmem_max) or add workers");
}

static void on_tick(uv_timer_t *timer)
{
	struct datagram_part *part = timer->data;
	count_kernel_drops(part);
	if (!part->has_received)
		uv_timer_stop(timer);
	part->has_received = false;
}

static void on_readable(uv_poll_t *poll, int status, int events);
static void on_rested(uv_timer_t *timer);

/* Waits until the kernel says that something has come. */
static void watch(struct datagram_part *part)
{
	if (!uv_is_active((uv_handle_t *)&part->poll))
		uv_poll_start(&part->poll, UV_READABLE, on_readable);
}

/*
 * Looks again a moment later, and does not ask to be told: datagrams that come one by one would each cost a wake-up, which
 * costs several times what the datagram does; and what was taken at one look goes through the spool as one group, with one
 * sync and one wake-up of its writer and of each output. Nothing waits for it but the message itself.
 */
static void rest(struct datagram_part *part)
{
	if (uv_is_active((uv_handle_t *)&part->poll))
		uv_poll_stop(&part->poll);
	uv_timer_start(&part->rest, on_rested, part->rest_ms, 0);
}

static void receive(struct datagram_part *part)
{
	int count = part->batch_most;
	unsigned messages = 0;
	while (messages < DATAGRAM_MESSAGES_PER_TURN && count == part->batch_most)
		count = receive_batch(part, &messages); /* a batch that is not full was the last */
	if (part->rest_ms > 0 && count < part->batch_most && messages > 0)
		rest(part);
	else
		watch(part);
	if (count == part->batch_most)
		worker_stay(part->on->worker);
	if (!is_local(part) && !uv_is_active((uv_handle_t *)&part->timer))
		uv_timer_start(&part->timer, on_tick, DATAGRAM_DROPS_INTERVAL_MS, DATAGRAM_DROPS_INTERVAL_MS);
}

static void on_rested(uv_timer_t *timer)
{
	receive(timer->data);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct datagram_part *part = poll->data;
	(void)events;
	if (status < 0)
		/* The socket had an error, and libuv has stopped the handle. Taken off, it says nothing of what comes. */
		(void)socket_error(part->fd);
	receive(part);
}

/* --- life -------------------------------------------------------------------------------------------------------- */

void datagram_part_start(struct datagram_part *part)
{
	const struct input *input = &part->owner->input;
	uv_loop_t *loop = worker_loop(part->on->worker);
	peer_log_init(&part->log, input->setup.name);
	input_init_source(input, &part->source, SPOOL_BLOCK_SHEDS, part->owner->spec.is_local_dialect);
	intake_add_source(part->on->intake, &part->source);
	int failed = uv_poll_init(loop, &part->poll, part->fd);
	assert(failed == 0); /* it is a socket of ours, and epoll takes it */
	uv_timer_init(loop, &part->timer);
	uv_timer_init(loop, &part->rest);
	part->handles = 3;
	part->poll.data = part->timer.data = part->rest.data = part;
	uv_poll_start(&part->poll, UV_READABLE, on_readable);
	if (part->rest_ms == 0)
		worker_begin_watch(part->on->worker);
}

/*
 * Nothing more shall come in while we read the rest. UDP: a filter that lets nothing pass, whose drops the kernel counts.
 * Unix: the senders get EPIPE, and syslog(3) then tries to connect again; a filter would let them believe that it arrived.
 */
static void stop_inflow(struct datagram_part *part)
{
	static struct sock_filter drop_all[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	struct sock_fprog program = {.len = 1, .filter = drop_all};
	if (is_local(part))
		shutdown(part->fd, SHUT_RD);
	else
		(void)setsockopt(part->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static void on_closed(uv_handle_t *handle)
{
	struct datagram_part *part = handle->data;
	if (--part->handles == 0)
		input_part_stopped(&part->owner->input);
}

void datagram_part_stop(struct datagram_part *part)
{
	stop_inflow(part);
	/* Bounded even where the filter was refused: no more than the receive buffer held when it was full. */
	uint64_t batches = part->owner->spec.receive_buffer_bytes / (unsigned)part->batch_most + 1;
	unsigned messages = 0; /* nobody asks */
	while (batches-- > 0 && receive_batch(part, &messages) > 0)
		continue;
	if (!is_local(part))
		count_kernel_drops(part);
	intake_remove_source(part->on->intake, &part->source);
	if (part->rest_ms == 0)
		worker_end_watch(part->on->worker);
	uv_close((uv_handle_t *)&part->poll, on_closed);
	uv_close((uv_handle_t *)&part->timer, on_closed);
	uv_close((uv_handle_t *)&part->rest, on_closed);
	close(part->fd);
	part->fd = -1;
}
