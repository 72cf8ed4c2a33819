/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request, one answer, one connection. Clients are few (CONTROL_CLIENTS_MAX) and get CONTROL_TIMEOUT_MS in all, so
 * that a client that says nothing or reads nothing costs little and not for long. It keeps nobody off: where all places
 * are taken it has to go.
 */
#include "relay/control.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/list.h"
#include "net/socket.h"
#include "relay/commands.h"
#include "relay/relay_internal.h"

enum {
	CONTROL_CLIENTS_MAX = 16,
	CONTROL_REQUEST_MAX_BYTES = 8192, /* a filter of full length, escaped */
	CONTROL_TIMEOUT_MS = 5000,
	CONTROL_RETRY_MS = 1000, /* for want of memory */
	CONTROL_MODE = 0660,
	CONTROL_DIRECTORY_MODE = 0750,
};

struct control {
	uv_pipe_t listener;
	uv_timer_t retry;
	unsigned open_handles;
	struct relay *relay;
	struct list clients;
	unsigned clients_count;
	char *path;
};

struct client {
	struct list link;
	struct control *control;
	uv_pipe_t pipe;
	uv_timer_t timer;
	uv_write_t write;
	unsigned open_handles;
	size_t len;
	char request[CONTROL_REQUEST_MAX_BYTES];
	char *answer;
};

static void on_client_closed(uv_handle_t *handle)
{
	struct client *client = handle->data;
	if (--client->open_handles > 0)
		return;
	free(client->answer);
	free(client);
}

static void close_client(struct client *client)
{
	if (uv_is_closing((uv_handle_t *)&client->pipe))
		return;
	list_remove(&client->link);
	client->control->clients_count--;
	uv_close((uv_handle_t *)&client->pipe, on_client_closed);
	uv_close((uv_handle_t *)&client->timer, on_client_closed);
}

static void on_timeout(uv_timer_t *timer)
{
	close_client(timer->data);
}

static void on_written(uv_write_t *write, int status)
{
	(void)status;
	close_client(write->data);
}

/* ---- requests ---- */

/* Nobody at all if the system does not say who it is. */
static struct ucred who_asks(const struct client *client)
{
	struct ucred who;
	socklen_t len = sizeof who;
	uv_os_fd_t fd;
	if (uv_fileno((const uv_handle_t *)&client->pipe, &fd) != 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
		return (struct ucred){.pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1};
	return who;
}

static void answer_client(struct client *client)
{
	uv_read_stop((uv_stream_t *)&client->pipe);
	const struct ucred who = who_asks(client);
	client->answer = commands_answer(client->control->relay, client->request, &who);
	if (client->answer == NULL) {
		close_client(client);
		return;
	}
	uv_buf_t buffer = uv_buf_init(client->answer, (unsigned)strlen(client->answer));
	client->write.data = client;
	if (uv_write(&client->write, (uv_stream_t *)&client->pipe, &buffer, 1, on_written) != 0)
		close_client(client);
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
	(void)suggested;
	struct client *client = handle->data;
	/* One octet stays for the NUL. */
	*buffer = uv_buf_init(client->request + client->len, (unsigned)(sizeof client->request - 1 - client->len));
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer)
{
	(void)buffer;
	struct client *client = stream->data;
	if (len < 0) {
		close_client(client);
		return;
	}
	client->len += (size_t)len;
	char *end = memchr(client->request, '\n', client->len);
	if (end != NULL) {
		*end = '\0';
		answer_client(client);
	} else if (client->len >= sizeof client->request - 1) {
		close_client(client);
	}
}

/* ---- connections ---- */

/* If all places are taken, one is made free: of who came first of those that have not asked; if all have, of all. */
static void make_room(struct control *control)
{
	if (control->clients_count < CONTROL_CLIENTS_MAX)
		return;
	struct client *leaving = LIST_ENTRY(control->clients.next, struct client, link);
	LIST_FOR_EACH (link, &control->clients) {
		struct client *client = LIST_ENTRY(link, struct client, link);
		if (client->answer == NULL) {
			leaving = client;
			break;
		}
	}
	close_client(leaving);
}

static void on_retry(uv_timer_t *timer);

/* libuv listens on when this one is accepted, and not before: as long as there is no memory for it, it waits. */
static void accept_client(struct control *control)
{
	uv_loop_t *loop = control->listener.loop;
	uv_stream_t *listener = (uv_stream_t *)&control->listener;
	struct client *client = calloc(1, sizeof *client);
	if (client == NULL || uv_pipe_init(loop, &client->pipe, 0) != 0) {
		free(client);
		uv_timer_start(&control->retry, on_retry, CONTROL_RETRY_MS, 0);
		return;
	}
	int result = uv_timer_init(loop, &client->timer);
	assert(result == 0);
	client->control = control;
	client->pipe.data = client->timer.data = client;
	client->open_handles = 2;
	make_room(control);
	list_init(&client->link);
	list_append(&control->clients, &client->link);
	control->clients_count++;
	if (uv_accept(listener, (uv_stream_t *)&client->pipe) != 0 ||
	    uv_timer_start(&client->timer, on_timeout, CONTROL_TIMEOUT_MS, 0) != 0 ||
	    uv_read_start((uv_stream_t *)&client->pipe, on_allocate, on_read) != 0)
		close_client(client);
}

static void on_retry(uv_timer_t *timer)
{
	accept_client(timer->data);
}

static void on_connection(uv_stream_t *listener, int status)
{
	if (status == 0)
		accept_client(listener->data);
}

/* Directories that are not there are made; those that are there keep their mode: it is the operator's. */
static bool make_directories(const char *path, char *error)
{
	char copy[sizeof((struct sockaddr_un *)0)->sun_path];
	if (strlen(path) >= sizeof copy)
		return true; /* listening will say that it is too long */
	strcpy(copy, path);
	for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, CONTROL_DIRECTORY_MODE) != 0 && errno != EEXIST) {
			snprintf(error, RELAY_ERROR_MAX_BYTES, "the directory %s of the control socket cannot be made: %s", copy,
			         strerror(errno));
			return false;
		}
		*slash = '/';
	}
	return true;
}

/*
 * Whether somebody listens there: to replace the socket of a relay that runs would leave it without one, and the operator
 * with answers of the wrong relay. What a relay that was killed left refuses.
 */
static bool somebody_listens(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof address.sun_path)
		return false;
	strcpy(address.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	/* EAGAIN: its queue is full. */
	bool listens = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 || errno == EAGAIN;
	close(fd);
	return listens;
}

static int listen_at(const char *path, char *error)
{
	if (!make_directories(path, error))
		return -1;
	if (somebody_listens(path)) {
		snprintf(error, RELAY_ERROR_MAX_BYTES,
		         "the control socket %s is in use by a relayd that runs: give this one another path in \"control\"", path);
		return -1;
	}
	return socket_listen_local(path, CONTROL_MODE, error);
}

struct control *control_open(uv_loop_t *loop, const char *path, struct relay *relay, char *error)
{
	int fd = listen_at(path, error);
	if (fd < 0)
		return NULL;
	struct control *control = calloc(1, sizeof *control);
	if (control == NULL || (control->path = strdup(path)) == NULL || uv_pipe_init(loop, &control->listener, 0) != 0) {
		snprintf(error, RELAY_ERROR_MAX_BYTES, "not enough memory for the control socket");
		goto free_control;
	}
	int result = uv_timer_init(loop, &control->retry);
	assert(result == 0);
	control->relay = relay;
	control->listener.data = control->retry.data = control;
	control->open_handles = 2;
	list_init(&control->clients);
	result = uv_pipe_open(&control->listener, fd);
	if (result == 0)
		result = uv_listen((uv_stream_t *)&control->listener, CONTROL_CLIENTS_MAX, on_connection);
	if (result == 0)
		return control;
	snprintf(error, RELAY_ERROR_MAX_BYTES, "the control socket %s cannot be listened on: %s", path, uv_strerror(result));
	control_close(&control);
	return NULL;

free_control:
	close(fd);
	if (control != NULL)
		free(control->path);
	free(control);
	return NULL;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct control *control = handle->data;
	if (--control->open_handles > 0)
		return;
	free(control->path);
	free(control);
}

void control_close(struct control **closed)
{
	struct control *control = *closed;
	*closed = NULL;
	if (control == NULL)
		return;
	LIST_FOR_EACH (link, &control->clients)
		close_client(LIST_ENTRY(link, struct client, link));
	unlink(control->path);
	uv_close((uv_handle_t *)&control->listener, on_handle_closed);
	uv_close((uv_handle_t *)&control->retry, on_handle_closed);
}
