/* SPDX-License-Identifier: Apache-2.0 */
/* A message in liblog's typed encoding as outputs write it: one JSON text with its octets in it, in the room there is. */
#ifndef TESTS_FUZZ_TYPED_CHECKS_H
#define TESTS_FUZZ_TYPED_CHECKS_H

#include "fuzz/message_checks.h"
#include "output/typed_event.h"

static inline void check_typed(const struct envelope *envelope)
{
	static struct typed_event typed;
	enum typed_event_result result = typed_event_read(&typed, &envelope->message);
	const struct json_options options = {
		.input_name = {(const uint8_t *)"udp", 3}, .typed = &typed.event, .typed_is_inexact = true};
	CHECK(result != TYPED_EVENT_NO_MEMORY);
	if (result == TYPED_EVENT_READ)
		check_json_with(envelope, &options);
}

#endif
