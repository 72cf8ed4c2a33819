/* SPDX-License-Identifier: Apache-2.0 */
/* The file of a Unix socket that we bound: removed at the end, unless another program has put its own there meanwhile. */
#ifndef RELAYD_INPUT_LOCAL_PATH_H
#define RELAYD_INPUT_LOCAL_PATH_H

#include <stdbool.h>
#include <sys/types.h>

#include "net/address.h"

/* All-zero is none. */
struct local_path {
	char path[sizeof((struct endpoint *)0)->path];
	dev_t device;
	ino_t inode;
};

/* Remembers the file that was just bound at `path`. */
void local_path_note(struct local_path *local, const char *path);

/* Removes it if it is still the same; then it is none. */
void local_path_remove(struct local_path *local);

#endif
