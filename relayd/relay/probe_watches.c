/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/probe_watches.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <liblog/slog.h>

#include "base/clock.h"
#include "relay/relay_internal.h"

enum { LOOK_MS = 1000 };

struct slot {
	struct probe_watch *watch; /* NULL: free */
	uint64_t asked_ns;         /* monotonic */
};

struct probe_watches {
	struct relay *relay;
	uv_timer_t timer;          /* runs while a watch is open */
	struct slot slot[PROBE_WATCHES_MAX];
};

struct probe_watches *probe_watches_open(struct relay *relay)
{
	struct probe_watches *watches = calloc(1, sizeof *watches);
	if (watches == NULL || uv_timer_init(relay->loop, &watches->timer) != 0) {
		free(watches);
		return NULL;
	}
	watches->relay = relay;
	watches->timer.data = watches;
	return watches;
}

static void on_closed(uv_handle_t *timer)
{
	free(timer->data);
}

void probe_watches_close(struct probe_watches **closed)
{
	struct probe_watches *watches = *closed;
	*closed = NULL;
	if (watches == NULL)
		return;
	for (unsigned i = 0; i < PROBE_WATCHES_MAX; i++)
		probe_watch_close(&watches->slot[i].watch);
	uv_close((uv_handle_t *)&watches->timer, on_closed);
}

static void on_timer(uv_timer_t *timer)
{
	struct probe_watches *watches = timer->data;
	uint64_t now = clock_monotonic_ns();
	unsigned open = 0;
	for (unsigned i = 0; i < PROBE_WATCHES_MAX; i++) {
		struct slot *slot = &watches->slot[i];
		if (slot->watch == NULL)
			continue;
		if (now - slot->asked_ns < PROBE_WATCH_IDLE_NS) {
			open++;
			continue;
		}
		slog_info("probe_watch_forgotten", "id", probe_watch_id(slot->watch));
		probe_watch_close(&slot->watch);
	}
	if (open == 0)
		uv_timer_stop(timer);
}

static struct slot *find(struct probe_watches *watches, const char *id)
{
	for (unsigned i = 0; i < PROBE_WATCHES_MAX; i++)
		if (watches->slot[i].watch != NULL && strcmp(probe_watch_id(watches->slot[i].watch), id) == 0)
			return &watches->slot[i];
	return NULL;
}

struct probe_watch *probe_watches_begin(struct probe_watches *watches, const char *id, unsigned count,
                                        const char **error)
{
	struct slot *free_slot = NULL;
	for (unsigned i = 0; i < PROBE_WATCHES_MAX && free_slot == NULL; i++)
		if (watches->slot[i].watch == NULL)
			free_slot = &watches->slot[i];
	*error = NULL;
	if (find(watches, id) != NULL)
		*error = "this id is in use";
	else if (free_slot == NULL)
		*error = "too many probes and drills run at this relay now";
	if (*error != NULL)
		return NULL;
	*free_slot = (struct slot){probe_watch_open(watches->relay, id, count), clock_monotonic_ns()};
	if (free_slot->watch == NULL) {
		*error = "not enough memory or threads";
		return NULL;
	}
	slog_debug("probe_watch_opened", "id", id, "count", count);
	uv_timer_start(&watches->timer, on_timer, LOOK_MS, LOOK_MS);
	return free_slot->watch;
}

struct probe_watch *probe_watches_find(struct probe_watches *watches, const char *id)
{
	struct slot *slot = find(watches, id);
	if (slot == NULL)
		return NULL;
	slot->asked_ns = clock_monotonic_ns();
	return slot->watch;
}

bool probe_watches_end(struct probe_watches *watches, const char *id)
{
	struct slot *slot = find(watches, id);
	if (slot == NULL)
		return false;
	probe_watch_close(&slot->watch);
	return true;
}
