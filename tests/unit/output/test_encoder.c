/* SPDX-License-Identifier: Apache-2.0 */
/* What goes out for a record, by format. The spool is there only because it knows the inputs' names. */
#include "output/encoder.h"
#include "unit/output/output_fixture.h"

static struct encoder encoder;
static struct bytes message;

static struct envelope envelope_of(struct bytes raw)
{
	struct parse_context context = {0};
	struct envelope envelope = {.received_ns = 1000000000, .peer = {.transport = TRANSPORT_UDP, .port = 514}, .raw = raw};
	memcpy(envelope.peer.address, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x01", 16);
	parse_message(raw, &context, &envelope.message);
	return envelope;
}

/* The message that goes out for this one, as text. */
static const char *encode(enum encoder_format format, bool stamp, const char *text)
{
	static char out[4096];
	struct envelope envelope = envelope_of(bytes_of_text(text));
	encoder_init(&encoder, format, stamp, spool);
	ck_assert_int_eq(encoder_encode(&encoder, &envelope, &message), ENCODER_DONE);
	snprintf(out, sizeof out, "%.*s", (int)message.len, (const char *)message.at);
	encoder_free(&encoder);
	return out;
}

static const char legal[] = "<165>1 2026-10-11T22:14:15.003Z host app 12 ID [x@1 a=\"1\"] hi";

START_TEST(legal_rfc5424_goes_out_octet_for_octet)
{
	ck_assert_str_eq(encode(ENCODER_RFC5424, false, legal), legal);
	ck_assert_str_eq(encode(ENCODER_RAW, false, legal), legal);
}
END_TEST

START_TEST(legacy_text_becomes_legal_with_what_the_relay_knows)
{
	const char *out = encode(ENCODER_RFC5424, false, "<11>1 no header at all");
	ck_assert_msg(strncmp(out, "<11>1 ", 6) == 0, "%s", out);
	ck_assert_ptr_nonnull(strstr(out, " 192.0.2.1 "));
}
END_TEST

START_TEST(a_stamp_says_peer_and_transport)
{
	const char *out = encode(ENCODER_RFC5424, true, legal);
	ck_assert_ptr_nonnull(strstr(out, "[x@1 a=\"1\"][relayd@32473 peer=\"192.0.2.1:514\" transport=\"udp\""));
}
END_TEST

/* A legacy text that begins with "z" would be taken for a compressed message. */
START_TEST(pri_is_always_there)
{
	ck_assert_str_eq(encode(ENCODER_RAW, false, "zebra crossing"), "<13>zebra crossing");
	ck_assert_str_eq(encode(ENCODER_RAW, false, "<999>what"), "<13><999>what");
	ck_assert_str_eq(encode(ENCODER_RAW, false, ""), "<13>");
	ck_assert_str_eq(encode(ENCODER_RAW, false, "<14>x"), "<14>x");
	ck_assert_int_eq(encode(ENCODER_RFC5424, false, "zebra")[0], '<');
}
END_TEST

START_TEST(json_is_one_object_without_lf)
{
	const char *out = encode(ENCODER_JSON, false, legal);
	ck_assert_int_eq(out[0], '{');
	ck_assert_int_eq(out[message.len - 1], '}');
	ck_assert_ptr_nonnull(strstr(out, "\"msgid\":\"ID\""));
}
END_TEST

START_TEST(an_event_of_liblog_keeps_its_types_in_json)
{
	const char *out = encode(ENCODER_JSON, false, "<38>1 2026-10-11T22:14:15.003Z host sshd 12 auth [x@1 a=\"5\"]"
	                                              "[slog@32473 user=\"root\" port=\"22\" uid=\"7\" ~s=\"uid\"]");
	ck_assert_ptr_nonnull(strstr(out, "\"msgid\":\"auth\",\"user\":\"root\",\"port\":22,\"uid\":\"7\","
	                                  "\"structured_data\":{\"x@1\":{\"a\":\"5\"}},\"relay\":{\"received\""));
	ck_assert_ptr_null(strstr(out, "\"raw\""));
}
END_TEST

/* What liblog would have written otherwise cannot be written again from its fields. */
START_TEST(an_event_that_was_written_otherwise_keeps_its_octets_in_json)
{
	const char *out = encode(ENCODER_JSON, false, "<38>1 2026-10-11T22:14:15.003Z host sshd 12 auth [slog@32473 %41=\"1\"]");
	ck_assert_ptr_nonnull(strstr(out, "\"A\":1,"));
	ck_assert_ptr_nonnull(strstr(out, "\"raw\":\"<38>1 "));
}
END_TEST

START_TEST(raw_and_stamp_contradict_each_other)
{
	char error[OUTPUT_ERROR_MAX_BYTES];
	const struct output_common stamped = {.stamp = true};
	ck_assert(!encoder_check(ENCODER_RAW, &stamped, error));
	ck_assert(encoder_check(ENCODER_RFC5424, &stamped, error));
}
END_TEST

START_TEST(the_messages_of_a_run_stay_until_the_next_one)
{
	enum { RECORDS = 64, RECORD_BYTES = 900 };
	static char text[RECORDS][RECORD_BYTES + 1];
	struct bytes messages[RECORDS];
	unsigned taken = 0;
	encoder_init(&encoder, ENCODER_RFC5424, false, spool);
	for (unsigned round = 0; round < 2; round++) {
		encoder_start_run(&encoder);
		ck_assert(!encoder_run_takes(&encoder, 64 * 1024));
		for (taken = 0; taken < RECORDS; taken++) {
			snprintf(text[taken], sizeof text[taken], "<11>no header, %u %u %0800u", round, taken, taken);
			struct envelope envelope = envelope_of(bytes_of_text(text[taken]));
			if (!encoder_run_takes(&encoder, envelope.raw.len + 40))
				break;
			encoder_run_add(&encoder, &envelope, &messages[taken]);
		}
		ck_assert_uint_gt(taken, 30);
		for (unsigned i = 0; i < taken; i++) {
			struct bytes tail = bytes_after(bytes_of_text(text[i]), 4);
			ck_assert(bytes_start_with(messages[i], BYTES("<11>1 ")) && messages[i].len > tail.len);
			ck_assert(bytes_equal(bytes_after(messages[i], messages[i].len - tail.len), tail));
		}
	}
	encoder_free(&encoder);
	encoder_init(&encoder, ENCODER_JSON, false, spool);
	encoder_start_run(&encoder);
	ck_assert(!encoder_run_takes(&encoder, 100));
	encoder_free(&encoder);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("encoder");
	TCase *test = add_case(suite, "encoder");
	tcase_add_test(test, legal_rfc5424_goes_out_octet_for_octet);
	tcase_add_test(test, legacy_text_becomes_legal_with_what_the_relay_knows);
	tcase_add_test(test, a_stamp_says_peer_and_transport);
	tcase_add_test(test, pri_is_always_there);
	tcase_add_test(test, json_is_one_object_without_lf);
	tcase_add_test(test, an_event_of_liblog_keeps_its_types_in_json);
	tcase_add_test(test, an_event_that_was_written_otherwise_keeps_its_octets_in_json);
	tcase_add_test(test, raw_and_stamp_contradict_each_other);
	tcase_add_test(test, the_messages_of_a_run_stay_until_the_next_one);
	return run_suite(suite);
}
