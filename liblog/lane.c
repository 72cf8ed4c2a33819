/* SPDX-License-Identifier: Apache-2.0 */
/* See lane.h. */
#include "lane.h"

#include <errno.h>

#include "stats.h"

static _Thread_local struct slog_lane lane;

struct slog_lane *slog_lane_take(enum slog_severity severity)
{
	if (lane.is_busy) {
		slog_stats_dropped(severity, EDEADLK);
		return NULL;
	}
	lane.is_busy = true;
	return &lane;
}

void slog_lane_release(struct slog_lane *taken)
{
	taken->is_busy = false;
}
