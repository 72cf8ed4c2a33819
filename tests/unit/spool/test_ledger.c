/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger and its sections: what is written is read back, and what is malformed takes nothing with it. */
#include "spool/ledger.h"

#include "base/little_endian.h"
#include "spool/sections.h"
#include "support/feed.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROOM = 64 << 10 };

static struct ledger ledger, loaded;
static uint8_t octets[ROOM];

static void setup(void)
{
	ck_assert(ledger_init(&ledger, 8));
	ck_assert(ledger_init(&loaded, 8));
	ck_assert_int_eq(ledger_register(&ledger, "udp"), 0);
	ck_assert_int_eq(ledger_register(&ledger, "tcp"), 1);
	struct block_header block = {.kind = BLOCK_RECORDS, .input = 1, .count = 30};
	ledger_count_block(&ledger, &block);
	ledger_count_drop(&ledger, 0, SPOOL_DROP_KERNEL, 5);
}

static void teardown(void)
{
	ledger_free(&ledger);
	ledger_free(&loaded);
}

START_TEST(the_same_name_has_the_same_index_and_names_are_limited)
{
	char name[32];
	ck_assert_int_eq(ledger_register(&ledger, "udp"), 0);
	for (int i = 2; i < SPOOL_INPUTS_MAX; i++) {
		snprintf(name, sizeof name, "input%d", i);
		ck_assert_int_eq(ledger_register(&ledger, name), i);
	}
	ck_assert_int_eq(ledger_register(&ledger, "one-more"), -1);
	ck_assert_int_eq(ledger_register(&ledger, "tcp"), 1);
	size_t len = ledger_write_all(&ledger, octets, ledger_bytes_max(&ledger));
	ck_assert_int_eq(ledger_read(&loaded, bytes_of(octets, len), true), LEDGER_READ);
	ck_assert_str_eq(loaded.input[255].name, "input255");
}
END_TEST

START_TEST(a_checkpoint_gives_back_names_and_totals)
{
	atomic_store(&ledger.unused, 4);
	size_t len = ledger_write_all(&ledger, octets, ledger_bytes_max(&ledger));
	ck_assert_int_eq(ledger_read(&loaded, bytes_of(octets, len), true), LEDGER_READ);
	ck_assert_uint_eq(loaded.inputs, 2);
	ck_assert_str_eq(loaded.input[1].name, "tcp");
	ck_assert_uint_eq(atomic_load(&loaded.input[1].stored), 30);
	ck_assert_uint_eq(atomic_load(&loaded.input[0].dropped[SPOOL_DROP_KERNEL]), 5);
	ck_assert_uint_eq(atomic_load(&loaded.unused), 4);
	ck_assert_uint_eq(ledger_stored_sum(&loaded), 30);
	ck_assert(!ledger_has_changes(&loaded));
}
END_TEST

START_TEST(a_control_block_holds_only_what_changed_and_nothing_when_nothing_did)
{
	size_t len = ledger_write_changes(&ledger, octets, ROOM);
	ck_assert_uint_gt(len, 0);
	ck_assert(!ledger_has_changes(&ledger));
	ck_assert_uint_eq(ledger_write_changes(&ledger, octets, ROOM), 0);
	ledger_count_drop(&ledger, 1, SPOOL_DROP_EMPTY, 1);
	ck_assert(ledger_has_changes(&ledger));
	len = ledger_write_changes(&ledger, octets, ROOM);
	ck_assert_int_eq(ledger_read(&loaded, bytes_of(octets, len), false), LEDGER_READ);
	ck_assert_uint_eq(atomic_load(&loaded.input[0].dropped[SPOOL_DROP_KERNEL]), 0);
	ck_assert_uint_eq(atomic_load(&loaded.input[1].dropped[SPOOL_DROP_EMPTY]), 1);
	/* Stored is counted from the blocks themselves. */
	ck_assert_uint_eq(atomic_load(&loaded.input[1].stored), 0);
}
END_TEST

static void read_prefix(void *test, struct bytes prefix)
{
	(void)test;
	ledger_clear(&loaded);
	(void)ledger_read(&loaded, prefix, true);
}

START_TEST(no_prefix_of_a_checkpoint_is_read_too_far)
{
	size_t len = ledger_write_all(&ledger, octets, ROOM);
	feed_every_prefix(bytes_of(octets, len), read_prefix, NULL);
	ck_assert_int_eq(ledger_read(&loaded, bytes_of(octets, len), true), LEDGER_READ);
	ck_assert_int_eq(ledger_read(&loaded, bytes_of(octets, len - 1), true), LEDGER_MALFORMED);
}
END_TEST

START_TEST(an_unknown_section_is_skipped_unless_it_must_be_understood)
{
	struct section_writer writer = {.at = octets, .room = ROOM};
	section_begin(&writer, (enum section_type)99);
	memcpy(section_add(&writer, 3), "abc", 3);
	section_end(&writer);
	section_begin(&writer, SECTION_STREAMS);
	section_add(&writer, 8);
	section_end(&writer);
	size_t len = writer.len + ledger_write_all(&ledger, octets + writer.len, ROOM - writer.len);
	ck_assert_int_eq(ledger_read(&loaded, bytes_of(octets, len), true), LEDGER_READ);
	ck_assert_uint_eq(loaded.inputs, 2);
	le16_store(octets + 2, SECTION_MUST_BE_UNDERSTOOD);
	ck_assert_int_eq(ledger_read(&loaded, bytes_of(octets, len), true), LEDGER_NEWER);
}
END_TEST

START_TEST(entries_beyond_the_limits_are_malformed)
{
	size_t len = ledger_write_all(&ledger, octets, ROOM);
	le16_store(octets + SECTION_HEADER_BYTES, SPOOL_INPUTS_MAX);
	ck_assert_int_eq(ledger_read(&loaded, bytes_of(octets, len), true), LEDGER_MALFORMED);
	le16_store(octets + SECTION_HEADER_BYTES, 0);
	octets[SECTION_HEADER_BYTES + 2] = SPOOL_NAME_MAX_BYTES + 1;
	ck_assert_int_eq(ledger_read(&loaded, bytes_of(octets, len), true), LEDGER_MALFORMED);
}
END_TEST

START_TEST(every_reason_that_is_used_has_its_word)
{
	ck_assert_str_eq(spool_drop_reason_name(SPOOL_DROP_SPOOL_FULL), "spool-full");
	ck_assert_str_eq(spool_drop_reason_name(SPOOL_DROP_NO_BUFFER), "no-buffer");
	ck_assert_str_eq(spool_drop_reason_name(SPOOL_DROP_KERNEL), "kernel");
	ck_assert_str_eq(spool_drop_reason_name(SPOOL_DROP_KERNEL_AGGREGATES), "kernel-aggregates");
	ck_assert_str_eq(spool_drop_reason_name(SPOOL_DROP_PEER_NOT_ALLOWED), "peer-not-allowed");
	ck_assert_str_eq(spool_drop_reason_name(SPOOL_DROP_EMPTY), "empty");
	ck_assert_ptr_null(spool_drop_reason_name((enum spool_drop_reason)15));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ledger");
	TCase *tests = tcase_create("sections");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, the_same_name_has_the_same_index_and_names_are_limited);
	tcase_add_test(tests, a_checkpoint_gives_back_names_and_totals);
	tcase_add_test(tests, a_control_block_holds_only_what_changed_and_nothing_when_nothing_did);
	tcase_add_test(tests, no_prefix_of_a_checkpoint_is_read_too_far);
	tcase_add_test(tests, an_unknown_section_is_skipped_unless_it_must_be_understood);
	tcase_add_test(tests, entries_beyond_the_limits_are_malformed);
	tcase_add_test(tests, every_reason_that_is_used_has_its_word);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
