/* SPDX-License-Identifier: Apache-2.0 */
/* See lane.h. */
#include "lane.h"

#include <pthread.h>
#include <stdlib.h>

_Thread_local struct slog_lane slog_lane_own;

/* ---- the end of a thread: its key's destructor frees what it kept ------------------------------------------------ */

static pthread_key_t at_thread_end;
static bool has_key;

static void free_large(void *of_lane)
{
	struct slog_lane *ending = of_lane;
	free(ending->large);
	ending->large = NULL;
	ending->large_size = 0;
}

static __attribute__((constructor)) void make_key(void)
{
	has_key = pthread_key_create(&at_thread_end, free_large) == 0;
}

/* After dlclose() no thread may run free_large() any more; what threads that still run have kept is lost. */
static __attribute__((destructor)) void forget_key(void)
{
	if (has_key)
		pthread_key_delete(at_thread_end);
	has_key = false;
	free_large(&slog_lane_own);
}

/* ---- calls -------------------------------------------------------------------------------------------------------- */

char *slog_lane_large(struct slog_lane *of, size_t size)
{
	if (size <= of->large_size)
		return of->large;
	free_large(of);
	of->large = malloc(size);
	of->large_size = of->large != NULL ? size : 0;
	/* At once: the thread may be cancelled before the call is over. */
	if (of->large != NULL && has_key)
		pthread_setspecific(at_thread_end, of);
	return of->large;
}

void slog_lane_keep_large(struct slog_lane *lane)
{
	/* Without a key nobody would free it at the end of the thread. */
	if (lane->large_size > SLOG_LANE_LARGE_BYTES || !has_key || pthread_getspecific(at_thread_end) != lane)
		free_large(lane);
}
