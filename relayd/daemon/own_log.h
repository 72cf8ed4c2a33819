/* SPDX-License-Identifier: Apache-2.0 */
/* The relay's own messages: liblog, set up as the configuration's "log" says. */
#ifndef RELAYD_DAEMON_OWN_LOG_H
#define RELAYD_DAEMON_OWN_LOG_H

#include "relay/settings.h"

enum { OWN_LOG_ERROR_MAX_BYTES = 512 };

/* Before any thread is started. False and a sentence in `error` if the file cannot be opened or memory is short. */
bool own_log_open(const struct log_settings *settings, char *error);

/*
 * Has the file opened anew, before the next message is written. False and a sentence in `error` (OWN_LOG_ERROR_MAX_BYTES) if
 * that cannot be: then messages go on to the file that was open.
 */
bool own_log_reopen(const struct log_settings *settings, char *error);

/* After all threads have ended. */
void own_log_close(void);

#endif
