/* SPDX-License-Identifier: Apache-2.0 */
/* Compact, exact, and safe to read whatever a disk or another relay holds. */
#include "syslog/envelope.h"

#include "base/clock.h"
#include "fuzz/message_checks.h"
#include "support/feed.h"

#include <check.h>
#include <stdlib.h>

static struct parse_context context = {.received_ns = 1791756860LL * CLOCK_NS_PER_SECOND}; /* 2026-10-11T22:14:20Z */

static struct envelope envelope_of(struct bytes raw)
{
	struct envelope envelope = {
		.received_ns = context.received_ns,
		.peer = {.address = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1},
				 .port = 514,
				 .transport = TRANSPORT_UDP},
		.raw = raw,
	};
	parse_message(raw, &context, &envelope.message);
	return envelope;
}

static const char sshd[] =
	"<38>Oct 11 22:14:15 web01 sshd[4711]: Failed password for invalid user admin from 192.0.2.77 port 54460 ssh2";

static struct envelope_context packing, unpacking;

/* Packs into `record`, which has room, with the raw octets behind; returns the packed length alone. */
static size_t pack(const struct envelope *envelope, uint8_t *record, size_t *record_len)
{
	size_t len = envelope_pack(&packing, envelope, record);
	memcpy(record + len, envelope->raw.at, envelope->raw.len);
	*record_len = len + envelope->raw.len;
	return len;
}

static void start(void)
{
	envelope_context_start(&packing, context.received_ns);
	envelope_context_start(&unpacking, context.received_ns);
}

static void unpack_prefix(void *user, struct bytes prefix)
{
	struct envelope envelope;
	struct envelope_context fresh;
	envelope_context_start(&fresh, context.received_ns);
	if (!check_unpack(&fresh, prefix, &envelope))
		return;
	check_views(&envelope.message, envelope.raw);
	*(unsigned *)user += 1;
}

START_TEST(an_sshd_line_of_a_known_peer_takes_24_octets_at_most)
{
	uint8_t record[512];
	size_t record_len, sum = 0;
	enum { RECORDS = 1000 };
	struct envelope envelope = envelope_of(bytes_of_text(sshd));
	start();
	pack(&envelope, record, &record_len);
	for (int i = 0; i < RECORDS; i++) {
		/* A thousand a second, each at an odd nanosecond. */
		envelope.received_ns += 1000003;
		sum += pack(&envelope, record, &record_len);
	}
	ck_assert_uint_le(sum, 24 * RECORDS);
	ck_assert_uint_ge(sum, 10 * RECORDS);
}
END_TEST

START_TEST(records_come_back_in_order_with_their_differences)
{
	static const char *const texts[] = {"<38>Oct 11 22:14:15 web01 sshd[4711]: a",
										"free text",
										"<165>1 2026-10-11T22:14:15.123456789+05:45 m ev 77 ID47 [x@1 a=\"1\"] hello",
										"<38>Oct 11 22:14:60 h sshd[1]: [ID 800047 auth.info] x",
										"<165>1 - - - - - -",
										"\n"};
	struct guarded_bytes record = guarded_bytes_room(512);
	start();
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
			struct envelope envelope = envelope_of(bytes_of_text(texts[i])), back;
			size_t record_len;
			envelope.received_ns += (int64_t)i * 1000 - round * 77777;
			envelope.input = (uint16_t)(i * 9999);
			envelope.peer.port = (uint16_t)(i * 5000);
			envelope.peer.transport = (uint8_t)i;
			pack(&envelope, record.at, &record_len);
			ck_assert(check_unpack(&unpacking, bytes_of(record.at, record_len), &back));
			check_equal_messages(&back.message, &envelope.message);
			ck_assert_int_eq(back.received_ns, envelope.received_ns);
			ck_assert_uint_eq(back.input, envelope.input);
			ck_assert(bytes_equal(back.raw, envelope.raw));
			ck_assert_mem_eq(&back.peer, &envelope.peer, sizeof back.peer);
		}
	}
	guarded_bytes_free(&record);
}
END_TEST

START_TEST(peers_of_every_kind_come_back)
{
	static const struct peer peers[] = {
		{.transport = TRANSPORT_UNIX_DATAGRAM, .has_credentials = 1, .pid = 4294967295u, .uid = 1000, .gid = 0},
		{.transport = TRANSPORT_UNIX_STREAM},
		{.transport = TRANSPORT_TLS, .address = {0x20, 1, 0xd, 0xb8, [15] = 1}, .port = 65535},
		{.transport = TRANSPORT_TCP, .address = {[10] = 0xff, [11] = 0xff}, .port = 1},
		{.transport = TRANSPORT_RELP, .port = 7},
	};
	for (size_t i = 0; i < sizeof peers / sizeof *peers; i++) {
		struct envelope envelope = envelope_of(bytes_of_text(sshd));
		envelope.peer = peers[i];
		check_round_trip(&envelope);
	}
}
END_TEST

START_TEST(more_peers_than_the_context_remembers_are_still_right)
{
	uint8_t record[512];
	start();
	for (int i = 0; i < 5 * ENVELOPE_PEERS_MAX; i++) {
		struct envelope envelope = envelope_of(bytes_of_text(sshd)), back;
		size_t record_len;
		envelope.peer.port = (uint16_t)(i * 37 % (2 * ENVELOPE_PEERS_MAX));
		pack(&envelope, record, &record_len);
		ck_assert(check_unpack(&unpacking, bytes_of(record, record_len), &back));
		ck_assert_uint_eq(back.peer.port, envelope.peer.port);
	}
}
END_TEST

START_TEST(the_largest_envelope_stays_below_its_limit)
{
	static uint8_t raw[1 << 21], packed[ENVELOPE_PACKED_MAX_BYTES];
	struct bytes all = bytes_of(raw, sizeof raw), begin = bytes_of(raw, 3), end = bytes_of(raw + sizeof raw - 3, 3);
	struct envelope envelope = {.received_ns = INT64_MIN, .raw = all, .input = UINT16_MAX};
	memset(&envelope.peer, 0xff, sizeof envelope.peer);
	envelope.peer.transport = TRANSPORT_UDP;
	envelope.message = (struct message){.format = MESSAGE_FORMAT_NEAR_RFC5424,
										.pri = 191,
										.flags = (1u << MESSAGE_FLAGS) - 1,
										.time = {.unix_ns = INT64_MAX, .offset_minutes = -1439, .digits = 1},
										.hostname = end,
										.app_name = begin,
										.procid = end,
										.msgid = begin,
										.structured_data = end,
										.msg = begin};
	envelope_context_start(&packing, INT64_MAX);
	ck_assert_uint_le(envelope_pack(&packing, &envelope, packed), ENVELOPE_PACKED_MAX_BYTES);
}
END_TEST

START_TEST(a_record_that_is_cut_anywhere_is_refused_or_whole)
{
	struct envelope envelope = envelope_of(bytes_of_text(sshd));
	uint8_t record[512];
	size_t record_len;
	unsigned unpacked = 0;
	start();
	size_t packed_len = pack(&envelope, record, &record_len);
	feed_every_prefix(bytes_of(record, record_len), unpack_prefix, &unpacked);
	/* Only where the cut leaves all views inside: never before the raw octets begin. */
	ck_assert_uint_ge(unpacked, 1);
	ck_assert_uint_lt(unpacked, record_len - packed_len + 1);
}
END_TEST

/* Where two octets are read at once because both are whole numbers, either may as well be the first of a longer one. */
START_TEST(the_numbers_of_views_may_take_more_octets_than_they_need)
{
	enum { NUMBERS = 8 }; /* of four views, the last of what is packed */
	struct envelope envelope = envelope_of(bytes_of_text(sshd)), back;
	uint8_t record[512], longer[512];
	size_t record_len;
	start();
	size_t packed_len = pack(&envelope, record, &record_len), first = packed_len - NUMBERS;
	for (unsigned chosen = 0; chosen < 1u << NUMBERS; chosen++) {
		size_t len = first;
		memcpy(longer, record, first);
		for (unsigned i = 0; i < NUMBERS; i++) {
			ck_assert_uint_lt(record[first + i], 0x80);
			longer[len++] = record[first + i] | ((chosen >> i & 1) != 0 ? 0x80 : 0);
			if ((chosen >> i & 1) != 0)
				longer[len++] = 0;
		}
		memcpy(longer + len, record + packed_len, record_len - packed_len);
		start();
		ck_assert(check_unpack(&unpacking, bytes_of(longer, len + record_len - packed_len), &back));
		check_equal_messages(&back.message, &envelope.message);
		ck_assert(bytes_equal(back.raw, envelope.raw));
	}
}
END_TEST

START_TEST(any_one_octet_may_be_wrong)
{
	struct envelope envelope = envelope_of(BYTES("<165>1 2026-10-11T22:14:15.12Z m ev 77 ID47 [x@1 a=\"1\"] hello"));
	uint8_t record[512];
	size_t record_len;
	unsigned unpacked = 0;
	start();
	size_t packed_len = pack(&envelope, record, &record_len);
	for (size_t at = 0; at < packed_len; at++) {
		for (unsigned value = 0; value < 256; value++) {
			uint8_t whole = record[at];
			record[at] = (uint8_t)value;
			struct guarded_bytes guarded = guarded_bytes_copy(bytes_of(record, record_len));
			unpack_prefix(&unpacked, guarded_bytes_view(&guarded));
			guarded_bytes_free(&guarded);
			record[at] = whole;
		}
	}
	ck_assert_uint_gt(unpacked, packed_len);
}
END_TEST

START_TEST(parts_that_are_together_longer_than_the_message_twice_are_refused)
{
	struct envelope envelope = envelope_of(BYTES("free text")), back;
	uint8_t record[512];
	size_t record_len;
	envelope.message.hostname = envelope.message.app_name = envelope.raw;
	envelope.message.msg = bytes_of(NULL, 0);
	start();
	pack(&envelope, record, &record_len);
	ck_assert(check_unpack(&unpacking, bytes_of(record, record_len), &back));
	envelope.message.msg = bytes_first(envelope.raw, 1);
	pack(&envelope, record, &record_len);
	ck_assert(!check_unpack(&unpacking, bytes_of(record, record_len), &back));
}
END_TEST

START_TEST(an_empty_record_is_refused)
{
	struct envelope envelope;
	start();
	ck_assert(!check_unpack(&unpacking, bytes_of(NULL, 0), &envelope));
}
END_TEST

static bool skims(const struct envelope *envelope, unsigned formats, struct bytes *raw)
{
	static uint8_t record[1024];
	size_t record_len;
	pack(envelope, record, &record_len);
	return envelope_skim(&unpacking, bytes_of(record, record_len), formats, raw);
}

START_TEST(what_goes_on_as_it_came_is_found_without_unpacking)
{
	static const char *const texts[] = {
		sshd,
		"<165>1 2026-10-11T22:14:15.123456789+05:45 m ev 77 ID47 [x@1 a=\"1\"] hello",
		"<38>Oct 11 22:14:60 h sshd[1]: [ID 800047 auth.info] x, and some more",
		"<165>1 - - - - - - but there is a text",
	};
	struct envelope first = envelope_of(bytes_of_text(sshd)), back;
	uint8_t record[512];
	size_t record_len;
	start();
	pack(&first, record, &record_len);
	ck_assert(check_unpack(&unpacking, bytes_of(record, record_len), &back)); /* the peer is known from here on */
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct envelope envelope = envelope_of(bytes_of_text(texts[i]));
		struct bytes raw;
		envelope.received_ns += (int64_t)i * 77777;
		ck_assert(skims(&envelope, MESSAGE_FORMATS_ALL, &raw));
		ck_assert(bytes_equal(raw, envelope.raw));
		ck_assert_int_eq(unpacking.last_received_ns, envelope.received_ns);
	}
}
END_TEST

START_TEST(other_formats_new_peers_and_no_pri_are_not_skimmed)
{
	struct envelope envelope = envelope_of(bytes_of_text(sshd));
	struct envelope free_text = envelope_of(BYTES("a text of forty octets with no PRI at all"));
	struct bytes raw;
	start();
	ck_assert(!skims(&envelope, MESSAGE_FORMATS_ALL, &raw)); /* its peer is new */
	ck_assert_uint_eq(unpacking.peers, 0);
	unpacking = packing; /* as if it had been unpacked */
	ck_assert(!skims(&envelope, 1u << MESSAGE_FORMAT_RFC5424, &raw));
	unpacking = packing;
	ck_assert(skims(&envelope, 1u << MESSAGE_FORMAT_RFC3164, &raw));
	ck_assert(!skims(&free_text, MESSAGE_FORMATS_ALL, &raw));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("envelope");
	TCase *tests = tcase_create("envelope");
	tcase_add_test(tests, an_sshd_line_of_a_known_peer_takes_24_octets_at_most);
	tcase_add_test(tests, records_come_back_in_order_with_their_differences);
	tcase_add_test(tests, peers_of_every_kind_come_back);
	tcase_add_test(tests, more_peers_than_the_context_remembers_are_still_right);
	tcase_add_test(tests, the_largest_envelope_stays_below_its_limit);
	tcase_add_test(tests, a_record_that_is_cut_anywhere_is_refused_or_whole);
	tcase_add_test(tests, the_numbers_of_views_may_take_more_octets_than_they_need);
	tcase_add_test(tests, any_one_octet_may_be_wrong);
	tcase_add_test(tests, parts_that_are_together_longer_than_the_message_twice_are_refused);
	tcase_add_test(tests, an_empty_record_is_refused);
	tcase_add_test(tests, what_goes_on_as_it_came_is_found_without_unpacking);
	tcase_add_test(tests, other_formats_new_peers_and_no_pri_are_not_skimmed);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
