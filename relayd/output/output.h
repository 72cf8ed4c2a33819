/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an output is: a driver as for inputs, listed in outputs.c. Each output runs on one worker thread, reads the spool
 * through a reader of its own, and moves its own cursor when the next hop has said that it has the message (or, on a
 * transport that cannot say so, when the transport took it: such outputs are labelled unconfirmed).
 */
#ifndef RELAYD_OUTPUT_OUTPUT_H
#define RELAYD_OUTPUT_OUTPUT_H

#include "base/option.h"
#include "net/worker.h"
#include "spool/spool.h"

enum { OUTPUT_ERROR_MAX_BYTES = 1536 };

struct output;

/* "filter": all that are given must match; lists match if one of theirs does. */
struct output_filter_options {
	bool present;
	struct option_list facility;  /* keywords or numbers */
	char *severity;               /* "info": that severity and worse */
	struct option_list hostname;  /* with * and ? */
	struct option_list app_name;  /* with * and ? */
	struct option_list input;     /* names of inputs, with * and ? */
};

/* Options that every output has; the first member of each driver's settings. Rows: in output_common.h. */
struct output_common {
	char *name;                   /* required: the cursor's name */
	unsigned from;                /* enum spool_from */
	unsigned when_behind;         /* enum spool_when_behind */
	uint64_t max_lag_size;
	uint64_t max_lag_time_ns;
	bool stamp;                   /* add the SD-ELEMENT with peer, transport and receive time */
	struct output_filter_options filter;
};

/*
 * Reads a filter, JSON as in the configuration, into options that are all zero but for `present`; to be freed with
 * option_free(output_filter_rows). False with a sentence in `error` (OUTPUT_ERROR_MAX_BYTES), and the options are to be
 * freed all the same. From any thread.
 */
typedef bool (*output_read_filter_fn)(const char *json, struct output_filter_options *options, char *error);

struct output_setup {
	const void *settings;         /* as the driver's rows describe; lives as long as the output */
	struct worker *worker;
	struct spool *spool;
	struct spool_cursor *cursor;
	output_read_filter_fn read_filter; /* for rules of `relayctl spool drop`; NULL: there are none */
};

struct output_status {
	char state[64];                /* "connected", "connecting", "waiting 3.2 s", "stopped"; why stands in `detail` */
	char detail[512];             /* last error or refusal, "" if none */
	char peer[160];               /* who it talks to now */
	int64_t since_ns;             /* wall time of the last change of state */
	bool confirmed;               /* delivered means acknowledged */
	uint64_t sent;                /* watermark: highest sequence given to the transport */
	uint64_t delivered;           /* watermark */
	uint64_t resent;              /* messages sent again since the start */
	uint64_t connects;            /* sessions opened since the start */
	uint64_t replaced_octets;     /* LF replaced because the framing cannot carry it */
	struct spool_output_totals totals;
	uint64_t truncated;           /* messages cut to what the transport carries */
	uint64_t refused;             /* times that the next hop refused a message */
};

struct output_driver {
	const char *type;
	const char *doc;
	bool confirmed;
	const struct option *options;
	size_t settings_size;
	bool (*check)(const void *settings, char *error);
	/* Reads certificates and opens files, with privileges; nothing is sent yet. NULL and a sentence in `error`. */
	struct output *(*open)(const struct output_setup *setup, char *error);
	void (*start)(struct output *output);
	/*
	 * Certificates are read again, files reopened (SIGHUP). On failure the old ones stay and `error` says why.
	 * Optional.
	 */
	bool (*reload)(struct output *output, char *error);
	/*
	 * For a drill: breaks the connections as the network might, and makes no new one before `for_ns` is over; then it does,
	 * by itself. 0: at once. False if the output does not run. Optional: an output without connections has none.
	 */
	bool (*cut)(struct output *output, uint64_t for_ns);
	/*
	 * Stops in order: sends nothing new, waits (bounded, about two seconds) for outstanding answers, closes the session.
	 * Then calls `stopped(context)`, from any thread.
	 */
	void (*stop)(struct output *output, void (*stopped)(void *context), void *context);
	void (*status)(const struct output *output, struct output_status *status);
	/* After it has stopped, or was never started. Clears the pointer. The cursor stays the relay's. */
	void (*close)(struct output **output);
};

/* All drivers, ends with NULL; and the one of a type, or NULL. */
extern const struct output_driver *const output_drivers[];
const struct output_driver *output_driver_find(const char *type);

#endif
