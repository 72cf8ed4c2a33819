/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain streams over loopback TCP: what the owner left is presented again, a pause holds everything back, memory for
 * unfinished frames has its limits, and every end is told once. Writing has test_stream_write.c.
 */
#include "net/stream.h"

#include "base/clock.h"
#include "net/stream_internal.h"
#include "plain_pair.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/un.h>

/* What a stream has allocated, looked at by its own thread. */
struct memory {
	struct tester *tester;
	size_t pending;
	size_t pool;
};

static void look(void *context)
{
	struct memory *memory = context;
	memory->pending = memory->tester->stream->pending_size;
	memory->pool = memory->tester->stream->pool->pending_bytes;
}

static struct memory memory_of(struct tester *tester)
{
	struct memory memory = {.tester = tester};
	worker_call(worker, look, &memory);
	return memory;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

START_TEST(a_stream_is_ready_on_a_later_turn_and_then_gives_bytes)
{
	struct tester tester = {.use = USE_ALL};
	tester_open(&tester, worker, fds[0]);
	TESTER_WAIT(&tester, tester.readies == 1);
	tester_write(fds[1], "hello", 5);
	TESTER_WAIT(&tester, tester.len == 5);
	ck_assert_mem_eq(tester.bytes, "hello", 5);
	ck_assert_str_eq(stream_peer_identity(tester.stream), "");
	ck_assert_int_eq(strncmp(stream_peer_text(tester.stream), "127.0.0.1:", 10), 0);
	tester_close(&tester);
}
END_TEST

#define LONG_REST_NS (10 * CLOCK_NS_PER_SECOND)

static void rest_behind_reads(void *context)
{
	const struct tester *tester = context;
	if (tester->calls > 0)
		worker_rest(worker, clock_monotonic_ns() + LONG_REST_NS);
}

/* Memory is so scarce that the least is read at once; and each turn that has read asks for a long rest. */
static void spend_memory_and_rest(void *context)
{
	struct tester *tester = context;
	tester->stream->pool->pending_max_bytes = STREAM_READ_LEAST_BYTES;
	worker_at_turn_end(worker, rest_behind_reads, tester);
}

static void end_rests(void *context)
{
	(void)context;
	worker_at_turn_end(worker, NULL, NULL);
}

START_TEST(nobody_rests_behind_a_read_that_filled_its_room)
{
	static const char octets[5 * STREAM_READ_LEAST_BYTES / 2];
	struct tester tester = {.use = USE_ALL};
	tester_open(&tester, worker, fds[0]);
	TESTER_WAIT(&tester, tester.readies == 1);
	worker_call(worker, spend_memory_and_rest, &tester);
	uint64_t begun_ns = clock_monotonic_ns();
	tester_write(fds[1], octets, sizeof(octets));
	TESTER_WAIT(&tester, tester.len == sizeof(octets));
	ck_assert_int_eq(tester.calls, 3);
	ck_assert_uint_lt(clock_monotonic_ns() - begun_ns, LONG_REST_NS);
	worker_call(worker, end_rests, NULL); /* the tester is gone before the worker */
	tester_close(&tester);
}
END_TEST

START_TEST(what_the_owner_left_is_presented_again_in_front_of_what_comes)
{
	struct tester tester = {.use = USE_LINES};
	tester_open(&tester, worker, fds[0]);
	tester_write(fds[1], "one\ntw", 6);
	TESTER_WAIT(&tester, tester.len == 4);
	tester_write(fds[1], "o", 1);
	TESTER_WAIT(&tester, tester.calls == 2);
	tester_write(fds[1], "\nthree\n", 7);
	TESTER_WAIT(&tester, tester.len == 14);
	ck_assert_str_eq((char *)tester.bytes, "one\ntwo\nthree\n");
	ck_assert_uint_eq(memory_of(&tester).pending, 0);
	tester_close(&tester);
}
END_TEST

START_TEST(a_long_frame_in_small_pieces_arrives_whole)
{
	/* Longer than the shared buffer is used for, so it is continued in its own memory. */
	enum { LEN = 300 * 1024 };
	struct tester tester = {.use = USE_LINES, .options.pending_max_bytes = LEN};
	char *frame = malloc(LEN);
	for (size_t i = 0; i < LEN; i++)
		frame[i] = (char)('a' + i % 26);
	frame[LEN - 1] = '\n';
	tester_open(&tester, worker, fds[0]);
	for (size_t at = 0; at < LEN; at += 7001)
		tester_write(fds[1], frame + at, LEN - at < 7001 ? LEN - at : 7001);
	tester_write(fds[1], "x\n", 2);
	TESTER_WAIT(&tester, tester.len == LEN + 2);
	ck_assert_mem_eq(tester.bytes, frame, LEN);
	ck_assert_uint_eq(memory_of(&tester).pool, 0);
	tester_close(&tester);
	free(frame);
}
END_TEST

START_TEST(a_frame_of_just_the_limit_is_kept_and_one_octet_more_ends_the_stream)
{
	enum { LIMIT = 20 * 1000 };
	char *frame = malloc(LIMIT + 1);
	memset(frame, 'x', LIMIT + 1);
	struct tester tester = {.use = USE_LINES, .options.pending_max_bytes = LIMIT};
	tester_open(&tester, worker, fds[0]);
	tester_write(fds[1], frame, LIMIT);
	TESTER_WAIT(&tester, tester.presented_most == LIMIT);
	tester_sleep_ms(20);
	ck_assert_int_eq(tester.ends, 0);
	tester_write(fds[1], frame, 1);
	TESTER_WAIT(&tester, tester.ends == 1);
	ck_assert_int_eq(tester.end, STREAM_END_PENDING_LIMIT);
	ck_assert_str_eq(tester.detail, "an unfinished frame of 20001 octets is longer than the limit of 20000");
	ck_assert_uint_eq(tester.rest_len, LIMIT + 1);
	tester_close(&tester);
	free(frame);
}
END_TEST

START_TEST(at_the_end_the_rest_is_handed_over)
{
	struct tester tester = {.use = USE_LINES, .close_at_end = true};
	tester_open(&tester, worker, fds[0]);
	tester_write(fds[1], "one\nunfinished", 14);
	close_peer();
	TESTER_WAIT(&tester, tester.ends == 1);
	ck_assert_int_eq(tester.end, STREAM_END_EOF);
	ck_assert_str_eq(tester.detail, "the peer closed the connection");
	ck_assert_str_eq((char *)tester.bytes, "one\n");
	ck_assert_str_eq((char *)tester.rest, "unfinished");
	ck_assert_ptr_null(tester.stream);
	tester_close(&tester);
}
END_TEST

START_TEST(a_reset_is_told_with_its_reason)
{
	struct tester tester = {.use = USE_ALL};
	tester_open(&tester, worker, fds[0]);
	TESTER_WAIT(&tester, tester.readies == 1);
	reset_peer();
	TESTER_WAIT(&tester, tester.ends == 1);
	ck_assert_int_eq(tester.end, STREAM_END_RESET);
	ck_assert_str_eq(tester.detail, "Connection reset by peer");
	tester_close(&tester);
}
END_TEST

/* --- pausing ----------------------------------------------------------------------------------------------------- */

START_TEST(a_paused_stream_gets_no_calls_and_first_what_was_left_when_it_resumes)
{
	struct tester tester = {.use = USE_LINE_PAUSE};
	tester_open(&tester, worker, fds[0]);
	tester_write(fds[1], "1\n2\n3\n", 6);
	TESTER_WAIT(&tester, tester.calls == 1);
	close_peer();
	tester_sleep_ms(30);
	ck_assert_int_eq(tester.calls, 1);
	ck_assert_int_eq(tester.ends, 0);
	tester_resume(&tester);
	TESTER_WAIT(&tester, tester.len == 4);
	ck_assert_int_eq(tester.calls, 2);
	tester_resume(&tester);
	TESTER_WAIT(&tester, tester.len == 6);
	ck_assert_int_eq(tester.ends, 0);
	tester_resume(&tester);
	TESTER_WAIT(&tester, tester.ends == 1);
	ck_assert_str_eq((char *)tester.bytes, "1\n2\n3\n");
	ck_assert_uint_eq(tester.rest_len, 0);
	tester_close(&tester);
}
END_TEST

START_TEST(what_a_paused_owner_left_may_be_longer_than_the_frame_limit)
{
	enum { LINES = 2000 };
	struct tester tester = {.use = USE_LINE_PAUSE, .options.pending_max_bytes = 100};
	char lines[2 * LINES];
	for (int i = 0; i < LINES; i++)
		memcpy(lines + 2 * i, "x\n", 2);
	tester_open(&tester, worker, fds[0]);
	tester_write(fds[1], lines, sizeof(lines));
	for (size_t i = 1; i <= LINES; i++) {
		TESTER_WAIT(&tester, tester.len == 2 * i);
		tester_resume(&tester);
	}
	ck_assert_int_eq(tester.ends, 0);
	tester_close(&tester);
}
END_TEST

static void resume_now(void *context)
{
	struct tester *tester = context;
	stream_resume_now(tester->stream);
	ck_assert_uint_eq(tester->len, 4);
	stream_resume_now(tester->stream);
	ck_assert_uint_eq(tester->len, 6);
	stream_resume_now(tester->stream); /* nothing is left */
	ck_assert_int_eq(tester->calls, 3);
}

START_TEST(a_stream_that_is_resumed_at_once_has_presented_what_was_left_before_the_call_ends)
{
	struct tester tester = {.use = USE_LINE_PAUSE};
	tester_open(&tester, worker, fds[0]);
	tester_write(fds[1], "1\n2\n3\n", 6);
	TESTER_WAIT(&tester, tester.calls == 1);
	worker_call(worker, resume_now, &tester);
	tester_write(fds[1], "4\n", 2);
	TESTER_WAIT(&tester, tester.len == 8);
	tester_close(&tester);
}
END_TEST

static void pause_and_resume(void *context)
{
	struct tester *tester = context;
	stream_pause(tester->stream);
	stream_resume(tester->stream);
	stream_resume(tester->stream);
}

static void adopt_pause_and_resume(void *context)
{
	tester_adopt(context);
	pause_and_resume(context);
}

START_TEST(a_pause_that_is_over_before_the_stream_is_open_holds_nothing_back)
{
	struct tester tester = {.use = USE_ALL};
	tester_prepare(&tester, worker, fds[0]);
	ck_assert(worker_call(worker, adopt_pause_and_resume, &tester));
	tester_write(fds[1], "abc", 3);
	TESTER_WAIT(&tester, tester.len == 3);
	tester_close(&tester);
}
END_TEST

START_TEST(a_pause_that_is_over_within_the_turn_loses_nothing)
{
	struct tester tester = {.use = USE_LINES};
	tester_open(&tester, worker, fds[0]);
	tester_write(fds[1], "ab", 2);
	TESTER_WAIT(&tester, tester.calls == 1);
	worker_call(worker, pause_and_resume, &tester);
	tester_write(fds[1], "c\n", 2);
	TESTER_WAIT(&tester, tester.len == 4);
	ck_assert_str_eq((char *)tester.bytes, "abc\n");
	tester_close(&tester);
}
END_TEST

/* --- the budget -------------------------------------------------------------------------------------------------- */

static void set_small_budget(void *context)
{
	stream_set_pending_budget(context, 64 * 1024);
}

START_TEST(when_the_budget_is_spent_the_slowest_unfinished_frame_goes)
{
	int other[2];
	char half[40 * 1000];
	memset(half, 'x', sizeof(half));
	tester_tcp_pair(other);
	worker_call(worker, set_small_budget, worker);
	struct tester slow = {.use = USE_LINES};
	struct tester fast = {.use = USE_LINES};
	tester_open(&slow, worker, fds[0]);
	tester_open(&fast, worker, other[0]);
	tester_write(fds[1], half, 30 * 1000);
	TESTER_WAIT(&slow, slow.presented_most == 30 * 1000);
	tester_write(other[1], half, 40 * 1000);
	TESTER_WAIT(&slow, slow.ends == 1);
	ck_assert_int_eq(slow.end, STREAM_END_PENDING_LIMIT);
	ck_assert_str_eq(slow.detail,
					 "its unfinished frame was the slowest when the memory for unfinished frames was spent");
	ck_assert_uint_eq(slow.rest_len, 30 * 1000);
	tester_write(other[1], "\n", 1);
	TESTER_WAIT(&fast, fast.len == 40 * 1000 + 1);
	ck_assert_int_eq(fast.ends, 0);
	ck_assert_uint_eq(memory_of(&fast).pool, 0);
	tester_close(&slow);
	tester_close(&fast);
	close(other[1]);
}
END_TEST

/* Whoever is paused waits for us, so what it sent must not cost another its connection, however much it is. */
START_TEST(what_paused_streams_hold_ends_no_unfinished_frame)
{
	enum { PAUSED = 24, LINES = 64, LINE = 1024 };
	static struct tester paused[PAUSED];
	static char lines[LINES * LINE];
	int ends[PAUSED], early_fds[2], late_fds[2];
	memset(lines, 'x', sizeof lines);
	for (unsigned i = 0; i < LINES; i++)
		lines[(i + 1) * LINE - 1] = '\n';
	worker_call(worker, set_small_budget, worker);
	struct tester early = {.use = USE_LINES}, late = {.use = USE_LINES};
	tester_tcp_pair(early_fds);
	tester_open(&early, worker, early_fds[0]);
	tester_write(early_fds[1], "ear", 3);
	TESTER_WAIT(&early, early.calls == 1);
	for (unsigned i = 0; i < PAUSED; i++) {
		int pair[2];
		tester_tcp_pair(pair);
		ends[i] = pair[1];
		paused[i] = (struct tester){.use = USE_LINE_PAUSE};
		tester_write(pair[1], lines, sizeof lines);
		tester_open(&paused[i], worker, pair[0]);
		TESTER_WAIT(&paused[i], paused[i].len == LINE);
	}
	ck_assert_uint_gt(memory_of(&early).pool, 64 * 1024); /* they hold more than the budget */
	tester_tcp_pair(late_fds);
	tester_open(&late, worker, late_fds[0]);
	tester_write(late_fds[1], "la", 2);
	TESTER_WAIT(&late, late.calls == 1);
	tester_write(early_fds[1], "ly\n", 3);
	tester_write(late_fds[1], "te\n", 3);
	TESTER_WAIT(&early, early.len == 6);
	TESTER_WAIT(&late, late.len == 5);
	for (unsigned i = 0; i < PAUSED; i++) {
		paused[i].use = USE_LINES; /* its owner does not look while it is paused */
		tester_resume(&paused[i]);
		TESTER_WAIT(&paused[i], paused[i].len == sizeof lines);
		ck_assert_int_eq(memcmp(paused[i].bytes, lines, sizeof lines), 0);
		ck_assert_int_eq(paused[i].ends, 0);
	}
	ck_assert_int_eq(early.ends + late.ends, 0);
	ck_assert_uint_eq(memory_of(&early).pool, 0);
	for (unsigned i = 0; i < PAUSED; i++) {
		tester_close(&paused[i]);
		close(ends[i]);
	}
	tester_close(&early);
	tester_close(&late);
	close(early_fds[1]);
	close(late_fds[1]);
}
END_TEST

START_TEST(a_frame_over_the_whole_budget_ends_its_own_stream)
{
	enum { LEN = 128 * 1024 };
	char *frame = malloc(LEN);
	memset(frame, 'x', LEN);
	worker_call(worker, set_small_budget, worker);
	struct tester tester = {.use = USE_LINES, .options.pending_max_bytes = 1 << 20};
	tester_open(&tester, worker, fds[0]);
	tester_write(fds[1], frame, LEN);
	TESTER_WAIT(&tester, tester.ends == 1);
	ck_assert_int_eq(tester.end, STREAM_END_PENDING_LIMIT);
	ck_assert_str_eq(tester.detail, "the memory for unfinished frames is spent");
	ck_assert_uint_gt(tester.rest_len, 16 * 1024);
	tester_close(&tester);
	free(frame);
}
END_TEST

/* --- closing ----------------------------------------------------------------------------------------------------- */

START_TEST(a_stream_may_be_closed_from_inside_its_callbacks)
{
	struct tester tester = {.use = USE_ALL_CLOSE};
	char got[4];
	tester_open(&tester, worker, fds[0]);
	tester_write(fds[1], "bye", 3);
	TESTER_WAIT(&tester, tester.len == 3);
	ck_assert_int_eq(recv(fds[1], got, sizeof(got), 0), 0);
	tester_close(&tester);

	int other[2];
	tester_tcp_pair(other);
	struct tester early = {.use = USE_ALL, .close_at_ready = true};
	tester_open(&early, worker, other[0]);
	ck_assert_int_eq(recv(other[1], got, sizeof(got), 0), 0);
	ck_assert_int_eq(early.ends, 0);
	tester_close(&early);
	close(other[1]);
}
END_TEST

static void adopt_and_close(void *context)
{
	struct tester *tester = context;
	tester_adopt(tester);
	stream_close(&tester->stream);
}

START_TEST(a_stream_closed_before_its_first_turn_tells_nothing)
{
	struct tester tester = {.use = USE_ALL, .worker = worker, .fd = fds[0]};
	tester.options = (struct stream_options){.worker = worker, .context = &tester, .output_cap_bytes = 1000};
	tester.options.events.bytes = tester_on_bytes;
	tester.options.events.end = tester_on_end;
	tester.options.events.ready = tester_on_ready;
	worker_call(worker, adopt_and_close, &tester);
	char got[4];
	ck_assert_int_eq(recv(fds[1], got, sizeof(got), 0), 0);
	ck_assert_int_eq(tester.readies + tester.ends, 0);
}
END_TEST

START_TEST(a_busy_stream_does_not_keep_others_waiting)
{
	/* The first has 8 MB to be read; the other's few octets come through after a part of it. */
	enum { LEN = 8 << 20 };
	int other[2];
	tester_tcp_pair(other);
	char *much = calloc(1, LEN);
	struct tester busy = {.use = USE_ALL};
	struct tester idle = {.use = USE_ALL};
	tester_open(&busy, worker, fds[0]);
	tester_open(&idle, worker, other[0]);
	TESTER_WAIT(&idle, idle.readies == 1);
	tester_write(other[1], "x", 1);
	tester_write(fds[1], much, LEN);
	TESTER_WAIT(&idle, idle.len == 1);
	TESTER_WAIT(&busy, busy.len == LEN);
	ck_assert_uint_le(busy.presented_most, STREAM_READ_BUFFER_BYTES);
	tester_close(&busy);
	tester_close(&idle);
	close(other[1]);
	free(much);
}
END_TEST

START_TEST(a_unix_peer_is_named_by_its_process)
{
	int pair[2];
	char expected[80];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	struct tester tester = {.use = USE_ALL};
	tester_open(&tester, worker, pair[0]);
	snprintf(expected, sizeof(expected), "unix:pid=%ld,uid=%lu", (long)getpid(), (unsigned long)getuid());
	ck_assert_str_eq(stream_peer_text(tester.stream), expected);
	tester_close(&tester);
	close(pair[1]);
}
END_TEST

START_TEST(an_idle_plain_stream_takes_less_than_a_kibibyte)
{
	ck_assert_uint_le(sizeof(struct stream) + ADDRESS_TEXT_MAX_BYTES, 1024);
}
END_TEST

struct own_memory {
	const struct stream *stream;
	size_t own, all;
};

static void look_at_memory(void *context)
{
	struct own_memory *memory = context;
	memory->own = memory->stream->pending_size;
	memory->all = memory->stream->pool->pending_bytes;
}

/* Frames are read into one buffer that all streams of a worker share. */
START_TEST(a_stream_whose_frames_are_whole_has_no_memory_of_its_own)
{
	struct tester tester = {.use = USE_ALL};
	tester_open(&tester, worker, fds[0]);
	for (int i = 0; i < 3; i++) {
		tester_write(fds[1], "a whole frame", 13);
		TESTER_WAIT(&tester, tester.len == 13 * (size_t)(i + 1));
	}
	struct own_memory memory = {.stream = tester.stream};
	worker_call(worker, look_at_memory, &memory);
	ck_assert_uint_eq(memory.own + memory.all, 0);
	tester_close(&tester);
	close(fds[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net/stream");
	TCase *tests = tcase_create("stream");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, a_stream_is_ready_on_a_later_turn_and_then_gives_bytes);
	tcase_add_test(tests, nobody_rests_behind_a_read_that_filled_its_room);
	tcase_add_test(tests, what_the_owner_left_is_presented_again_in_front_of_what_comes);
	tcase_add_test(tests, a_long_frame_in_small_pieces_arrives_whole);
	tcase_add_test(tests, a_frame_of_just_the_limit_is_kept_and_one_octet_more_ends_the_stream);
	tcase_add_test(tests, at_the_end_the_rest_is_handed_over);
	tcase_add_test(tests, a_reset_is_told_with_its_reason);
	tcase_add_test(tests, a_paused_stream_gets_no_calls_and_first_what_was_left_when_it_resumes);
	tcase_add_test(tests, what_a_paused_owner_left_may_be_longer_than_the_frame_limit);
	tcase_add_test(tests, a_stream_that_is_resumed_at_once_has_presented_what_was_left_before_the_call_ends);
	tcase_add_test(tests, a_pause_that_is_over_before_the_stream_is_open_holds_nothing_back);
	tcase_add_test(tests, a_pause_that_is_over_within_the_turn_loses_nothing);
	tcase_add_test(tests, when_the_budget_is_spent_the_slowest_unfinished_frame_goes);
	tcase_add_test(tests, what_paused_streams_hold_ends_no_unfinished_frame);
	tcase_add_test(tests, a_frame_over_the_whole_budget_ends_its_own_stream);
	tcase_add_test(tests, a_stream_may_be_closed_from_inside_its_callbacks);
	tcase_add_test(tests, a_stream_closed_before_its_first_turn_tells_nothing);
	tcase_add_test(tests, a_busy_stream_does_not_keep_others_waiting);
	tcase_add_test(tests, a_unix_peer_is_named_by_its_process);
	tcase_add_test(tests, a_stream_whose_frames_are_whole_has_no_memory_of_its_own);
	tcase_add_test(tests, an_idle_plain_stream_takes_less_than_a_kibibyte);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
