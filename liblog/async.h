/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The asynchronous ring: lanes that threads put events into (sink_async.c), and one worker thread that carries them to
 * the sink behind it (async_worker.c).
 *
 * The worker sleeps on `state`. It is started by the first event, and again by the first one in a child of fork(), where
 * the lanes are empty: what was in them is the parent's.
 */
#ifndef LIBLOG_ASYNC_H
#define LIBLOG_ASYNC_H

#include <pthread.h>

#include <liblog/sink.h>

#include "carrier.h"
#include "patience.h"
#include "ring_lane.h"

#define SLOG_ASYNC_LANES_MAX 64
#define SLOG_ASYNC_FLUSH_MS 1000  /* the bound of a flush, and of closing */
#define SLOG_ASYNC_GATHER_MS 1    /* events are collected for so long after few came */
#define SLOG_ASYNC_WINDOW 128     /* events that a sink may have taken and not settled */

enum slog_async_state {
	SLOG_ASYNC_AWAKE,
	SLOG_ASYNC_GATHERING, /* sleeps for SLOG_ASYNC_GATHER_MS, unless a lane fills or an error is logged */
	SLOG_ASYNC_SLEEPING,  /* until there is an event */
	SLOG_ASYNC_NAPPING    /* the sink does not take what there is */
};

enum slog_async_worker { SLOG_ASYNC_NO_WORKER, SLOG_ASYNC_WORKER, SLOG_ASYNC_WORKER_ENDED };

/* An event that the sink has taken and that is not settled, or that was dropped behind such a one. */
struct slog_async_sent {
	unsigned lane;
	bool is_settled;
	uint64_t end;
};

/* An event that the other side did not accept. Nothing behind it is sent until it is settled. */
struct slog_async_refused {
	unsigned times; /* one after another; 0: there is no such event */
	unsigned lane;
	uint64_t end;
};

struct slog_async {
	struct slog_sink sink;
	struct slog_sink *to;
	size_t lane_size;
	unsigned lanes_max;
	unsigned wait_ms;
	struct slog_patience patience;
	struct slog_async *next; /* in the list of all rings */

	_Atomic uint32_t generation; /* of the process that the lanes belong to */
	struct slog_gate gate;       /* starting the worker, making lanes, moving into a child */
	pthread_t thread;
	_Atomic uint32_t worker;     /* enum slog_async_worker; what joins a worker waits for it to change */
	_Atomic uint32_t state;      /* enum slog_async_state */
	_Atomic uint32_t progress;   /* grows whenever room was made in a lane */
	_Atomic uint32_t waiters;    /* threads that wait for progress */
	_Atomic uint64_t stop_at;    /* the worker ends when all is done, or at this time in milliseconds; 0: it does not */
	atomic_bool has_rest;        /* the sink has sent the last event in part; the worker is at it, or has given it up */
	atomic_bool is_late;         /* the last flush used its bound up */
	_Atomic(struct slog_ring_lane *) lanes[SLOG_ASYNC_LANES_MAX];

	/* The worker's own. */
	struct slog_async_sent sent[SLOG_ASYNC_WINDOW]; /* a ring, oldest at sent_first */
	unsigned sent_first;
	unsigned sent_count;
	struct slog_async_refused refused;
	unsigned next_lane; /* whose turn it is */
	size_t last_load;   /* events in it */
	unsigned failures;  /* rounds without progress, one after another */
};

/* The worker's thread. */
void *slog_async_work(void *async);

/* Wakes the worker, whatever it sleeps for. */
void slog_async_wake(struct slog_async *async);

#endif
