/* SPDX-License-Identifier: Apache-2.0 */
/* A directory for one test, below TMPDIR, gone with everything in it when the test is over. */
#ifndef TESTS_SUPPORT_TEMP_DIR_H
#define TESTS_SUPPORT_TEMP_DIR_H

enum { TEMP_DIR_MAX_BYTES = 256 };

/* Makes a new directory and writes its path to `path` (TEMP_DIR_MAX_BYTES). Ends the test program if it cannot. */
void temp_dir_make(char *path);

/* Removes the directory with the files and folders in it. */
void temp_dir_remove(const char *path);

#endif
