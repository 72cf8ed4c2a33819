/* SPDX-License-Identifier: Apache-2.0 */
#include "syslog/peer.h"

#include <check.h>
#include <stdlib.h>

static void expect(struct peer peer, const char *address, const char *endpoint)
{
	uint8_t text[PEER_TEXT_MAX_BYTES];
	ck_assert(bytes_equal(bytes_of(text, peer_write_address(&peer, text)), bytes_of_text(address)));
	ck_assert(bytes_equal(bytes_of(text, peer_write_endpoint(&peer, text)), bytes_of_text(endpoint)));
}

START_TEST(addresses_have_their_usual_text)
{
	expect((struct peer){.address = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1}, .port = 514},
		   "192.0.2.1", "192.0.2.1:514");
	expect((struct peer){.address = {0x20, 1, 0xd, 0xb8, [15] = 1}, .port = 65535}, "2001:db8::1",
		   "[2001:db8::1]:65535");
	expect((struct peer){.address = {[15] = 1}, .port = 1}, "::1", "[::1]:1");
}
END_TEST

START_TEST(a_local_socket_has_none)
{
	expect((struct peer){.transport = TRANSPORT_UNIX_DATAGRAM, .has_credentials = 1, .pid = 1}, "", "");
}
END_TEST

START_TEST(every_transport_has_its_word)
{
	ck_assert_str_eq(transport_name(TRANSPORT_UDP), "udp");
	ck_assert_str_eq(transport_name(TRANSPORT_RELP_TLS), "relp-tls");
	ck_assert_str_eq(transport_name(TRANSPORT_RELP_UNIX), "relp-unix");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("peer");
	TCase *tests = tcase_create("peer");
	tcase_add_test(tests, addresses_have_their_usual_text);
	tcase_add_test(tests, a_local_socket_has_none);
	tcase_add_test(tests, every_transport_has_its_word);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
