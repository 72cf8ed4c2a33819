/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all commands that change a spool have in common: only root and the spool's owner may, what cannot be taken back is
 * asked for, and every change leaves a line in the spool's file `audit`.
 */
#ifndef RELAYD_RELAYCTL_SPOOL_CHANGE_H
#define RELAYD_RELAYCTL_SPOOL_CHANGE_H

#include <stdbool.h>

#include "relayctl/spool_command.h"
#include "spool/spool_audit.h"

/* Whether this user may change the spool at the arguments' path; if not, says so. */
bool spool_change_allowed(const struct spool_arguments *arguments);

/* With --yes true; else asks at the terminal, and says so if there is none. */
bool spool_change_confirmed(const struct spool_arguments *arguments, const char *question);

/*
 * Writes the line of a change into the spool's audit, with this user as the one who made it: before the change is made, so
 * that no change is without its line. Says so if it cannot: then the change must not be made.
 */
bool spool_change_audit(const struct spool_arguments *arguments, const struct spool_audit *audit);

/* The same for a change that is made on a full disk, too: then it only says that the line is missing. */
bool spool_change_audit_if_room(const struct spool_arguments *arguments, const struct spool_audit *audit);

#endif
