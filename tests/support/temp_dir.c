/* SPDX-License-Identifier: Apache-2.0 */
#include "support/temp_dir.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { DESCRIPTORS = 8 };

void temp_dir_make(char *path)
{
	const char *above = getenv("TMPDIR");
	int len = snprintf(path, TEMP_DIR_MAX_BYTES, "%s/relayd-test-XXXXXX", above != NULL ? above : "/tmp");
	if (len >= TEMP_DIR_MAX_BYTES || mkdtemp(path) == NULL) {
		perror("a directory for the test");
		abort();
	}
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status;
	(void)type;
	(void)where;
	return remove(path);
}

void temp_dir_remove(const char *path)
{
	nftw(path, remove_entry, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
}
