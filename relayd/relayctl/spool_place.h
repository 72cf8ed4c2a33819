/* SPDX-License-Identifier: Apache-2.0 */
/* Where the spool is that a configuration names. */
#ifndef RELAYD_RELAYCTL_SPOOL_PLACE_H
#define RELAYD_RELAYCTL_SPOOL_PLACE_H

/*
 * The path of the spool that the configuration `file` names; NULL: of a relayd without one. Allocated; NULL after having
 * said on stderr why there is none.
 */
char *spool_place_find(const char *file);

#endif
