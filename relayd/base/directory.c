/* SPDX-License-Identifier: Apache-2.0 */
#include "base/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

int directory_sync_above(const char *path)
{
	char above[PATH_BYTES];
	size_t len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		len--;
	while (len > 0 && path[len - 1] != '/')
		len--;
	if (len >= sizeof above)
		return -ENAMETOOLONG;
	memcpy(above, len > 0 ? path : ".", len > 0 ? len : 1);
	above[len > 0 ? len : 1] = '\0';
	int directory = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return -errno;
	int result = fsync(directory) == 0 ? 0 : -errno;
	close(directory);
	return result;
}
