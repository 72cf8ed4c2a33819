/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything the spool reads back from its disk. The input is taken twice: as octets, by the pure readers (segment and
 * block headers, sections, names of files, records, zstd), and as a list of edits to a healthy spool on a disk in memory.
 * An edit may be raw, like a bad disk's, or signed again with the right checksums, like that of somebody who knows the
 * format: right checksums must not reach an assert either. Then the spool is opened, read, written to, closed and opened
 * again: what is stored after an opening is there, in order and intact, whatever was on the disk before.
 */
#include "spool_edits.h"

#include <zstd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	EDITS_MAX = 32,
	UNPACKED_MAX_BYTES = 1 << 16,
	READS_MAX = 4096,         /* of one reader, far above what so small a spool holds */
	RECORDS_AFTER = 3,        /* stored after each opening */
};

/* ---- octets by themselves ---- */

static void read_records(struct bytes records)
{
	struct bytes record;
	while (spool_record_next(&records, &record))
		FUZZ_CHECK(record.at + record.len == records.at || records.len == 0);
}

static void read_octets(struct bytes octets)
{
	struct ledger ledger;
	struct segment_header segment;
	struct block_header block;
	char name[DISK_NAME_MAX_BYTES] = "", again[DISK_NAME_MAX_BYTES];
	uint64_t a, b;
	FUZZ_CHECK(ledger_init(&ledger, 8));
	(void)ledger_read(&ledger, octets, true);
	(void)ledger_read(&ledger, octets, false);
	FUZZ_CHECK(ledger.inputs <= SPOOL_INPUTS_MAX);
	ledger_free(&ledger);
	(void)segment_header_read(octets, &segment);
	(void)block_header_read(octets, 0, &block);
	read_records(octets);
	if (octets.len > 0 && octets.len < sizeof name)
		memcpy(name, octets.at, octets.len);
	if (segment_name_parse(name, &a, &b)) {
		segment_name(a, b, again);
		FUZZ_CHECK(strcmp(name, again) == 0);
	}
	(void)segment_spare_name_parse(name, &a);
	(void)segment_damaged_name_parse(name, &a, &b);
}

static void read_packed(struct bytes octets)
{
	static ZSTD_DCtx *unpacker;
	static uint8_t room[UNPACKED_MAX_BYTES];
	struct bytes records;
	if (unpacker == NULL)
		unpacker = ZSTD_createDCtx();
	struct block_header header = {
		.codec = BLOCK_CODEC_ZSTD, .stored_len = (uint32_t)octets.len, .unpacked_len = UNPACKED_MAX_BYTES};
	if (octets.len > 3)
		header.unpacked_len = le16_load(octets.at);
	if (block_unpack(&header, octets, unpacker, room, &records))
		read_records(records);
}

/* ---- a life after the edits ---- */

/* Records that were stored after the edits are what they were. */
static void check_own_records(const struct spool_view *view)
{
	struct bytes records = view->records, record;
	for (uint64_t sequence = view->first; sequence <= view->last; sequence++) {
		char text[RIG_RECORD_BYTES];
		size_t len = rig_record(sequence, text);
		FUZZ_CHECK(spool_record_next(&records, &record) && bytes_equal(record, bytes_of(text, len)));
	}
	FUZZ_CHECK(records.len == 0);
}

/* Reads from `first` on: in order, within what is stored, and it ends. Returns the sequence behind the last thing read. */
static uint64_t read_from(uint64_t first, bool own)
{
	struct spool_reader *reader = spool_reader_open(rig.spool, first);
	struct spool_view view;
	uint64_t next = first, stored = spool_stored(rig.spool);
	enum spool_read_result result = SPOOL_READ_CAUGHT_UP;
	for (unsigned reads = 0; (result = spool_read(reader, &view)) <= SPOOL_READ_DAMAGE; reads++) {
		if (result == SPOOL_READ_CAUGHT_UP)
			break;
		FUZZ_CHECK(reads < READS_MAX && view.first <= view.last && view.last >= next && view.last <= stored);
		FUZZ_CHECK(reads == 0 || view.first >= next);
		FUZZ_CHECK(!own || result == SPOOL_READ_BLOCK);
		if (result == SPOOL_READ_BLOCK && own)
			check_own_records(&view);
		else if (result == SPOOL_READ_BLOCK)
			read_records(view.records);
		next = view.last + 1;
	}
	FUZZ_CHECK(result == SPOOL_READ_CAUGHT_UP || (!own && spool_reader_error(reader)[0] != '\0'));
	FUZZ_CHECK(result != SPOOL_READ_CAUGHT_UP || stored < first || next == stored + 1 || !own);
	spool_reader_close(&reader);
	return next;
}

/* Stores a few records of our own and reads them back; the spool was opened, so that must work. */
static void go_on(void)
{
	uint64_t before = spool_stored(rig.spool);
	keeper_turn(rig.spool);
	FUZZ_CHECK(!spool_has_failed(rig.spool));
	if (spool_level(rig.spool) == SPOOL_LEVEL_FULL)
		return;
	rig.submitted = before;
	FUZZ_CHECK(rig_store(&rig, RECORDS_AFTER));
	FUZZ_CHECK(spool_stored(rig.spool) == before + RECORDS_AFTER);
	FUZZ_CHECK(read_from(before + 1, true) == before + RECORDS_AFTER + 1);
}

static void check_orphans(void)
{
	struct spool_orphan orphan[CURSORS_MAX];
	unsigned found = spool_orphans(rig.spool, orphan, CURSORS_MAX);
	for (unsigned i = 0; i < found; i++)
		FUZZ_CHECK(memchr(orphan[i].name, '\0', sizeof orphan[i].name) != NULL);
	if (found > 0)
		FUZZ_CHECK(spool_forget_cursor(rig.spool, orphan[0].name, rig.error));
}

/* Opened after the edits it may be refused, with a reason; if it is not, it lives. */
static void live(void)
{
	struct spool_cursor_options options = {.name = "central", .when_behind = SPOOL_DROP_OLDEST, .max_lag_bytes = 1 << 20};
	enum spool_open_result result = rig_open(&rig);
	if (result != SPOOL_OPENED) {
		FUZZ_CHECK(rig.spool == NULL && rig.error[0] != '\0');
		return;
	}
	if (rig.input < 0) { /* all names are taken: by edits of the checkpoint */
		spool_close(&rig.spool);
		return;
	}
	struct spool_cursor *cursor = spool_cursor_open(rig.spool, &options, rig.error);
	check_orphans();
	if (cursor != NULL) {
		FUZZ_CHECK(spool_cursor_delivered(cursor) <= spool_stored(rig.spool));
		read_from(spool_cursor_delivered(cursor) + 1, false);
	}
	read_from(spool_first(rig.spool), false);
	read_from(0, false);
	go_on();
	uint64_t stored = spool_stored(rig.spool);
	if (cursor != NULL && stored > spool_cursor_delivered(cursor))
		rig_deliver(cursor, stored);
	spool_cursor_close(&cursor);
	keeper_turn(rig.spool);
	spool_close(&rig.spool);

	FUZZ_CHECK(rig_open(&rig) == SPOOL_OPENED && rig.recovery.clean);
	FUZZ_CHECK(rig.recovery.last_sequence == stored && spool_stored(rig.spool) == stored);
	go_on();
	spool_close(&rig.spool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (healthy.files == 0)
		make_healthy();
	struct bytes input = bytes_of(data, size);
	read_octets(input);
	read_packed(input);
	put_healthy();
	for (unsigned i = 0; i < EDITS_MAX && input.len > 0; i++)
		edit(&input);
	live();
	memory_disk_free(&disk);
	return 0;
}
