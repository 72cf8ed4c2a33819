/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS peers that send what is no data, or hardly any: KeyUpdates behind the handshake, and records of one octet. None of
 * it may keep a worker's turn for itself.
 */
#include "net/worker_internal.h"
#include "tls_pair.h"

static SSL_CTX *peer_context;
static SSL *peer;
static BIO *made; /* what the peer has encrypted and not sent */

/* A peer whose records are gathered, so that they arrive together. */
static void connect_peer(struct tester *tester)
{
	tester->options.tls = context_of(TLS_SERVER, &server, NULL);
	tester_open(tester, worker, fds[0]);
	peer_context = SSL_CTX_new(TLS_client_method());
	ck_assert_int_eq(SSL_CTX_use_certificate_chain_file(peer_context, client.path), 1);
	ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(peer_context, client.key_path, SSL_FILETYPE_PEM), 1);
	peer = SSL_new(peer_context);
	ck_assert(SSL_set_fd(peer, fds[1]) == 1 && SSL_connect(peer) == 1);
	TESTER_WAIT(tester, tester->readies == 1);
	made = BIO_new(BIO_s_mem());
	SSL_set0_wbio(peer, made);
}

static void disconnect_peer(struct tester *tester)
{
	tester_close(tester);
	tls_context_release(&tester->options.tls);
	SSL_free(peer);
	SSL_CTX_free(peer_context);
	close(fds[1]);
}

static void make_key_updates(int so_many)
{
	for (int i = 0; i < so_many; i++)
		ck_assert(SSL_key_update(peer, SSL_KEY_UPDATE_NOT_REQUESTED) == 1 && SSL_do_handshake(peer) == 1);
}

/* As much as the peer is let: it may be ended meanwhile. */
static void send_made(void)
{
	char *at;
	long len = BIO_get_mem_data(made, &at);
	while (len > 0) {
		ssize_t put = send(fds[1], at, (size_t)len, MSG_NOSIGNAL);
		if (put <= 0)
			break;
		at += put;
		len -= put;
	}
	(void)BIO_reset(made);
}

static void keep_busy(void *context)
{
	(void)context;
	tester_sleep_ms(100);
}

/* All of it lies in the socket when the worker looks. */
static void send_made_at_once(void)
{
	worker_post(worker, keep_busy, NULL);
	send_made();
}

#define TOO_MANY "the peer sent more than 64 TLS messages, such as KeyUpdate, without data between them"

START_TEST(a_peer_that_sends_key_updates_and_no_data_is_ended)
{
	struct tester tester = {.use = USE_ALL, .close_at_end = true};
	connect_peer(&tester);
	make_key_updates(5000);
	send_made();
	TESTER_WAIT(&tester, tester.ends == 1);
	ck_assert_int_eq(tester.end, STREAM_END_TLS);
	ck_assert_str_eq(tester.detail, TOO_MANY);
	disconnect_peer(&tester);
}
END_TEST

START_TEST(what_comes_between_key_updates_arrives_a_turn_each)
{
	enum { ROUNDS = 200, EACH = 60 };
	struct tester tester = {.use = USE_ALL};
	connect_peer(&tester);
	for (int i = 0; i < ROUNDS; i++) {
		make_key_updates(EACH);
		ck_assert_int_eq(SSL_write(peer, "message\n", 8), 8);
	}
	send_made_at_once();
	TESTER_WAIT(&tester, tester.len == (size_t)ROUNDS * 8);
	ck_assert_int_eq(tester.ends, 0);
	ck_assert_int_ge(tester.calls, ROUNDS);
	disconnect_peer(&tester);
}
END_TEST

/* Nothing else comes that would wake the worker: what it has read ahead must not be forgotten. */
START_TEST(data_behind_a_key_update_is_not_left_lying)
{
	enum { RECORD = 1000, RECORDS = 40 };
	char record[RECORD];
	memset(record, 'x', sizeof(record));
	struct tester tester = {.use = USE_ALL};
	connect_peer(&tester);
	size_t len = 0;
	for (int i = 0; i < 10; i++) {
		make_key_updates(1 + i);
		for (int j = 0; j < RECORDS; j++)
			ck_assert_int_eq(SSL_write(peer, record, sizeof(record)), RECORD);
		send_made_at_once();
		len += sizeof(record) * RECORDS;
		TESTER_WAIT(&tester, tester.len == len);
	}
	ck_assert_int_eq(tester.ends, 0);
	disconnect_peer(&tester);
}
END_TEST

START_TEST(records_of_one_octet_are_read_in_several_turns)
{
	enum { RECORDS = 20000 };
	struct tester tester = {.use = USE_ALL};
	connect_peer(&tester);
	for (int i = 0; i < RECORDS; i++)
		ck_assert_int_eq(SSL_write(peer, "x", 1), 1);
	send_made_at_once();
	TESTER_WAIT(&tester, tester.len == RECORDS);
	ck_assert_uint_le(tester.presented_most, 2048);
	disconnect_peer(&tester);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net/stream_tls_messages");
	TCase *tests = tcase_create("stream_tls_messages");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, a_peer_that_sends_key_updates_and_no_data_is_ended);
	tcase_add_test(tests, what_comes_between_key_updates_arrives_a_turn_each);
	tcase_add_test(tests, data_behind_a_key_update_is_not_left_lying);
	tcase_add_test(tests, records_of_one_octet_are_read_in_several_turns);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
