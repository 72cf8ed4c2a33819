/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/notify.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/decimal.h"

enum {
	DIGITS_MAX = 19,
	US_PER_MS = 1000,
	PATIENCE_SECONDS = 2, /* with a supervisor that is busy, for what it must know: the loop waits meanwhile */
};

/* The supervisor's address; "@name" is an abstract one. Its length, or 0 if there is none. */
static socklen_t supervisor_address(struct sockaddr_un *address)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path != NULL ? strlen(path) : 0;
	if (len < 2 || len > sizeof address->sun_path || (path[0] != '/' && path[0] != '@'))
		return 0;
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(address->sun_path, path, len);
	if (path[0] == '@')
		address->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

/* `flags`: MSG_DONTWAIT for what is said again soon, or can be missed. */
static void notify(const char *state, int flags)
{
	struct sockaddr_un address;
	socklen_t len = supervisor_address(&address);
	if (len == 0)
		return;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* A supervisor that does not listen, or does not come to it, is its own problem: we go on. */
	struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	ssize_t sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL | flags, (const struct sockaddr *)&address, len);
	(void)sent;
	close(fd);
}

void notify_ready(void)
{
	notify("READY=1", 0);
}

void notify_reloading(void)
{
	/* systemd tells this reload from an earlier one by the time. */
	char state[64];
	uint64_t now_us = clock_monotonic_ns() / CLOCK_NS_PER_US;
	snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now_us);
	notify(state, 0);
}

void notify_stopping(void)
{
	notify("STOPPING=1", MSG_DONTWAIT);
}

void notify_alive(void)
{
	notify("WATCHDOG=1", MSG_DONTWAIT);
}

static uint64_t number_in(const char *variable)
{
	struct bytes text = bytes_of_text(getenv(variable));
	uint64_t number;
	size_t digits = decimal_read(text, DIGITS_MAX, &number);
	return digits == text.len ? number : 0;
}

uint64_t notify_alive_interval_ms(void)
{
	uint64_t pid = number_in("WATCHDOG_PID");
	if (pid != 0 && pid != (uint64_t)getpid())
		return 0;
	uint64_t limit_us = number_in("WATCHDOG_USEC");
	uint64_t interval_ms = limit_us / US_PER_MS / 2;
	return limit_us > 0 && interval_ms == 0 ? 1 : interval_ms;
}
