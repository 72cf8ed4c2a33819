/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sinks on sockets: what is on the wire, and daemons that are full, away, back again, or of another kind; descriptors
 * that the program closed under us; children.
 */
#include "peer.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define CALL_BOUND_US 200000 /* generous: 10 ms is meant; sanitizers and a busy machine */

static uint64_t dropped_info(void)
{
	return peer_counted().dropped[SLOG_INFO];
}

/* ---- /dev/log ---------------------------------------------------------------------------------------------------- */

START_TEST(dev_log_gets_an_rfc3164_header_and_cee_json)
{
	int peer = peer_unix(SOCK_DGRAM);
	peer_use(slog_sink_syslog(peer_path, NULL));
	slog_set_facility(&slog_default_logger, SLOG_AUTH);
	slog_info("login", "user", "root", "port", 22);
	const char *text = peer_read(peer);
	char head[16];
	int day, hour, minute, second, pid, length = 0;
	ck_assert_int_eq(sscanf(text, "<38>%3s %2d %2d:%2d:%2d app[%d]: @cee: %n", head, &day, &hour, &minute, &second, &pid,
	                        &length), 6);
	ck_assert_int_gt(length, 0);
	ck_assert_int_eq(pid, getpid());
	ck_assert_int_eq(text[length], '{');
	ck_assert_ptr_nonnull(strstr(text, "\"msgid\":\"login\",\"user\":\"root\",\"port\":22}"));
	slog_close();
	close(peer);
}
END_TEST

START_TEST(a_full_dev_log_costs_a_bounded_wait_then_none)
{
	int peer = peer_unix(SOCK_DGRAM);
	peer_use(slog_sink_syslog(peer_path, NULL));
	uint64_t before = dropped_info();
	long longest = 0;
	long start = peer_now_us();
	for (int i = 0; i < 3000; i++) {
		long call = peer_now_us();
		slog_info("t", "i", i);
		if (peer_now_us() - call > longest)
			longest = peer_now_us() - call;
	}
	ck_assert_int_lt(longest, CALL_BOUND_US);
	ck_assert_int_lt(peer_now_us() - start, 5 * CALL_BOUND_US);
	ck_assert_uint_gt(dropped_info() - before, 1000);
	slog_close();
	close(peer);
}
END_TEST

START_TEST(a_dev_log_that_is_read_again_gets_events_again)
{
	int peer = peer_unix(SOCK_DGRAM);
	peer_use(slog_sink_syslog(peer_path, NULL));
	for (int i = 0; i < 3000; i++)
		slog_info("t", "i", i);
	while (peer_has_something(peer, 0))
		peer_read(peer);
	usleep(1100000);
	slog_info("again");
	ck_assert_ptr_nonnull(strstr(peer_read(peer), "\"slog_loss\""));
	ck_assert_ptr_nonnull(strstr(peer_read(peer), "\"again\""));
	slog_close();
	close(peer);
}
END_TEST

START_TEST(a_syslog_daemon_that_comes_back_is_found_by_the_next_event_and_told_what_it_missed)
{
	int peer = peer_unix(SOCK_DGRAM);
	peer_use(slog_sink_syslog(peer_path, NULL));
	slog_info("one");
	peer_read(peer);
	close(peer);
	unlink(peer_path);
	uint64_t before = dropped_info();
	slog_info("lost");
	ck_assert_uint_eq(dropped_info() - before, 1);
	peer = peer_unix(SOCK_DGRAM);
	slog_info("two");
	ck_assert_ptr_nonnull(strstr(peer_read(peer), "\"msgid\":\"slog_loss\",\"sink\":\"syslog\",\"since\":\"20"));
	ck_assert_ptr_nonnull(strstr(peer_text, "\"dropped\":{\"info\":1}}"));
	ck_assert_ptr_nonnull(strstr(peer_read(peer), "\"two\""));
	slog_info("three");
	ck_assert_ptr_nonnull(strstr(peer_read(peer), "\"three\""));
	slog_close();
	close(peer);
}
END_TEST

START_TEST(a_syslog_daemon_that_starts_after_us_is_found)
{
	peer_use(slog_sink_syslog(peer_path, NULL));
	slog_info("lost");
	int peer = peer_unix(SOCK_DGRAM);
	slog_info("found");
	ck_assert_ptr_nonnull(strstr(peer_read(peer), "\"slog_loss\""));
	ck_assert_ptr_nonnull(strstr(peer_read(peer), "\"found\""));
	slog_close();
	close(peer);
}
END_TEST

START_TEST(a_stream_dev_log_gets_records_ended_by_nul)
{
	int listener = peer_unix(SOCK_STREAM);
	peer_use(slog_sink_syslog(peer_path, &slog_encoder_rfc5424));
	slog_info("one");
	slog_info("two");
	int peer = peer_accept(listener);
	const char *text = peer_read(peer);
	ck_assert_str_eq(text + strlen(text) - 5, "one -");
	text += strlen(text) + 1;
	ck_assert_str_eq(text + strlen(text) - 5, "two -");
	slog_close();
	close(peer);
	close(listener);
}
END_TEST

START_TEST(a_daemon_that_changes_from_datagrams_to_a_stream_and_back_is_followed)
{
	int peer = peer_unix(SOCK_DGRAM);
	peer_use(slog_sink_syslog(peer_path, NULL));
	slog_info("datagram");
	peer_read(peer);
	close(peer);
	int listener = peer_unix(SOCK_STREAM);
	slog_info("stream");
	peer = peer_accept(listener);
	ck_assert_ptr_nonnull(strstr(peer_read(peer), "\"stream\""));
	close(peer);
	close(listener);
	peer = peer_unix(SOCK_DGRAM);
	slog_info("again");
	ck_assert_ptr_nonnull(strstr(peer_read(peer), "\"again\""));
	slog_close();
	close(peer);
}
END_TEST

START_TEST(an_event_larger_than_dev_log_takes_is_cut_and_counted)
{
	static char large[20000];
	memset(large, 'x', sizeof large - 1);
	int peer = peer_unix(SOCK_DGRAM);
	peer_use(slog_sink_syslog(peer_path, NULL));
	uint64_t before = peer_counted().cut;
	slog_info("t", "a", 1, "large", large);
	ck_assert_uint_le(strlen(peer_read(peer)), SLOG_EVENT_BYTES_SYSLOG);
	ck_assert_ptr_nonnull(strstr(peer_text, "\"a\":1,\"~cut\":1}"));
	ck_assert_uint_eq(peer_counted().cut - before, 1);
	slog_close();
	close(peer);
}
END_TEST

/* ---- descriptors ------------------------------------------------------------------------------------------------- */

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

/* ---- journald ---------------------------------------------------------------------------------------------------- */

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

/* ---- the network ------------------------------------------------------------------------------------------------- */

START_TEST(udp_carries_a_syslog_msg_a_datagram)
{
	char address[32];
	int peer = peer_inet(SOCK_DGRAM, 0, address);
	peer_use(slog_sink_udp(address, NULL));
	slog_err("t", "a", 1);
	const char *text = peer_read(peer);
	ck_assert_int_eq(strncmp(text, "<11>1 20", 8), 0);
	ck_assert_ptr_nonnull(strstr(text, " t [slog@32473 a=\"1\"]"));
	slog_close();
	close(peer);
}
END_TEST

START_TEST(an_event_larger_than_a_datagram_should_be_is_cut_and_counted)
{
	static char large[4000];
	char address[32];
	memset(large, 'x', sizeof large - 1);
	int peer = peer_inet(SOCK_DGRAM, 0, address);
	peer_use(slog_sink_udp(address, NULL));
	uint64_t before = peer_counted().cut;
	slog_info("t", "a", 1, "large", large);
	ck_assert_uint_le(strlen(peer_read(peer)), SLOG_EVENT_BYTES_UDP);
	ck_assert_ptr_nonnull(strstr(peer_text, " t [slog@32473 a=\"1\" ~cut=\"1\"]"));
	ck_assert_uint_eq(peer_counted().cut - before, 1);
	slog_close();
	close(peer);
}
END_TEST

START_TEST(a_udp_port_that_nobody_had_is_used_when_somebody_has_it)
{
	char address[32];
	int peer = peer_inet(SOCK_DGRAM, 0, address);
	int port = atoi(strchr(address, ':') + 1);
	close(peer);
	peer_use(slog_sink_udp(address, NULL));
	slog_info("one");
	slog_info("two");
	peer = peer_inet(SOCK_DGRAM, port, address);
	slog_info("three");
	if (strstr(peer_read(peer), " slog_loss ") != NULL) /* the system may have answered before "two" */
		peer_read(peer);
	ck_assert_ptr_nonnull(strstr(peer_text, " three "));
	slog_close();
	close(peer);
}
END_TEST

START_TEST(tcp_counts_octets)
{
	char address[32];
	int listener = peer_inet(SOCK_STREAM, 0, address);
	peer_use(slog_sink_tcp(address, &slog_encoder_json));
	slog_info("one");
	slog_info("two", "a", "line\nfeed");
	int peer = peer_accept(listener);
	usleep(100000);
	char *text = (char *)(size_t)peer_read(peer);
	for (int i = 0; i < 2; i++) {
		char *end;
		unsigned long length = strtoul(text, &end, 10);
		ck_assert_int_eq(*end, ' ');
		ck_assert_int_eq(end[1], '{');
		ck_assert_int_eq(end[length], '}');
		text = end + 1 + length;
	}
	ck_assert_int_eq(*text, '\0');
	slog_close();
	close(peer);
	close(listener);
}
END_TEST

START_TEST(a_tcp_peer_that_takes_nothing_costs_a_bounded_wait_then_none)
{
	static char large[30000];
	memset(large, 'x', sizeof large - 1);
	char address[32];
	int listener = peer_inet(SOCK_STREAM, 0, address);
	peer_use(slog_sink_tcp(address, NULL));
	uint64_t before = dropped_info();
	long longest = 0;
	for (int i = 0; i < 1000; i++) {
		long call = peer_now_us();
		slog_info("t", "large", large);
		if (peer_now_us() - call > longest)
			longest = peer_now_us() - call;
	}
	ck_assert_int_lt(longest, CALL_BOUND_US);
	ck_assert_uint_gt(dropped_info() - before, 100);
	slog_close();
	close(listener);
}
END_TEST

/* Counts frames on a stream, without those that tell a loss; every one must be whole. */
static unsigned count_frames(int fd, size_t *left)
{
	static char buffer[1 << 22];
	static size_t length;
	unsigned frames = 0;
	while (peer_has_something(fd, 200)) {
		ssize_t more = read(fd, buffer + length, sizeof buffer - length);
		if (more <= 0)
			break;
		length += (size_t)more;
		for (;;) {
			char *space = memchr(buffer, ' ', length < 8 ? length : 8);
			if (space == NULL)
				break;
			size_t size = (size_t)(space - buffer) + 1 + strtoul(buffer, NULL, 10);
			ck_assert_int_eq(space[1], '<');
			if (size > length)
				break;
			ck_assert_int_eq(buffer[size - 1], ']');
			frames += memmem(buffer, size, " slog_loss ", 11) == NULL;
			length -= size;
			memmove(buffer, buffer + size, length);
		}
	}
	*left = length;
	return frames;
}

START_TEST(frames_that_a_slow_peer_took_in_part_are_finished_first)
{
	static char large[30000];
	memset(large, 'x', sizeof large - 1);
	char address[32];
	int listener = peer_inet(SOCK_STREAM, 0, address);
	peer_use(slog_sink_tcp(address, NULL));
	uint64_t before = dropped_info();
	for (int i = 0; i < 1000; i++)
		slog_info("t", "large", large);
	int peer = peer_accept(listener);
	size_t left;
	unsigned frames = count_frames(peer, &left);
	usleep(1100000);
	slog_info("t", "large", large);
	frames += count_frames(peer, &left);
	ck_assert_uint_eq(frames + (dropped_info() - before), 1001);
	ck_assert_uint_eq(left, 0);
	slog_close();
	close(peer);
	close(listener);
}
END_TEST

START_TEST(a_tcp_peer_that_closed_gets_a_new_connection)
{
	char address[32];
	int listener = peer_inet(SOCK_STREAM, 0, address);
	peer_use(slog_sink_tcp(address, NULL));
	slog_info("one");
	int peer = peer_accept(listener);
	peer_read(peer);
	close(peer);
	usleep(50000);
	slog_info("two");
	peer = peer_accept(listener);
	ck_assert_ptr_nonnull(strstr(peer_read(peer), " two "));
	slog_close();
	close(peer);
	close(listener);
}
END_TEST

START_TEST(a_child_has_a_tcp_connection_of_its_own)
{
	char address[32];
	int listener = peer_inet(SOCK_STREAM, 0, address);
	peer_use(slog_sink_tcp(address, NULL));
	slog_info("parent");
	int peer = peer_accept(listener);
	peer_read(peer);
	pid_t child = fork();
	if (child == 0) {
		slog_info("child");
		_exit(0);
	}
	int second = peer_accept(listener);
	ck_assert_ptr_nonnull(strstr(peer_read(second), " child "));
	waitpid(child, NULL, 0);
	slog_info("still");
	ck_assert_ptr_nonnull(strstr(peer_read(peer), " still "));
	slog_close();
	close(peer);
	close(second);
	close(listener);
}
END_TEST

START_TEST(a_host_name_is_not_looked_up_by_a_logging_call)
{
	peer_use(slog_sink_udp("localhost:514", NULL));
	uint64_t before = dropped_info();
	slog_info("t");
	ck_assert_uint_eq(dropped_info() - before, 1);
	ck_assert_int_eq(peer_counted().last_error, EDESTADDRREQ);
	slog_close();
}
END_TEST

START_TEST(what_is_no_address_is_no_sink)
{
	static const char *const wrong[] = {"", ":514", "host:", "host:port", "[::1", "[::1]x", "1:2:3"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		errno = 0;
		ck_assert_ptr_null(slog_sink_udp(wrong[i], NULL));
		ck_assert_int_eq(errno, EINVAL);
		ck_assert_ptr_null(slog_sink_tcp(wrong[i], NULL));
	}
	ck_assert_ptr_null(slog_sink_syslog("", NULL));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

/* ---- threads ----------------------------------------------------------------------------------------------------- */

static void *log_many(void *argument)
{
	for (int i = 0; i < 500; i++)
		slog_info("t", "i", i);
	return argument;
}

START_TEST(frames_of_several_threads_do_not_mix)
{
	char address[32];
	pthread_t threads[4];
	int listener = peer_inet(SOCK_STREAM, 0, address);
	peer_use(slog_sink_tcp(address, NULL));
	uint64_t before = dropped_info();
	slog_info("t", "i", -1);
	int peer = peer_accept(listener);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, log_many, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	size_t left;
	ck_assert_uint_eq(count_frames(peer, &left) + (dropped_info() - before), 2001);
	ck_assert_uint_eq(left, 0);
	slog_close();
	close(peer);
	close(listener);
}
END_TEST

static void add_local_tests(Suite *suite)
{
	TCase *local = tcase_create("local");
	tcase_add_checked_fixture(local, peer_make_folder, peer_remove_folder);
	tcase_add_test(local, dev_log_gets_an_rfc3164_header_and_cee_json);
	tcase_add_test(local, a_full_dev_log_costs_a_bounded_wait_then_none);
	tcase_add_test(local, a_dev_log_that_is_read_again_gets_events_again);
	tcase_add_test(local, a_syslog_daemon_that_comes_back_is_found_by_the_next_event_and_told_what_it_missed);
	tcase_add_test(local, a_syslog_daemon_that_starts_after_us_is_found);
	tcase_add_test(local, a_stream_dev_log_gets_records_ended_by_nul);
	tcase_add_test(local, a_daemon_that_changes_from_datagrams_to_a_stream_and_back_is_followed);
	tcase_add_test(local, an_event_larger_than_dev_log_takes_is_cut_and_counted);
	tcase_add_test(local, a_program_that_closes_all_descriptors_goes_on_logging);
	tcase_add_test(local, the_programs_own_files_do_not_get_what_was_for_a_closed_socket);
	tcase_add_test(local, a_closed_log_file_is_opened_again);
	tcase_add_test(local, descriptors_of_sinks_are_closed_by_exec);
	tcase_add_test(local, logging_goes_on_after_chroot);
	tcase_add_test(local, journald_gets_fields_in_capitals_and_the_exact_form);
	tcase_add_test(local, a_line_feed_in_a_value_makes_no_journal_field);
	tcase_add_test(local, an_event_too_large_for_the_socket_goes_as_a_sealed_memfd);
	suite_add_tcase(suite, local);
}

int main(void)
{
	Suite *suite = suite_create("sink_socket");
	add_local_tests(suite);
	TCase *network = tcase_create("network");
	tcase_add_test(network, udp_carries_a_syslog_msg_a_datagram);
	tcase_add_test(network, an_event_larger_than_a_datagram_should_be_is_cut_and_counted);
	tcase_add_test(network, a_udp_port_that_nobody_had_is_used_when_somebody_has_it);
	tcase_add_test(network, tcp_counts_octets);
	tcase_add_test(network, a_tcp_peer_that_takes_nothing_costs_a_bounded_wait_then_none);
	tcase_add_test(network, frames_that_a_slow_peer_took_in_part_are_finished_first);
	tcase_add_test(network, a_tcp_peer_that_closed_gets_a_new_connection);
	tcase_add_test(network, a_child_has_a_tcp_connection_of_its_own);
	tcase_add_test(network, a_host_name_is_not_looked_up_by_a_logging_call);
	tcase_add_test(network, what_is_no_address_is_no_sink);
	tcase_add_test(network, frames_of_several_threads_do_not_mix);
	suite_add_tcase(suite, network);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
