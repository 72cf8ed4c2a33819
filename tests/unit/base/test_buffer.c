/* SPDX-License-Identifier: Apache-2.0 */
/* The byte queue: order, cap, and views. */
#include "base/buffer.h"

#include <check.h>
#include <stdlib.h>

START_TEST(bytes_come_out_in_the_order_they_went_in)
{
	struct buffer buffer;
	buffer_init(&buffer, 100);
	ck_assert(buffer_append(&buffer, BYTES("abc")));
	ck_assert(buffer_append(&buffer, BYTES("def")));
	ck_assert(bytes_equal(buffer_peek(&buffer), BYTES("abcdef")));
	buffer_consume(&buffer, 4);
	ck_assert(bytes_equal(buffer_peek(&buffer), BYTES("ef")));
	ck_assert(buffer_append(&buffer, BYTES("gh")));
	ck_assert(bytes_equal(buffer_peek(&buffer), BYTES("efgh")));
	buffer_free(&buffer);
}
END_TEST

START_TEST(the_cap_is_never_passed)
{
	struct buffer buffer;
	buffer_init(&buffer, 5);
	ck_assert(buffer_append(&buffer, BYTES("12345")));
	ck_assert_uint_eq(buffer_room(&buffer), 0);
	ck_assert(!buffer_append(&buffer, BYTES("6")));
	ck_assert_ptr_null(buffer_reserve(&buffer, 1));
	ck_assert(bytes_equal(buffer_peek(&buffer), BYTES("12345")));
	buffer_consume(&buffer, 2);
	ck_assert(buffer_append(&buffer, BYTES("67")));
	ck_assert(bytes_equal(buffer_peek(&buffer), BYTES("34567")));
	buffer_free(&buffer);
}
END_TEST

START_TEST(a_cap_of_nothing_takes_nothing_but_nothing)
{
	struct buffer buffer = {0};
	ck_assert(buffer_append(&buffer, BYTES("")));
	ck_assert(!buffer_append(&buffer, BYTES("a")));
	ck_assert_uint_eq(buffer_peek(&buffer).len, 0);
	buffer_free(&buffer);
}
END_TEST

START_TEST(reserved_room_counts_only_once_committed)
{
	struct buffer buffer;
	buffer_init(&buffer, 1000);
	uint8_t *room = buffer_reserve(&buffer, 600);
	ck_assert_ptr_nonnull(room);
	memset(room, 'x', 600);
	ck_assert_uint_eq(buffer_len(&buffer), 0);
	buffer_commit(&buffer, 3);
	ck_assert(bytes_equal(buffer_peek(&buffer), BYTES("xxx")));
	buffer_free(&buffer);
}
END_TEST

START_TEST(consumed_room_is_used_again)
{
	struct buffer buffer;
	buffer_init(&buffer, 1024);
	uint8_t expected = 0, next = 0;
	/* Many times the cap goes through: one octet stays behind all the time, so the queue is never empty. */
	ck_assert(buffer_append(&buffer, bytes_of(&next, 1)));
	next++;
	for (int turn = 0; turn < 1000; turn++) {
		for (int i = 0; i < 100; i++, next++)
			ck_assert(buffer_append(&buffer, bytes_of(&next, 1)));
		for (int i = 0; i < 100; i++, expected++) {
			ck_assert_uint_eq(buffer_peek(&buffer).at[0], expected);
			buffer_consume(&buffer, 1);
		}
	}
	ck_assert_uint_eq(buffer_len(&buffer), 1);
	ck_assert_uint_le(buffer.size, 1024);
	buffer_free(&buffer);
}
END_TEST

START_TEST(freeing_keeps_the_cap)
{
	struct buffer buffer;
	buffer_init(&buffer, 10);
	ck_assert(buffer_append(&buffer, BYTES("abc")));
	buffer_free(&buffer);
	ck_assert_uint_eq(buffer_len(&buffer), 0);
	ck_assert_uint_eq(buffer_room(&buffer), 10);
	ck_assert(buffer_append(&buffer, BYTES("0123456789")));
	buffer_free(&buffer);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("buffer");
	TCase *tests = tcase_create("buffer");
	tcase_add_test(tests, bytes_come_out_in_the_order_they_went_in);
	tcase_add_test(tests, the_cap_is_never_passed);
	tcase_add_test(tests, a_cap_of_nothing_takes_nothing_but_nothing);
	tcase_add_test(tests, reserved_room_counts_only_once_committed);
	tcase_add_test(tests, consumed_room_is_used_again);
	tcase_add_test(tests, freeing_keeps_the_cap);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
