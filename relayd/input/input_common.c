/* SPDX-License-Identifier: Apache-2.0 */
#include "input/input_common.h"

#include "input/zone_names.h"
#include "intake/zone_file.h"
#include "net/socket.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

bool input_common_check(const struct input_common *common, char *error)
{
	struct allowed_peers peers = {0};
	struct zone_name *names = NULL;
	bool is_good = allowed_peers_read(&common->allowed_peers, &peers, error) &&
	               zone_names_read(&common->zone_names, &names, error);
	allowed_peers_free(&peers);
	free(names);
	return is_good;
}

/* The zone of `time_zone`, if it is set. */
static bool load_zone(struct input *input, char *error)
{
	char reason[ZONE_FILE_ERROR_MAX_BYTES] = "no memory for its rules";
	if (input->common->time_zone == NULL)
		return true;
	input->own_zone = calloc(1, sizeof *input->own_zone);
	if (input->own_zone != NULL && zone_file_load(input->common->time_zone, input->own_zone, reason))
		return true;
	snprintf(error, INPUT_ERROR_MAX_BYTES, "time_zone: %s", reason);
	return false;
}

bool input_init(struct input *input, const struct input_setup *setup, char *error)
{
	input->setup = *setup;
	input->common = setup->settings;
	atomic_init(&input->state, INPUT_OPENED);
	atomic_init(&input->parts, 0);
	if (!allowed_peers_read(&input->common->allowed_peers, &input->allowed_peers, error))
		return false;
	if (!zone_names_read(&input->common->zone_names, &input->zone_names, error))
		goto free_input;
	if (!load_zone(input, error))
		goto free_input;
	return true;

free_input:
	input_free(input);
	return false;
}

void input_free(struct input *input)
{
	allowed_peers_free(&input->allowed_peers);
	free(input->zone_names);
	input->zone_names = NULL;
	free(input->own_zone);
	input->own_zone = NULL;
}

void input_init_source(const struct input *input, struct intake_source *source, enum spool_block_use use, bool is_local)
{
	source->input = input->setup.spool_index;
	source->use = use;
	source->max_message_bytes = (size_t)input->common->max_message_size;
	source->parse = (struct parse_context){
		.zone = input->own_zone != NULL ? input->own_zone : input->setup.local_zone,
		.zone_names = input->zone_names,
		.zone_name_count = input->common->zone_names.count,
		.local_socket = is_local,
	};
}

void input_default_name(const char *type, const char *listen, char *name)
{
	snprintf(name, SPOOL_NAME_MAX_BYTES + 1, "%s %s", type, listen);
}

void input_note_listen(struct input *input, int fd)
{
	struct address address = {.len = sizeof address.sa};
	if (getsockname(fd, &address.sa.any, &address.len) != 0)
		address.len = 0;
	char text[ADDRESS_TEXT_MAX_BYTES];
	snprintf(input->listen, sizeof input->listen, "%s", address_text(&address, text));
	/* A Unix socket is bound under another name, which the kernel keeps, and renamed. */
	size_t len = strlen(input->listen), suffix_len = strlen(SOCKET_LOCAL_SUFFIX);
	if (len > suffix_len && strcmp(input->listen + len - suffix_len, SOCKET_LOCAL_SUFFIX) == 0)
		input->listen[len - suffix_len] = '\0';
}

void input_status_begin(const struct input *input, struct input_status *status)
{
	static const char *const states[] = {
		[INPUT_OPENED] = "not started", [INPUT_RUNNING] = "running", [INPUT_STOPPING] = "stopping",
		[INPUT_STOPPED] = "stopped",
	};
	*status = (struct input_status){.state = states[atomic_load(&input->state)]};
	memcpy(status->listen, input->listen, sizeof status->listen);
}

void input_call(const struct input_worker *on, worker_fn fn, void *context)
{
	bool is_done = worker_call(on->worker, fn, context);
	assert(is_done);
}

void input_stopping(struct input *input, void (*stopped)(void *context), void *context)
{
	assert(atomic_load(&input->state) == INPUT_RUNNING);
	input->stopped = stopped;
	input->stopped_context = context;
	atomic_store(&input->state, INPUT_STOPPING);
}

void input_part_stopped(struct input *input)
{
	assert(atomic_load(&input->parts) > 0);
	if (atomic_fetch_sub(&input->parts, 1) > 1)
		return;
	atomic_store(&input->state, INPUT_STOPPED);
	input->stopped(input->stopped_context); /* whoever it wakes may free the input */
}
