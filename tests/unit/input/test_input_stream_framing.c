/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames on the connections of the driver tcp: both framings, forced or found out, split at every octet, too long, and
 * unfinished when memory is short, the peer closes or we stop.
 */
#include "input_stream_fixture.h"
#include "net/stream.h"

START_TEST(messages_split_at_every_octet_are_whole)
{
	static const char stream[] = "24 <13>counted with LF \n ok<13>a line\r\n7 <13>one<13>two\n";
	open_one("auto", "64KiB");
	int fd = rig_connect(&rig, SOCK_STREAM);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	for (size_t i = 0; i < sizeof stream - 1; i++) {
		rig_send_octets(fd, stream + i, 1);
		if (i % 8 == 0)
			usleep(500);
	}
	close(fd);
	RIG_WAIT(rig_status(&rig).received == 4);
	rig_finish(&rig);
	assert_record(0, "<13>counted with LF \n ok", false);
	assert_record(1, "<13>a line", false);
	assert_record(2, "<13>one", false);
	assert_record(3, "<13>two", false);
	ck_assert_uint_eq(rig_record(&rig, 0)->envelope.peer.transport, TRANSPORT_TCP);
	ck_assert_uint_eq(rig_record(&rig, 0)->envelope.peer.address[15], 1);
	close_rig();
}
END_TEST

START_TEST(an_oversized_frame_is_one_message_and_the_next_is_whole)
{
	char big[9028];
	open_one("auto", "480");
	int fd = rig_connect(&rig, SOCK_STREAM);
	memset(big, 'x', sizeof big);
	memcpy(big, "<13>", 4);
	rig_send(fd, "9028 ");
	rig_send_octets(fd, big, sizeof big);
	rig_send(fd, "9 <13>after");
	rig_send_octets(fd, big, sizeof big);
	rig_send(fd, "\n<13>after the line\n");
	close(fd);
	RIG_WAIT(rig_status(&rig).connections == 0 && rig_status(&rig).received == 4);
	rig_finish(&rig);
	ck_assert_uint_eq(rig_record(&rig, 0)->envelope.raw.len, 480);
	ck_assert_uint_eq(rig_record(&rig, 2)->envelope.raw.len, 480);
	assert_record(1, "<13>after", false);
	assert_record(3, "<13>after the line", false);
	ck_assert_uint_eq(rig_status(&rig).truncated, 2);
	close_rig();
}
END_TEST

START_TEST(a_last_line_without_LF_is_kept_when_the_peer_closes)
{
	open_one("auto", "64KiB");
	int fd = rig_connect(&rig, SOCK_STREAM);
	rig_send(fd, "<13>first\n<13>last");
	close(fd);
	RIG_WAIT(rig_status(&rig).received == 2);
	rig_finish(&rig);
	assert_record(1, "<13>last", false);
	close_rig();
}
END_TEST

START_TEST(an_incomplete_counted_frame_is_kept_and_flagged_when_the_peer_closes)
{
	open_one("auto", "64KiB");
	int fd = rig_connect(&rig, SOCK_STREAM);
	rig_send(fd, "100 <13>only so far");
	close(fd);
	RIG_WAIT(rig_status(&rig).received == 1);
	rig_finish(&rig);
	assert_record(0, "<13>only so far", true);
	close_rig();
}
END_TEST

START_TEST(forced_octet_counting_ends_a_connection_that_sends_lines)
{
	open_one("octet-counting", "64KiB");
	int fd = rig_connect(&rig, SOCK_STREAM);
	rig_send(fd, "5 <13>a<13>a line\n");
	ck_assert(rig_is_closed(fd));
	close(fd);
	RIG_WAIT(rig_status(&rig).connections == 0);
	struct input_status status = rig_status(&rig);
	ck_assert_uint_eq(status.protocol_errors, 1);
	ck_assert_uint_eq(status.received, 1);
	rig_finish(&rig);
	assert_record(0, "<13>a", false);
	close_rig();
}
END_TEST

START_TEST(forced_lines_take_a_count_for_text)
{
	open_one("non-transparent", "64KiB");
	int fd = rig_connect(&rig, SOCK_STREAM);
	rig_send(fd, "9 <13>text\n");
	close(fd);
	RIG_WAIT(rig_status(&rig).received == 1);
	rig_finish(&rig);
	assert_record(0, "9 <13>text", false);
	close_rig();
}
END_TEST

START_TEST(a_delimiter_of_the_operator_ends_messages)
{
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "tcp", "listen", "127.0.0.1:0", "delimiter", "|", NULL);
	int fd = rig_connect(&rig, SOCK_STREAM);
	rig_send(fd, "<13>one|<13>two\n");
	close(fd);
	RIG_WAIT(rig_status(&rig).received == 2);
	rig_finish(&rig);
	assert_record(0, "<13>one", false);
	assert_record(1, "<13>two", false);
	close_rig();
}
END_TEST

/* --- unfinished frames ------------------------------------------------------------------------------------------- */

static void shrink_budget(void *context)
{
	struct rig_worker *w = context;
	stream_set_pending_budget(w->worker, 20000);
}

/* Three peers, each with half a message of 9,000 octets, where there is memory for two. */
START_TEST(an_unfinished_frame_that_the_budget_ends_is_counted)
{
	static char half[9000];
	int fds[3];
	memset(half, 'x', sizeof half);
	memcpy(half, "20000 <13>", 10);
	rig_open(&rig, (struct rig_options){0});
	worker_call(rig.w[0].worker, shrink_budget, &rig.w[0]);
	rig_start(&rig, "tcp", "listen", "127.0.0.1:0", NULL);
	for (int i = 0; i < 3; i++) {
		fds[i] = rig_connect(&rig, SOCK_STREAM);
		rig_send_octets(fds[i], half, sizeof half);
		RIG_WAIT(rig_status(&rig).connections_total == (unsigned)i + 1);
		usleep(50 * 1000);
	}
	ck_assert(rig_is_closed(fds[0])); /* the slowest */
	RIG_WAIT(rig_status(&rig).connections == 2);
	ck_assert_uint_eq(rig_status(&rig).protocol_errors, 1);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	RIG_WAIT(rig_status(&rig).connections == 0);
	rig_finish(&rig);
	ck_assert_uint_eq(rig_status(&rig).received, 3); /* each half is kept */
	close_rig();
}
END_TEST

/* Whoever sends the beginning of a message holds no block of the pool: there are four, and fifty such peers. */
START_TEST(peers_with_an_unfinished_frame_do_not_use_up_the_blocks)
{
	enum { PEERS = 50 };
	int fds[PEERS];
	rig_open(&rig, (struct rig_options){.blocks_per_worker = 4});
	rig_start(&rig, "tcp", "listen", "127.0.0.1:0", NULL);
	for (unsigned i = 0; i < PEERS; i++) {
		fds[i] = rig_connect(&rig, SOCK_STREAM);
		rig_send(fds[i], "100 <13>the beginning of");
	}
	RIG_WAIT(rig_status(&rig).connections == PEERS);
	int fd = rig_connect(&rig, SOCK_STREAM);
	rig_send(fd, "<13>a whole one\n");
	RIG_WAIT(spool_stored(rig.spool) == 1);
	close(fd);
	for (unsigned i = 0; i < PEERS; i++)
		close(fds[i]);
	RIG_WAIT(rig_status(&rig).connections == 0);
	rig_finish(&rig);
	ck_assert_uint_eq(rig_status(&rig).received, PEERS + 1); /* the beginnings are kept, when their peers close */
	close_rig();
}
END_TEST

START_TEST(a_frame_unfinished_at_our_stop_is_kept_and_flagged)
{
	open_one("auto", "64KiB");
	int fd = rig_connect(&rig, SOCK_STREAM);
	rig_send(fd, "<13>whole\n<13>in the middle of");
	RIG_WAIT(rig_status(&rig).received == 1);
	rig_finish(&rig);
	ck_assert(rig_is_closed(fd));
	close(fd);
	ck_assert_uint_eq(rig_status(&rig).received, 2);
	assert_record(0, "<13>whole", false);
	assert_record(1, "<13>in the middle of", true);
	close_rig();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("input_stream_framing");
	TCase *tests = tcase_create("framing");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, an_unfinished_frame_that_the_budget_ends_is_counted);
	tcase_add_test(tests, peers_with_an_unfinished_frame_do_not_use_up_the_blocks);
	tcase_add_test(tests, messages_split_at_every_octet_are_whole);
	tcase_add_test(tests, an_oversized_frame_is_one_message_and_the_next_is_whole);
	tcase_add_test(tests, a_last_line_without_LF_is_kept_when_the_peer_closes);
	tcase_add_test(tests, an_incomplete_counted_frame_is_kept_and_flagged_when_the_peer_closes);
	tcase_add_test(tests, forced_octet_counting_ends_a_connection_that_sends_lines);
	tcase_add_test(tests, forced_lines_take_a_count_for_text);
	tcase_add_test(tests, a_delimiter_of_the_operator_ends_messages);
	tcase_add_test(tests, a_frame_unfinished_at_our_stop_is_kept_and_flagged);
	suite_add_tcase(suite, tests);
	return rig_run(suite);
}
