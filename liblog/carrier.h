/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the worker of the asynchronous ring can do with liblog's own sinks beyond write(): several events in one system
 * call, waiting, and events that count as delivered only when the other side has said so. Called by the worker only,
 * never by two threads at a time. A sink without a carrier is given its events by write(), one by one.
 */
#ifndef LIBLOG_CARRIER_H
#define LIBLOG_CARRIER_H

#include <sys/uio.h>

#include <liblog/sink.h>

#define SLOG_CARGO_MAX 128 /* events in one send() */

/* What has become of the events that a sink took and had not settled, oldest first. */
struct slog_settling {
	size_t delivered; /* so many more are delivered */
	bool again;       /* the connection is lost: what is not delivered is to be sent again */
	bool is_refused;  /* with it: one was not accepted, */
	size_t refused;   /* that which is behind so many that are not delivered */
};

struct slog_carrier {
	/*
	 * Takes events, oldest first, without waiting. Returns how many it took; if not all, *error says why not the next
	 * one: EAGAIN if it is only a question of time.
	 */
	size_t (*send)(struct slog_sink *sink, const struct iovec *events, size_t n, int *error);

	/* Optional: waits at most so many milliseconds until send() or settle() may have something to do. */
	void (*wait)(struct slog_sink *sink, unsigned ms);

	/* Optional, and if it is there the sink acknowledges. */
	struct slog_settling (*settle)(struct slog_sink *sink);

	/*
	 * Optional: true if the last event that it took is on its way in part. It goes on with that, without waiting; wait()
	 * waits until it may.
	 */
	bool (*has_rest)(struct slog_sink *sink);

	/*
	 * Optional: the worker ends, and all events are settled. An attempt to end the session in order, without waiting; what
	 * is on its way in part is given up, and counted as dropped.
	 */
	void (*finish)(struct slog_sink *sink);
};

#endif
