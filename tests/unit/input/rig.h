/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the input tests stand on: a real spool in a temporary directory, workers with their intakes, one input, and
 * blocking sockets for the senders' side. It joins them as the relay does.
 */
#ifndef TESTS_UNIT_INPUT_RIG_H
#define TESTS_UNIT_INPUT_RIG_H

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "input/input.h"
#include "spool/disk.h"
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

/* A disk on which the writer's syncs wait while it is held; the keeper's, of cursors and spare files, do not. */
struct held_disk {
	struct disk disk; /* first: the functions get its address */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_held;
	unsigned allowed; /* syncs, though it is held */
	unsigned waiting;
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

/* --- the held disk ----------------------------------------------------------------------------------------------- */

/* Whether the file is a segment: only the writer syncs one under that name. A handle of disk_real is a descriptor. */
static inline bool held_disk_is_segment(int file)
{
	char link[40], path[256];
	snprintf(link, sizeof link, "/proc/self/fd/%d", file);
	ssize_t len = readlink(link, path, sizeof path - 1);
	path[len > 0 ? len : 0] = '\0';
	const char *name = strrchr(path, '/');
	return name != NULL && strncmp(name, "/segment-", strlen("/segment-")) == 0;
}

static inline int held_disk_sync(const struct disk *disk, int file)
{
	struct held_disk *held = (struct held_disk *)(uintptr_t)disk;
	if (!held_disk_is_segment(file))
		return disk_real.sync(disk, file);
	pthread_mutex_lock(&held->lock);
	held->waiting++;
	while (held->is_held && held->allowed == 0)
		pthread_cond_wait(&held->changed, &held->lock);
	held->allowed -= held->is_held;
	held->waiting--;
	pthread_mutex_unlock(&held->lock);
	return disk_real.sync(disk, file);
}

static inline void held_disk_set(struct held_disk *held, bool is_held)
{
	pthread_mutex_lock(&held->lock);
	held->is_held = is_held;
	pthread_cond_broadcast(&held->changed);
	pthread_mutex_unlock(&held->lock);
}

/* Lets one sync pass. */
static inline void held_disk_allow_one(struct held_disk *held)
{
	pthread_mutex_lock(&held->lock);
	held->allowed++;
	pthread_cond_broadcast(&held->changed);
	pthread_mutex_unlock(&held->lock);
}

static inline bool held_disk_has_waiter(struct held_disk *held)
{
	pthread_mutex_lock(&held->lock);
	bool has_waiter = held->waiting > 0;
	pthread_mutex_unlock(&held->lock);
	return has_waiter;
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

/* --- what was stored --------------------------------------------------------------------------------------------- */

typedef void (*rig_record_fn)(void *context, const struct envelope *envelope);

/* Calls `fn` for each stored record and returns how many there are. */
static inline uint64_t rig_read(struct rig *rig, rig_record_fn fn, void *context)
{
	static struct envelope_context unpacking;
	uint64_t count = 0;
	struct spool_view view;
	struct spool_reader *reader = spool_reader_open(rig->spool, spool_first(rig->spool));
	while (spool_read(reader, &view) == SPOOL_READ_BLOCK) {
		struct bytes records = view.records, record;
		envelope_context_start(&unpacking, view.base_ns);
		while (spool_record_next(&records, &record)) {
			struct envelope envelope;
			ck_assert(envelope_unpack(&unpacking, record, &envelope));
			if (fn != NULL)
				fn(context, &envelope);
			count++;
		}
		ck_assert_uint_eq(records.len, 0);
	}
	spool_reader_close(&reader);
	return count;
}

/* Record `index` as text, in a buffer of the rig's own that the next call reuses; its envelope's other fields in *out. */
struct rig_one {
	uint64_t wanted, seen;
	struct envelope envelope;
	char text[65536];
	bool is_found;
};

/* The reader's memory goes: a view into `from` becomes one into `to`. */
static inline void rig_move_view(struct bytes *view, const uint8_t *from, const char *to)
{
	if (view->len > 0)
		view->at = (const uint8_t *)to + (view->at - from);
}

static inline void rig_pick(void *context, const struct envelope *envelope)
{
	struct rig_one *one = context;
	if (one->seen++ != one->wanted)
		return;
	one->is_found = true;
	one->envelope = *envelope;
	ck_assert_uint_lt(envelope->raw.len, sizeof one->text);
	memcpy(one->text, envelope->raw.at, envelope->raw.len);
	one->text[envelope->raw.len] = '\0';
	struct message *message = &one->envelope.message;
	struct bytes *views[] = {&message->hostname, &message->app_name, &message->msg, &one->envelope.raw};
	for (unsigned i = 0; i < sizeof views / sizeof *views; i++)
		rig_move_view(views[i], envelope->raw.at, one->text);
}

static inline struct rig_one *rig_record(struct rig *rig, uint64_t index)
{
	static struct rig_one one;
	one.wanted = index;
	one.seen = 0;
	one.is_found = false;
	rig_read(rig, rig_pick, &one);
	ck_assert_msg(one.is_found, "there is no record %llu", (unsigned long long)index);
	return &one;
}

/*
 * Checks messages "... sender S number N" of several senders: each sender's numbers are 0, 1, 2 ... without gap or
 * repetition. `next` has one count for each sender.
 */
struct rig_order {
	unsigned senders;
	uint64_t next[16];
};

static inline void rig_check_order(void *context, const struct envelope *envelope)
{
	struct rig_order *order = context;
	char text[256];
	unsigned sender;
	unsigned long long number;
	snprintf(text, sizeof text, "%.*s", (int)envelope->raw.len, (const char *)envelope->raw.at);
	const char *at = strstr(text, "sender ");
	ck_assert_msg(at != NULL && sscanf(at, "sender %u number %llu", &sender, &number) == 2, "\"%s\"", text);
	ck_assert_uint_lt(sender, order->senders);
	ck_assert_uint_eq(number, order->next[sender]);
	order->next[sender]++;
}

/* --- senders ----------------------------------------------------------------------------------------------------- */

static inline uint16_t rig_port(const struct rig *rig)
{
	struct input_status status = rig_status(rig);
	const char *colon = strrchr(status.listen, ':');
	ck_assert_ptr_nonnull(colon);
	return (uint16_t)atoi(colon + 1);
}

/* A connected socket of that kind to the input on 127.0.0.1. */
static inline int rig_connect(const struct rig *rig, int type)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(rig_port(rig))};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static inline int rig_connect_local(const char *path, int type)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static inline void rig_send_octets(int fd, const void *octets, size_t len)
{
	const char *at = octets;
	while (len > 0) {
		ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);
		ck_assert_msg(sent > 0, "send: %s", strerror(errno));
		at += sent;
		len -= (size_t)sent;
	}
}

static inline void rig_send(int fd, const char *text)
{
	rig_send_octets(fd, text, strlen(text));
}

/* Whether something can be read (or the peer has closed) within the time. */
static inline bool rig_is_readable(int fd, int ms)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	return poll(&wait, 1, ms) > 0;
}

/* Reads until the peer closes or `size` - 1 octets are there; ends the text with NUL and returns its length. */
static inline size_t rig_receive_all(int fd, char *out, size_t size)
{
	size_t len = 0;
	while (len + 1 < size && rig_is_readable(fd, RIG_WAIT_SECONDS * 1000)) {
		ssize_t got = recv(fd, out + len, size - 1 - len, 0);
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	out[len] = '\0';
	return len;
}

/* Reads until the text ends with `end`. */
static inline void rig_receive_until(int fd, const char *end, char *out, size_t size)
{
	size_t len = 0, end_len = strlen(end);
	while (len < end_len || memcmp(out + len - end_len, end, end_len) != 0) {
		ck_assert_uint_lt(len + 1, size);
		ck_assert_msg(rig_is_readable(fd, RIG_WAIT_SECONDS * 1000), "no answer");
		ssize_t got = recv(fd, out + len, size - 1 - len, 0);
		ck_assert_msg(got > 0, "the connection ended instead of an answer");
		len += (size_t)got;
	}
	out[len] = '\0';
}

/* Whether the peer closed (orderly or not) within the time; what it still sends is dropped. */
static inline bool rig_is_closed(int fd)
{
	char dropped[4096];
	while (rig_is_readable(fd, RIG_WAIT_SECONDS * 1000)) {
		if (recv(fd, dropped, sizeof dropped, 0) <= 0)
			return true;
	}
	return false;
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
