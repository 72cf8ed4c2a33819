/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of tls.peers: every spelling of a fingerprint, names with wildcards on either side, and what is refused. */
#include "net/tls_peer_rule.h"

#include <check.h>
#include <stdlib.h>

#define HEX64    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define COLONS64 "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F"
#define HEX40    "E12D532B7C6B8A29A276C86439C5ACAAE5B6C401"
#define COLONS40 "e1:2d:53:2b:7c:6b:8a:29:a2:76:c8:64:39:c5:ac:aa:e5:b6:c4:01"

START_TEST(fingerprints_are_read_in_every_spelling)
{
	static const char *const sha256[] = {
		"sha-256:" COLONS64, "SHA256:" COLONS64, "sha256:" HEX64, "SHA-256:" HEX64, HEX64, COLONS64};
	static const char *const sha1[] = {"sha-1:" COLONS40, "SHA1:" COLONS40, "Sha1:" HEX40, HEX40, COLONS40};
	static const uint8_t octets1[20] = {0xE1, 0x2D, 0x53, 0x2B, 0x7C, 0x6B, 0x8A, 0x29, 0xA2, 0x76,
										0xC8, 0x64, 0x39, 0xC5, 0xAC, 0xAA, 0xE5, 0xB6, 0xC4, 0x01};
	char error[TLS_RULE_ERROR_MAX_BYTES];
	struct tls_peer_rule rule;
	for (size_t i = 0; i < sizeof(sha256) / sizeof(sha256[0]); i++) {
		ck_assert_msg(tls_peer_rule_read(sha256[i], &rule, error), "%s", sha256[i]);
		ck_assert_int_eq(rule.kind, TLS_RULE_SHA256);
		ck_assert_uint_eq(rule.octets_len, 32);
		for (unsigned k = 0; k < 32; k++)
			ck_assert_uint_eq(rule.octets[k], k);
		ck_assert_ptr_eq(rule.text, sha256[i]);
	}
	for (size_t i = 0; i < sizeof(sha1) / sizeof(sha1[0]); i++) {
		ck_assert_msg(tls_peer_rule_read(sha1[i], &rule, error), "%s", sha1[i]);
		ck_assert_int_eq(rule.kind, TLS_RULE_SHA1);
		ck_assert_uint_eq(rule.octets_len, 20);
		ck_assert_mem_eq(rule.octets, octets1, 20);
	}
}
END_TEST

START_TEST(names_and_addresses_are_told_apart)
{
	char error[TLS_RULE_ERROR_MAX_BYTES];
	struct tls_peer_rule rule;
	ck_assert(tls_peer_rule_read("log*.example.net", &rule, error));
	ck_assert_int_eq(rule.kind, TLS_RULE_NAME);
	ck_assert(tls_peer_rule_read("192.0.2.1", &rule, error));
	ck_assert_int_eq(rule.kind, TLS_RULE_ADDRESS);
	ck_assert_uint_eq(rule.octets_len, 4);
	ck_assert(tls_peer_rule_read("2001:db8::1", &rule, error));
	ck_assert_int_eq(rule.kind, TLS_RULE_ADDRESS);
	ck_assert_uint_eq(rule.octets_len, 16);
	/* Hex digits alone, but not as many as a fingerprint has: a name. */
	ck_assert(tls_peer_rule_read("deadbeef", &rule, error));
	ck_assert_int_eq(rule.kind, TLS_RULE_NAME);
}
END_TEST

START_TEST(a_label_may_stand_before_a_fingerprint_only)
{
	struct tls_peer_rule rule;
	char error[TLS_RULE_ERROR_MAX_BYTES];
	ck_assert(tls_peer_rule_read("edge-1=sha-256:" HEX64, &rule, error));
	ck_assert_int_eq(rule.kind, TLS_RULE_SHA256);
	ck_assert_uint_eq(rule.label_len, 6);
	ck_assert(tls_peer_rule_read("edge.example.net=" HEX40, &rule, error));
	ck_assert_int_eq(rule.kind, TLS_RULE_SHA1);
	ck_assert_uint_eq(rule.label_len, 16);
	ck_assert(tls_peer_rule_read("sha-256:" HEX64, &rule, error));
	ck_assert_uint_eq(rule.label_len, 0);
	ck_assert(!tls_peer_rule_read("edge-1=log.example.net", &rule, error));
	ck_assert(!tls_peer_rule_read("edge-1=192.0.2.1", &rule, error));
	ck_assert(!tls_peer_rule_read("=sha-256:" HEX64, &rule, error));
	ck_assert(!tls_peer_rule_read("*=sha-256:" HEX64, &rule, error));
	ck_assert(!tls_peer_rule_read("edge 1=sha-256:" HEX64, &rule, error));
	ck_assert(!tls_peer_rule_read("edge-1=sha-256:" HEX40, &rule, error));
}
END_TEST

START_TEST(what_is_wrong_is_named_with_what_is_right)
{
	static const struct {
		const char *text;
		const char *error;
	} cases[] = {
		{"sha-256:AB:CD",
		 "\"sha-256:AB:CD\" has 4 hex digits, and a SHA-256 fingerprint has 64; \"openssl x509 -noout -fingerprint "
		 "-sha256 -in peer.pem\" prints it"},
		{"SHA1:xyz",
		 "\"SHA1:xyz\" has 0 hex digits, and a SHA-1 fingerprint has 40; \"openssl x509 -noout -fingerprint "
		 "-sha1 -in peer.pem\" prints it"},
		{"", "\"\" is neither a name, an address nor a fingerprint; write \"log*.example.net\", \"192.0.2.1\" or "
			 "\"sha-256:AB:CD:...\""},
		{"log.example.net:6514",
		 "\"log.example.net:6514\" is neither a name, an address nor a fingerprint; write \"log*.example.net\", "
		 "\"192.0.2.1\" or \"sha-256:AB:CD:...\""},
		{"CN=log",
		 "\"CN=log\" is neither a name, an address nor a fingerprint; write \"log*.example.net\", \"192.0.2.1\" "
		 "or \"sha-256:AB:CD:...\""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tls_peer_rule rule;
		char error[TLS_RULE_ERROR_MAX_BYTES] = "";
		ck_assert_msg(!tls_peer_rule_read(cases[i].text, &rule, error), "%s", cases[i].text);
		ck_assert_str_eq(error, cases[i].error);
	}
	struct tls_peer_rule rule;
	char error[TLS_RULE_ERROR_MAX_BYTES];
	ck_assert(!tls_peer_rule_read("sha-256:" HEX64 "20", &rule, error));
	ck_assert(!tls_peer_rule_read("sha-256:0:1" HEX64, &rule, error));
	ck_assert(!tls_peer_rule_read("sha-1:" HEX40 ":", &rule, error));
}
END_TEST

static bool matches(const char *pattern, const char *name)
{
	return tls_name_matches(bytes_of_text(pattern), bytes_of_text(name));
}

START_TEST(names_are_compared_by_label_without_case)
{
	ck_assert(matches("log.example.net", "LOG.Example.NET"));
	ck_assert(matches("log.example.net.", "log.example.net"));
	ck_assert(!matches("log.example.net", "log.example.org"));
	ck_assert(!matches("example.net", "log.example.net"));
	ck_assert(!matches("log.example.net", ""));
	ck_assert(!matches("log.example.net", "log..net"));
}
END_TEST

START_TEST(a_star_of_ours_matches_within_one_label)
{
	ck_assert(matches("*.example.net", "a.example.net"));
	ck_assert(!matches("*.example.net", "example.net"));
	ck_assert(!matches("*.example.net", "a.b.example.net"));
	ck_assert(matches("log*.example.net", "log1.example.net"));
	ck_assert(matches("log*.example.net", "log.example.net"));
	ck_assert(!matches("log*.example.net", "lo.example.net"));
	ck_assert(matches("*-log-*.eu*.net", "a-log-1.eu7.net"));
	ck_assert(!matches("*-log-*.eu*.net", "a-lo-1.eu7.net"));
	ck_assert(matches("a*b*c.x.y", "abbbcbc.x.y"));
	ck_assert(matches("*", "localhost"));
	ck_assert(!matches("*", "log.example.net"));
}
END_TEST

START_TEST(a_star_in_the_certificate_is_its_whole_left_most_label)
{
	ck_assert(matches("a.example.net", "*.example.net"));
	ck_assert(!matches("example.net", "*.example.net"));
	ck_assert(!matches("a.b.example.net", "*.example.net"));
	ck_assert(!matches("log1.example.net", "log*.example.net"));
	ck_assert(!matches("a.b.example.net", "a.*.example.net"));
	ck_assert(!matches("a.net", "*.net"));
	ck_assert(!matches("localhost", "*"));
	ck_assert(matches("log*.example.net", "*.example.net"));
}
END_TEST

START_TEST(octets_that_are_in_no_name_match_nothing)
{
	ck_assert(!tls_name_matches(bytes_of_text("*.example.net"), BYTES("a\0b.example.net")));
	ck_assert(!tls_name_matches(bytes_of_text("a.example.net"), BYTES("a.example.net\0")));
	ck_assert(!matches("*.example.net", "a b.example.net"));
	ck_assert(!matches("*.example.net", "\xc3\xa9.example.net"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net/tls_peer_rule");
	TCase *tests = tcase_create("tls_peer_rule");
	tcase_add_test(tests, fingerprints_are_read_in_every_spelling);
	tcase_add_test(tests, names_and_addresses_are_told_apart);
	tcase_add_test(tests, a_label_may_stand_before_a_fingerprint_only);
	tcase_add_test(tests, what_is_wrong_is_named_with_what_is_right);
	tcase_add_test(tests, names_are_compared_by_label_without_case);
	tcase_add_test(tests, a_star_of_ours_matches_within_one_label);
	tcase_add_test(tests, a_star_in_the_certificate_is_its_whole_left_most_label);
	tcase_add_test(tests, octets_that_are_in_no_name_match_nothing);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
