/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scripted life of a spool on a disk in memory, for tests that break the disk at each of its operations: the spool is
 * created, filled over several segments, delivered from, its segments are released and reused, it is closed, opened
 * again, killed, opened again. Beside it stands what the outside world was told, and the check that it was true:
 *
 *   - everything acknowledged (stored) is readable, in order, each record once, except what was delivered and released;
 *   - what is read is what was put there last: no block that was discarded, or of a file's earlier life, comes back;
 *   - a cursor is never ahead of what its output delivered, nor behind what was synced;
 *   - the ledger's equations hold, of the spool and of the output, and drops counted before a stored group are still
 *     counted.
 */
#ifndef TESTS_SUPPORT_SPOOL_SCRIPT_H
#define TESTS_SUPPORT_SPOOL_SCRIPT_H

#include "support/memory_disk.h"
#include "support/spool_rig.h"

enum {
	SCRIPT_ROUNDS = 6,
	SCRIPT_SEQUENCES_MAX = 1 << 15,
};

static struct memory_disk disk;
static struct rig rig;

/* What the outside world was told. */
static uint64_t acknowledged;
static uint64_t delivered;        /* by the output */
static uint64_t delivered_synced; /* a keeper's turn came back */
static uint64_t dropped;
static uint64_t dropped_stored;   /* counted before a group that was stored */
static int64_t base_of[SCRIPT_SEQUENCES_MAX]; /* the last block put with that sequence */

/* All of that, to be told again: for a test that goes back to the same disk. */
struct script_told {
	uint64_t acknowledged, delivered, delivered_synced, dropped, dropped_stored;
};

static inline struct script_told script_told(void)
{
	return (struct script_told){acknowledged, delivered, delivered_synced, dropped, dropped_stored};
}

static inline void script_tell(const struct script_told *told)
{
	acknowledged = told->acknowledged;
	delivered = told->delivered;
	delivered_synced = told->delivered_synced;
	dropped = told->dropped;
	dropped_stored = told->dropped_stored;
}

static size_t script_recent_least; /* set by the test: rig.recent_least */

static inline void script_start(void)
{
	memory_disk_init(&disk);
	acknowledged = delivered = delivered_synced = dropped = dropped_stored = 0;
	rig_init(&rig, "spool", &disk.disk);
	rig.base_of = base_of;
	rig.recent_least = script_recent_least;
	rig.options.block_size_bytes = 1024;
	rig.options.segment_size_bytes = 64 << 10;
	rig.options.max_size_bytes = 2 << 20;
}

static inline uint64_t dropped_now(void)
{
	struct spool_input_totals totals;
	spool_input_totals(rig.spool, (unsigned)rig.input, &totals);
	return totals.dropped[SPOOL_DROP_NO_BUFFER];
}

/* A block unlike any other, even if an earlier one with its sequences was lost. */
static inline bool put_block(unsigned records)
{
	uint64_t before = rig.submitted;
	rig.base_ns++;
	if (!rig_put(&rig, records))
		return false;
	ck_assert_uint_lt(rig.submitted, SCRIPT_SEQUENCES_MAX);
	for (uint64_t i = before + 1; i <= rig.submitted; i++)
		base_of[i] = rig.base_ns;
	return true;
}

static inline void store_a_group(unsigned blocks)
{
	if (rig.submitted % 3 == 0) {
		spool_count_drop(rig.spool, 0, (unsigned)rig.input, SPOOL_DROP_NO_BUFFER, 2);
		dropped += 2;
	}
	uint64_t counted = dropped;
	for (unsigned i = 0; i < blocks; i++)
		if (!put_block(rig.submitted % 4 == 0 ? 1 : 9))
			break;
	if (writer_turn(rig.spool))
		dropped_stored = counted;
	acknowledged = spool_stored(rig.spool);
}

static inline void deliver(struct spool_cursor *cursor, uint64_t behind)
{
	if (acknowledged <= behind || acknowledged - behind <= delivered)
		return;
	delivered = acknowledged - behind;
	rig_deliver(cursor, delivered);
}

/* One run of the process; returns early when the power has gone. */
static inline void live(bool orderly)
{
	if (rig_open(&rig) != SPOOL_OPENED)
		return;
	ck_assert_uint_ge(spool_stored(rig.spool), acknowledged);
	ck_assert_uint_ge(dropped_now(), dropped_stored);
	acknowledged = spool_stored(rig.spool);
	dropped = dropped_now();
	struct spool_cursor_options options = {.name = "central", .from = SPOOL_FROM_OLDEST};
	struct spool_cursor *cursor = spool_cursor_open(rig.spool, &options, rig.error);
	writer_flush_ledger(rig.spool);
	for (unsigned round = 0; cursor != NULL && round < SCRIPT_ROUNDS && !disk.off; round++) {
		for (unsigned i = 0; i < 5; i++)
			store_a_group(1 + (round + 3 * i) % 7);
		deliver(cursor, 40);
		keeper_turn(rig.spool);
		if (!disk.off && !spool_has_failed(rig.spool))
			delivered_synced = delivered;
	}
	spool_cursor_close(&cursor);
	if (orderly) {
		spool_close(&rig.spool);
		return;
	}
	disk.off = true; /* killed: nothing more is written */
	spool_close(&rig.spool);
}

/* Three lives; the middle one ends by a kill. The power may go at any time, and then the rest does not happen. */
static inline void play_script(void)
{
	for (int run = 0; run < 3 && !disk.off; run++) {
		bool orderly = run != 1;
		uint64_t cut_at = disk.cut_at, operations;
		live(orderly);
		operations = disk.operations;
		if (!orderly && operations < cut_at) {
			struct memory_disk faults = disk;
			memory_disk_kill(&disk);
			disk.cut_at = cut_at;
			disk.operations = operations;
			disk.fault_ops = faults.fault_ops;
			disk.fail_at = faults.fail_at;
			disk.fail_count = faults.fail_count;
			disk.fail_error = faults.fail_error;
		}
	}
}

static inline void check_spool(const char *when, uint64_t at)
{
	enum spool_open_result result = rig_open(&rig);
	ck_assert_msg(result == SPOOL_OPENED, "%s %llu: %s", when, (unsigned long long)at, rig.error);
	ck_assert_msg(spool_stored(rig.spool) >= acknowledged, "%s %llu: %llu of %llu acknowledged are there", when,
	              (unsigned long long)at, (unsigned long long)spool_stored(rig.spool),
	              (unsigned long long)acknowledged);
	ck_assert_uint_eq(rig.recovery.damaged_sequences, 0);
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	ck_assert_uint_le(spool_cursor_delivered(cursor), delivered);
	ck_assert_uint_ge(spool_cursor_delivered(cursor), delivered_synced);
	spool_check(rig.spool);

	struct spool_output_totals output;
	spool_cursor_totals(cursor, &output);
	ck_assert_uint_eq(spool_cursor_start(cursor) + output.delivered, spool_cursor_delivered(cursor));
	ck_assert_uint_eq(output.damaged + output.dropped_oldest, 0);
	struct spool_input_totals totals;
	spool_input_totals(rig.spool, (unsigned)rig.input, &totals);
	ck_assert_uint_eq(totals.stored, spool_stored(rig.spool));
	struct spool_sums sums;
	spool_sums(rig.spool, &sums);
	/* last sequence = stored + unused, and = retained + released + damaged */
	ck_assert_uint_eq(totals.stored + sums.unused + sums.unattributed, spool_stored(rig.spool));
	uint64_t retained = spool_stored(rig.spool) + 1 - spool_first(rig.spool);
	ck_assert_uint_eq(retained + sums.released + sums.damaged, spool_stored(rig.spool));
	ck_assert_uint_le(dropped_now(), dropped);
	ck_assert_uint_ge(dropped_now(), dropped_stored);

	ck_assert_uint_le(spool_first(rig.spool), spool_cursor_delivered(cursor) + 1);
	struct rig_read read = rig_read_all(&rig, spool_cursor_delivered(cursor) + 1);
	ck_assert_msg(read.damaged == 0, "%s %llu: %llu damaged", when, (unsigned long long)at,
	              (unsigned long long)read.damaged);
	ck_assert_uint_eq(read.next, spool_stored(rig.spool) + 1);
	acknowledged = spool_stored(rig.spool);
	dropped = dropped_stored = dropped_now();
	spool_cursor_close(&cursor);
}

#endif
