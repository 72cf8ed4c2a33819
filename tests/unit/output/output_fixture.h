/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of outputs share: a real spool in a temporary directory with one input and one cursor, a worker, and an output
 * that runs on it. At every look the ledger's equation of the output must hold (spool-rules.md, 8).
 */
#ifndef TESTS_UNIT_OUTPUT_OUTPUT_FIXTURE_H
#define TESTS_UNIT_OUTPUT_OUTPUT_FIXTURE_H

#include <check.h>
#include <ftw.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "output/output_common.h"
#include "spool/spool_drops.h"
#include "syslog/envelope.h"
#include "syslog/parse.h"

#define SPOOL_MAX_BYTES ((uint64_t)64 << 20)

static char directory[256];
static struct spool *spool;
static struct spool_cursor *cursor;
static struct worker *worker;
static struct output *output;
static const struct output_driver *driver;
static void *settings;
static int input_index;
static uint64_t next_number; /* of the next message put */

static void no_worker_stored(void *context, unsigned index)
{
	(void)context;
	(void)index;
}

static void no_room(void *context)
{
	(void)context;
}

static void spool_failed(void *context, const char *error)
{
	(void)context;
	fprintf(stderr, "spool failed: %s\n", error);
	abort();
}

static void open_spool(enum spool_when_behind when_behind, uint64_t max_size_bytes)
{
	char error[SPOOL_ERROR_MAX_BYTES], path[300];
	struct spool_recovery recovery;
	snprintf(path, sizeof path, "%s/spool", directory);
	const struct spool_options options = {
		.path = path,
		.max_size_bytes = max_size_bytes,
		.reserve_bytes = 1 << 20,
		.segment_size_bytes = 4 << 20,
		.block_size_bytes = 64 << 10,
		.sync = SPOOL_SYNC_OFF,
		.workers = 1,
		.blocks_per_worker = 16,
		.events = {.worker_stored = no_worker_stored, .room = no_room, .failed = spool_failed},
	};
	ck_assert_msg(spool_open(&options, &spool, &recovery, error) == SPOOL_OPENED, "%s", error);
	input_index = spool_register_input(spool, "in");
	const struct spool_cursor_options place = {.name = "out", .from = SPOOL_FROM_OLDEST, .when_behind = when_behind};
	cursor = spool_cursor_open(spool, &place, error);
	ck_assert_msg(cursor != NULL, "%s", error);
	spool_start(spool);
}

static void close_spool(void)
{
	spool_cursor_close(&cursor);
	spool_close(&spool);
}

static void pause_ms(unsigned ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
	nanosleep(&time, NULL);
}

/* Puts one message per line of text into the spool, as one block or more. */
static inline struct spool_block *put_record(struct spool_block *block, struct envelope_context *packing, const char *text,
                                      size_t len)
{
	struct parse_context context = {0};
	struct envelope envelope = {.received_ns = 1000, .peer = {.transport = TRANSPORT_TCP}, .input = (uint16_t)input_index};
	envelope.raw = bytes_of(text, len);
	parse_message(envelope.raw, &context, &envelope.message);
	for (;;) {
		while (block == NULL) {
			block = spool_take_block(spool, 0, SPOOL_BLOCK_WAITS, (unsigned)input_index, 1000);
			envelope_context_start(packing, 1000);
			if (block == NULL)
				pause_ms(1);
		}
		uint8_t *room = spool_block_reserve(block, ENVELOPE_PACKED_MAX_BYTES + len);
		if (room != NULL) {
			size_t packed = envelope_pack(packing, &envelope, room);
			memcpy(room + packed, text, len);
			spool_block_commit(block, packed + len);
			return block;
		}
		spool_submit_block(spool, block);
		block = NULL;
	}
}

static inline void wait_stored(uint64_t sequence)
{
	for (unsigned i = 0; i < 5000 && spool_stored(spool) < sequence; i++)
		pause_ms(1);
	ck_assert_uint_ge(spool_stored(spool), sequence);
}

static inline void put_text(const char *text)
{
	struct envelope_context packing;
	uint64_t before = spool_stored(spool);
	spool_submit_block(spool, put_record(NULL, &packing, text, strlen(text)));
	wait_stored(before + 1);
}

/* Messages "... n=<number>" with rising numbers, severity alternating between info (even) and err (odd). */
static inline void put_messages(unsigned count)
{
	struct envelope_context packing;
	struct spool_block *block = NULL;
	uint64_t before = spool_stored(spool);
	for (unsigned i = 0; i < count; i++, next_number++) {
		char text[200];
		int len = snprintf(text, sizeof text, "<%d>1 2026-10-11T22:14:15.003Z host app - ID - n=%llu",
		                   next_number % 2 ? 11 : 14, (unsigned long long)next_number);
		block = put_record(block, &packing, text, (size_t)len);
	}
	spool_submit_block(spool, block);
	wait_stored(before + count);
}

static int remove_one(const char *path, const struct stat *about, int flag, struct FTW *walk)
{
	(void)about;
	(void)flag;
	(void)walk;
	return remove(path);
}

static void set_up(void)
{
	signal(SIGPIPE, SIG_IGN);
	const char *base = getenv("TMPDIR");
	snprintf(directory, sizeof directory, "%s/output-test-XXXXXX", base != NULL ? base : P_tmpdir);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	next_number = 0;
	open_spool(SPOOL_HOLD, SPOOL_MAX_BYTES);
	worker = worker_start("output");
	ck_assert_ptr_nonnull(worker);
}

/* The settings of a driver with all defaults and the required name. */
static inline void *new_settings(const struct output_driver *of)
{
	driver = of;
	settings = calloc(1, of->settings_size);
	ck_assert(option_set_presets(of->options, settings));
	ck_assert(option_set_text(option_find(of->options, "name"), settings, "out", (char[OPTION_ERROR_MAX_BYTES]){0}));
	return settings;
}

static inline void set(const char *name, const char *value)
{
	char error[OPTION_ERROR_MAX_BYTES];
	const struct option *row = option_find(driver->options, name);
	ck_assert_msg(row != NULL, "no option %s", name);
	if (row->kind == OPTION_LIST)
		ck_assert(option_append(row, settings, value));
	else
		ck_assert_msg(option_set_text(row, settings, value, error), "%s: %s", name, error);
}

/* In these tests the text of a filter is a severity: that and what is worse. */
static inline bool read_severity(const char *text, struct output_filter_options *options, char *error)
{
	(void)error;
	options->present = true;
	options->severity = strdup(text);
	return options->severity != NULL;
}

/* A rule of `relayctl spool drop` for everything that is stored. */
static inline void drop_by_rule(const char *severity)
{
	char error[SPOOL_ERROR_MAX_BYTES];
	struct spool_drop_rule rule = {.to = spool_stored(spool)};
	strcpy(rule.filter, severity);
	ck_assert_msg(spool_drop_add(spool, &rule, error), "%s", error);
}

static inline void start_output(void)
{
	char error[OUTPUT_ERROR_MAX_BYTES];
	ck_assert_msg(driver->check(settings, error), "%s", error);
	const struct output_setup setup = {
		.settings = settings, .worker = worker, .spool = spool, .cursor = cursor, .read_filter = read_severity};
	output = driver->open(&setup, error);
	ck_assert_msg(output != NULL, "%s", error);
	driver->start(output);
}

static void on_stopped(void *context)
{
	atomic_store((_Atomic bool *)context, true);
}

static void stop_output(void)
{
	static _Atomic bool stopped;
	if (output == NULL)
		return;
	atomic_store(&stopped, false);
	driver->stop(output, on_stopped, &stopped);
	for (unsigned i = 0; i < 5000 && !atomic_load(&stopped); i++)
		pause_ms(1);
	ck_assert(atomic_load(&stopped));
	driver->close(&output);
	ck_assert_ptr_null(output);
}

static void tear_down(void)
{
	stop_output();
	worker_stop(&worker);
	close_spool();
	if (settings != NULL)
		option_free(driver->options, settings);
	free(settings);
	settings = NULL;
	nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* delivered - start = all that is settled, at any moment. */
static inline struct spool_output_totals check_ledger(void)
{
	struct spool_output_totals totals;
	uint64_t before, after;
	do {
		before = spool_cursor_delivered(cursor);
		spool_cursor_totals(cursor, &totals);
		after = spool_cursor_delivered(cursor);
	} while (before != after);
	uint64_t settled = totals.delivered + totals.filtered + totals.quarantined + totals.dropped_oldest + totals.damaged +
	                   totals.dropped_by_rule;
	if (after - spool_cursor_start(cursor) != settled || after > spool_stored(spool))
		ck_abort_msg("the ledger says %llu, the cursor %llu", (unsigned long long)settled, (unsigned long long)after);
	return totals;
}

static inline bool wait_delivered_for(uint64_t sequence, unsigned ms)
{
	for (unsigned i = 0; i < ms && spool_cursor_delivered(cursor) < sequence; i++) {
		check_ledger();
		pause_ms(1);
	}
	check_ledger();
	return spool_cursor_delivered(cursor) >= sequence;
}

static inline void wait_delivered(uint64_t sequence)
{
	bool delivered = wait_delivered_for(sequence, 20000);
	struct output_status status;
	driver->status(output, &status);
	ck_assert_msg(delivered, "delivered %llu of %llu, %s: %s", (unsigned long long)spool_cursor_delivered(cursor),
	              (unsigned long long)sequence, status.state, status.detail);
}

static inline struct output_status status_now(void)
{
	struct output_status status;
	driver->status(output, &status);
	return status;
}

/* Waits until the state begins with these words. */
static inline void wait_state(const char *words)
{
	struct output_status status = status_now();
	for (unsigned i = 0; i < 10000 && strncmp(status.state, words, strlen(words)) != 0; i++) {
		pause_ms(1);
		status = status_now();
	}
	ck_assert_msg(strncmp(status.state, words, strlen(words)) == 0, "state \"%s\" (%s), not \"%s\"", status.state,
	              status.detail, words);
}

/* A case of the suite, each test in it between set_up() and tear_down(). */
static TCase *add_case(Suite *suite, const char *name)
{
	TCase *test = tcase_create(name);
	tcase_add_checked_fixture(test, set_up, tear_down);
	tcase_set_timeout(test, 120);
	suite_add_tcase(suite, test);
	return test;
}

static int run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
