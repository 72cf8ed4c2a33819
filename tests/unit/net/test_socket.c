/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets on loopback and in a directory of the test's own: options, permissions, and what is said when it fails. */
#include "net/socket.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64];
static char error[SOCKET_ERROR_MAX_BYTES];

static void set_up(void)
{
	const char *base = getenv("TMPDIR");
	snprintf(directory, sizeof(directory), "%.40s/relayd-net-XXXXXX", base != NULL ? base : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	error[0] = '\0';
}

static void tear_down(void)
{
	ck_assert_int_eq(rmdir(directory), 0);
}

static struct address address_of(const char *text)
{
	struct endpoint endpoint;
	struct address address;
	ck_assert_msg(endpoint_read(text, 0, &endpoint, error), "%s", error);
	ck_assert(address_of_endpoint(&endpoint, &address));
	return address;
}

/* Loopback with a port that the kernel chooses; 0 cannot be written as an endpoint. */
static struct address any_port(const char *text)
{
	struct address address = address_of(text);
	address.sa.ipv4.sin_port = 0;
	return address;
}

static struct address bound_to(int fd)
{
	struct address address = {.len = sizeof(address.sa)};
	ck_assert_int_eq(getsockname(fd, &address.sa.any, &address.len), 0);
	return address;
}

static void check_flags(int fd)
{
	ck_assert_int_ge(fd, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
}

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);
	ck_assert_int_eq(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

START_TEST(a_listener_takes_connections_and_a_port_in_use_is_named)
{
	struct address wanted = any_port("127.0.0.1:1");
	int listener = socket_listen_tcp(&wanted, error);
	check_flags(listener);
	ck_assert_int_eq(option(listener, SOL_SOCKET, SO_REUSEADDR), 1);
	struct address bound = bound_to(listener);

	int client = socket_connect(&bound, error);
	check_flags(client);
	struct pollfd wait = {.fd = client, .events = POLLOUT};
	ck_assert_int_eq(poll(&wait, 1, 5000), 1);
	ck_assert_int_eq(socket_error(client), 0);
	int accepted = accept(listener, NULL, NULL);
	ck_assert_int_ge(accepted, 0);

	char text[ADDRESS_TEXT_MAX_BYTES];
	char expected[SOCKET_ERROR_MAX_BYTES];
	ck_assert_int_eq(socket_listen_tcp(&bound, error), -1);
	snprintf(
		expected, sizeof(expected),
		"cannot listen on TCP %s: Address already in use; another program listens there: stop it or choose another "
		"port",
		address_text(&bound, text));
	ck_assert_str_eq(error, expected);
	close(accepted);
	close(client);
	close(listener);
}
END_TEST

START_TEST(an_address_that_is_not_ours_is_named)
{
	struct address wanted = address_of("192.0.2.1:5514");
	ck_assert_int_eq(socket_listen_tcp(&wanted, error), -1);
	ck_assert_str_eq(error,
					 "cannot listen on TCP 192.0.2.1:5514: Cannot assign requested address; no interface of this "
					 "machine has that address: write one that it has, or [::] for all");
	int got;
	ck_assert_int_eq(socket_bind_udp(&wanted, false, 0, &got, error), -1);
	ck_assert_str_eq(error,
					 "cannot receive on UDP 192.0.2.1:5514: Cannot assign requested address; no interface of this "
					 "machine has that address: write one that it has, or [::] for all");
}
END_TEST

START_TEST(a_refused_connection_is_seen_when_it_is_polled)
{
	struct address wanted = any_port("127.0.0.1:1");
	int listener = socket_listen_tcp(&wanted, error);
	struct address bound = bound_to(listener);
	close(listener);
	int fd = socket_connect(&bound, error);
	if (fd < 0) {
		ck_assert_ptr_nonnull(strstr(error, "Connection refused"));
		return;
	}
	struct pollfd wait = {.fd = fd, .events = POLLOUT};
	ck_assert_int_eq(poll(&wait, 1, 5000), 1);
	ck_assert_int_eq(socket_error(fd), ECONNREFUSED);
	close(fd);
}
END_TEST

START_TEST(the_wildcard_takes_ipv4_too)
{
	struct address wanted = address_of("*:1");
	wanted.sa.ipv6.sin6_port = 0;
	int listener = socket_listen_tcp(&wanted, error);
	check_flags(listener);
	struct address bound = bound_to(listener);
	uint8_t octets[16];
	uint16_t port;
	address_octets(&bound, octets, &port);
	struct address loopback = any_port("127.0.0.1:1");
	loopback.sa.ipv4.sin_port = htons(port);
	int client = socket_connect(&loopback, error);
	ck_assert_msg(client >= 0, "%s", error);
	struct pollfd wait = {.fd = client, .events = POLLOUT};
	ck_assert_int_eq(poll(&wait, 1, 5000), 1);
	ck_assert_int_eq(socket_error(client), 0);
	close(client);
	close(listener);
}
END_TEST

START_TEST(udp_sockets_may_share_and_know_their_buffer)
{
	struct address wanted = any_port("127.0.0.1:1");
	int got = 0;
	int first = socket_bind_udp(&wanted, true, 300000, &got, error);
	check_flags(first);
	ck_assert_int_ge(got, 200000);
	ck_assert_int_le(got, 300000);
	struct address bound = bound_to(first);
	int second = socket_bind_udp(&bound, true, 0, &got, error);
	ck_assert_msg(second >= 0, "%s", error);
	ck_assert_int_gt(got, 0);
	ck_assert_int_eq(socket_bind_udp(&bound, false, 0, &got, error), -1);
	ck_assert_ptr_nonnull(strstr(error, "Address already in use; another program listens there"));
	close(first);
	close(second);
}
END_TEST

START_TEST(drops_of_a_full_socket_are_counted)
{
	struct address wanted = any_port("127.0.0.1:1");
	int got;
	int receiver = socket_bind_udp(&wanted, false, 4096, &got, error);
	struct address bound = bound_to(receiver);
	int sender = socket_connect_udp(&bound, error);
	check_flags(sender);
	ck_assert_uint_eq(socket_drops(receiver), 0);
	char datagram[1000] = "";
	uint32_t sent = 0, received = 0;
	for (int i = 0; i < 200; i++)
		sent += send(sender, datagram, sizeof(datagram), 0) == sizeof(datagram);
	while (recv(receiver, datagram, sizeof(datagram), 0) > 0)
		received++;
	ck_assert_uint_gt(sent, received);
	ck_assert_uint_eq(socket_drops(receiver), sent - received);
	close(sender);
	close(receiver);
}
END_TEST

START_TEST(a_local_socket_replaces_a_stale_one_and_has_its_mode)
{
	char path[128], temporary[160];
	struct stat file;
	snprintf(path, sizeof(path), "%s/log", directory);
	snprintf(temporary, sizeof(temporary), "%s%s", path, SOCKET_LOCAL_SUFFIX);
	int stale = socket_listen_local(path, 0600, error);
	check_flags(stale);
	close(stale);
	int listener = socket_listen_local(path, 0660, error);
	ck_assert_msg(listener >= 0, "%s", error);
	ck_assert_int_eq(stat(path, &file), 0);
	ck_assert_uint_eq(file.st_mode & 07777, 0660);
	ck_assert_int_ne(stat(temporary, &file), 0);
	struct address address = address_of(path);
	int client = socket_connect(&address, error);
	ck_assert_msg(client >= 0, "%s", error);
	int accepted = accept(listener, NULL, NULL);
	ck_assert_int_ge(accepted, 0);
	const struct socket_keepalive harmless = {60, 10, 5, 30000};
	socket_set_stream_options(accepted, &harmless);
	close(accepted);
	close(client);
	close(listener);
	unlink(path);
}
END_TEST

START_TEST(a_file_that_is_no_socket_is_left_alone)
{
	char path[128], expected[SOCKET_ERROR_MAX_BYTES];
	snprintf(path, sizeof(path), "%s/precious", directory);
	fclose(fopen(path, "w"));
	ck_assert_int_eq(socket_bind_local_datagram(path, 0666, 0, error), -1);
	snprintf(
		expected, sizeof(expected),
		"cannot make the Unix socket \"%s\": there is a file that is not a socket: remove it or choose another path",
		path);
	ck_assert_str_eq(error, expected);
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(a_long_path_and_a_missing_directory_are_named)
{
	char path[160];
	memset(path, 'p', sizeof(path));
	path[0] = '/';
	path[97] = '\0';
	ck_assert_int_eq(socket_listen_local(path, 0600, error), -1);
	ck_assert_ptr_nonnull(strstr(error, "\": the path may have 96 octets at the most"));
	snprintf(path, sizeof(path), "%s/none/log", directory);
	ck_assert_int_eq(socket_listen_local(path, 0600, error), -1);
	char expected[SOCKET_ERROR_MAX_BYTES];
	snprintf(expected, sizeof(expected),
			 "cannot listen on unix:%s: No such file or directory; the directory must be there before", path);
	ck_assert_str_eq(error, expected);
}
END_TEST

static const struct socket_keepalive keepalive = {
	.idle_seconds = 61, .interval_seconds = 11, .probes = 4, .user_timeout_ms = 31000};

static void assert_stream_options(int fd)
{
	ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
	ck_assert_int_eq(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 61);
	ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 11);
	ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 4);
	ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 31000);
}

START_TEST(stream_options_are_set)
{
	struct address wanted = any_port("127.0.0.1:1");
	int listener = socket_listen_tcp(&wanted, error);
	struct address bound = bound_to(listener);
	int fd = socket_connect(&bound, error);
	socket_set_stream_options(fd, &keepalive);
	assert_stream_options(fd);
	close(fd);
	close(listener);
}
END_TEST

START_TEST(what_is_accepted_has_the_options_of_its_listener)
{
	struct address wanted = any_port("127.0.0.1:1");
	int listener = socket_listen_tcp(&wanted, error);
	socket_set_stream_options(listener, &keepalive);
	struct address bound = bound_to(listener);
	int fd = socket_connect(&bound, error);
	struct pollfd waiting = {.fd = listener, .events = POLLIN};
	ck_assert_int_eq(poll(&waiting, 1, 20000), 1);
	int accepted = accept(listener, NULL, NULL);
	ck_assert_int_ge(accepted, 0);
	assert_stream_options(accepted);
	close(accepted);
	close(fd);
	close(listener);
}
END_TEST

/* What it sent before is still there. */
START_TEST(a_peer_that_has_left_is_seen_behind_octets_that_nobody_has_read)
{
	struct linger at_once = {.l_onoff = 1};
	struct address wanted = any_port("127.0.0.1:1");
	int listener = socket_listen_tcp(&wanted, error);
	struct address bound = bound_to(listener);
	int fd = socket_connect(&bound, error);
	struct pollfd waiting = {.fd = listener, .events = POLLIN};
	ck_assert_int_eq(poll(&waiting, 1, 20000), 1);
	int accepted = accept(listener, NULL, NULL);
	ck_assert_int_eq(send(fd, "unread", 6, 0), 6);
	ck_assert(!socket_peer_has_left(accepted));
	if (_i == 0)
		shutdown(fd, SHUT_WR);
	else
		ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
	close(fd);
	ck_assert(socket_peer_has_left(accepted));
	close(accepted);
	close(listener);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net/socket");
	TCase *tests = tcase_create("socket");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_listener_takes_connections_and_a_port_in_use_is_named);
	tcase_add_test(tests, an_address_that_is_not_ours_is_named);
	tcase_add_test(tests, a_refused_connection_is_seen_when_it_is_polled);
	tcase_add_test(tests, the_wildcard_takes_ipv4_too);
	tcase_add_test(tests, udp_sockets_may_share_and_know_their_buffer);
	tcase_add_test(tests, drops_of_a_full_socket_are_counted);
	tcase_add_test(tests, a_local_socket_replaces_a_stale_one_and_has_its_mode);
	tcase_add_test(tests, a_file_that_is_no_socket_is_left_alone);
	tcase_add_test(tests, a_long_path_and_a_missing_directory_are_named);
	tcase_add_test(tests, stream_options_are_set);
	tcase_add_test(tests, what_is_accepted_has_the_options_of_its_listener);
	tcase_add_loop_test(tests, a_peer_that_has_left_is_seen_behind_octets_that_nobody_has_read, 0, 2);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
