/* SPDX-License-Identifier: Apache-2.0 */
/* What an input has stored, read from the spool of its rig: all records, one of them, or the order of several senders. */
#ifndef TESTS_UNIT_INPUT_RIG_RECORDS_H
#define TESTS_UNIT_INPUT_RIG_RECORDS_H

#include "rig.h"

typedef void (*rig_record_fn)(void *context, const struct envelope *envelope);

/* Calls `fn` for each stored record and returns how many there are. */
static inline uint64_t rig_read(struct rig *rig, rig_record_fn fn, void *context)
{
	static struct envelope_context unpacking;
	uint64_t count = 0;
	struct spool_view view;
	struct spool_reader *reader = spool_reader_open(rig->spool, spool_first(rig->spool));
	while (spool_read(reader, &view) == SPOOL_READ_BLOCK) {
		struct bytes records = view.records, record;
		envelope_context_start(&unpacking, view.base_ns);
		while (spool_record_next(&records, &record)) {
			struct envelope envelope;
			ck_assert(envelope_unpack(&unpacking, record, &envelope));
			if (fn != NULL)
				fn(context, &envelope);
			count++;
		}
		ck_assert_uint_eq(records.len, 0);
	}
	spool_reader_close(&reader);
	return count;
}

/* Record `index` as text, in a buffer of the rig's own that the next call reuses; its envelope's other fields in *out. */
struct rig_one {
	uint64_t wanted, seen;
	struct envelope envelope;
	char text[65536];
	bool is_found;
};

/* The reader's memory goes: a view into `from` becomes one into `to`. */
static inline void rig_move_view(struct bytes *view, const uint8_t *from, const char *to)
{
	if (view->len > 0)
		view->at = (const uint8_t *)to + (view->at - from);
}

static inline void rig_pick(void *context, const struct envelope *envelope)
{
	struct rig_one *one = context;
	if (one->seen++ != one->wanted)
		return;
	one->is_found = true;
	one->envelope = *envelope;
	ck_assert_uint_lt(envelope->raw.len, sizeof one->text);
	memcpy(one->text, envelope->raw.at, envelope->raw.len);
	one->text[envelope->raw.len] = '\0';
	struct message *message = &one->envelope.message;
	struct bytes *views[] = {&message->hostname, &message->app_name, &message->msg, &one->envelope.raw};
	for (unsigned i = 0; i < sizeof views / sizeof *views; i++)
		rig_move_view(views[i], envelope->raw.at, one->text);
}

static inline struct rig_one *rig_record(struct rig *rig, uint64_t index)
{
	static struct rig_one one;
	one.wanted = index;
	one.seen = 0;
	one.is_found = false;
	rig_read(rig, rig_pick, &one);
	ck_assert_msg(one.is_found, "there is no record %llu", (unsigned long long)index);
	return &one;
}

/*
 * Checks messages "... sender S number N" of several senders: each sender's numbers are 0, 1, 2 ... without gap or
 * repetition. `next` has one count for each sender.
 */
struct rig_order {
	unsigned senders;
	uint64_t next[16];
};

static inline void rig_check_order(void *context, const struct envelope *envelope)
{
	struct rig_order *order = context;
	char text[256];
	unsigned sender;
	unsigned long long number;
	snprintf(text, sizeof text, "%.*s", (int)envelope->raw.len, (const char *)envelope->raw.at);
	const char *at = strstr(text, "sender ");
	ck_assert_msg(at != NULL && sscanf(at, "sender %u number %llu", &sender, &number) == 2, "\"%s\"", text);
	ck_assert_uint_lt(sender, order->senders);
	ck_assert_uint_eq(number, order->next[sender]);
	order->next[sender]++;
}

#endif
