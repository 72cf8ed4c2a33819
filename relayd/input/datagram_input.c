/* SPDX-License-Identifier: Apache-2.0 */
#include "input/datagram_input.h"

#include <liblog/slog.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "input/datagram_part.h"
#include "intake/counter.h"
#include "net/socket.h"

static struct datagram_input *datagrams_of(struct input *input)
{
	return (struct datagram_input *)input;
}

/* --- opening ----------------------------------------------------------------------------------------------------- */

/* The kernel cuts what it gives to net.core.rmem_max, silently: the operator would look for the loss elsewhere. */
static void warn_of_small_buffer(const struct datagram_input *datagrams, int got_bytes)
{
	uint64_t wanted = datagrams->spec.receive_buffer_bytes;
	if ((uint64_t)got_bytes >= wanted)
		return;
	slog_warning("receive_buffer_small", "input", datagrams->input.setup.name, "wanted", wanted, "got", got_bytes,
	             "message", slog_msgf("the kernel gave a receive buffer of %d octets instead of %llu: bursts may be "
	                                  "dropped; set the sysctl net.core.rmem_max=%llu, or give relayd CAP_NET_ADMIN",
	                                  got_bytes, (unsigned long long)wanted, (unsigned long long)wanted));
}

/* How long nobody need look at a socket with such a receive buffer. */
static unsigned rest_ms_of(int got_bytes)
{
	int ms = got_bytes / DATAGRAM_REST_BUFFER_MIN_BYTES;
	return (unsigned)(ms < DATAGRAM_REST_MAX_MS ? ms : DATAGRAM_REST_MAX_MS);
}

/* Opens the socket of part `i`; false and a sentence in `error`. Port 0 becomes the one that the first socket got. */
static bool bind_udp(struct datagram_input *datagrams, unsigned i, struct address *address, char *error)
{
	char reason[SOCKET_ERROR_MAX_BYTES];
	int got_bytes = 0;
	int fd = socket_bind_udp(address, datagrams->parts_count > 1, (int)datagrams->spec.receive_buffer_bytes, &got_bytes,
	                         reason);
	if (fd < 0) {
		snprintf(error, INPUT_ERROR_MAX_BYTES, "%s", reason);
		return false;
	}
	datagrams->parts[i].fd = fd;
	if (datagrams->spec.receive_aggregates && !socket_receive_aggregates(fd, reason)) {
		snprintf(error, INPUT_ERROR_MAX_BYTES, "receive_aggregates: %s", reason);
		return false;
	}
	datagrams->parts[i].rest_ms = rest_ms_of(got_bytes);
	if (i > 0)
		return true;
	input_note_listen(&datagrams->input, fd);
	warn_of_small_buffer(datagrams, got_bytes);
	address->len = sizeof address->sa;
	return getsockname(fd, &address->sa.any, &address->len) == 0;
}

static bool bind_local(struct datagram_input *datagrams, char *error)
{
	const struct datagram_input_spec *spec = &datagrams->spec;
	char reason[SOCKET_ERROR_MAX_BYTES];
	int fd = socket_bind_local_datagram(spec->endpoint.path, spec->permissions, (int)spec->receive_buffer_bytes, reason);
	if (fd < 0) {
		snprintf(error, INPUT_ERROR_MAX_BYTES, "%s", reason);
		return false;
	}
	datagrams->parts[0].fd = fd;
	local_path_note(&datagrams->path, spec->endpoint.path);
	input_note_listen(&datagrams->input, fd);
	return true;
}

static bool bind_all(struct datagram_input *datagrams, char *error)
{
	struct address address;
	if (datagrams->spec.endpoint.is_local)
		return bind_local(datagrams, error);
	if (!address_of_endpoint(&datagrams->spec.endpoint, &address)) {
		snprintf(error, INPUT_ERROR_MAX_BYTES, "listen: \"%.200s\" is not an address of this machine",
		         datagrams->spec.endpoint.host);
		return false;
	}
	for (unsigned i = 0; i < datagrams->parts_count; i++) {
		if (!bind_udp(datagrams, i, &address, error))
			return false;
	}
	return true;
}

/* A Unix socket belongs to one worker; several of them are spread. */
static bool init_parts(struct datagram_input *datagrams, char *error)
{
	const struct input_setup *setup = &datagrams->input.setup;
	unsigned first = datagrams->spec.endpoint.is_local ? setup->spool_index % setup->workers_count : 0;
	for (unsigned i = 0; i < datagrams->parts_count; i++) {
		struct datagram_part *part = &datagrams->parts[i];
		part->owner = datagrams;
		part->on = &setup->workers[first + i];
		part->fd = -1;
		part->batch_most = datagrams->spec.receive_aggregates ? DATAGRAM_AGGREGATES_BATCH : DATAGRAM_BATCH_MAX;
	}
	for (unsigned i = 0; i < datagrams->parts_count; i++) {
		datagrams->parts[i].batch = datagram_batch_open((unsigned)datagrams->parts[i].batch_most);
		if (datagrams->parts[i].batch != NULL)
			continue;
		snprintf(error, INPUT_ERROR_MAX_BYTES, "no memory for the input's receive buffers");
		return false;
	}
	return true;
}

static void free_all(struct datagram_input *datagrams)
{
	for (unsigned i = 0; i < datagrams->parts_count; i++) {
		if (datagrams->parts[i].fd >= 0)
			close(datagrams->parts[i].fd);
		datagram_batch_close(&datagrams->parts[i].batch);
	}
	local_path_remove(&datagrams->path);
	input_free(&datagrams->input);
	free(datagrams);
}

struct input *datagram_input_open(const struct datagram_input_spec *spec, const struct input_setup *setup, char *error)
{
	assert(setup->workers_count > 0);
	unsigned parts_count = spec->endpoint.is_local ? 1 : setup->workers_count;
	struct datagram_input *datagrams = calloc(1, sizeof *datagrams + parts_count * sizeof datagrams->parts[0]);
	if (datagrams == NULL) {
		snprintf(error, INPUT_ERROR_MAX_BYTES, "no memory for the input");
		return NULL;
	}
	datagrams->spec = *spec;
	if (!input_init(&datagrams->input, setup, error)) {
		free(datagrams);
		return NULL;
	}
	datagrams->parts_count = parts_count;
	if (init_parts(datagrams, error) && bind_all(datagrams, error))
		return &datagrams->input;
	free_all(datagrams);
	return NULL;
}

void datagram_input_close(struct input **input)
{
	if (*input == NULL)
		return;
	unsigned state = atomic_load(&(*input)->state);
	assert(state == INPUT_OPENED || state == INPUT_STOPPED);
	free_all(datagrams_of(*input));
	*input = NULL;
}

/* --- starting, stopping: called by the main thread, done on the workers ------------------------------------------ */

static void start_part(void *context)
{
	datagram_part_start(context);
}

static void stop_part(void *context)
{
	datagram_part_stop(context);
}

void datagram_input_start(struct input *input)
{
	struct datagram_input *datagrams = datagrams_of(input);
	atomic_store(&input->state, INPUT_RUNNING);
	atomic_store(&input->parts, datagrams->parts_count);
	for (unsigned i = 0; i < datagrams->parts_count; i++)
		input_call(datagrams->parts[i].on, start_part, &datagrams->parts[i]);
}

void datagram_input_stop(struct input *input, void (*stopped)(void *context), void *context)
{
	struct datagram_input *datagrams = datagrams_of(input);
	unsigned parts_count = datagrams->parts_count;
	input_stopping(input, stopped, context);
	local_path_remove(&datagrams->path);
	for (unsigned i = 0; i < parts_count; i++)
		input_call(datagrams->parts[i].on, stop_part, &datagrams->parts[i]);
}

void datagram_input_status(const struct input *input, struct input_status *status)
{
	const struct datagram_input *datagrams = (const struct datagram_input *)input;
	input_status_begin(input, status);
	for (unsigned i = 0; i < datagrams->parts_count; i++) {
		const struct datagram_part *part = &datagrams->parts[i];
		status->received += counter_get(&part->source.received);
		status->truncated += counter_get(&part->source.truncated);
		status->kernel_drops += counter_get(&part->kernel_drops);
	}
}
