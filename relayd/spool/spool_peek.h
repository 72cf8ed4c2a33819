/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A look at a spool's cursors that changes nothing and takes no lock, for `relayd --check`: opening the spool would
 * recover it, and the relay's next start would no longer know that the last stop was not in order.
 */
#ifndef RELAYD_SPOOL_SPOOL_PEEK_H
#define RELAYD_SPOOL_SPOOL_PEEK_H

#include "spool/spool.h"

/* A cursor as it was last written. */
struct spool_peeked {
	char name[SPOOL_NAME_MAX_BYTES + 1];
	uint64_t delivered;
	uint64_t pending; /* messages seen behind it; more may be there if the newest segment is damaged */
};

/*
 * Reads the cursors of the spool at `path`, which may be in use; fills at most `max` of them and returns how many there
 * are. 0 too if there is no spool. A negative errno: -ENOTSUP if a newer version wrote it, -EINVAL if it is damaged,
 * else why it cannot be read.
 */
int spool_peek(const char *path, struct spool_peeked *cursors, unsigned max);

#endif
