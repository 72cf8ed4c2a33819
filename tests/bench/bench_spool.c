/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spool by itself: how many blocks and records of 250 octets one worker gets stored (synced), what that costs in
 * CPU, how long one record takes when nothing else is there, and how fast they are read back.
 *
 *     bench_spool DIRECTORY [MILLIONS OF RECORDS] [zstd]
 */
#include "base/clock.h"
#include "spool/spool.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	RECORD_BYTES = 250,
	BLOCK_BYTES = 64 << 10,
	SINGLE_RECORDS = 500,
};

static struct spool *spool;
static atomic_uint room;

static void on_room(void *context)
{
	(void)context;
	atomic_fetch_add(&room, 1);
}

static void on_failed(void *context, const char *error)
{
	(void)context;
	fprintf(stderr, "%s\n", error);
	exit(EXIT_FAILURE);
}

static double cpu_seconds(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Something like a log line: words that compress, numbers that do not. */
static void fill_record(uint8_t *out, uint64_t number)
{
	int len = snprintf((char *)out, RECORD_BYTES,
	                   "<134>1 2026-01-01T00:00:00.%06" PRIu64 "Z web-%02" PRIu64 " nginx 4711 access - "
	                   "GET /articles/%" PRIu64
	                   " 200 %" PRIu64 " ",
	                   number % 1000000, number % 17, number * 7919 % 100003, number * 31 % 65521);
	for (; len < RECORD_BYTES; len++)
		out[len] = (uint8_t)("the quick brown fox jumps over the lazy dog "[len % 44]);
}

static struct spool_block *take(void)
{
	struct spool_block *block;
	while ((block = spool_take_block(spool, 0, SPOOL_BLOCK_WAITS, 0, 0)) == NULL)
		usleep(50);
	return block;
}

static void store(uint64_t records)
{
	uint64_t ordinal = 0, blocks = 0;
	uint8_t sample[64][RECORD_BYTES];
	for (uint64_t i = 0; i < 64; i++)
		fill_record(sample[i], i * 977);
	double cpu = cpu_seconds();
	uint64_t begun = clock_monotonic_ns();
	struct spool_block *block = take();
	for (uint64_t i = 0; i < records; i++) {
		uint8_t *at = spool_block_reserve(block, RECORD_BYTES);
		if (at == NULL) {
			ordinal = spool_submit_block(spool, block);
			blocks++;
			block = take();
			at = spool_block_reserve(block, RECORD_BYTES);
		}
		memcpy(at, sample[i % 64], RECORD_BYTES);
		spool_block_commit(block, RECORD_BYTES);
	}
	ordinal = spool_submit_block(spool, block);
	while (spool_worker_stored(spool, 0) < ordinal)
		usleep(50);
	double seconds = (double)(clock_monotonic_ns() - begun) / 1e9;
	cpu = cpu_seconds() - cpu;
	struct spool_usage usage;
	spool_usage(spool, &usage);
	printf("store: %.0f records/s, %.0f blocks/s, %.0f ns CPU per record, "
	       "%.1f blocks and %.0f KiB per sync, %.1f octets per record\n",
	       (double)records / seconds, (double)blocks / seconds, cpu / (double)records * 1e9,
	       (double)blocks / (double)usage.groups, (double)usage.used_bytes / (double)usage.groups / 1024,
	       (double)usage.used_bytes / (double)records);
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static void store_single_records(void)
{
	uint64_t took[SINGLE_RECORDS];
	for (int i = 0; i < SINGLE_RECORDS; i++) {
		usleep(2000);
		uint64_t begun = clock_monotonic_ns();
		struct spool_block *block = take();
		fill_record(spool_block_reserve(block, RECORD_BYTES), (uint64_t)i);
		spool_block_commit(block, RECORD_BYTES);
		uint64_t ordinal = spool_submit_block(spool, block);
		while (spool_worker_stored(spool, 0) < ordinal)
			;
		took[i] = clock_monotonic_ns() - begun;
	}
	qsort(took, SINGLE_RECORDS, sizeof took[0], by_size);
	printf("one record by itself, to stored: p50 %.0f us, p99 %.0f us\n", (double)took[SINGLE_RECORDS / 2] / 1e3,
	       (double)took[SINGLE_RECORDS * 99 / 100] / 1e3);
}

static void read_back(void)
{
	struct spool_reader *reader = spool_reader_open(spool, 1);
	struct spool_view view;
	struct bytes record;
	uint64_t records = 0, octets = 0;
	double cpu = cpu_seconds();
	uint64_t begun = clock_monotonic_ns();
	while (spool_read(reader, &view) == SPOOL_READ_BLOCK)
		while (spool_record_next(&view.records, &record)) {
			records++;
			octets += record.len;
		}
	double seconds = (double)(clock_monotonic_ns() - begun) / 1e9;
	cpu = cpu_seconds() - cpu;
	printf("read: %.0f records/s, %.0f MB/s, %.0f ns CPU per record\n", (double)records / seconds,
	       (double)octets / seconds / 1e6, cpu / (double)records * 1e9);
	spool_reader_close(&reader);
}

int main(int argc, char **argv)
{
	char error[SPOOL_ERROR_MAX_BYTES];
	struct spool_recovery recovery;
	if (argc < 2) {
		fprintf(stderr, "usage: %s DIRECTORY [MILLIONS OF RECORDS] [zstd]\n", argv[0]);
		return EXIT_FAILURE;
	}
	uint64_t records = (uint64_t)((argc > 2 ? strtod(argv[2], NULL) : 1) * 1e6);
	struct spool_options options = {
		.path = argv[1],
		.max_size_bytes = 8ULL << 30,
		.segment_size_bytes = 64 << 20,
		.block_size_bytes = BLOCK_BYTES,
		.compression = argc > 3 ? SPOOL_COMPRESSION_ZSTD : SPOOL_COMPRESSION_NONE,
		.workers = 1,
		.blocks_per_worker = 64,
		.events = {.room = on_room, .failed = on_failed},
	};
	if (spool_open(&options, &spool, &recovery, error) != SPOOL_OPENED) {
		fprintf(stderr, "%s\n", error);
		return EXIT_FAILURE;
	}
	struct spool_cursor_options held = {.name = "bench", .from = SPOOL_FROM_OLDEST};
	struct spool_cursor *cursor = spool_cursor_open(spool, &held, error);
	spool_register_input(spool, "bench");
	spool_start(spool);
	sleep(1); /* the first spares */
	store(records);
	read_back();
	store_single_records();
	spool_cursor_close(&cursor);
	uint64_t begun = clock_monotonic_ns();
	spool_close(&spool);
	printf("close: %.1f ms\n", (double)(clock_monotonic_ns() - begun) / 1e6);
	begun = clock_monotonic_ns();
	if (spool_open(&options, &spool, &recovery, error) != SPOOL_OPENED)
		return EXIT_FAILURE;
	printf("open: %.1f ms, %llu records\n", (double)(clock_monotonic_ns() - begun) / 1e6,
	       (unsigned long long)recovery.last_sequence);
	spool_close(&spool);
	return EXIT_SUCCESS;
}
