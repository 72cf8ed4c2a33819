/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How TLS streams begin: handshakes that do not come, that are slow, that are many; and that none of these peers keeps
 * others from theirs.
 */
#include "base/clock.h"
#include "certificates.h"
#include "net/stream.h"
#include "net/stream_internal.h"
#include "net/worker_internal.h"
#include "tester.h"

#define HANDSHAKE_RECORD "\x16\x03\x01\x00\x01\x01" /* a whole record with the first octet of a ClientHello */

enum { HANDSHAKE_RECORD_BYTES = sizeof(HANDSHAKE_RECORD) - 1 };

static struct worker *worker;
static int fds[2];
static struct certificate ca, server;
static char text[TLS_ERROR_MAX_BYTES];

static void set_up(void)
{
	worker = worker_start("tls");
	tester_tcp_pair(fds);
	ca = certificate_make(&(struct certificate_options){.file = "ca", .common_name = "Test CA", .is_ca = 1});
	server = certificate_make(&(struct certificate_options){.file = "server", .san = "IP:127.0.0.1", .issuer = &ca});
}

static void tear_down(void)
{
	worker_stop(&worker);
	certificate_free(&ca);
	certificate_free(&server);
	rmdir(certificates_directory());
}

/* Anybody may connect. */
static struct tls_context *server_context(void)
{
	const struct tls_options options = {
		.certificate = server.path, .key = server.key_path, .allow_anonymous_peers = true};
	struct tls_context *context = tls_context_open(TLS_SERVER, &options, text);
	ck_assert_msg(context != NULL, "%s", text);
	return context;
}

START_TEST(a_handshake_that_does_not_come_is_given_up)
{
	struct tester tester = {.options.handshake_timeout_ns = 50 * 1000000};
	tester.options.tls = server_context();
	tester_write(fds[1], HANDSHAKE_RECORD, (size_t)_i);
	tester_open(&tester, worker, fds[0]);
	TESTER_WAIT(&tester, tester.ends == 1);
	ck_assert_int_eq(tester.end, STREAM_END_HANDSHAKE_TIMEOUT);
	ck_assert_str_eq(tester.detail, _i < HANDSHAKE_RECORD_BYTES ? "the peer did not begin the TLS handshake in time"
																: "the TLS handshake was not finished in time");
	tester_close(&tester);
	tls_context_release(&tester.options.tls);
	close(fds[1]);
}
END_TEST

/* As load balancers look whether a port is open: nobody has tried to speak TLS, and nobody was refused. */
START_TEST(a_peer_that_connects_and_closes_ends_in_order)
{
	struct tester tester = {.close_at_end = true};
	tester.options.tls = server_context();
	tester_open(&tester, worker, fds[0]);
	tester_sleep_ms(20);
	close(fds[1]);
	TESTER_WAIT(&tester, tester.ends == 1);
	ck_assert_int_eq(tester.end, STREAM_END_EOF);
	ck_assert_str_eq(tester.detail, "the peer closed the connection");
	ck_assert_int_eq(tester.readies, 0);
	tester_close(&tester);
	tls_context_release(&tester.options.tls);
}
END_TEST

START_TEST(a_paused_stream_is_still_told_that_its_handshake_failed)
{
	struct tester tester = {.options.handshake_timeout_ns = 50 * 1000000};
	tester.options.tls = server_context();
	tester_open(&tester, worker, fds[0]);
	tester_pause(&tester);
	TESTER_WAIT(&tester, tester.ends == 1);
	ck_assert_int_eq(tester.end, STREAM_END_HANDSHAKE_TIMEOUT);
	tester_close(&tester);
	tls_context_release(&tester.options.tls);
	close(fds[1]);
}
END_TEST

struct counts {
	struct stream_pool *pool;
	unsigned handshakes, waiting;
};

static void count(void *context)
{
	struct counts *counts = context;
	counts->handshakes = counts->pool->handshakes;
	counts->waiting = counts->pool->waiting_handshakes;
}

START_TEST(no_more_than_so_many_handshakes_are_in_progress_and_the_others_have_their_turn)
{
	/* 100 peers that say a record and no more: 64 have slots, the others wait; as the first are given up, they follow. */
	enum { PEERS = 100 };
	static struct tester testers[PEERS];
	int ends[PEERS];
	struct tls_context *context = server_context();
	close(fds[0]);
	close(fds[1]);
	for (int i = 0; i < PEERS; i++) {
		tester_tcp_pair(fds);
		ends[i] = fds[1];
		testers[i] = (struct tester){.options.tls = context, .options.handshake_timeout_ns = 1000 * 1000000};
		tester_write(fds[1], HANDSHAKE_RECORD, HANDSHAKE_RECORD_BYTES);
		tester_open(&testers[i], worker, fds[0]);
	}
	struct counts counts = {.pool = testers[0].stream->pool};
	for (int i = 0; i < 1000 && counts.handshakes + counts.waiting < PEERS; i++) {
		tester_sleep_ms(1);
		worker_call(worker, count, &counts);
	}
	ck_assert_uint_eq(counts.handshakes, STREAM_HANDSHAKES_MAX);
	ck_assert_uint_eq(counts.waiting, PEERS - STREAM_HANDSHAKES_MAX);
	for (int i = 0; i < PEERS; i++)
		TESTER_WAIT(&testers[i], testers[i].ends == 1);
	worker_call(worker, count, &counts);
	ck_assert_uint_eq(counts.handshakes + counts.waiting, 0);
	for (int i = 0; i < PEERS; i++) {
		ck_assert_int_eq(testers[i].end, STREAM_END_HANDSHAKE_TIMEOUT);
		tester_close(&testers[i]);
		close(ends[i]);
	}
	tls_context_release(&context);
}
END_TEST

static void keep_busy(void *context)
{
	(void)context;
	tester_sleep_ms(100);
}

static void read_turn(void *context)
{
	*(uint64_t *)context = worker_turn(worker);
}

/* Asks for a long rest at the end of each turn in which a handshake went on. */
static void rest_behind_steps(void *context)
{
	const struct stream_pool *pool = context;
	if (pool->steps.turn == worker_turn(worker) && pool->steps.so_many > 0)
		worker_rest(worker, clock_monotonic_ns() + 20 * CLOCK_NS_PER_SECOND);
}

static void begin_rests(void *context)
{
	worker_at_turn_end(worker, rest_behind_steps, context);
}

/*
 * While the worker is busy all of them begin at once: they are served a few in each turn, and other sockets in between;
 * nobody rests as long as some could not go on.
 */
START_TEST(handshakes_that_can_go_on_together_do_so_in_several_turns)
{
	enum { PEERS = STREAM_HANDSHAKES_MAX };
	static struct tester testers[PEERS];
	int ends[PEERS];
	uint64_t before, behind;
	struct tls_context *context = server_context();
	close(fds[0]);
	close(fds[1]);
	for (int i = 0; i < PEERS; i++) {
		tester_tcp_pair(fds);
		ends[i] = fds[1];
		testers[i] = (struct tester){.options.tls = context};
		tester_open(&testers[i], worker, fds[0]);
	}
	tester_sleep_ms(50);
	worker_call(worker, begin_rests, testers[0].stream->pool);
	worker_call(worker, read_turn, &before);
	worker_post(worker, keep_busy, NULL);
	for (int i = 0; i < PEERS; i++)
		tester_write(ends[i], HANDSHAKE_RECORD, HANDSHAKE_RECORD_BYTES);
	tester_sleep_ms(200);
	worker_call(worker, read_turn, &behind);
	ck_assert_uint_ge(behind - before, PEERS / STREAM_HANDSHAKE_STEPS_PER_TURN_MAX);
	for (int i = 0; i < PEERS; i++) {
		tester_close(&testers[i]);
		close(ends[i]);
	}
	tls_context_release(&context);
}
END_TEST

START_TEST(a_waiting_stream_may_be_closed)
{
	enum { PEERS = STREAM_HANDSHAKES_MAX + 2 };
	static struct tester testers[PEERS];
	int ends[PEERS];
	struct tls_context *context = server_context();
	close(fds[0]);
	close(fds[1]);
	for (int i = 0; i < PEERS; i++) {
		tester_tcp_pair(fds);
		ends[i] = fds[1];
		testers[i] = (struct tester){.options.tls = context};
		if (_i == 1)
			tester_write(fds[1], HANDSHAKE_RECORD, HANDSHAKE_RECORD_BYTES);
		tester_open(&testers[i], worker, fds[0]);
	}
	tester_sleep_ms(50);
	for (int i = PEERS - 1; i >= 0; i--) {
		tester_close(&testers[i]);
		close(ends[i]);
	}
	tls_context_release(&context);
}
END_TEST

/* A client's own ClientHello, a few octets at a time. */
START_TEST(a_first_record_that_comes_in_pieces_is_heard)
{
	char *at;
	struct tester tester = {.options.tls = server_context()};
	tester_open(&tester, worker, fds[0]);
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(context);
	BIO *hello = BIO_new(BIO_s_mem());
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), hello);
	ck_assert_int_eq(SSL_connect(ssl), -1);
	long len = BIO_get_mem_data(hello, &at);
	for (long i = 0; i < len; i += _i) {
		tester_write(fds[1], at + i, (size_t)(len - i < _i ? len - i : _i));
		tester_sleep_ms(1);
	}
	ck_assert_int_eq(SSL_set_fd(ssl, fds[1]), 1);
	ck_assert_int_eq(SSL_connect(ssl), 1);
	TESTER_WAIT(&tester, tester.readies == 1);
	ck_assert_int_eq(SSL_write(ssl, "x", 1), 1);
	TESTER_WAIT(&tester, tester.len == 1);
	SSL_free(ssl);
	SSL_CTX_free(context);
	tester_close(&tester);
	tls_context_release(&tester.options.tls);
	close(fds[1]);
}
END_TEST

START_TEST(a_refused_peer_that_stays_is_closed_after_a_short_time)
{
	struct tester tester = {.options.tls = server_context()};
	tester_open(&tester, worker, fds[0]);
	tester_write(fds[1], "<13>plain text\n", 15);
	TESTER_WAIT(&tester, tester.ends == 1);
	ck_assert_int_eq(tester.end, STREAM_END_TLS);
	tester_close(&tester);
	tls_context_release(&tester.options.tls);
	close(fds[1]);
}
END_TEST

/* --- starving others ---------------------------------------------------------------------------------------------- */

enum { CROWD = STREAM_HANDSHAKES_MAX + 10 };

static struct tester crowd[CROWD];
static int crowd_ends[CROWD];

/* Many peers connect, say so many octets of a handshake, and stay. */
static void open_crowd(struct tls_context *context, size_t octets)
{
	for (int i = 0; i < CROWD; i++) {
		int pair[2];
		tester_tcp_pair(pair);
		crowd_ends[i] = pair[1];
		crowd[i] = (struct tester){.options.tls = context};
		tester_write(pair[1], HANDSHAKE_RECORD, octets);
		tester_open(&crowd[i], worker, pair[0]);
	}
	tester_sleep_ms(50);
}

static void close_crowd(void)
{
	for (int i = 0; i < CROWD; i++) {
		tester_close(&crowd[i]);
		close(crowd_ends[i]);
	}
}

/* Milliseconds until a peer that does as it should is let in. */
static uint64_t let_in_ms(struct tls_context *server_side)
{
	const struct tls_options options = {.ca = ca.path};
	struct tls_context *client_side = tls_context_open(TLS_CLIENT, &options, text);
	struct tester ours = {.options.tls = server_side};
	struct tester theirs = {.options.tls = client_side, .options.server_name = "127.0.0.1"};
	uint64_t begun = clock_monotonic_ns();
	tester_open(&ours, worker, fds[0]);
	tester_open(&theirs, worker, fds[1]);
	TESTER_WAIT(&ours, ours.readies == 1);
	uint64_t took = (clock_monotonic_ns() - begun) / CLOCK_NS_PER_MS;
	tester_close(&theirs);
	tester_close(&ours);
	tls_context_release(&client_side);
	return took;
}

START_TEST(peers_that_connect_and_say_nothing_keep_nobody_waiting)
{
	struct tls_context *context = server_context();
	open_crowd(context, 0);
	struct counts counts = {.pool = crowd[0].stream->pool};
	worker_call(worker, count, &counts);
	ck_assert_uint_eq(counts.handshakes + counts.waiting, 0);
	ck_assert_uint_lt(let_in_ms(context), 1000);
	for (int i = 0; i < CROWD; i++)
		ck_assert_int_eq(crowd[i].ends, 0);
	close_crowd();
	tls_context_release(&context);
}
END_TEST

/* They get no slot, and do not keep the worker busy while they say no more. */
START_TEST(peers_that_begin_a_record_and_stop_keep_nobody_waiting)
{
	uint64_t before, behind;
	struct tls_context *context = server_context();
	open_crowd(context, (size_t)_i);
	struct counts counts = {.pool = crowd[0].stream->pool};
	worker_call(worker, count, &counts);
	ck_assert_uint_eq(counts.handshakes + counts.waiting, 0);
	worker_call(worker, read_turn, &before);
	tester_sleep_ms(100);
	worker_call(worker, read_turn, &behind);
	ck_assert_uint_lt(behind - before, 20);
	ck_assert_uint_lt(let_in_ms(context), STREAM_HANDSHAKE_SILENT_MS);
	close_crowd();
	tls_context_release(&context);
}
END_TEST

START_TEST(peers_that_begin_and_stop_keep_others_waiting_for_a_short_time_only)
{
	struct tls_context *context = server_context();
	open_crowd(context, HANDSHAKE_RECORD_BYTES);
	uint64_t took = let_in_ms(context);
	ck_assert_uint_ge(took, STREAM_HANDSHAKE_SILENT_MS / 2);
	ck_assert_uint_lt(took, STREAM_HANDSHAKE_CROWDED_MS / 2);
	unsigned ended = 0;
	for (int i = 0; i < CROWD; i++)
		ended += crowd[i].ends == 1;
	/* Only those whose slots others waited for. */
	ck_assert_uint_lt(ended, STREAM_HANDSHAKES_MAX);
	close_crowd();
	tls_context_release(&context);
}
END_TEST

/* The kernel tells of errors at sockets that wait for nothing, as one does whose handshake has not begun. */
START_TEST(a_client_whose_server_has_reset_the_connection_is_told_so)
{
	const struct tls_options options = {.ca = ca.path};
	struct tester tester = {.options.tls = tls_context_open(TLS_CLIENT, &options, text)};
	tester_reset(fds[1]);
	tester_open(&tester, worker, fds[0]);
	TESTER_WAIT(&tester, tester.ends == 1);
	ck_assert_int_eq(tester.end, STREAM_END_RESET);
	tester_close(&tester);
	tls_context_release(&tester.options.tls);
}
END_TEST

enum { ONE_TOO_MANY = STREAM_HANDSHAKES_MAX + 1 };

struct prepared {
	struct tester *testers;
	int so_many;
};

/* In one turn. */
static void adopt_all(void *context)
{
	const struct prepared *prepared = context;
	for (int i = 0; i < prepared->so_many; i++)
		tester_adopt(&prepared->testers[i]);
}

static void reset_first_and_last(void *context)
{
	const int *ends = context;
	tester_reset(ends[0]);
	tester_sleep_ms(5);
	tester_reset(ends[ONE_TOO_MANY - 1]);
	tester_sleep_ms(5);
}

/* Both are heard of in one turn: the first leaves its slot to the other, whose handshake has not begun then. */
START_TEST(a_waiting_stream_that_is_reset_when_it_gets_its_slot_is_told_so)
{
	static struct tester testers[ONE_TOO_MANY];
	int ends[ONE_TOO_MANY];
	struct tls_context *context = server_context();
	close(fds[0]);
	close(fds[1]);
	for (int i = 0; i < ONE_TOO_MANY; i++) {
		tester_tcp_pair(fds);
		ends[i] = fds[1];
		testers[i] = (struct tester){.options.tls = context};
		tester_write(fds[1], HANDSHAKE_RECORD, HANDSHAKE_RECORD_BYTES);
		tester_prepare(&testers[i], worker, fds[0]);
	}
	/* At once: who has had a slot for long would lose it to the one that waits. */
	worker_call(worker, adopt_all, &(struct prepared){testers, ONE_TOO_MANY});
	struct counts counts = {.pool = testers[0].stream->pool};
	for (int i = 0; i < 1000 && counts.waiting == 0; i++) {
		tester_sleep_ms(1);
		worker_call(worker, count, &counts);
	}
	ck_assert_uint_eq(counts.waiting, 1);
	worker_call(worker, reset_first_and_last, ends);
	TESTER_WAIT(&testers[0], testers[0].ends == 1);
	TESTER_WAIT(&testers[ONE_TOO_MANY - 1], testers[ONE_TOO_MANY - 1].ends == 1);
	ck_assert_int_eq(testers[ONE_TOO_MANY - 1].end, STREAM_END_RESET);
	for (int i = 0; i < ONE_TOO_MANY; i++)
		tester_close(&testers[i]);
	for (int i = 1; i < ONE_TOO_MANY - 1; i++)
		close(ends[i]);
	tls_context_release(&context);
}
END_TEST

enum { CLIENTS = 5 * STREAM_HANDSHAKE_STEPS_PER_TURN_MAX };

START_TEST(more_clients_than_may_take_a_step_in_a_turn_all_say_hello)
{
	static struct tester testers[CLIENTS];
	int ends[CLIENTS];
	const struct timeval most = {.tv_sec = 5};
	const struct tls_options options = {.ca = ca.path};
	struct tls_context *context = tls_context_open(TLS_CLIENT, &options, text);
	close(fds[0]);
	close(fds[1]);
	for (int i = 0; i < CLIENTS; i++) {
		tester_tcp_pair(fds);
		ends[i] = fds[1];
		testers[i] = (struct tester){.options.tls = context};
		tester_prepare(&testers[i], worker, fds[0]);
	}
	worker_call(worker, adopt_all, &(struct prepared){testers, CLIENTS});
	for (int i = 0; i < CLIENTS; i++) {
		char octet = 0;
		setsockopt(ends[i], SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
		ck_assert_int_eq(recv(ends[i], &octet, 1, 0), 1);
		ck_assert_int_eq(octet, HANDSHAKE_RECORD[0]);
		tester_close(&testers[i]);
		close(ends[i]);
	}
	tls_context_release(&context);
}
END_TEST

START_TEST(an_urgent_octet_is_no_beginning_of_a_handshake)
{
	struct tester tester = {.options.tls = server_context()};
	tester_open(&tester, worker, fds[0]);
	tester_write(fds[1], HANDSHAKE_RECORD, (size_t)_i);
	ck_assert_int_eq(send(fds[1], "!", 1, MSG_OOB), 1);
	tester_sleep_ms(50);
	struct counts counts = {.pool = tester.stream->pool};
	worker_call(worker, count, &counts);
	ck_assert_uint_eq(counts.handshakes + counts.waiting, 0);
	ck_assert_int_eq(tester.ends, 0);
	tester_close(&tester);
	tls_context_release(&tester.options.tls);
	close(fds[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net/stream_begin");
	TCase *tests = tcase_create("stream_begin");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 120);
	tcase_add_loop_test(tests, a_handshake_that_does_not_come_is_given_up, 0, HANDSHAKE_RECORD_BYTES + 1);
	tcase_add_test(tests, a_peer_that_connects_and_closes_ends_in_order);
	tcase_add_test(tests, a_paused_stream_is_still_told_that_its_handshake_failed);
	tcase_add_test(tests, no_more_than_so_many_handshakes_are_in_progress_and_the_others_have_their_turn);
	tcase_add_test(tests, handshakes_that_can_go_on_together_do_so_in_several_turns);
	tcase_add_loop_test(tests, a_waiting_stream_may_be_closed, 0, 2);
	tcase_add_loop_test(tests, a_first_record_that_comes_in_pieces_is_heard, 1, 8);
	tcase_add_test(tests, a_refused_peer_that_stays_is_closed_after_a_short_time);
	tcase_add_test(tests, peers_that_connect_and_say_nothing_keep_nobody_waiting);
	tcase_add_loop_test(tests, peers_that_begin_a_record_and_stop_keep_nobody_waiting, 1, HANDSHAKE_RECORD_BYTES);
	tcase_add_test(tests, peers_that_begin_and_stop_keep_others_waiting_for_a_short_time_only);
	tcase_add_test(tests, a_client_whose_server_has_reset_the_connection_is_told_so);
	tcase_add_test(tests, a_waiting_stream_that_is_reset_when_it_gets_its_slot_is_told_so);
	tcase_add_test(tests, more_clients_than_may_take_a_step_in_a_turn_all_say_hello);
	tcase_add_loop_test(tests, an_urgent_octet_is_no_beginning_of_a_handshake, 0, 2);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
