/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver `stdout`: a line per message on standard output, for people and pipes. Unconfirmed: delivered means written.
 *
 * Standard output is shared with whoever started us, so it is never made non-blocking. A terminal and a pipe are opened
 * once more instead, so that we have an open file description of our own, which is. Where that may not be, poll() is asked
 * whether a pipe takes PIPE_BUF octets, and no more are written at a time: that does not block if nobody else writes.
 * While it takes nothing it is asked again after a while, since a terminal that says that it is ready may take nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "frame/non_transparent_framing.h"
#include "output/sender.h"
#include "output/timer.h"

enum {
	GATHER_BYTES = 64 * 1024,
	PENDING_RUNS_MAX = 256,
	LF_REPLACEMENT = ' ',
};

#define ASK_MIN_NS ((uint64_t)1 * CLOCK_NS_PER_MS)
#define ASK_MAX_NS ((uint64_t)100 * CLOCK_NS_PER_MS)

struct stdout_settings {
	struct output_common common;
	unsigned format;
};

static const struct option rows[] = {
	OUTPUT_COMMON_ROWS,
	ENCODER_FORMAT_ROW(struct stdout_settings, format, "json"),
	{.name = NULL},
};

enum way {
	BY_FILE,   /* never blocks for long, and takes writes of any size */
	BY_SOCKET, /* told at each write not to block */
	BY_OWN,    /* through `own`, which does not block */
	BY_ASKING
};

struct stdout_output {
	struct output base;
	const struct stdout_settings *settings;
	struct sender *sender;
	struct buffer lines;
	uint64_t gathered;     /* sequence of the last message in `lines` */
	enum way way;
	int own;               /* standard output opened by ourselves; -1: it is not */
	bool ended;            /* nobody reads any more */
	struct timer *ask;
	uint64_t ask_ns;
};

static bool check(const void *settings, char *error)
{
	const struct stdout_settings *out = settings;
	return output_common_check(&out->common, error) && encoder_check(out->format, &out->common, error);
}

static enum way find_way(mode_t mode, int *own)
{
	if (S_ISREG(mode))
		return BY_FILE;
	if (S_ISSOCK(mode))
		return BY_SOCKET;
	if (S_ISFIFO(mode) || isatty(STDOUT_FILENO))
		*own = open("/proc/self/fd/1", O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return *own >= 0 ? BY_OWN : BY_ASKING;
}

static struct output *open_output(const struct output_setup *setup, char *error)
{
	struct stdout_output *out = calloc(1, sizeof *out);
	struct stat about;
	if (out == NULL || fstat(STDOUT_FILENO, &about) != 0) {
		snprintf(error, OUTPUT_ERROR_MAX_BYTES, "standard output cannot be used: %s", strerror(errno));
		free(out);
		return NULL;
	}
	output_base_init(&out->base, &output_stdout, setup);
	out->settings = setup->settings;
	out->own = -1;
	out->way = find_way(about.st_mode, &out->own);
	buffer_init(&out->lines, GATHER_BYTES + 2 * ENCODER_MESSAGE_MAX_BYTES);
	return &out->base;
}

static void close_output(struct output **closing)
{
	struct stdout_output *out = (struct stdout_output *)*closing;
	if (out == NULL)
		return;
	*closing = NULL;
	assert(out->sender == NULL);
	buffer_free(&out->lines);
	if (out->own >= 0)
		close(out->own);
	output_base_free(&out->base);
	free(out);
}

/* As write(2), with EAGAIN if it takes nothing now. */
static ssize_t write_some(const struct stdout_output *out, struct bytes lines)
{
	struct pollfd watched = {.fd = STDOUT_FILENO, .events = POLLOUT};
	if (out->way == BY_SOCKET)
		return send(STDOUT_FILENO, lines.at, lines.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (out->way == BY_OWN)
		return write(out->own, lines.at, lines.len);
	if (out->way == BY_FILE)
		return write(STDOUT_FILENO, lines.at, lines.len);
	if (poll(&watched, 1, 0) == 1)
		return write(STDOUT_FILENO, lines.at, bytes_first(lines, PIPE_BUF).len);
	errno = EAGAIN;
	return -1;
}

static void give_up(struct stdout_output *out, int error)
{
	out->ended = true;
	sender_stop(out->sender);
	output_state(&out->base, "ended");
	output_trouble(&out->base, "output_ended", "standard output: %s; nothing more is written to it",
	               error == EPIPE ? "nobody reads it any more" : strerror(error));
}

static void ask_later(struct stdout_output *out)
{
	out->ask_ns = out->ask_ns == 0 ? ASK_MIN_NS : out->ask_ns * 2;
	if (out->ask_ns > ASK_MAX_NS)
		out->ask_ns = ASK_MAX_NS;
	timer_set(out->ask, out->ask_ns);
}

static void flush(void *context)
{
	struct stdout_output *out = context;
	while (!out->ended && buffer_len(&out->lines) > 0) {
		ssize_t put = write_some(out, buffer_peek(&out->lines));
		if (put > 0) {
			buffer_consume(&out->lines, (size_t)put);
			out->ask_ns = 0;
		} else if (put < 0 && errno == EAGAIN) {
			ask_later(out);
			return;
		} else if (put == 0 || errno != EINTR) {
			give_up(out, put == 0 ? EIO : errno);
			return;
		}
	}
	if (!out->ended && out->gathered > 0)
		sender_settle_through(out->sender, out->gathered);
}

static bool send_message(void *context, uint64_t sequence, struct bytes message)
{
	struct stdout_output *out = context;
	if (buffer_len(&out->lines) >= GATHER_BYTES)
		flush(out);
	if (out->ended || buffer_len(&out->lines) >= GATHER_BYTES)
		return false;
	uint64_t replaced = 0;
	uint8_t *room = buffer_reserve(&out->lines, message.len + 1);
	if (room == NULL) {
		sender_retry(out->sender);
		return false;
	}
	buffer_commit(&out->lines, non_transparent_write(message, LF_REPLACEMENT, room, &replaced));
	atomic_fetch_add_explicit(&out->base.replaced_octets, replaced, memory_order_relaxed);
	out->gathered = sequence;
	return true;
}

static void on_ask(void *context)
{
	struct stdout_output *out = context;
	sender_resume(out->sender);
}

static void close_all(struct stdout_output *out)
{
	timer_close(&out->ask);
	sender_close(&out->sender);
}

static void start_here(void *context)
{
	struct stdout_output *out = context;
	const struct sender_transport transport = {.send = send_message, .flush = flush, .settle = flush, .context = out};
	out->sender = sender_open(&out->base, ACCOUNT_THROUGH, PENDING_RUNS_MAX, out->settings->format, &transport);
	out->ask = timer_open(out->base.setup.worker, on_ask, out);
	if (out->sender == NULL || out->ask == NULL) {
		close_all(out);
		output_state(&out->base, "failed");
		return;
	}
	output_peer(&out->base, "standard output");
	output_state(&out->base, "writing");
	sender_resume(out->sender);
}

static void start(struct output *output)
{
	output_base_start(output, start_here);
}

static void stop_here(void *context)
{
	struct stdout_output *out = context;
	if (out->sender != NULL) {
		sender_stop(out->sender);
		flush(out);
		sender_publish(out->sender);
		close_all(out);
	}
	output_stopped(&out->base);
}

static void stop(struct output *output, void (*stopped)(void *context), void *context)
{
	output_base_stop(output, stop_here, stopped, context);
}

const struct output_driver output_stdout = {
	.type = "stdout",
	.doc = "Writes a line per message to standard output; delivered means written.",
	.confirmed = false,
	.options = rows,
	.settings_size = sizeof(struct stdout_settings),
	.check = check,
	.open = open_output,
	.start = start,
	.stop = stop,
	.status = output_base_status,
	.close = close_output,
};
