/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers that follow close behind the writer, in the window of what was written last (recent.h). Before the writer fills
 * what one of them would read next, it waits for it, a little: a reader that has to go to the disk instead costs everybody
 * more than that, and finds its way back only when the writer rests. How little goes by how much is written, so waiting
 * never adds more than patience_ns an octet to the writing itself. Whoever does not read at all is waited for once or twice:
 * then its place is filled.
 *
 * Places are those of the window (struct recent_run).
 */
#ifndef RELAYD_SPOOL_FOLLOWERS_H
#define RELAYD_SPOOL_FOLLOWERS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FOLLOWER_NOWHERE UINT64_MAX

struct follower {
	struct follower *next;
	_Atomic uint64_t place; /* where it reads next; FOLLOWER_NOWHERE: not in the window. Its own thread writes it */
};

struct followers {
	unsigned patience_ns;  /* for each octet that the writer is about to write; 0: nobody is waited for */
	struct follower *first;
	pthread_mutex_t lock;
	pthread_cond_t went_on;
	atomic_bool awaited;
};

/* False if there is no memory. */
bool followers_init(struct followers *followers, unsigned patience_ns);
void followers_free(struct followers *followers);

/* From any thread. One that has joined and read nothing is nowhere; one that has left is forgotten. */
void follower_join(struct followers *followers, struct follower *follower);
void follower_leave(struct followers *followers, struct follower *follower);

/* The reader's thread: it has read up to `place`, or is FOLLOWER_NOWHERE. */
void follower_note(struct followers *followers, struct follower *follower, uint64_t place);

/*
 * The writer's thread, before `len` octets take what the window has of the places from..to-1: waits until nobody reads there
 * next, or its patience is at an end.
 */
void followers_await(struct followers *followers, uint64_t from, uint64_t to, size_t len);

#endif
