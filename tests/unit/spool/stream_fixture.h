/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of streams from other relays share: a small spool on a disk in memory, which they open again after a stop or a
 * power cut. It has no threads: the writer is stepped by hand.
 */
#ifndef TESTS_UNIT_SPOOL_STREAM_FIXTURE_H
#define TESTS_UNIT_SPOOL_STREAM_FIXTURE_H

#include "support/memory_disk.h"
#include "support/stream_rig.h"

static struct memory_disk disk;
static struct rig rig;

static inline void setup(void)
{
	memory_disk_init(&disk);
	rig_init(&rig, "spool", &disk.disk);
	rig_open_ok(&rig);
}

static inline void teardown(void)
{
	spool_close(&rig.spool);
	memory_disk_free(&disk);
}

static inline void reopen(void)
{
	spool_close(&rig.spool);
	rig_open_ok(&rig);
}

/* The power goes; of what was not synced so much is left. The spool is opened again. */
static inline void cut_power(enum memory_disk_keep keep)
{
	disk.off = true;
	spool_close(&rig.spool);
	memory_disk_power_cut(&disk, keep, 1);
	rig_open_ok(&rig);
}

#endif
