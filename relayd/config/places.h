/* SPDX-License-Identifier: Apache-2.0 */
/* Where files are if nobody says: the same answer for relayd and relayctl. */
#ifndef RELAYD_CONFIG_PLACES_H
#define RELAYD_CONFIG_PLACES_H

/*
 * The user's state directory for relayd: $XDG_STATE_HOME/relayd, else ~/.local/state/relayd. Allocated; NULL if neither
 * is known or memory is short.
 */
char *places_state_directory(void);

/*
 * The control socket: control.sock in $RUNTIME_DIRECTORY (set by systemd), for root in /run/relayd, else in
 * $XDG_RUNTIME_DIR/relayd, else in the state directory. Allocated; NULL as above.
 */
char *places_control_socket(void);

/* Makes the directories that lead to `path`, with mode 0700, as far as that can be done; who uses the path says what
 * cannot. */
void places_make_parents(const char *path);

#endif
