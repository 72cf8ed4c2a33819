/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as they come, from the network and from a local socket. */
#include "fuzz/message_checks.h"

enum { INPUT_MAX_BYTES = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct zone_name names[] = {{{(const uint8_t *)"CEST", 4}, 120}};
	static struct timezone_rules zone;
	if (!zone.has_rule)
		CHECK(timezone_from_posix(BYTES("CET-1CEST,M3.5.0,M10.5.0/3"), &zone));
	struct parse_context remote = {
		.received_ns = 1791756860000000000, .zone = &zone, .zone_names = names, .zone_name_count = 1};
	struct parse_context local = {.received_ns = 1793000000000000000, .zone = &zone, .local_socket = true};
	if (size > INPUT_MAX_BYTES)
		return 0;
	struct guarded_bytes raw = guarded_bytes_copy(bytes_of(data, size));
	check_message(guarded_bytes_view(&raw), &remote);
	check_message(guarded_bytes_view(&raw), &local);
	guarded_bytes_free(&raw);
	return 0;
}
