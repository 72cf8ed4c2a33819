/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver `unix`: what programs of this host send by syslog(3), as to /dev/log. They must never wait for us (P7), so
 * this input drops and counts where others pause, over a stream socket too.
 */
#include "input/datagram_input.h"
#include "input/framed_connection.h"
#include "input/input_drivers.h"
#include "input/stream_server.h"

#include <stdio.h>

enum { UNIX_RECEIVE_BUFFER_BYTES = 8 * 1024 * 1024, UNIX_PERMISSIONS_MAX = 0777 };

enum unix_mode {
	UNIX_DATAGRAM = 0,
	UNIX_STREAM = 1,
};

struct unix_settings {
	struct input_common common;
	struct input_connections connections;
	char *path;
	unsigned mode; /* enum unix_mode */
	char *permissions;
};

static const char *const modes[] = {[UNIX_DATAGRAM] = "datagram", [UNIX_STREAM] = "stream", NULL};

static const struct option options[] = {
	{.name = "path", .kind = OPTION_TEXT, .offset = offsetof(struct unix_settings, path), .required = true,
	 .doc = "The socket's path, such as \"/dev/log\"; a socket that is there is replaced."},
	{.name = "mode", .kind = OPTION_CHOICE, .offset = offsetof(struct unix_settings, mode), .preset = "datagram",
	 .choices = modes, .doc = "The kind of the socket; the C library tries datagram first."},
	{.name = "permissions", .kind = OPTION_TEXT, .offset = offsetof(struct unix_settings, permissions), .preset = "0666",
	 .doc = "The socket's permissions, in octal; who may write to it may log."},
	INPUT_COMMON_OPTIONS(struct unix_settings),
	INPUT_CONNECTION_OPTIONS(struct unix_settings),
	{0},
};

static bool read_permissions(const char *text, unsigned *permissions, char *error)
{
	char behind;
	if (text != NULL && text[0] >= '0' && text[0] <= '7' && sscanf(text, "%o%c", permissions, &behind) == 1 &&
	    *permissions > 0 && *permissions <= UNIX_PERMISSIONS_MAX)
		return true;
	snprintf(error, INPUT_ERROR_MAX_BYTES, "permissions: \"%.20s\" is not an octal number from 0001 to 0777; write for "
	         "example \"0666\"", text != NULL ? text : "");
	return false;
}

static bool read_path(const struct unix_settings *settings, struct endpoint *endpoint, char *error)
{
	char reason[ADDRESS_ERROR_MAX_BYTES];
	if (endpoint_read(settings->path, 1, endpoint, reason) && endpoint->is_local)
		return true;
	snprintf(error, INPUT_ERROR_MAX_BYTES, "path: \"%.200s\" is not the path of a Unix socket; it begins with \"/\" and is "
	         "shorter than %zu octets", settings->path, sizeof endpoint->path);
	return false;
}

static bool check(const void *settings, char *error)
{
	const struct unix_settings *local = settings;
	struct endpoint endpoint;
	unsigned permissions;
	return input_common_check(&local->common, error) && read_path(local, &endpoint, error) &&
	       read_permissions(local->permissions, &permissions, error);
}

static void default_name(const void *settings, char *name)
{
	input_default_name("unix", ((const struct unix_settings *)settings)->path, name);
}

/* --- over a stream socket: records end in NUL or LF -------------------------------------------------------------- */

static void open_connection(struct connection *connection)
{
	const struct unix_settings *settings = connection_settings(connection);
	framed_connection_init(connection, FRAME_MODE_LOCAL, (size_t)settings->common.max_message_size,
	                       NON_TRANSPARENT_NO_DELIMITER);
}

static const struct connection_protocol protocol = {
	.size = sizeof(struct framed_connection),
	.frame_overhead_bytes = FRAME_OVERHEAD_MAX,
	.output_cap_bytes = 1024, /* nothing is ever sent */
	.transports = {TRANSPORT_UNIX_STREAM, TRANSPORT_UNIX_STREAM, TRANSPORT_UNIX_STREAM},
	.open = open_connection,
	.bytes = framed_connection_bytes,
	.end = framed_connection_end,
	.stop = framed_connection_stop,
};

static struct input *open_stream(const struct input_setup *setup, unsigned permissions, char *error)
{
	const struct unix_settings *settings = setup->settings;
	struct stream_server_spec spec = {
		.protocol = &protocol,
		.listen = settings->path,
		.default_port = 1, /* a path has none */
		.permissions = permissions,
		.limits = &settings->connections,
		.use = SPOOL_BLOCK_SHEDS,
		.is_local_dialect = true,
	};
	return stream_server_open(&spec, setup, error);
}

/* --- the driver -------------------------------------------------------------------------------------------------- */

static struct input *open_datagram(const struct input_setup *setup, unsigned permissions, char *error)
{
	struct datagram_input_spec spec = {
		.transport = TRANSPORT_UNIX_DATAGRAM,
		.permissions = permissions,
		.receive_buffer_bytes = UNIX_RECEIVE_BUFFER_BYTES,
		.is_local_dialect = true,
	};
	return read_path(setup->settings, &spec.endpoint, error) ? datagram_input_open(&spec, setup, error) : NULL;
}

static bool is_stream(const struct input *input)
{
	return ((const struct unix_settings *)input->setup.settings)->mode == UNIX_STREAM;
}

static struct input *open_input(const struct input_setup *setup, char *error)
{
	const struct unix_settings *settings = setup->settings;
	unsigned permissions;
	if (!read_permissions(settings->permissions, &permissions, error))
		return NULL;
	return settings->mode == UNIX_STREAM ? open_stream(setup, permissions, error)
	                                     : open_datagram(setup, permissions, error);
}

static void start(struct input *input)
{
	if (is_stream(input))
		stream_server_start(input);
	else
		datagram_input_start(input);
}

static void stop(struct input *input, void (*stopped)(void *context), void *context)
{
	if (is_stream(input))
		stream_server_stop(input, stopped, context);
	else
		datagram_input_stop(input, stopped, context);
}

static void status(const struct input *input, struct input_status *out)
{
	if (is_stream(input))
		stream_server_status(input, out);
	else
		datagram_input_status(input, out);
}

static void close_input(struct input **input)
{
	if (*input == NULL)
		return;
	if (is_stream(*input))
		stream_server_close(input);
	else
		datagram_input_close(input);
}

const struct input_driver input_unix = {
	.type = "unix",
	.doc = "A Unix socket for the programs of this host (/dev/log): it never blocks them; what cannot be kept is counted.",
	.options = options,
	.settings_size = sizeof(struct unix_settings),
	.check = check,
	.default_name = default_name,
	.open = open_input,
	.start = start,
	.stop = stop,
	.status = status,
	.close = close_input,
};
