/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/sequence_gaps.h"

#include "base/decimal.h"
#include "syslog/structured_data.h"

enum { ID_DIGITS_MAX = 10 };

/* FNV-1a: a few octets for each of few messages. */
static uint64_t hash(uint64_t before, struct bytes octets)
{
	for (size_t i = 0; i < octets.len; i++)
		before = (before ^ octets.at[i]) * UINT64_C(0x100000001b3);
	return (before ^ 0xff) * UINT64_C(0x100000001b3); /* where one ends and the next begins */
}

/* Whether the text has "sequenceId=": looked for by its "q", which hardly any other text has. */
static bool names_an_id(struct bytes text)
{
	static const char name[] = "sequenceId=";
	const size_t q_at = 2, behind = sizeof name - 1 - q_at;
	size_t at = bytes_find(text, 'q');
	while (at < text.len) {
		if (at >= q_at && text.len - at >= behind && memcmp(text.at + at - q_at, name, sizeof name - 1) == 0)
			return true;
		at += 1 + bytes_find(bytes_after(text, at + 1), 'q');
	}
	return false;
}

/* The sequenceId of the message, 0 if it has none. */
static uint32_t id_of(const struct message *message)
{
	struct bytes rest = message->structured_data;
	struct sd_element element;
	struct sd_param param;
	while (sd_next_element(&rest, &element)) {
		if (!bytes_equal(element.id, BYTES("meta")))
			continue;
		while (sd_next_param(&element.params, &param)) {
			uint64_t id;
			if (bytes_equal(param.name, BYTES("sequenceId")) &&
			    decimal_read(param.value, ID_DIGITS_MAX, &id) == param.value.len && id <= SEQUENCE_ID_MAX)
				return (uint32_t)id;
		}
	}
	return 0;
}

/* How far the number is from the counter's last one; 0 if that is not known. It becomes the last one. */
static int64_t step(struct sequence_gaps *gaps, uint64_t counter, uint32_t id)
{
	struct sequence_last *last = &gaps->last[counter % SEQUENCE_GAPS_SLOTS];
	int64_t from_last = last->counter == counter ? (int64_t)id - last->id : 0;
	*last = (struct sequence_last){counter, id};
	return from_last;
}

/* Kept out of the way of those that have none. */
__attribute__((noinline)) static uint32_t gaps_before(struct sequence_gaps *gaps, const struct peer *peer,
                                                      const struct message *message)
{
	uint32_t id = id_of(message);
	if (id == 0)
		return 0;
	uint64_t sender = hash(UINT64_C(0xcbf29ce484222325), bytes_of(peer->address, sizeof peer->address));
	sender = hash(sender, bytes_of(&peer->port, sizeof peer->port));
	uint64_t originator = hash(hash(hash(sender, message->hostname), message->app_name), message->procid);
	int64_t of_sender = step(gaps, sender, id), of_originator = step(gaps, originator, id);
	if (of_sender == 1 || of_sender == 0 || of_originator <= 1 || of_originator > SEQUENCE_GAP_MAX)
		return 0;
	/* Backwards for the sender, forwards for the originator: there are several originators, each with its counter. */
	int64_t least = of_sender > 1 && of_sender < of_originator ? of_sender : of_originator;
	return (uint32_t)(least - 1);
}

uint32_t sequence_gaps_before(struct sequence_gaps *gaps, const struct peer *peer, const struct message *message)
{
	return names_an_id(message->structured_data) ? gaps_before(gaps, peer, message) : 0; /* nearly always 0 */
}
