/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the input tests stand on: a real spool in a temporary directory, workers with their intakes and one input, joined as
 * the relay joins them. The senders' side is rig_senders.h; what was stored, rig_records.h.
 */
#ifndef TESTS_UNIT_INPUT_RIG_H
#define TESTS_UNIT_INPUT_RIG_H

#include <arpa/inet.h>
#include <check.h>
#include <ftw.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "held_disk.h"
#include "input/input.h"
#include "spool/ledger_sources.h"
#include "spool/spool_stream.h"

enum { RIG_WORKERS_MAX = 4, RIG_WAIT_SECONDS = 30 };

struct rig_worker {
	struct rig *rig;
	unsigned index;
	struct worker *worker;
	struct intake *intake;
	struct waker *stored, *room;
	uv_timer_t timer;
};

struct rig {
	char folder[64];
	char socket_path[96];
	struct held_disk disk;
	struct spool *spool;
	struct spool_cursor *cursor; /* holds everything until the test delivers */
	unsigned workers_count;
	struct rig_worker w[RIG_WORKERS_MAX];
	struct input_worker input_workers[RIG_WORKERS_MAX];
	const struct input_driver *driver;
	void *settings;
	struct input *input;
	unsigned spool_index;
	_Atomic bool is_stopped;
	_Atomic bool has_failed;
};

/* What of the spool a test wants otherwise; zero: a large one, one worker. */
struct rig_options {
	unsigned workers;
	uint64_t max_size_bytes;
	uint64_t reserve_bytes;
	uint32_t segment_size_bytes;
	uint32_t block_size_bytes;
	unsigned blocks_per_worker;
};

/* --- waiting ----------------------------------------------------------------------------------------------------- */

/* Waits until `condition` is true, or fails the test. */
#define RIG_WAIT(condition)                                                                                            \
	do {                                                                                                           \
		uint64_t rig_until = clock_monotonic_ns() + RIG_WAIT_SECONDS * (uint64_t)CLOCK_NS_PER_SECOND;          \
		while (!(condition)) {                                                                                 \
			ck_assert_msg(clock_monotonic_ns() < rig_until, "waited in vain for: %s", #condition);         \
			usleep(1000);                                                                                  \
		}                                                                                                      \
	} while (0)

static inline struct input_status rig_status(const struct rig *rig)
{
	struct input_status status;
	rig->driver->status(rig->input, &status);
	return status;
}

/* For worker_post(): meanwhile something gathers for the worker. */
static inline void rig_sleep(void *context)
{
	(void)context;
	usleep(300000);
}

/* --- joining, as the relay does ---------------------------------------------------------------------------------- */

static inline void rig_on_worker_stored(void *context, unsigned worker)
{
	struct rig *rig = context;
	waker_wake(rig->w[worker].stored);
}

static inline void rig_on_room(void *context)
{
	struct rig *rig = context;
	for (unsigned i = 0; i < rig->workers_count; i++)
		waker_wake(rig->w[i].room);
}

static inline void rig_on_failed(void *context, const char *error)
{
	struct rig *rig = context;
	fprintf(stderr, "the spool failed: %s\n", error);
	atomic_store(&rig->has_failed, true);
}

/* A last wake-up may come when the intake is closed already. */
static inline void rig_tell_stored(void *context)
{
	struct rig_worker *w = context;
	if (w->intake != NULL)
		intake_stored(w->intake);
}

static inline void rig_tell_room(void *context)
{
	struct rig_worker *w = context;
	if (w->intake != NULL)
		intake_room(w->intake);
}

static inline void rig_on_turn_end(void *context);

static inline void rig_on_timer(uv_timer_t *timer)
{
	(void)timer; /* the turn has an end */
}

static inline void rig_on_turn_end(void *context)
{
	struct rig_worker *w = context;
	uint64_t next_ns = intake_turn_end(w->intake);
	if (next_ns == 0)
		return;
	uint64_t now_ns = clock_monotonic_ns();
	uv_timer_start(&w->timer, rig_on_timer, next_ns > now_ns ? (next_ns - now_ns) / CLOCK_NS_PER_MS : 0, 0);
}

static inline void rig_begin_worker(void *context)
{
	struct rig_worker *w = context;
	w->intake = intake_open(w->rig->spool, w->index);
	w->stored = waker_open(w->worker, rig_tell_stored, w);
	w->room = waker_open(w->worker, rig_tell_room, w);
	uv_timer_init(worker_loop(w->worker), &w->timer);
	worker_at_turn_end(w->worker, rig_on_turn_end, w);
	w->rig->input_workers[w->index].intake = w->intake;
}

/* Before the spool is closed: from then on the worker does not touch it. */
static inline void rig_end_intake(void *context)
{
	struct rig_worker *w = context;
	worker_at_turn_end(w->worker, NULL, NULL);
	intake_close(&w->intake);
}

/* After it is closed: until then it wakes the worker. */
static inline void rig_end_worker(void *context)
{
	struct rig_worker *w = context;
	waker_close(&w->stored);
	waker_close(&w->room);
	uv_close((uv_handle_t *)&w->timer, NULL);
}

/* --- life -------------------------------------------------------------------------------------------------------- */

static inline void rig_open_spool(struct rig *rig, const struct rig_options *options)
{
	char error[SPOOL_ERROR_MAX_BYTES];
	char path[96];
	snprintf(path, sizeof path, "%s/spool", rig->folder);
	struct spool_options spool_options = {
		.path = path,
		.disk = &rig->disk.disk,
		.max_size_bytes = options->max_size_bytes != 0 ? options->max_size_bytes : 256 << 20,
		.reserve_bytes = options->reserve_bytes != 0 ? options->reserve_bytes : 4 << 20,
		.segment_size_bytes = options->segment_size_bytes != 0 ? options->segment_size_bytes : 8 << 20,
		.block_size_bytes = options->block_size_bytes != 0 ? options->block_size_bytes : 256 << 10,
		.compression = SPOOL_COMPRESSION_NONE,
		.workers = rig->workers_count,
		.blocks_per_worker = options->blocks_per_worker != 0 ? options->blocks_per_worker : 16,
		.events = {.context = rig, .worker_stored = rig_on_worker_stored, .room = rig_on_room, .failed = rig_on_failed},
	};
	struct spool_recovery recovery;
	enum spool_open_result result = spool_open(&spool_options, &rig->spool, &recovery, error);
	ck_assert_msg(result == SPOOL_OPENED, "%s", error);
	struct spool_cursor_options cursor = {.name = "holds", .from = SPOOL_FROM_OLDEST, .when_behind = SPOOL_HOLD};
	rig->cursor = spool_cursor_open(rig->spool, &cursor, error);
	ck_assert_msg(rig->cursor != NULL, "%s", error);
	rig->spool_index = (unsigned)spool_register_input(rig->spool, "the input");
}

static inline void rig_open(struct rig *rig, struct rig_options options)
{
	*rig = (struct rig){.workers_count = options.workers != 0 ? options.workers : 1};
	const char *base = getenv("TMPDIR");
	snprintf(rig->folder, sizeof rig->folder, "%s/rig-XXXXXX", base != NULL && strlen(base) < 40 ? base : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(rig->folder));
	snprintf(rig->socket_path, sizeof rig->socket_path, "%s/log", rig->folder);
	rig->disk.disk = disk_real;
	rig->disk.disk.sync = held_disk_sync;
	pthread_mutex_init(&rig->disk.lock, NULL);
	pthread_cond_init(&rig->disk.changed, NULL);
	rig_open_spool(rig, &options);
	for (unsigned i = 0; i < rig->workers_count; i++) {
		rig->w[i] = (struct rig_worker){.rig = rig, .index = i, .worker = worker_start("input")};
		ck_assert_ptr_nonnull(rig->w[i].worker);
		rig->input_workers[i].worker = rig->w[i].worker;
		ck_assert(worker_call(rig->w[i].worker, rig_begin_worker, &rig->w[i]));
	}
	spool_start(rig->spool);
}

/* A port of 127.0.0.1 that nobody used a moment ago: an operator cannot ask for port 0, so tests have to find one. */
static inline void rig_find_port(int type, char *listen, size_t size)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof at;
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, type, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	close(fd);
	snprintf(listen, size, "127.0.0.1:%u", ntohs(at.sin_port));
}

/*
 * Sets options of the input from pairs of name and text up to NULL; "tls.certificate" is in the section,
 * "127.0.0.1:0" is any free port.
 */
static inline void rig_set_options(struct rig *rig, va_list pairs)
{
	const char *name;
	while ((name = va_arg(pairs, const char *)) != NULL) {
		char error[OPTION_ERROR_MAX_BYTES] = "";
		const char *text = va_arg(pairs, const char *);
		char listen[32];
		if (strcmp(text, "127.0.0.1:0") == 0) {
			rig_find_port(strcmp(rig->driver->type, "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM, listen, sizeof listen);
			text = listen;
		}
		const struct option *rows = rig->driver->options;
		void *settings = rig->settings;
		if (strncmp(name, "tls.", 4) == 0) {
			const struct option *section = option_find(rows, "tls");
			settings = (char *)settings + section->offset;
			*(bool *)settings = true;
			rows = section->section;
			name += 4;
		}
		const struct option *row = option_find(rows, name);
		ck_assert_msg(row != NULL, "no option %s", name);
		bool is_set = row->kind == OPTION_LIST ? option_append(row, settings, text)
		                                       : option_set_text(row, settings, text, error);
		ck_assert_msg(is_set, "%s: %s", name, error);
	}
}

static inline void rig_make_settings(struct rig *rig, const char *type, va_list pairs)
{
	rig->driver = input_driver_find(type);
	ck_assert_msg(rig->driver != NULL, "no driver %s", type);
	rig->settings = calloc(1, rig->driver->settings_size);
	ck_assert(option_set_presets(rig->driver->options, rig->settings));
	rig_set_options(rig, pairs);
}

/* Opens and starts an input of that type with options as pairs of name and text. */
static inline void rig_start(struct rig *rig, const char *type, ...)
{
	char error[INPUT_ERROR_MAX_BYTES] = "";
	static const struct timezone_rules utc;
	va_list pairs;
	va_start(pairs, type);
	rig_make_settings(rig, type, pairs);
	va_end(pairs);
	ck_assert_msg(rig->driver->check == NULL || rig->driver->check(rig->settings, error), "%s", error);
	struct input_setup setup = {
		.settings = rig->settings, .name = "the input", .spool_index = rig->spool_index,
		.workers = rig->input_workers, .workers_count = rig->workers_count, .local_zone = &utc,
	};
	rig->input = rig->driver->open(&setup, error);
	ck_assert_msg(rig->input != NULL, "%s", error);
	rig->driver->start(rig->input);
}

static inline void rig_on_stopped(void *context)
{
	atomic_store(&((struct rig *)context)->is_stopped, true);
}

static inline void rig_begin_stop(struct rig *rig)
{
	atomic_store(&rig->is_stopped, false);
	rig->driver->stop(rig->input, rig_on_stopped, rig);
}

static inline void rig_stop(struct rig *rig)
{
	rig_begin_stop(rig);
	RIG_WAIT(atomic_load(&rig->is_stopped));
}

/* Also done by rig_close(), unless a test did it before. */
static inline void rig_close_input(struct rig *rig)
{
	if (rig->input == NULL)
		return;
	rig->driver->close(&rig->input);
	ck_assert_ptr_null(rig->input);
	option_free(rig->driver->options, rig->settings);
	free(rig->settings);
	for (unsigned i = 0; i < rig->workers_count; i++)
		ck_assert_uint_eq(atomic_load(&rig->input_workers[i].connections), 0);
}

/* The ledger of the input: what is stored and what was dropped together. */
static inline uint64_t rig_settled(const struct rig *rig)
{
	struct spool_input_totals totals;
	spool_input_totals(rig->spool, rig->spool_index, &totals);
	uint64_t sum = totals.stored + spool_stream_voided(rig->spool, rig->spool_index);
	for (unsigned i = 0; i < SPOOL_DROP_REASONS; i++)
		sum += totals.dropped[i];
	return sum;
}

static inline uint64_t rig_dropped(const struct rig *rig, enum spool_drop_reason reason)
{
	struct spool_input_totals totals;
	spool_input_totals(rig->spool, rig->spool_index, &totals);
	return totals.dropped[reason];
}

/* The same of all sources with that HOSTNAME. */
static inline uint64_t rig_dropped_of(const struct rig *rig, const char *hostname, enum spool_drop_reason reason)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < spool_source_count(rig->spool); i++) {
		struct spool_source_totals totals;
		const struct spool_source_name *name = spool_source_name(rig->spool, i);
		spool_source_totals(rig->spool, i, &totals);
		if (name->hostname_len == strlen(hostname) && memcmp(name->hostname, hostname, name->hostname_len) == 0)
			sum += totals.dropped[reason];
	}
	return sum;
}

/* Stops the input; waits until everything received is stored or counted: the ledger's equation. It can still be read. */
static inline void rig_finish(struct rig *rig)
{
	rig_stop(rig);
	RIG_WAIT(rig_settled(rig) == rig_status(rig).received); /* counted when it is written */
	RIG_WAIT(spool_stored(rig->spool) == spool_appended(rig->spool));
}

static inline int rig_remove_one(const char *path, const struct stat *file, int kind, struct FTW *where)
{
	(void)file;
	(void)kind;
	(void)where;
	return remove(path);
}

/* Takes everything down; the input must have been stopped. */
static inline void rig_close(struct rig *rig)
{
	ck_assert(!atomic_load(&rig->has_failed));
	rig_close_input(rig);
	for (unsigned i = 0; i < rig->workers_count; i++)
		worker_call(rig->w[i].worker, rig_end_intake, &rig->w[i]);
	spool_cursor_close(&rig->cursor);
	spool_close(&rig->spool);
	for (unsigned i = 0; i < rig->workers_count; i++) {
		worker_call(rig->w[i].worker, rig_end_worker, &rig->w[i]);
		worker_stop(&rig->w[i].worker);
	}
	nftw(rig->folder, rig_remove_one, 8, FTW_DEPTH | FTW_PHYS);
	pthread_mutex_destroy(&rig->disk.lock);
	pthread_cond_destroy(&rig->disk.changed);
}

/* The end of each test's main(). */
static inline int rig_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
