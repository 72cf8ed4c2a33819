/* SPDX-License-Identifier: Apache-2.0 */
#include "output/drain.h"

#include <check.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct drain drain;

static void set_up(void)
{
	drain = (struct drain){0};
}

START_TEST(a_message_has_left_when_the_queue_is_past_its_end)
{
	uint64_t sequence = 0;
	drain_note(&drain, 7, 100);
	drain_mark(&drain);
	drain_note(&drain, 8, 100);
	drain_mark(&drain);
	ck_assert(!drain_advance(&drain, 101, &sequence));
	ck_assert(drain_advance(&drain, 100, &sequence));
	ck_assert_uint_eq(sequence, 7);
	ck_assert(!drain_advance(&drain, 1, &sequence));
	ck_assert(!drain_is_dry(&drain));
	ck_assert(drain_advance(&drain, 0, &sequence));
	ck_assert_uint_eq(sequence, 8);
	ck_assert(drain_is_dry(&drain));
}
END_TEST

START_TEST(what_is_not_marked_is_not_dry)
{
	drain_note(&drain, 1, 10);
	ck_assert(!drain_is_dry(&drain));
}
END_TEST

START_TEST(a_full_ring_is_coarser_but_never_early)
{
	uint64_t sequence = 0;
	for (uint64_t i = 1; i <= 3 * DRAIN_MARKS; i++)
		drain_note(&drain, i, DRAIN_MARK_OCTETS);
	ck_assert_uint_eq(drain.count, DRAIN_MARKS);
	ck_assert(drain_advance(&drain, DRAIN_MARK_OCTETS, &sequence));
	ck_assert_uint_eq(sequence, DRAIN_MARKS - 1);
	ck_assert(drain_advance(&drain, 0, &sequence));
	ck_assert_uint_eq(sequence, 3 * DRAIN_MARKS);
}
END_TEST

START_TEST(a_closed_peer_makes_the_queue_worthless)
{
	int pair[2];
	uint64_t queued = 99;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(drain_queued(pair[0], false, &queued), DRAIN_SOCKET_GOOD);
	ck_assert_uint_eq(queued, 0);
	ck_assert_int_eq(write(pair[0], "hello", 5), 5);
	ck_assert_int_eq(drain_queued(pair[0], false, &queued), DRAIN_SOCKET_GOOD);
	ck_assert_uint_ge(queued, 5);
	close(pair[1]);
	ck_assert_int_eq(drain_queued(pair[0], false, &queued), DRAIN_SOCKET_BROKEN);
	close(pair[0]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("drain");
	TCase *test = tcase_create("drain");
	tcase_add_checked_fixture(test, set_up, NULL);
	tcase_add_test(test, a_message_has_left_when_the_queue_is_past_its_end);
	tcase_add_test(test, what_is_not_marked_is_not_dry);
	tcase_add_test(test, a_full_ring_is_coarser_but_never_early);
	tcase_add_test(test, a_closed_peer_makes_the_queue_worthless);
	suite_add_tcase(suite, test);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
