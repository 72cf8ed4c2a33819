/* SPDX-License-Identifier: Apache-2.0 */
/* The drivers `tcp`, `tls` and `udp` on a real spool, with real sockets. */
#include "frame/octet_counting.h"
#include "unit/net/certificates.h"
#include "unit/output/output_fixture.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

enum { NUMBERS_MAX = 20000, IN_BYTES = 1 << 20 };

/* A server that reads frames; it may cut the connection, read nothing for a while, or refuse certificates. */
static struct {
	struct tls_context *tls;
	int framing_lf;
	int receive_buffer;      /* octets; 0: the system's */
	_Atomic long cut_after;
	_Atomic bool deaf;       /* accepts, but reads nothing */
	_Atomic bool refusing;   /* closes a while after the handshake, having read nothing */
	int listener, port;
	pthread_t thread;
	_Atomic bool stopping;
	_Atomic int connection;
	_Atomic unsigned count, sessions, notifies;
	_Atomic unsigned char seen[NUMBERS_MAX];
	bool ordered;
	long last;
	uint8_t in[IN_BYTES];
	size_t in_len;
	char last_text[300];
} sink;

static void take_message(struct bytes message)
{
	char text[300];
	snprintf(text, sizeof text, "%.*s", (int)message.len, (const char *)message.at);
	memcpy(sink.last_text, text, sizeof text);
	const char *at = strstr(text, "n=");
	if (at != NULL) {
		long number = strtol(at + 2, NULL, 10);
		ck_assert_int_lt(number, NUMBERS_MAX);
		sink.ordered = sink.ordered && number == sink.last + 1;
		sink.last = number;
		sink.seen[number]++;
	}
	atomic_fetch_add(&sink.count, 1);
}

/* False: cut the connection. */
static bool take_frames(void)
{
	struct octet_counting reader;
	struct bytes in = bytes_of(sink.in, sink.in_len);
	struct frame frame;
	octet_counting_init(&reader, 65536);
	for (;;) {
		if (sink.framing_lf) {
			size_t end = bytes_find(in, '\n');
			if (end == in.len)
				break;
			frame = (struct frame){.message = bytes_first(in, end), .consumed = end + 1};
		} else if (octet_counting_next(&reader, in, &frame) != FRAME_COMPLETE) {
			break;
		}
		take_message(frame.message);
		in = bytes_after(in, frame.consumed);
		long cut_after = atomic_load(&sink.cut_after);
		if (cut_after >= 0 && (long)atomic_load(&sink.count) >= cut_after) {
			atomic_store(&sink.cut_after, -1);
			return false;
		}
	}
	memmove(sink.in, in.at, in.len);
	sink.in_len = in.len;
	return true;
}

static void serve(int fd, SSL *ssl)
{
	sink.in_len = 0;
	if (atomic_load(&sink.refusing)) {
		pause_ms(200);
		return;
	}
	for (;;) {
		while (atomic_load(&sink.deaf) && !atomic_load(&sink.stopping))
			pause_ms(1);
		size_t room = IN_BYTES - sink.in_len;
		long got = ssl != NULL ? SSL_read(ssl, sink.in + sink.in_len, room > 65536 ? 65536 : (int)room)
		                       : recv(fd, sink.in + sink.in_len, room, 0);
		if (got <= 0 && ssl != NULL && SSL_get_error(ssl, (int)got) == SSL_ERROR_ZERO_RETURN) {
			atomic_fetch_add(&sink.notifies, 1);
			SSL_shutdown(ssl);
		}
		if (got <= 0)
			return;
		sink.in_len += (size_t)got;
		if (!take_frames())
			return;
	}
}

static void *run_sink(void *context)
{
	(void)context;
	while (!atomic_load(&sink.stopping)) {
		int fd = accept(sink.listener, NULL, NULL);
		if (fd < 0)
			break;
		atomic_store(&sink.connection, fd);
		SSL *ssl = sink.tls != NULL ? tls_context_new_ssl(sink.tls, NULL) : NULL;
		if (ssl != NULL)
			SSL_set_fd(ssl, fd);
		if (ssl == NULL || SSL_accept(ssl) == 1) {
			atomic_fetch_add(&sink.sessions, 1);
			serve(fd, ssl);
		}
		SSL_free(ssl);
		atomic_store(&sink.connection, -1);
		close(fd);
	}
	return NULL;
}

static void start_sink(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof address;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sink.ordered = true;
	sink.last = -1;
	atomic_store(&sink.cut_after, -1);
	atomic_store(&sink.connection, -1);
	sink.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (sink.receive_buffer > 0)
		setsockopt(sink.listener, SOL_SOCKET, SO_RCVBUF, &sink.receive_buffer, sizeof sink.receive_buffer);
	ck_assert_int_eq(bind(sink.listener, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(listen(sink.listener, 16), 0);
	getsockname(sink.listener, (struct sockaddr *)&address, &len);
	sink.port = ntohs(address.sin_port);
	ck_assert_int_eq(pthread_create(&sink.thread, NULL, run_sink, NULL), 0);
}

static void stop_sink(void)
{
	stop_output();
	atomic_store(&sink.stopping, true);
	shutdown(sink.listener, SHUT_RDWR);
	int fd = atomic_load(&sink.connection);
	if (fd >= 0)
		shutdown(fd, SHUT_RDWR);
	pthread_join(sink.thread, NULL);
	close(sink.listener);
}

static void use_tcp(void)
{
	char server[40];
	start_sink();
	new_settings(&output_tcp);
	snprintf(server, sizeof server, "127.0.0.1:%d", sink.port);
	set("servers", server);
}

static void wait_count(unsigned count)
{
	for (unsigned i = 0; i < 10000 && atomic_load(&sink.count) < count; i++)
		pause_ms(1);
	ck_assert_uint_ge(atomic_load(&sink.count), count);
}

START_TEST(ten_thousand_messages_arrive_in_order)
{
	use_tcp();
	sink.framing_lf = _i;
	set("framing", _i ? "non-transparent" : "octet-counting");
	start_output();
	put_messages(10000);
	wait_delivered(10000);
	wait_count(10000);
	ck_assert(sink.ordered);
	ck_assert(!status_now().confirmed);
	ck_assert_uint_eq(status_now().resent, 0);
	stop_sink();
	ck_assert_uint_eq(atomic_load(&sink.count), 10000);
}
END_TEST

START_TEST(an_lf_cannot_be_carried_by_non_transparent_framing)
{
	use_tcp();
	sink.framing_lf = true;
	set("framing", "non-transparent");
	put_text("<13>1 2026-10-11T22:14:15.003Z host app - ID - a\nb\nc");
	start_output();
	wait_count(1);
	ck_assert_ptr_nonnull(strstr(sink.last_text, "a b c"));
	ck_assert_uint_eq(status_now().replaced_octets, 2);
	stop_sink();
}
END_TEST

/* Long messages for a server whose kernel takes hardly anything, and that reads nothing yet. */
static void put_before_a_deaf_server(unsigned messages)
{
	enum { LEN = 60000 };
	static char text[LEN];
	sink.receive_buffer = 4096;
	use_tcp();
	atomic_store(&sink.deaf, true);
	start_output();
	int len = snprintf(text, LEN, "<13>1 2026-10-11T22:14:15.003Z host app - ID - ");
	memset(text + len, 'x', (size_t)(LEN - 1 - len));
	for (unsigned i = 0; i < messages; i++)
		put_text(text);
}

/* Most of what was written lies in our kernel's queue. */
START_TEST(delivered_does_not_pass_what_the_server_has_not_taken)
{
	enum { MESSAGES = 300, TAKEN_MAX = 3 };
	put_before_a_deaf_server(MESSAGES);
	ck_assert(!wait_delivered_for(MESSAGES, 500));
	struct output_status status = status_now();
	ck_assert_uint_le(status.delivered, TAKEN_MAX);
	ck_assert_uint_gt(status.sent, TAKEN_MAX + 5); /* five may lie in the output buffer */
	atomic_store(&sink.deaf, false);
	wait_delivered(MESSAGES);
	wait_count(MESSAGES);
	stop_sink();
}
END_TEST

static double cpu_ms(void)
{
	struct timespec used;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (double)used.tv_sec * 1e3 + (double)used.tv_nsec / 1e6;
}

/* Whichever message is the last of a burst: also the one that made the output buffer full, with nothing behind it. */
START_TEST(an_output_sleeps_after_the_last_message_that_a_slow_server_has_taken)
{
	unsigned messages = 52 + (unsigned)_i; /* here the 55th is the one */
	put_before_a_deaf_server(messages);
	pause_ms(200);
	atomic_store(&sink.deaf, false);
	wait_delivered(messages);
	pause_ms(100);
	double before = cpu_ms();
	pause_ms(300);
	ck_assert_double_lt(cpu_ms() - before, 100);
	stop_sink();
}
END_TEST

START_TEST(after_a_cut_connection_it_goes_on_from_what_had_not_left)
{
	sink.receive_buffer = 64 * 1024; /* so that the kernels cannot hold them all */
	use_tcp();
	atomic_store(&sink.cut_after, 3000);
	start_output();
	put_messages(10000);
	wait_delivered(10000);
	wait_count(3001);
	for (unsigned i = 0; i < 5000 && sink.seen[9999] == 0; i++)
		pause_ms(1);
	stop_sink();
	ck_assert_uint_ge(atomic_load(&sink.sessions), 2);
	for (unsigned i = 0; i < 3000; i++)
		ck_assert_uint_ge(sink.seen[i], 1);
	ck_assert_uint_eq(sink.seen[9999], 1);
	/*
	 * What is missing had been taken by the server's kernel: nothing else is, and it lies in one piece behind the
	 * cut.
	 */
	unsigned missing = 0;
	for (unsigned i = 3000; i < 10000; i++)
		missing += sink.seen[i] == 0;
	unsigned piece = 3000;
	while (piece < 10000 && sink.seen[piece] == 0)
		piece++;
	ck_assert_uint_eq(piece - 3000, missing);
}
END_TEST

/* The first server is away, then back: the output returns to it, with nothing lost or doubled. */
START_TEST(it_goes_back_to_the_preferred_server)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof address;
	char first[40], second[40];
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int home = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(home, (struct sockaddr *)&address, len), 0);
	getsockname(home, (struct sockaddr *)&address, &len);
	snprintf(first, sizeof first, "127.0.0.1:%d", ntohs(address.sin_port));
	start_sink();
	snprintf(second, sizeof second, "127.0.0.1:%d", sink.port);
	new_settings(&output_tcp);
	set("servers", first);
	set("servers", second);
	set("failback_interval", "50ms");
	start_output();
	put_messages(100);
	wait_delivered(100);
	wait_count(100);
	ck_assert_int_eq(listen(home, 16), 0);
	for (unsigned i = 0; i < 5000 && strstr(status_now().peer, first) == NULL; i++)
		pause_ms(1);
	wait_state("connected");
	put_messages(100);
	wait_delivered(200);
	ck_assert_uint_eq(atomic_load(&sink.count), 100);
	ck_assert_uint_eq(status_now().resent, 0);
	stop_sink();
	close(home);
}
END_TEST

static struct certificate ca, server, client;

static void use_tls(const char *permitted)
{
	char error[TLS_ERROR_MAX_BYTES], address[40];
	ca = certificate_make(&(struct certificate_options){.file = "ca", .common_name = "ca", .is_ca = 1});
	server = certificate_make(&(struct certificate_options){.file = "server", .san = "IP:127.0.0.1", .issuer = &ca});
	client = certificate_make(&(struct certificate_options){.file = "client", .san = "DNS:client.test", .issuer = &ca});
	const char *peers[] = {permitted};
	const struct tls_options options = {
		.certificate = server.path, .key = server.key_path, .ca = ca.path, .peers = peers, .peers_count = 1};
	sink.tls = tls_context_open(TLS_SERVER, &options, error);
	ck_assert_msg(sink.tls != NULL, "%s", error);
	start_sink();
	new_settings(&output_tls);
	snprintf(address, sizeof address, "127.0.0.1:%d", sink.port);
	set("servers", address);
	const struct option *row = option_find(output_tls.options, "tls");
	struct output_tls_options *tls = (struct output_tls_options *)(void *)((char *)settings + row->offset);
	*tls = (struct output_tls_options){
		.present = true, .certificate = strdup(client.path), .key = strdup(client.key_path), .ca = strdup(ca.path)};
}

static void end_tls(void)
{
	stop_sink();
	tls_context_release(&sink.tls);
	certificate_free(&ca);
	certificate_free(&server);
	certificate_free(&client);
	rmdir(certificates_directory());
}

START_TEST(over_tls_they_arrive_and_the_end_is_said)
{
	use_tls("client.test");
	start_output();
	put_messages(10000);
	wait_delivered(10000);
	wait_count(10000);
	ck_assert(sink.ordered);
	put_messages(10);
	wait_count(10010);
	stop_output();
	ck_assert_uint_eq(atomic_load(&sink.notifies), 1);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 10010);
	end_tls();
}
END_TEST

/* Under TLS 1.3 the client's handshake succeeds before the server refuses it. */
START_TEST(a_refused_client_delivers_nothing)
{
	use_tls("somebody.else");
	put_messages(100);
	start_output();
	wait_state("refused, waiting");
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 0);
	ck_assert_uint_eq(atomic_load(&sink.sessions), 0);
	end_tls();
}
END_TEST

/* The same refusal, later than any look at the kernel's queue: the octets had been taken all the same. */
START_TEST(a_connection_that_does_not_stand_delivers_nothing)
{
	use_tls("client.test");
	atomic_store(&sink.refusing, true);
	put_messages(10);
	start_output();
	wait_state("refused, waiting");
	ck_assert_uint_ge(status_now().sent, 10);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 0);
	atomic_store(&sink.refusing, false);
	wait_delivered(10);
	wait_count(10);
	end_tls();
}
END_TEST

static bool reload(char *error)
{
	return driver->reload(output, error);
}

START_TEST(a_reload_uses_the_renewed_certificate_for_the_next_connection)
{
	char error[OUTPUT_ERROR_MAX_BYTES] = "";
	use_tls("renewed.test");
	put_messages(10);
	start_output();
	wait_state("refused, waiting");
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 0);
	certificate_free(&client);
	client = certificate_make(&(struct certificate_options){.file = "client", .san = "DNS:renewed.test", .issuer = &ca});
	ck_assert_msg(reload(error), "%s", error);
	wait_delivered(10);
	wait_count(10);
	end_tls();
}
END_TEST

START_TEST(a_reload_that_fails_says_why_and_keeps_the_certificate)
{
	char error[OUTPUT_ERROR_MAX_BYTES] = "";
	use_tls("client.test");
	start_output();
	put_messages(10);
	wait_delivered(10);
	unlink(client.key_path);
	ck_assert(!reload(error));
	ck_assert_ptr_nonnull(strstr(error, client.key_path));
	/* The next connection is good with what was read before. */
	atomic_store(&sink.cut_after, 11);
	put_messages(1);
	for (unsigned i = 0; i < 5000 && atomic_load(&sink.sessions) < 2; i++)
		pause_ms(1);
	put_messages(10);
	wait_delivered(21);
	for (unsigned i = 0; i < 5000 && sink.seen[20] == 0; i++)
		pause_ms(1);
	ck_assert_uint_eq(sink.seen[20], 1);
	end_tls();
}
END_TEST

/* --- UDP --------------------------------------------------------------------------------------------------------- */

static int bind_udp(unsigned *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)*port)};
	socklen_t len = sizeof address;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int size = 8 << 20;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
	getsockname(fd, (struct sockaddr *)&address, &len);
	*port = ntohs(address.sin_port);
	return fd;
}

/* The next datagram, ended by NUL; its length, or -1 after a second. */
static long next_datagram(int fd, char *text, size_t size)
{
	struct pollfd watched = {.fd = fd, .events = POLLIN};
	if (poll(&watched, 1, 1000) != 1)
		return -1;
	long len = recv(fd, text, size - 1, 0);
	text[len > 0 ? len : 0] = '\0';
	return len;
}

static int use_udp(void)
{
	unsigned port = 0;
	char address[40];
	int fd = bind_udp(&port);
	new_settings(&output_udp);
	snprintf(address, sizeof address, "127.0.0.1:%u", port);
	set("server", address);
	return fd;
}

START_TEST(each_message_is_a_datagram)
{
	int fd = use_udp();
	char text[2000];
	start_output();
	for (unsigned burst = 0; burst < 10; burst++) {
		put_messages(200);
		for (unsigned i = 0; i < 200; i++) {
			ck_assert_int_gt(next_datagram(fd, text, sizeof text), 0);
			ck_assert_uint_eq(strtoul(strstr(text, "n=") + 2, NULL, 10), burst * 200 + i);
		}
	}
	wait_delivered(2000);
	stop_output();
	close(fd);
}
END_TEST

START_TEST(a_long_message_is_cut_between_characters_and_counted)
{
	int fd = use_udp();
	char text[2000], message[1000] = "<13>1 2026-10-11T22:14:15.003Z host app - ID - ";
	set("max_message_size", "480");
	for (size_t len = strlen(message); len < 700; len += 2)
		memcpy(message + len, "\xC3\xA9", 3);
	put_text(message);
	start_output();
	long len = next_datagram(fd, text, sizeof text);
	ck_assert_int_le(len, 480);
	ck_assert_int_ge(len, 479);
	ck_assert_int_eq(memcmp(text + len - 2, "\xC3\xA9", 2), 0);
	wait_delivered(1);
	ck_assert_uint_eq(status_now().truncated, 1);
	stop_output();
	close(fd);
}
END_TEST

START_TEST(when_nobody_listens_it_waits)
{
	int fd = use_udp();
	close(fd);
	start_output();
	put_messages(1);
	pause_ms(20);
	put_messages(1);
	wait_state("waiting");
	ck_assert_ptr_nonnull(strstr(status_now().detail, "nobody listens there"));
	ck_assert_uint_lt(spool_cursor_delivered(cursor), 2);
	stop_output();
}
END_TEST

START_TEST(what_cannot_be_reached_is_refused_by_the_check)
{
	char error[OUTPUT_ERROR_MAX_BYTES];
	new_settings(&output_udp);
	set("server", "unix:/run/log");
	ck_assert(!output_udp.check(settings, error));
	ck_assert_ptr_nonnull(strstr(error, "unix:/run/log"));
	option_free(driver->options, settings);
	free(settings);
	new_settings(&output_tcp);
	ck_assert(!output_tcp.check(settings, error));
	set("servers", ":514");
	ck_assert(!output_tcp.check(settings, error));
	ck_assert_ptr_nonnull(strstr(error, "a host is missing"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("output_stream");
	TCase *test = add_case(suite, "tcp");
	tcase_add_loop_test(test, ten_thousand_messages_arrive_in_order, 0, 2);
	tcase_add_test(test, an_lf_cannot_be_carried_by_non_transparent_framing);
	tcase_add_test(test, delivered_does_not_pass_what_the_server_has_not_taken);
	tcase_add_test(test, it_goes_back_to_the_preferred_server);
	tcase_add_test(test, after_a_cut_connection_it_goes_on_from_what_had_not_left);
	tcase_add_loop_test(test, an_output_sleeps_after_the_last_message_that_a_slow_server_has_taken, 0, 8);
	test = add_case(suite, "tls");
	tcase_add_test(test, over_tls_they_arrive_and_the_end_is_said);
	tcase_add_test(test, a_refused_client_delivers_nothing);
	tcase_add_test(test, a_connection_that_does_not_stand_delivers_nothing);
	tcase_add_test(test, a_reload_uses_the_renewed_certificate_for_the_next_connection);
	tcase_add_test(test, a_reload_that_fails_says_why_and_keeps_the_certificate);
	test = add_case(suite, "udp");
	tcase_add_test(test, each_message_is_a_datagram);
	tcase_add_test(test, a_long_message_is_cut_between_characters_and_counted);
	tcase_add_test(test, when_nobody_listens_it_waits);
	tcase_add_test(test, what_cannot_be_reached_is_refused_by_the_check);
	return run_suite(suite);
}
