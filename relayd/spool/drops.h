/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of rules (spool_format.h, DROPS) and the rules in memory, for the files of this folder. What rules are is said in
 * spool_drops.h.
 *
 * Threads: adding is for one thread at a time, removing for the keeper; the lock is between these two and those who look.
 * It is not held while the disk is busy: a place that is being written is not free, and not valid either.
 */
#ifndef RELAYD_SPOOL_DROPS_H
#define RELAYD_SPOOL_DROPS_H

#include "spool/disk.h"
#include "spool/spool_drops.h"
#include "spool/spool_format.h"

#include <pthread.h>
#include <stdatomic.h>

_Static_assert((int)DROP_RULES_MAX == (int)SPOOL_DROP_RULES_MAX, "the format has as many places as the interface promises");
_Static_assert((int)DROP_FILTER_MAX_BYTES == (int)SPOOL_DROP_FILTER_MAX_BYTES, "and as long filters");

enum drop_state {
	DROP_FREE = 0,
	DROP_BUSY = 1,  /* on its way to the disk, or from there */
	DROP_VALID = 2,
};

struct drop_place {
	enum drop_state state;
	struct spool_drop_rule rule;
	uint64_t counter;     /* of the slot written last */
	unsigned synced_slot; /* 0 or 1: the one that must not be overwritten */
};

struct drops {
	int file;             /* -1: not open */
	pthread_mutex_t lock;
	struct drop_place place[SPOOL_DROP_RULES_MAX];
	uint64_t next_id;
	_Atomic uint64_t version;
	_Atomic unsigned count; /* of rules */
};

void drops_init(struct drops *drops);

/* Closes the file. The rules are gone. */
void drops_close(struct spool *spool);

/* Size of the file. */
uint64_t drops_file_bytes(void);

/*
 * Opens the file, if it is there, and reads the rules; ids go on behind those that cursors remember. 0, a negative errno, or
 * -ENOTSUP if a newer version wrote it. A damaged rule is none, and said. Behind cursors_load().
 */
int drops_load(struct spool *spool);

/* Makes the file if it was not there; `give` as in slots_make_file(). 0 or a negative errno. */
int drops_create(struct spool *spool, int (*give)(const struct spool *spool, int file));

/*
 * For a spool that is not running yet: lowers rules that go beyond `last`, and removes those of outputs that have no cursor.
 * 0 or a negative errno, after which the spool must not be used.
 */
int drops_settle(struct spool *spool, uint64_t last);

/* Rules of the output of that name are from here on those of the new one. 0 or a negative errno. */
int drops_rename(struct spool *spool, const char *name, const char *new_name);

/* Removes rules that every output has passed for certain, and says so. By the keeper. 0, or a negative errno of a sync. */
int drops_expire(struct spool *spool);

/* Writes the rule at the place and syncs it; `state` is the caller's. 0 or a negative errno. */
int drops_write(struct spool *spool, struct drop_place *place, const struct spool_drop_rule *rule);

/* Frees both slots of the place, one after the other. 0 or a negative errno. */
int drops_erase(struct spool *spool, struct drop_place *place);

#endif
