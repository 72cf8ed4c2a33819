/* SPDX-License-Identifier: Apache-2.0 */
#include "output/drain.h"

#include <assert.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

static struct drain_mark *mark_at(struct drain *drain, size_t index)
{
	return &drain->marks[(drain->first + index) % DRAIN_MARKS];
}

void drain_mark(struct drain *drain)
{
	if (drain->marked == drain->octets)
		return;
	/* A full ring becomes coarser at its newest end: later, but never too early. */
	if (drain->count < DRAIN_MARKS)
		drain->count++;
	*mark_at(drain, drain->count - 1) = (struct drain_mark){.octets = drain->octets, .sequence = drain->sequence};
	drain->marked = drain->octets;
}

void drain_note(struct drain *drain, uint64_t sequence, size_t octets)
{
	drain->octets += octets;
	drain->sequence = sequence;
	if (drain->octets - drain->marked >= DRAIN_MARK_OCTETS)
		drain_mark(drain);
}

bool drain_advance(struct drain *drain, uint64_t left, uint64_t *sequence)
{
	bool moved = false;
	while (drain->count > 0 && mark_at(drain, 0)->octets + left <= drain->octets) {
		*sequence = mark_at(drain, 0)->sequence;
		drain->first = (drain->first + 1) % DRAIN_MARKS;
		drain->count--;
		moved = true;
	}
	return moved;
}

enum drain_socket drain_queued(int fd, bool closing, uint64_t *octets)
{
	struct pollfd watched = {.fd = fd, .events = POLLRDHUP};
	short bad = closing ? POLLERR | POLLNVAL : POLLRDHUP | POLLHUP | POLLERR | POLLNVAL;
	int queued = 0;
	/* The queue first: what is good afterwards was good before. */
	int result = ioctl(fd, SIOCOUTQ, &queued);
	if (result != 0 || poll(&watched, 1, 0) < 0 || (watched.revents & bad) != 0)
		return DRAIN_SOCKET_BROKEN;
	*octets = queued > 0 ? (uint64_t)queued : 0;
	return DRAIN_SOCKET_GOOD;
}
