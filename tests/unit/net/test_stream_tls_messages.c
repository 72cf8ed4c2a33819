/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS peers that send what is no data, or hardly any: KeyUpdates behind the handshake, attempts to renegotiate, and records
 * of one octet. None of it may keep a worker's turn for itself.
 */
#include "net/worker_internal.h"
#include "tls_pair.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>

static int peer_version; /* the peer speaks no newer one; 0: any */
static SSL_CTX *peer_context;
static SSL *peer;
static BIO *made; /* what the peer has encrypted and not sent */

/* A peer whose records are gathered, so that they arrive together. */
static void connect_peer(struct tester *tester)
{
	tester->options.tls = context_of(TLS_SERVER, &server, NULL);
	tester_open(tester, worker, fds[0]);
	peer_context = SSL_CTX_new(TLS_client_method());
	ck_assert_int_eq(SSL_CTX_set_max_proto_version(peer_context, peer_version), 1);
	ck_assert_int_eq(SSL_CTX_set_cipher_list(peer_context, "ECDHE+AES128+AESGCM"), 1); /* of TLS 1.2 */
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

/* `answer`: SSL_KEY_UPDATE_REQUESTED or not. */
static void make_key_updates_with(int so_many, int answer)
{
	for (int i = 0; i < so_many; i++)
		ck_assert(SSL_key_update(peer, answer) == 1 && SSL_do_handshake(peer) == 1);
}

static void make_key_updates(int so_many)
{
	make_key_updates_with(so_many, SSL_KEY_UPDATE_NOT_REQUESTED);
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

/* What was made has so many messages of eight octets, with something that costs us between them. */
static void check_arrive_a_turn_each(struct tester *tester, int messages)
{
	send_made_at_once();
	TESTER_WAIT(tester, tester->len == (size_t)messages * 8);
	ck_assert_int_eq(tester->ends, 0);
	ck_assert_int_ge(tester->calls, messages);
	disconnect_peer(tester);
}

START_TEST(what_comes_between_key_updates_arrives_a_turn_each)
{
	enum { ROUNDS = 200, EACH = 60 };
	struct tester tester = {.use = USE_ALL};
	connect_peer(&tester);
	for (int i = 0; i < ROUNDS; i++) {
		make_key_updates(EACH);
		ck_assert_int_eq(SSL_write(peer, "message\n", 8), 8);
	}
	check_arrive_a_turn_each(&tester, ROUNDS);
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

/* --- renegotiation: of TLS 1.2, by a peer that asks for it however often it is refused, as no library does ------------- */

enum { KEY_BYTES = 16, SALT_BYTES = 4, NONCE_BYTES = 8, TAG_BYTES = 16, HEADER_BYTES = 5, RECORD_MAX_BYTES = 64 };

static uint8_t write_key[KEY_BYTES], write_salt[SALT_BYTES];
static uint64_t written_records;

/* RFC 5246, 6.3: client_write_key, server_write_key, client_write_IV, server_write_IV; with AEAD no keys for MACs. */
static void derive_keys(void)
{
	uint8_t master[SSL_MAX_MASTER_KEY_LENGTH], seed[2 * SSL3_RANDOM_SIZE], block[2 * (KEY_BYTES + SALT_BYTES)];
	size_t master_len = SSL_SESSION_get_master_key(SSL_get_session(peer), master, sizeof master);
	SSL_get_server_random(peer, seed, SSL3_RANDOM_SIZE);
	SSL_get_client_random(peer, seed + SSL3_RANDOM_SIZE, SSL3_RANDOM_SIZE);
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
	EVP_KDF_CTX *derivation = EVP_KDF_CTX_new(kdf);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, "SHA256", 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, master, master_len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, "key expansion", strlen("key expansion")),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed, sizeof seed),
		OSSL_PARAM_construct_end(),
	};
	ck_assert_int_eq(EVP_KDF_derive(derivation, block, sizeof block, params), 1);
	memcpy(write_key, block, KEY_BYTES);
	memcpy(write_salt, block + (ptrdiff_t)2 * KEY_BYTES, SALT_BYTES);
	written_records = 1; /* Finished was the first */
	EVP_KDF_CTX_free(derivation);
	EVP_KDF_free(kdf);
}

/* RFC 5288, 3, and RFC 5246, 6.2.3.3: a record of AES_128_GCM, behind what was made before. */
static void make_record(uint8_t type, const void *text, size_t len)
{
	uint8_t record[HEADER_BYTES + NONCE_BYTES + RECORD_MAX_BYTES + TAG_BYTES], nonce[SALT_BYTES + NONCE_BYTES];
	uint8_t about[8 + HEADER_BYTES];
	int put;
	for (int i = 0; i < 8; i++)
		about[i] = (uint8_t)(written_records >> (56 - 8 * i));
	memcpy(about + 8, (uint8_t[]){type, 3, 3, 0, (uint8_t)len}, HEADER_BYTES);
	memcpy(record, (uint8_t[]){type, 3, 3, 0, (uint8_t)(NONCE_BYTES + len + TAG_BYTES)}, HEADER_BYTES);
	memcpy(record + HEADER_BYTES, about, NONCE_BYTES);
	memcpy(nonce, write_salt, SALT_BYTES);
	memcpy(nonce + SALT_BYTES, about, NONCE_BYTES);
	written_records++;
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	uint8_t *body = record + HEADER_BYTES + NONCE_BYTES;
	ck_assert_int_eq(EVP_EncryptInit_ex(cipher, EVP_aes_128_gcm(), NULL, write_key, nonce), 1);
	ck_assert_int_eq(EVP_EncryptUpdate(cipher, NULL, &put, about, sizeof about), 1);
	ck_assert_int_eq(EVP_EncryptUpdate(cipher, body, &put, text, (int)len), 1);
	ck_assert_int_eq(EVP_EncryptFinal_ex(cipher, body + put, &put), 1);
	ck_assert_int_eq(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, body + len), 1);
	EVP_CIPHER_CTX_free(cipher);
	BIO_write(made, record, (int)(HEADER_BYTES + NONCE_BYTES + len + TAG_BYTES));
}

static void make_hellos(int so_many)
{
	/* ClientHello: length, TLS 1.2, random, no session, one cipher suite, no compression */
	uint8_t hello[4 + 2 + SSL3_RANDOM_SIZE + 1 + 4 + 2] = {SSL3_MT_CLIENT_HELLO, 0, 0, sizeof hello - 4, 3, 3};
	memcpy(hello + 4 + 2 + SSL3_RANDOM_SIZE + 1, (uint8_t[]){0, 2, 0xc0, 0x2f, 1, 0}, 6);
	for (int i = 0; i < so_many; i++)
		make_record(SSL3_RT_HANDSHAKE, hello, sizeof hello);
}

static void make_message(void)
{
	make_record(SSL3_RT_APPLICATION_DATA, "message\n", 8);
}

static void connect_peer_of_tls_1_2(struct tester *tester)
{
	peer_version = TLS1_2_VERSION;
	connect_peer(tester);
	ck_assert_int_eq(SSL_CIPHER_get_cipher_nid(SSL_get_current_cipher(peer)), NID_aes_128_gcm);
	derive_keys();
}

START_TEST(a_peer_that_renegotiates_and_sends_no_data_is_ended)
{
	struct tester tester = {.use = USE_ALL, .close_at_end = true};
	connect_peer_of_tls_1_2(&tester);
	make_message();
	make_hellos(5000);
	send_made();
	TESTER_WAIT(&tester, tester.ends == 1);
	ck_assert_int_eq(tester.end, STREAM_END_TLS);
	ck_assert_str_eq(tester.detail, TOO_MANY);
	ck_assert_uint_eq(tester.len, 8);
	disconnect_peer(&tester);
}
END_TEST

START_TEST(what_comes_between_attempts_to_renegotiate_arrives_a_turn_each)
{
	enum { ROUNDS = 200, EACH = 60 };
	struct tester tester = {.use = USE_ALL};
	connect_peer_of_tls_1_2(&tester);
	for (int i = 0; i < ROUNDS; i++) {
		make_hellos(EACH);
		make_message();
	}
	check_arrive_a_turn_each(&tester, ROUNDS);
}
END_TEST

/* Little fits into either socket, so that what we answer fills them soon. */
static void make_windows_small(void)
{
	int least = 1;
	ck_assert_int_eq(setsockopt(fds[1], SOL_SOCKET, SO_RCVBUF, &least, sizeof least), 0);
	ck_assert_int_eq(setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &least, sizeof least), 0);
}

/*
 * Our answers to what was made, with so many messages of eight octets between, fill its window: it is read no further, at no
 * cost, and nothing is lost once it reads.
 */
static void check_waits_without_cost(struct tester *tester, int messages)
{
	static char answers[1 << 16];
	const struct timeval wait = {.tv_sec = 1};
	ck_assert_int_eq(setsockopt(fds[1], SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait), 0);
	send_made();
	clock_t used = CLOCKS_PER_SEC;
	for (int i = 0; i < 20 && used >= CLOCKS_PER_SEC / 10; i++) { /* at first it is busy with what came */
		clock_t before = clock();
		tester_sleep_ms(300);
		used = clock() - before;
	}
	ck_assert_int_lt(used, CLOCKS_PER_SEC / 10);
	TESTER_WAIT(tester, tester->len < (size_t)messages * 8);
	while (recv(fds[1], answers, sizeof answers, 0) > 0)
		; /* until nothing comes for a while: all is answered */
	TESTER_WAIT(tester, tester->len == (size_t)messages * 8);
	ck_assert_int_eq(tester->ends, 0);
	disconnect_peer(tester);
}

START_TEST(a_peer_that_renegotiates_and_reads_no_refusal_waits)
{
	enum { ROUNDS = 200, EACH = 60 };
	struct tester tester = {.use = USE_ALL};
	make_windows_small();
	connect_peer_of_tls_1_2(&tester);
	for (int i = 0; i < ROUNDS; i++) {
		make_hellos(EACH);
		make_message();
	}
	check_waits_without_cost(&tester, ROUNDS);
}
END_TEST

START_TEST(a_peer_that_wants_key_updates_and_reads_none_waits)
{
	enum { ROUNDS = 2000 };
	struct tester tester = {.use = USE_ALL};
	make_windows_small();
	connect_peer(&tester);
	for (int i = 0; i < ROUNDS; i++) {
		make_key_updates_with(1, SSL_KEY_UPDATE_REQUESTED);
		ck_assert_int_eq(SSL_write(peer, "message\n", 8), 8);
	}
	check_waits_without_cost(&tester, ROUNDS);
}
END_TEST

/* OpenSSL 3.0 answers it behind the record that is half sent. (At a second one meanwhile it gives up the connection.) */
START_TEST(a_key_update_that_is_wanted_while_our_output_waits_breaks_nothing)
{
	enum { LEN = 6 << 20 };
	char *much = malloc(LEN), *back = malloc(LEN);
	for (size_t i = 0; i < LEN; i++)
		much[i] = (char)(i * 31 / 7);
	struct tester tester = {.use = USE_ALL, .options.output_cap_bytes = LEN};
	connect_peer(&tester);
	tester_send(&tester, much, LEN);
	ck_assert_uint_gt(tester.left_after_flush, 0);
	make_key_updates_with(1, SSL_KEY_UPDATE_REQUESTED);
	ck_assert_int_eq(SSL_write(peer, "message\n", 8), 8);
	send_made();
	TESTER_WAIT(&tester, tester.len == 8);
	for (size_t at = 0; at < LEN;) {
		int got = SSL_read(peer, back + at, (int)(LEN - at));
		ck_assert_msg(got > 0, "%zu octets came, then: %s", at, tester.detail);
		at += (size_t)got;
	}
	ck_assert_mem_eq(back, much, LEN);
	ck_assert_int_eq(tester.ends, 0);
	disconnect_peer(&tester);
	free(much);
	free(back);
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
	tcase_add_test(tests, a_peer_that_renegotiates_and_sends_no_data_is_ended);
	tcase_add_test(tests, what_comes_between_attempts_to_renegotiate_arrives_a_turn_each);
	tcase_add_test(tests, a_peer_that_renegotiates_and_reads_no_refusal_waits);
	tcase_add_test(tests, a_peer_that_wants_key_updates_and_reads_none_waits);
	tcase_add_test(tests, a_key_update_that_is_wanted_while_our_output_waits_breaks_nothing);
	tcase_add_test(tests, records_of_one_octet_are_read_in_several_turns);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
