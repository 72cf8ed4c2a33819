/* SPDX-License-Identifier: Apache-2.0 */
/* See outlet.h. */
#include "outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define OWN_PATH "/proc/self/fd/"
#define NUMBER_MAX 10 /* digits of an int */

/* A second open file description of what `fd` leads to, which does not block; -1 if there is none to be had. */
static int open_own(int fd)
{
	char path[sizeof OWN_PATH + NUMBER_MAX] = OWN_PATH;
	char digits[NUMBER_MAX];
	size_t n = 0;
	size_t end = sizeof OWN_PATH - 1;
	do
		digits[n++] = (char)('0' + fd % 10);
	while ((fd /= 10) > 0);
	while (n > 0)
		path[end++] = digits[--n];
	path[end] = '\0';
	return open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* Without /proc, or for a user who may not open what was given to the program open, the descriptor is asked. */
static void use_own(struct slog_outlet *outlet)
{
	outlet->own = open_own(outlet->fd);
	outlet->way = outlet->own >= 0 ? SLOG_OUTLET_OWN : SLOG_OUTLET_ASKED;
}

struct slog_outlet slog_outlet_open(int fd)
{
	struct slog_outlet outlet = {.way = SLOG_OUTLET_ASKED, .fd = fd, .own = -1};
	struct stat status;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &outlet.cancel_state);
	if (fstat(fd, &status) != 0 || S_ISREG(status.st_mode)) {
		outlet.way = SLOG_OUTLET_FILE;
	} else if (S_ISSOCK(status.st_mode)) {
		outlet.way = SLOG_OUTLET_SOCKET;
	} else if (S_ISFIFO(status.st_mode)) {
		outlet.way = SLOG_OUTLET_NOWAIT;
		outlet.is_pipe = true;
	} else if (S_ISCHR(status.st_mode) && isatty(fd)) {
		use_own(&outlet);
	}
	return outlet;
}

static ssize_t write_asked(int fd, const void *octets, size_t length)
{
	struct pollfd poller = {.fd = fd, .events = POLLOUT};
	if (poll(&poller, 1, 0) > 0)
		return write(fd, octets, length < PIPE_BUF ? length : PIPE_BUF);
	errno = EAGAIN;
	return -1;
}

static ssize_t write_some(struct slog_outlet *outlet, const void *octets, size_t length)
{
	if (outlet->way == SLOG_OUTLET_NOWAIT) {
		struct iovec piece = {(void *)(size_t)octets, length};
		ssize_t written = pwritev2(outlet->fd, &piece, 1, -1, RWF_NOWAIT);
		if (written >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EPERM))
			return written;
		use_own(outlet);
	}
	switch (outlet->way) {
	case SLOG_OUTLET_SOCKET:
		return send(outlet->fd, octets, length, MSG_DONTWAIT | MSG_NOSIGNAL);
	case SLOG_OUTLET_OWN:
		return write(outlet->own, octets, length);
	case SLOG_OUTLET_ASKED:
		return write_asked(outlet->fd, octets, length);
	default:
		return write(outlet->fd, octets, length);
	}
}

/* As write_some(). The SIGPIPE that our write raises is taken back; one that the program had pending stays. */
static ssize_t write_pipe(struct slog_outlet *outlet, const void *octets, size_t length)
{
	static const struct timespec at_once = {0, 0};
	sigset_t pipe_signal;
	sigset_t before;
	sigset_t pending;
	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	sigemptyset(&pending);
	pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
	if (sigismember(&before, SIGPIPE) == 1)
		sigpending(&pending);
	ssize_t written = write_some(outlet, octets, length);
	int error = errno;
	if (written < 0 && error == EPIPE && sigismember(&pending, SIGPIPE) == 0)
		while (sigtimedwait(&pipe_signal, NULL, &at_once) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return written;
}

ssize_t slog_outlet_write(struct slog_outlet *outlet, const void *octets, size_t length)
{
	ssize_t written;
	do
		written = outlet->is_pipe ? write_pipe(outlet, octets, length) : write_some(outlet, octets, length);
	while (written < 0 && errno == EINTR);
	return written < 0 ? -errno : written;
}

void slog_outlet_close(struct slog_outlet *outlet)
{
	if (outlet->own >= 0)
		close(outlet->own);
	outlet->own = -1;
	pthread_setcancelstate(outlet->cancel_state, &outlet->cancel_state);
}
