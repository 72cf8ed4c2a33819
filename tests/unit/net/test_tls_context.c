/* SPDX-License-Identifier: Apache-2.0 */
/* From an operator's TLS settings to a context: what is refused at start, and with which sentence. */
#include "certificates.h"
#include "net/tls_context.h"

#include <openssl/err.h>
#include <string.h>

static struct certificate ca, own, other;
static char wrong_path[CERTIFICATE_PATH_BYTES];
static char text[2048];

static void set_up(void)
{
	ca = certificate_make(&(struct certificate_options){.file = "ca", .common_name = "Test CA", .is_ca = 1});
	own = certificate_make(&(struct certificate_options){.file = "own", .common_name = "own", .issuer = &ca});
	other = certificate_make(&(struct certificate_options){.file = "other", .common_name = "other", .issuer = &ca});
	snprintf(wrong_path, sizeof(wrong_path), "%s/wrong.pem", certificates_directory());
	FILE *out = fopen(wrong_path, "w");
	fputs("not a certificate\n", out);
	fclose(out);
}

static void tear_down(void)
{
	certificate_free(&ca);
	certificate_free(&own);
	certificate_free(&other);
	unlink(wrong_path);
	rmdir(certificates_directory());
}

static struct tls_options good_options(void)
{
	return (struct tls_options){.certificate = own.path, .key = own.key_path, .ca = ca.path};
}

static void expect_error(enum tls_role role, const struct tls_options *options, const char *expected)
{
	char error[TLS_ERROR_MAX_BYTES] = "";
	ck_assert_ptr_null(tls_context_open(role, options, error));
	ck_assert_str_eq(error, expected);
	ck_assert_uint_eq(ERR_peek_error(), 0);
}

static void expect_good(enum tls_role role, const struct tls_options *options)
{
	char error[TLS_ERROR_MAX_BYTES] = "";
	struct tls_context *context = tls_context_open(role, options, error);
	ck_assert_msg(context != NULL, "%s", error);
	tls_context_release(&context);
	ck_assert_ptr_null(context);
}

START_TEST(good_settings_make_a_context)
{
	struct tls_options options = good_options();
	expect_good(TLS_SERVER, &options);
	expect_good(TLS_CLIENT, &options);
	options.min_version = "1.3";
	options.ciphers = "ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA";
	expect_good(TLS_SERVER, &options);
	const struct tls_options without_certificate = {.ca = ca.path};
	expect_good(TLS_CLIENT, &without_certificate);
}
END_TEST

START_TEST(nobody_is_let_in_unverified_by_accident)
{
	const char *names[] = {"*.example.net"};
	struct tls_options options = good_options();
	options.ca = NULL;
	expect_error(
		TLS_SERVER, &options,
		"tls.ca is missing: without it any sender would be let in; name the CA's PEM file, list fingerprints in "
		"tls.peers, or say so by tls.allow_anonymous_peers");
	expect_error(
		TLS_CLIENT, &options,
		"tls.ca is missing: without it any server could take our messages; name the CA's PEM file, or list the "
		"server's fingerprint in tls.peers");
	options.peers = names;
	options.peers_count = 1;
	expect_error(
		TLS_SERVER, &options,
		"tls.ca is missing: without a CA the name \"*.example.net\" in tls.peers proves nothing; name the CA's "
		"PEM file, or list fingerprints only");
	names[0] = other.sha256;
	expect_good(TLS_SERVER, &options);
	expect_good(TLS_CLIENT, &options);
	options.peers_count = 0;
	options.allow_anonymous_peers = true;
	expect_good(TLS_SERVER, &options);
}
END_TEST

START_TEST(anonymous_peers_are_neither_for_outputs_nor_beside_a_list)
{
	const char *names[] = {"*.example.net"};
	struct tls_options options = good_options();
	options.allow_anonymous_peers = true;
	expect_error(TLS_CLIENT, &options,
				 "tls.allow_anonymous_peers is for inputs: an output must know whom it sends to; take it out");
	options.peers = names;
	options.peers_count = 1;
	expect_error(
		TLS_SERVER, &options,
		"tls.allow_anonymous_peers makes tls.peers void, since who shows no certificate gets in; take one of them "
		"out");
}
END_TEST

START_TEST(a_missing_file_is_named_with_the_systems_reason)
{
	struct tls_options options = good_options();
	options.certificate = "/nonexistent/relay.pem";
	expect_error(
		TLS_SERVER, &options,
		"tls.certificate \"/nonexistent/relay.pem\" cannot be read: No such file or directory; it must be a PEM "
		"file with our certificate first and its intermediates behind");
	options = good_options();
	options.key = "/nonexistent/relay.key";
	expect_error(
		TLS_SERVER, &options,
		"tls.key \"/nonexistent/relay.key\" cannot be read: No such file or directory; it must be the PEM file of "
		"the certificate's private key");
	options = good_options();
	options.ca = "/nonexistent/ca.pem";
	expect_error(
		TLS_SERVER, &options,
		"tls.ca \"/nonexistent/ca.pem\" cannot be read: No such file or directory; it must be a PEM file with the "
		"certificates of the CAs whose peers we trust");
}
END_TEST

START_TEST(a_file_with_something_else_is_named)
{
	struct tls_options options = good_options();
	options.certificate = wrong_path;
	snprintf(
		text, sizeof(text),
		"tls.certificate \"%s\" is not what it should be (no start line); it must be a PEM file with our certificate "
		"first and its intermediates behind",
		wrong_path);
	expect_error(TLS_SERVER, &options, text);
	options = good_options();
	options.ca = wrong_path;
	snprintf(text, sizeof(text),
			 "tls.ca \"%s\" is not what it should be (no certificate or crl found); it must be a PEM file with the "
			 "certificates of the CAs whose peers we trust",
			 wrong_path);
	expect_error(TLS_SERVER, &options, text);
}
END_TEST

START_TEST(a_key_of_another_certificate_is_refused)
{
	struct tls_options options = good_options();
	options.key = other.key_path;
	snprintf(text, sizeof(text),
			 "tls.key \"%s\" does not belong to tls.certificate \"%s\"; both must come from the same key pair",
			 other.key_path, own.path);
	expect_error(TLS_SERVER, &options, text);
}
END_TEST

START_TEST(an_encrypted_key_is_refused_without_asking_for_its_passphrase)
{
	char path[CERTIFICATE_PATH_BYTES];
	snprintf(path, sizeof(path), "%s/encrypted.key", certificates_directory());
	FILE *out = fopen(path, "w");
	ck_assert_int_eq(
		PEM_write_PrivateKey(out, own.key, EVP_aes_128_cbc(), (const unsigned char *)"secret", 6, NULL, NULL), 1);
	fclose(out);
	struct tls_options options = good_options();
	options.key = path;
	snprintf(
		text, sizeof(text),
		"tls.key \"%s\" is encrypted, and nobody is there to type its passphrase; \"openssl pkey -in KEY -out PLAIN\" "
		"takes it off",
		path);
	expect_error(TLS_SERVER, &options, text);
	unlink(path);
}
END_TEST

START_TEST(half_a_pair_is_refused)
{
	struct tls_options options = good_options();
	options.key = NULL;
	expect_error(TLS_SERVER, &options, "tls.certificate stands without tls.key: name the PEM file of its private key");
	options.key = own.key_path;
	options.certificate = NULL;
	expect_error(TLS_CLIENT, &options, "tls.key stands without tls.certificate: name both PEM files, or neither");
	options.key = NULL;
	expect_error(TLS_SERVER, &options,
				 "tls.certificate is missing: a TLS input needs a certificate and, as tls.key, its private key");
}
END_TEST

START_TEST(wrong_versions_ciphers_and_peers_are_named)
{
	const char *names[] = {"log.example.net", "CN=log"};
	struct tls_options options = good_options();
	options.min_version = "1.1";
	expect_error(TLS_SERVER, &options, "tls.min_version \"1.1\" is not one of \"1.2\" and \"1.3\"");
	options = good_options();
	options.ciphers = "NONSENSE";
	expect_error(TLS_SERVER, &options,
				 "tls.ciphers \"NONSENSE\" names no cipher suite of TLS 1.2; \"openssl ciphers -v "
				 "'ECDHE+AES128+AESGCM:ECDHE+AESGCM:ECDHE+CHACHA20'\" shows what a list means");
	options = good_options();
	options.peers = names;
	options.peers_count = 2;
	expect_error(TLS_SERVER, &options,
				 "tls.peers: \"CN=log\" is neither a name, an address nor a fingerprint; write \"log*.example.net\", "
				 "\"192.0.2.1\" or \"sha-256:AB:CD:...\"");
}
END_TEST

START_TEST(only_suites_with_forward_secrecy_and_aead_are_offered)
{
	char error[TLS_ERROR_MAX_BYTES];
	struct tls_options options = good_options();
	struct tls_context *context = tls_context_open(TLS_SERVER, &options, error);
	SSL *ssl = tls_context_new_ssl(context, NULL);
	STACK_OF(SSL_CIPHER) *ciphers = SSL_get_ciphers(ssl);
	ck_assert_int_gt(sk_SSL_CIPHER_num(ciphers), 5);
	for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
		const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(ciphers, i);
		int exchange = SSL_CIPHER_get_kx_nid(cipher);
		ck_assert_int_eq(SSL_CIPHER_is_aead(cipher), 1);
		ck_assert_msg(exchange == NID_kx_ecdhe || exchange == NID_kx_any, "%s", SSL_CIPHER_get_name(cipher));
	}
	ck_assert_int_eq(SSL_get_min_proto_version(ssl), TLS1_2_VERSION);
	ck_assert_uint_ne(SSL_get_options(ssl) & SSL_OP_NO_RENEGOTIATION, 0);
	/* The SSL holds the context. */
	tls_context_release(&context);
	ck_assert_str_eq(tls_peer_identity(ssl), "");
	ck_assert_str_eq(tls_refusal(ssl), "");
	SSL_free(ssl);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net/tls_context");
	TCase *tests = tcase_create("tls_context");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, good_settings_make_a_context);
	tcase_add_test(tests, nobody_is_let_in_unverified_by_accident);
	tcase_add_test(tests, anonymous_peers_are_neither_for_outputs_nor_beside_a_list);
	tcase_add_test(tests, a_missing_file_is_named_with_the_systems_reason);
	tcase_add_test(tests, a_file_with_something_else_is_named);
	tcase_add_test(tests, a_key_of_another_certificate_is_refused);
	tcase_add_test(tests, an_encrypted_key_is_refused_without_asking_for_its_passphrase);
	tcase_add_test(tests, half_a_pair_is_refused);
	tcase_add_test(tests, wrong_versions_ciphers_and_peers_are_named);
	tcase_add_test(tests, only_suites_with_forward_secrecy_and_aead_are_offered);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
