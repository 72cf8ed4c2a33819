/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a file that lines are appended to. */
#ifndef RELAYD_OUTPUT_APPENDED_FILE_H
#define RELAYD_OUTPUT_APPENDED_FILE_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Opens the regular file at `path` for appending, or makes it with `mode`; a file that is made has its name on the disk when
 * this returns, and a last line that others left unfinished is ended. Returns the descriptor, which is the caller's, or -1
 * with a sentence in `error` (OUTPUT_ERROR_MAX_BYTES) and errno: 0 if it is no regular file. From any thread.
 */
int appended_file_open(const char *path, mode_t mode, char *error);

/* Whether an error of opening or writing is over when somebody makes room. */
bool appended_file_wants_room(int error);

#endif
