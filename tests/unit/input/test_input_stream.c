/* SPDX-License-Identifier: Apache-2.0 */
/* The drivers tcp and tls, and with them what all inputs with connections share: real sockets, real workers, real spool. */
#include "rig.h"
#include "rig_records.h"
#include "rig_senders.h"

#include <netinet/tcp.h>

#include "net/stream.h"

static struct rig rig;

static void close_rig(void)
{
	rig_close(&rig);
}

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

START_TEST(connections_go_to_the_worker_with_the_fewest)
{
	int fds[8];
	rig_open(&rig, (struct rig_options){.workers = 4});
	rig_start(&rig, "tcp", "listen", "127.0.0.1:0", NULL);
	for (unsigned i = 0; i < 8; i++)
		fds[i] = rig_connect(&rig, SOCK_STREAM);
	RIG_WAIT(rig_status(&rig).connections == 8);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(atomic_load(&rig.input_workers[i].connections), 2);
	for (unsigned i = 0; i < 8; i++)
		close(fds[i]);
	rig_finish(&rig);
	close_rig();
}
END_TEST

/* --- framing ----------------------------------------------------------------------------------------------------- */

static void open_one(const char *framing, const char *max_message_size)
{
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "tcp", "listen", "127.0.0.1:0", "framing", framing, "max_message_size", max_message_size, NULL);
}

static void assert_record(uint64_t index, const char *text, bool is_truncated)
{
	const struct rig_one *one = rig_record(&rig, index);
	ck_assert_str_eq(one->text, text);
	ck_assert_uint_eq((one->envelope.message.flags & MESSAGE_TRUNCATED) != 0, is_truncated);
}

static void shrink_budget(void *context)
{
	struct rig_worker *w = context;
	stream_set_pending_budget(w->worker, 20000);
}

/* Three peers, each with half a message of 9,000 octets, where there is memory for two. */
START_TEST(an_unfinished_frame_that_the_budget_ends_is_counted)
{
	static char half[9000];
	int fds[3];
	memset(half, 'x', sizeof half);
	memcpy(half, "20000 <13>", 10);
	rig_open(&rig, (struct rig_options){0});
	worker_call(rig.w[0].worker, shrink_budget, &rig.w[0]);
	rig_start(&rig, "tcp", "listen", "127.0.0.1:0", NULL);
	for (int i = 0; i < 3; i++) {
		fds[i] = rig_connect(&rig, SOCK_STREAM);
		rig_send_octets(fds[i], half, sizeof half);
		RIG_WAIT(rig_status(&rig).connections_total == (unsigned)i + 1);
		usleep(50 * 1000);
	}
	ck_assert(rig_is_closed(fds[0])); /* the slowest */
	RIG_WAIT(rig_status(&rig).connections == 2);
	ck_assert_uint_eq(rig_status(&rig).protocol_errors, 1);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	RIG_WAIT(rig_status(&rig).connections == 0);
	rig_finish(&rig);
	ck_assert_uint_eq(rig_status(&rig).received, 3); /* each half is kept */
	close_rig();
}
END_TEST

/* Whoever sends the beginning of a message holds no block of the pool: there are four, and fifty such peers. */
START_TEST(peers_with_an_unfinished_frame_do_not_use_up_the_blocks)
{
	enum { PEERS = 50 };
	int fds[PEERS];
	rig_open(&rig, (struct rig_options){.blocks_per_worker = 4});
	rig_start(&rig, "tcp", "listen", "127.0.0.1:0", NULL);
	for (unsigned i = 0; i < PEERS; i++) {
		fds[i] = rig_connect(&rig, SOCK_STREAM);
		rig_send(fds[i], "100 <13>the beginning of");
	}
	RIG_WAIT(rig_status(&rig).connections == PEERS);
	int fd = rig_connect(&rig, SOCK_STREAM);
	rig_send(fd, "<13>a whole one\n");
	RIG_WAIT(spool_stored(rig.spool) == 1);
	close(fd);
	for (unsigned i = 0; i < PEERS; i++)
		close(fds[i]);
	RIG_WAIT(rig_status(&rig).connections == 0);
	rig_finish(&rig);
	ck_assert_uint_eq(rig_status(&rig).received, PEERS + 1); /* the beginnings are kept, when their peers close */
	close_rig();
}
END_TEST

START_TEST(messages_split_at_every_octet_are_whole)
{
	static const char stream[] = "24 <13>counted with LF \n ok<13>a line\r\n7 <13>one<13>two\n";
	open_one("auto", "64KiB");
	int fd = rig_connect(&rig, SOCK_STREAM);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	for (size_t i = 0; i < sizeof stream - 1; i++) {
		rig_send_octets(fd, stream + i, 1);
		if (i % 8 == 0)
			usleep(500);
	}
	close(fd);
	RIG_WAIT(rig_status(&rig).received == 4);
	rig_finish(&rig);
	assert_record(0, "<13>counted with LF \n ok", false);
	assert_record(1, "<13>a line", false);
	assert_record(2, "<13>one", false);
	assert_record(3, "<13>two", false);
	ck_assert_uint_eq(rig_record(&rig, 0)->envelope.peer.transport, TRANSPORT_TCP);
	ck_assert_uint_eq(rig_record(&rig, 0)->envelope.peer.address[15], 1);
	close_rig();
}
END_TEST

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

START_TEST(an_oversized_frame_is_one_message_and_the_next_is_whole)
{
	char big[9028];
	open_one("auto", "480");
	int fd = rig_connect(&rig, SOCK_STREAM);
	memset(big, 'x', sizeof big);
	memcpy(big, "<13>", 4);
	rig_send(fd, "9028 ");
	rig_send_octets(fd, big, sizeof big);
	rig_send(fd, "9 <13>after");
	rig_send_octets(fd, big, sizeof big);
	rig_send(fd, "\n<13>after the line\n");
	close(fd);
	RIG_WAIT(rig_status(&rig).connections == 0 && rig_status(&rig).received == 4);
	rig_finish(&rig);
	ck_assert_uint_eq(rig_record(&rig, 0)->envelope.raw.len, 480);
	ck_assert_uint_eq(rig_record(&rig, 2)->envelope.raw.len, 480);
	assert_record(1, "<13>after", false);
	assert_record(3, "<13>after the line", false);
	ck_assert_uint_eq(rig_status(&rig).truncated, 2);
	close_rig();
}
END_TEST

START_TEST(a_last_line_without_LF_is_kept_when_the_peer_closes)
{
	open_one("auto", "64KiB");
	int fd = rig_connect(&rig, SOCK_STREAM);
	rig_send(fd, "<13>first\n<13>last");
	close(fd);
	RIG_WAIT(rig_status(&rig).received == 2);
	rig_finish(&rig);
	assert_record(1, "<13>last", false);
	close_rig();
}
END_TEST

START_TEST(an_incomplete_counted_frame_is_kept_and_flagged_when_the_peer_closes)
{
	open_one("auto", "64KiB");
	int fd = rig_connect(&rig, SOCK_STREAM);
	rig_send(fd, "100 <13>only so far");
	close(fd);
	RIG_WAIT(rig_status(&rig).received == 1);
	rig_finish(&rig);
	assert_record(0, "<13>only so far", true);
	close_rig();
}
END_TEST

START_TEST(forced_octet_counting_ends_a_connection_that_sends_lines)
{
	open_one("octet-counting", "64KiB");
	int fd = rig_connect(&rig, SOCK_STREAM);
	rig_send(fd, "5 <13>a<13>a line\n");
	ck_assert(rig_is_closed(fd));
	close(fd);
	RIG_WAIT(rig_status(&rig).connections == 0);
	struct input_status status = rig_status(&rig);
	ck_assert_uint_eq(status.protocol_errors, 1);
	ck_assert_uint_eq(status.received, 1);
	rig_finish(&rig);
	assert_record(0, "<13>a", false);
	close_rig();
}
END_TEST

START_TEST(forced_lines_take_a_count_for_text)
{
	open_one("non-transparent", "64KiB");
	int fd = rig_connect(&rig, SOCK_STREAM);
	rig_send(fd, "9 <13>text\n");
	close(fd);
	RIG_WAIT(rig_status(&rig).received == 1);
	rig_finish(&rig);
	assert_record(0, "9 <13>text", false);
	close_rig();
}
END_TEST

START_TEST(a_delimiter_of_the_operator_ends_messages)
{
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "tcp", "listen", "127.0.0.1:0", "delimiter", "|", NULL);
	int fd = rig_connect(&rig, SOCK_STREAM);
	rig_send(fd, "<13>one|<13>two\n");
	close(fd);
	RIG_WAIT(rig_status(&rig).received == 2);
	rig_finish(&rig);
	assert_record(0, "<13>one", false);
	assert_record(1, "<13>two", false);
	close_rig();
}
END_TEST

/* --- connections ------------------------------------------------------------------------------------------------- */

START_TEST(connections_over_the_limit_are_closed_and_counted)
{
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "tcp", "listen", "127.0.0.1:0", "max_connections", "2", NULL);
	int first = rig_connect(&rig, SOCK_STREAM);
	int second = rig_connect(&rig, SOCK_STREAM);
	RIG_WAIT(rig_status(&rig).connections == 2);
	int third = rig_connect(&rig, SOCK_STREAM);
	ck_assert(rig_is_closed(third));
	RIG_WAIT(rig_status(&rig).connections_refused == 1);
	close(first);
	RIG_WAIT(rig_status(&rig).connections == 1);
	int fourth = rig_connect(&rig, SOCK_STREAM);
	rig_send(fourth, "<13>taken\n");
	RIG_WAIT(rig_status(&rig).received == 1);
	ck_assert_uint_eq(rig_status(&rig).connections_total, 3);
	close(second);
	close(third);
	close(fourth);
	rig_finish(&rig);
	close_rig();
}
END_TEST

START_TEST(peers_that_are_not_allowed_are_refused_and_counted)
{
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "tcp", "listen", "127.0.0.1:0", "allowed_peers", "10.0.0.0/8", "allowed_peers", "2001:db8::/32", NULL);
	int fd = rig_connect(&rig, SOCK_STREAM);
	ck_assert(rig_is_closed(fd));
	close(fd);
	RIG_WAIT(rig_status(&rig).connections_refused == 1);
	ck_assert_uint_eq(rig_status(&rig).connections_total, 0);
	rig_finish(&rig);
	close_rig();
}
END_TEST

START_TEST(peers_that_are_allowed_are_taken)
{
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "tcp", "listen", "127.0.0.1:0", "allowed_peers", "10.0.0.0/8", "allowed_peers", "127.0.0.0/8", NULL);
	int fd = rig_connect(&rig, SOCK_STREAM);
	rig_send(fd, "<13>taken\n");
	RIG_WAIT(rig_status(&rig).received == 1);
	close(fd);
	rig_finish(&rig);
	close_rig();
}
END_TEST

START_TEST(an_idle_connection_is_closed_after_the_time_out_and_a_busy_one_is_not)
{
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "tcp", "listen", "127.0.0.1:0", "idle_timeout", "400ms", NULL);
	int idle = rig_connect(&rig, SOCK_STREAM);
	int busy = rig_connect(&rig, SOCK_STREAM);
	uint64_t begun = clock_monotonic_ns();
	for (unsigned i = 0; i < 12; i++) {
		rig_send(busy, "<13>still here\n");
		usleep(100000);
	}
	ck_assert(rig_is_readable(idle, 0)); /* its end */
	ck_assert(!rig_is_readable(busy, 0));
	ck_assert(rig_is_closed(idle));
	ck_assert_uint_ge(clock_monotonic_ns() - begun, 400 * CLOCK_NS_PER_MS);
	close(idle);
	close(busy);
	RIG_WAIT(rig_status(&rig).connections == 0);
	ck_assert_uint_eq(rig_status(&rig).received, 12);
	rig_finish(&rig);
	close_rig();
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

START_TEST(a_frame_unfinished_at_our_stop_is_kept_and_flagged)
{
	open_one("auto", "64KiB");
	int fd = rig_connect(&rig, SOCK_STREAM);
	rig_send(fd, "<13>whole\n<13>in the middle of");
	RIG_WAIT(rig_status(&rig).received == 1);
	rig_finish(&rig);
	ck_assert(rig_is_closed(fd));
	close(fd);
	ck_assert_uint_eq(rig_status(&rig).received, 2);
	assert_record(0, "<13>whole", false);
	assert_record(1, "<13>in the middle of", true);
	close_rig();
}
END_TEST

static void sleep_a_while(void *context)
{
	(void)context;
	usleep(300000);
}

START_TEST(what_the_kernel_had_taken_for_us_is_stored_at_our_stop)
{
	open_one("auto", "64KiB");
	int fd = rig_connect(&rig, SOCK_STREAM);
	rig_send(fd, "<13>first\n");
	RIG_WAIT(rig_status(&rig).received == 1);
	worker_post(rig.w[0].worker, sleep_a_while, NULL);
	for (unsigned i = 0; i < 100; i++)
		rig_send(fd, "<13>while the worker sleeps\n");
	rig_finish(&rig);
	ck_assert_uint_eq(rig_status(&rig).received, 101);
	ck_assert_uint_eq(rig_read(&rig, NULL, NULL), 101);
	close(fd);
	close_rig();
}
END_TEST

START_TEST(an_input_that_was_never_started_is_closed)
{
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "tcp", "listen", "127.0.0.1:0", NULL);
	void *settings = calloc(1, rig.driver->settings_size);
	char error[INPUT_ERROR_MAX_BYTES], listen[32];
	rig_find_port(SOCK_STREAM, listen, sizeof listen);
	option_set_presets(rig.driver->options, settings);
	option_set_text(option_find(rig.driver->options, "listen"), settings, listen, error);
	struct input_setup setup = {
		.settings = settings, .name = "second", .workers = rig.input_workers, .workers_count = 1,
	};
	struct input *second = rig.driver->open(&setup, error);
	ck_assert_ptr_nonnull(second);
	rig.driver->close(&second);
	ck_assert_ptr_null(second);
	option_free(rig.driver->options, settings);
	free(settings);
	rig_finish(&rig);
	close_rig();
}
END_TEST

START_TEST(a_port_in_use_is_said)
{
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "tcp", "listen", "127.0.0.1:0", NULL);
	char listen[32], error[INPUT_ERROR_MAX_BYTES];
	snprintf(listen, sizeof listen, "127.0.0.1:%u", rig_port(&rig));
	void *settings = calloc(1, rig.driver->settings_size);
	option_set_presets(rig.driver->options, settings);
	option_set_text(option_find(rig.driver->options, "listen"), settings, listen, error);
	struct input_setup setup = {
		.settings = settings, .name = "second", .workers = rig.input_workers, .workers_count = 1,
	};
	ck_assert_ptr_null(rig.driver->open(&setup, error));
	ck_assert_ptr_nonnull(strstr(error, listen));
	option_free(rig.driver->options, settings);
	free(settings);
	rig_finish(&rig);
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
	tcase_add_test(tests, connections_go_to_the_worker_with_the_fewest);
	tcase_add_test(tests, an_unfinished_frame_that_the_budget_ends_is_counted);
	tcase_add_test(tests, peers_with_an_unfinished_frame_do_not_use_up_the_blocks);
	tcase_add_test(tests, messages_split_at_every_octet_are_whole);
	tcase_add_test(tests, what_is_read_is_acknowledged_at_once);
	tcase_add_test(tests, an_oversized_frame_is_one_message_and_the_next_is_whole);
	tcase_add_test(tests, a_last_line_without_LF_is_kept_when_the_peer_closes);
	tcase_add_test(tests, an_incomplete_counted_frame_is_kept_and_flagged_when_the_peer_closes);
	tcase_add_test(tests, forced_octet_counting_ends_a_connection_that_sends_lines);
	tcase_add_test(tests, forced_lines_take_a_count_for_text);
	tcase_add_test(tests, a_delimiter_of_the_operator_ends_messages);
	tcase_add_test(tests, connections_over_the_limit_are_closed_and_counted);
	tcase_add_test(tests, peers_that_are_not_allowed_are_refused_and_counted);
	tcase_add_test(tests, peers_that_are_allowed_are_taken);
	tcase_add_test(tests, an_idle_connection_is_closed_after_the_time_out_and_a_busy_one_is_not);
	tcase_add_test(tests, a_full_spool_pauses_all_connections_and_loses_nothing);
	tcase_add_test(tests, a_frame_unfinished_at_our_stop_is_kept_and_flagged);
	tcase_add_test(tests, what_the_kernel_had_taken_for_us_is_stored_at_our_stop);
	tcase_add_test(tests, an_input_that_was_never_started_is_closed);
	tcase_add_test(tests, a_port_in_use_is_said);
	suite_add_tcase(suite, tests);
	return rig_run(suite);
}
