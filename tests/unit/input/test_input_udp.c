/* SPDX-License-Identifier: Apache-2.0 */
/* The driver udp: what arrives, in which order, and that everything that does not is counted under its reason. */
#include "input/datagram_input.h"
#include "rig.h"
#include "rig_records.h"
#include "rig_senders.h"

#include <netinet/udp.h>
#include <sys/syscall.h>

enum { MESSAGES = 10000, SENDERS = 4 };

static struct rig rig;

static void *send_messages(void *context)
{
	unsigned sender = *(unsigned *)context;
	int fd = rig_connect(&rig, SOCK_DGRAM);
	for (unsigned i = 0; i < MESSAGES / SENDERS; i++) {
		char message[80];
		int len = snprintf(message, sizeof message, "<13>1 - - app - - - sender %u number %u", sender, i);
		rig_send_octets(fd, message, (size_t)len);
	}
	close(fd);
	return NULL;
}

START_TEST(ten_thousand_messages_of_four_senders_arrive_in_order)
{
	pthread_t threads[SENDERS];
	unsigned indexes[SENDERS];
	struct rig_order order = {.senders = SENDERS};
	rig_open(&rig, (struct rig_options){.workers = 2});
	rig_start(&rig, "udp", "listen", "127.0.0.1:0", NULL);
	for (unsigned i = 0; i < SENDERS; i++) {
		indexes[i] = i;
		pthread_create(&threads[i], NULL, send_messages, &indexes[i]);
	}
	for (unsigned i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	rig_finish(&rig);
	struct input_status status = rig_status(&rig);
	ck_assert_uint_eq(status.received, MESSAGES);
	ck_assert_uint_eq(status.kernel_drops, 0);
	ck_assert_uint_eq(rig_read(&rig, rig_check_order, &order), MESSAGES);
	const struct rig_one *one = rig_record(&rig, 0);
	ck_assert_uint_eq(one->envelope.peer.transport, TRANSPORT_UDP);
	ck_assert_uint_ne(one->envelope.peer.port, 0);
	ck_assert_uint_eq(one->envelope.peer.address[12], 127);
	rig_close(&rig);
}
END_TEST

START_TEST(peers_that_are_not_allowed_are_counted)
{
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "udp", "listen", "127.0.0.1:0", "allowed_peers", "192.0.2.0/24", NULL);
	int fd = rig_connect(&rig, SOCK_DGRAM);
	for (unsigned i = 0; i < 17; i++)
		rig_send(fd, "<13>not for us");
	rig_finish(&rig);
	ck_assert_uint_eq(rig_dropped(&rig, SPOOL_DROP_PEER_NOT_ALLOWED), 17);
	ck_assert_uint_eq(spool_stored(rig.spool), 0);
	close(fd);
	rig_close(&rig);
}
END_TEST

static int socket_of_input(void)
{
	return ((struct datagram_input *)rig.input)->parts[0].fd;
}

/* Sends from the input's own socket to a port where nobody listens. */
static void provoke_error(void *context)
{
	const struct sockaddr_in *nobody = context;
	ck_assert_int_eq(connect(socket_of_input(), (const struct sockaddr *)nobody, sizeof *nobody), 0);
	ck_assert_int_eq(send(socket_of_input(), "x", 1, MSG_NOSIGNAL), 1);
}

static void undo_connect(void *context)
{
	const struct sockaddr none = {.sa_family = AF_UNSPEC};
	(void)context;
	ck_assert_int_eq(connect(socket_of_input(), &none, sizeof none), 0);
}

/* libuv stops a handle whose socket has an error that the kernel notes: it must not be the end of the input. */
START_TEST(an_error_of_the_socket_does_not_make_the_input_deaf)
{
	char closed[32];
	struct sockaddr_in nobody = {.sin_family = AF_INET};
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "udp", "listen", "127.0.0.1:0", NULL);
	rig_find_port(SOCK_DGRAM, closed, sizeof closed);
	nobody.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	nobody.sin_port = htons((uint16_t)atoi(strchr(closed, ':') + 1));
	int fd = rig_connect(&rig, SOCK_DGRAM);
	worker_call(rig.w[0].worker, provoke_error, &nobody);
	usleep(100000);
	worker_call(rig.w[0].worker, undo_connect, NULL);
	rig_send(fd, "<13>still here?");
	RIG_WAIT(rig_status(&rig).received == 1);
	close(fd);
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

/* Whether the part waits for the kernel's word, and for nothing else that would wake it. */
static void read_waiting(void *context)
{
	const struct datagram_part *part = &((struct datagram_input *)rig.input)->parts[0];
	*(bool *)context = uv_is_active((const uv_handle_t *)&part->poll) && !uv_is_active((const uv_handle_t *)&part->rest);
}

/* Somebody sends now and then, with silence between: each message is read, and in silence nothing wakes the input. */
START_TEST(after_each_trickle_the_input_hears_again_and_sleeps)
{
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "udp", "listen", "127.0.0.1:0", "receive_buffer", "64MiB", NULL);
	ck_assert_uint_le(((struct datagram_input *)rig.input)->parts[0].rest_ms, DATAGRAM_REST_MAX_MS);
	int fd = rig_connect(&rig, SOCK_DGRAM);
	for (unsigned round = 1; round <= 5; round++) {
		bool waiting = false;
		rig_send(fd, "<13>first");
		rig_send(fd, "<13>second");
		RIG_WAIT(rig_status(&rig).received == 2 * round);
		RIG_WAIT((worker_call(rig.w[0].worker, read_waiting, &waiting), waiting));
	}
	close(fd);
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

START_TEST(with_a_small_receive_buffer_the_input_never_rests)
{
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "udp", "listen", "127.0.0.1:0", "receive_buffer", "64KiB", NULL);
	ck_assert_uint_eq(((struct datagram_input *)rig.input)->parts[0].rest_ms, 0);
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

START_TEST(a_receive_buffer_of_a_middle_size_allows_a_shorter_rest)
{
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "udp", "listen", "127.0.0.1:0", "receive_buffer", "5MiB", NULL);
	/* 0 where the kernel gave less than was asked for. */
	ck_assert_uint_le(((struct datagram_input *)rig.input)->parts[0].rest_ms, 1);
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

START_TEST(empty_datagrams_are_counted)
{
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "udp", "listen", "127.0.0.1:0", NULL);
	int fd = rig_connect(&rig, SOCK_DGRAM);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(send(fd, "", 0, 0), 0);
	rig_send(fd, "\n"); /* not empty, although no message is in it */
	rig_finish(&rig);
	ck_assert_uint_eq(rig_dropped(&rig, SPOOL_DROP_EMPTY), 3);
	ck_assert_uint_eq(spool_stored(rig.spool), 1);
	close(fd);
	rig_close(&rig);
}
END_TEST

START_TEST(a_datagram_over_the_limit_is_cut_and_flagged)
{
	char big[5000];
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "udp", "listen", "127.0.0.1:0", "max_message_size", "2KiB", NULL);
	int fd = rig_connect(&rig, SOCK_DGRAM);
	memset(big, 'x', sizeof big);
	rig_send_octets(fd, big, sizeof big);
	rig_finish(&rig);
	ck_assert_uint_eq(rig_record(&rig, 0)->envelope.raw.len, 2048);
	ck_assert_uint_ne(rig_record(&rig, 0)->envelope.message.flags & MESSAGE_TRUNCATED, 0);
	ck_assert_uint_eq(rig_status(&rig).truncated, 1);
	close(fd);
	rig_close(&rig);
}
END_TEST

START_TEST(a_trailing_LF_is_kept_in_raw_and_is_no_part_of_MSG)
{
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "udp", "listen", "127.0.0.1:0", NULL);
	int fd = rig_connect(&rig, SOCK_DGRAM);
	rig_send(fd, "<13>1 - - app - - - text\n");
	rig_finish(&rig);
	const struct rig_one *one = rig_record(&rig, 0);
	ck_assert_str_eq(one->text, "<13>1 - - app - - - text\n");
	ck_assert_uint_eq(one->envelope.message.msg.len, 4);
	close(fd);
	rig_close(&rig);
}
END_TEST

/* --- losses in the kernel, and our stop --------------------------------------------------------------------------- */

struct gate {
	_Atomic bool is_closed, has_stopped;
};

static void wait_at_gate(void *context)
{
	struct gate *gate = context;
	atomic_store(&gate->has_stopped, true);
	while (atomic_load(&gate->is_closed))
		usleep(1000);
}

START_TEST(what_the_kernel_drops_is_counted_exactly)
{
	struct gate gate = {.is_closed = true};
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "udp", "listen", "127.0.0.1:0", "receive_buffer", "64KiB", NULL);
	worker_post(rig.w[0].worker, wait_at_gate, &gate);
	RIG_WAIT(atomic_load(&gate.has_stopped));
	int fd = rig_connect(&rig, SOCK_DGRAM);
	for (unsigned i = 0; i < MESSAGES; i++)
		rig_send(fd, "<13>more than the socket's buffer holds");
	atomic_store(&gate.is_closed, false);
	RIG_WAIT(rig_status(&rig).kernel_drops > 0); /* by timer, while it runs */
	rig_finish(&rig);
	struct input_status status = rig_status(&rig);
	ck_assert_uint_gt(status.kernel_drops, 0);
	ck_assert_uint_eq(rig_dropped(&rig, SPOOL_DROP_KERNEL), status.kernel_drops);
	ck_assert_uint_eq(spool_stored(rig.spool) + status.kernel_drops, MESSAGES);
	ck_assert_uint_eq(status.received, MESSAGES);
	close(fd);
	rig_close(&rig);
}
END_TEST

static void *open_gate_soon(void *context)
{
	usleep(200000);
	atomic_store(&((struct gate *)context)->is_closed, false);
	return NULL;
}

START_TEST(our_stop_takes_what_the_kernel_still_has)
{
	struct gate gate = {.is_closed = true};
	pthread_t thread;
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "udp", "listen", "127.0.0.1:0", NULL);
	worker_post(rig.w[0].worker, wait_at_gate, &gate);
	RIG_WAIT(atomic_load(&gate.has_stopped));
	int fd = rig_connect(&rig, SOCK_DGRAM);
	for (unsigned i = 0; i < 500; i++)
		rig_send(fd, "<13>in the kernel's buffer");
	pthread_create(&thread, NULL, open_gate_soon, &gate);
	rig_finish(&rig);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(spool_stored(rig.spool), 500);
	close(fd);
	rig_close(&rig);
}
END_TEST

/* A sender that has another datagram whenever the input has taken one; as many as this. */
static _Atomic int endless_sender = -1;
static _Atomic unsigned endless_left, receives;

/* Whether the kernel says of everything that it has cut it. */
static _Atomic bool cuts;

/* Stands in for libc's. */
int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout)
{
	atomic_fetch_add(&receives, 1);
	if (atomic_load(&endless_sender) >= 0 && atomic_load(&endless_left) > 0) {
		atomic_fetch_sub(&endless_left, 1);
		rig_send(atomic_load(&endless_sender), "<13>one more");
	}
	int received = (int)syscall(SYS_recvmmsg, fd, messages, count, flags, timeout);
	for (int i = 0; atomic_load(&cuts) && i < received; i++)
		messages[i].msg_hdr.msg_flags |= MSG_TRUNC;
	return received;
}

/* What comes while we stop is kept out by the filter, and counted by the kernel: so the end comes, and the sums hold. */
START_TEST(a_sender_that_goes_on_does_not_keep_our_stop_and_is_counted)
{
	enum { AT_MOST = 1000, BEFORE = 10 };
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "udp", "listen", "127.0.0.1:0", NULL);
	int fd = rig_connect(&rig, SOCK_DGRAM);
	for (unsigned i = 0; i < BEFORE; i++)
		rig_send(fd, "<13>before");
	RIG_WAIT(spool_stored(rig.spool) == BEFORE);
	usleep(50 * 1000); /* it does not look for more */
	atomic_store(&endless_left, AT_MOST);
	atomic_store(&receives, 0);
	atomic_store(&endless_sender, fd);
	rig_finish(&rig);
	atomic_store(&endless_sender, -1);
	ck_assert_uint_le(atomic_load(&receives), 3);
	uint64_t sent = BEFORE + AT_MOST - atomic_load(&endless_left);
	ck_assert_uint_gt(sent, BEFORE);
	ck_assert_uint_eq(rig_status(&rig).received, sent);
	ck_assert_uint_eq(rig_dropped(&rig, SPOOL_DROP_KERNEL), sent - spool_stored(rig.spool));
	close(fd);
	rig_close(&rig);
}
END_TEST

/* --- aggregates -------------------------------------------------------------------------------------------------- */

enum { SEGMENT_BYTES = 40, SEGMENTS = 60 };

/* Sends "<13>number 0 ...", each padded to SEGMENT_BYTES, as one aggregate; the last is shorter. */
static void send_aggregate(int fd, unsigned first)
{
	char text[SEGMENTS * SEGMENT_BYTES + 1];
	int segment = SEGMENT_BYTES;
	for (unsigned i = 0; i < SEGMENTS; i++)
		snprintf(text + i * SEGMENT_BYTES, SEGMENT_BYTES + 1, "<13>1 - - app - - - sender 0 number %-4u", first + i);
	size_t len = sizeof text - 1;
	while (text[len - 1] == ' ')
		len--;
	ck_assert_int_eq(setsockopt(fd, SOL_UDP, UDP_SEGMENT, &segment, sizeof segment), 0);
	ck_assert_int_eq(send(fd, text, len, 0), (ssize_t)len);
}

static void start_with_aggregates(const char *option, const char *value)
{
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "udp", "listen", "127.0.0.1:0", "receive_aggregates", "true", option, value, NULL);
}

START_TEST(an_aggregate_becomes_its_messages_in_order_with_one_sender_and_time)
{
	enum { AGGREGATES = 40 };
	struct rig_order order = {.senders = 1};
	start_with_aggregates(NULL, NULL);
	int fd = rig_connect(&rig, SOCK_DGRAM);
	for (unsigned i = 0; i < AGGREGATES; i++)
		send_aggregate(fd, i * SEGMENTS);
	rig_finish(&rig);
	ck_assert_uint_eq(rig_status(&rig).received, AGGREGATES * SEGMENTS);
	ck_assert_uint_eq(rig_read(&rig, rig_check_order, &order), AGGREGATES * SEGMENTS);
	const struct envelope first = rig_record(&rig, 0)->envelope, last = rig_record(&rig, SEGMENTS - 1)->envelope;
	ck_assert_uint_eq(first.raw.len, SEGMENT_BYTES);
	ck_assert_uint_eq(last.raw.len, SEGMENT_BYTES - 2); /* "59" of "59  " */
	ck_assert_int_eq(first.received_ns, last.received_ns);
	ck_assert_mem_eq(first.peer.address, last.peer.address, sizeof first.peer.address);
	ck_assert_uint_eq(first.peer.port, last.peer.port);
	ck_assert_uint_ne(first.peer.port, 0);
	close(fd);
	rig_close(&rig);
}
END_TEST

struct turns {
	struct rig_worker *w;
	uint64_t seen, most; /* messages received: at the end of the last turn, and in one turn at the most */
};

/* Asks for a long rest behind each turn that brought something, too. */
static void look_at_turn(void *context)
{
	struct turns *turns = context;
	rig_on_turn_end(turns->w);
	uint64_t received = rig_status(&rig).received;
	if (received == turns->seen)
		return;
	turns->most = received - turns->seen > turns->most ? received - turns->seen : turns->most;
	turns->seen = received;
	worker_rest(turns->w->worker, clock_monotonic_ns() + 20 * CLOCK_NS_PER_SECOND);
}

static void begin_to_look(void *context)
{
	struct turns *turns = context;
	worker_at_turn_end(turns->w->worker, look_at_turn, turns);
}

/* Before the input is closed: its status is asked for. */
static void end_to_look(void *context)
{
	struct turns *turns = context;
	worker_at_turn_end(turns->w->worker, rig_on_turn_end, turns->w);
}

/* Other sockets of the worker are served in between. */
START_TEST(many_aggregates_are_taken_in_several_turns_without_a_rest)
{
	enum { AGGREGATES = 100, MOST = DATAGRAM_MESSAGES_PER_TURN + DATAGRAM_AGGREGATES_BATCH * SEGMENTS };
	struct gate gate = {.is_closed = true};
	struct turns turns = {.w = &rig.w[0]};
	start_with_aggregates(NULL, NULL);
	worker_call(rig.w[0].worker, begin_to_look, &turns);
	worker_post(rig.w[0].worker, wait_at_gate, &gate);
	RIG_WAIT(atomic_load(&gate.has_stopped));
	int fd = rig_connect(&rig, SOCK_DGRAM);
	for (unsigned i = 0; i < AGGREGATES; i++)
		send_aggregate(fd, i * SEGMENTS);
	uint64_t begun_ns = clock_monotonic_ns();
	atomic_store(&gate.is_closed, false);
	RIG_WAIT(rig_status(&rig).received == AGGREGATES * SEGMENTS);
	ck_assert_uint_lt(clock_monotonic_ns() - begun_ns, 10 * CLOCK_NS_PER_SECOND);
	worker_call(rig.w[0].worker, end_to_look, &turns);
	rig_finish(&rig);
	ck_assert_uint_le(turns.most, MOST);
	close(fd);
	rig_close(&rig);
}
END_TEST

START_TEST(only_the_last_of_a_cut_aggregate_is_flagged)
{
	start_with_aggregates(NULL, NULL);
	int fd = rig_connect(&rig, SOCK_DGRAM);
	atomic_store(&cuts, true);
	send_aggregate(fd, 0);
	rig_finish(&rig);
	atomic_store(&cuts, false);
	ck_assert_uint_eq(rig_status(&rig).received, SEGMENTS);
	ck_assert_uint_eq(rig_status(&rig).truncated, 1);
	ck_assert_uint_eq(rig_record(&rig, 0)->envelope.message.flags & MESSAGE_TRUNCATED, 0);
	ck_assert_uint_ne(rig_record(&rig, SEGMENTS - 1)->envelope.message.flags & MESSAGE_TRUNCATED, 0);
	close(fd);
	rig_close(&rig);
}
END_TEST

START_TEST(each_message_of_an_aggregate_whose_peer_is_not_allowed_is_counted)
{
	start_with_aggregates("allowed_peers", "192.0.2.0/24");
	int fd = rig_connect(&rig, SOCK_DGRAM);
	send_aggregate(fd, 0);
	rig_finish(&rig);
	ck_assert_uint_eq(rig_dropped(&rig, SPOOL_DROP_PEER_NOT_ALLOWED), SEGMENTS);
	ck_assert_uint_eq(spool_stored(rig.spool), 0);
	close(fd);
	rig_close(&rig);
}
END_TEST

/* The kernel counts an aggregate as one: that is said by a reason of its own, and never mixed with the exact one. */
START_TEST(aggregates_that_the_kernel_drops_are_counted_as_such)
{
	enum { AGGREGATES = 200 };
	struct gate gate = {.is_closed = true};
	start_with_aggregates("receive_buffer", "64KiB");
	worker_post(rig.w[0].worker, wait_at_gate, &gate);
	RIG_WAIT(atomic_load(&gate.has_stopped));
	int fd = rig_connect(&rig, SOCK_DGRAM);
	for (unsigned i = 0; i < AGGREGATES; i++)
		send_aggregate(fd, 0);
	atomic_store(&gate.is_closed, false);
	RIG_WAIT(rig_status(&rig).kernel_drops > 0);
	rig_finish(&rig);
	uint64_t dropped = rig_dropped(&rig, SPOOL_DROP_KERNEL_AGGREGATES);
	ck_assert_uint_gt(dropped, 0);
	ck_assert_uint_eq(rig_dropped(&rig, SPOOL_DROP_KERNEL), 0);
	ck_assert_uint_eq(spool_stored(rig.spool) + dropped * SEGMENTS, AGGREGATES * SEGMENTS);
	ck_assert_uint_eq(rig_status(&rig).received, spool_stored(rig.spool) + dropped);
	close(fd);
	rig_close(&rig);
}
END_TEST

/* --- a full spool ------------------------------------------------------------------------------------------------ */

struct severities {
	uint64_t stored[8];
};

static void count_severity(void *context, const struct envelope *envelope)
{
	((struct severities *)context)->stored[message_severity(&envelope->message)]++;
}

START_TEST(a_full_spool_sheds_by_severity_and_every_message_is_stored_or_counted)
{
	struct severities severities = {0};
	char message[1024];
	rig_open(&rig, (struct rig_options){
		.max_size_bytes = 6 << 20, .reserve_bytes = 1 << 20, .segment_size_bytes = 512 << 10,
		.block_size_bytes = 64 << 10, .blocks_per_worker = 4,
	});
	rig_start(&rig, "udp", "listen", "127.0.0.1:0", "max_message_size", "8KiB", NULL);
	int fd = rig_connect(&rig, SOCK_DGRAM);
	memset(message, 'x', sizeof message);
	unsigned sent = 0;
	while (spool_level(rig.spool) != SPOOL_LEVEL_FULL) {
		for (unsigned severity = 0; severity < 8; severity++, sent++) {
			char pri[8];
			snprintf(pri, sizeof pri, "<%u>", 8 + severity);
			memcpy(message, pri, strlen(pri));
			rig_send_octets(fd, message, sizeof message);
		}
		RIG_WAIT(rig_status(&rig).received == sent); /* slowly, so that blocks are never the reason */
		RIG_WAIT(rig_settled(&rig) == sent);
		ck_assert_uint_lt(sent, 100000);
	}
	rig_finish(&rig);
	uint64_t stored = rig_read(&rig, count_severity, &severities);
	ck_assert_uint_eq(stored + rig_dropped(&rig, SPOOL_DROP_SPOOL_FULL), sent);
	for (unsigned severity = 0; severity < 3; severity++) {
		/* All alike, but for the last round, in which the spool became full. */
		ck_assert_uint_le(severities.stored[severity] - severities.stored[severity + 1], 1);
		ck_assert_uint_le(severities.stored[4 + severity] - severities.stored[5 + severity], 1);
	}
	ck_assert_uint_gt(severities.stored[3], severities.stored[4]);
	close(fd);
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("input_udp");
	TCase *tests = tcase_create("udp");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, ten_thousand_messages_of_four_senders_arrive_in_order);
	tcase_add_test(tests, peers_that_are_not_allowed_are_counted);
	tcase_add_test(tests, an_error_of_the_socket_does_not_make_the_input_deaf);
	tcase_add_test(tests, after_each_trickle_the_input_hears_again_and_sleeps);
	tcase_add_test(tests, with_a_small_receive_buffer_the_input_never_rests);
	tcase_add_test(tests, a_receive_buffer_of_a_middle_size_allows_a_shorter_rest);
	tcase_add_test(tests, empty_datagrams_are_counted);
	tcase_add_test(tests, a_datagram_over_the_limit_is_cut_and_flagged);
	tcase_add_test(tests, a_trailing_LF_is_kept_in_raw_and_is_no_part_of_MSG);
	tcase_add_test(tests, what_the_kernel_drops_is_counted_exactly);
	tcase_add_test(tests, our_stop_takes_what_the_kernel_still_has);
	tcase_add_test(tests, a_sender_that_goes_on_does_not_keep_our_stop_and_is_counted);
	tcase_add_test(tests, an_aggregate_becomes_its_messages_in_order_with_one_sender_and_time);
	tcase_add_test(tests, many_aggregates_are_taken_in_several_turns_without_a_rest);
	tcase_add_test(tests, only_the_last_of_a_cut_aggregate_is_flagged);
	tcase_add_test(tests, each_message_of_an_aggregate_whose_peer_is_not_allowed_is_counted);
	tcase_add_test(tests, aggregates_that_the_kernel_drops_are_counted_as_such);
	tcase_add_test(tests, a_full_spool_sheds_by_severity_and_every_message_is_stored_or_counted);
	suite_add_tcase(suite, tests);
	return rig_run(suite);
}
