/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs over TLS: who gets in, what is kept when the end is not said, and certificates exchanged while it runs. */
#include "rig.h"
#include "rig_records.h"
#include "rig_senders.h"

#include <openssl/ssl.h>

#include "input/input_tls.h"
#include "unit/net/certificates.h"

enum { MESSAGES = 10000 };

static struct rig rig;
static struct certificate ca, other_ca, server, second, client, foreign;

static struct certificate make(const char *file, const char *name, const struct certificate *issuer)
{
	char san[80];
	snprintf(san, sizeof san, "DNS:%s", name);
	return certificate_make(&(struct certificate_options){
		.file = file, .common_name = name, .san = san, .issuer = issuer,
	});
}

static void make_certificates(void)
{
	ca = certificate_make(&(struct certificate_options){.file = "ca", .common_name = "Test CA", .is_ca = 1});
	other_ca = certificate_make(&(struct certificate_options){.file = "other-ca", .common_name = "Other CA", .is_ca = 1});
	server = make("server", "relay.example.net", &ca);
	second = make("second", "second.example.net", &ca);
	client = make("client", "web01.example.net", &ca);
	foreign = make("foreign", "web01.example.net", &other_ca);
}

static void remove_certificates(void)
{
	struct certificate *all[] = {&ca, &other_ca, &server, &second, &client, &foreign};
	for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
		certificate_free(all[i]);
	rmdir(certificates_directory());
}

static void start(const char *type)
{
	rig_open(&rig, (struct rig_options){.workers = 2});
	rig_start(&rig, type, "listen", "127.0.0.1:0", "tls.certificate", server.path, "tls.key", server.key_path, "tls.ca",
	          ca.path, "tls.peers", "*.example.net", NULL);
}

/* --- a client ---------------------------------------------------------------------------------------------------- */

struct tls_client {
	int fd;
	SSL_CTX *context;
	SSL *ssl;
};

static bool tls_connect(struct tls_client *tls, const struct certificate *own)
{
	tls->fd = rig_connect(&rig, SOCK_STREAM);
	tls->context = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_verify(tls->context, SSL_VERIFY_NONE, NULL);
	if (own != NULL) {
		ck_assert_int_eq(SSL_CTX_use_certificate(tls->context, own->x509), 1);
		ck_assert_int_eq(SSL_CTX_use_PrivateKey(tls->context, own->key), 1);
	}
	tls->ssl = SSL_new(tls->context);
	SSL_set_fd(tls->ssl, tls->fd);
	return SSL_connect(tls->ssl) == 1;
}

static void tls_send(struct tls_client *tls, const char *text)
{
	ck_assert_int_eq(SSL_write(tls->ssl, text, (int)strlen(text)), (int)strlen(text));
}

static void tls_close(struct tls_client *tls, bool with_notify)
{
	if (with_notify)
		SSL_shutdown(tls->ssl);
	SSL_free(tls->ssl);
	SSL_CTX_free(tls->context);
	close(tls->fd);
}

static void assert_server_is(struct tls_client *tls, const struct certificate *expected)
{
	X509 *presented = SSL_get1_peer_certificate(tls->ssl);
	ck_assert_ptr_nonnull(presented);
	ck_assert_int_eq(X509_cmp(presented, expected->x509), 0);
	X509_free(presented);
}

/* --- tests ------------------------------------------------------------------------------------------------------- */

START_TEST(ten_thousand_messages_arrive_in_order_and_are_known_to_come_over_TLS)
{
	struct rig_order order = {.senders = 1};
	struct tls_client tls;
	start("tls");
	ck_assert(tls_connect(&tls, &client));
	for (unsigned i = 0; i < MESSAGES; i++) {
		char message[80], frame[100];
		snprintf(message, sizeof message, "<13>1 - - app - - - sender 0 number %u", i);
		if (i % 2 == 0) /* the peers send either, over TLS too */
			snprintf(frame, sizeof frame, "%zu %s", strlen(message), message);
		else
			snprintf(frame, sizeof frame, "%s\n", message);
		tls_send(&tls, frame);
	}
	tls_close(&tls, true);
	RIG_WAIT(rig_status(&rig).connections == 0);
	rig_finish(&rig);
	ck_assert_uint_eq(rig_read(&rig, rig_check_order, &order), MESSAGES);
	ck_assert_uint_eq(rig_record(&rig, 0)->envelope.peer.transport, TRANSPORT_TLS);
	ck_assert_uint_eq(rig_status(&rig).tls_refused, 0);
	rig_close(&rig);
}
END_TEST

static void assert_refused(const struct certificate *own)
{
	char octet;
	struct tls_client tls;
	start("tls");
	/* Over TLS 1.3 the client may believe in its handshake until it reads. */
	ck_assert(!tls_connect(&tls, own) || SSL_read(tls.ssl, &octet, 1) <= 0);
	RIG_WAIT(rig_status(&rig).tls_refused == 1);
	tls_close(&tls, false);
	RIG_WAIT(rig_status(&rig).connections == 0);
	ck_assert_uint_eq(rig_status(&rig).received, 0);
	rig_finish(&rig);
	rig_close(&rig);
}

START_TEST(a_peer_without_certificate_is_refused_and_counted)
{
	assert_refused(NULL);
}
END_TEST

START_TEST(a_peer_of_another_authority_is_refused_and_counted)
{
	assert_refused(&foreign);
}
END_TEST

START_TEST(a_peer_that_speaks_no_TLS_is_refused_and_counted)
{
	start("tls");
	int fd = rig_connect(&rig, SOCK_STREAM);
	rig_send(fd, "<13>Oct 11 22:14:15 web01 app: plain\n");
	ck_assert(rig_is_closed(fd));
	RIG_WAIT(rig_status(&rig).tls_refused == 1);
	close(fd);
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

START_TEST(a_look_whether_the_port_is_open_is_no_refusal)
{
	start("tls");
	for (unsigned i = 0; i < 10; i++)
		close(rig_connect(&rig, SOCK_STREAM));
	RIG_WAIT(rig_status(&rig).connections_total == 10 && rig_status(&rig).connections == 0);
	ck_assert_uint_eq(rig_status(&rig).tls_refused, 0);
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

START_TEST(what_came_before_an_end_without_close_notify_is_kept)
{
	struct tls_client tls;
	start("tls");
	ck_assert(tls_connect(&tls, &client));
	tls_send(&tls, "<13>whole\n<13>perhaps cut");
	tls_close(&tls, false);
	RIG_WAIT(rig_status(&rig).received == 2);
	rig_finish(&rig);
	ck_assert_str_eq(rig_record(&rig, 1)->text, "<13>perhaps cut");
	rig_close(&rig);
}
END_TEST

START_TEST(a_handshake_under_way_does_not_hold_up_our_stop)
{
	start("tls");
	int fd = rig_connect(&rig, SOCK_STREAM);
	RIG_WAIT(rig_status(&rig).connections == 1);
	uint64_t begun = clock_monotonic_ns();
	rig_stop(&rig);
	ck_assert_uint_lt(clock_monotonic_ns() - begun, CLOCK_NS_PER_SECOND);
	close(fd);
	rig_close(&rig);
}
END_TEST

START_TEST(our_stop_says_close_notify)
{
	struct tls_client tls;
	char octet;
	start("tls");
	ck_assert(tls_connect(&tls, &client));
	tls_send(&tls, "<13>x\n");
	RIG_WAIT(rig_status(&rig).received == 1);
	rig_begin_stop(&rig);
	ck_assert_int_le(SSL_read(tls.ssl, &octet, 1), 0);
	ck_assert_int_ne(SSL_get_shutdown(tls.ssl) & SSL_RECEIVED_SHUTDOWN, 0);
	tls_close(&tls, true);
	RIG_WAIT(atomic_load(&rig.is_stopped));
	rig_close(&rig);
}
END_TEST

/* --- reload ------------------------------------------------------------------------------------------------------ */

static void replace_file(const char *from, const char *to)
{
	char command[2 * CERTIFICATE_PATH_BYTES + 16];
	snprintf(command, sizeof command, "cp %s %s", from, to);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(a_reload_gives_new_connections_the_new_certificate_and_keeps_the_old_ones)
{
	struct tls_client before, after;
	char error[INPUT_ERROR_MAX_BYTES] = "";
	start("tls");
	ck_assert(tls_connect(&before, &client));
	assert_server_is(&before, &server);
	replace_file(second.path, server.path);
	replace_file(second.key_path, server.key_path);
	ck_assert_msg(rig.driver->reload(rig.input, error), "%s", error);
	ck_assert(tls_connect(&after, &client));
	assert_server_is(&after, &second);
	tls_send(&before, "<13>over the old one\n");
	tls_send(&after, "<13>over the new one\n");
	RIG_WAIT(rig_status(&rig).received == 2);
	tls_close(&before, true);
	tls_close(&after, true);
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

START_TEST(a_reload_that_fails_says_why_and_keeps_the_certificate)
{
	struct tls_client tls;
	char error[INPUT_ERROR_MAX_BYTES] = "";
	start("tls");
	replace_file("/dev/null", server.path);
	ck_assert(!rig.driver->reload(rig.input, error));
	ck_assert_msg(strstr(error, server.path) != NULL, "%s", error);
	ck_assert(tls_connect(&tls, &client));
	assert_server_is(&tls, &server);
	tls_close(&tls, true);
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

/* --- RELP over TLS ----------------------------------------------------------------------------------------------- */

START_TEST(RELP_over_TLS_is_answered)
{
	struct tls_client tls;
	char text[512];
	size_t len = 0;
	start("relp");
	ck_assert(tls_connect(&tls, &client));
	tls_send(&tls, "1 open 30 relp_version=0\ncommands=syslog\n2 syslog 7 <13>one\n3 close 0\n");
	for (int got; (got = SSL_read(tls.ssl, text + len, (int)(sizeof text - 1 - len))) > 0;)
		len += (size_t)got;
	text[len] = '\0';
	ck_assert_ptr_nonnull(strstr(text, "\n2 rsp 6 200 OK\n3 rsp 0\n0 serverclose 0\n"));
	tls_close(&tls, true);
	RIG_WAIT(rig_status(&rig).connections == 0);
	rig_finish(&rig);
	ck_assert_uint_eq(rig_record(&rig, 0)->envelope.peer.transport, TRANSPORT_RELP_TLS);
	rig_close(&rig);
}
END_TEST

/* --- what cannot be -------------------------------------------------------------------------------------------------- */

START_TEST(a_section_that_lets_nobody_in_is_an_error)
{
	char error[INPUT_ERROR_MAX_BYTES] = "";
	char text[] = "x";
	struct input_tls tls = {.present = true, .certificate = text, .key = text};
	ck_assert(!input_tls_check(&tls, error));
	ck_assert_ptr_nonnull(strstr(error, "allow_anonymous_peers"));
	tls.allow_anonymous_peers = true;
	ck_assert(input_tls_check(&tls, error));
}
END_TEST

START_TEST(a_missing_file_is_said_with_its_name)
{
	char error[INPUT_ERROR_MAX_BYTES] = "";
	char none[] = "/nowhere/relay.pem";
	struct input_tls tls = {.present = true, .certificate = none, .key = none, .allow_anonymous_peers = true};
	struct tls_holder holder = {0};
	ck_assert(!tls_holder_open(&holder, &tls, error));
	ck_assert_ptr_nonnull(strstr(error, none));
	ck_assert_ptr_null(tls_holder_take(&holder));
	tls_holder_close(&holder);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("input_tls");
	TCase *tests = tcase_create("tls");
	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, make_certificates, remove_certificates);
	tcase_add_test(tests, ten_thousand_messages_arrive_in_order_and_are_known_to_come_over_TLS);
	tcase_add_test(tests, a_peer_without_certificate_is_refused_and_counted);
	tcase_add_test(tests, a_peer_of_another_authority_is_refused_and_counted);
	tcase_add_test(tests, a_peer_that_speaks_no_TLS_is_refused_and_counted);
	tcase_add_test(tests, a_look_whether_the_port_is_open_is_no_refusal);
	tcase_add_test(tests, what_came_before_an_end_without_close_notify_is_kept);
	tcase_add_test(tests, a_handshake_under_way_does_not_hold_up_our_stop);
	tcase_add_test(tests, our_stop_says_close_notify);
	tcase_add_test(tests, a_reload_gives_new_connections_the_new_certificate_and_keeps_the_old_ones);
	tcase_add_test(tests, a_reload_that_fails_says_why_and_keeps_the_certificate);
	tcase_add_test(tests, RELP_over_TLS_is_answered);
	tcase_add_test(tests, a_section_that_lets_nobody_in_is_an_error);
	tcase_add_test(tests, a_missing_file_is_said_with_its_name);
	suite_add_tcase(suite, tests);
	return rig_run(suite);
}
