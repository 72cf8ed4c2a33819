/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a new name durable: a file that is synced may be without one after a power cut. */
#ifndef RELAYD_BASE_DIRECTORY_H
#define RELAYD_BASE_DIRECTORY_H

/*
 * Syncs the directory that `path` is in. 0, or what went wrong as a negative errno: -EACCES where that directory may be
 * searched but not read, which leaves it to the file system. From any thread.
 */
int directory_sync_above(const char *path);

#endif
