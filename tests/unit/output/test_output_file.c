/* SPDX-License-Identifier: Apache-2.0 */
/* The drivers `file` and `stdout` on a real spool; a full disk is played by the limit on the size of files. */
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "unit/output/output_fixture.h"

static char path[300];

static void use_file(void)
{
	new_settings(&output_file);
	snprintf(path, sizeof path, "%s/lines", directory);
	set("path", path);
	set("sync_interval", "10ms");
}

/* The file's lines, split in place; the last one ended. */
static unsigned read_lines(const char *from, char **lines, unsigned max)
{
	static char text[1 << 21];
	FILE *file = fopen(from, "r");
	ck_assert_ptr_nonnull(file);
	size_t len = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	text[len] = '\0';
	ck_assert(len == 0 || text[len - 1] == '\n');
	unsigned count = 0;
	for (char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
		if (count == max)
			ck_abort_msg("%s has more than %u lines", from, max);
		lines[count++] = line;
	}
	for (unsigned i = 0; i < count; i++)
		*strchr(lines[i], '\n') = '\0';
	return count;
}

static void check_numbers(const char *from, unsigned first, unsigned count)
{
	static char *lines[20000];
	ck_assert_uint_eq(read_lines(from, lines, 20000), count);
	for (unsigned i = 0; i < count; i++) {
		char wanted[200];
		unsigned number = first + i;
		snprintf(wanted, sizeof wanted, "<%d>1 2026-10-11T22:14:15.003Z host app - ID - n=%u", number % 2 ? 11 : 14, number);
		/* Check writes something to a file for each assertion that holds, and one test limits the size of files. */
		if (strcmp(lines[i], wanted) != 0)
			ck_abort_msg("line %u is \"%s\", not \"%s\"", i, lines[i], wanted);
	}
}

START_TEST(ten_thousand_lines_are_complete_and_in_order)
{
	use_file();
	put_messages(10000);
	start_output();
	wait_delivered(10000);
	ck_assert_str_eq(status_now().state, "writing");
	stop_output();
	check_numbers(path, 0, 10000);
	struct stat about;
	ck_assert_int_eq(stat(path, &about), 0);
	ck_assert_uint_eq(about.st_mode & 0777, 0640);
}
END_TEST

START_TEST(delivered_waits_for_the_sync)
{
	use_file();
	set("sync_interval", "300ms");
	start_output();
	put_messages(10);
	pause_ms(100);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 0);
	wait_delivered(10);
	check_numbers(path, 0, 10);
}
END_TEST

/* Each message is a block of its own, and there are more than the output keeps account of between two syncs. */
START_TEST(many_small_blocks_do_not_wait_for_the_sync_interval)
{
	enum { MESSAGES = 4500 };
	use_file();
	set("sync_interval", "60s");
	for (unsigned i = 0; i < MESSAGES; i++)
		put_messages(1);
	start_output();
	for (unsigned i = 0; i < 5000 && status_now().sent < MESSAGES; i++)
		pause_ms(1);
	ck_assert_uint_eq(status_now().sent, MESSAGES);
	stop_output();
	check_numbers(path, 0, MESSAGES);
}
END_TEST

START_TEST(a_stop_syncs_and_delivers_what_was_written)
{
	use_file();
	set("sync_interval", "60s");
	start_output();
	put_messages(10);
	for (unsigned i = 0; i < 5000 && status_now().sent < 10; i++)
		pause_ms(1);
	stop_output();
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 10);
	put_messages(10);
	start_output();
	for (unsigned i = 0; i < 5000 && status_now().sent < 20; i++)
		pause_ms(1);
	stop_output();
	check_numbers(path, 0, 20);
}
END_TEST

/* How many octets of a part of the file are in the page cache. */
static size_t cached_bytes(int fd, size_t from, size_t len)
{
	enum { PAGE_BYTES = 4096 };
	static unsigned char resident[8192];
	size_t cached = 0;
	ck_assert_uint_le(len / PAGE_BYTES, sizeof resident);
	void *map = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, (off_t)from);
	ck_assert(map != MAP_FAILED);
	ck_assert_int_eq(mincore(map, len, resident), 0);
	munmap(map, len);
	for (size_t i = 0; i < len / PAGE_BYTES; i++)
		cached += (resident[i] & 1) != 0 ? PAGE_BYTES : 0;
	return cached;
}

/* A log does not push other programs' files out of memory; whoever reads along finds its end there. */
START_TEST(only_the_end_of_the_file_stays_in_the_page_cache)
{
	enum { LINE_BYTES = 16000, LINES = 800, END_BYTES = 2 << 20 };
	static char line[LINE_BYTES + 1];
	struct statfs about;
	use_file();
	set("sync_size", "1MiB");
	start_output();
	memset(line, 'x', LINE_BYTES);
	for (unsigned i = 0; i < LINES; i++)
		put_text(line);
	wait_delivered(LINES);
	stop_output();
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstatfs(fd, &about), 0);
	size_t size = (size_t)lseek(fd, 0, SEEK_END) & ~(size_t)4095;
	ck_assert_uint_gt(size, LINE_BYTES * LINES);
	/* The kernel may take a page here or there for its own reasons. */
	ck_assert_uint_gt(cached_bytes(fd, size - END_BYTES, END_BYTES), END_BYTES / 2);
	if (about.f_type != TMPFS_MAGIC) /* there the pages are the file */
		ck_assert_uint_eq(cached_bytes(fd, 0, END_BYTES), 0);
	close(fd);
}
END_TEST

START_TEST(sighup_opens_the_file_anew)
{
	char rotated[320], error[OUTPUT_ERROR_MAX_BYTES];
	use_file();
	start_output();
	put_messages(100);
	wait_delivered(100);
	snprintf(rotated, sizeof rotated, "%s.1", path);
	ck_assert_int_eq(rename(path, rotated), 0);
	ck_assert_msg(output_file.reload(output, error), "%s", error);
	put_messages(100);
	wait_delivered(200);
	check_numbers(rotated, 0, 100);
	check_numbers(path, 100, 100);
}
END_TEST

START_TEST(a_reload_that_fails_keeps_the_old_file)
{
	char error[OUTPUT_ERROR_MAX_BYTES], moved[320];
	use_file();
	start_output();
	put_messages(1);
	wait_delivered(1);
	snprintf(moved, sizeof moved, "%s.1", path);
	ck_assert_int_eq(rename(path, moved), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert(!output_file.reload(output, error));
	ck_assert_ptr_nonnull(strstr(error, "lines"));
	put_messages(1);
	wait_delivered(2);
	check_numbers(moved, 0, 2);
	rmdir(path);
}
END_TEST

START_TEST(an_unfinished_last_line_is_ended_not_removed)
{
	char *lines[10];
	use_file();
	FILE *file = fopen(path, "w");
	fputs("half a li", file);
	fclose(file);
	put_messages(1);
	start_output();
	wait_delivered(1);
	ck_assert_uint_eq(read_lines(path, lines, 10), 2);
	ck_assert_str_eq(lines[0], "half a li");
}
END_TEST

/*
 * The disk is full in the middle of a line: the file ends in whole lines, the state says it, and all arrives once
 * there is room.
 */
START_TEST(a_full_disk_loses_nothing_and_leaves_whole_lines)
{
	struct rlimit limit;
	use_file();
	/* The spool must not be hit by the limit: its segments are larger than the file ever gets, and in place already. */
	put_messages(2000);
	getrlimit(RLIMIT_FSIZE, &limit);
	signal(SIGXFSZ, SIG_IGN);
	rlim_t before = limit.rlim_cur;
	limit.rlim_cur = 50000;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	start_output();
	wait_state("waiting");
	ck_assert_ptr_nonnull(strstr(status_now().detail, "cannot write to"));
	static char *lines[4000];
	unsigned count = read_lines(path, lines, 4000);
	ck_assert_uint_gt(count, 500);
	ck_assert_uint_lt(count, 2000);
	check_numbers(path, 0, count);
	ck_assert_uint_lt(spool_cursor_delivered(cursor), 2000);
	limit.rlim_cur = before;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	wait_delivered(2000);
	check_numbers(path, 0, 2000);
	ck_assert_str_eq(status_now().state, "writing");
	ck_assert_str_eq(status_now().detail, "");
}
END_TEST

/*
 * A write takes only a part of the run that the sender gives, and the disk is full after the first one: what was synced is
 * delivered, and no message that is not in the file.
 */
START_TEST(what_of_a_run_is_not_in_the_file_is_not_delivered)
{
	enum { MESSAGES = 240, LEN = 4000, ROOM = 256 * 1024 + LEN }; /* for one write, and less than a second */
	static char text[LEN + 1], *lines[MESSAGES];
	struct envelope_context packing;
	struct spool_block *block = NULL;
	struct rlimit limit;
	use_file();
	for (unsigned i = 0; i < MESSAGES; i++) {
		memset(text, 'x', LEN);
		memcpy(text, "<14>1 2026-10-11T22:14:15.003Z host app - ID - ", 47);
		snprintf(text + LEN - 4, 5, "%04u", i);
		block = put_record(block, &packing, text, LEN);
	}
	spool_submit_block(spool, block);
	wait_stored(MESSAGES);
	getrlimit(RLIMIT_FSIZE, &limit);
	signal(SIGXFSZ, SIG_IGN);
	rlim_t before = limit.rlim_cur;
	limit.rlim_cur = ROOM;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	start_output();
	wait_state("waiting");
	for (unsigned i = 0; i < 10000 && spool_cursor_delivered(cursor) == 0; i++)
		pause_ms(1); /* the sync of what was written */
	uint64_t delivered = spool_cursor_delivered(cursor);
	unsigned in_file = read_lines(path, lines, MESSAGES);
	limit.rlim_cur = before;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_uint_gt(delivered, 0);
	ck_assert_uint_le(delivered, in_file);
	wait_delivered(MESSAGES);
	ck_assert_uint_eq(read_lines(path, lines, MESSAGES), MESSAGES);
	for (unsigned i = 0; i < MESSAGES; i++) {
		ck_assert_uint_eq(strlen(lines[i]), LEN);
		ck_assert_int_eq(atoi(lines[i] + LEN - 4), i);
	}
}
END_TEST

/* A last line that others left unfinished has to be ended first, and there is no room for the LF. */
START_TEST(a_disk_that_is_full_at_the_start_is_waited_for)
{
	static const char unfinished[] = "what another program left";
	struct rlimit limit;
	use_file();
	put_messages(10);
	FILE *file = fopen(path, "w");
	fputs(unfinished, file);
	fclose(file);
	getrlimit(RLIMIT_FSIZE, &limit);
	signal(SIGXFSZ, SIG_IGN);
	rlim_t before = limit.rlim_cur;
	limit.rlim_cur = sizeof unfinished - 1;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	start_output();
	wait_state("waiting");
	bool says_it = strstr(status_now().detail, "cannot append to") != NULL;
	limit.rlim_cur = before;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert(says_it);
	wait_delivered(10);
	static char *lines[20];
	ck_assert_uint_eq(read_lines(path, lines, 20), 11);
	ck_assert_str_eq(lines[0], unfinished);
}
END_TEST

/* In place of the C library's: how often the directory of the file was synced. */
static _Atomic unsigned directory_syncs;

int fsync(int fd)
{
	struct stat own, about;
	if (stat(directory, &own) == 0 && fstat(fd, &about) == 0 && about.st_ino == own.st_ino && about.st_dev == own.st_dev)
		directory_syncs++;
	return (int)syscall(SYS_fsync, fd);
}

START_TEST(a_file_that_is_made_has_its_name_on_the_disk)
{
	use_file();
	unsigned before = directory_syncs;
	start_output();
	ck_assert_uint_gt(directory_syncs, before);
	stop_output();
	before = directory_syncs;
	start_output();
	put_messages(10);
	wait_delivered(10);
	stop_output();
	ck_assert_uint_eq(directory_syncs, before); /* it was there */
}
END_TEST

START_TEST(what_is_no_regular_file_is_refused)
{
	char error[OUTPUT_ERROR_MAX_BYTES];
	use_file();
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	const struct output_setup setup = {.settings = settings, .worker = worker, .spool = spool, .cursor = cursor};
	ck_assert_ptr_null(output_file.open(&setup, error));
	ck_assert_ptr_nonnull(strstr(error, "it is not a regular file"));
}
END_TEST

START_TEST(wrong_options_are_named)
{
	char error[OUTPUT_ERROR_MAX_BYTES];
	use_file();
	set("permissions", "0888");
	ck_assert(!output_file.check(settings, error));
	ck_assert_ptr_nonnull(strstr(error, "permissions: \"0888\""));
	set("permissions", "0600");
	set("path", "relative");
	ck_assert(!output_file.check(settings, error));
	ck_assert_ptr_nonnull(strstr(error, "path: \"relative\""));
}
END_TEST

START_TEST(an_lf_in_a_message_is_replaced_and_counted)
{
	char *lines[10];
	use_file();
	put_text("<13>1 2026-10-11T22:14:15.003Z host app - ID - two\nlines");
	start_output();
	wait_delivered(1);
	ck_assert_uint_eq(read_lines(path, lines, 10), 1);
	ck_assert_ptr_nonnull(strstr(lines[0], "two lines"));
	ck_assert_uint_eq(status_now().replaced_octets, 1);
}
END_TEST

START_TEST(json_lines_name_the_input)
{
	char *lines[10];
	use_file();
	set("format", "json");
	put_text("<11>Oct 11 22:14:15 host app[12]: legacy");
	start_output();
	wait_delivered(1);
	ck_assert_uint_eq(read_lines(path, lines, 10), 1);
	ck_assert_ptr_nonnull(strstr(lines[0], "\"message\":\"legacy\""));
	ck_assert_ptr_nonnull(strstr(lines[0], "\"in\""));
}
END_TEST

/* --- standard output --------------------------------------------------------------------------------------------- */

static int old_stdout = -1;

/* Makes standard output a pipe; gives its reading end. */
static int pipe_stdout(void)
{
	int ends[2];
	fflush(stdout);
	old_stdout = dup(STDOUT_FILENO);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	dup2(ends[1], STDOUT_FILENO);
	close(ends[1]);
	return ends[0];
}

static void restore_stdout(void)
{
	dup2(old_stdout, STDOUT_FILENO);
	close(old_stdout);
}

START_TEST(a_slow_reader_of_standard_output_blocks_nothing_and_gets_everything)
{
	int end = pipe_stdout();
	static char text[4 << 20];
	size_t len = 0;
	new_settings(&output_stdout);
	set("format", "rfc5424");
	put_messages(5000);
	start_output();
	pause_ms(50);
	ck_assert_uint_lt(spool_cursor_delivered(cursor), 5000);
	ck_assert_str_eq(status_now().state, "writing"); /* its thread answers: it is not blocked */
	fcntl(end, F_SETFL, O_NONBLOCK);
	for (unsigned i = 0; i < 10000 && spool_cursor_delivered(cursor) < 5000; i++) {
		ssize_t got = read(end, text + len, sizeof text - len - 1);
		if (got > 0)
			len += (size_t)got;
		else
			pause_ms(1);
		check_ledger();
	}
	wait_delivered(5000);
	stop_output();
	restore_stdout();
	ssize_t got;
	while ((got = read(end, text + len, sizeof text - len - 1)) > 0)
		len += (size_t)got;
	close(end);
	unsigned count = 0;
	for (const char *at = text; (at = strstr(at, "n=")) != NULL; count++)
		ck_assert_uint_eq(strtoul(at += 2, NULL, 10), count);
	ck_assert_uint_eq(count, 5000);
}
END_TEST

START_TEST(when_nobody_reads_standard_output_the_output_ends_and_says_so)
{
	close(pipe_stdout());
	new_settings(&output_stdout);
	put_messages(10);
	start_output();
	wait_state("ended");
	ck_assert_ptr_nonnull(strstr(status_now().detail, "nobody reads it"));
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 0);
	stop_output();
	restore_stdout();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("output_file");
	TCase *test = add_case(suite, "file");
	tcase_add_test(test, ten_thousand_lines_are_complete_and_in_order);
	tcase_add_test(test, delivered_waits_for_the_sync);
	tcase_add_test(test, many_small_blocks_do_not_wait_for_the_sync_interval);
	tcase_add_test(test, a_stop_syncs_and_delivers_what_was_written);
	tcase_add_test(test, only_the_end_of_the_file_stays_in_the_page_cache);
	tcase_add_test(test, sighup_opens_the_file_anew);
	tcase_add_test(test, a_reload_that_fails_keeps_the_old_file);
	tcase_add_test(test, an_unfinished_last_line_is_ended_not_removed);
	tcase_add_test(test, a_full_disk_loses_nothing_and_leaves_whole_lines);
	tcase_add_test(test, what_of_a_run_is_not_in_the_file_is_not_delivered);
	tcase_add_test(test, a_disk_that_is_full_at_the_start_is_waited_for);
	tcase_add_test(test, a_file_that_is_made_has_its_name_on_the_disk);
	tcase_add_test(test, what_is_no_regular_file_is_refused);
	tcase_add_test(test, wrong_options_are_named);
	tcase_add_test(test, an_lf_in_a_message_is_replaced_and_counted);
	tcase_add_test(test, json_lines_name_the_input);
	test = add_case(suite, "stdout");
	tcase_add_test(test, a_slow_reader_of_standard_output_blocks_nothing_and_gets_everything);
	tcase_add_test(test, when_nobody_reads_standard_output_the_output_ends_and_says_so);
	return run_suite(suite);
}
