/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver relp: what the client sees on the wire, and when, against what the disk has synced. Clients that leave or
 * fall silent: test_input_relp_left.c.
 */
#include "input_relp_fixture.h"

#include <sys/syscall.h>

enum { MESSAGES = 10000 };

/* Stands in for libc's: what the input writes is counted, what this file's clients write is not. */
static _Atomic unsigned writes;
static _Atomic int client = -1;

ssize_t send(int fd, const void *octets, size_t len, int flags)
{
	if (fd != atomic_load(&client))
		atomic_fetch_add(&writes, 1);
	return syscall(SYS_sendto, fd, octets, len, flags, NULL, 0);
}

START_TEST(ten_thousand_messages_are_answered_in_order_and_stored)
{
	struct rig_order order = {.senders = 1};
	start((struct rig_options){.workers = 2});
	int fd = rig_connect(&rig, SOCK_STREAM);
	open_session(fd);
	unsigned answered = 1;
	for (unsigned i = 0; i < MESSAGES; i++) {
		char message[80];
		snprintf(message, sizeof message, "<13>1 - - app - - - sender 0 number %u", i);
		send_message(fd, i + 2, message);
		if (i % 1000 == 999) {
			assert_answers(fd, answered + 1, i + 2);
			answered = i + 2;
		}
	}
	rig_send(fd, "10002 close 0\n");
	rig_receive_all(fd, text, sizeof text);
	ck_assert_str_eq(text, "10002 rsp 0\n0 serverclose 0\n");
	close(fd);
	RIG_WAIT(rig_status(&rig).connections == 0);
	rig_finish(&rig);
	ck_assert_uint_eq(rig_read(&rig, rig_check_order, &order), MESSAGES);
	ck_assert_uint_eq(rig_status(&rig).received, MESSAGES);
	ck_assert_uint_eq(rig_record(&rig, 0)->envelope.peer.transport, TRANSPORT_RELP);
	rig_close(&rig);
}
END_TEST

START_TEST(a_message_is_not_answered_before_it_is_synced)
{
	start((struct rig_options){0});
	int fd = rig_connect(&rig, SOCK_STREAM);
	open_session(fd);
	held_disk_set(&rig.disk, true);
	send_message(fd, 2, "<13>one");
	send_message(fd, 3, "<13>two");
	RIG_WAIT(held_disk_has_waiter(&rig.disk) && rig_status(&rig).received == 2);
	ck_assert(!rig_is_readable(fd, 300));
	ck_assert_uint_eq(spool_stored(rig.spool), 0);
	held_disk_set(&rig.disk, false);
	assert_answers(fd, 2, 3);
	ck_assert_uint_eq(spool_stored(rig.spool), 2);
	close(fd);
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

/* While one group is being synced two blocks and more of one connection gather for the next. */
START_TEST(the_answers_of_a_group_leave_in_one_write)
{
	enum { LAST = 110 };
	static char message[8001];
	struct spool_usage before, behind;
	memset(message, 'x', sizeof message - 1);
	memcpy(message, "<13>", 4);
	start((struct rig_options){0});
	int fd = rig_connect(&rig, SOCK_STREAM);
	atomic_store(&client, fd);
	open_session(fd);
	held_disk_set(&rig.disk, true);
	send_message(fd, 2, "<13>one");
	RIG_WAIT(held_disk_has_waiter(&rig.disk));
	for (unsigned txnr = 3; txnr <= LAST; txnr++)
		send_message(fd, txnr, message);
	RIG_WAIT(rig_status(&rig).received == LAST - 1);
	spool_usage(rig.spool, &before);
	atomic_store(&writes, 0);
	held_disk_set(&rig.disk, false);
	assert_answers(fd, 2, LAST);
	spool_usage(rig.spool, &behind);
	ck_assert_uint_le(atomic_load(&writes), behind.groups - before.groups);
	close(fd);
	atomic_store(&client, -1);
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

START_TEST(a_session_split_at_every_octet_is_understood)
{
	static const char stream[] = OPEN "2 syslog 7 <13>one\n3 syslog 0\n4 close 0\n";
	start((struct rig_options){0});
	int fd = rig_connect(&rig, SOCK_STREAM);
	for (size_t i = 0; i < sizeof stream - 1; i++) {
		rig_send_octets(fd, stream + i, 1);
		usleep(200);
	}
	rig_receive_all(fd, text, sizeof text);
	ck_assert_ptr_nonnull(strstr(text, "\n2 rsp 6 200 OK\n3 rsp 6 200 OK\n4 rsp 0\n0 serverclose 0\n"));
	close(fd);
	rig_finish(&rig);
	ck_assert_uint_eq(rig_read(&rig, NULL, NULL), 2);
	ck_assert_str_eq(rig_record(&rig, 0)->text, "<13>one");
	ck_assert_str_eq(rig_record(&rig, 1)->text, "");
	rig_close(&rig);
}
END_TEST

START_TEST(close_is_answered_after_all_messages_before_it_are_stored)
{
	start((struct rig_options){0});
	int fd = rig_connect(&rig, SOCK_STREAM);
	open_session(fd);
	held_disk_set(&rig.disk, true);
	send_message(fd, 2, "<13>one");
	rig_send(fd, "3 close 0\n");
	RIG_WAIT(held_disk_has_waiter(&rig.disk));
	ck_assert(!rig_is_readable(fd, 200));
	held_disk_set(&rig.disk, false);
	rig_receive_all(fd, text, sizeof text);
	ck_assert_str_eq(text, "2 rsp 6 200 OK\n3 rsp 0\n0 serverclose 0\n");
	close(fd);
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

/* A client that shuts its sending side down waits for answers all the same. */
START_TEST(a_client_that_has_shut_its_side_gets_the_answers_that_it_is_owed)
{
	start((struct rig_options){0});
	int fd = rig_connect(&rig, SOCK_STREAM);
	open_session(fd);
	held_disk_set(&rig.disk, true);
	send_message(fd, 2, "<13>one");
	if (_i == 0)
		rig_send(fd, "3 close 0\n");
	shutdown(fd, SHUT_WR);
	RIG_WAIT(held_disk_has_waiter(&rig.disk));
	ck_assert(!rig_is_readable(fd, 200));
	held_disk_set(&rig.disk, false);
	rig_receive_all(fd, text, sizeof text);
	ck_assert_str_eq(text, _i == 0 ? "2 rsp 6 200 OK\n3 rsp 0\n0 serverclose 0\n" : "2 rsp 6 200 OK\n0 serverclose 0\n");
	close(fd);
	uint64_t begun = clock_monotonic_ns();
	RIG_WAIT(rig_status(&rig).connections == 0);
	ck_assert_uint_lt(clock_monotonic_ns() - begun, 1500 * CLOCK_NS_PER_MS);
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

START_TEST(a_message_over_the_limit_is_cut_acknowledged_and_counted)
{
	char big[10000];
	start((struct rig_options){0});
	int fd = rig_connect(&rig, SOCK_STREAM);
	open_session(fd);
	memset(big, 'x', sizeof big - 1);
	memcpy(big, "<13>", 4);
	big[sizeof big - 1] = '\0';
	send_message(fd, 2, big);
	send_message(fd, 3, "<13>after");
	assert_answers(fd, 2, 3);
	close(fd);
	rig_finish(&rig);
	ck_assert_uint_eq(rig_record(&rig, 0)->envelope.raw.len, 8192);
	ck_assert_uint_ne(rig_record(&rig, 0)->envelope.message.flags & MESSAGE_TRUNCATED, 0);
	ck_assert_str_eq(rig_record(&rig, 1)->text, "<13>after");
	ck_assert_uint_eq(rig_status(&rig).truncated, 1);
	rig_close(&rig);
}
END_TEST

START_TEST(a_broken_protocol_ends_the_session_after_what_was_stored_is_answered)
{
	start((struct rig_options){0});
	int fd = rig_connect(&rig, SOCK_STREAM);
	open_session(fd);
	send_message(fd, 2, "<13>one");
	rig_send(fd, "7 syslog 1 x\n");
	rig_receive_all(fd, text, sizeof text);
	ck_assert_str_eq(text, "2 rsp 6 200 OK\n0 serverclose 0\n");
	close(fd);
	RIG_WAIT(rig_status(&rig).connections == 0);
	ck_assert_uint_eq(rig_status(&rig).protocol_errors, 1);
	ck_assert_uint_eq(rig_status(&rig).received, 1);
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

START_TEST(what_is_not_RELP_at_all_is_ended)
{
	start((struct rig_options){0});
	int fd = rig_connect(&rig, SOCK_STREAM);
	rig_send(fd, "<13>Oct 11 22:14:15 web01 app: plain syslog\n");
	rig_receive_all(fd, text, sizeof text);
	ck_assert_str_eq(text, "0 serverclose 0\n");
	close(fd);
	RIG_WAIT(rig_status(&rig).protocol_errors == 1);
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

/* A client that sends on and reads nothing: what is unanswered has a bound, and nothing of it is lost. */
static void *send_many(void *context)
{
	int fd = *(int *)context;
	for (unsigned i = 0; i < 3 * MESSAGES; i++) {
		char message[80];
		snprintf(message, sizeof message, "<13>1 - - app - - - sender 0 number %u", i);
		send_message(fd, i + 2, message);
	}
	return NULL;
}

START_TEST(a_client_that_reads_no_answers_is_not_read_beyond_the_window)
{
	struct rig_order order = {.senders = 1};
	pthread_t thread;
	start((struct rig_options){0});
	int fd = rig_connect(&rig, SOCK_STREAM);
	open_session(fd);
	held_disk_set(&rig.disk, true);
	pthread_create(&thread, NULL, send_many, &fd);
	RIG_WAIT(rig_status(&rig).received >= 4096);
	usleep(200000);
	ck_assert_uint_eq(rig_status(&rig).received, 4096);
	held_disk_set(&rig.disk, false);
	assert_answers(fd, 2, 3 * MESSAGES + 1);
	pthread_join(thread, NULL);
	close(fd);
	rig_finish(&rig);
	ck_assert_uint_eq(rig_read(&rig, rig_check_order, &order), 3 * MESSAGES);
	rig_close(&rig);
}
END_TEST

/* --- a full spool ------------------------------------------------------------------------------------------------ */

/* Reads the answers that are there within a tenth of a second; `*len` octets of one that was cut stay in `text`. */
static void take_answers(int fd, size_t *len, unsigned *answered)
{
	if (!rig_is_readable(fd, 100))
		return;
	ssize_t got = recv(fd, text + *len, sizeof text - 1 - *len, 0);
	ck_assert_int_gt(got, 0);
	*len += (size_t)got;
	text[*len] = '\0';
	char *at = text, *end;
	for (; (end = strchr(at, '\n')) != NULL; at = end + 1) {
		char answer[40];
		snprintf(answer, sizeof answer, "%u rsp 6 200 OK", *answered + 1);
		*end = '\0';
		ck_assert_str_eq(at, answer);
		++*answered;
	}
	*len = strlen(at);
	memmove(text, at, *len);
}

START_TEST(a_full_spool_answers_what_is_stored_and_nothing_else_until_there_is_room)
{
	struct filler filler;
	start_small();
	filler = (struct filler){.fd = rig_connect(&rig, SOCK_STREAM)};
	open_session(filler.fd);
	pthread_create(&filler.thread, NULL, fill, &filler);
	RIG_WAIT(is_full());
	RIG_WAIT(spool_stored(rig.spool) == rig_status(&rig).received);
	unsigned stored = (unsigned)spool_stored(rig.spool);
	ck_assert_uint_lt(stored, FILL_MESSAGES);
	assert_answers(filler.fd, 2, stored + 1);
	ck_assert(!rig_is_readable(filler.fd, 300)); /* no 500, no close */
	struct spool_reader *reader = spool_reader_open(rig.spool, 1);
	unsigned answered = stored + 1;
	size_t len = 0;
	while (answered < FILL_MESSAGES + 1) {
		deliver_all(reader);
		take_answers(filler.fd, &len, &answered);
		ck_assert_uint_le(answered, spool_stored(rig.spool) + 1);
	}
	spool_reader_close(&reader);
	pthread_join(filler.thread, NULL);
	ck_assert_uint_eq(spool_stored(rig.spool), FILL_MESSAGES);
	close(filler.fd);
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

START_TEST(our_stop_with_a_full_spool_answers_exactly_what_is_stored)
{
	struct filler filler;
	start_small();
	filler = (struct filler){.fd = rig_connect(&rig, SOCK_STREAM)};
	open_session(filler.fd);
	pthread_create(&filler.thread, NULL, fill, &filler);
	RIG_WAIT(is_full());
	rig_begin_stop(&rig);
	size_t len = rig_receive_all(filler.fd, text, sizeof text);
	RIG_WAIT(atomic_load(&rig.is_stopped));
	char end[80];
	snprintf(end, sizeof end, "%llu rsp 6 200 OK\n0 serverclose 0\n", (unsigned long long)spool_stored(rig.spool) + 1);
	ck_assert_uint_gt(len, strlen(end));
	ck_assert_str_eq(text + len - strlen(end), end);
	shutdown(filler.fd, SHUT_RDWR); /* its sender gives up */
	pthread_cancel(filler.thread);
	pthread_join(filler.thread, NULL);
	close(filler.fd);
	rig_close(&rig);
}
END_TEST

/* To close with octets unread sends a reset, which destroys answers on their way: so they are read, and nothing is done. */
START_TEST(what_a_client_still_sends_behind_its_close_does_not_destroy_its_answers)
{
	static char junk[1000];
	start((struct rig_options){0});
	int fd = rig_connect(&rig, SOCK_STREAM);
	open_session(fd);
	send_message(fd, 2, "<13>one");
	rig_send(fd, "3 close 0\n");
	for (int i = 0; i < 40; i++) {
		rig_send_octets(fd, junk, sizeof junk);
		usleep(10 * 1000);
	}
	rig_receive_until(fd, "0 serverclose 0\n", text, sizeof text);
	ck_assert_str_eq(text, "2 rsp 6 200 OK\n3 rsp 0\n0 serverclose 0\n");
	ck_assert_int_eq(recv(fd, text, sizeof text, 0), 0); /* its end, not a reset */
	close(fd);
	RIG_WAIT(rig_status(&rig).connections == 0);
	rig_finish(&rig);
	ck_assert_uint_eq(rig_read(&rig, NULL, NULL), 1);
	rig_close(&rig);
}
END_TEST

/* --- stopping ---------------------------------------------------------------------------------------------------- */

START_TEST(our_stop_settles_what_was_received_and_says_serverclose)
{
	start((struct rig_options){.workers = 2});
	int fd = rig_connect(&rig, SOCK_STREAM);
	open_session(fd);
	held_disk_set(&rig.disk, true);
	send_message(fd, 2, "<13>one");
	RIG_WAIT(rig_status(&rig).received == 1);
	rig_begin_stop(&rig);
	ck_assert_str_eq(rig_status(&rig).state, "stopping");
	ck_assert(!rig_is_readable(fd, 200));
	send_message(fd, 3, "<13>too late");
	held_disk_set(&rig.disk, false);
	rig_receive_all(fd, text, sizeof text);
	ck_assert_str_eq(text, "2 rsp 6 200 OK\n0 serverclose 0\n");
	close(fd);
	RIG_WAIT(atomic_load(&rig.is_stopped));
	ck_assert_uint_eq(rig_read(&rig, NULL, NULL), 1);
	rig_close(&rig);
}
END_TEST

START_TEST(our_stop_does_not_wait_for_ever_for_a_client_that_does_not_close)
{
	start((struct rig_options){0});
	int fd = rig_connect(&rig, SOCK_STREAM);
	open_session(fd);
	uint64_t begun = clock_monotonic_ns();
	rig_stop(&rig);
	ck_assert_uint_ge(clock_monotonic_ns() - begun, 1900 * CLOCK_NS_PER_MS);
	ck_assert_uint_le(clock_monotonic_ns() - begun, 4000 * CLOCK_NS_PER_MS);
	close(fd);
	rig_close(&rig);
}
END_TEST

START_TEST(our_stop_does_not_wait_for_ever_for_a_disk_that_hangs)
{
	start((struct rig_options){0});
	int fd = rig_connect(&rig, SOCK_STREAM);
	open_session(fd);
	held_disk_set(&rig.disk, true);
	send_message(fd, 2, "<13>one");
	RIG_WAIT(rig_status(&rig).received == 1);
	rig_begin_stop(&rig);
	rig_receive_all(fd, text, sizeof text);
	ck_assert_str_eq(text, "0 serverclose 0\n"); /* no answer: it is not stored */
	close(fd);
	RIG_WAIT(atomic_load(&rig.is_stopped));
	held_disk_set(&rig.disk, false);
	rig_close(&rig);
}
END_TEST

/* --- a Unix socket ----------------------------------------------------------------------------------------------- */

START_TEST(a_unix_socket_speaks_it_and_knows_who_sends)
{
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "relp", "listen", rig.socket_path, NULL);
	int fd = rig_connect_local(rig.socket_path, SOCK_STREAM);
	open_session(fd);
	send_message(fd, 2, "<13>one");
	assert_answers(fd, 2, 2);
	close(fd);
	rig_finish(&rig);
	const struct rig_one *one = rig_record(&rig, 0);
	ck_assert_uint_eq(one->envelope.peer.transport, TRANSPORT_RELP_UNIX);
	ck_assert_uint_eq(one->envelope.peer.pid, (uint32_t)getpid());
	ck_assert_uint_eq(one->envelope.peer.uid, (uint32_t)getuid());
	rig_close_input(&rig);
	ck_assert_int_ne(access(rig.socket_path, F_OK), 0);
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("input_relp");
	TCase *tests = tcase_create("relp");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, ten_thousand_messages_are_answered_in_order_and_stored);
	tcase_add_test(tests, a_message_is_not_answered_before_it_is_synced);
	tcase_add_test(tests, the_answers_of_a_group_leave_in_one_write);
	tcase_add_test(tests, what_a_client_still_sends_behind_its_close_does_not_destroy_its_answers);
	tcase_add_test(tests, a_session_split_at_every_octet_is_understood);
	tcase_add_test(tests, close_is_answered_after_all_messages_before_it_are_stored);
	tcase_add_loop_test(tests, a_client_that_has_shut_its_side_gets_the_answers_that_it_is_owed, 0, 2);
	tcase_add_test(tests, a_message_over_the_limit_is_cut_acknowledged_and_counted);
	tcase_add_test(tests, a_broken_protocol_ends_the_session_after_what_was_stored_is_answered);
	tcase_add_test(tests, what_is_not_RELP_at_all_is_ended);
	tcase_add_test(tests, a_client_that_reads_no_answers_is_not_read_beyond_the_window);
	tcase_add_test(tests, a_full_spool_answers_what_is_stored_and_nothing_else_until_there_is_room);
	tcase_add_test(tests, our_stop_with_a_full_spool_answers_exactly_what_is_stored);
	tcase_add_test(tests, our_stop_settles_what_was_received_and_says_serverclose);
	tcase_add_test(tests, our_stop_does_not_wait_for_ever_for_a_client_that_does_not_close);
	tcase_add_test(tests, our_stop_does_not_wait_for_ever_for_a_disk_that_hangs);
	tcase_add_test(tests, a_unix_socket_speaks_it_and_knows_who_sends);
	suite_add_tcase(suite, tests);
	return rig_run(suite);
}
