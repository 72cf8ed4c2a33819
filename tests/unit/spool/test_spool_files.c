/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk through a spool's files from outside. The oracle is the relay itself: whatever is damaged, the walk must find
 * exactly the messages that recovery and a reader find, and say that exactly the same ones are missing.
 */
#include "spool/spool_files.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/spool_rig.h"

enum { BLOCKS = 700, RECORDS = 10, FILES_MAX = 32, TRIALS = 60 };

static char path[32];
static struct rig rig;

static void set_up(void)
{
	strcpy(path, "/tmp/spool-files-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(path));
	rig_init(&rig, path, NULL);
}

static void tear_down(void)
{
	DIR *folder = opendir(path);
	if (folder == NULL)
		return;
	for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(folder), entry->d_name, 0);
	}
	closedir(folder);
	rmdir(path);
}

/* A spool of a few segments, each block a group of its own; closed in order. */
static void fill(void)
{
	rig_open_ok(&rig);
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	for (unsigned i = 0; i < BLOCKS; i++) {
		ck_assert(rig_store(&rig, RECORDS));
		keeper_turn(rig.spool);
	}
	spool_cursor_close(&cursor);
}

static struct spool_files *open_files(void)
{
	char error[SPOOL_ERROR_MAX_BYTES];
	struct spool_files *files = spool_files_open(path, error);
	ck_assert_msg(files != NULL, "%s", error);
	return files;
}

/* What a walk found. */
struct seen {
	uint64_t records, missing, places, last;
	bool tail;
};

static void check_records(const struct spool_place_found *place)
{
	struct bytes records = place->records, record;
	char text[RIG_RECORD_BYTES];
	for (uint64_t sequence = place->first; spool_record_next(&records, &record); sequence++)
		ck_assert(bytes_equal(record, bytes_of(text, rig_record(sequence, text))));
}

static struct seen walk_from(uint64_t sequence)
{
	struct seen seen = {0};
	struct spool_place_found place;
	struct spool_files *files = open_files();
	struct spool_files_walk *walk = spool_files_walk_open(files, sequence);
	enum spool_place_kind kind;
	ck_assert_ptr_nonnull(walk);
	while ((kind = spool_files_next(walk, &place)) != SPOOL_PLACE_END) {
		if (kind == SPOOL_PLACE_BLOCK && place.header.kind == BLOCK_RECORDS) {
			check_records(&place);
			if (seen.last > 0)
				ck_assert_uint_eq(place.first, seen.last + 1);
			seen.records += place.header.count;
			seen.last = place.last;
		} else if (kind == SPOOL_PLACE_DAMAGE) {
			ck_assert_ptr_nonnull(place.why);
			seen.places++;
			if (place.last >= place.first) {
				seen.missing += place.last - place.first + 1;
				seen.last = place.last;
			}
		}
		seen.tail |= kind == SPOOL_PLACE_TAIL;
		ck_assert(kind != SPOOL_PLACE_NEWER && kind != SPOOL_PLACE_RELEASED);
	}
	spool_files_walk_close(&walk);
	spool_files_close(&files);
	return seen;
}

START_TEST(what_is_no_spool_is_refused)
{
	char error[SPOOL_ERROR_MAX_BYTES];
	ck_assert_ptr_null(spool_files_open(path, error));
	ck_assert_ptr_nonnull(strstr(error, "there is no spool"));
}
END_TEST

START_TEST(everything_is_seen_while_the_spool_is_in_use_and_after)
{
	fill();
	for (int closed = 0; closed < 2; closed++) {
		struct seen seen = walk_from(0);
		ck_assert_uint_eq(seen.records, BLOCKS * RECORDS);
		ck_assert_uint_eq(seen.places, 0);
		ck_assert(seen.tail == (closed == 0));
		struct spool_files *files = open_files();
		ck_assert_uint_ge(spool_files_count(files), 3);
		ck_assert_uint_eq(spool_files_last(files), BLOCKS * RECORDS);
		ck_assert_str_eq(spool_input_name(spool_files_names(files), 0), "udp");
		struct spool_peeked cursor;
		ck_assert_int_eq(spool_files_cursors(files, &cursor, 1), 1);
		ck_assert_str_eq(cursor.name, "central");
		ck_assert_uint_eq(cursor.pending, BLOCKS * RECORDS);
		spool_files_close(&files);
		if (closed == 0)
			spool_close(&rig.spool);
	}
}
END_TEST

START_TEST(a_walk_begins_with_the_segment_of_the_sequence)
{
	fill();
	spool_close(&rig.spool);
	struct spool_files *files = open_files();
	uint64_t first = spool_files_segment(files, 1)->first;
	spool_files_close(&files);
	ck_assert_uint_eq(walk_from(first).records, BLOCKS * RECORDS - first + 1);
	ck_assert_uint_eq(walk_from(first - 1).records, BLOCKS * RECORDS);
}
END_TEST

START_TEST(a_segment_that_is_released_under_the_walk_is_passed_over)
{
	struct spool_place_found place;
	fill();
	struct spool_files *files = open_files();
	struct spool_files_walk *walk = spool_files_walk_open(files, 0);
	ck_assert_int_eq(spool_files_next(walk, &place), SPOOL_PLACE_BLOCK);
	uint64_t second = spool_files_segment(files, 1)->first;
	struct spool_cursor *cursor = rig_cursor(&rig, "central", SPOOL_FROM_OLDEST, SPOOL_HOLD);
	rig_deliver(cursor, BLOCKS * RECORDS);
	for (int i = 0; i < 3; i++)
		keeper_turn(rig.spool);
	ck_assert_uint_gt(spool_first(rig.spool), second);
	bool released = false;
	uint64_t missing = 0;
	for (enum spool_place_kind kind; (kind = spool_files_next(walk, &place)) != SPOOL_PLACE_END;) {
		released |= kind == SPOOL_PLACE_RELEASED;
		missing += kind == SPOOL_PLACE_DAMAGE;
	}
	ck_assert(released);
	ck_assert_uint_eq(missing, 0);
	spool_files_walk_close(&walk);
	spool_files_close(&files);
	spool_cursor_close(&cursor);
	spool_close(&rig.spool);
}
END_TEST

/* ---- damage, against the oracle ---- */

struct file {
	char name[64];
	uint8_t *octets;
	size_t len;
};

static struct file kept[FILES_MAX];
static unsigned kept_count;

static void keep_files(void)
{
	DIR *folder = opendir(path);
	kept_count = 0;
	for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
		if (entry->d_name[0] == '.')
			continue;
		ck_assert_uint_lt(kept_count, FILES_MAX);
		struct file *file = &kept[kept_count++];
		snprintf(file->name, sizeof file->name, "%.60s", entry->d_name);
		int fd = openat(dirfd(folder), file->name, O_RDONLY);
		file->len = (size_t)lseek(fd, 0, SEEK_END);
		file->octets = malloc(file->len + 1);
		ck_assert_int_eq(pread(fd, file->octets, file->len, 0), (ssize_t)file->len);
		close(fd);
	}
	closedir(folder);
}

static void put_back(void)
{
	DIR *folder = opendir(path);
	for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(folder), entry->d_name, 0);
	}
	for (unsigned i = 0; i < kept_count; i++) {
		int fd = openat(dirfd(folder), kept[i].name, O_WRONLY | O_CREAT, 0600);
		ck_assert_int_eq(write(fd, kept[i].octets, kept[i].len), (ssize_t)kept[i].len);
		close(fd);
	}
	closedir(folder);
}

static uint64_t draw(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

/* Damages up to three places of segments, behind their headers. */
static void damage(uint64_t *state)
{
	for (uint64_t places = 1 + draw(state) % 3; places > 0;) {
		struct file *file = &kept[draw(state) % kept_count];
		if (strncmp(file->name, "segment-", 8) != 0)
			continue;
		char name[128];
		snprintf(name, sizeof name, "%s/%s", path, file->name);
		uint8_t octets[100];
		size_t len = 1 + draw(state) % sizeof octets;
		memset(octets, 0xa5, sizeof octets);
		int fd = open(name, O_WRONLY);
		size_t at = SEGMENT_HEADER_BYTES + draw(state) % (file->len - SEGMENT_HEADER_BYTES - len);
		ck_assert_int_eq(pwrite(fd, octets, len, (off_t)at), (ssize_t)len);
		close(fd);
		places--;
	}
}

static void compare_with_the_relay(uint64_t seed)
{
	uint64_t state = seed;
	put_back();
	damage(&state);
	struct seen seen = walk_from(0);
	rig_open_ok(&rig);
	struct rig_read read = rig_read_all(&rig, 1);
	ck_assert_msg(read.records == seen.records && read.damaged == seen.missing,
	              "seed %llu: the relay reads %llu and misses %llu, the walk sees %llu and misses %llu",
	              (unsigned long long)seed, (unsigned long long)read.records, (unsigned long long)read.damaged,
	              (unsigned long long)seen.records, (unsigned long long)seen.missing);
	spool_close(&rig.spool);
}

START_TEST(what_is_damaged_is_what_the_relay_misses)
{
	fill();
	spool_close(&rig.spool);
	keep_files();
	for (uint64_t seed = 1; seed <= TRIALS; seed++)
		compare_with_the_relay(seed);
}
END_TEST

START_TEST(after_a_kill_what_is_damaged_is_what_the_relay_misses)
{
	fill();
	keep_files(); /* as they are now: without an end */
	spool_close(&rig.spool);
	for (uint64_t seed = 1; seed <= TRIALS; seed++)
		compare_with_the_relay(seed);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool_files");
	TCase *tests = tcase_create("spool_files");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, what_is_no_spool_is_refused);
	tcase_add_test(tests, everything_is_seen_while_the_spool_is_in_use_and_after);
	tcase_add_test(tests, a_walk_begins_with_the_segment_of_the_sequence);
	tcase_add_test(tests, a_segment_that_is_released_under_the_walk_is_passed_over);
	tcase_add_test(tests, what_is_damaged_is_what_the_relay_misses);
	tcase_add_test(tests, after_a_kill_what_is_damaged_is_what_the_relay_misses);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
