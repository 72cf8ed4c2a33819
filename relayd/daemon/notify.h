/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells the supervisor how we are, by systemd's protocol: datagrams to the socket that NOTIFY_SOCKET names. Without a
 * supervisor all of it does nothing.
 */
#ifndef RELAYD_DAEMON_NOTIFY_H
#define RELAYD_DAEMON_NOTIFY_H

#include <stdint.h>

void notify_ready(void);
void notify_reloading(void); /* to be followed by notify_ready() */
void notify_stopping(void);
void notify_alive(void);

/* How often the supervisor wants notify_alive(), in milliseconds: half its limit. 0: not at all. */
uint64_t notify_alive_interval_ms(void);

#endif
