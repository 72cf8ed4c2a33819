/* SPDX-License-Identifier: Apache-2.0 */
#include "input/listener.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <liblog/slog.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "intake/counter.h"
#include "net/socket.h"

enum { REST_LINES_PER_MINUTE = 2 };

static void on_readable(uv_poll_t *poll, int status, int events);

static void set_polling(struct listener *listener, bool on)
{
	if (listener->is_polling == on)
		return;
	listener->is_polling = on;
	if (on)
		uv_poll_start(&listener->poll, UV_READABLE, on_readable);
	else
		uv_poll_stop(&listener->poll);
}

static void on_rested(uv_timer_t *timer)
{
	set_polling(timer->data, true);
}

/* Descriptors or memory have run out, or something that nobody expects. */
static void rest_after(struct listener *listener, int error)
{
	set_polling(listener, false);
	uv_timer_start(&listener->rest, on_rested, LISTENER_REST_MS, 0);
	counter_add(&listener->exhausted, 1);
	uint64_t held_back;
	if (!rate_limit_pass(&listener->limit, worker_now_ns(listener->worker), &held_back))
		return;
	bool is_descriptors = error == EMFILE || error == ENFILE;
	slog_warning("accept_failed", "input", listener->input, "error", slog_error(error), "held_back", held_back,
	             "message", is_descriptors ? "too few descriptors are free, so new connections wait for a second; raise the "
	                                         "limit of open files (LimitNOFILE, fs.file-max) or lower max_connections"
	                                       : "a connection cannot be accepted; new ones wait for a second");
}

/*
 * A spool that cannot open its next segment stops the process, so peers must not be able to use up the descriptors. The
 * kernel gives the lowest that is free: one near the limit says how few are left.
 */
static rlim_t first_reserved_descriptor(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return RLIM_INFINITY;
	rlim_t reserved = limit.rlim_cur / 2 < LISTENER_RESERVED_DESCRIPTORS ? limit.rlim_cur / 2
	                                                                      : LISTENER_RESERVED_DESCRIPTORS;
	return limit.rlim_cur - reserved;
}

/* Errors that belong to the connection that was about to be accepted, not to us: accept(2). */
static bool is_of_the_peer(int error)
{
	switch (error) {
	case EINTR:
	case ECONNABORTED:
	case EPERM:
	case ENETDOWN:
	case EPROTO:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EOPNOTSUPP:
		return true;
	default:
		return false;
	}
}

/*
 * Whether the next descriptor may be a connection's, looked at before one is accepted: as long as it is not, it waits in the
 * kernel's queue with what it sent. EMFILE or what the kernel says, or 0.
 */
static int look_for_descriptor(const struct listener *listener, rlim_t reserved)
{
	int fd = fcntl(listener->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	close(fd);
	return (rlim_t)fd >= reserved ? EMFILE : 0;
}

static bool is_waited_for(const struct listener *listener)
{
	struct pollfd waiting = {.fd = listener->fd, .events = POLLIN};
	return poll(&waiting, 1, 0) == 1;
}

/* Accepts one; false if there is none to be had now. */
static bool accept_one(struct listener *listener, rlim_t reserved)
{
	struct address peer = {.len = sizeof peer.sa};
	int error = look_for_descriptor(listener, reserved);
	if (error != 0) {
		if (is_waited_for(listener))
			rest_after(listener, error);
		return false;
	}
	int fd = accept4(listener->fd, &peer.sa.any, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0 && (rlim_t)fd < reserved) {
		listener->accepted(listener->context, fd, &peer);
		return true;
	}
	if (fd >= 0) { /* another thread was faster */
		close(fd);
		rest_after(listener, EMFILE);
		return false;
	}
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return false;
	if (is_of_the_peer(errno))
		return true;
	rest_after(listener, errno);
	return false;
}

/* Accepts up to so many; false if there are no more to be had now. */
static bool accept_some(struct listener *listener, unsigned most)
{
	rlim_t reserved = first_reserved_descriptor();
	for (unsigned i = 0; i < most; i++) {
		if (!accept_one(listener, reserved))
			return false;
	}
	return true;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct listener *listener = poll->data;
	(void)events;
	if (status < 0) {
		/* libuv has stopped the handle. Not at once again: an error that stays must not make us spin. */
		rest_after(listener, socket_error(listener->fd));
		return;
	}
	if (accept_some(listener, LISTENER_ACCEPTS_PER_TURN))
		worker_stay(listener->worker); /* more may wait */
}

void listener_start(struct listener *listener)
{
	listener->limit = (struct rate_limit){
		.interval_ns = 60 * CLOCK_NS_PER_SECOND, .burst = REST_LINES_PER_MINUTE,
	};
	int failed = uv_poll_init(worker_loop(listener->worker), &listener->poll, listener->fd);
	assert(failed == 0); /* it is a socket of ours, and epoll takes it */
	uv_timer_init(worker_loop(listener->worker), &listener->rest);
	listener->handles = 2;
	listener->poll.data = listener->rest.data = listener;
	set_polling(listener, true);
}

static void on_closed(uv_handle_t *handle)
{
	struct listener *listener = handle->data;
	if (--listener->handles == 0)
		listener->closed(listener->closed_context);
}

void listener_stop(struct listener *listener, worker_fn closed, void *context)
{
	/*
	 * The kernel has answered for us those that are in its queue, and they may have sent: to close it would reset them, and
	 * lose what a sender without acknowledgements believes to be delivered.
	 */
	(void)accept_some(listener, SOCKET_BACKLOG);
	listener->closed = closed;
	listener->closed_context = context;
	uv_close((uv_handle_t *)&listener->poll, on_closed);
	uv_close((uv_handle_t *)&listener->rest, on_closed);
	close(listener->fd);
	listener->fd = -1;
}
