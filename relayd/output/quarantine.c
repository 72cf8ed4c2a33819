/* SPDX-License-Identifier: Apache-2.0 */
#include "output/quarantine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "spool/block.h"
#include "spool/segment.h"
#include "spool/segment_walk.h"

struct quarantine {
	const struct disk *disk;
	char *spool_path;
	char *output;
	char *path;          /* of the file, for people */
	uint64_t max_size;
	int file;            /* -1: not open yet */
	uint64_t salt;
	uint64_t end;        /* where the next block goes */
	bool broken;         /* a sync failed: nobody knows what is on the disk */
};

struct quarantine *quarantine_open(const char *spool_path, const char *output, uint64_t max_size_bytes)
{
	struct quarantine *quarantine = calloc(1, sizeof *quarantine);
	if (quarantine == NULL)
		return NULL;
	quarantine->disk = &disk_real;
	quarantine->file = -1;
	quarantine->max_size = max_size_bytes;
	quarantine->output = strdup(output);
	if (asprintf(&quarantine->spool_path, "%s/quarantine", spool_path) < 0)
		quarantine->spool_path = NULL;
	if (asprintf(&quarantine->path, "%s/quarantine/%s", spool_path, output) < 0)
		quarantine->path = NULL;
	if (quarantine->output == NULL || quarantine->spool_path == NULL || quarantine->path == NULL)
		quarantine_close(&quarantine);
	return quarantine;
}

void quarantine_close(struct quarantine **closing)
{
	struct quarantine *quarantine = *closing;
	if (quarantine == NULL)
		return;
	*closing = NULL;
	if (quarantine->file >= 0)
		quarantine->disk->close(quarantine->disk, quarantine->file);
	free(quarantine->spool_path);
	free(quarantine->output);
	free(quarantine->path);
	free(quarantine);
}

const char *quarantine_path(const struct quarantine *quarantine)
{
	return quarantine->path;
}

/* ---- the file ---- */

/* Header, synced under its name: 0 or a negative errno. */
static int begin_file(struct quarantine *quarantine, int directory)
{
	const struct disk *disk = quarantine->disk;
	uint8_t octets[SEGMENT_HEADER_BYTES];
	struct segment_header header = {.counter = 1, .first = 1, .begun_ns = clock_wall_ns()};
	if (getrandom(&header.salt, sizeof header.salt, 0) != (ssize_t)sizeof header.salt)
		return -EIO;
	int file = disk->open(disk, directory, quarantine->output, DISK_OPEN_CREATE);
	if (file < 0)
		return file;
	segment_header_write(&header, octets);
	struct iovec part = {.iov_base = octets, .iov_len = sizeof octets};
	int result = disk_write(disk, file, &part, 1, 0);
	if (result == 0)
		result = disk->sync(disk, file);
	if (result == 0)
		result = disk->sync_directory(disk, directory);
	if (result < 0) {
		/* What is no file of ours must not be in the way of the next attempt. */
		disk->close(disk, file);
		disk->unlink(disk, directory, quarantine->output);
		return result;
	}
	quarantine->file = file;
	quarantine->salt = header.salt;
	quarantine->end = SEGMENT_HEADER_BYTES;
	return 0;
}

/* Finds the end of what is there: behind the last valid block. A write that was interrupted is cut off. */
static int find_end(struct quarantine *quarantine, int64_t size)
{
	const struct disk *disk = quarantine->disk;
	uint8_t octets[SEGMENT_HEADER_BYTES];
	struct segment_header header;
	struct block_header block;
	int64_t got = disk->read(disk, quarantine->file, octets, sizeof octets, 0);
	if (got < 0)
		return (int)got;
	if (segment_header_read(bytes_of(octets, (size_t)got), &header) != SEGMENT_HEADER_VALID)
		return -EILSEQ;
	struct segment_walk walk = {.disk = disk};
	walk_start(&walk, quarantine->file, header.salt, SEGMENT_HEADER_BYTES, (uint64_t)size);
	enum walk_result result;
	uint64_t end = SEGMENT_HEADER_BYTES;
	/* A damaged place in the middle must not take what lies behind it with it. */
	while ((result = walk_look(&walk, &block)) == WALK_BLOCK || result == WALK_INVALID) {
		if (result == WALK_INVALID && (result = walk_search(&walk, &block)) != WALK_BLOCK)
			break;
		walk_pass(&walk, &block);
		end = walk.offset;
	}
	walk_free(&walk);
	if (result == WALK_NEWER || result == WALK_FAILED)
		return result == WALK_NEWER ? -ENOTSUP : walk.error;
	quarantine->salt = header.salt;
	quarantine->end = end;
	return disk->truncate(disk, quarantine->file, end);
}

static int open_in(struct quarantine *quarantine, int directory)
{
	const struct disk *disk = quarantine->disk;
	int64_t size = disk->size(disk, directory, quarantine->output);
	if (size == -ENOENT)
		return begin_file(quarantine, directory);
	if (size < 0)
		return (int)size;
	quarantine->file = disk->open(disk, directory, quarantine->output, DISK_OPEN_WRITE);
	if (quarantine->file < 0)
		return quarantine->file;
	int result = find_end(quarantine, size);
	if (result < 0) {
		disk->close(disk, quarantine->file);
		quarantine->file = -1;
	}
	return result;
}

static int open_file(struct quarantine *quarantine)
{
	const struct disk *disk = quarantine->disk;
	if (quarantine->file >= 0)
		return 0;
	int directory = disk->open_directory(disk, quarantine->spool_path);
	if (directory < 0)
		return directory;
	int result = open_in(quarantine, directory);
	disk->close(disk, directory);
	return result;
}

/* ---- messages ---- */

/* The record alone in a block of its own. False if memory is short. */
static bool make_block(const struct quarantine *quarantine, uint64_t sequence, const struct envelope *envelope,
                       struct spool_block *block)
{
	struct envelope_context context;
	uint8_t packed[ENVELOPE_PACKED_MAX_BYTES];
	envelope_context_start(&context, envelope->received_ns);
	size_t envelope_len = envelope_pack(&context, envelope, packed);
	size_t len = envelope_len + envelope->raw.len;
	uint64_t room = len + 16; /* its length before it */
	if (room > BLOCK_PAYLOAD_MAX_BYTES)
		return false;
	*block = (struct spool_block){.memory = calloc(1, (size_t)block_memory_bytes((uint32_t)room)), .room = (uint32_t)room};
	if (block->memory == NULL)
		return false;
	block_start(block, envelope->input, envelope->received_ns);
	uint8_t *at = spool_block_reserve(block, len);
	assert(at != NULL);
	memcpy(at, packed, envelope_len);
	if (envelope->raw.len > 0)
		memcpy(at + envelope_len, envelope->raw.at, envelope->raw.len);
	spool_block_commit(block, len);
	block_seal(block, NULL, NULL);
	/* All before it is on the disk: so a damaged place between two of them is seen as one. */
	block->header.first = block->header.last = sequence;
	block->header.synced = sequence - 1;
	block_header_write(&block->header, quarantine->salt, block->memory);
	return true;
}

static int append(struct quarantine *quarantine, const struct spool_block *block)
{
	const struct disk *disk = quarantine->disk;
	struct bytes octets = block_octets(block);
	struct iovec part = {.iov_base = block->memory, .iov_len = octets.len};
	int result = disk_write(disk, quarantine->file, &part, 1, quarantine->end);
	if (result < 0)
		return result; /* the next one is written over it */
	result = disk->sync(disk, quarantine->file);
	quarantine->broken = result < 0;
	if (result == 0)
		quarantine->end += octets.len;
	return result;
}

static enum quarantine_result failed(const struct quarantine *quarantine, int result, char *error)
{
	snprintf(error, QUARANTINE_ERROR_MAX_BYTES, "%s: %s", quarantine->path,
	         result == -EILSEQ ? "is no quarantine of relayd's" : strerror(-result));
	return QUARANTINE_FAILED;
}

enum quarantine_result quarantine_put(struct quarantine *quarantine, uint64_t sequence, const struct envelope *envelope,
                                      char *error)
{
	struct spool_block block;
	if (quarantine->broken) {
		snprintf(error, QUARANTINE_ERROR_MAX_BYTES, "%s: a sync failed; it is used again after the next start",
		         quarantine->path);
		return QUARANTINE_FAILED;
	}
	int result = open_file(quarantine);
	if (result < 0)
		return failed(quarantine, result, error);
	if (!make_block(quarantine, sequence, envelope, &block))
		return failed(quarantine, -ENOMEM, error);
	bool full = quarantine->end + block_octets(&block).len > quarantine->max_size;
	if (full)
		snprintf(error, QUARANTINE_ERROR_MAX_BYTES, "%s: is full", quarantine->path);
	else
		result = append(quarantine, &block);
	free(block.memory);
	if (full)
		return QUARANTINE_FULL;
	return result == 0 ? QUARANTINE_DONE : failed(quarantine, result, error);
}
