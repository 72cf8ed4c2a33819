/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that say to be RFC 5424: the input stands behind "<165>1 " unless it begins with "<" itself. */
#include "fuzz/typed_checks.h"

enum { INPUT_MAX_BYTES = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct timezone_rules utc;
	struct parse_context context = {.received_ns = 1791756860000000000, .zone = &utc};
	struct bytes input = bytes_of(data, size);
	struct bytes prefix = size > 0 && data[0] == '<' ? BYTES("") : BYTES("<165>1 ");
	if (size > INPUT_MAX_BYTES)
		return 0;
	struct guarded_bytes raw = guarded_bytes_room(prefix.len + input.len);
	memcpy(raw.at, prefix.at, prefix.len);
	if (input.len > 0)
		memcpy(raw.at + prefix.len, input.at, input.len);
	check_message(guarded_bytes_view(&raw), &context);
	struct envelope envelope = {.raw = guarded_bytes_view(&raw)};
	parse_message(envelope.raw, &context, &envelope.message);
	check_typed(&envelope);
	guarded_bytes_free(&raw);
	return 0;
}
