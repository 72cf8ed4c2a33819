/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/followers.h"

#include "base/clock.h"

bool followers_init(struct followers *followers, unsigned patience_ns)
{
	*followers = (struct followers){.patience_ns = patience_ns};
	pthread_mutex_init(&followers->lock, NULL);
	return clock_condition_init(&followers->went_on);
}

void followers_free(struct followers *followers)
{
	pthread_cond_destroy(&followers->went_on);
	pthread_mutex_destroy(&followers->lock);
}

void follower_join(struct followers *followers, struct follower *follower)
{
	atomic_init(&follower->place, FOLLOWER_NOWHERE);
	pthread_mutex_lock(&followers->lock);
	follower->next = followers->first;
	followers->first = follower;
	pthread_mutex_unlock(&followers->lock);
}

void follower_leave(struct followers *followers, struct follower *follower)
{
	pthread_mutex_lock(&followers->lock);
	struct follower **link = &followers->first;
	while (*link != follower)
		link = &(*link)->next;
	*link = follower->next;
	pthread_cond_signal(&followers->went_on);
	pthread_mutex_unlock(&followers->lock);
}

void follower_note(struct followers *followers, struct follower *follower, uint64_t place)
{
	/* seq_cst on both: we move on, then look who waits; the writer says that it waits, then looks where we are. */
	atomic_store_explicit(&follower->place, place, memory_order_seq_cst);
	if (!atomic_load_explicit(&followers->awaited, memory_order_seq_cst))
		return;
	pthread_mutex_lock(&followers->lock);
	pthread_cond_signal(&followers->went_on);
	pthread_mutex_unlock(&followers->lock);
}

/* With the lock. */
static bool is_anyone_between(const struct followers *followers, uint64_t from, uint64_t to)
{
	for (const struct follower *follower = followers->first; follower != NULL; follower = follower->next) {
		uint64_t place = atomic_load_explicit(&follower->place, memory_order_seq_cst);
		if (place >= from && place < to)
			return true;
	}
	return false;
}

void followers_await(struct followers *followers, uint64_t from, uint64_t to, size_t len)
{
	if (followers->patience_ns == 0 || from >= to)
		return;
	pthread_mutex_lock(&followers->lock);
	atomic_store_explicit(&followers->awaited, true, memory_order_seq_cst);
	uint64_t until_ns = clock_monotonic_ns() + (uint64_t)followers->patience_ns * len;
	while (is_anyone_between(followers, from, to) && clock_wait(&followers->went_on, &followers->lock, until_ns))
		continue;
	atomic_store_explicit(&followers->awaited, false, memory_order_seq_cst);
	pthread_mutex_unlock(&followers->lock);
}
