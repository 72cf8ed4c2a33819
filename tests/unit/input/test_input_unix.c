/* SPDX-License-Identifier: Apache-2.0 */
/* The driver unix: what programs of this host send, who they are, and that they never wait. */
#include "rig.h"
#include "rig_records.h"
#include "rig_senders.h"

enum { MESSAGES = 10000 };

static struct rig rig;

static void start(const char *mode)
{
	rig_open(&rig, (struct rig_options){.workers = 2});
	rig_start(&rig, "unix", "path", rig.socket_path, "mode", mode, NULL);
}

static void send_numbered(int fd, char end)
{
	for (unsigned i = 0; i < MESSAGES; i++) {
		char message[80];
		int len = snprintf(message, sizeof message, "<13>Oct 11 22:14:15 app: sender 0 number %u", i);
		if (end != 'x')
			message[len++] = end;
		rig_send_octets(fd, message, (size_t)len);
	}
}

START_TEST(ten_thousand_datagrams_arrive_in_order_and_say_who_sent_them)
{
	struct rig_order order = {.senders = 1};
	start("datagram");
	int fd = rig_connect_local(rig.socket_path, SOCK_DGRAM);
	send_numbered(fd, 'x');
	close(fd);
	rig_finish(&rig);
	ck_assert_uint_eq(rig_read(&rig, rig_check_order, &order), MESSAGES);
	const struct peer *peer = &rig_record(&rig, 0)->envelope.peer;
	ck_assert_uint_eq(peer->transport, TRANSPORT_UNIX_DATAGRAM);
	ck_assert(peer->has_credentials);
	ck_assert_uint_eq(peer->pid, (uint32_t)getpid());
	ck_assert_uint_eq(peer->uid, (uint32_t)getuid());
	ck_assert_uint_eq(peer->gid, (uint32_t)getgid());
	rig_close(&rig);
}
END_TEST

START_TEST(ten_thousand_records_over_a_stream_arrive_in_order_and_say_who_connected)
{
	struct rig_order order = {.senders = 1};
	start("stream");
	int fd = rig_connect_local(rig.socket_path, SOCK_STREAM);
	send_numbered(fd, '\0');
	close(fd);
	RIG_WAIT(rig_status(&rig).connections == 0 && rig_status(&rig).connections_total == 1);
	rig_finish(&rig);
	ck_assert_uint_eq(rig_read(&rig, rig_check_order, &order), MESSAGES);
	const struct peer *peer = &rig_record(&rig, 0)->envelope.peer;
	ck_assert_uint_eq(peer->transport, TRANSPORT_UNIX_STREAM);
	ck_assert(peer->has_credentials);
	ck_assert_uint_eq(peer->pid, (uint32_t)getpid());
	rig_close(&rig);
}
END_TEST

START_TEST(a_stream_that_ends_records_with_LF_is_read_too)
{
	start("stream");
	int fd = rig_connect_local(rig.socket_path, SOCK_STREAM);
	rig_send(fd, "<13>one\n<13>two\n");
	close(fd);
	RIG_WAIT(rig_status(&rig).received == 2);
	rig_finish(&rig);
	ck_assert_str_eq(rig_record(&rig, 1)->text, "<13>two");
	rig_close(&rig);
}
END_TEST

START_TEST(local_text_has_no_HOSTNAME_and_may_hold_LF)
{
	start("datagram");
	int fd = rig_connect_local(rig.socket_path, SOCK_DGRAM);
	rig_send(fd, "<13>Oct 11 22:14:15 su[7]: two\nlines");
	rig_finish(&rig);
	const struct message *message = &rig_record(&rig, 0)->envelope.message;
	ck_assert_uint_eq(message->hostname.len, 0);
	ck_assert_mem_eq(message->app_name.at, "su", 2);
	ck_assert_uint_eq(message->msg.len, strlen("two\nlines"));
	close(fd);
	rig_close(&rig);
}
END_TEST

/* --- never waiting ----------------------------------------------------------------------------------------------- */

/* Fills the spool, slowly enough that blocks are never the reason; returns how many messages that took. */
static unsigned fill(int fd, const char *message, size_t len)
{
	unsigned sent = 0;
	while (spool_level(rig.spool) == SPOOL_LEVEL_OPEN) {
		rig_send_octets(fd, message, len);
		sent++;
		RIG_WAIT(rig_status(&rig).received == sent && rig_settled(&rig) == sent);
		ck_assert_uint_lt(sent, MESSAGES);
	}
	return sent;
}

static void never_waits(const char *mode, int type)
{
	char message[8000];
	rig_open(&rig, (struct rig_options){
		.max_size_bytes = 4 << 20, .reserve_bytes = 512 << 10, .segment_size_bytes = 512 << 10,
		.block_size_bytes = 64 << 10, .blocks_per_worker = 4,
	});
	rig_start(&rig, "unix", "path", rig.socket_path, "mode", mode, "max_message_size", "8KiB", NULL);
	int fd = rig_connect_local(rig.socket_path, type);
	memset(message, 'x', sizeof message);
	memcpy(message, "<14>", 4);
	message[sizeof message - 1] = '\0';
	struct timeval limit = {.tv_sec = 5};
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit); /* blocking for longer fails the test */
	unsigned sent = fill(fd, message, sizeof message);
	for (unsigned i = 0; i < MESSAGES; i++, sent++)
		rig_send_octets(fd, message, sizeof message);
	RIG_WAIT(rig_status(&rig).received == sent);
	ck_assert_str_eq(rig_status(&rig).state, "running");
	close(fd);
	rig_finish(&rig);
	ck_assert_uint_ge(rig_dropped(&rig, SPOOL_DROP_SPOOL_FULL), MESSAGES - 1);
	ck_assert_uint_eq(rig_dropped(&rig, SPOOL_DROP_NO_BUFFER), 0);
	ck_assert_uint_eq(spool_stored(rig.spool) + rig_dropped(&rig, SPOOL_DROP_SPOOL_FULL), sent);
	rig_close(&rig);
}

START_TEST(a_full_spool_does_not_block_datagram_senders_and_counts_what_it_drops)
{
	never_waits("datagram", SOCK_DGRAM);
}
END_TEST

START_TEST(a_full_spool_does_not_block_stream_senders_and_counts_what_it_drops)
{
	never_waits("stream", SOCK_STREAM);
}
END_TEST

/* --- the path ---------------------------------------------------------------------------------------------------- */

START_TEST(the_socket_has_the_permissions_that_were_asked_for)
{
	struct stat file;
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "unix", "path", rig.socket_path, "permissions", "0620", NULL);
	ck_assert_int_eq(stat(rig.socket_path, &file), 0);
	ck_assert_uint_eq(file.st_mode & 0777, 0620);
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

START_TEST(a_stale_socket_is_replaced_and_ours_is_removed_at_the_end)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	rig_open(&rig, (struct rig_options){0});
	snprintf(at.sun_path, sizeof at.sun_path, "%s", rig.socket_path);
	int stale = socket(AF_UNIX, SOCK_DGRAM, 0);
	ck_assert_int_eq(bind(stale, (struct sockaddr *)&at, sizeof at), 0);
	close(stale);
	rig_start(&rig, "unix", "path", rig.socket_path, NULL);
	int fd = rig_connect_local(rig.socket_path, SOCK_DGRAM);
	rig_send(fd, "<13>x");
	close(fd);
	rig_finish(&rig);
	rig_close_input(&rig);
	ck_assert_int_ne(access(rig.socket_path, F_OK), 0);
	rig_close(&rig);
}
END_TEST

static void leaves_a_socket_of_another(const char *mode)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	start(mode);
	snprintf(at.sun_path, sizeof at.sun_path, "%s", rig.socket_path);
	unlink(rig.socket_path);
	int other = socket(AF_UNIX, SOCK_DGRAM, 0);
	ck_assert_int_eq(bind(other, (struct sockaddr *)&at, sizeof at), 0);
	rig_finish(&rig);
	rig_close_input(&rig);
	ck_assert_int_eq(access(rig.socket_path, F_OK), 0);
	close(other);
	rig_close(&rig);
}

START_TEST(a_socket_that_another_program_put_there_is_left)
{
	leaves_a_socket_of_another("datagram");
	leaves_a_socket_of_another("stream");
}
END_TEST

/* syslog(3) must learn that we are gone, so that it connects again, instead of believing that its message arrived. */
START_TEST(after_our_stop_a_sender_that_was_connected_gets_an_error)
{
	start("datagram");
	int fd = rig_connect_local(rig.socket_path, SOCK_DGRAM);
	rig_send(fd, "<13>x");
	rig_finish(&rig);
	ck_assert_uint_eq(spool_stored(rig.spool), 1);
	ck_assert_int_lt(send(fd, "<13>y", 5, MSG_NOSIGNAL), 0);
	close(fd);
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("input_unix");
	TCase *tests = tcase_create("unix");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, ten_thousand_datagrams_arrive_in_order_and_say_who_sent_them);
	tcase_add_test(tests, ten_thousand_records_over_a_stream_arrive_in_order_and_say_who_connected);
	tcase_add_test(tests, a_stream_that_ends_records_with_LF_is_read_too);
	tcase_add_test(tests, local_text_has_no_HOSTNAME_and_may_hold_LF);
	tcase_add_test(tests, a_full_spool_does_not_block_datagram_senders_and_counts_what_it_drops);
	tcase_add_test(tests, a_full_spool_does_not_block_stream_senders_and_counts_what_it_drops);
	tcase_add_test(tests, the_socket_has_the_permissions_that_were_asked_for);
	tcase_add_test(tests, a_stale_socket_is_replaced_and_ours_is_removed_at_the_end);
	tcase_add_test(tests, a_socket_that_another_program_put_there_is_left);
	tcase_add_test(tests, after_our_stop_a_sender_that_was_connected_gets_an_error);
	suite_add_tcase(suite, tests);
	return rig_run(suite);
}
