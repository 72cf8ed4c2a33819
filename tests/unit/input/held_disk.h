/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk on which the writer's syncs wait while it is held; the keeper's, of cursors and spare files, do not. So a test
 * sees what is told before a message is stored, and what after it.
 */
#ifndef TESTS_UNIT_INPUT_HELD_DISK_H
#define TESTS_UNIT_INPUT_HELD_DISK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "spool/disk.h"

struct held_disk {
	struct disk disk; /* first: the functions get its address */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_held;
	unsigned allowed; /* syncs, though it is held */
	unsigned waiting;
};

/* Whether the file is a segment: only the writer syncs one under that name. A handle of disk_real is a descriptor. */
static inline bool held_disk_is_segment(int file)
{
	char link[40], path[256];
	snprintf(link, sizeof link, "/proc/self/fd/%d", file);
	ssize_t len = readlink(link, path, sizeof path - 1);
	path[len > 0 ? len : 0] = '\0';
	const char *name = strrchr(path, '/');
	return name != NULL && strncmp(name, "/segment-", strlen("/segment-")) == 0;
}

static inline int held_disk_sync(const struct disk *disk, int file)
{
	struct held_disk *held = (struct held_disk *)(uintptr_t)disk;
	if (!held_disk_is_segment(file))
		return disk_real.sync(disk, file);
	pthread_mutex_lock(&held->lock);
	held->waiting++;
	while (held->is_held && held->allowed == 0)
		pthread_cond_wait(&held->changed, &held->lock);
	held->allowed -= held->is_held;
	held->waiting--;
	pthread_mutex_unlock(&held->lock);
	return disk_real.sync(disk, file);
}

static inline void held_disk_set(struct held_disk *held, bool is_held)
{
	pthread_mutex_lock(&held->lock);
	held->is_held = is_held;
	pthread_cond_broadcast(&held->changed);
	pthread_mutex_unlock(&held->lock);
}

/* Lets one sync pass. */
static inline void held_disk_allow_one(struct held_disk *held)
{
	pthread_mutex_lock(&held->lock);
	held->allowed++;
	pthread_cond_broadcast(&held->changed);
	pthread_mutex_unlock(&held->lock);
}

static inline bool held_disk_has_waiter(struct held_disk *held)
{
	pthread_mutex_lock(&held->lock);
	bool has_waiter = held->waiting > 0;
	pthread_mutex_unlock(&held->lock);
	return has_waiter;
}

#endif
