/* SPDX-License-Identifier: Apache-2.0 */
/* The file of changes that operators made by hand. A limit on the size of files stands for a disk that is full. */
#include "spool/spool_audit.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char path[32], file_name[48], text[4096];

static void set_up(void)
{
	strcpy(path, "/tmp/spool-audit-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(path));
	snprintf(file_name, sizeof file_name, "%s/audit", path);
}

static void tear_down(void)
{
	unlink(file_name);
	rmdir(path);
}

/* Octets of the file, which are in `text` then. */
static size_t read_file(void)
{
	FILE *file = fopen(file_name, "r");
	ck_assert_ptr_nonnull(file);
	size_t len = fread(text, 1, sizeof text - 1, file);
	text[len] = '\0';
	fclose(file);
	return len;
}

/* What comes of it while no file grows beyond so many octets. Without asserts meanwhile: they write to a file, too. */
static int write_limited(const struct spool_audit *audit, rlim_t octets)
{
	struct rlimit before, limit;
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){.rlim_cur = octets, .rlim_max = before.rlim_max};
	int limited = setrlimit(RLIMIT_FSIZE, &limit);
	int result = spool_audit_write(path, audit);
	setrlimit(RLIMIT_FSIZE, &before);
	ck_assert_int_eq(limited, 0);
	return result;
}

START_TEST(a_line_that_does_not_fit_leaves_nothing_of_it)
{
	const struct spool_audit audit = {.command = "forget", .output = "central", .messages = 5};
	ck_assert_int_eq(spool_audit_write(path, &audit), 0);
	size_t one = read_file();
	ck_assert_int_eq(write_limited(&audit, one + 10), -ENOSPC);
	ck_assert_uint_eq(read_file(), one);
	ck_assert_int_eq(spool_audit_write(path, &audit), 0);
	ck_assert_uint_eq(read_file(), 2 * one);
	ck_assert_mem_eq(text + one, "{\"timestamp\"", 12);
}
END_TEST

static void lose_the_right_to_chown(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2];
	ck_assert_int_eq((int)syscall(SYS_capget, &head, caps), 0);
	caps[0].effective &= ~(1u << CAP_CHOWN);
	ck_assert_int_eq((int)syscall(SYS_capset, &head, caps), 0);
}

/* Not given away afterwards: a kill in between would leave a file that the spool's owner cannot write to. */
START_TEST(a_file_that_root_makes_is_the_spools_owners_from_the_first_moment)
{
	const struct spool_audit audit = {.command = "forget", .output = "central", .messages = 5};
	struct stat status;
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chown(path, 12345, 54321), 0);
	lose_the_right_to_chown();
	ck_assert_int_eq(spool_audit_write(path, &audit), 0);
	ck_assert_int_eq(spool_audit_write(path, &audit), 0);
	ck_assert_int_eq(stat(file_name, &status), 0);
	ck_assert_uint_eq(status.st_uid, 12345);
	ck_assert_uint_eq(status.st_gid, 54321);
	ck_assert_uint_eq(status.st_mode & 07777, 0600);
	/* And this thread is root again. */
	ck_assert_int_eq(setfsuid((uid_t)-1), 0);
	ck_assert_int_eq(setfsgid((gid_t)-1), (int)getegid());
}
END_TEST

/* A process that takes the spool's owner for a moment still leaves a core dump when it crashes. */
START_TEST(a_file_that_root_makes_takes_nothing_away_from_the_process)
{
	const struct spool_audit audit = {.command = "forget", .output = "central", .messages = 5};
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chown(path, 12345, 54321), 0);
	ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 1), 0);
	ck_assert_int_eq(spool_audit_write(path, &audit), 0);
	ck_assert_int_eq(prctl(PR_GET_DUMPABLE), 1);
}
END_TEST

static struct stat write_to_file_of_root(void)
{
	const struct spool_audit audit = {.command = "forget", .output = "central", .messages = 5};
	struct stat status;
	ck_assert_int_eq(spool_audit_write(path, &audit), 0);
	ck_assert_int_eq(stat(file_name, &status), 0);
	return status;
}

/* As an older version left it: the owner's relay could not write to it, and refused each drop. */
START_TEST(a_file_that_is_roots_is_given_to_the_spools_owner_unless_it_has_another_name_too)
{
	char other[48];
	if (geteuid() != 0)
		return;
	int file = open(file_name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	ck_assert_int_ge(file, 0);
	close(file);
	ck_assert_int_eq(chown(path, 12345, 54321), 0);
	snprintf(other, sizeof other, "%s/other", path);
	ck_assert_int_eq(link(file_name, other), 0);
	ck_assert_uint_eq(write_to_file_of_root().st_uid, 0);
	ck_assert_int_eq(unlink(other), 0);
	struct stat status = write_to_file_of_root();
	ck_assert_uint_eq(status.st_uid, 12345);
	ck_assert_uint_eq(status.st_gid, 54321);
	ck_assert_uint_eq(status.st_mode & 07777, 0600);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spool_audit");
	TCase *tests = tcase_create("spool_audit");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_line_that_does_not_fit_leaves_nothing_of_it);
	tcase_add_test(tests, a_file_that_root_makes_is_the_spools_owners_from_the_first_moment);
	tcase_add_test(tests, a_file_that_root_makes_takes_nothing_away_from_the_process);
	tcase_add_test(tests, a_file_that_is_roots_is_given_to_the_spools_owner_unless_it_has_another_name_too);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
