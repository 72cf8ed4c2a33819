/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the keeper share: a small spool on a disk in memory, whose writer and keeper are stepped by hand. */
#ifndef TESTS_UNIT_SPOOL_KEEPER_FIXTURE_H
#define TESTS_UNIT_SPOOL_KEEPER_FIXTURE_H

#include "support/memory_disk.h"
#include "support/spool_rig.h"

static struct memory_disk disk;
static struct rig rig;

static inline void setup(void)
{
	memory_disk_init(&disk);
	rig_init(&rig, "spool", &disk.disk);
}

static inline void teardown(void)
{
	spool_close(&rig.spool);
	memory_disk_free(&disk);
}

/* Stores until nothing more is taken. */
static inline void fill(void)
{
	while (rig_store(&rig, 30))
		keeper_turn(rig.spool);
}

#endif
