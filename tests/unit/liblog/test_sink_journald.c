/* SPDX-License-Identifier: Apache-2.0 */
/* journald: the form of fields on the wire, and events that are too large for the socket. */
#include "peer.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

START_TEST(journald_gets_fields_in_capitals_and_the_exact_form)
{
	int peer = peer_unix(SOCK_DGRAM);
	peer_use(slog_sink_journald(peer_path));
	slog_set_facility(&slog_default_logger, SLOG_AUTH);
	slog_warning("login", "message", "no way", "user", "root", "port", 22, "a b", 1, "A_B", 2, "priority", 3, "_x", 4,
	             "list", slog_list(1, "two"));
	const char *text = peer_read(peer);
	char wanted[1024];
	snprintf(wanted, sizeof wanted,
	         "MESSAGE=no way\nPRIORITY=4\nSYSLOG_FACILITY=4\nSYSLOG_PID=%d\nSYSLOG_IDENTIFIER=app\nSYSLOG_MSGID=login\n"
	         "SYSLOG_STRUCTURED_DATA=[slog@32473 user=\"root\" port=\"22\" a%%20b=\"1\" A_B=\"2\" priority=\"3\" _x=\"4\" "
	         "list=\"[1,\\\"two\\\"\\]\"]\n"
	         "USER=root\nPORT=22\nA_B=1\nF_A_B=2\nF_PRIORITY=3\nF__X=4\nLIST=[1,\"two\"]\n",
	         (int)getpid());
	ck_assert_str_eq(text, wanted);
	slog_close();
	close(peer);
}
END_TEST

/* 8.1, 8.12: a field that replaces another has its name. */
START_TEST(a_field_that_replaces_a_bound_one_keeps_its_name)
{
	int peer = peer_unix(SOCK_DGRAM);
	peer_use(slog_sink_journald(peer_path));
	struct slog_logger *bound = slog_with(&slog_default_logger, "user", "root", "a b", 1);
	slog_info_to(bound, "t", "user", "guest", "A_B", 2);
	ck_assert_ptr_nonnull(strstr(peer_read(peer), "\nA_B=1\nUSER=guest\nF_A_B=2\n"));
	slog_free(bound);
	slog_close();
	close(peer);
}
END_TEST

/* Comparing names is what takes long under sanitizers. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { FIELDS = 300 };
#else
enum { FIELDS = 1000 };
#endif

/* Names come from outside, through slogger too: a thousand of them, alike but at the end, one of them twice. */
START_TEST(an_event_of_a_thousand_fields_takes_no_seconds)
{
	enum { BOUND_US = 1000000 };
	static char keys[FIELDS][16];
	static struct slog_field fields[FIELDS];
	peer_use(slog_sink_memory(PEER_BYTES, &slog_encoder_journald));
	for (int i = 0; i < FIELDS; i++) {
		snprintf(keys[i], sizeof keys[i], "key_%08d", i == FIELDS - 1 ? 0 : i);
		fields[i] = slog_kv(keys[i], "a value of some octets");
	}
	long start = peer_now_us();
	slog_event(&slog_default_logger, SLOG_INFO, "t", fields, FIELDS);
	ck_assert_int_lt(peer_now_us() - start, BOUND_US);
	slog_close();
}
END_TEST

START_TEST(a_line_feed_in_a_value_makes_no_journal_field)
{
	int peer = peer_unix(SOCK_DGRAM);
	peer_use(slog_sink_journald(peer_path));
	slog_info("t", "user", "a\nPRIORITY=0");
	peer_read(peer);
	static const char wanted[] = "USER\n\x0c\0\0\0\0\0\0\0a\nPRIORITY=0\n";
	ck_assert_ptr_nonnull(memmem(peer_text, PEER_BYTES, wanted, sizeof wanted - 1));
	slog_close();
	close(peer);
}
END_TEST

START_TEST(an_event_too_large_for_the_socket_goes_as_a_sealed_memfd)
{
	static char large[1 << 20];
	memset(large, 'x', sizeof large - 1);
	int peer = peer_unix(SOCK_DGRAM);
	peer_use(slog_sink_journald(peer_path));
	slog_info("t", "large", large);
	union {
		char octets[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec piece = {peer_text, PEER_BYTES};
	struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	ck_assert(peer_has_something(peer, PEER_WAIT_MS));
	ck_assert_int_eq(recvmsg(peer, &message, 0), 0);
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	ck_assert_ptr_nonnull(header);
	ck_assert_int_eq(header->cmsg_type, SCM_RIGHTS);
	int memfd;
	memcpy(&memfd, CMSG_DATA(header), sizeof memfd);
	ck_assert_int_eq(fcntl(memfd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	ck_assert_int_eq(pread(memfd, peer_text, 10, 0), 10);
	ck_assert_int_eq(memcmp(peer_text, "MESSAGE=t\n", 10), 0);
	struct stat status;
	ck_assert_int_eq(fstat(memfd, &status), 0);
	ck_assert_int_gt(status.st_size, 2 * (1 << 20));
	slog_close();
	close(memfd);
	close(peer);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sink_journald");
	TCase *local = tcase_create("local");
	tcase_add_checked_fixture(local, peer_make_folder, peer_remove_folder);
	tcase_add_test(local, journald_gets_fields_in_capitals_and_the_exact_form);
	tcase_add_test(local, a_field_that_replaces_a_bound_one_keeps_its_name);
	tcase_add_test(local, an_event_of_a_thousand_fields_takes_no_seconds);
	tcase_add_test(local, a_line_feed_in_a_value_makes_no_journal_field);
	tcase_add_test(local, an_event_too_large_for_the_socket_goes_as_a_sealed_memfd);
	suite_add_tcase(suite, local);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
