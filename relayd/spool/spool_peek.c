/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/spool_peek.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "spool/spool_internal.h"

static int count_cursors(const struct cursors *all, struct spool_peeked *cursors, unsigned max)
{
	unsigned count = 0;
	for (unsigned i = 0; i < CURSORS_MAX; i++) {
		const struct spool_cursor *cursor = &all->cursor[i];
		if (!cursor->used)
			continue;
		if (count < max) {
			memcpy(cursors[count].name, cursor->name, sizeof cursor->name);
			cursors[count].delivered = spool_cursor_delivered(cursor);
		}
		count++;
	}
	return (int)count;
}

static int peek(struct spool *spool, struct spool_peeked *cursors, unsigned max)
{
	int error = 0;
	switch (cursors_load(spool, &error)) {
	case CURSORS_LOADED:
		return count_cursors(&spool->cursors, cursors, max);
	case CURSORS_MISSING:
		return error == -ENOENT ? 0 : -EINVAL;
	case CURSORS_NEWER:
		return -ENOTSUP;
	case CURSORS_FAILED:
		break;
	}
	return error;
}

int spool_peek(const char *path, struct spool_peeked *cursors, unsigned max)
{
	/* Opening the directory would make it. */
	struct stat status;
	if (stat(path, &status) != 0)
		return errno == ENOENT ? 0 : -errno;
	struct spool *spool = calloc(1, sizeof *spool);
	if (spool == NULL)
		return -ENOMEM;
	spool->disk = &disk_real;
	spool->directory = spool->disk->open_directory(spool->disk, path);
	int result = spool->directory;
	if (spool->directory >= 0) {
		cursors_init(spool);
		result = peek(spool, cursors, max);
		cursors_close(spool);
		spool->disk->close(spool->disk, spool->directory);
	}
	free(spool);
	return result;
}
