/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the disk in memory (memory_disk.h) share. The caller has the disk's lock, or is alone with the disk. */
#ifndef TESTS_SUPPORT_MEMORY_DISK_INTERNAL_H
#define TESTS_SUPPORT_MEMORY_DISK_INTERNAL_H

#include "support/memory_disk.h"

struct memory_file {
	struct memory_file *next;
	uint8_t *octets;      /* as programs see it */
	uint8_t *synced;      /* as the disk has it */
	uint64_t *dirty;      /* stamps of sectors written and not yet synced; 0: clean */
	uint64_t size;
	uint64_t synced_size;
	uint64_t size_stamp;  /* of its last change */
	uint64_t room;        /* of the arrays */
	uint64_t used;        /* the most that ever was asked for: behind it there are zeros */
	struct memory_file *copy; /* while the disk is copied */
};

/* Memory that was asked for; there is no test without it. */
void *memory_must(void *memory);

/* An empty file of the disk, without a name. It goes with the next memory_disk_collect() if nothing refers to it then. */
struct memory_file *memory_file_new(struct memory_disk *disk);

/* Room for so many octets; what is new are zeros. */
void memory_file_make_room(struct memory_file *file, uint64_t room);

/* A sync's end: all sectors are clean. A sync that failed makes them clean too, and leaves the disk as it was. */
void memory_file_settle(struct memory_file *file, bool reaches_disk);

/* The place of that name, "" for a free one; NULL if there is none. */
struct memory_name *memory_names_find(struct memory_name *names, const char *name);

/* Makes the change, unless it needs one that never happened. */
void memory_names_apply(struct memory_name *names, const struct memory_change *change);

/* Makes a change as programs see it, and notes it as not synced. */
void memory_disk_change_names(struct memory_disk *disk, const char *from, const char *to, struct memory_file *file);

/* Gives back files that neither names nor changes nor handles refer to. */
void memory_disk_collect(struct memory_disk *disk);

#endif
