/* SPDX-License-Identifier: Apache-2.0 */
/* Where the spool is that a configuration names, and its relay's control socket. */
#ifndef RELAYD_RELAYCTL_SPOOL_PLACE_H
#define RELAYD_RELAYCTL_SPOOL_PLACE_H

/*
 * The path of the spool that the configuration `file` names; NULL: of a relayd without one. Allocated; NULL after having
 * said on stderr why there is none.
 */
char *spool_place_find(const char *file);

/* The same of the control socket of the relay with that configuration; also NULL if it says that there is none. */
char *spool_place_control(const char *file);

#endif
