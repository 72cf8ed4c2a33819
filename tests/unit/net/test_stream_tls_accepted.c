/* SPDX-License-Identifier: Apache-2.0 */
/* Who is let in over TLS, and by which name each side knows the other one. */
#include "net/stream_internal.h"
#include "tls_pair.h"

START_TEST(both_sides_know_each_other_by_the_name_that_matched)
{
	struct pair pair = {.server.use = USE_ALL, .client.use = USE_ALL};
	open_pair(&pair, context_of(TLS_SERVER, &server, "*.EXAMPLE.org"),
			  context_of(TLS_CLIENT, &client, "log*.example.net"));
	wait_ready(&pair);
	ck_assert_str_eq(pair.server.identity, "web7.example.org");
	ck_assert_str_eq(pair.client.identity, "log1.example.net");
	tester_send(&pair.client, "to server", 9);
	TESTER_WAIT(&pair.server, pair.server.len == 9);
	tester_send(&pair.server, "to client", 9);
	TESTER_WAIT(&pair.client, pair.client.len == 9);
	close_pair(&pair);
}
END_TEST

START_TEST(without_peers_a_client_expects_the_name_that_it_connects_to)
{
	struct pair pair = {.client.options.server_name = "LOG1.example.net"};
	open_pair(&pair, context_of(TLS_SERVER, &server, NULL), context_of(TLS_CLIENT, &client, NULL));
	wait_ready(&pair);
	ck_assert_str_eq(pair.client.identity, "log1.example.net");
	ck_assert_str_eq(pair.server.identity, "web7.example.org");
	close_pair(&pair);
}
END_TEST

START_TEST(an_address_is_matched_by_its_octets)
{
	struct pair pair = {.client.options.server_name = "127.0.0.1"};
	open_pair(&pair, context_of(TLS_SERVER, &server, NULL), context_of(TLS_CLIENT, &client, NULL));
	wait_ready(&pair);
	ck_assert_str_eq(pair.client.identity, "127.0.0.1");
	close_pair(&pair);
}
END_TEST

START_TEST(a_wildcard_in_the_certificate_gives_the_operators_word_as_identity)
{
	struct certificate wild = issue("wild", "wild", "DNS:*.example.org", NULL);
	struct pair pair = {.client.use = USE_ALL};
	open_pair(&pair, context_of(TLS_SERVER, &server, "web9.example.org"), context_of(TLS_CLIENT, &wild, NULL));
	wait_ready(&pair);
	ck_assert_str_eq(pair.server.identity, "web9.example.org");
	close_pair(&pair);
	certificate_free(&wild);
}
END_TEST

START_TEST(the_common_name_counts_where_there_is_no_other_name)
{
	struct certificate old = issue("old", "web8.example.org", NULL, NULL);
	struct pair pair = {.client.use = USE_ALL};
	open_pair(&pair, context_of(TLS_SERVER, &server, "*.example.org"), context_of(TLS_CLIENT, &old, NULL));
	wait_ready(&pair);
	ck_assert_str_eq(pair.server.identity, "web8.example.org");
	close_pair(&pair);
	certificate_free(&old);
}
END_TEST

START_TEST(a_fingerprint_is_enough_even_for_an_expired_self_signed_certificate)
{
	struct certificate own = certificate_make(&(struct certificate_options){
		.file = "own", .common_name = "own", .from_seconds = -2 * 86400, .until_seconds = -86400});
	const char *peers[] = {own.sha256};
	struct tls_options options = {.certificate = server.path, .key = server.key_path, .peers = peers, .peers_count = 1};
	struct pair pair = {.client.use = USE_ALL};
	open_pair(&pair, open_context(TLS_SERVER, &options), context_of(TLS_CLIENT, &own, NULL));
	wait_ready(&pair);
	ck_assert_str_eq(pair.server.identity, own.sha256);
	close_pair(&pair);
	certificate_free(&own);
}
END_TEST

START_TEST(anonymous_peers_are_let_in_only_when_asked_for)
{
	struct tls_options options = {.certificate = server.path, .key = server.key_path, .allow_anonymous_peers = true};
	struct pair pair = {.server.use = USE_ALL};
	open_pair(&pair, open_context(TLS_SERVER, &options), context_of(TLS_CLIENT, NULL, NULL));
	wait_ready(&pair);
	ck_assert_str_eq(pair.server.identity, "");
	close_pair(&pair);
}
END_TEST

START_TEST(nothing_is_resumed)
{
	struct pair pair = {.server.use = USE_ALL, .client.use = USE_ALL};
	open_pair(&pair, context_of(TLS_SERVER, &server, NULL), context_of(TLS_CLIENT, &client, NULL));
	wait_ready(&pair);
	tester_send(&pair.server, "x", 1);
	TESTER_WAIT(&pair.client, pair.client.len == 1);
	ck_assert_int_eq(SSL_SESSION_is_resumable(SSL_get0_session(pair.client.stream->ssl)), 0);
	ck_assert_int_eq(SSL_SESSION_has_ticket(SSL_get0_session(pair.client.stream->ssl)), 0);
	close_pair(&pair);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net/stream_tls_accepted");
	TCase *tests = tcase_create("accepted");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, both_sides_know_each_other_by_the_name_that_matched);
	tcase_add_test(tests, without_peers_a_client_expects_the_name_that_it_connects_to);
	tcase_add_test(tests, an_address_is_matched_by_its_octets);
	tcase_add_test(tests, a_wildcard_in_the_certificate_gives_the_operators_word_as_identity);
	tcase_add_test(tests, the_common_name_counts_where_there_is_no_other_name);
	tcase_add_test(tests, a_fingerprint_is_enough_even_for_an_expired_self_signed_certificate);
	tcase_add_test(tests, anonymous_peers_are_let_in_only_when_asked_for);
	tcase_add_test(tests, nothing_is_resumed);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
