/* SPDX-License-Identifier: Apache-2.0 */
/* See clock.h. */
#include "clock.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gate.h"
#include "zone.h"

#define QUARTER_SECONDS 900 /* zones change at full quarters of an hour */
#define ZONE_BYTES_MAX 8191 /* of a zone's file; those of tzdata have 4 KiB at the most */
#define ZONE_WAIT_MS 10     /* for another thread that is reading it */

static struct {
	bool is_frozen;
	struct timespec time;
} frozen;

struct timespec slog_clock_now(void)
{
	if (frozen.is_frozen)
		return frozen.time;
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now;
}

uint64_t slog_clock_monotonic_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t slog_clock_monotonic_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- the local zone ------------------------------------------------------------------------------------------------ */

static struct {
	struct slog_gate gate; /* held while it is read */
	atomic_bool is_read;   /* what follows stays as it is */
	size_t length;
	char octets[ZONE_BYTES_MAX + 1];
} zone;

/* The octets of the file into the zone; 0 if it cannot be read, or is too large. */
static size_t read_zone_file(const char *name)
{
	const char *folder_name = secure_getenv("TZDIR");
	int folder = open(folder_name != NULL ? folder_name : "/usr/share/zoneinfo", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = openat(folder, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	size_t length = 0;
	ssize_t got = 0;
	while (fd >= 0 && length < sizeof zone.octets &&
	       (got = read(fd, zone.octets + length, sizeof zone.octets - length)) > 0)
		length += (size_t)got;
	if (fd >= 0)
		close(fd);
	if (folder >= 0)
		close(folder);
	return got == 0 && length < sizeof zone.octets ? length : 0;
}

/* As tzset(3): TZ names a file or is the zone's text; without it the machine's zone. */
static void read_zone(void)
{
	const char *name = secure_getenv("TZ");
	if (name == NULL)
		name = "/etc/localtime";
	else if (*name == ':')
		name++;
	zone.length = *name != '\0' ? read_zone_file(name) : 0;
	if (zone.length == 0 && strlen(name) <= ZONE_BYTES_MAX) {
		zone.length = strlen(name);
		memcpy(zone.octets, name, zone.length);
	}
	zone.octets[zone.length] = '\0';
}

/* True if the zone is known. What a parent's thread had begun to read a child reads itself. */
static bool know_zone(void)
{
	if (atomic_load_explicit(&zone.is_read, memory_order_acquire))
		return true;
	if (slog_gate_take_whole(&zone.gate, ZONE_WAIT_MS) == SLOG_GATE_BUSY)
		return false;
	if (!atomic_load_explicit(&zone.is_read, memory_order_relaxed))
		read_zone();
	atomic_store_explicit(&zone.is_read, true, memory_order_release);
	slog_gate_leave_whole(&zone.gate);
	return true;
}

/* Quarter and offset share one word, so that no thread sees the offset of another quarter. */
long slog_clock_zone_offset(time_t time)
{
	static _Atomic int64_t known;
	const int64_t offset_bias = 1 << 20; /* more than any zone's seconds, and keeps a filled word from being 0 */
	int64_t quarter = time / QUARTER_SECONDS;
	int64_t word = atomic_load_explicit(&known, memory_order_relaxed);
	if (word == 0 || word >> 22 != quarter) {
		long offset = 0;
		if (!know_zone())
			return 0;
		slog_zone_offset(zone.octets, zone.length, time, &offset);
		word = quarter * (1 << 22) + offset + offset_bias;
		atomic_store_explicit(&known, word, memory_order_relaxed);
	}
	return (long)((word & ((1 << 22) - 1)) - offset_bias);
}

void slog_clock_freeze(const struct timespec *time)
{
	frozen.is_frozen = time != NULL;
	if (time != NULL)
		frozen.time = *time;
}
