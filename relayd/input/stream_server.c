/* SPDX-License-Identifier: Apache-2.0 */
#include "input/stream_server.h"

#include <liblog/slog.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "intake/counter.h"
#include "net/socket.h"

/* A descriptor on its way from the listener to the worker that was chosen. */
struct handover {
	struct connection_part *part;
	int fd;
	struct address peer;
};

static struct stream_server *server_of(struct input *input)
{
	return (struct stream_server *)input;
}

/* --- accepting: on the first worker ------------------------------------------------------------------------------ */

/* The worker with the fewest connections of all inputs. */
static struct connection_part *choose_part(struct stream_server *server)
{
	struct connection_part *best = &server->parts[0];
	for (unsigned i = 1; i < server->input.setup.workers_count; i++) {
		struct connection_part *part = &server->parts[i];
		if (atomic_load(&part->on->connections) < atomic_load(&best->on->connections))
			best = part;
	}
	return best;
}

/* Counted when the worker is chosen, so that many that come at once are spread well. */
static void count_connection(struct connection_part *part)
{
	atomic_fetch_add(&part->on->connections, 1);
	atomic_fetch_add(&part->server->open, 1);
	counter_add(&part->server->total, 1);
}

void stream_server_forget(struct connection_part *part)
{
	atomic_fetch_sub(&part->on->connections, 1);
	atomic_fetch_sub(&part->server->open, 1);
}

static void on_handover(void *context)
{
	struct handover *handover = context;
	connection_part_adopt(handover->part, handover->fd, &handover->peer);
	free(handover);
}

static bool send_over(struct connection_part *part, int fd, const struct address *peer)
{
	struct handover *handover = malloc(sizeof *handover);
	if (handover == NULL)
		return false;
	*handover = (struct handover){.part = part, .fd = fd, .peer = *peer};
	if (worker_post(part->on->worker, on_handover, handover))
		return true;
	free(handover);
	return false;
}

static void refuse(struct stream_server *server, enum peer_event event, int fd, const struct address *peer,
                   const char *message)
{
	char text[ADDRESS_TEXT_MAX_BYTES];
	struct connection_part *part = &server->parts[0];
	close(fd);
	counter_add(&server->refused, 1);
	peer_log_event(&part->log, event, worker_now_ns(part->on->worker), address_text(peer, text), message,
	               bytes_of(NULL, 0));
}

static void on_accepted(void *context, int fd, const struct address *peer)
{
	struct stream_server *server = context;
	if (!allowed_peers_contain(&server->input.allowed_peers, peer)) {
		refuse(server, PEER_NOT_ALLOWED, fd, peer, "a connection was refused: the peer is not in allowed_peers");
		return;
	}
	if (atomic_load(&server->open) >= server->spec.limits->max_connections) {
		refuse(server, PEER_OVER_LIMIT, fd, peer, "a connection was refused: max_connections are open");
		return;
	}
	struct connection_part *part = choose_part(server);
	count_connection(part);
	if (worker_is_current(part->on->worker)) {
		connection_part_adopt(part, fd, peer);
	} else if (!send_over(part, fd, peer)) {
		stream_server_forget(part);
		refuse(server, PEER_NO_MEMORY, fd, peer, "a connection was closed at once: there is no memory for it");
	}
}

/* --- opening ----------------------------------------------------------------------------------------------------- */

/* The endpoint as numbers. False and a sentence in `error`. */
static bool read_listen(const struct stream_server_spec *spec, struct endpoint *endpoint, struct address *address,
                        char *error)
{
	char reason[ADDRESS_ERROR_MAX_BYTES];
	if (!endpoint_read(spec->listen, spec->default_port, endpoint, reason)) {
		snprintf(error, INPUT_ERROR_MAX_BYTES, "listen: %s", reason);
		return false;
	}
	if (endpoint->is_local && spec->permissions == 0) {
		snprintf(error, INPUT_ERROR_MAX_BYTES, "listen: \"%.120s\" is a path; Unix sockets are for inputs of type "
		         "\"unix\" or \"relp\", this one needs an address and a port", spec->listen);
		return false;
	}
	if (address_of_endpoint(endpoint, address))
		return true;
	snprintf(error, INPUT_ERROR_MAX_BYTES, "listen: \"%.200s\" is a name; write an address of this machine, such as "
	         "127.0.0.1 or [::]", spec->listen);
	return false;
}

bool stream_server_check(const struct stream_server_spec *spec, char *error)
{
	struct endpoint endpoint;
	struct address address;
	return read_listen(spec, &endpoint, &address, error) && (spec->tls == NULL || input_tls_check(spec->tls, error));
}

/* Binds the listener's socket; false and a sentence in `error`. */
static bool bind_listener(struct stream_server *server, char *error)
{
	static const struct socket_keepalive keepalive = {
		.idle_seconds = 60, .interval_seconds = 10, .probes = 6, .user_timeout_ms = 120000,
	};
	struct endpoint endpoint;
	struct address address;
	if (!read_listen(&server->spec, &endpoint, &address, error))
		return false;
	server->is_local = endpoint.is_local;
	char reason[SOCKET_ERROR_MAX_BYTES];
	server->listener.fd = endpoint.is_local ? socket_listen_local(endpoint.path, server->spec.permissions, reason)
	                                        : socket_listen_tcp(&address, reason);
	if (server->listener.fd < 0) {
		snprintf(error, INPUT_ERROR_MAX_BYTES, "%s", reason);
		return false;
	}
	socket_set_stream_options(server->listener.fd, &keepalive);
	if (endpoint.is_local)
		local_path_note(&server->path, endpoint.path);
	input_note_listen(&server->input, server->listener.fd);
	return true;
}

static void init_parts(struct stream_server *server)
{
	for (unsigned i = 0; i < server->input.setup.workers_count; i++) {
		server->parts[i].server = server;
		server->parts[i].on = &server->input.setup.workers[i];
	}
}

struct input *stream_server_open(const struct stream_server_spec *spec, const struct input_setup *setup, char *error)
{
	assert(setup->workers_count > 0);
	struct stream_server *server = calloc(1, sizeof *server + setup->workers_count * sizeof server->parts[0]);
	if (server == NULL) {
		snprintf(error, INPUT_ERROR_MAX_BYTES, "no memory for the input");
		return NULL;
	}
	server->spec = *spec;
	server->stop_ns = CONNECTION_STOP_NS;
	server->drain_ns = CONNECTION_DRAIN_NS;
	server->listener.fd = -1;
	if (!input_init(&server->input, setup, error))
		goto free_server;
	if (spec->tls != NULL && !tls_holder_open(&server->tls, spec->tls, error))
		goto free_input;
	if (!bind_listener(server, error))
		goto close_tls;
	init_parts(server);
	return &server->input;

close_tls:
	tls_holder_close(&server->tls);
free_input:
	input_free(&server->input);
free_server:
	free(server);
	return NULL;
}

void stream_server_close(struct input **input)
{
	if (*input == NULL)
		return;
	struct stream_server *server = server_of(*input);
	unsigned state = atomic_load(&server->input.state);
	assert(state == INPUT_OPENED || state == INPUT_STOPPED);
	if (server->listener.fd >= 0)
		close(server->listener.fd);
	local_path_remove(&server->path);
	tls_holder_close(&server->tls);
	input_free(&server->input);
	free(server);
	*input = NULL;
}

/* --- starting, stopping: called by the main thread, done on the workers ------------------------------------------ */

static void start_part(void *context)
{
	connection_part_start(context);
}

static void stop_part(void *context)
{
	connection_part_stop(context);
}

static void start_listener(void *context)
{
	listener_start(context);
}

static void on_listener_closed(void *context)
{
	struct stream_server *server = context;
	input_part_stopped(&server->input);
}

static void stop_listener(void *context)
{
	struct stream_server *server = context;
	listener_stop(&server->listener, on_listener_closed, server);
}

void stream_server_start(struct input *input)
{
	struct stream_server *server = server_of(input);
	atomic_store(&input->state, INPUT_RUNNING);
	atomic_store(&input->parts, input->setup.workers_count + 1); /* and the listener */
	for (unsigned i = 0; i < input->setup.workers_count; i++)
		input_call(server->parts[i].on, start_part, &server->parts[i]);
	server->listener.worker = server->parts[0].on->worker;
	server->listener.input = input->setup.name;
	server->listener.accepted = on_accepted;
	server->listener.context = server;
	input_call(server->parts[0].on, start_listener, &server->listener);
}

void stream_server_stop(struct input *input, void (*stopped)(void *context), void *context)
{
	struct stream_server *server = server_of(input);
	unsigned workers = input->setup.workers_count;
	struct input_worker *on = input->setup.workers;
	input_stopping(input, stopped, context);
	/* What the listener handed over comes to the other workers before this: mailboxes keep their order. */
	input_call(&on[0], stop_listener, server);
	for (unsigned i = 0; i < workers; i++)
		input_call(&on[i], stop_part, &server->parts[i]);
}

bool stream_server_reload(struct input *input, char *error)
{
	struct stream_server *server = server_of(input);
	return server->spec.tls == NULL || tls_holder_reload(&server->tls, server->spec.tls, error);
}

void stream_server_status(const struct input *input, struct input_status *status)
{
	const struct stream_server *server = (const struct stream_server *)input;
	bool is_waiting = false;
	input_status_begin(input, status);
	status->connections = counter_get(&server->open);
	status->connections_total = counter_get(&server->total);
	status->connections_refused = counter_get(&server->refused);
	status->accepts_failed = counter_get(&server->listener.exhausted);
	for (unsigned i = 0; i < input->setup.workers_count; i++) {
		const struct connection_part *part = &server->parts[i];
		status->received += counter_get(&part->source.received);
		status->truncated += counter_get(&part->source.truncated);
		status->protocol_errors += counter_get(&part->protocol_errors);
		status->tls_refused += counter_get(&part->tls_refused);
		is_waiting |= counter_get(&part->waiting_count) > 0;
	}
	bool is_full = is_waiting && intake_level(input->setup.workers[0].intake) != SPOOL_LEVEL_OPEN;
	if (is_full && atomic_load(&input->state) == INPUT_RUNNING)
		status->state = "paused: spool full";
}
