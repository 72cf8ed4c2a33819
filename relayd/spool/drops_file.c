/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of rules: two slots for each, as with cursors. A full disk is when an operator wants to drop something, and does
 * not stop it.
 */
#include "base/little_endian.h"
#include "spool/slots.h"
#include "spool/spool_internal.h"

#include <errno.h>
#include <liblog/slog.h>
#include <stdlib.h>

enum {
	NAME_AT = 48,
	FILTER_AT = 112,
};

_Static_assert(FILTER_AT + DROP_FILTER_MAX_BYTES <= SLOT_CHECKSUM_AT, "a filter fits into a slot");
_Static_assert(NAME_AT + SPOOL_NAME_MAX_BYTES <= FILTER_AT, "a name fits before it");

static const char file_name[] = "drops";

uint64_t drops_file_bytes(void)
{
	return (uint64_t)SLOT_BYTES * 2 * SPOOL_DROP_RULES_MAX;
}

static uint64_t slot_at(size_t place, unsigned slot)
{
	return (uint64_t)SLOT_BYTES * (2 * place + slot);
}

static size_t index_of(const struct spool *spool, const struct drop_place *place)
{
	return (size_t)(place - spool->drops.place);
}

/* ---- a slot ---- */

static void slot_write(const struct spool *spool, const struct spool_drop_rule *rule, uint64_t counter, uint8_t *slot)
{
	size_t filter_len = strlen(rule->filter);
	slot_begin(slot, DROP_MAGIC, filter_len, counter);
	le64_store(slot + 16, rule->id);
	le64_store(slot + 24, rule->to);
	le64_store(slot + 32, (uint64_t)rule->made_ns);
	le32_store(slot + 40, rule->uid);
	memcpy(slot + NAME_AT, rule->output, strlen(rule->output));
	memcpy(slot + FILTER_AT, rule->filter, filter_len);
	slot_end(slot, spool->id);
}

static enum slot_result check(const struct spool *spool, const uint8_t *slot)
{
	enum slot_result result = slot_check(slot, DROP_MAGIC, spool->id);
	if (result != SLOT_VALID)
		return result;
	size_t filter_len = slot_text_len(slot);
	uint64_t id = le64_load(slot + 16), to = le64_load(slot + 24);
	if (filter_len == 0 || filter_len > DROP_FILTER_MAX_BYTES || memchr(slot + FILTER_AT, '\0', filter_len) != NULL)
		return SLOT_DAMAGED;
	return id > 0 && id <= SEQUENCE_MAX && to <= SEQUENCE_MAX ? SLOT_VALID : SLOT_DAMAGED;
}

static void slot_load(struct drop_place *place, const uint8_t *slot)
{
	struct spool_drop_rule *rule = &place->rule;
	*rule = (struct spool_drop_rule){
		.id = le64_load(slot + 16),
		.to = le64_load(slot + 24),
		.made_ns = (int64_t)le64_load(slot + 32),
		.uid = le32_load(slot + 40),
	};
	memcpy(rule->output, slot + NAME_AT, SPOOL_NAME_MAX_BYTES);
	memcpy(rule->filter, slot + FILTER_AT, slot_text_len(slot));
	place->counter = slot_counter(slot);
	place->state = DROP_VALID;
}

/*
 * Both slots of a place. A damaged one beside a free one is a rule that was being made when the power went: nobody was told
 * that it is there. False if a newer version wrote one.
 */
static bool load_place(const struct spool *spool, struct drop_place *place, const uint8_t *slots)
{
	enum slot_result found[2] = {check(spool, slots), check(spool, slots + SLOT_BYTES)};
	if (found[0] == SLOT_NEWER || found[1] == SLOT_NEWER)
		return false;
	unsigned holding = slots_holding(slots, found);
	place->synced_slot = holding;
	if (found[holding] == SLOT_VALID)
		slot_load(place, slots + (size_t)SLOT_BYTES * holding);
	else if (found[0] == SLOT_DAMAGED || found[1] == SLOT_DAMAGED)
		slog_warning("spool_drop_rule_damaged", "path", spool->path, "place", index_of(spool, place), "message",
		             "a rule of \"relayctl spool drop\" cannot be read: what it would have dropped is delivered");
	return true;
}

/* ---- the file ---- */

/* A count that a cursor keeps of a rule that is gone must never be taken for that of another one. */
static uint64_t highest_id(const struct spool *spool)
{
	uint64_t highest = 0;
	for (unsigned i = 0; i < SPOOL_DROP_RULES_MAX; i++) {
		if (spool->drops.place[i].state == DROP_VALID && spool->drops.place[i].rule.id > highest)
			highest = spool->drops.place[i].rule.id;
		for (unsigned c = 0; c < CURSORS_MAX; c++)
			if (spool->cursors.cursor[c].totals.rule[i].id > highest)
				highest = spool->cursors.cursor[c].totals.rule[i].id;
	}
	return highest;
}

static int load_all(struct spool *spool, const uint8_t *content)
{
	struct drops *drops = &spool->drops;
	for (unsigned i = 0; i < SPOOL_DROP_RULES_MAX; i++) {
		if (!load_place(spool, &drops->place[i], content + slot_at(i, 0)))
			return -ENOTSUP;
		atomic_fetch_add(&drops->count, drops->place[i].state == DROP_VALID ? 1 : 0);
	}
	return 0;
}

int drops_load(struct spool *spool)
{
	const struct disk *disk = spool->disk;
	struct drops *drops = &spool->drops;
	size_t len = (size_t)drops_file_bytes();
	int file = disk->open(disk, spool->directory, file_name, DISK_OPEN_WRITE);
	if (file >= 0) {
		/* What is cut off are slots that nobody can read: as if they were free. */
		uint8_t *content = calloc(1, len);
		int64_t got = content != NULL ? disk->read(disk, file, content, len, 0) : -ENOMEM;
		int result = got >= 0 ? load_all(spool, content) : (int)got;
		free(content);
		drops->file = file;
		if (result < 0)
			return result;
	}
	drops->next_id = highest_id(spool) + 1;
	return file >= 0 || file == -ENOENT ? 0 : file;
}

int drops_create(struct spool *spool, int (*give)(const struct spool *spool, int file))
{
	if (spool->drops.file >= 0)
		return 0;
	size_t len = (size_t)drops_file_bytes();
	uint8_t *content = calloc(1, len);
	int file = content != NULL ? slots_make_file(spool, file_name, content, len, give) : -ENOMEM;
	free(content);
	if (file < 0)
		return file;
	spool->drops.file = file;
	return 0;
}

/* ---- writing ---- */

static int write_slot(struct spool *spool, uint64_t at, uint8_t *octets)
{
	struct iovec part = {.iov_base = octets, .iov_len = SLOT_BYTES};
	int result = disk_write(spool->disk, spool->drops.file, &part, 1, at);
	return result < 0 ? result : spool->disk->sync(spool->disk, spool->drops.file);
}

int drops_write(struct spool *spool, struct drop_place *place, const struct spool_drop_rule *rule)
{
	uint8_t octets[SLOT_BYTES];
	unsigned slot = 1 - place->synced_slot;
	slot_write(spool, rule, place->counter + 1, octets);
	int result = write_slot(spool, slot_at(index_of(spool, place), slot), octets);
	if (result < 0)
		return result;
	place->counter++;
	place->synced_slot = slot;
	return 0;
}

int drops_erase(struct spool *spool, struct drop_place *place)
{
	/* The older slot first: it must not come back as the rule that it once was. */
	uint8_t zeros[SLOT_BYTES] = {0};
	int result = write_slot(spool, slot_at(index_of(spool, place), 1 - place->synced_slot), zeros);
	return result < 0 ? result : write_slot(spool, slot_at(index_of(spool, place), place->synced_slot), zeros);
}
