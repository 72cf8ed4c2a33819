/* SPDX-License-Identifier: Apache-2.0 */
#include "base/standard_descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* /dev/null the other way round: standard input is only to be read, the other two are only to be written to. */
static bool hold(int fd)
{
	if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
		return true;
	/* The lowest that is free, so it is this one: those below are taken. */
	return open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) == fd;
}

bool standard_descriptors_hold(void)
{
	return hold(STDIN_FILENO) && hold(STDOUT_FILENO) && hold(STDERR_FILENO);
}
