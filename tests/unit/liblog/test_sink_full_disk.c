/* SPDX-License-Identifier: Apache-2.0 */
/* A log file on a disk that is full: the ring keeps events until there is room; without it they are counted and told. */
#include "peer.h"

#include <sched.h>
#include <sys/mount.h>

/* A small disk of this process's own, at peer_folder. False without the right to have one. */
static bool mount_small_disk(void)
{
	return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", peer_folder, "tmpfs", 0, "size=256k") == 0;
}

/* Every line of the log is one whole event, but for torn ones, which have no end. Gives the number of whole ones. */
static unsigned whole_lines(void)
{
	unsigned n = 0;
	FILE *file = fopen(peer_path, "r");
	peer_text[fread(peer_text, 1, PEER_BYTES, file)] = '\0';
	fclose(file);
	for (char *line = strtok(peer_text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		ck_assert_int_eq(strncmp(line, "{\"timestamp\":", 13), 0);
		ck_assert_ptr_null(strstr(line + 1, "{\"timestamp\":"));
		n += line[strlen(line) - 1] == '}' && strstr(line, "\"msgid\":\"t\"") != NULL;
	}
	return n;
}

START_TEST(a_full_disk_keeps_events_in_the_ring_until_there_is_room)
{
	static char filler[65536];
	char name[128];
	if (!mount_small_disk())
		return;
	snprintf(name, sizeof name, "%s/filler", peer_folder);
	FILE *file = fopen(name, "w");
	for (int i = 0; i < 3; i++)
		fwrite(filler, 1, sizeof filler, file);
	fclose(file);
	uint64_t before = peer_counted().dropped[SLOG_ERR];
	peer_use(slog_sink_async(slog_sink_file(peer_path, NULL), NULL));
	for (int i = 0; i < 800; i++)
		slog_err("t", "i", i);
	ck_assert_int_eq(slog_flush(), ETIMEDOUT);
	ck_assert_int_eq(peer_counted().last_error, ENOSPC);
	unlink(name);
	ck_assert_int_eq(slog_flush(), 0);
	slog_close();
	ck_assert_uint_eq(peer_counted().dropped[SLOG_ERR], before);
	ck_assert_uint_eq(whole_lines(), 800);
	unlink(peer_path);
	umount(peer_folder);
}
END_TEST

START_TEST(a_full_disk_without_a_ring_is_counted_and_told)
{
	static char filler[4096];
	char name[128];
	if (!mount_small_disk())
		return;
	peer_use(slog_sink_file(peer_path, NULL));
	snprintf(name, sizeof name, "%s/filler", peer_folder);
	FILE *file = fopen(name, "w");
	setvbuf(file, NULL, _IONBF, 0);
	while (fwrite(filler, 1, sizeof filler, file) > 0)
		;
	fclose(file);
	uint64_t before = peer_counted().dropped[SLOG_INFO];
	for (int i = 0; i < 100; i++)
		slog_info("t", "i", i);
	uint64_t dropped = peer_counted().dropped[SLOG_INFO] - before;
	ck_assert_uint_gt(dropped, 0);
	unlink(name);
	slog_info("t");
	slog_close();
	ck_assert_uint_eq(whole_lines(), 101 - dropped);
	unlink(peer_path);
	umount(peer_folder);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sink_full_disk");
	TCase *disk = tcase_create("full disk");
	tcase_add_checked_fixture(disk, peer_make_folder, peer_remove_folder);
	tcase_add_test(disk, a_full_disk_keeps_events_in_the_ring_until_there_is_room);
	tcase_add_test(disk, a_full_disk_without_a_ring_is_counted_and_told);
	suite_add_tcase(suite, disk);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
