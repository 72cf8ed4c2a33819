/* SPDX-License-Identifier: Apache-2.0 */
/* The intrusive list: order, removal while walking, and links that are in none. */
#include "base/list.h"

#include <check.h>
#include <stdlib.h>

struct item {
	int number;
	struct list link;
};

static struct list head;
static struct item items[4];

static void fill(void)
{
	list_init(&head);
	for (int i = 0; i < 4; i++) {
		items[i].number = i;
		list_append(&head, &items[i].link);
	}
}

static int number_of(struct list *link)
{
	return LIST_ENTRY(link, struct item, link)->number;
}

START_TEST(links_are_walked_in_the_order_appended)
{
	fill();
	int expected = 0;
	LIST_FOR_EACH (link, &head)
		ck_assert_int_eq(number_of(link), expected++);
	ck_assert_int_eq(expected, 4);
}
END_TEST

START_TEST(the_current_link_may_be_removed)
{
	fill();
	LIST_FOR_EACH (link, &head) {
		if (number_of(link) % 2 == 0)
			list_remove(link);
	}
	ck_assert_int_eq(number_of(list_take_first(&head)), 1);
	ck_assert_int_eq(number_of(list_take_first(&head)), 3);
	ck_assert_ptr_null(list_take_first(&head));
	ck_assert(list_is_empty(&head));
}
END_TEST

START_TEST(removing_twice_is_harmless)
{
	fill();
	list_remove(&items[1].link);
	list_remove(&items[1].link);
	ck_assert(list_is_empty(&items[1].link));
	int count = 0;
	LIST_FOR_EACH (link, &head)
		count++;
	ck_assert_int_eq(count, 3);
}
END_TEST

START_TEST(an_empty_list_has_no_links)
{
	list_init(&head);
	LIST_FOR_EACH (link, &head)
		ck_abort_msg("a link in an empty list");
	ck_assert_ptr_null(list_take_first(&head));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("list");
	TCase *tests = tcase_create("list");
	tcase_add_test(tests, links_are_walked_in_the_order_appended);
	tcase_add_test(tests, the_current_link_may_be_removed);
	tcase_add_test(tests, removing_twice_is_harmless);
	tcase_add_test(tests, an_empty_list_has_no_links);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
