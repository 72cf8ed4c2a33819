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

struct slog_carrier {
	/*
	 * Takes events, oldest first, without waiting. Returns how many it took; if not all, *error says why not the next
	 * one: EAGAIN if it is only a question of time.
	 */
	size_t (*send)(struct slog_sink *sink, const struct iovec *events, size_t n, int *error);

	/* Optional: waits at most so many milliseconds until send() or settle() may have something to do. */
	void (*wait)(struct slog_sink *sink, unsigned ms);

	/*
	 * Optional, and if it is there the sink acknowledges: how many more of the events it took, oldest first, are
	 * delivered. *again is set if it has lost its connection: then what it took and has not settled is to be sent again.
	 */
	size_t (*settle)(struct slog_sink *sink, bool *again);

	/*
	 * Optional: true if the last event that it took is on its way in part. It goes on with that, without waiting; wait()
	 * waits until it may.
	 */
	bool (*has_rest)(struct slog_sink *sink);

	/* Optional: an attempt to end the session in order, without waiting. All events are settled. */
	void (*finish)(struct slog_sink *sink);
};

#endif
