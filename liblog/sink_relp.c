/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events to the relayd of this host over RELP on its Unix socket. An event counts as delivered when the relay has
 * answered 200, which relayd does once it is on the disk; until then it stays in its lane of the ring. When the session
 * ends in any other way than by our `close`, what was not answered is sent again on the next one: at least once. An
 * event that is answered otherwise ends the session, too; how often it is tried is up to the ring.
 *
 * Only the ring's worker runs this.
 */
#include <liblog/sink.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "async.h"
#include "clock.h"
#include "generation.h"
#include "number.h"
#include "relp_answer.h"
#include "stream.h"

#define RELP_SOCKET "/run/relayd/relp"
#define FRAME_PARTS 3
#define HEADER_MAX (2 * SLOG_U64_MAX + 16) /* TXNR SP "syslog" SP DATALEN SP */
#define OPEN_LIMIT_MS 10000                /* for the answer to `open` */
#define INPUT_BYTES (2 * SLOG_RELP_ANSWER_BYTES_MAX)
#define OK 200

/* States only go forward, until the connection is given up. */
enum session { CLOSED, OPENING, OPEN };

struct sink_relp {
	struct slog_sink sink;
	struct slog_stream stream;
	uint32_t generation;   /* of the process that the session belongs to */
	enum session session;
	uint64_t open_until;   /* when the answer to `open` must be there, in milliseconds */
	uint32_t next_txnr;    /* of the next command */
	uint32_t oldest_txnr;  /* of the oldest event that is not settled; next_txnr if there is none */
	uint32_t refused_txnr; /* of an event that was not accepted, if the ring has not been told; else 0 */
	bool is_full;          /* the socket took no more when it was last used */
	bool is_lost;          /* the connection broke, and the ring has not been told */
	bool is_settled[SLOG_ASYNC_WINDOW]; /* by TXNR modulo its size: answered before an older one was */
	size_t input_length;
	char input[INPUT_BYTES];
};

static const char offers[] = "relp_version=0\nrelp_software=liblog,0\ncommands=syslog";

/* ---- the session ------------------------------------------------------------------------------------------------- */

static void give_up(struct sink_relp *to, int error)
{
	slog_stream_disconnect(&to->stream, error);
	to->session = CLOSED;
	to->is_lost = true;
}

/* The relay is there and does not want us: it is asked again after a while. */
static void be_refused(struct sink_relp *to)
{
	give_up(to, ECONNREFUSED);
	to->stream.may_connect_at = slog_clock_monotonic_ms() + SLOG_RECONNECT_MS;
}

/* One frame that fits an empty socket. True if it was sent. */
static bool send_command(struct sink_relp *to, const char *command, const char *data)
{
	char header[HEADER_MAX];
	struct slog_line line = slog_line_in(header, sizeof header);
	int error = 0;
	slog_line_put_u64(&line, to->next_txnr);
	slog_line_put_string(&line, command);
	slog_line_put_u64(&line, strlen(data));
	if (data[0] != '\0')
		slog_line_put_char(&line, ' ');
	struct iovec frame[FRAME_PARTS] = {
		{header, line.length}, {(char *)(size_t)data, strlen(data)}, {(char *)(size_t)"\n", 1},
	};
	to->next_txnr++;
	return slog_stream_send(&to->stream, frame, FRAME_PARTS, 1, SLOG_INFO, &error) == 1;
}

static int start_session(struct sink_relp *to)
{
	int error = slog_stream_ready(&to->stream);
	if (error != 0)
		return error;
	to->next_txnr = to->oldest_txnr = 1;
	memset(to->is_settled, 0, sizeof to->is_settled);
	to->input_length = 0;
	to->is_full = false;
	to->open_until = slog_clock_monotonic_ms() + OPEN_LIMIT_MS;
	if (!send_command(to, " open ", offers))
		return ECONNRESET;
	to->session = OPENING;
	return EAGAIN;
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static void take_response(struct sink_relp *to, const struct slog_relp_answer *answer)
{
	bool is_of_open = to->session == OPENING && answer->txnr == 1;
	bool is_of_event = to->session == OPEN && answer->txnr >= to->oldest_txnr && answer->txnr < to->next_txnr;
	if (is_of_open && answer->code == OK) {
		to->session = OPEN;
		to->oldest_txnr = to->next_txnr;
	} else if (is_of_event && answer->code == OK) {
		to->is_settled[answer->txnr % SLOG_ASYNC_WINDOW] = true;
	} else {
		if (is_of_event && !to->is_settled[answer->txnr % SLOG_ASYNC_WINDOW])
			to->refused_txnr = answer->txnr;
		be_refused(to);
	}
}

static void take_answers(struct sink_relp *to)
{
	size_t used = 0;
	while (to->session != CLOSED) {
		struct slog_relp_answer answer;
		enum slog_relp_outcome outcome = slog_relp_answer_read(to->input + used, to->input_length - used, &answer);
		if (outcome == SLOG_RELP_INCOMPLETE)
			break;
		if (outcome == SLOG_RELP_INVALID) {
			be_refused(to);
		} else if (answer.command == SLOG_RELP_SERVERCLOSE) {
			give_up(to, ECONNRESET);
		} else {
			used += answer.size;
			take_response(to, &answer);
		}
	}
	to->input_length -= used;
	memmove(to->input, to->input + used, to->input_length);
}

/* Reads what has come. */
static void read_answers(struct sink_relp *to)
{
	while (to->session != CLOSED) {
		ssize_t length = recv(to->stream.socket.fd, to->input + to->input_length, sizeof to->input - to->input_length,
		                      MSG_DONTWAIT);
		if (length > 0) {
			to->input_length += (size_t)length;
			take_answers(to);
		} else if (length == 0 || (errno != EAGAIN && errno != EINTR)) {
			give_up(to, ECONNRESET);
		} else if (errno == EAGAIN) {
			return;
		}
	}
}

/* In a child of fork() the session, and what is unacknowledged on it, are the parent's. */
static void leave_to_parent(struct sink_relp *to)
{
	if (to->generation == slog_generation())
		return;
	to->generation = slog_generation();
	to->session = CLOSED;
	to->is_lost = false;
	to->refused_txnr = 0;
	to->next_txnr = to->oldest_txnr = 1;
}

static void see_to_session(struct sink_relp *to)
{
	leave_to_parent(to);
	if (!slog_stream_is_open(&to->stream))
		to->session = CLOSED;
	if (to->session == OPENING && slog_clock_monotonic_ms() >= to->open_until)
		be_refused(to);
}

static struct slog_settling settle_relp(struct slog_sink *sink)
{
	struct sink_relp *to = (struct sink_relp *)sink;
	struct slog_settling settling = {.delivered = 0};
	see_to_session(to);
	read_answers(to);
	/* Also what was answered before the connection broke. */
	while (to->session != OPENING && to->oldest_txnr < to->next_txnr &&
	       to->is_settled[to->oldest_txnr % SLOG_ASYNC_WINDOW]) {
		to->is_settled[to->oldest_txnr++ % SLOG_ASYNC_WINDOW] = false;
		settling.delivered++;
	}
	settling.again = to->is_lost;
	settling.is_refused = to->refused_txnr != 0;
	if (settling.is_refused)
		settling.refused = to->refused_txnr - to->oldest_txnr;
	if (to->is_lost)
		to->oldest_txnr = to->next_txnr;
	to->is_lost = false;
	to->refused_txnr = 0;
	return settling;
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

static void make_frame(struct iovec frame[FRAME_PARTS], char header[HEADER_MAX], uint32_t txnr, const struct iovec *event)
{
	struct slog_line line = slog_line_in(header, HEADER_MAX);
	slog_line_put_u64(&line, txnr);
	slog_line_put_string(&line, " syslog ");
	slog_line_put_u64(&line, event->iov_len);
	slog_line_put_char(&line, ' ');
	frame[0] = (struct iovec){header, line.length};
	frame[1] = *event;
	frame[2] = (struct iovec){(char *)(size_t)"\n", 1};
}

static size_t send_events(struct sink_relp *to, const struct iovec *events, size_t n, int *error)
{
	struct iovec frames[SLOG_CARGO_MAX * FRAME_PARTS];
	char headers[SLOG_CARGO_MAX][HEADER_MAX];
	for (size_t i = 0; i < n; i++)
		make_frame(&frames[FRAME_PARTS * i], headers[i], to->next_txnr + (uint32_t)i, &events[i]);
	size_t sent = slog_stream_send(&to->stream, frames, FRAME_PARTS, n, SLOG_INFO, error);
	to->next_txnr += (uint32_t)sent;
	to->is_full = sent < n && *error == EAGAIN;
	if (sent < n && *error != EAGAIN)
		give_up(to, *error);
	return sent;
}

/* Long before the TXNR must begin again the session is closed, once everything is settled. */
static bool is_used_up(struct sink_relp *to)
{
	if (to->next_txnr < SLOG_RELP_TXNR_MAX - SLOG_ASYNC_WINDOW)
		return false;
	if (to->oldest_txnr == to->next_txnr) {
		send_command(to, " close ", "");
		give_up(to, ECONNRESET);
	}
	return true;
}

static size_t send_relp(struct slog_sink *sink, const struct iovec *events, size_t n, int *error)
{
	struct sink_relp *to = (struct sink_relp *)sink;
	see_to_session(to);
	*error = to->session == CLOSED ? start_session(to) : EAGAIN;
	if (to->session != OPEN || is_used_up(to))
		return 0;
	return send_events(to, events, n, error);
}

static void wait_relp(struct slog_sink *sink, unsigned ms)
{
	struct sink_relp *to = (struct sink_relp *)sink;
	slog_stream_wait(&to->stream, to->is_full ? POLLIN | POLLOUT : POLLIN, ms);
}

static void finish_relp(struct slog_sink *sink)
{
	struct sink_relp *to = (struct sink_relp *)sink;
	if (slog_stream_is_open(&to->stream) && to->session == OPEN)
		send_command(to, " close ", "");
	slog_stream_disconnect(&to->stream, ECONNRESET);
	to->session = CLOSED;
}

static int write_relp(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity)
{
	(void)sink, (void)line, (void)length, (void)severity;
	return ENOTSUP; /* never outside a ring */
}

static void close_relp(struct slog_sink *sink)
{
	struct sink_relp *to = (struct sink_relp *)sink;
	slog_stream_end(&to->stream);
	free(to);
}

static const struct slog_carrier carrier = {
	.send = send_relp, .wait = wait_relp, .settle = settle_relp, .finish = finish_relp,
};

static const struct slog_sink_driver driver = {
	.name = "relp", .write = write_relp, .close = close_relp, .carrier = &carrier,
};

struct slog_sink *slog_sink_relp(const char *path, const struct slog_encoder *encoder,
                                 const struct slog_async_options *options)
{
	struct slog_endpoint endpoint;
	if (!slog_endpoint_unix(&endpoint, path != NULL ? path : RELP_SOCKET)) {
		errno = EINVAL;
		return NULL;
	}
	struct sink_relp *to = calloc(1, sizeof *to);
	if (to == NULL)
		return NULL;
	to->sink.driver = &driver;
	to->sink.encoder = encoder != NULL ? encoder : &slog_encoder_rfc5424;
	to->sink.max_size = SLOG_EVENT_BYTES_DEFAULT;
	slog_stream_start(&to->stream, &endpoint);
	to->stream.resends = true;
	return slog_sink_async(&to->sink, options);
}
