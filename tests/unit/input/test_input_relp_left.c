/* SPDX-License-Identifier: Apache-2.0 */
/* The driver relp: clients that are gone, or fall silent. They send again what was not answered, so it must not be kept. */
#include "input_relp_fixture.h"

/* --- idle -------------------------------------------------------------------------------------------------------- */

START_TEST(a_silent_client_that_waits_for_answers_is_not_idle)
{
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "relp", "listen", "127.0.0.1:0", "idle_timeout", "300ms", NULL);
	int fd = rig_connect(&rig, SOCK_STREAM);
	open_session(fd);
	held_disk_set(&rig.disk, true);
	send_message(fd, 2, "<13>one");
	ck_assert(!rig_is_readable(fd, 900));
	held_disk_set(&rig.disk, false);
	assert_answers(fd, 2, 2);
	ck_assert(rig_is_closed(fd)); /* now it is */
	close(fd);
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

/* omrelp notices the end only while it sends: what it sends then comes again in its next session. */
START_TEST(what_comes_after_the_idle_timeout_is_not_taken)
{
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "relp", "listen", "127.0.0.1:0", "idle_timeout", "300ms", NULL);
	int fd = rig_connect(&rig, SOCK_STREAM);
	open_session(fd);
	send_message(fd, 2, "<13>one");
	assert_answers(fd, 2, 2);
	rig_receive_until(fd, "0 serverclose 0\n", text, sizeof text);
	send_message(fd, 3, "<13>two");
	ck_assert(rig_is_closed(fd));
	close(fd);
	RIG_WAIT(rig_status(&rig).connections == 0);
	rig_finish(&rig);
	ck_assert_uint_eq(rig_status(&rig).received, 1);
	rig_close(&rig);
}
END_TEST

/* --- clients that are gone --------------------------------------------------------------------------------------- */

/* One that is gone looks the same: it does not keep its connection for as long as the disk hangs. */
START_TEST(a_client_that_is_gone_is_not_kept_for_its_answers)
{
	start((struct rig_options){0});
	int fd = rig_connect(&rig, SOCK_STREAM);
	open_session(fd);
	held_disk_set(&rig.disk, true);
	send_message(fd, 2, "<13>one");
	RIG_WAIT(held_disk_has_waiter(&rig.disk));
	close(fd);
	uint64_t begun = clock_monotonic_ns();
	RIG_WAIT(rig_status(&rig).connections == 0);
	ck_assert_uint_lt(clock_monotonic_ns() - begun, 5 * (uint64_t)CLOCK_NS_PER_SECOND);
	held_disk_set(&rig.disk, false);
	rig_finish(&rig);
	ck_assert_uint_eq(rig_read(&rig, NULL, NULL), 1);
	rig_close(&rig);
}
END_TEST

/* Gives a session up as one does that got no answers: closes it, or resets it. */
static void leave(int fd, bool by_reset)
{
	struct linger at_once = {.l_onoff = 1};
	if (by_reset)
		ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
	close(fd);
}

/* Fills the spool, with a client that goes on waiting. */
static void fill_spool(struct filler *filler)
{
	start_small();
	*filler = (struct filler){.fd = rig_connect(&rig, SOCK_STREAM)};
	open_session(filler->fd);
	pthread_create(&filler->thread, NULL, fill, filler);
	RIG_WAIT(is_full());
}

/* Makes room until all that it sends is taken: one that left before would be taken for gone. */
static void end_filler(struct filler *filler)
{
	struct spool_reader *reader = spool_reader_open(rig.spool, 1);
	RIG_WAIT((deliver_all(reader), rig_status(&rig).received >= FILL_MESSAGES));
	spool_reader_close(&reader);
	pthread_join(filler->thread, NULL);
	close(filler->fd);
}

/*
 * omrelp gives a session without answers up after 90 s, connects again and sends the same window. Each of these sessions
 * is over, and none of what it had sent may be stored when there is room.
 */
START_TEST(sessions_that_were_given_up_while_the_spool_was_full_are_not_kept)
{
	enum { SESSIONS = 5, WINDOW = 8 };
	struct filler filler;
	fill_spool(&filler);
	for (unsigned session = 0; session < SESSIONS; session++) {
		int fd = rig_connect(&rig, SOCK_STREAM);
		open_session(fd);
		for (unsigned i = 0; i < WINDOW; i++)
			send_message(fd, i + 2, "<13>window");
		usleep(50000);
		leave(fd, _i == 1);
	}
	RIG_WAIT(rig_status(&rig).connections == 1);
	end_filler(&filler);
	rig_finish(&rig);
	ck_assert_uint_eq(rig_status(&rig).received, FILL_MESSAGES);
	rig_close(&rig);
}
END_TEST

/* A wait for a free block is short, and says nothing of a full spool: what was sent is taken, and answered. */
START_TEST(a_client_that_has_shut_its_side_while_no_block_was_free_is_answered)
{
	enum { LAST = 601 };
	static char message[1025];
	memset(message, 'x', sizeof message - 1);
	memcpy(message, "<13>", 4);
	start_small();
	int fd = rig_connect(&rig, SOCK_STREAM);
	open_session(fd);
	held_disk_set(&rig.disk, true);
	for (unsigned txnr = 2; txnr <= LAST; txnr++)
		send_message(fd, txnr, message);
	rig_send(fd, "602 close 0\n");
	shutdown(fd, SHUT_WR);
	RIG_WAIT(held_disk_has_waiter(&rig.disk));
	ck_assert(!rig_is_readable(fd, 2500));
	ck_assert_uint_lt(rig_status(&rig).received, LAST - 1);
	held_disk_set(&rig.disk, false);
	rig_receive_all(fd, text, sizeof text);
	ck_assert_ptr_nonnull(strstr(text, "\n601 rsp 6 200 OK\n602 rsp 0\n0 serverclose 0\n"));
	close(fd);
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("input_relp_left");
	TCase *tests = tcase_create("left");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, a_silent_client_that_waits_for_answers_is_not_idle);
	tcase_add_test(tests, what_comes_after_the_idle_timeout_is_not_taken);
	tcase_add_test(tests, a_client_that_is_gone_is_not_kept_for_its_answers);
	tcase_add_loop_test(tests, sessions_that_were_given_up_while_the_spool_was_full_are_not_kept, 0, 2);
	tcase_add_test(tests, a_client_that_has_shut_its_side_while_no_block_was_free_is_answered);
	suite_add_tcase(suite, tests);
	return rig_run(suite);
}
