/* SPDX-License-Identifier: Apache-2.0 */
/* Power cuts of a disk in memory: of what is not synced so much is kept as the test says, thing by thing. */
#include "support/memory_disk_internal.h"

#include <stdlib.h>
#include <string.h>

/* A well-mixed number from a counter (splitmix64). */
static uint64_t mix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* Says whether a thing with that stamp is on the disk. */
struct choice {
	bool (*keeps)(struct choice *choice, uint64_t stamp);
	enum memory_disk_keep keep;
	uint64_t random;
	enum memory_disk_pick pick;
	uint64_t stamp;
};

static bool keeps_by_keep(struct choice *choice, uint64_t stamp)
{
	(void)stamp;
	if (choice->keep == MEMORY_DISK_KEEP_RANDOM)
		return mix(&choice->random) % 2 == 0;
	return choice->keep == MEMORY_DISK_KEEP_ALL;
}

static bool keeps_picked(struct choice *choice, uint64_t stamp)
{
	switch (choice->pick) {
	case MEMORY_DISK_PICK_FIRST:
		return stamp < choice->stamp;
	case MEMORY_DISK_PICK_ALL_BUT:
		return stamp != choice->stamp;
	case MEMORY_DISK_PICK_ONLY:
		return stamp == choice->stamp;
	}
	return false;
}

static void cut_file(struct memory_file *file, struct choice *choice)
{
	uint64_t size = choice->keeps(choice, file->size_stamp) ? file->size : file->synced_size;
	for (uint64_t at = 0; at * MEMORY_DISK_SECTOR_BYTES < file->used; at++) {
		uint64_t offset = at * MEMORY_DISK_SECTOR_BYTES;
		/* What is clean but was never synced is what a failed sync gave up: the disk does not have it. */
		if (file->dirty[at] != 0 && choice->keeps(choice, file->dirty[at]))
			memcpy(file->synced + offset, file->octets + offset, MEMORY_DISK_SECTOR_BYTES);
		file->dirty[at] = 0;
	}
	if (file->used > size)
		memset(file->synced + size, 0, file->used - size);
	if (file->used > 0)
		memcpy(file->octets, file->synced, file->used);
	file->size = file->synced_size = size;
}

static void cut(struct memory_disk *disk, struct choice *choice)
{
	for (unsigned i = 0; i < disk->changes; i++)
		if (choice->keeps(choice, disk->change[i].stamp))
			memory_names_apply(disk->synced, &disk->change[i]);
	disk->changes = 0;
	memcpy(disk->name, disk->synced, sizeof disk->name);
	memory_disk_kill(disk);
	for (struct memory_file *file = disk->files; file != NULL; file = file->next)
		cut_file(file, choice);
}

void memory_disk_power_cut(struct memory_disk *disk, enum memory_disk_keep keep, uint64_t seed)
{
	struct choice choice = {.keeps = keeps_by_keep, .keep = keep, .random = seed};
	cut(disk, &choice);
}

/* Notes the stamps of what is not synced in `stamps`, which may be NULL, and returns how many there are. */
static unsigned unsynced(const struct memory_disk *disk, uint64_t *stamps)
{
	unsigned count = 0;
	for (unsigned i = 0; i < disk->changes; i++, count++)
		if (stamps != NULL)
			stamps[count] = disk->change[i].stamp;
	for (const struct memory_file *file = disk->files; file != NULL; file = file->next) {
		if (file->size != file->synced_size) {
			if (stamps != NULL)
				stamps[count] = file->size_stamp;
			count++;
		}
		for (uint64_t at = 0; at * MEMORY_DISK_SECTOR_BYTES < file->used; at++) {
			uint64_t offset = at * MEMORY_DISK_SECTOR_BYTES;
			if (file->dirty[at] == 0 || memcmp(file->octets + offset, file->synced + offset, MEMORY_DISK_SECTOR_BYTES) == 0)
				continue;
			if (stamps != NULL)
				stamps[count] = file->dirty[at];
			count++;
		}
	}
	return count;
}

unsigned memory_disk_unsynced(const struct memory_disk *disk)
{
	return unsynced(disk, NULL);
}

static int by_stamp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

void memory_disk_power_cut_picking(struct memory_disk *disk, enum memory_disk_pick pick, unsigned n)
{
	unsigned count = unsynced(disk, NULL);
	uint64_t *stamps = memory_must(calloc(count + 1, sizeof *stamps));
	unsynced(disk, stamps);
	qsort(stamps, count, sizeof *stamps, by_stamp);
	struct choice choice = {.keeps = keeps_picked, .pick = pick, .stamp = n < count ? stamps[n] : UINT64_MAX};
	free(stamps);
	cut(disk, &choice);
}
