/* SPDX-License-Identifier: Apache-2.0 */
/* Local time: what we read out of zone files and TZ texts is what libc reads, and no lock of libc's is taken for it. */
#include "peer.h"

#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

#include "clock.h"
#include "zone.h"

#define FOLDER "/usr/share/zoneinfo"
#define FIRST_TIME 86400
#define LAST_TIME 2398377600 /* 2046: files end before 2038, and go on by a rule */
#define STEP (13 * 86400 + 3 * 3600 + 1)

/* Each zone here is a new state of libc's; all else in this process is UTC. */
static void use_zone(const char *name)
{
	setenv("TZ", name, 1);
	tzset();
}

static long of_libc(int64_t time)
{
	time_t second = time;
	struct tm local;
	return localtime_r(&second, &local)->tm_gmtoff;
}

static void compare(const char *octets, size_t length, const char *name)
{
	use_zone(name);
	long before = of_libc(FIRST_TIME);
	for (int64_t time = FIRST_TIME; time < LAST_TIME; time += STEP) {
		long offset;
		ck_assert_msg(slog_zone_offset(octets, length, time, &offset), "%s at %lld", name, (long long)time);
		long libc = of_libc(time);
		ck_assert_msg(offset == libc, "%s at %lld: %ld, libc says %ld", name, (long long)time, offset, libc);
		/* The second of a change: what is neither before nor after lies in between. */
		int64_t low = time - STEP, high = time;
		while (libc != before && high - low > 1) {
			int64_t middle = low + (high - low) / 2;
			*(of_libc(middle) == before ? &low : &high) = middle;
		}
		ck_assert(slog_zone_offset(octets, length, high, &offset));
		ck_assert_msg(offset == of_libc(high), "%s changes at %lld", name, (long long)high);
		before = libc;
	}
}

static unsigned files;
static char octets[65536];

static int compare_file(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)walk;
	if (kind != FTW_F || strstr(path, "/right/") != NULL || strstr(path, "/posix/") != NULL ||
	    status->st_size >= (off_t)sizeof octets)
		return 0;
	FILE *file = fopen(path, "rb");
	ck_assert_ptr_nonnull(file);
	size_t length = fread(octets, 1, sizeof octets - 1, file);
	octets[length] = '\0';
	fclose(file);
	if (length < 4 || memcmp(octets, "TZif", 4) != 0)
		return 0;
	compare(octets, length, path);
	files++;
	return 0;
}

START_TEST(every_zone_file_means_what_libc_says)
{
	ck_assert_int_eq(nftw(FOLDER, compare_file, 16, FTW_PHYS), 0);
	ck_assert_uint_gt(files, 0);
}
END_TEST

START_TEST(every_form_of_a_zone_text_means_what_libc_says)
{
	static const char *const texts[] = {
		"UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT4,M3.2.0/2:00:00,M11.1.0",
		"NZST-12NZDT,M9.5.0,M4.1.0/3", "<+0330>-3:30<+0430>,J79/24,J263/24", "XXX3YYY,58,J60/1",
		"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "IST-2IDT,M3.4.4/26,M10.5.0", "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		compare(texts[i], strlen(texts[i]), texts[i]);
}
END_TEST

START_TEST(what_is_no_zone_is_refused)
{
	static const char *const texts[] = {"", "CE", "CET", "CET-", "CET-1CEST,", "CET-1CEST,M3.5.0",
	                                    "CET-1CEST,M13.5.0,M10.5.0",
	                                    "CET-1CEST,M3.5.0,M10.5.0x", "<CET", "CET-25", "TZif", "TZif2"};
	long offset = 1;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		ck_assert_msg(!slog_zone_offset(texts[i], strlen(texts[i]), 0, &offset), "%s", texts[i]);
	ck_assert_int_eq(offset, 1);
}
END_TEST

START_TEST(a_zone_file_that_ends_early_is_refused)
{
	FILE *file = fopen(FOLDER "/Europe/Berlin", "rb");
	ck_assert_ptr_nonnull(file);
	size_t length = fread(octets, 1, sizeof octets - 1, file);
	fclose(file);
	long offset;
	for (size_t cut = 0; cut < length; cut++) {
		char *exact = malloc(cut + 1); /* so that a look behind it is seen */
		memcpy(exact, octets, cut);
		exact[cut] = '\0';
		slog_zone_offset(exact, cut, LAST_TIME, &offset);
		if (cut < length - 1)
			ck_assert_msg(!slog_zone_offset(exact, cut, 0, &offset) || cut > length / 2, "cut to %zu", cut);
		free(exact);
	}
}
END_TEST

START_TEST(the_local_zone_is_the_one_that_TZ_names)
{
	static const char *const names[] = {"Europe/Berlin", ":America/New_York", FOLDER "/Asia/Kolkata",
	                                    "NZST-12NZDT,M9.5.0,M4.1.0/3", "", "nonsense"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		use_zone(names[i]);
		pid_t child = fork(); /* the zone of a process is looked at once */
		if (child == 0)
			_exit(slog_clock_zone_offset(1785000000) != of_libc(1785000000) ||
			      slog_clock_zone_offset(1800000000) != of_libc(1800000000));
		int status;
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert_msg(status == 0, "TZ=%s", names[i]);
	}
}
END_TEST

static atomic_bool keep_asking;

static void *ask_for_ever(void *argument)
{
	while (atomic_load(&keep_asking))
		of_libc(time(NULL));
	return argument;
}

/* 8.22: libc's lock for time zones may be held in a child by a thread that it does not have. */
START_TEST(a_child_logs_local_time_whatever_its_parent_did_with_libcs_zone)
{
	static const struct slog_encoder *const encoders[] = {&slog_encoder_cee, &slog_encoder_console};
	pthread_t threads[2];
	use_zone("Europe/Berlin");
	atomic_store(&keep_asking, true);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, ask_for_ever, NULL);
	for (int i = 0; i < 100; i++) {
		pid_t child = fork();
		if (child == 0) {
			alarm(5);
			peer_use(slog_sink_memory(4096, encoders[i % 2]));
			slog_info("child");
			_exit(0);
		}
		int status;
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert_msg(status == 0, "child %d", i);
	}
	atomic_store(&keep_asking, false);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zone");
	TCase *zones = tcase_create("zones");
	tcase_set_timeout(zones, 120);
	tcase_add_test(zones, every_zone_file_means_what_libc_says);
	tcase_add_test(zones, every_form_of_a_zone_text_means_what_libc_says);
	tcase_add_test(zones, what_is_no_zone_is_refused);
	tcase_add_test(zones, a_zone_file_that_ends_early_is_refused);
	tcase_add_test(zones, the_local_zone_is_the_one_that_TZ_names);
	tcase_add_test(zones, a_child_logs_local_time_whatever_its_parent_did_with_libcs_zone);
	suite_add_tcase(suite, zones);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
