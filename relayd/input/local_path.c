/* SPDX-License-Identifier: Apache-2.0 */
#include "input/local_path.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void local_path_note(struct local_path *local, const char *path)
{
	struct stat file;
	*local = (struct local_path){0};
	if (lstat(path, &file) != 0)
		return; /* gone already: nothing of ours to remove */
	snprintf(local->path, sizeof local->path, "%s", path);
	local->device = file.st_dev;
	local->inode = file.st_ino;
}

void local_path_remove(struct local_path *local)
{
	struct stat file;
	if (local->path[0] != '\0' && lstat(local->path, &file) == 0 && file.st_dev == local->device &&
	    file.st_ino == local->inode)
		unlink(local->path);
	*local = (struct local_path){0};
}
