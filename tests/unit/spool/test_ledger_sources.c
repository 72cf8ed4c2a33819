/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's rows by source: one place for each, others together, the same sums on the disk and back. */
#include "spool/ledger_sources.h"

#include "spool/sections.h"
#include "support/feed.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum { PLACES = 9 }; /* eight sources and the others */

static struct ledger_sources *sources, *loaded;
static struct source_tally *tally;
static uint8_t octets[64 << 10];

static void setup(void)
{
	sources = ledger_sources_new(PLACES);
	loaded = ledger_sources_new(PLACES);
	tally = calloc(1, sizeof *tally);
	ck_assert(sources != NULL && loaded != NULL && tally != NULL);
}

static void teardown(void)
{
	ledger_sources_free(&sources);
	ledger_sources_free(&loaded);
	free(tally);
}

static unsigned find(uint8_t address, const char *hostname)
{
	uint8_t of[SPOOL_ADDRESS_BYTES] = {[SPOOL_ADDRESS_BYTES - 1] = address};
	return ledger_sources_find(sources, of, bytes_of_text(hostname));
}

/* Counts so many records of a source as stored, in a block of that time. */
static void store(unsigned source, uint32_t count, int64_t at_ns)
{
	tally->source[tally->used++] = (uint16_t)source;
	tally->count[source] = count;
	ledger_sources_count(sources, tally, at_ns);
	ck_assert_uint_eq(tally->used, 0);
	ck_assert_uint_eq(tally->count[source], 0);
}

static struct spool_source_totals totals_of(const struct ledger_sources *of, unsigned source)
{
	struct spool_source_totals totals;
	ledger_sources_totals(of, source, &totals);
	return totals;
}

static size_t write_section(bool only_changed)
{
	struct section_writer writer = {.at = octets, .room = sizeof octets};
	ledger_sources_write(sources, &writer, only_changed);
	return writer.len;
}

static bool read_section(size_t len)
{
	struct bytes rest = bytes_of(octets, len);
	struct section section;
	return section_next(&rest, &section) && section.type == SECTION_SOURCES &&
	       ledger_sources_read(loaded, section.octets);
}

START_TEST(a_source_is_address_and_hostname)
{
	unsigned first = find(1, "web01");
	ck_assert_uint_ne(first, SPOOL_SOURCE_OTHERS);
	ck_assert_uint_eq(find(1, "web01"), first);
	ck_assert_uint_ne(find(2, "web01"), first);
	ck_assert_uint_ne(find(1, "web02"), first);
	ck_assert_uint_ne(find(1, ""), first);
	ck_assert_uint_eq(ledger_sources_used(sources), 5);
}
END_TEST

START_TEST(hostnames_are_told_apart_by_their_first_octets)
{
	char longer[SPOOL_SOURCE_HOSTNAME_MAX_BYTES + 3];
	memset(longer, 'a', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	unsigned source = find(1, longer);
	ck_assert_uint_eq(ledger_sources_name(sources, source)->hostname_len, SPOOL_SOURCE_HOSTNAME_MAX_BYTES);
	longer[SPOOL_SOURCE_HOSTNAME_MAX_BYTES] = 'b';
	ck_assert_uint_eq(find(1, longer), source);
}
END_TEST

START_TEST(what_has_no_place_is_others_and_those_that_have_one_keep_it)
{
	for (uint8_t i = 1; i < PLACES; i++)
		ck_assert_uint_eq(find(i, "host"), i);
	ck_assert_uint_eq(find(100, "host"), SPOOL_SOURCE_OTHERS);
	ck_assert_uint_eq(find(0, ""), SPOOL_SOURCE_OTHERS);
	ck_assert_uint_eq(find(3, "host"), 3);
	ledger_sources_count_drop(sources, SPOOL_SOURCE_OTHERS, SPOOL_DROP_EMPTY, 4);
	ck_assert_uint_eq(totals_of(sources, SPOOL_SOURCE_OTHERS).dropped[SPOOL_DROP_EMPTY], 4);
}
END_TEST

START_TEST(received_is_stored_and_dropped)
{
	unsigned source = find(1, "web01");
	store(source, 30, 77);
	store(source, 12, 99);
	ledger_sources_count_drop(sources, source, SPOOL_DROP_SPOOL_FULL, 5);
	ledger_sources_count_suspected(sources, source, 8);
	struct spool_source_totals totals = totals_of(sources, source);
	ck_assert_uint_eq(totals.stored, 42);
	ck_assert_uint_eq(totals.received, 47);
	ck_assert_uint_eq(totals.suspected, 8);
	ck_assert_int_eq(totals.last_ns, 99);
}
END_TEST

START_TEST(everything_comes_back_from_the_disk)
{
	unsigned source = find(1, "web01");
	store(source, 30, 77);
	ledger_sources_count_drop(sources, source, SPOOL_DROP_EMPTY, 5);
	ledger_sources_count_suspected(sources, source, 8);
	ledger_sources_count_drop(sources, SPOOL_SOURCE_OTHERS, SPOOL_DROP_KERNEL, 6);
	ck_assert(read_section(write_section(false)));
	ck_assert_uint_eq(ledger_sources_used(loaded), 2);
	struct spool_source_totals totals = totals_of(loaded, 1), others = totals_of(loaded, SPOOL_SOURCE_OTHERS);
	ck_assert_uint_eq(totals.stored, 30);
	ck_assert_uint_eq(totals.received, 35);
	ck_assert_uint_eq(totals.suspected, 8);
	ck_assert_int_eq(totals.last_ns, 77);
	ck_assert_uint_eq(others.received, 6);
	ck_assert_mem_eq(ledger_sources_name(loaded, 1)->hostname, "web01", 5);
}
END_TEST

START_TEST(only_what_changed_is_written_again_and_with_new_totals)
{
	unsigned one = find(1, "one"), two = find(2, "two");
	store(one, 1, 1);
	store(two, 2, 2);
	ck_assert(read_section(write_section(false)));
	ck_assert_uint_eq(write_section(true), 0);
	store(two, 3, 3);
	size_t len = write_section(true);
	ck_assert_uint_lt(len, 60);
	ck_assert(read_section(len));
	ck_assert_uint_eq(totals_of(loaded, one).stored, 1);
	ck_assert_uint_eq(totals_of(loaded, two).stored, 5);
}
END_TEST

START_TEST(those_silent_the_longest_make_room_and_the_sums_stay)
{
	for (uint8_t i = 1; i < PLACES; i++)
		store(find(i, "host"), i, 1000 + (i * 5) % 8);
	ledger_sources_make_room(sources);
	ck_assert_uint_eq(ledger_sources_used(sources), PLACES / 2 + 1);
	uint64_t sum = 0;
	for (unsigned i = 0; i < ledger_sources_used(sources); i++)
		sum += totals_of(sources, i).received;
	ck_assert_uint_eq(sum, 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8);
	/* The latest was (3 * 5) % 8 == 7; the first, host 8, has 0. */
	unsigned kept = find(3, "host");
	ck_assert_uint_ne(kept, SPOOL_SOURCE_OTHERS);
	ck_assert_uint_eq(totals_of(sources, kept).stored, 3);
	ck_assert_uint_eq(totals_of(sources, find(8, "host")).stored, 0);
}
END_TEST

START_TEST(a_table_with_room_stays_as_it_is)
{
	for (uint8_t i = 1; i < PLACES - 3; i++)
		store(find(i, "host"), i, i);
	ledger_sources_make_room(sources);
	ck_assert_uint_eq(ledger_sources_used(sources), PLACES - 3);
	ck_assert_uint_eq(totals_of(sources, find(1, "host")).stored, 1);
}
END_TEST

static void read_prefix(void *test, struct bytes prefix)
{
	(void)test;
	ledger_sources_clear(loaded);
	(void)ledger_sources_read(loaded, prefix);
}

START_TEST(no_prefix_of_a_section_is_read_too_far)
{
	store(find(1, "web01"), 300, 77);
	ledger_sources_count_drop(sources, 1, SPOOL_DROP_EMPTY, 500);
	store(find(2, ""), 300, 77);
	size_t len = write_section(false);
	feed_every_prefix(bytes_of(octets + SECTION_HEADER_BYTES, len - SECTION_HEADER_BYTES), read_prefix, NULL);
	octets[SECTION_HEADER_BYTES] = 4;
	ck_assert(!read_section(len));
}
END_TEST

START_TEST(a_segment_leaves_a_thirty_second_for_sources)
{
	ck_assert_uint_eq(ledger_sources_max(64 << 20), SPOOL_SOURCES_MAX);
	ck_assert_uint_ge(ledger_sources_max(0), 1);
	ck_assert_uint_le(ledger_sources_bytes_max(ledger_sources_max(4 << 20)), (4 << 20) / 32 + 512);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ledger_sources");
	TCase *tests = tcase_create("sources");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_source_is_address_and_hostname);
	tcase_add_test(tests, hostnames_are_told_apart_by_their_first_octets);
	tcase_add_test(tests, what_has_no_place_is_others_and_those_that_have_one_keep_it);
	tcase_add_test(tests, received_is_stored_and_dropped);
	tcase_add_test(tests, everything_comes_back_from_the_disk);
	tcase_add_test(tests, only_what_changed_is_written_again_and_with_new_totals);
	tcase_add_test(tests, those_silent_the_longest_make_room_and_the_sums_stay);
	tcase_add_test(tests, a_table_with_room_stays_as_it_is);
	tcase_add_test(tests, no_prefix_of_a_section_is_read_too_far);
	tcase_add_test(tests, a_segment_leaves_a_thirty_second_for_sources);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
