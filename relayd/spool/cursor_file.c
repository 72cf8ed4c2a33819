/* SPDX-License-Identifier: Apache-2.0 */
/* The file of cursors: header, then two slots for each (slots.h). */
#include "base/little_endian.h"
#include "spool/slots.h"
#include "spool/spool_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

enum {
	NAME_AT = 16,
	TOTALS_AT = 136,
	SERVERS_AT = 264,
	SERVER_BYTES = SPOOL_ID_BYTES + 8,
	RULES_AT = SERVERS_AT + 8 + CURSOR_SERVERS_MAX * SERVER_BYTES,
	RULE_BYTES = 16,
	SERVER_COUNTS_AT = 2304,
	SERVER_COUNTS_BYTES = 16,
	LOST_BEFORE_AT = SERVER_COUNTS_AT + CURSOR_SERVERS_MAX * SERVER_COUNTS_BYTES,
	TOTALS = 6, /* known to this version */
};

static const char file_name[] = "cursors";

uint64_t cursors_file_bytes(void)
{
	return (uint64_t)SLOT_BYTES * (1 + 2 * CURSORS_MAX);
}

static uint64_t slot_at(unsigned place, unsigned slot)
{
	return (uint64_t)SLOT_BYTES * (1 + 2 * place + slot);
}

void cursors_init(struct spool *spool)
{
	spool->cursors.file = -1;
	for (unsigned i = 0; i < CURSORS_MAX; i++) {
		struct spool_cursor *cursor = &spool->cursors.cursor[i];
		*cursor = (struct spool_cursor){.spool = spool, .place = i};
		pthread_mutex_init(&cursor->lock, NULL);
	}
}

void cursors_close(struct spool *spool)
{
	if (spool->cursors.file >= 0)
		spool->disk->close(spool->disk, spool->cursors.file);
	spool->cursors.file = -1;
	for (unsigned i = 0; i < CURSORS_MAX; i++)
		pthread_mutex_destroy(&spool->cursors.cursor[i].lock);
}

/* ---- slots ---- */

static void slot_write(const struct spool_cursor *cursor, uint8_t *slot)
{
	if (!cursor->used) {
		memset(slot, 0, SLOT_BYTES);
		return;
	}
	size_t name_len = strlen(cursor->name);
	const struct spool_output_totals *totals = &cursor->totals;
	const uint64_t numbers[TOTALS] = {totals->delivered, totals->filtered, totals->quarantined,
	                                  totals->dropped_oldest, totals->damaged, totals->dropped_by_rule};
	slot_begin(slot, CURSOR_MAGIC, name_len, cursor->counter);
	memcpy(slot + NAME_AT, cursor->name, name_len);
	memcpy(slot + 80, cursor->stream_id, sizeof cursor->stream_id);
	le64_store(slot + 96, cursor->start);
	le64_store(slot + 104, spool_cursor_delivered(cursor));
	le64_store(slot + 112, cursor->payload_checksum);
	le64_store(slot + 120, cursor->block.segment);
	le32_store(slot + 128, cursor->block.offset);
	for (unsigned i = 0; i < TOTALS; i++)
		le64_store(slot + TOTALS_AT + 8 * i, numbers[i]);
	le32_store(slot + SERVERS_AT, cursor->servers);
	for (unsigned i = 0; i < cursor->servers; i++) {
		uint8_t *at = slot + SERVERS_AT + 8 + (size_t)SERVER_BYTES * i;
		uint8_t *counts = slot + SERVER_COUNTS_AT + (size_t)SERVER_COUNTS_BYTES * i;
		memcpy(at, cursor->server[i].spool, SPOOL_ID_BYTES);
		le64_store(at + SPOOL_ID_BYTES, cursor->server[i].sequence);
		le64_store(counts, cursor->server[i].records);
		le64_store(counts + 8, cursor->server[i].lost);
	}
	for (unsigned i = 0; i < SPOOL_DROP_RULES_MAX; i++) {
		le64_store(slot + RULES_AT + RULE_BYTES * i, totals->rule[i].id);
		le64_store(slot + RULES_AT + RULE_BYTES * i + 8, totals->rule[i].dropped);
	}
	le64_store(slot + LOST_BEFORE_AT, cursor->lost_before);
	slot_end(slot, cursor->spool->id);
}

_Static_assert(RULES_AT + SPOOL_DROP_RULES_MAX * RULE_BYTES <= SERVER_COUNTS_AT && LOST_BEFORE_AT + 8 <= SLOT_CHECKSUM_AT,
               "rules and servers fit into a slot");

static enum slot_result check(const struct spool *spool, const uint8_t *slot)
{
	enum slot_result result = slot_check(slot, CURSOR_MAGIC, spool->id);
	if (result != SLOT_VALID)
		return result;
	size_t name_len = slot_text_len(slot);
	uint64_t start = le64_load(slot + 96), delivered = le64_load(slot + 104);
	if (name_len == 0 || name_len > SPOOL_NAME_MAX_BYTES || delivered > SEQUENCE_MAX || start > delivered)
		return SLOT_DAMAGED;
	return memchr(slot + NAME_AT, '\0', name_len) == NULL ? SLOT_VALID : SLOT_DAMAGED;
}

static void slot_load(struct spool_cursor *cursor, const uint8_t *slot)
{
	uint64_t numbers[TOTALS];
	for (unsigned i = 0; i < TOTALS; i++)
		numbers[i] = le64_load(slot + TOTALS_AT + 8 * i);
	cursor->used = true;
	cursor->counter = slot_counter(slot);
	memset(cursor->name, 0, sizeof cursor->name);
	memcpy(cursor->name, slot + NAME_AT, slot_text_len(slot));
	memcpy(cursor->stream_id, slot + 80, sizeof cursor->stream_id);
	cursor->start = le64_load(slot + 96);
	atomic_store(&cursor->delivered, le64_load(slot + 104));
	cursor->payload_checksum = le64_load(slot + 112);
	cursor->block = (struct spool_place){.segment = le64_load(slot + 120), .offset = le32_load(slot + 128)};
	cursor->totals = (struct spool_output_totals){
		.delivered = numbers[0], .filtered = numbers[1], .quarantined = numbers[2], .dropped_oldest = numbers[3],
		.damaged = numbers[4], .dropped_by_rule = numbers[5]};
	for (unsigned i = 0; i < SPOOL_DROP_RULES_MAX; i++)
		cursor->totals.rule[i] = (struct spool_drop_count){.id = le64_load(slot + RULES_AT + RULE_BYTES * i),
		                                                   .dropped = le64_load(slot + RULES_AT + RULE_BYTES * i + 8)};
	cursor->servers = le32_load(slot + SERVERS_AT);
	if (cursor->servers > CURSOR_SERVERS_MAX)
		cursor->servers = CURSOR_SERVERS_MAX;
	for (unsigned i = 0; i < cursor->servers; i++) {
		const uint8_t *at = slot + SERVERS_AT + 8 + (size_t)SERVER_BYTES * i;
		const uint8_t *counts = slot + SERVER_COUNTS_AT + (size_t)SERVER_COUNTS_BYTES * i;
		memcpy(cursor->server[i].spool, at, SPOOL_ID_BYTES);
		cursor->server[i].sequence = le64_load(at + SPOOL_ID_BYTES);
		cursor->server[i].records = le64_load(counts);
		cursor->server[i].lost = le64_load(counts + 8);
	}
	cursor->lost_before = le64_load(slot + LOST_BEFORE_AT);
	cursor->written = cursor->synced = spool_cursor_delivered(cursor);
}

/* Somebody's place, but nobody knows whose: it holds everything, under a name that can be forgotten. */
static void load_lost(struct spool_cursor *cursor)
{
	cursor->used = cursor->lost = true;
	snprintf(cursor->name, sizeof cursor->name, "damaged-place-%u", cursor->place);
}

/*
 * Both slots of a place. One valid and one free is a cursor that was being born or forgotten when the power went: it is
 * still there. No power cut damages both, because one is always synced.
 */
static enum slot_result load_place(struct spool_cursor *cursor, const uint8_t *slots)
{
	const struct spool *spool = cursor->spool;
	enum slot_result found[2] = {check(spool, slots), check(spool, slots + SLOT_BYTES)};
	if (found[0] == SLOT_NEWER || found[1] == SLOT_NEWER)
		return SLOT_NEWER;
	if (found[0] == SLOT_DAMAGED && found[1] == SLOT_DAMAGED)
		load_lost(cursor);
	if (found[0] != SLOT_VALID && found[1] != SLOT_VALID)
		return SLOT_FREE;
	cursor->synced_slot = slots_holding(slots, found);
	slot_load(cursor, slots + (size_t)SLOT_BYTES * cursor->synced_slot);
	const uint8_t *older = slots + (size_t)SLOT_BYTES * (1 - cursor->synced_slot);
	if (found[1 - cursor->synced_slot] == SLOT_VALID && memcmp(older + NAME_AT, cursor->name, SPOOL_NAME_MAX_BYTES) != 0)
		memcpy(cursor->renamed_from, older + NAME_AT, SPOOL_NAME_MAX_BYTES);
	return SLOT_VALID;
}

/* ---- the file ---- */

static void header_write(const struct spool *spool, uint8_t *page)
{
	memset(page, 0, SLOT_BYTES);
	le32_store(page, CURSORS_MAGIC);
	page[4] = FORMAT_MAJOR;
	page[5] = FORMAT_MINOR;
	memcpy(page + 8, spool->id, SPOOL_ID_BYTES);
	le32_store(page + 24, CURSORS_MAX);
	le64_store(page + SLOT_CHECKSUM_AT, XXH3_64bits(page, SLOT_CHECKSUM_AT));
}

static enum cursors_result header_read(struct spool *spool, const uint8_t *page)
{
	if (le32_load(page) != CURSORS_MAGIC || le64_load(page + SLOT_CHECKSUM_AT) != XXH3_64bits(page, SLOT_CHECKSUM_AT))
		return CURSORS_MISSING;
	if (page[4] > FORMAT_MAJOR || le32_load(page + 24) > CURSORS_MAX)
		return CURSORS_NEWER;
	memcpy(spool->id, page + 8, SPOOL_ID_BYTES);
	return CURSORS_LOADED;
}

static enum cursors_result load_all(struct spool *spool, const uint8_t *file)
{
	enum cursors_result result = header_read(spool, file);
	if (result != CURSORS_LOADED)
		return result;
	for (unsigned i = 0; i < CURSORS_MAX; i++)
		if (load_place(&spool->cursors.cursor[i], file + slot_at(i, 0)) == SLOT_NEWER)
			return CURSORS_NEWER;
	return CURSORS_LOADED;
}

enum cursors_result cursors_load(struct spool *spool, int *error)
{
	const struct disk *disk = spool->disk;
	int file = disk->open(disk, spool->directory, file_name, DISK_OPEN_WRITE);
	if (file < 0) {
		*error = file;
		return file == -ENOENT ? CURSORS_MISSING : CURSORS_FAILED;
	}
	size_t len = (size_t)cursors_file_bytes();
	uint8_t *content = malloc(len);
	int64_t got = content != NULL ? disk->read(disk, file, content, len, 0) : -ENOMEM;
	enum cursors_result result = CURSORS_FAILED;
	if (got >= 0)
		result = (size_t)got == len ? load_all(spool, content) : CURSORS_MISSING;
	*error = (int)(got < 0 ? got : 0);
	free(content);
	if (result == CURSORS_LOADED)
		spool->cursors.file = file;
	else
		disk->close(disk, file);
	return result;
}

int cursors_create(struct spool *spool)
{
	size_t len = (size_t)cursors_file_bytes();
	uint8_t *content = calloc(1, len);
	if (content == NULL)
		return -ENOMEM;
	header_write(spool, content);
	int file = slots_make_file(spool, file_name, content, len, NULL);
	free(content);
	if (file < 0)
		return file;
	spool->cursors.file = file;
	return 0;
}

/* ---- writing ---- */

static int write_cursor(struct spool *spool, struct spool_cursor *cursor)
{
	uint8_t octets[SLOT_BYTES];
	pthread_mutex_lock(&cursor->lock);
	cursor->dirty = false;
	cursor->counter++;
	cursor->written = spool_cursor_delivered(cursor);
	cursor->forks_written = cursor->forks;
	slot_write(cursor, octets);
	pthread_mutex_unlock(&cursor->lock);
	struct iovec part = {.iov_base = octets, .iov_len = sizeof octets};
	return disk_write(spool->disk, spool->cursors.file, &part, 1, slot_at(cursor->place, 1 - cursor->synced_slot));
}

static bool is_dirty(struct spool_cursor *cursor)
{
	pthread_mutex_lock(&cursor->lock);
	bool dirty = cursor->dirty;
	pthread_mutex_unlock(&cursor->lock);
	return dirty;
}

int cursors_sync(struct spool *spool)
{
	bool written[CURSORS_MAX] = {false};
	bool any = false;
	for (unsigned i = 0; i < CURSORS_MAX; i++) {
		struct spool_cursor *cursor = &spool->cursors.cursor[i];
		if (!is_dirty(cursor))
			continue;
		int result = write_cursor(spool, cursor);
		if (result < 0)
			return result;
		written[i] = any = true;
	}
	int result = any ? spool->disk->sync(spool->disk, spool->cursors.file) : 0;
	if (result < 0)
		return result;
	for (unsigned i = 0; i < CURSORS_MAX; i++) {
		if (!written[i])
			continue;
		struct spool_cursor *cursor = &spool->cursors.cursor[i];
		cursor->synced_slot = 1 - cursor->synced_slot;
		cursor->synced = cursor->written;
		atomic_store_explicit(&cursor->forks_synced, cursor->forks_written, memory_order_release);
	}
	return 0;
}

uint64_t cursors_released_to(struct spool *spool)
{
	uint64_t least = UINT64_MAX;
	for (unsigned i = 0; i < CURSORS_MAX; i++) {
		const struct spool_cursor *cursor = &spool->cursors.cursor[i];
		if (cursor->used && cursor->synced < least)
			least = cursor->synced;
	}
	return least;
}

uint64_t cursors_highest(const struct spool *spool)
{
	uint64_t highest = 0;
	for (unsigned i = 0; i < CURSORS_MAX; i++) {
		const struct spool_cursor *cursor = &spool->cursors.cursor[i];
		if (cursor->used && spool_cursor_delivered(cursor) > highest)
			highest = spool_cursor_delivered(cursor);
	}
	return highest;
}
