/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of the drivers tcp and tls share: a rig with one input that has a framing and a limit of messages, and
 * looks at its records.
 */
#ifndef TESTS_UNIT_INPUT_INPUT_STREAM_FIXTURE_H
#define TESTS_UNIT_INPUT_INPUT_STREAM_FIXTURE_H

#include "rig.h"
#include "rig_records.h"
#include "rig_senders.h"

static struct rig rig;

static inline void close_rig(void)
{
	rig_close(&rig);
}

static inline void open_one(const char *framing, const char *max_message_size)
{
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "tcp", "listen", "127.0.0.1:0", "framing", framing, "max_message_size", max_message_size, NULL);
}

static inline void assert_record(uint64_t index, const char *text, bool is_truncated)
{
	const struct rig_one *one = rig_record(&rig, index);
	ck_assert_str_eq(one->text, text);
	ck_assert_uint_eq((one->envelope.message.flags & MESSAGE_TRUNCATED) != 0, is_truncated);
}

#endif
