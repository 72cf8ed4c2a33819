/* SPDX-License-Identifier: Apache-2.0 */
/* Records looked at without unpacking them: for who needs no fields. What is in a rare form is for envelope_unpack(). */
#include "syslog/envelope_form.h"

#include "base/little_endian.h"

/* ---- skimming ---- */

enum {
	SKIM_OCTETS = 2 * OCTETS16_BLOCK, /* behind head and PRI, in which all numbers must end */
	SKIM_NOT = 0xFF,
};

/* How many numbers a time of each kind takes. */
static const uint8_t time_numbers[HEAD_TIME_MASK + 1] = {
	2, 3, 3, 3, 3, 3, 3, 3, 3, 3, SKIM_NOT, SKIM_NOT, SKIM_NOT, SKIM_NOT, SKIM_NOT, 0,
};

/* A bit for each octet that a number ends with. */
static inline uint32_t number_ends(const uint8_t *at)
{
	uint32_t more = octets16_mask(octets16_load(at)) | octets16_mask(octets16_load(at + OCTETS16_BLOCK)) << OCTETS16_BLOCK;
	return ~more;
}

static inline uint32_t without_lowest(uint32_t bits, unsigned count)
{
	for (; count > 0; count--)
		bits &= bits - 1;
	return bits;
}

/* What the flags of a message with a valid PRI have not. */
static const uint64_t flags_not_skimmed = ~(((uint64_t)1 << MESSAGE_FLAGS) - 1) | MESSAGE_PRI_ABSENT | MESSAGE_PRI_INVALID;

bool envelope_skim(struct envelope_context *context, struct bytes record, unsigned formats, struct bytes *raw)
{
	if (record.len <= 2 + SKIM_OCTETS)
		return false;
	uint8_t head = record.at[0];
	unsigned numbers = time_numbers[head >> HEAD_TIME_SHIFT & HEAD_TIME_MASK];
	if ((formats >> (head & HEAD_FORMAT_MASK) & 1) == 0 || (head & HEAD_UNUSED) != 0 || numbers == SKIM_NOT)
		return false;
	const uint8_t *begin = record.at + 2, *at = begin;
	uint32_t ends = number_ends(begin);
	uint64_t flags = (head & HEAD_HAS_FLAGS) != 0 ? next_number(&at) : 0, received = next_number(&at);
	unsigned slot = *at++ - 1u; /* above all others if the peer is there in full */
	if ((flags & flags_not_skimmed) != 0 || slot >= known_peers(context))
		return false;
	ends = without_lowest(ends >> (at - begin), 1 + numbers); /* the input's, and those of the time */
	if (ends == 0)
		return false;
	at += __builtin_ctz(ends);
	ends >>= __builtin_ctz(ends);
	unsigned present = *at;
	if (present >> VIEWS != 0)
		return false;
	/* The octet `present` and the numbers behind it, which have one octet each as a rule. */
	uint32_t all = (2u << envelope_view_numbers[present]) - 1;
	if ((ends & all) == all) {
		at += 1 + envelope_view_numbers[present];
	} else {
		ends = without_lowest(ends, envelope_view_numbers[present]);
		if (ends == 0)
			return false;
		at += __builtin_ctz(ends) + 1;
	}
	context->last_received_ns = received_after(context, received);
	context->last_slot = slot;
	*raw = bytes_of(at, (size_t)(record.at + record.len - at));
	return true;
}

/* ---- proving ---- */

/* The numbers of views as they lie there: of each pair the gap is the lower octet, the length the higher one. */
struct view_pairs {
	uint64_t first, last; /* four pairs each; zero where there are none */
};

#define PAIRS(pair) (UINT64_C(0x0001000100010001) * (pair))

/* The first `octets` of them, 12 at the most. */
static inline struct view_pairs first_pairs(struct view_pairs pairs, unsigned octets)
{
	uint64_t first = octets < 8 ? (UINT64_C(1) << 8 * octets) - 1 : UINT64_MAX;
	uint64_t last = octets < 8 ? 0 : (UINT64_C(1) << 8 * (octets - 8)) - 1;
	return (struct view_pairs){pairs.first & first, pairs.last & last};
}

/* The sums of gaps and lengths in each of four lanes. */
static inline uint64_t lane_sums(uint64_t pairs)
{
	return (pairs >> 1 & PAIRS(0x3f)) + (pairs >> 8 & PAIRS(0x7f));
}

/*
 * Each view begins where the one before it ends, or behind, so that they all lie in the raw octets if gaps and lengths
 * together are no more than these. MSG has what is left behind it instead of its length, and one octet at the least.
 */
static inline bool views_are_sound(const struct common_head *common)
{
	unsigned octets = envelope_view_numbers[common->present], has_msg = common->present >> VIEW_MSG & 1;
	const struct view_pairs all = {le64_load(common->numbers), le64_load(common->numbers + 8)};
	const struct view_pairs tops = {PAIRS(0x8000), PAIRS(0x8000)};
	struct view_pairs pairs = first_pairs(all, octets), lengths = first_pairs(tops, octets - 2 * has_msg);
	/* The lowest bit of a gap is its sign. A length of zero stays below 128 when 127 is added. */
	uint64_t backwards = (pairs.first | pairs.last) & PAIRS(1);
	uint64_t empty = (~(pairs.first + PAIRS(0x7f00)) & lengths.first) | (~(pairs.last + PAIRS(0x7f00)) & lengths.last);
	if (backwards != 0 || empty != 0)
		return false;
	uint64_t sum = (lane_sums(pairs.first) + lane_sums(pairs.last)) * PAIRS(1) >> 48;
	return sum + has_msg <= common->raw.len;
}

bool envelope_prove(struct envelope_context *context, struct bytes record, struct envelope_source *source)
{
	struct common_head common;
	struct envelope envelope;
	if (common_head_read(context, record, &common) && views_are_sound(&common)) {
		bool has_hostname = (common.present >> VIEW_HOSTNAME & 1) != 0;
		source->peer = context->peer[common.slot];
		source->hostname =
			has_hostname ? bytes_of(common.raw.at + common.numbers[0] / 2, common.numbers[1]) : bytes_of(NULL, 0);
		context->last_slot = common.slot;
		context->last_received_ns = common.received_ns;
		return true;
	}
	if (!envelope_unpack(context, record, &envelope))
		return false;
	*source = (struct envelope_source){envelope.peer, envelope.message.hostname};
	return true;
}
