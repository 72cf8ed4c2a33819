/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is not opened, and says why: segments of another spool or in no order, sequences that are used up, a disk that
 * cannot be read, versions newer than ours.
 */
#include "base/little_endian.h"
#include "recover_fixture.h"

#include <xxhash.h>

/* ---- what cannot be ours ---- */

static void sign_segment(uint8_t *octets)
{
	le64_store(octets + SEGMENT_HEADER_BYTES - 8, XXH3_64bits(octets, SEGMENT_HEADER_BYTES - 8));
}

static uint8_t *newest_segment(void)
{
	struct block_header header;
	uint64_t offset;
	return find_block(0, &offset, &header);
}

/* A file copied from another spool, or this spool's file of cursors replaced by another's. */
START_TEST(a_segment_of_another_spool_is_refused_and_named)
{
	store_blocks(3);
	uint8_t *octets = newest_segment();
	octets[16] ^= 1;
	sign_segment(octets);
	crash();
	ck_assert_int_eq(rig_open(&rig), SPOOL_UNUSABLE);
	ck_assert_ptr_nonnull(strstr(rig.error, "segment 1 belongs to another spool"));
	octets[16] ^= 1;
	sign_segment(octets);
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, 30);
}
END_TEST

/* A file that was copied there from an older state of the spool: by its name it cannot lie where it does. */
START_TEST(segments_that_cannot_follow_each_other_are_refused)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	char name[DISK_NAME_MAX_BYTES], other[DISK_NAME_MAX_BYTES];
	store_blocks(3);
	ck_assert_int_eq(writer_rotate(rig.spool, 31, 30), 0);
	store_blocks(1);
	spool_cursor_close(&cursor);
	crash();
	int directory = disk.disk.open_directory(&disk.disk, "spool");
	segment_name(1, 1, name);
	segment_name(1, 100, other);
	ck_assert_int_eq(disk.disk.rename(&disk.disk, directory, name, other), 0);
	ck_assert_int_eq(rig_open(&rig), SPOOL_UNUSABLE);
	ck_assert_ptr_nonnull(strstr(rig.error, "the segments 1 and 2 do not belong to one spool"));
	ck_assert_int_eq(disk.disk.rename(&disk.disk, directory, other, name), 0);
	rig_open_ok(&rig);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, 40);
}
END_TEST

/* The file of cursors is gone and the newest segment's header is damaged: the older ones still know whose they are. */
START_TEST(the_spools_id_comes_from_any_segment_that_still_has_it)
{
	uint8_t id[SPOOL_ID_BYTES];
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	store_blocks(3);
	memcpy(id, rig.spool->id, sizeof id);
	ck_assert_int_eq(writer_rotate(rig.spool, 31, 30), 0);
	store_blocks(1);
	newest_segment()[33] ^= 1;
	spool_cursor_close(&cursor);
	crash();
	disk.disk.unlink(&disk.disk, disk.disk.open_directory(&disk.disk, "spool"), "cursors");
	rig_open_ok(&rig);
	ck_assert_mem_eq(rig.spool->id, id, sizeof id);
	ck_assert_uint_eq(rig_read_all(&rig, 1).records, 30);
}
END_TEST

START_TEST(a_spool_whose_sequences_are_used_up_is_refused)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_NEW, SPOOL_HOLD);
	store_blocks(1);
	atomic_store(&cursor->delivered, SEQUENCE_MAX - 1);
	cursor->dirty = true;
	ck_assert_int_eq(cursors_sync(rig.spool), 0);
	spool_cursor_close(&cursor);
	crash();
	ck_assert_int_eq(rig_open(&rig), SPOOL_UNUSABLE);
	ck_assert_ptr_null(rig.spool);
}
END_TEST

/* An error that names no file and no place cannot be followed up. */
START_TEST(an_unreadable_segment_is_named_with_the_place)
{
	store_blocks(1);
	crash();
	disk.unreadable_from = SEGMENT_HEADER_BYTES;
	ck_assert_int_eq(rig_open(&rig), SPOOL_UNUSABLE);
	ck_assert_ptr_nonnull(strstr(rig.error, "segment 1 cannot be read at offset 128"));
	disk.unreadable_from = 0;
	rig_open_ok(&rig);
	ck_assert_uint_eq(spool_stored(rig.spool), 10);
	disk.unreadable_from = SEGMENT_HEADER_BYTES;
	struct spool_reader *reader = spool_reader_open(rig.spool, 1);
	struct spool_view view;
	ck_assert_int_eq(spool_read(reader, &view), SPOOL_READ_FAILED);
	ck_assert_ptr_nonnull(strstr(spool_reader_error(reader), "offset 128"));
	disk.unreadable_from = 0;
	ck_assert_int_eq(spool_read(reader, &view), SPOOL_READ_BLOCK);
	ck_assert_uint_eq(view.first, 1);
	spool_reader_close(&reader);
}
END_TEST

/* ---- versions ---- */

START_TEST(a_spool_of_a_newer_version_is_refused)
{
	uint64_t size;
	store_blocks(1);
	spool_close(&rig.spool);
	uint8_t *octets = memory_disk_octets(&disk, memory_disk_find(&disk, "segment-", 0), &size);
	octets[4] = FORMAT_MAJOR + 1;
	ck_assert_int_eq(rig_open(&rig), SPOOL_NEWER_VERSION);
	ck_assert_ptr_nonnull(strstr(rig.error, "newer version"));
	ck_assert_ptr_null(rig.spool);
	octets[4] = FORMAT_MAJOR;
	rig_open_ok(&rig);
}
END_TEST

/* A section that must be understood is in a control block of the last group: nothing may be written before it is. */
START_TEST(a_control_block_of_a_newer_version_is_refused_even_if_nothing_proves_it)
{
	struct block_header header;
	uint64_t offset;
	store_blocks(2);
	spool_count_drop(rig.spool, 0, 0, SPOOL_DROP_KERNEL, 1);
	store_blocks(1);
	uint8_t *octets = find_block(1, &offset, &header);
	uint8_t *control = octets + offset + block_span(&header);
	ck_assert_uint_eq(control[8], BLOCK_CONTROL);
	control[BLOCK_HEADER_BYTES] = 99;
	control[BLOCK_HEADER_BYTES + 2] = SECTION_MUST_BE_UNDERSTOOD;
	le64_store(control + 112, XXH3_64bits(control + BLOCK_HEADER_BYTES, le32_load(control + 16)));
	le64_store(control + 120, XXH3_64bits_withSeed(control, 120, rig.spool->writer.current.salt));
	crash();
	ck_assert_int_eq(rig_open(&rig), SPOOL_NEWER_VERSION);
	ck_assert_int_eq(rig_open(&rig), SPOOL_NEWER_VERSION);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool_recover_refused");
	TCase *tests = tcase_create("refused");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_segment_of_another_spool_is_refused_and_named);
	tcase_add_test(tests, segments_that_cannot_follow_each_other_are_refused);
	tcase_add_test(tests, the_spools_id_comes_from_any_segment_that_still_has_it);
	tcase_add_test(tests, a_spool_whose_sequences_are_used_up_is_refused);
	tcase_add_test(tests, an_unreadable_segment_is_named_with_the_place);
	tcase_add_test(tests, a_spool_of_a_newer_version_is_refused);
	tcase_add_test(tests, a_control_block_of_a_newer_version_is_refused_even_if_nothing_proves_it);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
