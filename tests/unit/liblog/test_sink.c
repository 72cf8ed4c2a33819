/* SPDX-License-Identifier: Apache-2.0 */
/* The sinks: descriptors that take nothing or little, files that are rotated, memory that is full. */
#include "logged.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define MS 1000000L

static struct slog_counters counted(void)
{
	struct slog_counters counters = {.size = sizeof counters};
	slog_stats(&counters);
	return counters;
}

static long elapsed_ms(struct timespec since)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - since.tv_sec) * 1000 + (now.tv_nsec - since.tv_nsec) / MS;
}

static void use(struct slog_sink *sink)
{
	struct slog_options options = {.size = sizeof options, .sink = sink};
	ck_assert_ptr_nonnull(sink);
	ck_assert_int_eq(slog_open(&options), 0);
}

START_TEST(a_pipe_gets_whole_lines)
{
	int pipe_fds[2];
	ck_assert_int_eq(pipe(pipe_fds), 0);
	use(slog_sink_fd(pipe_fds[1], &slog_encoder_console));
	slog_info("one", "a", 1);
	slog_info("two");
	char text[256] = "";
	ck_assert_int_gt(read(pipe_fds[0], text, sizeof text - 1), 0);
	ck_assert_ptr_nonnull(strstr(text, "one a=1\n"));
	ck_assert_str_eq(text + strlen(text) - 5, " two\n");
	slog_close();
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}
END_TEST

START_TEST(a_full_pipe_costs_a_bounded_wait_then_none)
{
	int pipe_fds[2];
	ck_assert_int_eq(pipe(pipe_fds), 0);
	fcntl(pipe_fds[1], F_SETPIPE_SZ, 4096);
	use(slog_sink_fd(pipe_fds[1], &slog_encoder_json));
	struct slog_counters before = counted();
	struct timespec start;
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < 1000; i++)
		slog_err("t", "i", i);
	ck_assert_int_lt(elapsed_ms(start), 1000);
	struct slog_counters after = counted();
	ck_assert_uint_gt(after.dropped[SLOG_ERR] - before.dropped[SLOG_ERR], 900);
	ck_assert_int_eq(after.last_error, EAGAIN);
	slog_close();
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}
END_TEST

START_TEST(a_stalled_pipe_that_is_read_again_gets_events_again)
{
	int pipe_fds[2];
	ck_assert_int_eq(pipe(pipe_fds), 0);
	use(slog_sink_fd(pipe_fds[1], &slog_encoder_json));
	for (int i = 0; i < 5000; i++)
		slog_info("t", "i", i);
	static char text[1 << 20];
	ck_assert_int_gt(read(pipe_fds[0], text, sizeof text), 0);
	usleep(1100000);
	slog_info("again");
	ssize_t length = read(pipe_fds[0], text, sizeof text - 1);
	ck_assert_int_gt(length, 0);
	text[length] = '\0';
	ck_assert_ptr_nonnull(strstr(text, "\"msgid\":\"again\"}\n"));
	slog_close();
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}
END_TEST

START_TEST(a_large_line_passes_a_pipe_in_parts)
{
	static char large[20000];
	static char text[32768];
	memset(large, 'x', sizeof large - 1);
	int pipe_fds[2];
	ck_assert_int_eq(pipe(pipe_fds), 0);
	use(slog_sink_fd(pipe_fds[1], &slog_encoder_json));
	slog_info("t", "a", large, "b", 1);
	size_t length = 0;
	ssize_t n;
	fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK);
	while ((n = read(pipe_fds[0], text + length, sizeof text - 1 - length)) > 0)
		length += (size_t)n;
	text[length] = '\0';
	ck_assert_uint_gt(length, sizeof large);
	ck_assert_str_eq(text + length - 10, "x\",\"b\":1}\n");
	slog_close();
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}
END_TEST

START_TEST(a_torn_line_is_ended_before_the_next)
{
	static char large[60000];
	static char text[1 << 20];
	memset(large, 'x', sizeof large - 1);
	int pipe_fds[2];
	ck_assert_int_eq(pipe(pipe_fds), 0);
	fcntl(pipe_fds[1], F_SETPIPE_SZ, 8192);
	use(slog_sink_fd(pipe_fds[1], &slog_encoder_json));
	struct slog_counters before = counted();
	slog_err("t", "a", large);
	ck_assert_uint_eq(counted().dropped[SLOG_ERR] - before.dropped[SLOG_ERR], 1);
	ssize_t length = read(pipe_fds[0], text, sizeof text);
	ck_assert_int_eq(text[length - 1], 'x');
	slog_err("next");
	length = read(pipe_fds[0], text, sizeof text - 1);
	text[length] = '\0';
	ck_assert_int_eq(strncmp(text, "\n{\"timestamp\"", 13), 0);
	slog_close();
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}
END_TEST

START_TEST(a_closed_descriptor_is_counted)
{
	int fd = dup(1);
	use(slog_sink_fd(fd, &slog_encoder_json));
	close(fd);
	struct slog_counters before = counted();
	slog_info("t");
	ck_assert_uint_eq(counted().dropped[SLOG_INFO] - before.dropped[SLOG_INFO], 1);
	ck_assert_int_eq(counted().last_error, EBADF);
	slog_close();
}
END_TEST

static char folder[] = "/tmp/liblog-test-XXXXXX";
static char path[64];
static char rotated[64];

static void make_folder(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/log", folder);
	snprintf(rotated, sizeof rotated, "%s/log.1", folder);
}

static void remove_folder(void)
{
	unlink(path);
	unlink(rotated);
	rmdir(folder);
}

static const char *content(const char *name)
{
	static char text[65536];
	FILE *file = fopen(name, "r");
	ck_assert_ptr_nonnull(file);
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	fclose(file);
	return text;
}

START_TEST(a_file_is_appended_to_and_private)
{
	struct stat status;
	for (int i = 0; i < 2; i++) {
		use(slog_sink_file(path, NULL));
		slog_info("t", "i", i);
		slog_close();
	}
	ck_assert_ptr_nonnull(strstr(content(path), "\"i\":0}\n{"));
	ck_assert_ptr_nonnull(strstr(content(path), "\"i\":1}\n"));
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_int_eq(status.st_mode & 07777 & ~0640, 0);
}
END_TEST

START_TEST(a_rotated_file_is_opened_again_when_asked)
{
	use(slog_sink_file(path, NULL));
	slog_info("one");
	ck_assert_int_eq(rename(path, rotated), 0);
	slog_info("two");
	slog_reopen();
	slog_info("three");
	ck_assert_ptr_nonnull(strstr(content(rotated), "\"two\"}\n"));
	ck_assert_ptr_null(strstr(content(rotated), "three"));
	ck_assert_ptr_nonnull(strstr(content(path), "\"three\"}\n"));
	slog_close();
}
END_TEST

START_TEST(a_file_that_cannot_be_opened_again_goes_on)
{
	use(slog_sink_file(path, NULL));
	ck_assert_int_eq(rename(path, rotated), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	slog_reopen();
	slog_info("still");
	ck_assert_int_eq(counted().last_error, EISDIR);
	ck_assert_ptr_nonnull(strstr(content(rotated), "\"still\"}\n"));
	slog_close();
	rmdir(path);
}
END_TEST

START_TEST(a_file_that_cannot_be_opened_is_no_sink)
{
	ck_assert_ptr_null(slog_sink_file("/nonexistent/log", NULL));
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(more_memory_than_there_can_be_is_no_sink)
{
	ck_assert_ptr_null(slog_sink_memory(SIZE_MAX, NULL));
	ck_assert_ptr_null(slog_sink_memory(SIZE_MAX - 8, NULL));
}
END_TEST

START_TEST(memory_forgets_the_oldest_lines)
{
	struct slog_sink *memory = slog_sink_memory(400, &slog_encoder_json);
	use(memory);
	slog_info("one");
	slog_info("two");
	slog_info("three");
	slog_info("four");
	char text[401];
	size_t length = slog_memory_text(memory, text, sizeof text);
	ck_assert_uint_eq(length, strlen(text));
	ck_assert_ptr_null(strstr(text, "\"one\""));
	ck_assert_ptr_nonnull(strstr(text, "\"four\"}\n"));
	ck_assert_uint_eq(slog_memory_text(memory, text, 5), length);
	ck_assert_str_eq(text, "{\"ti");
	slog_close();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sink");
	TCase *descriptors = tcase_create("descriptors");
	tcase_add_test(descriptors, a_pipe_gets_whole_lines);
	tcase_add_test(descriptors, a_full_pipe_costs_a_bounded_wait_then_none);
	tcase_add_test(descriptors, a_stalled_pipe_that_is_read_again_gets_events_again);
	tcase_add_test(descriptors, a_large_line_passes_a_pipe_in_parts);
	tcase_add_test(descriptors, a_torn_line_is_ended_before_the_next);
	tcase_add_test(descriptors, a_closed_descriptor_is_counted);
	tcase_add_test(descriptors, more_memory_than_there_can_be_is_no_sink);
	tcase_add_test(descriptors, memory_forgets_the_oldest_lines);
	suite_add_tcase(suite, descriptors);
	TCase *files = tcase_create("files");
	tcase_add_checked_fixture(files, make_folder, remove_folder);
	tcase_add_test(files, a_file_is_appended_to_and_private);
	tcase_add_test(files, a_rotated_file_is_opened_again_when_asked);
	tcase_add_test(files, a_file_that_cannot_be_opened_again_goes_on);
	tcase_add_test(files, a_file_that_cannot_be_opened_is_no_sink);
	suite_add_tcase(suite, files);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
