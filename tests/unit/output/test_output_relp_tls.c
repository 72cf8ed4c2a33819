/* SPDX-License-Identifier: Apache-2.0 */
/* The driver `relp` over TLS: what is delivered, and a client or server that the other one refuses. */
#include "unit/net/certificates.h"
#include "unit/output/output_relp_fixture.h"

static struct certificate ca, server, client, other_ca;

static void make_certificates(void)
{
	ca = certificate_make(&(struct certificate_options){.file = "ca", .common_name = "ca", .is_ca = 1});
	other_ca = certificate_make(&(struct certificate_options){.file = "other", .common_name = "other", .is_ca = 1});
	server = certificate_make(
		&(struct certificate_options){.file = "server", .common_name = "s", .san = "IP:127.0.0.1", .issuer = &ca});
	client = certificate_make(
		&(struct certificate_options){.file = "client", .common_name = "c", .san = "DNS:client.test", .issuer = &ca});
}

static void free_certificates(void)
{
	certificate_free(&ca);
	certificate_free(&other_ca);
	certificate_free(&server);
	certificate_free(&client);
	rmdir(certificates_directory());
}

static void start_tls(const char *permitted_client, const char *client_ca)
{
	char error[TLS_ERROR_MAX_BYTES];
	const char *peers[] = {permitted_client};
	const struct tls_options options = {
		.certificate = server.path, .key = server.key_path, .ca = ca.path, .peers = peers, .peers_count = 1};
	script = script_new();
	script->tls = tls_context_open(TLS_SERVER, &options, error);
	ck_assert_msg(script->tls != NULL, "%s", error);
	start_relp();
	/* The only section among the options that the tests set. */
	const struct option *row = option_find(output_relp.options, "tls");
	struct output_tls_options *tls = (struct output_tls_options *)(void *)((char *)settings + row->offset);
	*tls = (struct output_tls_options){.present = true,
	                                   .certificate = strdup(client.path),
	                                   .key = strdup(client.key_path),
	                                   .ca = strdup(client_ca)};
}

static void end_tls(void)
{
	struct tls_context *context = script->tls;
	end_script(&script);
	tls_context_release(&context);
	free_certificates();
}

START_TEST(over_tls_messages_arrive_in_order)
{
	make_certificates();
	start_tls("client.test", ca.path);
	start_output();
	put_messages(MANY);
	wait_delivered(MANY);
	for (unsigned i = 0; i < MANY; i++)
		ck_assert_uint_eq(script->numbers[i], i);
	char error[OUTPUT_ERROR_MAX_BYTES];
	ck_assert_msg(output_relp.reload(output, error), "%s", error);
	end_tls();
}
END_TEST

START_TEST(a_client_that_the_server_refuses_says_so_and_delivers_nothing)
{
	make_certificates();
	start_tls("someone.else", ca.path);
	put_messages(10);
	start_output();
	wait_state("refused, waiting");
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 0);
	ck_assert_uint_eq(atomic_load(&script->sessions), 0);
	end_tls();
}
END_TEST

/* As rsyslog refuses: the handshake is good, then it closes. */
START_TEST(a_server_that_closes_right_behind_the_handshake_has_refused)
{
	make_certificates();
	start_tls("client.test", ca.path);
	atomic_store(&script->hang_up, true);
	put_messages(10);
	start_output();
	wait_state("refused, waiting");
	ck_assert_ptr_nonnull(strstr(status_now().detail, "our certificate"));
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 0);
	atomic_store(&script->hang_up, false);
	wait_delivered(10);
	end_tls();
}
END_TEST

START_TEST(a_server_that_is_not_trusted_gets_nothing)
{
	make_certificates();
	start_tls("client.test", other_ca.path);
	put_messages(10);
	start_output();
	wait_state("refused, waiting");
	ck_assert_ptr_nonnull(strstr(status_now().detail, "refused: TLS"));
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 0);
	ck_assert_uint_gt(atomic_load(&script->failed_handshakes), 0);
	end_tls();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("output_relp_tls");
	TCase *test = add_case(suite, "tls");
	tcase_add_test(test, over_tls_messages_arrive_in_order);
	tcase_add_test(test, a_client_that_the_server_refuses_says_so_and_delivers_nothing);
	tcase_add_test(test, a_server_that_closes_right_behind_the_handshake_has_refused);
	tcase_add_test(test, a_server_that_is_not_trusted_gets_nothing);
	return run_suite(suite);
}
