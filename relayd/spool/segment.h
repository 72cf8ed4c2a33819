/* SPDX-License-Identifier: Apache-2.0 */
/* Segment files by themselves: their names, and their header between octets and struct (spool_format.h). */
#ifndef RELAYD_SPOOL_SEGMENT_H
#define RELAYD_SPOOL_SEGMENT_H

#include "base/bytes.h"
#include "spool/disk.h"
#include "spool/spool_format.h"

struct segment_header {
	uint64_t counter;
	uint8_t spool_id[SPOOL_ID_BYTES];
	uint64_t salt;
	uint64_t first;
	uint64_t previous_last; /* last sequence stored before; between it and `first` lie sequences never used */
	int64_t begun_ns;
};

/* Writes SEGMENT_HEADER_BYTES to `out`. */
void segment_header_write(const struct segment_header *header, uint8_t *out);

enum segment_header_result {
	SEGMENT_HEADER_VALID = 0,
	SEGMENT_HEADER_INVALID = 1,
	SEGMENT_HEADER_NEWER = 2, /* a higher major version wrote it */
};

/* Reads the header at the start of `octets`, its checksum included; `*header` is set only if it is valid. */
enum segment_header_result segment_header_read(struct bytes octets, struct segment_header *header);

/*
 * Reads the header of the file, and takes it as valid only if it is the one that the file's name promises: others were
 * copied or are damaged. `*error` is 0, or the negative errno of a read that failed; then it is not valid.
 */
enum segment_header_result segment_header_load(const struct disk *disk, int file, uint64_t counter, uint64_t first,
                                               struct segment_header *header, int *error);

/*
 * Names; `name` has DISK_NAME_MAX_BYTES. Parsing is false for any other name, for numbers written otherwise, and for those
 * that no spool comes to (SEQUENCE_MAX).
 */
void segment_name(uint64_t counter, uint64_t first, char *name);
bool segment_name_parse(const char *name, uint64_t *counter, uint64_t *first);
void segment_spare_name(uint64_t number, char *name);
bool segment_spare_name_parse(const char *name, uint64_t *number);
void segment_damaged_name(uint64_t counter, uint64_t offset, char *name);
bool segment_damaged_name_parse(const char *name, uint64_t *counter, uint64_t *offset);
/* Of a whole segment that was set aside. */
void segment_aside_name(uint64_t counter, uint64_t first, char *name);
bool segment_aside_name_parse(const char *name, uint64_t *counter, uint64_t *first);

#endif
