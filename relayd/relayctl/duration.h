/* SPDX-License-Identifier: Apache-2.0 */
/* Times on the command line, for files that use getopt_long(): its struct option is not that of base/option.h. */
#ifndef RELAYD_RELAYCTL_DURATION_H
#define RELAYD_RELAYCTL_DURATION_H

#include <stdbool.h>
#include <stdint.h>

/* "10s", "5min", as in the configuration. False if it is none. */
bool duration_read(const char *text, uint64_t *nanoseconds);

#endif
