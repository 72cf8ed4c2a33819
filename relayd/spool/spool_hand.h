/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's hand on the cursors of a spool that no relay has open: under the spool's lock, but without the recovery
 * that opening it means, so that the relay's next start still knows how the last one ended.
 */
#ifndef RELAYD_SPOOL_SPOOL_HAND_H
#define RELAYD_SPOOL_SPOOL_HAND_H

#include "spool/spool_drops.h"

struct spool_hand;

/*
 * Takes the lock of the spool at `path` and reads its cursors. NULL and a sentence in `error` (SPOOL_ERROR_MAX_BYTES) if
 * there is no spool, a relay runs with it, a newer version wrote it, or it cannot be read. Makes nothing that was not there.
 */
struct spool_hand *spool_hand_take(const char *path, char *error);

/* The same, and `*runs` says whether a relay runs with it. */
struct spool_hand *spool_hand_try(const char *path, bool *runs, char *error);

/* Gives the lock back. Clears the pointer; NULL is fine. */
void spool_hand_release(struct spool_hand **hand);

/* The cursor of that name: true and what is known of it. `pending` is as spool_peek() sees it. */
bool spool_hand_find(const struct spool_hand *hand, const char *name, struct spool_orphan *cursor);

/* Forgets a cursor, or renames it, synced; see spool_forget_cursor() and spool_rename_cursor(). */
bool spool_hand_forget(struct spool_hand *hand, const char *name, char *error);
bool spool_hand_rename(struct spool_hand *hand, const char *name, const char *new_name, char *error);

/* Makes a rule, synced; see spool_drop_add(), and spool_drop_is_possible() for what is to be asked before. */
bool spool_hand_drop(struct spool_hand *hand, struct spool_drop_rule *rule, char *error);
bool spool_hand_may_drop(struct spool_hand *hand, const struct spool_drop_rule *rule, char *error);

#endif
