/* SPDX-License-Identifier: Apache-2.0 */
#include "relp/relp_window.h"

#include "relp/relp_frame.h"
#include "relp_feed.h"

enum { CAPACITY = 4, OCTETS = 100 };

struct window_test {
	struct relp_window window;
	struct relp_window_entry entries[CAPACITY];
};

static struct relp_window *begin(struct window_test *test)
{
	relp_window_init(&test->window, test->entries, CAPACITY, OCTETS, 2);
	return &test->window;
}

START_TEST(txnrs_are_handed_out_without_gaps)
{
	struct window_test test;
	struct relp_window *window = begin(&test);
	ck_assert_uint_eq(relp_window_add(window, 7, 10, 0), 2);
	ck_assert_uint_eq(relp_window_add(window, 9, 10, 0), 3);
	ck_assert_uint_eq(relp_window_find(window, 3)->sequence, 9);
	ck_assert_ptr_null(relp_window_find(window, 1));
	ck_assert_ptr_null(relp_window_find(window, 4));
	relp_window_check(window);
}
END_TEST

START_TEST(only_the_accepted_prefix_is_settled)
{
	struct window_test test;
	struct relp_window *window = begin(&test);
	uint64_t delivered = 0;
	for (uint64_t i = 1; i <= 4; i++)
		relp_window_add(window, i * 10, 10, i);
	ck_assert(relp_window_answer(window, 3, RELP_WINDOW_ACCEPTED));
	ck_assert(!relp_window_settle(window, &delivered));
	ck_assert_uint_eq(relp_window_oldest_ns(window), 1);
	ck_assert(relp_window_answer(window, 2, RELP_WINDOW_ACCEPTED));
	ck_assert(relp_window_settle(window, &delivered));
	ck_assert_uint_eq(delivered, 20);
	ck_assert_uint_eq(relp_window_oldest_ns(window), 3);
	ck_assert_uint_eq(window->octets, 20);
	relp_window_check(window);
}
END_TEST

START_TEST(refused_command_blocks_what_is_behind_it)
{
	struct window_test test;
	struct relp_window *window = begin(&test);
	uint64_t delivered = 0;
	for (uint64_t i = 1; i <= 3; i++)
		relp_window_add(window, i, 1, 0);
	ck_assert(relp_window_answer(window, 3, RELP_WINDOW_REFUSED));
	ck_assert(relp_window_answer(window, 4, RELP_WINDOW_ACCEPTED));
	ck_assert(relp_window_answer(window, 2, RELP_WINDOW_ACCEPTED));
	ck_assert(relp_window_settle(window, &delivered));
	ck_assert_uint_eq(delivered, 1);
	ck_assert(!relp_window_settle(window, &delivered));
	ck_assert_uint_eq(window->count, 2);
}
END_TEST

START_TEST(answer_counts_once_and_only_for_what_was_sent)
{
	struct window_test test;
	struct relp_window *window = begin(&test);
	uint64_t delivered;
	relp_window_add(window, 1, 1, 0);
	ck_assert(!relp_window_answer(window, 3, RELP_WINDOW_ACCEPTED));
	ck_assert(!relp_window_answer(window, 0, RELP_WINDOW_ACCEPTED));
	ck_assert(relp_window_answer(window, 2, RELP_WINDOW_ACCEPTED));
	ck_assert(!relp_window_answer(window, 2, RELP_WINDOW_REFUSED));
	ck_assert(relp_window_settle(window, &delivered));
	ck_assert(!relp_window_answer(window, 2, RELP_WINDOW_ACCEPTED));
	ck_assert_uint_eq(relp_window_oldest_ns(window), UINT64_MAX);
}
END_TEST

START_TEST(ring_goes_round)
{
	struct window_test test;
	struct relp_window *window = begin(&test);
	uint64_t sequence = 0, delivered = 0;
	for (uint32_t txnr = 2; txnr < 50; txnr += 3) {
		for (uint32_t i = 0; i < 3; i++)
			ck_assert_uint_eq(relp_window_add(window, ++sequence, 5, 0), txnr + i);
		relp_window_check(window);
		for (uint32_t i = 3; i-- > 0;)
			ck_assert(relp_window_answer(window, txnr + i, RELP_WINDOW_ACCEPTED));
		ck_assert(relp_window_settle(window, &delivered));
		ck_assert_uint_eq(delivered, sequence);
		relp_window_check(window);
	}
}
END_TEST

START_TEST(room_ends_with_count_octets_and_txnrs)
{
	struct window_test test;
	struct relp_window *window = begin(&test);
	ck_assert(relp_window_has_room(window, OCTETS * 10));
	relp_window_add(window, 1, 60, 0);
	ck_assert(relp_window_has_room(window, 40));
	ck_assert(!relp_window_has_room(window, 41));
	for (uint64_t i = 2; i <= CAPACITY; i++)
		relp_window_add(window, i, 0, 0);
	ck_assert(!relp_window_has_room(window, 0));
	relp_window_init(window, test.entries, CAPACITY, OCTETS, RELP_TXNR_MAX);
	ck_assert(!relp_window_has_room(window, 0));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		txnrs_are_handed_out_without_gaps,
		only_the_accepted_prefix_is_settled,
		refused_command_blocks_what_is_behind_it,
		answer_counts_once_and_only_for_what_was_sent,
		ring_goes_round,
		room_ends_with_count_octets_and_txnrs,
	};
	return relp_run("relp_window", tests, sizeof tests / sizeof *tests);
}
