/* SPDX-License-Identifier: Apache-2.0 */
/* Who is refused over TLS, and with which sentence on both sides. */
#include "tls_pair.h"

static char text[4096]; /* for expected sentences */

/* The address that the server sees, for sentences. */
static const char *client_address(const struct pair *pair)
{
	return stream_peer_text(pair->server.stream);
}

/* The server refuses `presented`; both sides end, and the client is told by an alert. */
static void expect_refusal(const struct certificate *presented, const char *peer, const char *refusal,
						   const char *alert)
{
	struct pair pair = {.client.close_at_end = true};
	tester_tcp_pair(fds);
	open_pair(&pair, context_of(TLS_SERVER, &server, peer), context_of(TLS_CLIENT, presented, NULL));
	TESTER_WAIT(&pair.server, pair.server.ends == 1);
	ck_assert_int_eq(pair.server.end, STREAM_END_TLS);
	ck_assert_int_eq(pair.server.readies, 0);
	snprintf(text, sizeof(text), refusal, client_address(&pair));
	ck_assert_str_eq(pair.server.detail, text);
	TESTER_WAIT(&pair.client, pair.client.ends == 1);
	ck_assert_int_eq(pair.client.end, STREAM_END_TLS);
	snprintf(text, sizeof(text), "the peer refused our certificate: alert '%s'", alert);
	ck_assert_str_eq(pair.client.detail, text);
	close_pair(&pair);
}

START_TEST(a_wrong_name_is_refused_with_both_names)
{
	char refusal[2048];
	snprintf(
		refusal, sizeof(refusal),
		"refused by name: peer %%s presented CN=web7, SAN web7.example.org, %s; allowed peers are \"*.example.net\"; "
		"add \"web7.example.org\" to tls.peers or give the peer a certificate with a matching name",
		client.sha256);
	expect_refusal(&client, "*.example.net", refusal, "bad certificate");
}
END_TEST

START_TEST(a_common_name_beside_other_names_does_not_count)
{
	struct certificate liar = issue("liar", "web7.example.net", "DNS:web7.example.org,IP:192.0.2.7", NULL);
	char refusal[2048];
	snprintf(
		refusal, sizeof(refusal),
		"refused by name: peer %%s presented CN=web7.example.net, SAN web7.example.org 192.0.2.7, %s; allowed peers "
		"are \"*.example.net\"; add \"web7.example.org\" to tls.peers or give the peer a certificate with a matching "
		"name",
		liar.sha256);
	expect_refusal(&liar, "*.example.net", refusal, "bad certificate");
	certificate_free(&liar);
}
END_TEST

START_TEST(control_characters_and_crowds_of_names_do_not_reach_the_log)
{
	char san[2000] = "";
	for (int i = 0; i < 40; i++)
		snprintf(san + strlen(san), sizeof(san) - strlen(san), "%sDNS:host%d.example.org", i > 0 ? "," : "", i);
	struct certificate crowd = issue("crowd", "evil\n\x1b[31m\"name\"", san, NULL);
	char refusal[2048];
	snprintf(refusal, sizeof(refusal),
			 "refused by name: peer %%s presented CN=evil\\x0A\\x1B[31m\\x22name\\x22, SAN host0.example.org "
			 "host1.example.org host2.example.org host3.example.org and 36 more, %s; allowed peers are \"a\"; add "
			 "\"host0.example.org\" to tls.peers or give the peer a certificate with a matching name",
			 crowd.sha256);
	expect_refusal(&crowd, "a", refusal, "bad certificate");
	certificate_free(&crowd);
}
END_TEST

START_TEST(an_expired_certificate_is_refused_with_its_date)
{
	struct certificate old = certificate_make(&(struct certificate_options){
		.file = "old", .common_name = "old", .issuer = &ca, .from_seconds = -2 * 86400, .until_seconds = -86400});
	struct pair pair = {.client.close_at_end = true};
	char date[32];
	struct tm parts;
	ASN1_TIME_to_tm(X509_get0_notAfter(old.x509), &parts);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &parts);
	open_pair(&pair, context_of(TLS_SERVER, &server, NULL), context_of(TLS_CLIENT, &old, NULL));
	TESTER_WAIT(&pair.server, pair.server.ends == 1);
	snprintf(
		text, sizeof(text),
		"refused by expiry: peer %s presented CN=old, %s; it expired on %s; renew it, or set this machine's clock if "
		"it is wrong (it says ",
		client_address(&pair), old.sha256, date);
	ck_assert_int_eq(strncmp(pair.server.detail, text, strlen(text)), 0);
	TESTER_WAIT(&pair.client, pair.client.ends == 1);
	ck_assert_str_eq(pair.client.detail, "the peer refused our certificate: alert 'certificate expired'");
	close_pair(&pair);
	certificate_free(&old);
}
END_TEST

START_TEST(a_certificate_that_is_not_valid_yet_is_refused)
{
	struct certificate young = certificate_make(&(struct certificate_options){
		.file = "young", .common_name = "young", .issuer = &ca, .from_seconds = 86400, .until_seconds = 2 * 86400});
	struct pair pair = {.client.close_at_end = true};
	open_pair(&pair, context_of(TLS_SERVER, &server, NULL), context_of(TLS_CLIENT, &young, NULL));
	TESTER_WAIT(&pair.server, pair.server.ends == 1);
	ck_assert_ptr_nonnull(strstr(pair.server.detail, "; it is not valid before "));
	ck_assert_ptr_nonnull(strstr(pair.server.detail, "refused by expiry: "));
	close_pair(&pair);
	certificate_free(&young);
}
END_TEST

START_TEST(an_unknown_ca_a_self_signed_certificate_and_a_wrong_usage_are_refused_with_what_would_be_right)
{
	struct certificate foreign = certificate_make(
		&(struct certificate_options){.file = "foreign", .common_name = "foreign", .issuer = &other_ca});
	struct certificate own = certificate_make(&(struct certificate_options){.file = "own", .common_name = "own"});
	struct certificate wrong = issue("wrong", "wrong", NULL, "serverAuth");
	char refusal[2048];
	snprintf(
		refusal, sizeof(refusal),
		"refused by issuer: peer %%s presented CN=foreign, %s; it was issued by CN=Other CA, which is not in tls.ca "
		"\"%s\"; add that CA to the file, have the peer send its intermediate certificates, or add the fingerprint "
		"to tls.peers",
		foreign.sha256, ca.path);
	expect_refusal(&foreign, NULL, refusal, "unknown CA");
	snprintf(refusal, sizeof(refusal),
			 "refused by issuer: peer %%s presented CN=own, %s; it is self-signed and not in tls.ca \"%s\"; add its "
			 "fingerprint to tls.peers, or have it signed by a CA in that file",
			 own.sha256, ca.path);
	expect_refusal(&own, NULL, refusal, "unknown CA");
	snprintf(refusal, sizeof(refusal),
			 "refused by key usage: peer %%s presented CN=wrong, %s; it may not be used by a TLS client; make it again "
			 "with extendedKeyUsage = clientAuth",
			 wrong.sha256);
	expect_refusal(&wrong, NULL, refusal, "unsupported certificate");
	certificate_free(&foreign);
	certificate_free(&own);
	certificate_free(&wrong);
}
END_TEST

START_TEST(a_fingerprint_that_is_not_listed_is_refused)
{
	const char *peers[] = {server.sha256};
	struct tls_options options = {.certificate = server.path, .key = server.key_path, .peers = peers, .peers_count = 1};
	struct pair pair = {.client.close_at_end = true};
	open_pair(&pair, open_context(TLS_SERVER, &options), context_of(TLS_CLIENT, &client, NULL));
	TESTER_WAIT(&pair.server, pair.server.ends == 1);
	snprintf(
		text, sizeof(text),
		"refused by fingerprint: peer %s presented CN=web7, SAN web7.example.org, %s; allowed peers are \"%.64s\"; "
		"add the fingerprint to tls.peers if this is the right peer",
		client_address(&pair), client.sha256, server.sha256);
	ck_assert_str_eq(pair.server.detail, text);
	close_pair(&pair);
}
END_TEST

START_TEST(a_client_without_a_certificate_is_refused_and_told)
{
	struct pair pair = {.client.close_at_end = true};
	open_pair(&pair, context_of(TLS_SERVER, &server, NULL), context_of(TLS_CLIENT, NULL, NULL));
	TESTER_WAIT(&pair.server, pair.server.ends == 1);
	snprintf(text, sizeof(text),
			 "refused: peer %s presented no certificate; give it one from a CA in tls.ca \"%s\", or set "
			 "tls.allow_anonymous_peers",
			 client_address(&pair), ca.path);
	ck_assert_str_eq(pair.server.detail, text);
	TESTER_WAIT(&pair.client, pair.client.ends == 1);
	/* TLS 1.3: its handshake was over before the server refused. */
	ck_assert_int_eq(pair.client.readies, 1);
	ck_assert_str_eq(pair.client.detail, "the peer refused our certificate: alert 'certificate required'");
	close_pair(&pair);
}
END_TEST

START_TEST(a_refused_client_that_writes_at_once_still_learns_why)
{
	/* Its first data and the server's alert cross; a plain close would reset the connection and lose the alert. */
	struct pair pair = {.client.use = USE_ALL};
	char *much = calloc(1, 512 * 1024);
	open_pair(&pair, context_of(TLS_SERVER, &server, "nobody"), context_of(TLS_CLIENT, &client, NULL));
	tester_send(&pair.client, much, 512 * 1024);
	TESTER_WAIT(&pair.client, pair.client.ends == 1);
	ck_assert_int_eq(pair.client.end, STREAM_END_TLS);
	ck_assert_str_eq(pair.client.detail, "the peer refused our certificate: alert 'bad certificate'");
	close_pair(&pair);
	free(much);
}
END_TEST

START_TEST(a_client_refuses_a_server_of_another_name)
{
	struct pair pair = {.client.options.server_name = "log2.example.net"};
	open_pair(&pair, context_of(TLS_SERVER, &server, NULL), context_of(TLS_CLIENT, &client, NULL));
	TESTER_WAIT(&pair.client, pair.client.ends == 1);
	snprintf(
		text, sizeof(text),
		"refused by name: peer %s presented CN=log1, SAN log1.example.net 127.0.0.1, %s; we connected to "
		"\"log2.example.net\"; connect by a name that the certificate has, or add \"log1.example.net\" to tls.peers",
		stream_peer_text(pair.client.stream), server.sha256);
	ck_assert_str_eq(pair.client.detail, text);
	TESTER_WAIT(&pair.server, pair.server.ends == 1);
	ck_assert_str_eq(pair.server.detail, "the peer refused our certificate: alert 'bad certificate'");
	close_pair(&pair);
}
END_TEST

START_TEST(who_does_not_speak_tls_is_told_so_in_our_log)
{
	struct tester tester = {.options.tls = context_of(TLS_SERVER, &server, NULL)};
	tester_open(&tester, worker, fds[0]);
	tester_write(fds[1], "<13>Oct 11 22:14:15 host app: plain text\n", 41);
	shutdown(fds[1], SHUT_WR);
	TESTER_WAIT(&tester, tester.ends == 1);
	ck_assert_int_eq(tester.end, STREAM_END_TLS);
	ck_assert_str_eq(tester.detail, "the peer does not speak TLS; set up both sides for TLS, or neither");
	tester_close(&tester);
	tls_context_release(&tester.options.tls);
	close(fds[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net/stream_tls_refused");
	TCase *tests = tcase_create("refused");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, a_wrong_name_is_refused_with_both_names);
	tcase_add_test(tests, a_common_name_beside_other_names_does_not_count);
	tcase_add_test(tests, control_characters_and_crowds_of_names_do_not_reach_the_log);
	tcase_add_test(tests, an_expired_certificate_is_refused_with_its_date);
	tcase_add_test(tests, a_certificate_that_is_not_valid_yet_is_refused);
	tcase_add_test(tests,
				   an_unknown_ca_a_self_signed_certificate_and_a_wrong_usage_are_refused_with_what_would_be_right);
	tcase_add_test(tests, a_fingerprint_that_is_not_listed_is_refused);
	tcase_add_test(tests, a_client_without_a_certificate_is_refused_and_told);
	tcase_add_test(tests, a_refused_client_that_writes_at_once_still_learns_why);
	tcase_add_test(tests, a_client_refuses_a_server_of_another_name);
	tcase_add_test(tests, who_does_not_speak_tls_is_told_so_in_our_log);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
