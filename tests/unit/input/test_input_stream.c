/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver tcp, and with it what all inputs with connections share: real sockets, real workers, real spool. Complete
 * and in order, acknowledged at once, with a full spool and over our stop. Frames: test_input_stream_framing.c; limits,
 * peers and ports: test_input_stream_connections.c.
 */
#include <netinet/tcp.h>

#include "input_stream_fixture.h"

/* --- complete and in order --------------------------------------------------------------------------------------- */

enum { MESSAGES = 10000, SENDERS = 4 };

struct sender {
	pthread_t thread;
	unsigned index;
	bool is_counted;
};

static void *send_messages(void *context)
{
	struct sender *sender = context;
	int fd = rig_connect(&rig, SOCK_STREAM);
	for (unsigned i = 0; i < MESSAGES / SENDERS; i++) {
		char message[128], frame[160];
		int len = snprintf(message, sizeof message, "<13>1 - - app - - - sender %u number %u", sender->index, i);
		if (sender->is_counted)
			len = snprintf(frame, sizeof frame, "%d %s", len, message);
		else
			len = snprintf(frame, sizeof frame, "%s\n", message);
		rig_send_octets(fd, frame, (size_t)len);
	}
	close(fd);
	return NULL;
}

static void assert_all_in_order(void)
{
	struct rig_order order = {.senders = SENDERS};
	ck_assert_uint_eq(rig_read(&rig, rig_check_order, &order), MESSAGES);
	for (unsigned i = 0; i < SENDERS; i++)
		ck_assert_uint_eq(order.next[i], MESSAGES / SENDERS);
	struct input_status status = rig_status(&rig);
	ck_assert_uint_eq(status.received, MESSAGES);
	ck_assert_uint_eq(status.connections_total, SENDERS);
	ck_assert_uint_eq(status.truncated, 0);
	ck_assert_uint_eq(status.protocol_errors, 0);
}

static void send_from_all(bool is_counted)
{
	struct sender senders[SENDERS];
	for (unsigned i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){.index = i, .is_counted = is_counted};
		pthread_create(&senders[i].thread, NULL, send_messages, &senders[i]);
	}
	for (unsigned i = 0; i < SENDERS; i++)
		pthread_join(senders[i].thread, NULL);
	RIG_WAIT(rig_status(&rig).connections == 0);
	rig_finish(&rig);
}

START_TEST(ten_thousand_counted_messages_of_four_senders_arrive_in_order)
{
	rig_open(&rig, (struct rig_options){.workers = 2});
	rig_start(&rig, "tcp", "listen", "127.0.0.1:0", NULL);
	send_from_all(true);
	assert_all_in_order();
	close_rig();
}
END_TEST

START_TEST(ten_thousand_lines_of_four_senders_arrive_in_order)
{
	rig_open(&rig, (struct rig_options){.workers = 2});
	rig_start(&rig, "tcp", "listen", "127.0.0.1:0", NULL);
	send_from_all(false);
	assert_all_in_order();
	close_rig();
}
END_TEST

/* --- acknowledgements -------------------------------------------------------------------------------------------- */

/* The input's own end of the connection: a socket of this process whose peer is our end. */
static int other_end_of(int fd)
{
	struct sockaddr_in our = {0}, peer = {0};
	socklen_t len = sizeof our;
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&our, &len), 0);
	for (int other = 0; other < 1024; other++) {
		len = sizeof peer;
		if (getpeername(other, (struct sockaddr *)&peer, &len) == 0 && len == sizeof peer && peer.sin_port == our.sin_port)
			return other;
	}
	ck_abort_msg("the input has not accepted the connection");
}

static double milliseconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double milliseconds_to_acknowledge(int fd, const char *text)
{
	struct tcp_info info;
	socklen_t size = sizeof info;
	double began = milliseconds_now();
	rig_send(fd, text);
	do {
		usleep(500);
		ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
	} while (info.tcpi_unacked > 0);
	return milliseconds_now() - began;
}

/* The kernel is told to delay its acknowledgements, as it does unasked now and then: each would take 40 ms. */
START_TEST(what_is_read_is_acknowledged_at_once)
{
	enum { ROUNDS = 20 };
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "tcp", "listen", "127.0.0.1:0", NULL);
	int fd = rig_connect(&rig, SOCK_STREAM), off = 0, late = 0;
	rig_send(fd, "<13>first\n");
	RIG_WAIT(rig_status(&rig).received == 1);
	int other = other_end_of(fd);
	for (int i = 0; i < ROUNDS; i++) {
		ck_assert_int_eq(setsockopt(other, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off), 0);
		late += milliseconds_to_acknowledge(fd, "<13>text\n") >= 30;
	}
	close(fd);
	ck_assert_int_lt(late, ROUNDS / 2); /* a busy machine makes one or another late */
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

/* --- a full spool ------------------------------------------------------------------------------------------------ */

enum { LARGE_BYTES = 9000, SMALL_BYTES = 1000 }; /* around a limit of 8 KiB */

/* Lines and counted frames in turn, every other frame too long. */
static void *send_mixed(void *context)
{
	struct sender *sender = context;
	char text[LARGE_BYTES + 16];
	int fd = rig_connect(&rig, SOCK_STREAM);
	for (unsigned i = 0; i < MESSAGES / SENDERS; i++) {
		size_t size = i % 4 < 2 ? SMALL_BYTES : LARGE_BYTES;
		size_t head = i % 2 == 0 ? (size_t)snprintf(text, sizeof text, "%zu ", size) : 0;
		memset(text + head, 'x', size);
		int len = snprintf(text + head, size, "<13>sender %u number %u", sender->index, i);
		text[head + (size_t)len] = ' ';
		text[head + size] = '\n';
		rig_send_octets(fd, text, head + size + 1);
	}
	close(fd);
	return NULL;
}

/* Delivers everything that is stored: its segments may be used again. Counts the records in order. */
static uint64_t drain(struct spool_reader *reader, struct rig_order *order)
{
	static struct envelope_context unpacking;
	uint64_t count = 0;
	struct spool_view view;
	while (spool_read(reader, &view) == SPOOL_READ_BLOCK) {
		struct bytes records = view.records, record;
		envelope_context_start(&unpacking, view.base_ns);
		while (spool_record_next(&records, &record)) {
			struct envelope envelope;
			ck_assert(envelope_unpack(&unpacking, record, &envelope));
			rig_check_order(order, &envelope);
			count++;
		}
		struct spool_output_totals totals = {.delivered = view.last};
		spool_cursor_deliver(rig.cursor, view.last, &view, &totals);
	}
	return count;
}

START_TEST(a_full_spool_pauses_all_connections_and_loses_nothing)
{
	rig_open(&rig, (struct rig_options){
		.max_size_bytes = 4 << 20, .reserve_bytes = 512 << 10, .segment_size_bytes = 512 << 10,
		.block_size_bytes = 64 << 10, .blocks_per_worker = 4,
	});
	rig_start(&rig, "tcp", "listen", "127.0.0.1:0", "max_message_size", "8KiB", NULL);
	struct sender senders[SENDERS];
	for (unsigned i = 0; i < SENDERS; i++) {
		senders[i].index = i;
		pthread_create(&senders[i].thread, NULL, send_mixed, &senders[i]);
	}
	RIG_WAIT(strcmp(rig_status(&rig).state, "paused: spool full") == 0);
	usleep(200000); /* the one that was being taken when it paused may still come */
	uint64_t received = rig_status(&rig).received;
	usleep(200000);
	ck_assert_uint_eq(rig_status(&rig).received, received);
	ck_assert_uint_lt(received, MESSAGES);

	struct rig_order order = {.senders = SENDERS};
	struct spool_reader *reader = spool_reader_open(rig.spool, 1);
	uint64_t count = 0;
	RIG_WAIT((count += drain(reader, &order)) == MESSAGES);
	for (unsigned i = 0; i < SENDERS; i++)
		pthread_join(senders[i].thread, NULL);
	spool_reader_close(&reader);
	RIG_WAIT(rig_status(&rig).connections == 0);
	struct spool_input_totals totals;
	spool_input_totals(rig.spool, rig.spool_index, &totals);
	ck_assert_uint_eq(totals.stored, MESSAGES);
	ck_assert_uint_eq(rig_status(&rig).truncated, MESSAGES / 2);
	for (unsigned i = 0; i < SPOOL_DROP_REASONS; i++)
		ck_assert_uint_eq(totals.dropped[i], 0);
	rig_finish(&rig);
	close_rig();
}
END_TEST

/* --- stopping ---------------------------------------------------------------------------------------------------- */

START_TEST(what_the_kernel_had_taken_for_us_is_stored_at_our_stop)
{
	open_one("auto", "64KiB");
	int fd = rig_connect(&rig, SOCK_STREAM);
	rig_send(fd, "<13>first\n");
	RIG_WAIT(rig_status(&rig).received == 1);
	worker_post(rig.w[0].worker, rig_sleep, NULL);
	for (unsigned i = 0; i < 100; i++)
		rig_send(fd, "<13>while the worker sleeps\n");
	rig_finish(&rig);
	ck_assert_uint_eq(rig_status(&rig).received, 101);
	ck_assert_uint_eq(rig_read(&rig, NULL, NULL), 101);
	close(fd);
	close_rig();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("input_stream");
	TCase *tests = tcase_create("tcp");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, ten_thousand_counted_messages_of_four_senders_arrive_in_order);
	tcase_add_test(tests, ten_thousand_lines_of_four_senders_arrive_in_order);
	tcase_add_test(tests, what_is_read_is_acknowledged_at_once);
	tcase_add_test(tests, a_full_spool_pauses_all_connections_and_loses_nothing);
	tcase_add_test(tests, what_the_kernel_had_taken_for_us_is_stored_at_our_stop);
	suite_add_tcase(suite, tests);
	return rig_run(suite);
}
