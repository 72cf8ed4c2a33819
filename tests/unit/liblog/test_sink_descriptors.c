/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors of sinks: those that the program closed under us, the program's own ones, exec and chroot. */
#include "peer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

START_TEST(a_program_that_closes_all_descriptors_goes_on_logging)
{
	int peer = peer_unix(SOCK_DGRAM);
	peer_use(slog_sink_syslog(peer_path, NULL));
	slog_info("before");
	peer_read(peer);
	for (int fd = 3; fd < 1024; fd++)
		if (fd != peer)
			close(fd);
	slog_info("after");
	ck_assert_ptr_nonnull(strstr(peer_read(peer), "\"after\""));
	slog_close();
	close(peer);
}
END_TEST

static bool is_socket(int fd)
{
	struct stat status;
	return fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

START_TEST(the_programs_own_files_do_not_get_what_was_for_a_closed_socket)
{
	char own[128];
	struct stat status;
	int peer = peer_unix(SOCK_DGRAM);
	peer_use(slog_sink_syslog(peer_path, NULL));
	slog_info("before");
	peer_read(peer);
	snprintf(own, sizeof own, "%s/own", peer_folder);
	int file = open(own, O_WRONLY | O_CREAT, 0600);
	for (int fd = 3; fd < 1024; fd++)
		if (fd != peer && fd != file && is_socket(fd))
			ck_assert_int_eq(dup2(file, fd), fd);
	slog_info("after");
	ck_assert_ptr_nonnull(strstr(peer_read(peer), "\"after\""));
	ck_assert_int_eq(fstat(file, &status), 0);
	ck_assert_int_eq(status.st_size, 0);
	unlink(own);
	slog_close();
	ck_assert_int_eq(fstat(file, &status), 0); /* nor are they closed */
}
END_TEST

START_TEST(a_closed_log_file_is_opened_again)
{
	peer_use(slog_sink_file(peer_path, NULL));
	slog_info("before");
	for (int fd = 3; fd < 1024; fd++)
		close(fd);
	slog_info("after");
	slog_close();
	FILE *file = fopen(peer_path, "r");
	peer_text[fread(peer_text, 1, PEER_BYTES, file)] = '\0';
	fclose(file);
	ck_assert_ptr_nonnull(strstr(peer_text, "\"before\""));
	ck_assert_ptr_nonnull(strstr(peer_text, "\"after\""));
}
END_TEST

START_TEST(descriptors_of_sinks_are_closed_by_exec)
{
	int peer = peer_unix(SOCK_DGRAM);
	fcntl(peer, F_SETFD, FD_CLOEXEC);
	peer_use(slog_sink_syslog(peer_path, NULL));
	slog_info("before");
	peer_read(peer);
	pid_t child = vfork();
	if (child == 0) {
		execl("/bin/sh", "sh", "-c", "for fd in /proc/self/fd/*; do [ ${fd##*/} -lt 10 ] || [ ! -S $fd ] || exit 1; done",
		      (char *)NULL);
		_exit(127);
	}
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(WEXITSTATUS(status), 0);
	slog_info("after");
	ck_assert_ptr_nonnull(strstr(peer_read(peer), "\"after\""));
	slog_close();
	close(peer);
}
END_TEST

START_TEST(logging_goes_on_after_chroot)
{
	if (geteuid() != 0)
		return;
	int peer = peer_unix(SOCK_DGRAM);
	peer_use(slog_sink_syslog(peer_path, NULL));
	pid_t child = fork();
	if (child == 0) {
		char elsewhere[128];
		snprintf(elsewhere, sizeof elsewhere, "%s/root", peer_folder);
		if (mkdir(elsewhere, 0700) != 0 || chroot(elsewhere) != 0 || chdir("/") != 0)
			_exit(1);
		slog_info("inside");
		_exit(0);
	}
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_ptr_nonnull(strstr(peer_read(peer), "\"inside\""));
	char elsewhere[128];
	snprintf(elsewhere, sizeof elsewhere, "%s/root", peer_folder);
	rmdir(elsewhere);
	slog_close();
	close(peer);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sink_descriptors");
	TCase *local = tcase_create("local");
	tcase_add_checked_fixture(local, peer_make_folder, peer_remove_folder);
	tcase_add_test(local, a_program_that_closes_all_descriptors_goes_on_logging);
	tcase_add_test(local, the_programs_own_files_do_not_get_what_was_for_a_closed_socket);
	tcase_add_test(local, a_closed_log_file_is_opened_again);
	tcase_add_test(local, descriptors_of_sinks_are_closed_by_exec);
	tcase_add_test(local, logging_goes_on_after_chroot);
	suite_add_tcase(suite, local);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
