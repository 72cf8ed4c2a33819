/* SPDX-License-Identifier: Apache-2.0 */
/* Probes: how they are written, and found again in whatever a hop made of them. */
#include "relay/probe.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/guarded_bytes.h"

#define ID "8c1f02d94be3a657"

static const struct probe probe = {.id = ID, .number = 17, .count = 40, .sent_ns = 1700000000123456000};

START_TEST(a_probe_is_an_rfc5424_message_with_typed_fields)
{
	char out[PROBE_MESSAGE_MAX_BYTES];
	size_t len = probe_write(&probe, "web01", 4711, out);
	ck_assert_uint_lt(len, sizeof out);
	out[len] = '\0';
	ck_assert_str_eq(out, "<46>1 2023-11-14T22:13:20.123456Z web01 relayctl 4711 probe [slog@32473 id=\"" ID
	                      "\" number=\"17\" count=\"40\" sent=\"2023-11-14T22:13:20.123456Z\"] " ID
	                      "#17 of 40: a test message of relayctl, to be ignored");
}
END_TEST

START_TEST(what_was_written_is_found)
{
	char out[PROBE_MESSAGE_MAX_BYTES];
	size_t len = probe_write(&probe, "web01", 4711, out);
	ck_assert_uint_eq(probe_find(bytes_of(out, len), ID, 40), 17);
	ck_assert_uint_eq(probe_find(bytes_of(out, len), ID, 16), 0);
	ck_assert_uint_eq(probe_find(bytes_of(out, len), "0000000000000000", 40), 0);
}
END_TEST

START_TEST(the_token_is_found_wherever_it_stands)
{
	ck_assert_uint_eq(probe_find(BYTES(ID "#1"), ID, 1), 1);
	ck_assert_uint_eq(probe_find(BYTES("<46>Oct 11 22:14:15 web01 relayctl: " ID "#9 of 9"), ID, 9), 9);
	ck_assert_uint_eq(probe_find(BYTES("{\"message\":\"" ID "#3 of 4\"}"), ID, 4), 3);
	ck_assert_uint_eq(probe_find(BYTES("id=" ID " " ID "# " ID "#0 " ID "#2048"), ID, 2048), 2048);
}
END_TEST

START_TEST(what_is_no_token_is_none)
{
	static const char *const texts[] = {"", ID, ID "#", ID "#x", ID "#0", ID " 1", "8c1f02d94be3a65#1", ID "#99999999999"};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		ck_assert_uint_eq(probe_find(bytes_of_text(texts[i]), ID, PROBE_NUMBERS_MAX), 0);
}
END_TEST

START_TEST(nothing_behind_the_octets_is_read)
{
	static const char text[] = "x" ID "#17";
	for (size_t len = 0; len <= sizeof text - 1; len++) {
		struct guarded_bytes guarded = guarded_bytes_copy(bytes_of(text, len));
		unsigned expected = len == sizeof text - 1 ? 17 : len == sizeof text - 2 ? 1 : 0;
		ck_assert_uint_eq(probe_find(guarded_bytes_view(&guarded), ID, 40), expected);
		guarded_bytes_free(&guarded);
	}
}
END_TEST

START_TEST(an_id_is_sixteen_lower_case_hexadecimal_digits)
{
	ck_assert(probe_id_is_valid(ID));
	ck_assert(!probe_id_is_valid(""));
	ck_assert(!probe_id_is_valid("8c1f02d94be3a65"));
	ck_assert(!probe_id_is_valid(ID "0"));
	ck_assert(!probe_id_is_valid("8C1F02D94BE3A657"));
	ck_assert(!probe_id_is_valid("8c1f02d94be3a65\""));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("relay/probe");
	TCase *cases = tcase_create("probe");
	tcase_add_test(cases, a_probe_is_an_rfc5424_message_with_typed_fields);
	tcase_add_test(cases, what_was_written_is_found);
	tcase_add_test(cases, the_token_is_found_wherever_it_stands);
	tcase_add_test(cases, what_is_no_token_is_none);
	tcase_add_test(cases, nothing_behind_the_octets_is_read);
	tcase_add_test(cases, an_id_is_sixteen_lower_case_hexadecimal_digits);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
