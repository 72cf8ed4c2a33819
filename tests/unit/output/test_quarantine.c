/* SPDX-License-Identifier: Apache-2.0 */
/* The file of an output's refused messages: appended to, found again, full, torn, damaged. */
#include "output/quarantine.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/block.h"
#include "spool/segment.h"
#include "spool/segment_walk.h"

/* Stands in for libc's, to be counted. */
static unsigned syncs;

int fdatasync(int fd)
{
	syncs++;
	return fsync(fd);
}

static char path[40];
static char file[80];
static char error[QUARANTINE_ERROR_MAX_BYTES];

static void set_up(void)
{
	strcpy(path, "/tmp/quarantine-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(path));
	snprintf(file, sizeof file, "%s/quarantine/out", path);
}

static void tear_down(void)
{
	char folder[80];
	snprintf(folder, sizeof folder, "%s/quarantine", path);
	unlink(file);
	rmdir(folder);
	rmdir(path);
}

static enum quarantine_result put(struct quarantine *quarantine, uint64_t sequence, const char *text)
{
	const struct envelope envelope = {.received_ns = 1000, .input = 3, .raw = bytes_of_text(text)};
	return quarantine_put(quarantine, sequence, &envelope, error);
}

/* Puts these, each through a quarantine that is opened for it alone. */
static void put_reopened(uint64_t first, uint64_t last)
{
	for (uint64_t sequence = first; sequence <= last; sequence++) {
		struct quarantine *quarantine = quarantine_open(path, "out", 1 << 20);
		ck_assert_msg(put(quarantine, sequence, "refused") == QUARANTINE_DONE, "%s", error);
		quarantine_close(&quarantine);
	}
}

/* The sequences that are in it, in order; checks every record. Returns how many. */
static unsigned read_back(uint64_t *sequences, unsigned max)
{
	uint8_t octets[SEGMENT_HEADER_BYTES];
	struct segment_header header;
	struct block_header block;
	struct bytes payload, record;
	struct envelope envelope;
	struct envelope_context context;
	unsigned count = 0;
	int fd = open(file, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(read(fd, octets, sizeof octets), sizeof octets);
	ck_assert_int_eq(segment_header_read(bytes_of(octets, sizeof octets), &header), SEGMENT_HEADER_VALID);
	struct segment_walk walk = {.disk = &disk_real};
	walk_start(&walk, fd, header.salt, SEGMENT_HEADER_BYTES, (uint64_t)lseek(fd, 0, SEEK_END));
	enum walk_result result;
	while ((result = walk_look(&walk, &block)) == WALK_BLOCK || result == WALK_INVALID) {
		if (result == WALK_INVALID && walk_search(&walk, &block) != WALK_BLOCK)
			break;
		ck_assert_int_eq(walk_payload(&walk, &block, &payload), WALK_BLOCK);
		ck_assert(spool_record_next(&payload, &record));
		envelope_context_start(&context, block.base_ns);
		ck_assert(envelope_unpack(&context, record, &envelope));
		ck_assert_uint_eq(envelope.input, 3);
		ck_assert_int_eq(envelope.received_ns, 1000);
		ck_assert(count < max);
		sequences[count++] = block.first;
		walk_pass(&walk, &block);
	}
	walk_free(&walk);
	close(fd);
	return count;
}

START_TEST(nothing_is_made_before_the_first_message)
{
	struct stat status;
	struct quarantine *quarantine = quarantine_open(path, "out", 1 << 20);
	ck_assert_str_eq(quarantine_path(quarantine), file);
	quarantine_close(&quarantine);
	ck_assert_ptr_null(quarantine);
	ck_assert_int_ne(stat(file, &status), 0);
}
END_TEST

START_TEST(what_is_put_is_there_with_its_sequence_also_after_opening_again)
{
	uint64_t sequences[8];
	put_reopened(41, 43);
	ck_assert_uint_eq(read_back(sequences, 8), 3);
	ck_assert_uint_eq(sequences[0], 41);
	ck_assert_uint_eq(sequences[2], 43);
}
END_TEST

/* The cursor passes the message behind it: a copy that the power takes would be the only one. */
START_TEST(what_is_put_is_synced_before_it_is_done)
{
	struct quarantine *quarantine = quarantine_open(path, "out", 1 << 20);
	ck_assert_int_eq(put(quarantine, 1, "refused"), QUARANTINE_DONE);
	unsigned before = syncs;
	ck_assert_int_eq(put(quarantine, 2, "refused"), QUARANTINE_DONE);
	ck_assert_uint_eq(syncs, before + 1);
	quarantine_close(&quarantine);
}
END_TEST

START_TEST(full_takes_nothing_more_and_keeps_what_it_has)
{
	uint64_t sequences[8];
	struct quarantine *quarantine = quarantine_open(path, "out", 1000);
	uint64_t sequence = 1;
	while (put(quarantine, sequence, "refused") == QUARANTINE_DONE)
		sequence++;
	ck_assert_int_eq(put(quarantine, sequence, "refused"), QUARANTINE_FULL);
	ck_assert_ptr_nonnull(strstr(error, "is full"));
	quarantine_close(&quarantine);
	ck_assert_uint_eq(read_back(sequences, 8), sequence - 1);
	struct stat status;
	ck_assert_int_eq(stat(file, &status), 0);
	ck_assert_int_le(status.st_size, 1000);
}
END_TEST

/* The power goes at any octet of a write: what was told to be there still is, and the next one finds its place. */
START_TEST(a_write_cut_at_any_octet_loses_nothing_that_was_synced)
{
	uint64_t sequences[8];
	struct stat whole, two;
	put_reopened(1, 2);
	ck_assert_int_eq(stat(file, &two), 0);
	put_reopened(3, 3);
	ck_assert_int_eq(stat(file, &whole), 0);
	for (off_t size = two.st_size; size < whole.st_size; size++) {
		ck_assert_int_eq(truncate(file, size), 0);
		put_reopened(9, 9);
		ck_assert_uint_eq(read_back(sequences, 8), 3);
		ck_assert_uint_eq(sequences[2], 9);
	}
}
END_TEST

START_TEST(damage_in_the_middle_takes_only_its_own)
{
	uint64_t sequences[8];
	struct stat one;
	put_reopened(1, 1);
	ck_assert_int_eq(stat(file, &one), 0);
	put_reopened(2, 3);
	int fd = open(file, O_WRONLY);
	ck_assert_int_eq(pwrite(fd, "damage", 6, one.st_size + 8), 6);
	close(fd);
	put_reopened(4, 4);
	ck_assert_uint_eq(read_back(sequences, 8), 3);
	ck_assert_uint_eq(sequences[0], 1);
	ck_assert_uint_eq(sequences[1], 3);
	ck_assert_uint_eq(sequences[2], 4);
}
END_TEST

START_TEST(a_file_of_somebody_else_is_left_alone)
{
	char folder[80], there[16];
	snprintf(folder, sizeof folder, "%s/quarantine", path);
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	int fd = open(file, O_RDWR | O_CREAT, 0600);
	ck_assert_int_eq(write(fd, "not ours", 8), 8);
	struct quarantine *quarantine = quarantine_open(path, "out", 1 << 20);
	ck_assert_int_eq(put(quarantine, 1, "refused"), QUARANTINE_FAILED);
	ck_assert_ptr_nonnull(strstr(error, "no quarantine"));
	quarantine_close(&quarantine);
	ck_assert_int_eq(pread(fd, there, sizeof there, 0), 8);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("quarantine");
	TCase *tests = tcase_create("quarantine");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, nothing_is_made_before_the_first_message);
	tcase_add_test(tests, what_is_put_is_there_with_its_sequence_also_after_opening_again);
	tcase_add_test(tests, what_is_put_is_synced_before_it_is_done);
	tcase_add_test(tests, full_takes_nothing_more_and_keeps_what_it_has);
	tcase_add_test(tests, a_write_cut_at_any_octet_loses_nothing_that_was_synced);
	tcase_add_test(tests, damage_in_the_middle_takes_only_its_own);
	tcase_add_test(tests, a_file_of_somebody_else_is_left_alone);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
