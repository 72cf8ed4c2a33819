/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk in memory for the spool (spool/disk.h), which does to files what power cuts, full and failing disks do:
 *
 *   - It remembers what is synced. A power cut takes back what is not: all of it, none, or sector by sector as a random
 *     number or the test says, so that writes are torn and reordered. Names (creation, rename, unlink) and sizes are
 *     forgotten likewise until they are synced.
 *   - The nth operation that changes something fails with an error, or is a short write.
 *   - At the nth operation the power goes: that operation has an effect that is not synced, and from then on all
 *     operations fail and change nothing, until memory_disk_power_cut() or memory_disk_kill().
 *   - After a failed sync the pages read as written and count as clean, but the disk does not have them (as in Linux).
 *
 * One directory, whatever its path. Any thread may use it.
 */
#ifndef TESTS_SUPPORT_MEMORY_DISK_H
#define TESTS_SUPPORT_MEMORY_DISK_H

#include "spool/disk.h"

#include <pthread.h>
#include <stdbool.h>

enum {
	MEMORY_DISK_SECTOR_BYTES = 512,
	MEMORY_DISK_NAMES_MAX = 128,
	MEMORY_DISK_HANDLES_MAX = 64,
	MEMORY_DISK_CHANGES_MAX = 256, /* of names, not yet synced */
};

struct memory_file;

struct memory_name {
	char name[DISK_NAME_MAX_BYTES]; /* "" for a free place */
	struct memory_file *file;
};

/* A change of names: `from` empty is a creation, `to` empty an unlink. */
struct memory_change {
	char from[DISK_NAME_MAX_BYTES];
	char to[DISK_NAME_MAX_BYTES];
	struct memory_file *file;
	uint64_t stamp;
};

/* Which operations a fault is meant for. */
enum memory_disk_op {
	MEMORY_DISK_WRITE = 1,
	MEMORY_DISK_SYNC = 2,
	MEMORY_DISK_NAME = 4,  /* create, rename, unlink */
	MEMORY_DISK_SPACE = 8, /* allocate, truncate */
	MEMORY_DISK_ANY = 15,
};

struct memory_disk {
	struct disk disk; /* what the spool gets */
	pthread_mutex_t lock;
	struct memory_name name[MEMORY_DISK_NAMES_MAX];   /* as programs see it */
	struct memory_name synced[MEMORY_DISK_NAMES_MAX]; /* as the disk has it */
	struct memory_change change[MEMORY_DISK_CHANGES_MAX];
	unsigned changes;
	struct memory_file *handle[MEMORY_DISK_HANDLES_MAX]; /* NULL: free */
	struct memory_file *files;                        /* all of them */
	struct memory_file *directory;                    /* stands for the directory's handle */
	uint64_t stamps;                                  /* given so far: what changes has the next one */
	bool locked;                                      /* the lock file is taken */
	int lock_handle;

	/* Set by the test. */
	uint64_t capacity;       /* octets that files may have together; 0: no limit */
	unsigned fault_ops;      /* enum memory_disk_op, which operations are counted */
	uint64_t fail_at;        /* this operation (1 is the first) fails; 0: none */
	unsigned fail_count;     /* so many operations from there on; 0 counts as 1 */
	int fail_error;          /* with this negative errno; 0: a short write */
	uint64_t cut_at;         /* at this one the power goes; 0: never */
	uint64_t unreadable_from;/* reads of a segment's octets behind it fail; 0: none */

	uint64_t operations;     /* counted so far */
	bool off;                /* the power is gone */
	uint64_t syncs;
};

void memory_disk_init(struct memory_disk *disk);
void memory_disk_free(struct memory_disk *disk);

/* Sets no faults and counts from zero. */
void memory_disk_heal(struct memory_disk *disk);

enum memory_disk_keep {
	MEMORY_DISK_KEEP_NONE = 0,   /* nothing that was not synced */
	MEMORY_DISK_KEEP_ALL = 1,
	MEMORY_DISK_KEEP_RANDOM = 2, /* each sector and each name by itself */
};

/* The power comes back: handles are gone, and of what was not synced as much is there as `keep` says. No faults. */
void memory_disk_power_cut(struct memory_disk *disk, enum memory_disk_keep keep, uint64_t seed);

/* What is not synced, each thing by itself: a sector with other octets than the disk has, a name, a size. */
enum memory_disk_pick {
	MEMORY_DISK_PICK_FIRST = 0,   /* what came first: the rest was torn off */
	MEMORY_DISK_PICK_ALL_BUT = 1, /* all but one */
	MEMORY_DISK_PICK_ONLY = 2,    /* only one: everything else came after it on the way to the disk */
};

/* How many such things there are. */
unsigned memory_disk_unsynced(const struct memory_disk *disk);

/* As memory_disk_power_cut(), with the first `n` of them, all but number `n`, or only number `n` (0 is the first). */
void memory_disk_power_cut_picking(struct memory_disk *disk, enum memory_disk_pick pick, unsigned n);

/* Makes `copy`, which holds nothing yet, a disk with the same content, synced and not. It has no handles and no faults. */
void memory_disk_copy(struct memory_disk *copy, const struct memory_disk *from);

/* The process was killed and the machine goes on: handles are gone, everything else is as programs saw it. No faults. */
void memory_disk_kill(struct memory_disk *disk);

/* The name of the n-th file that starts with `prefix`, in the order of names; NULL if there are not so many. */
const char *memory_disk_find(struct memory_disk *disk, const char *prefix, unsigned n);

/* Lends the file's octets, to look at or to damage; NULL if there is none. Synced and unsynced alike are changed. */
uint8_t *memory_disk_octets(struct memory_disk *disk, const char *name, uint64_t *size);

/* Makes what was written to `octets` (from memory_disk_octets) durable. */
void memory_disk_settle(struct memory_disk *disk, const char *name);

#endif
