/* SPDX-License-Identifier: Apache-2.0 */
/* The driver `udp`: one message in each datagram (RFC 5426). */
#include "input/datagram_input.h"
#include "input/input_drivers.h"

#include <stdio.h>

enum { UDP_DEFAULT_PORT = 514 };

struct udp_settings {
	struct input_common common;
	char *listen;
	uint64_t receive_buffer;
	bool receive_aggregates;
};

static const struct option options[] = {
	{.name = "listen", .kind = OPTION_TEXT, .offset = offsetof(struct udp_settings, listen), .required = true,
	 .doc = "Address and port to receive on: \"[::]:514\" is all addresses."},
	INPUT_COMMON_OPTIONS(struct udp_settings),
	INPUT_PEER_OPTIONS(struct udp_settings),
	{.name = "receive_buffer", .kind = OPTION_SIZE, .offset = offsetof(struct udp_settings, receive_buffer),
	 .preset = "64MiB", .min = 65536, .max = 1073741824,
	 .doc = "The kernel's buffer of each socket (one a worker); above net.core.rmem_max it needs CAP_NET_ADMIN."},
	{.name = "receive_aggregates", .kind = OPTION_BOOL, .offset = offsetof(struct udp_settings, receive_aggregates),
	 .preset = "false",
	 .doc = "Receives datagrams that came close together from one sender as aggregates of up to 128 (UDP_GRO): cheaper. But "
	        "the kernel counts an aggregate that it drops as one: such drops are \"kernel-aggregates\" instead of "
	        "\"kernel\", the least that was lost."},
	{0},
};

static bool read_endpoint(const struct udp_settings *settings, struct endpoint *endpoint, char *error)
{
	char reason[ADDRESS_ERROR_MAX_BYTES];
	struct address address;
	if (!endpoint_read(settings->listen, UDP_DEFAULT_PORT, endpoint, reason)) {
		snprintf(error, INPUT_ERROR_MAX_BYTES, "listen: %s", reason);
		return false;
	}
	if (!endpoint->is_local && address_of_endpoint(endpoint, &address))
		return true;
	snprintf(error, INPUT_ERROR_MAX_BYTES, "listen: \"%.200s\" is not an address and a port of this machine, such as "
	         "127.0.0.1:514 or [::]:514", settings->listen);
	return false;
}

static bool check(const void *settings, char *error)
{
	const struct udp_settings *udp = settings;
	struct endpoint endpoint;
	return input_common_check(&udp->common, error) && read_endpoint(udp, &endpoint, error);
}

static void default_name(const void *settings, char *name)
{
	input_default_name("udp", ((const struct udp_settings *)settings)->listen, name);
}

static struct input *open_input(const struct input_setup *setup, char *error)
{
	const struct udp_settings *settings = setup->settings;
	struct datagram_input_spec spec = {
		.transport = TRANSPORT_UDP,
		.receive_buffer_bytes = settings->receive_buffer,
		.receive_aggregates = settings->receive_aggregates,
	};
	return read_endpoint(settings, &spec.endpoint, error) ? datagram_input_open(&spec, setup, error) : NULL;
}

const struct input_driver input_udp = {
	.type = "udp",
	.doc = "Syslog over UDP (RFC 5426): unacknowledged; what is lost is counted as far as this machine can see it.",
	.options = options,
	.settings_size = sizeof(struct udp_settings),
	.loses = true,
	.check = check,
	.default_name = default_name,
	.open = open_input,
	.start = datagram_input_start,
	.stop = datagram_input_stop,
	.status = datagram_input_status,
	.close = datagram_input_close,
};
