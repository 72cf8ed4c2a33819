/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The drivers `tcp` and `tls`: syslog frames over a connection, without answers (RFC 6587, RFC 5425). RFC 5425 allows octet
 * counting only, but rsyslog and syslog-ng send LF frames over TLS by default, so both drivers read both.
 */
#include "input/framed_connection.h"
#include "input/input_drivers.h"
#include "input/stream_server.h"
#include "net/socket.h"

#include <stdio.h>

enum { TCP_DEFAULT_PORT = 514, TLS_DEFAULT_PORT = 6514, ACKNOWLEDGED_A_TURN_MAX = 32 };

struct stream_settings {
	struct input_common common;
	struct input_connections connections;
	char *listen;
	unsigned framing; /* enum frame_mode */
	char *delimiter;
	struct input_tls tls;
};

static const char *const framings[] = {
	[FRAME_MODE_AUTO] = "auto",
	[FRAME_MODE_OCTET_COUNTING] = "octet-counting",
	[FRAME_MODE_NON_TRANSPARENT] = "non-transparent",
	NULL,
};

#define STREAM_OPTIONS                                                                                                 \
	INPUT_COMMON_OPTIONS(struct stream_settings), INPUT_PEER_OPTIONS(struct stream_settings),                      \
	INPUT_CONNECTION_OPTIONS(struct stream_settings),                                                              \
	{.name = "framing", .kind = OPTION_CHOICE, .offset = offsetof(struct stream_settings, framing),                \
	 .preset = "auto", .choices = framings,                                                                        \
	 .doc = "How messages are cut: by MSG-LEN, by LF, or decided for each frame by its first octets."},           \
	{.name = "delimiter", .kind = OPTION_TEXT, .offset = offsetof(struct stream_settings, delimiter),              \
	 .doc = "One more octet that ends a message as LF does: its number (\"0\" is NUL) or the character itself."}

static const struct option tcp_options[] = {
	{.name = "listen", .kind = OPTION_TEXT, .offset = offsetof(struct stream_settings, listen), .required = true,
	 .doc = "Address and port to listen on: \"[::]:514\" is all addresses."},
	STREAM_OPTIONS,
	{0},
};

static const struct option tls_options[] = {
	{.name = "listen", .kind = OPTION_TEXT, .offset = offsetof(struct stream_settings, listen), .required = true,
	 .doc = "Address and port to listen on: \"[::]:6514\" is all addresses."},
	{.name = "tls", .kind = OPTION_SECTION, .offset = offsetof(struct stream_settings, tls),
	 .section = input_tls_options, .required = true, .doc = "Our certificate, and who may connect."},
	STREAM_OPTIONS,
	{0},
};

/* The octet of `delimiter`: -1 if there is none, -2 if it cannot be read. */
static int read_delimiter(const char *text)
{
	if (text == NULL)
		return NON_TRANSPARENT_NO_DELIMITER;
	if (text[0] != '\0' && text[1] == '\0' && (text[0] < '0' || text[0] > '9'))
		return (uint8_t)text[0];
	unsigned octet;
	char behind;
	if (text[0] < '0' || text[0] > '9' || strlen(text) > 3 || sscanf(text, "%u%c", &octet, &behind) != 1 || octet > 255)
		return -2;
	return (int)octet;
}

/* --- the protocol ------------------------------------------------------------------------------------------------ */

static void open_connection(struct connection *connection)
{
	const struct stream_settings *settings = connection_settings(connection);
	framed_connection_init(connection, (enum frame_mode)settings->framing, (size_t)settings->common.max_message_size,
	                       read_delimiter(settings->delimiter));
}

/*
 * A sender that leaves Nagle's algorithm on keeps its next messages back until these are acknowledged. The kernel does that
 * when they are read, but where short and long segments take turns it may wait 40 ms, again and again. To ask for it costs
 * as much as several messages do: where so many connections are busy at once, that decides what is a delay.
 */
static size_t take_bytes(struct connection *connection, struct bytes bytes)
{
	struct connection_part *part = connection->part;
	if (worker_turn_allows(part->on->worker, &part->acknowledged, ACKNOWLEDGED_A_TURN_MAX))
		socket_acknowledge_next(stream_fd(connection->stream));
	return framed_connection_bytes(connection, bytes);
}

static const struct connection_protocol protocol = {
	.size = sizeof(struct framed_connection),
	.frame_overhead_bytes = FRAME_OVERHEAD_MAX,
	.output_cap_bytes = 1024, /* nothing but TLS's own alerts is ever sent */
	.transports = {TRANSPORT_TCP, TRANSPORT_TLS, TRANSPORT_TCP},
	.open = open_connection,
	.bytes = take_bytes,
	.end = framed_connection_end,
	.stop = framed_connection_stop,
};

/* --- the drivers ------------------------------------------------------------------------------------------------- */

static struct stream_server_spec spec_of(const struct stream_settings *settings, bool is_tls)
{
	return (struct stream_server_spec){
		.protocol = &protocol,
		.listen = settings->listen,
		.default_port = is_tls ? TLS_DEFAULT_PORT : TCP_DEFAULT_PORT,
		.limits = &settings->connections,
		.tls = is_tls ? &settings->tls : NULL,
		.use = SPOOL_BLOCK_WAITS,
	};
}

static bool check_delimiter(const char *text, char *error)
{
	int delimiter = read_delimiter(text);
	if (delimiter == NON_TRANSPARENT_NO_DELIMITER)
		return true;
	if (delimiter < 0) {
		snprintf(error, INPUT_ERROR_MAX_BYTES, "delimiter: \"%.20s\" is neither one character nor the number of an octet "
		         "(0 to 255)", text);
		return false;
	}
	if (!non_transparent_is_delimiter((uint8_t)delimiter)) {
		snprintf(error, INPUT_ERROR_MAX_BYTES, "delimiter: \"%.20s\" is octet %d, '%c', with which a message or its MSG-LEN "
		         "may begin; \"<\", a space and the digits cannot end one", text, delimiter, (char)delimiter);
		return false;
	}
	return true;
}

static bool check(const struct stream_settings *settings, bool is_tls, char *error)
{
	struct stream_server_spec spec = spec_of(settings, is_tls);
	if (!input_common_check(&settings->common, error) || !stream_server_check(&spec, error))
		return false;
	return check_delimiter(settings->delimiter, error);
}

static bool check_tcp(const void *settings, char *error)
{
	return check(settings, false, error);
}

static bool check_tls(const void *settings, char *error)
{
	return check(settings, true, error);
}

static void name_tcp(const void *settings, char *name)
{
	input_default_name("tcp", ((const struct stream_settings *)settings)->listen, name);
}

static void name_tls(const void *settings, char *name)
{
	input_default_name("tls", ((const struct stream_settings *)settings)->listen, name);
}

static struct input *open_tcp(const struct input_setup *setup, char *error)
{
	struct stream_server_spec spec = spec_of(setup->settings, false);
	return stream_server_open(&spec, setup, error);
}

static struct input *open_tls(const struct input_setup *setup, char *error)
{
	struct stream_server_spec spec = spec_of(setup->settings, true);
	return stream_server_open(&spec, setup, error);
}

const struct input_driver input_tcp = {
	.type = "tcp",
	.doc = "Syslog over TCP (RFC 6587), octet counting and LF framing. The sender cannot know what was stored.",
	.options = tcp_options,
	.settings_size = sizeof(struct stream_settings),
	.check = check_tcp,
	.default_name = name_tcp,
	.open = open_tcp,
	.start = stream_server_start,
	.stop = stream_server_stop,
	.status = stream_server_status,
	.close = stream_server_close,
};

const struct input_driver input_tls = {
	.type = "tls",
	.doc = "Syslog over TLS (RFC 5425); LF framing is read too. The sender cannot know what was stored.",
	.options = tls_options,
	.settings_size = sizeof(struct stream_settings),
	.check = check_tls,
	.default_name = name_tls,
	.open = open_tls,
	.start = stream_server_start,
	.reload = stream_server_reload,
	.stop = stream_server_stop,
	.status = stream_server_status,
	.close = stream_server_close,
};
