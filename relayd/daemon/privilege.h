/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From root to an ordinary user in two steps, forward only. First the process becomes the user in all but a way back,
 * and keeps three capabilities: so ports below 1024 can be bound and key files read, while the spool, sockets and logs
 * that are made already belong to the user. Then the way back and the capabilities go, for good.
 */
#ifndef RELAYD_DAEMON_PRIVILEGE_H
#define RELAYD_DAEMON_PRIVILEGE_H

#include <stdbool.h>
#include <sys/types.h>

enum { PRIVILEGE_ERROR_MAX_BYTES = 256 };

enum privilege_state {
	PRIVILEGE_AS_STARTED = 0,
	PRIVILEGE_LOWERED = 1,  /* the user's, and what opening needs */
	PRIVILEGE_GIVEN_UP = 2, /* the user's */
};

/* All-zero before the first call. */
struct privilege {
	enum privilege_state state;
	bool changes; /* false: no user is configured, or we are that user already */
	uid_t uid;
	gid_t gid;
};

/*
 * Before anything is opened and any thread is started. `user` NULL: the user stays who started us. False and a sentence
 * in `error` (PRIVILEGE_ERROR_MAX_BYTES) if there is no such user or we may not become it.
 */
bool privilege_lower(struct privilege *privilege, const char *user, char *error);

/* After everything is open: holds for every thread, and is checked to be irreversible. False and a sentence as above.
 */
bool privilege_give_up(struct privilege *privilege, char *error);

#endif
