/* SPDX-License-Identifier: Apache-2.0 */
/* The struct behind spool_files.h, for the list of files and the walk through them. */
#ifndef RELAYD_SPOOL_SPOOL_FILES_INTERNAL_H
#define RELAYD_SPOOL_SPOOL_FILES_INTERNAL_H

#include "spool/spool_files.h"
#include "spool/spool_internal.h"

struct spool_files {
	struct disk disk;               /* the operating system's, reading only */
	struct spool spool;             /* of it: path, directory, disk, cursors, and the ledger for its names */
	enum cursors_result cursors;
	int cursors_error;              /* of CURSORS_FAILED */
	struct spool_files_segment *segments;
	unsigned count, room;
	uint64_t spare_bytes;
	unsigned set_aside;
	uint64_t last;
	char *file;                     /* of spool_files_open_file(): its name; else NULL */
};

/* Opens a segment for reading: a handle or a negative errno. */
int spool_files_open_segment(const struct spool_files *files, const struct spool_files_segment *segment);


#endif
