/* SPDX-License-Identifier: Apache-2.0 */
/* The tests of octets16.h, of the form that this file's includer has chosen. */
#include "base/octets16.h"

#include "support/guarded_bytes.h"

#include <check.h>
#include <stdlib.h>

static unsigned no_graph(octets16 block)
{
	return octets16_mask(octets16_no_graph(block));
}

START_TEST(every_octet_is_found_at_every_place)
{
	for (size_t len = 0; len < 70; len++) {
		struct guarded_bytes text = guarded_bytes_room(len);
		const uint8_t *end = text.at + len;
		memset(text.at, 'x', len);
		ck_assert_ptr_eq(octets16_find(text.at, end, ' ', no_graph), end);
		ck_assert_ptr_null(octets16_find_in_blocks(text.at, end, no_graph));
		for (size_t at = 0; at < len; at++) {
			const uint8_t *here = text.at + at;
			for (unsigned octet = 0; octet < 256; octet++) {
				bool graph = octet > 32 && octet < 127;
				text.at[at] = (uint8_t)octet;
				ck_assert_ptr_eq(octets16_find(text.at, end, ' ', no_graph), graph ? end : here);
				ck_assert_ptr_eq(octets16_find_in_blocks(text.at, end, no_graph),
								 graph || at >= len / OCTETS16_BLOCK * OCTETS16_BLOCK ? NULL : here);
			}
			text.at[at] = 'x';
		}
		guarded_bytes_free(&text);
	}
}
END_TEST

START_TEST(the_first_of_many_is_found)
{
	uint8_t text[40];
	memset(text, '\n', sizeof text);
	for (size_t at = 0; at < sizeof text; at++) {
		ck_assert_ptr_eq(octets16_find(text, text + sizeof text, ' ', no_graph), text + at);
		text[at] = 'x';
	}
}
END_TEST

/* Both texts end at an unreadable page. */
START_TEST(one_other_octet_makes_texts_unequal)
{
	for (size_t len = 0; len < 70; len++) {
		struct guarded_bytes one = guarded_bytes_room(len), other = guarded_bytes_room(len);
		for (size_t at = 0; at < len; at++)
			one.at[at] = other.at[at] = (uint8_t)(at + 200);
		ck_assert(octets16_equal(one.at, other.at, len));
		for (size_t at = 0; at < len; at++) {
			other.at[at] ^= 0x80;
			ck_assert(!octets16_equal(one.at, other.at, len));
			other.at[at] ^= 0x80;
		}
		guarded_bytes_free(&one);
		guarded_bytes_free(&other);
	}
}
END_TEST

START_TEST(a_mask_has_a_bit_for_each_octet)
{
	for (unsigned bits = 0; bits < 1u << OCTETS16_BLOCK; bits++) {
		uint8_t octets[OCTETS16_BLOCK];
		for (unsigned i = 0; i < OCTETS16_BLOCK; i++)
			octets[i] = (bits >> i & 1) != 0 ? 0x80 : 0x7f;
		ck_assert_uint_eq(octets16_mask(octets16_load(octets)), bits);
	}
}
END_TEST

static int octets16_main(const char *name)
{
	Suite *suite = suite_create(name);
	TCase *tests = tcase_create(name);
	tcase_add_test(tests, every_octet_is_found_at_every_place);
	tcase_add_test(tests, the_first_of_many_is_found);
	tcase_add_test(tests, one_other_octet_makes_texts_unequal);
	tcase_add_test(tests, a_mask_has_a_bit_for_each_octet);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
