/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the process around one relay: opens, gives up privileges, runs, listens to signals, stops in order. */
#ifndef RELAYD_DAEMON_PROCESS_H
#define RELAYD_DAEMON_PROCESS_H

#include "daemon/exit_code.h"
#include "relay/settings.h"

/* The first thing that main() does if it is going to run a relay: from here on no SIGHUP ends the process. */
void process_begin(void);

/* Runs until it is told to stop, or fails. `greeting` is printed on standard error once all runs; NULL: nothing. */
enum exit_code process_run(const struct settings *settings, const char *greeting);

#endif
