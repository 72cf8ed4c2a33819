/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing to plain streams over loopback TCP: at once, or when the peer takes it; who waits is told; a shut-down sends
 * the rest first; and after a failed write what the peer said is still read.
 */
#include "net/stream.h"

#include "net/stream_internal.h"
#include "plain_pair.h"

static bool output_has_memory;

static void look(void *context)
{
	output_has_memory = ((struct tester *)context)->stream->output.base != NULL;
}

static bool has_output(struct tester *tester)
{
	worker_call(worker, look, tester);
	return output_has_memory;
}

static void set_small_budget(void *context)
{
	stream_set_pending_budget(context, 64 * 1024);
}

START_TEST(output_goes_out_at_once_and_its_memory_with_it)
{
	struct tester tester = {.use = USE_ALL};
	char got[8] = "";
	tester_open(&tester, worker, fds[0]);
	TESTER_WAIT(&tester, tester.readies == 1);
	ck_assert(!has_output(&tester));
	tester_send(&tester, "answer", 6);
	ck_assert_uint_eq(tester.left_after_flush, 0);
	ck_assert_int_eq(recv(fds[1], got, sizeof(got), 0), 6);
	ck_assert_str_eq(got, "answer");
	ck_assert(!has_output(&tester));
	/* What went out at once is not told again. */
	ck_assert_int_eq(tester.writables, 0);
	tester_close(&tester);
}
END_TEST

START_TEST(output_before_the_stream_is_ready_waits_for_it)
{
	struct tester tester = {.use = USE_ALL};
	char got[8] = "";
	tester_open(&tester, worker, fds[0]);
	tester_send(&tester, "early", 5);
	ck_assert_int_eq(recv(fds[1], got, sizeof(got), 0), 5);
	ck_assert_str_eq(got, "early");
	tester_close(&tester);
}
END_TEST

START_TEST(what_the_socket_does_not_take_waits_and_writable_is_told_at_half_and_at_empty)
{
	enum { CAP = 8 << 20 };
	struct tester tester = {.use = USE_ALL, .options.output_cap_bytes = CAP};
	char *output = malloc(CAP);
	char *got = malloc(CAP);
	for (size_t i = 0; i < CAP; i++)
		output[i] = (char)(i * 7 / 3);
	int small = 64 * 1024;
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	tester_open(&tester, worker, fds[0]);
	tester_send(&tester, output, CAP);
	ck_assert_uint_gt(tester.left_after_flush, CAP / 2);
	size_t len = 0;
	while (len < CAP) {
		ssize_t result = recv(fds[1], got + len, CAP - len, 0);
		ck_assert_int_gt(result, 0);
		len += (size_t)result;
	}
	ck_assert_mem_eq(got, output, CAP);
	TESTER_WAIT(&tester, tester.writables == 2);
	tester_close(&tester);
	free(output);
	free(got);
}
END_TEST

static void *read_all(void *context)
{
	char got[65536];
	size_t wanted = *(size_t *)context;
	while (wanted > 0) {
		ssize_t len = recv(fds[1], got, sizeof(got), 0);
		ck_assert_int_gt(len, 0);
		wanted -= (size_t)len;
	}
	return NULL;
}

/* The owner flushes again and again within one call, while the peer reads, until all is gone. */
static void flush_until_empty(void *context)
{
	struct tester *tester = context;
	stream_flush(tester->stream);
	while (buffer_len(stream_output(tester->stream)) > 0) {
		tester_sleep_ms(1);
		stream_flush(tester->stream);
	}
}

START_TEST(what_a_flush_left_is_told_even_if_a_later_flush_writes_it)
{
	enum { CAP = 8 << 20 };
	struct tester tester = {.use = USE_ALL, .options.output_cap_bytes = CAP};
	char *output = calloc(1, CAP);
	size_t wanted = CAP;
	pthread_t reader;
	tester_open(&tester, worker, fds[0]);
	TESTER_WAIT(&tester, tester.readies == 1);
	tester_send(&tester, output, CAP);
	ck_assert_uint_gt(tester.left_after_flush, 0);
	ck_assert_int_eq(pthread_create(&reader, NULL, read_all, &wanted), 0);
	worker_call(worker, flush_until_empty, &tester);
	TESTER_WAIT(&tester, tester.writables >= 1);
	pthread_join(reader, NULL);
	tester_close(&tester);
	free(output);
}
END_TEST

START_TEST(output_that_an_end_discards_is_not_told_as_written)
{
	/* The peer reads nothing; its unfinished frame is the slowest when the budget is spent. */
	enum { CAP = 16 << 20 };
	int other[2];
	char *output = calloc(1, CAP);
	tester_tcp_pair(other);
	worker_call(worker, set_small_budget, worker);
	struct tester slow = {.use = USE_LINES, .options.output_cap_bytes = CAP};
	struct tester fast = {.use = USE_LINES};
	tester_open(&slow, worker, fds[0]);
	tester_open(&fast, worker, other[0]);
	TESTER_WAIT(&slow, slow.readies == 1);
	tester_send(&slow, output, CAP);
	ck_assert_uint_gt(slow.left_after_flush, 0);
	tester_write(fds[1], output, 30 * 1000);
	TESTER_WAIT(&slow, slow.presented_most == 30 * 1000);
	tester_write(other[1], output, 40 * 1000);
	TESTER_WAIT(&slow, slow.ends == 1);
	TESTER_WAIT(&fast, fast.presented_most == 40 * 1000);
	tester_sleep_ms(20);
	ck_assert_int_eq(slow.end, STREAM_END_PENDING_LIMIT);
	ck_assert_int_eq(slow.writables, 0);
	tester_close(&slow);
	tester_close(&fast);
	close(other[1]);
	free(output);
}
END_TEST

START_TEST(shutdown_sends_the_rest_first_and_reading_goes_on)
{
	enum { CAP = 4 << 20 };
	struct tester tester = {.use = USE_ALL, .options.output_cap_bytes = CAP};
	char *output = calloc(1, CAP);
	tester_open(&tester, worker, fds[0]);
	tester_send(&tester, output, CAP);
	tester_shutdown(&tester);
	size_t len = 0;
	ssize_t result;
	while ((result = recv(fds[1], output, CAP, 0)) > 0)
		len += (size_t)result;
	ck_assert_int_eq(result, 0);
	ck_assert_uint_eq(len, CAP);
	tester_write(fds[1], "last words", 10);
	TESTER_WAIT(&tester, tester.len == 10);
	close_peer();
	TESTER_WAIT(&tester, tester.ends == 1);
	ck_assert_int_eq(tester.end, STREAM_END_EOF);
	tester_close(&tester);
	free(output);
}
END_TEST

START_TEST(after_the_peer_closed_its_side_we_may_still_answer)
{
	struct tester tester = {.use = USE_ALL};
	char got[8] = "";
	tester_open(&tester, worker, fds[0]);
	shutdown(fds[1], SHUT_WR);
	TESTER_WAIT(&tester, tester.ends == 1);
	tester_send(&tester, "rsp", 3);
	tester_shutdown(&tester);
	ck_assert_int_eq(recv(fds[1], got, sizeof(got), MSG_WAITALL), 3);
	ck_assert_str_eq(got, "rsp");
	tester_close(&tester);
}
END_TEST

START_TEST(after_a_failed_write_the_answers_on_their_way_are_read_first)
{
	/* The peer answers and resets; our next write fails while its answer is unread. */
	struct tester tester = {.use = USE_ALL};
	tester_open(&tester, worker, fds[0]);
	TESTER_WAIT(&tester, tester.readies == 1);
	tester_pause(&tester);
	tester_write(fds[1], "answer", 6);
	tester_sleep_ms(20);
	reset_peer();
	tester_sleep_ms(20);
	tester_send(&tester, "more", 4);
	tester_send(&tester, "more", 4);
	tester_resume(&tester);
	TESTER_WAIT(&tester, tester.ends == 1);
	ck_assert_int_eq(tester.end, STREAM_END_RESET);
	ck_assert_str_eq((char *)tester.bytes, "answer");
	ck_assert_msg(strcmp(tester.detail, "Connection reset by peer") == 0 || strcmp(tester.detail, "Broken pipe") == 0,
				  "%s", tester.detail);
	tester_close(&tester);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net/stream_write");
	TCase *tests = tcase_create("stream_write");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, output_goes_out_at_once_and_its_memory_with_it);
	tcase_add_test(tests, output_before_the_stream_is_ready_waits_for_it);
	tcase_add_test(tests, what_the_socket_does_not_take_waits_and_writable_is_told_at_half_and_at_empty);
	tcase_add_test(tests, what_a_flush_left_is_told_even_if_a_later_flush_writes_it);
	tcase_add_test(tests, output_that_an_end_discards_is_not_told_as_written);
	tcase_add_test(tests, shutdown_sends_the_rest_first_and_reading_goes_on);
	tcase_add_test(tests, after_the_peer_closed_its_side_we_may_still_answer);
	tcase_add_test(tests, after_a_failed_write_the_answers_on_their_way_are_read_first);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
