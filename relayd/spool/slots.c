/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/slots.h"

#include "base/little_endian.h"
#include "spool/spool_internal.h"

#include <errno.h>
#include <stdio.h>
#include <xxhash.h>

enum {
	TEXT_LEN_AT = 6,
	COUNTER_AT = 8,
};

/* ---- a slot ---- */

static uint64_t checksum_of(const uint8_t *slot, const uint8_t *spool_id)
{
	return XXH3_64bits_withSeed(slot, SLOT_CHECKSUM_AT, le64_load(spool_id));
}

void slot_begin(uint8_t *slot, uint32_t magic, size_t text_len, uint64_t counter)
{
	memset(slot, 0, SLOT_BYTES);
	le32_store(slot, magic);
	slot[4] = FORMAT_MAJOR;
	slot[5] = FORMAT_MINOR;
	le16_store(slot + TEXT_LEN_AT, (uint16_t)text_len);
	le64_store(slot + COUNTER_AT, counter);
}

void slot_end(uint8_t *slot, const uint8_t *spool_id)
{
	le64_store(slot + SLOT_CHECKSUM_AT, checksum_of(slot, spool_id));
}

enum slot_result slot_check(const uint8_t *slot, uint32_t magic, const uint8_t *spool_id)
{
	static const uint8_t zeros[SLOT_BYTES];
	if (memcmp(slot, zeros, SLOT_BYTES) == 0)
		return SLOT_FREE;
	if (le32_load(slot) != magic || le64_load(slot + SLOT_CHECKSUM_AT) != checksum_of(slot, spool_id))
		return SLOT_DAMAGED;
	if (slot[4] > FORMAT_MAJOR)
		return SLOT_NEWER;
	return slot[4] == FORMAT_MAJOR && slot_counter(slot) <= SEQUENCE_MAX ? SLOT_VALID : SLOT_DAMAGED;
}

size_t slot_text_len(const uint8_t *slot)
{
	return le16_load(slot + TEXT_LEN_AT);
}

uint64_t slot_counter(const uint8_t *slot)
{
	return le64_load(slot + COUNTER_AT);
}

unsigned slots_holding(const uint8_t *slots, const enum slot_result found[2])
{
	if (found[0] != SLOT_VALID)
		return 1;
	return found[1] == SLOT_VALID && slot_counter(slots + SLOT_BYTES) > slot_counter(slots);
}

/* ---- the file ---- */

static int fill(const struct spool *spool, int file, const uint8_t *content, size_t len)
{
	struct iovec part = {.iov_base = (void *)(uintptr_t)content, .iov_len = len};
	int result = disk_write(spool->disk, file, &part, 1, 0);
	return result < 0 ? result : spool->disk->sync(spool->disk, file);
}

int slots_make_file(const struct spool *spool, const char *name, const uint8_t *content, size_t len,
                    int (*give)(const struct spool *spool, int file))
{
	const struct disk *disk = spool->disk;
	char new_name[DISK_NAME_MAX_BYTES];
	snprintf(new_name, sizeof new_name, "%s.new", name);
	int result = disk->unlink(disk, spool->directory, new_name); /* of a creation that was interrupted */
	if (result < 0 && result != -ENOENT)
		return result;
	int file = disk->open(disk, spool->directory, new_name, DISK_OPEN_CREATE);
	if (file < 0)
		return file;
	result = give != NULL ? give(spool, file) : 0;
	if (result == 0)
		result = fill(spool, file, content, len);
	if (result == 0)
		result = disk->rename(disk, spool->directory, new_name, name);
	if (result == 0)
		result = disk->sync_directory(disk, spool->directory);
	if (result == 0)
		return file;
	disk->close(disk, file);
	disk->unlink(disk, spool->directory, new_name); /* it takes room, and helps nobody */
	return result;
}
