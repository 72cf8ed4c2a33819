/* SPDX-License-Identifier: Apache-2.0 */
#include "input/peer_log.h"

#include <check.h>
#include <stdlib.h>

START_TEST(octets_of_a_peer_are_shown_escaped)
{
	char text[OCTETS_TEXT_MAX_BYTES];
	ck_assert_str_eq(octets_text(BYTES("GET / HTTP\r\n\0\xff\\x"), text), "GET / HTTP\\x0D\\x0A\\x00\\xFF\\x5Cx");
	ck_assert_str_eq(octets_text(BYTES(""), text), "");
}
END_TEST

START_TEST(no_more_octets_are_shown_than_there_is_room_for)
{
	char text[OCTETS_TEXT_MAX_BYTES];
	uint8_t octets[OCTETS_SHOWN_MAX + 1];
	memset(octets, 0x01, sizeof octets);
	octets_text(bytes_of(octets, OCTETS_SHOWN_MAX), text);
	ck_assert_uint_eq(strlen(text), OCTETS_SHOWN_MAX * 4);
	octets_text(bytes_of(octets, sizeof octets), text);
	ck_assert_uint_eq(strlen(text), OCTETS_TEXT_MAX_BYTES - 1);
	ck_assert_str_eq(text + OCTETS_SHOWN_MAX * 4, "...");
}
END_TEST

START_TEST(a_peer_is_told_of_once_as_far_as_is_remembered)
{
	struct peer_log log;
	uint8_t address[16] = {0};
	peer_log_init(&log, "x");
	ck_assert(peer_log_first_time(&log, address));
	ck_assert(!peer_log_first_time(&log, address));
	for (unsigned i = 1; i <= PEER_LOG_REMEMBERED; i++) {
		address[15] = (uint8_t)i;
		ck_assert(peer_log_first_time(&log, address));
	}
	address[15] = 0;
	ck_assert(peer_log_first_time(&log, address));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("peer_log");
	TCase *tests = tcase_create("peer_log");
	tcase_add_test(tests, octets_of_a_peer_are_shown_escaped);
	tcase_add_test(tests, no_more_octets_are_shown_than_there_is_room_for);
	tcase_add_test(tests, a_peer_is_told_of_once_as_far_as_is_remembered);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
