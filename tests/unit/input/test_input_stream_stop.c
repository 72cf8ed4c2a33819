/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver tcp at our stop: what the kernel has acknowledged for us is stored, as long as that takes within its bound, or
 * is counted. Its senders believe it to be delivered, and send nothing again. The bounds are shorter here than in a relay,
 * and so is the time of a sync on the slow disk.
 */
#include <fcntl.h>
#include <netinet/tcp.h>

#include "input/stream_server.h"
#include "input_stream_fixture.h"

/* What the kernel takes for each sender is its own affair: between a hundred kilobytes and some megabytes. */
enum { LINE_BYTES = 1000, SENDERS = 12, FULL_SENDERS = 3, ENOUGH_BYTES = 150 * LINE_BYTES };

/* A sync takes SYNC_MS, with a quarter of a mebibyte in it. */
enum { SYNC_MS = 300, STOP_MS = 1000, DRAIN_MS = 2400 };

/* A spool with room for so much, whose writer takes a quarter of a mebibyte at a time. */
static void open_with(uint64_t max_size_bytes)
{
	rig_open(&rig, (struct rig_options){
		.max_size_bytes = max_size_bytes, .reserve_bytes = max_size_bytes / 8,
		.segment_size_bytes = (uint32_t)(max_size_bytes / 8), .block_size_bytes = 64 << 10, .blocks_per_worker = 4,
	});
	rig_start(&rig, "tcp", "listen", "127.0.0.1:0", NULL);
	struct stream_server *server = (struct stream_server *)rig.input;
	server->stop_ns = STOP_MS * (uint64_t)CLOCK_NS_PER_MS;
	server->drain_ns = DRAIN_MS * (uint64_t)CLOCK_NS_PER_MS;
}

/* Sends whole lines over all of them in turns, `bytes` over each at the most, or until none takes any more. */
static void send_lines(const int *fds, unsigned count, size_t bytes)
{
	static char line[LINE_BYTES];
	size_t sent[SENDERS] = {0};
	memset(line, 'x', sizeof line - 1);
	memcpy(line, "<13>", 4);
	line[sizeof line - 1] = '\n';
	for (unsigned i = 0; i < count; i++)
		ck_assert_int_eq(fcntl(fds[i], F_SETFL, O_NONBLOCK), 0);
	for (unsigned refused = 0; refused < 500; refused++) {
		bool is_all_sent = true;
		for (unsigned i = 0; i < count; i++) {
			ssize_t put = 1;
			while (put > 0 && sent[i] < bytes) {
				size_t at = sent[i] % LINE_BYTES;
				put = send(fds[i], line + at, LINE_BYTES - at, MSG_NOSIGNAL);
				sent[i] += put > 0 ? (size_t)put : 0;
				refused = put > 0 ? 0 : refused;
			}
			is_all_sent &= sent[i] >= bytes;
		}
		if (is_all_sent)
			return;
		usleep(1000);
	}
}

static void connect_all(int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		fds[i] = rig_connect(&rig, SOCK_STREAM);
}

/* Lines that the input's kernel has acknowledged, a begun one included. */
static uint64_t acknowledged_lines(int fd)
{
	enum { BYTES_ACKED_AT = 120 }; /* tcpi_bytes_acked, which the C library's struct tcp_info does not have */
	uint8_t info[256];
	uint64_t acked;
	socklen_t size = sizeof info;
	ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &size), 0);
	memcpy(&acked, info + BYTES_ACKED_AT, sizeof acked);
	return (acked - 1 + LINE_BYTES - 1) / LINE_BYTES; /* the connection's beginning counts as one */
}

/* The same of all of them, which are closed. */
static uint64_t acknowledged_by(const int *fds, unsigned count)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < count; i++) {
		sum += acknowledged_lines(fds[i]);
		close(fds[i]);
	}
	return sum;
}

static uint64_t stored(void)
{
	struct spool_input_totals totals;
	spool_input_totals(rig.spool, rig.spool_index, &totals);
	return totals.stored;
}

/* Stops while each sync takes SYNC_MS. Returns how long the stop took. */
static uint64_t stop_with_slow_syncs(void)
{
	uint64_t begun = clock_monotonic_ns();
	rig_begin_stop(&rig);
	while (!atomic_load(&rig.is_stopped)) {
		ck_assert_uint_lt(clock_monotonic_ns() - begun, RIG_WAIT_SECONDS * CLOCK_NS_PER_SECOND);
		held_disk_allow_one(&rig.disk);
		usleep(SYNC_MS * 1000);
	}
	uint64_t took = clock_monotonic_ns() - begun;
	held_disk_set(&rig.disk, false);
	RIG_WAIT(rig_settled(&rig) == rig_status(&rig).received);
	return took;
}

/* What the kernel holds for us needs several times as long as our stop would wait without progress. */
START_TEST(our_stop_goes_on_while_what_was_acknowledged_is_being_stored)
{
	int fds[SENDERS];
	open_with(64 << 20);
	((struct stream_server *)rig.input)->drain_ns = CONNECTION_DRAIN_NS;
	connect_all(fds, SENDERS);
	held_disk_set(&rig.disk, true);
	send_lines(fds, SENDERS, ENOUGH_BYTES);
	ck_assert_uint_gt(stop_with_slow_syncs(), (STOP_MS + SYNC_MS) * (uint64_t)CLOCK_NS_PER_MS);
	ck_assert_uint_eq(stored(), acknowledged_by(fds, SENDERS));
	rig_close(&rig);
}
END_TEST

/* There is no room, and none comes: each message that was acknowledged is stored or counted, whole or begun. */
START_TEST(what_a_full_spool_cannot_take_at_our_stop_is_counted)
{
	int fds[FULL_SENDERS];
	open_with(4 << 20);
	connect_all(fds, FULL_SENDERS);
	send_lines(fds, FULL_SENDERS, SIZE_MAX);
	ck_assert_str_eq(rig_status(&rig).state, "paused: spool full");
	uint64_t begun = clock_monotonic_ns();
	rig_finish(&rig);
	ck_assert_uint_lt(clock_monotonic_ns() - begun, 6 * CLOCK_NS_PER_SECOND);
	ck_assert_uint_gt(rig_dropped(&rig, SPOOL_DROP_SPOOL_FULL), 0);
	ck_assert_uint_eq(stored() + rig_dropped(&rig, SPOOL_DROP_SPOOL_FULL), acknowledged_by(fds, FULL_SENDERS));
	rig_close(&rig);
}
END_TEST

/* Peers that have left while they waited, and of which only their last octets are here. */
START_TEST(what_peers_that_have_left_sent_last_is_counted_at_our_stop)
{
	open_with(4 << 20);
	int first = rig_connect(&rig, SOCK_STREAM);
	send_lines(&first, 1, SIZE_MAX);
	int second = rig_connect(&rig, SOCK_STREAM);
	send_lines(&second, 1, 10 * LINE_BYTES);
	rig_send(second, "<13>begun");
	close(second);
	rig_finish(&rig);
	ck_assert_uint_eq(stored() + rig_dropped(&rig, SPOOL_DROP_SPOOL_FULL), acknowledged_by(&first, 1) + 11);
	rig_close(&rig);
}
END_TEST

/* A loss is told by its source: what is given up is read for the HOSTNAME that it says. */
START_TEST(what_our_stop_gives_up_is_counted_under_its_hostname)
{
	open_with(4 << 20);
	int first = rig_connect(&rig, SOCK_STREAM);
	send_lines(&first, 1, SIZE_MAX);
	int second = rig_connect(&rig, SOCK_STREAM);
	rig_send(second, "<13>1 - web17 app - - - first\n<13>1 - web18 app - - - second\n<13>1 - web17 app - - - third\n");
	rig_finish(&rig);
	ck_assert_uint_eq(rig_dropped_of(&rig, "web17", SPOOL_DROP_SPOOL_FULL), 2);
	ck_assert_uint_eq(rig_dropped_of(&rig, "web18", SPOOL_DROP_SPOOL_FULL), 1);
	close(first);
	close(second);
	rig_close(&rig);
}
END_TEST

/* However slowly the disk goes on, our stop has a bound. */
START_TEST(our_stop_ends_at_its_bound_and_counts_what_is_left)
{
	int fds[SENDERS];
	open_with(64 << 20);
	held_disk_set(&rig.disk, true);
	connect_all(fds, SENDERS);
	send_lines(fds, SENDERS, SIZE_MAX);
	ck_assert_uint_le(stop_with_slow_syncs(), DRAIN_MS * (uint64_t)CLOCK_NS_PER_MS + 5 * CLOCK_NS_PER_SECOND);
	ck_assert_uint_gt(rig_dropped(&rig, SPOOL_DROP_NO_BUFFER), 0);
	ck_assert_uint_eq(rig_settled(&rig), acknowledged_by(fds, SENDERS));
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("input_stream_stop");
	TCase *tests = tcase_create("stop");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, our_stop_goes_on_while_what_was_acknowledged_is_being_stored);
	tcase_add_test(tests, what_a_full_spool_cannot_take_at_our_stop_is_counted);
	tcase_add_test(tests, what_peers_that_have_left_sent_last_is_counted_at_our_stop);
	tcase_add_test(tests, what_our_stop_gives_up_is_counted_under_its_hostname);
	tcase_add_test(tests, our_stop_ends_at_its_bound_and_counts_what_is_left);
	suite_add_tcase(suite, tests);
	return rig_run(suite);
}
