/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record is read in three ways, by how it is packed and what is asked of it: all of it in any form, all of it in the
 * common form, and where its raw octets are. Here each reads the same records, most of them packed by the rules but as no
 * writer of ours would, some of them wrong, some cut: the ways must agree, and leave the same behind for the next record.
 */
#include "syslog/envelope.c"

#include "fuzz/message_checks.h"

#include <check.h>

enum { RECORDS = 150000, RECORD_MOST_BYTES = 1024, PEERS = 6, ALL_PEERS = 2 * ENVELOPE_PEERS_MAX };

static uint64_t state = 1;

static uint64_t random_bits(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545F4914F6CDD1D;
}

static unsigned random_below(unsigned limit)
{
	return (unsigned)((random_bits() >> 32) * limit >> 32);
}

static bool one_of(unsigned many)
{
	return random_below(many) == 0;
}

/* As a rule below `limit`, else of any size; and now and then in more octets than it needs. */
static uint8_t *put_number(uint8_t *at, uint64_t limit)
{
	at = varint_put(at, one_of(30) ? random_bits() >> random_below(64) : random_bits() % limit);
	for (unsigned more = one_of(60) ? random_below(VARINT_LEN_MAX) : 0; more > 0; more--) {
		at[-1] |= 0x80;
		*at++ = 0;
	}
	return at;
}

static uint8_t *put_some_peer(uint8_t *at)
{
	*at++ = (uint8_t)(one_of(40) ? random_below(256) : 1 + random_below(PEERS));
	return at[-1] == 0 ? at + peer_pack(&(struct peer){.port = (uint16_t)random_below(ALL_PEERS)}, at) : at;
}

static uint8_t *put_some_time(uint8_t *at, unsigned kind)
{
	unsigned digits = kind < TIME_EXACT ? kind : TIMESTAMP_DIGITS_MAX;
	if (kind == TIME_IS_RECEIVED)
		return at;
	if (kind == TIME_EXACT)
		*at++ = (uint8_t)random_below(TIMESTAMP_DIGITS_MAX + 2);
	at = put_number(at, 4000);
	at = digits > 0 ? put_number(at, timestamp_unit_ns(TIMESTAMP_DIGITS_MAX - digits) + one_of(40)) : at;
	return put_number(at, 200);
}

/* Mostly one behind the other, and mostly within so many octets. */
static uint8_t *put_some_views(uint8_t *at, size_t raw_len)
{
	unsigned present = random_below(one_of(40) ? 256 : 1 << VIEWS), share = (unsigned)raw_len / 4 + 1;
	*at++ = (uint8_t)present;
	for (unsigned i = 0; i < VIEWS; i++) {
		if ((present >> i & 1) == 0)
			continue;
		at = put_number(at, 2 * random_below(share / 2 + 1) + 1);
		at[-1] &= (uint8_t)(one_of(60) ? 0xFF : 0xFE); /* no gap below zero */
		at = put_number(at, random_below(share) + 2);
	}
	return at;
}

static size_t make_record(uint8_t *record)
{
	unsigned format = random_below(4), kind = one_of(3) ? TIME_IS_RECEIVED : random_below(one_of(20) ? 16 : TIME_EXACT);
	bool has_flags = one_of(4);
	size_t raw_len = random_below(one_of(3) ? 40 : 300);
	uint8_t *at = record;
	*at++ = (uint8_t)(format | kind << HEAD_TIME_SHIFT | (has_flags ? HEAD_HAS_FLAGS : 0) | (one_of(50) ? HEAD_UNUSED : 0));
	*at++ = (uint8_t)random_below(PRI_MAX + (one_of(20) ? 60 : 1));
	at = has_flags ? put_number(at, one_of(20) ? 2u << MESSAGE_FLAGS : 1u << MESSAGE_FLAGS) : at;
	at = put_number(at, 1000000);
	at = put_some_peer(at);
	at = put_number(at, one_of(20) ? 2 * UINT16_MAX : 200);
	at = put_some_time(at, kind);
	at = put_some_views(at, raw_len);
	if (one_of(40))
		record[random_below((unsigned)(at - record))] = (uint8_t)random_bits();
	for (size_t i = 0; i < raw_len; i++)
		*at++ = (uint8_t)random_bits();
	return one_of(20) ? random_below((unsigned)(at - record)) : (size_t)(at - record);
}

static void check_same_context(const struct envelope_context *a, const struct envelope_context *b)
{
	ck_assert(same_peers(a, b));
	ck_assert_int_eq(a->last_received_ns, b->last_received_ns);
}

static void check_same(const struct envelope *a, const struct envelope *b)
{
	ck_assert(a->raw.at == b->raw.at && a->raw.len == b->raw.len);
	ck_assert(a->received_ns == b->received_ns && a->input == b->input);
	ck_assert_mem_eq(&a->peer, &b->peer, sizeof a->peer);
	check_equal_messages(&a->message, &b->message);
	check_views(&a->message, a->raw);
}

/* Returns whether the record is in the common form; `context` goes on behind it. */
static bool check_ways(struct envelope_context *context, struct bytes record)
{
	static struct envelope_context before, common, any;
	struct envelope of_common, of_any;
	before = common = any = *context;
	bool is_common = unpack_common(&common, record, &of_common);
	bool is_record = unpack_any(&any, record, &of_any);
	if (is_common) {
		ck_assert(is_record);
		check_same_context(&common, &any);
		check_same(&of_common, &of_any);
	} else {
		check_same_context(&common, &before);
	}
	ck_assert(check_unpack(context, record, &of_any) == is_record); /* it skims, too */
	if (!is_record)
		*context = before;
	return is_common;
}

START_TEST(all_ways_to_read_a_record_agree)
{
	static uint8_t made[RECORD_MOST_BYTES];
	struct guarded_bytes room = guarded_bytes_room(RECORD_MOST_BYTES);
	struct envelope_context context;
	unsigned in_common_form = 0;
	for (unsigned i = 0; i < RECORDS; i++) {
		if (i % 64 == 0) {
			envelope_context_start(&context, one_of(8) ? (int64_t)random_bits() : 1791756860000000000);
			for (unsigned peers = one_of(10) ? random_below(ALL_PEERS) : PEERS; peers > 0; peers--)
				remember_peer(&context, &(struct peer){.port = (uint16_t)peers});
		}
		size_t len = make_record(made);
		uint8_t *record = room.at + RECORD_MOST_BYTES - len;
		memcpy(record, made, len);
		in_common_form += check_ways(&context, bytes_of(record, len));
	}
	ck_assert_uint_gt(in_common_form, RECORDS / 8);
	ck_assert_uint_lt(in_common_form, RECORDS - RECORDS / 4);
	guarded_bytes_free(&room);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("envelope forms");
	TCase *tests = tcase_create("envelope forms");
	tcase_add_test(tests, all_ways_to_read_a_record_agree);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
