/* SPDX-License-Identifier: Apache-2.0 */
/* Batches of datagrams over loopback and over a Unix socket: peer, time, credentials, and hostile descriptors. */
#include "net/datagram.h"

#include "base/clock.h"
#include "net/socket.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct datagram_batch *batch;
static char error[SOCKET_ERROR_MAX_BYTES];
static int receiver, sender;

static void set_up(void)
{
	batch = datagram_batch_open(DATAGRAM_BATCH_MAX);
	ck_assert_ptr_nonnull(batch);
	receiver = sender = -1;
}

static void tear_down(void)
{
	datagram_batch_close(&batch);
	ck_assert_ptr_null(batch);
	datagram_batch_close(&batch);
	close(receiver);
	close(sender);
}

static void open_udp(void)
{
	struct endpoint endpoint;
	struct address address;
	int got;
	ck_assert(endpoint_read("127.0.0.1:1", 0, &endpoint, error));
	ck_assert(address_of_endpoint(&endpoint, &address));
	address.sa.ipv4.sin_port = 0;
	receiver = socket_bind_udp(&address, false, 1 << 20, &got, error);
	ck_assert_msg(receiver >= 0, "%s", error);
	address.len = sizeof(address.sa);
	ck_assert_int_eq(getsockname(receiver, &address.sa.any, &address.len), 0);
	sender = socket_connect_udp(&address, error);
	ck_assert_msg(sender >= 0, "%s", error);
}

START_TEST(a_batch_holds_what_is_there_with_peer_and_time)
{
	const struct datagram *datagrams;
	struct address own = {.len = sizeof(own.sa)};
	char expected[ADDRESS_TEXT_MAX_BYTES], text[ADDRESS_TEXT_MAX_BYTES];
	open_udp();
	ck_assert_int_eq(datagram_receive(batch, receiver, &datagrams), 0);
	ck_assert_int_eq(send(sender, "one", 3, 0), 3);
	ck_assert_int_eq(send(sender, "", 0, 0), 0);
	ck_assert_int_eq(send(sender, "three", 5, 0), 5);
	ck_assert_int_eq(datagram_receive(batch, receiver, &datagrams), 3);
	ck_assert(bytes_equal(datagrams[0].bytes, BYTES("one")));
	ck_assert_uint_eq(datagrams[1].bytes.len, 0);
	ck_assert(bytes_equal(datagrams[2].bytes, BYTES("three")));
	getsockname(sender, &own.sa.any, &own.len);
	for (int i = 0; i < 3; i++) {
		ck_assert_str_eq(address_text(&datagrams[i].from, text), address_text(&own, expected));
		ck_assert_int_le(llabs(clock_wall_ns() - datagrams[i].received_ns), 10 * CLOCK_NS_PER_SECOND);
		ck_assert(!datagrams[i].truncated && !datagrams[i].has_credentials);
	}
	ck_assert_int_eq(datagram_receive(batch, receiver, &datagrams), 0);
}
END_TEST

START_TEST(more_than_a_batch_comes_in_several_and_the_largest_datagram_is_whole)
{
	const struct datagram *datagrams;
	uint8_t *large = malloc(65507);
	memset(large, 'L', 65507);
	open_udp();
	for (int i = 0; i < DATAGRAM_BATCH_MAX + 6; i++)
		ck_assert_int_eq(send(sender, &i, sizeof(i), 0), sizeof(i));
	ck_assert_int_eq(datagram_receive(batch, receiver, &datagrams), DATAGRAM_BATCH_MAX);
	for (int i = 0; i < DATAGRAM_BATCH_MAX; i++)
		ck_assert_mem_eq(datagrams[i].bytes.at, &i, sizeof(i));
	ck_assert_int_eq(datagram_receive(batch, receiver, &datagrams), 6);
	ck_assert_int_eq(send(sender, large, 65507, 0), 65507);
	ck_assert_int_eq(datagram_receive(batch, receiver, &datagrams), 1);
	ck_assert_uint_eq(datagrams[0].bytes.len, 65507);
	ck_assert_mem_eq(datagrams[0].bytes.at, large, 65507);
	ck_assert(!datagrams[0].truncated);
	free(large);
}
END_TEST

/* A local datagram socket and a sender, in a directory that is gone again. */
static void open_local(void)
{
	char directory[64], path[96];
	const char *base = getenv("TMPDIR");
	snprintf(directory, sizeof(directory), "%.40s/relayd-net-XXXXXX", base != NULL ? base : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/log", directory);
	receiver = socket_bind_local_datagram(path, 0666, 1 << 20, error);
	ck_assert_msg(receiver >= 0, "%s", error);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(sender, (struct sockaddr *)&address, sizeof(address)), 0);
	unlink(path);
	rmdir(directory);
}

START_TEST(a_local_sender_is_known_by_its_credentials)
{
	const struct datagram *datagrams;
	open_local();
	ck_assert_int_eq(send(sender, "local", 5, 0), 5);
	ck_assert_int_eq(datagram_receive(batch, receiver, &datagrams), 1);
	ck_assert(bytes_equal(datagrams[0].bytes, BYTES("local")));
	ck_assert(datagrams[0].has_credentials);
	ck_assert_uint_eq(datagrams[0].pid, (uint32_t)getpid());
	ck_assert_uint_eq(datagrams[0].uid, getuid());
	ck_assert_uint_eq(datagrams[0].gid, getgid());
	ck_assert_uint_eq(datagrams[0].from.len, 0);
	ck_assert_int_ne(datagrams[0].received_ns, 0);
}
END_TEST

START_TEST(a_datagram_longer_than_the_largest_is_cut_and_flagged)
{
	const struct datagram *datagrams;
	size_t len = DATAGRAM_MAX_BYTES + 100;
	uint8_t *large = calloc(1, len);
	open_local();
	ck_assert_int_eq(send(sender, large, len, 0), (ssize_t)len);
	ck_assert_int_eq(datagram_receive(batch, receiver, &datagrams), 1);
	ck_assert(datagrams[0].truncated);
	ck_assert_uint_eq(datagrams[0].bytes.len, DATAGRAM_MAX_BYTES);
	free(large);
}
END_TEST

static int count_descriptors(void)
{
	int count = 0;
	DIR *directory = opendir("/proc/self/fd");
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count;
}

START_TEST(descriptors_sent_along_are_closed)
{
	enum { PASSED = 5 };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(PASSED * sizeof(int))];
	} control;
	const struct datagram *datagrams;
	int passed[PASSED];
	struct iovec piece = {.iov_base = "fds", .iov_len = 3};
	struct msghdr message = {
		.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	open_local();
	for (int i = 0; i < PASSED; i++)
		passed[i] = sender;
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(passed));
	memcpy(CMSG_DATA(header), passed, sizeof(passed));
	int before = count_descriptors();
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(sendmsg(sender, &message, 0), 3);
		ck_assert_int_eq(datagram_receive(batch, receiver, &datagrams), 1);
		ck_assert(bytes_equal(datagrams[0].bytes, BYTES("fds")));
		ck_assert(datagrams[0].has_credentials);
	}
	ck_assert_int_eq(count_descriptors(), before);
}
END_TEST

START_TEST(a_smaller_batch_takes_no_more_than_it_holds)
{
	const struct datagram *datagrams;
	open_udp();
	datagram_batch_close(&batch);
	batch = datagram_batch_open(2);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(send(sender, &i, sizeof(i), 0), sizeof(i));
	ck_assert_int_eq(datagram_receive(batch, receiver, &datagrams), 2);
	ck_assert_int_eq(datagram_receive(batch, receiver, &datagrams), 1);
	ck_assert_mem_eq(datagrams[0].bytes.at, &(int){2}, sizeof(int));
}
END_TEST

/* --- aggregates -------------------------------------------------------------------------------------------------- */

enum { TEXT_BYTES = 70 };

/* Every length with every segment length: nothing lost, nothing twice, all alike but the last, and an end. */
START_TEST(an_aggregate_is_cut_into_segments_of_which_the_last_may_be_shorter)
{
	uint8_t text[TEXT_BYTES];
	for (unsigned i = 0; i < TEXT_BYTES; i++)
		text[i] = (uint8_t)i;
	for (size_t len = 0; len <= TEXT_BYTES; len++) {
		for (size_t segment = 0; segment <= TEXT_BYTES + 2; segment++) {
			const struct datagram whole = {.bytes = bytes_of(text, len), .segment_bytes = segment};
			size_t wanted = segment == 0 || len == 0 ? 1 : (len + segment - 1) / segment, count = 0, at = 0;
			struct bytes rest = whole.bytes;
			do {
				struct bytes one = datagram_next(&whole, &rest);
				ck_assert_ptr_eq(one.at, text + at);
				at += one.len;
				ck_assert(rest.len == 0 || one.len == segment);
				ck_assert_uint_eq(rest.len, len - at);
				count++;
			} while (rest.len > 0);
			ck_assert_uint_eq(at, len);
			ck_assert_uint_eq(count, wanted);
		}
	}
}
END_TEST

/* The segment length that the kernel is made to give instead of its own. */
static bool lies;
static int lie;

/* Stands in for libc's. */
int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout)
{
	int received = (int)syscall(SYS_recvmmsg, fd, messages, count, flags, timeout);
	for (int i = 0; lies && i < received; i++) {
		struct msghdr *header = &messages[i].msg_hdr;
		for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL; control = CMSG_NXTHDR(header, control))
			if (control->cmsg_level == SOL_UDP && control->cmsg_type == UDP_GRO)
				memcpy(CMSG_DATA(control), &lie, sizeof(lie));
	}
	return received;
}

/* Sends `text` as datagrams of `segment` octets in one call. */
static void send_segments(const char *text, int segment)
{
	ck_assert_int_eq(setsockopt(sender, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment)), 0);
	ck_assert_int_eq(send(sender, text, strlen(text), 0), (ssize_t)strlen(text));
}

START_TEST(an_aggregate_comes_in_one_piece_with_its_segment_length_and_a_datagram_without)
{
	const struct datagram *datagrams;
	open_udp();
	ck_assert_msg(socket_receive_aggregates(receiver, error), "%s", error);
	send_segments("one  two  end", 5);
	send_segments("alone", 0);
	ck_assert_int_eq(datagram_receive(batch, receiver, &datagrams), 2);
	ck_assert(bytes_equal(datagrams[0].bytes, BYTES("one  two  end")));
	ck_assert_uint_eq(datagrams[0].segment_bytes, 5);
	ck_assert_uint_ne(datagrams[0].from.len, 0);
	ck_assert_int_ne(datagrams[0].received_ns, 0);
	ck_assert(bytes_equal(datagrams[1].bytes, BYTES("alone")));
	ck_assert_uint_eq(datagrams[1].segment_bytes, 0);
}
END_TEST

START_TEST(a_segment_length_that_makes_no_sense_leaves_the_datagram_whole)
{
	const struct datagram *datagrams;
	const int lengths[] = {0, -1, -2147483647 - 1};
	open_udp();
	ck_assert(socket_receive_aggregates(receiver, error));
	lies = true;
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		lie = lengths[i];
		send_segments("one  two  end", 5);
		ck_assert_int_eq(datagram_receive(batch, receiver, &datagrams), 1);
		ck_assert_uint_eq(datagrams[0].bytes.len, 13);
		ck_assert_uint_eq(datagrams[0].segment_bytes, 0);
	}
	lies = false;
}
END_TEST

START_TEST(without_being_asked_the_kernel_gives_each_datagram_alone)
{
	const struct datagram *datagrams;
	open_udp();
	send_segments("one  two  end", 5);
	ck_assert_int_eq(datagram_receive(batch, receiver, &datagrams), 3);
	ck_assert(bytes_equal(datagrams[2].bytes, BYTES("end")));
	ck_assert_uint_eq(datagrams[0].segment_bytes, 0);
}
END_TEST

START_TEST(aggregates_are_refused_with_a_sentence)
{
	ck_assert(!socket_receive_aggregates(-1, error));
	ck_assert_str_eq(error, "cannot receive aggregates on UDP: Bad file descriptor; Linux can since 5.0");
}
END_TEST

START_TEST(an_error_of_the_socket_is_returned)
{
	const struct datagram *datagrams;
	ck_assert_int_eq(datagram_receive(batch, -1, &datagrams), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net/datagram");
	TCase *tests = tcase_create("datagram");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_batch_holds_what_is_there_with_peer_and_time);
	tcase_add_test(tests, more_than_a_batch_comes_in_several_and_the_largest_datagram_is_whole);
	tcase_add_test(tests, a_local_sender_is_known_by_its_credentials);
	tcase_add_test(tests, a_datagram_longer_than_the_largest_is_cut_and_flagged);
	tcase_add_test(tests, descriptors_sent_along_are_closed);
	tcase_add_test(tests, a_smaller_batch_takes_no_more_than_it_holds);
	tcase_add_test(tests, an_aggregate_is_cut_into_segments_of_which_the_last_may_be_shorter);
	tcase_add_test(tests, an_aggregate_comes_in_one_piece_with_its_segment_length_and_a_datagram_without);
	tcase_add_test(tests, a_segment_length_that_makes_no_sense_leaves_the_datagram_whole);
	tcase_add_test(tests, without_being_asked_the_kernel_gives_each_datagram_alone);
	tcase_add_test(tests, aggregates_are_refused_with_a_sentence);
	tcase_add_test(tests, an_error_of_the_socket_is_returned);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
