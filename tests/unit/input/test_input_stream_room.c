/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that wait for a block: who is served when one comes back, and that nothing of theirs is lost or mixed up. */
#include "input_stream_fixture.h"

enum {
	BLOCK_BYTES = 8 << 10,  /* all blocks together are less than is read at a time */
	BLOCKS = 4,           /* the last one is not for those that can wait */
	LINE_BYTES = 1000,
	GREEDY_LINES = 1000,  /* more than the blocks take, less than the sockets */
	MODEST = 50,          /* connections with one line each */
};

/* On a held disk. Returns the connection that takes all there is. */
static int open_with_few_blocks(void)
{
	rig_open(&rig, (struct rig_options){.block_size_bytes = BLOCK_BYTES, .blocks_per_worker = BLOCKS});
	rig_start(&rig, "tcp", "listen", "127.0.0.1:0", "max_message_size", "2KiB", NULL);
	held_disk_set(&rig.disk, true);
	return rig_connect(&rig, SOCK_STREAM);
}

static void *send_much(void *context)
{
	const int *fd = context;
	char line[LINE_BYTES + 1];
	memset(line, 'x', sizeof line);
	line[LINE_BYTES - 1] = '\n';
	for (int i = 0; i < GREEDY_LINES; i++) {
		int len = snprintf(line, sizeof line, "<13>greedy %d", i);
		line[len] = ' ';
		rig_send_octets(*fd, line, LINE_BYTES);
	}
	return NULL;
}

static void do_nothing(void *context)
{
	(void)context;
}

/* It has read what it was sent before. */
static void wait_for_worker(void)
{
	for (int turn = 0; turn < 2; turn++)
		ck_assert(worker_call(rig.w[0].worker, do_nothing, NULL));
}

/* No block is left: the disk is held, and the number of messages stands still. */
static void wait_until_starved(void)
{
	uint64_t before;
	do {
		before = rig_status(&rig).received;
		usleep(100000);
	} while (before == 0 || rig_status(&rig).received != before);
	ck_assert_uint_lt(before, GREEDY_LINES);
}

/* Where the lines of the modest lie among the others. */
struct places {
	uint64_t records, modest, last_modest, greedy;
	bool in_order; /* so the modest shall be */
};

static void note_place(void *context, const struct envelope *envelope)
{
	struct places *places = context;
	char wanted[24];
	bool is_modest = memmem(envelope->raw.at, envelope->raw.len, "modest", 6) != NULL;
	places->records++;
	uint64_t number = is_modest ? places->modest++ : places->greedy++;
	if (is_modest)
		places->last_modest = places->records;
	if (is_modest && !places->in_order)
		return;
	snprintf(wanted, sizeof wanted, "%s %u ", is_modest ? "modest" : "greedy", (unsigned)number);
	ck_assert_ptr_nonnull(memmem(envelope->raw.at, envelope->raw.len, wanted, strlen(wanted)));
}

START_TEST(who_waits_for_a_block_is_served_in_turn)
{
	int greedy = open_with_few_blocks(), modest[MODEST];
	pthread_t thread;
	for (unsigned i = 0; i < MODEST; i++)
		modest[i] = rig_connect(&rig, SOCK_STREAM);
	worker_post(rig.w[0].worker, rig_sleep, NULL); /* so that much is read at once */
	pthread_create(&thread, NULL, send_much, &greedy);
	wait_until_starved();
	for (unsigned i = 0; i < MODEST; i++) {
		char line[32];
		snprintf(line, sizeof line, "<13>modest %u \n", i);
		rig_send(modest[i], line);
		wait_for_worker();
	}
	for (int i = 0; i < 3; i++) /* another worker got what there was */
		ck_assert(worker_call(rig.w[0].worker, rig_tell_room, &rig.w[0]));
	while (rig_status(&rig).received < GREEDY_LINES + MODEST) {
		held_disk_allow_one(&rig.disk);
		usleep(5000);
	}
	held_disk_set(&rig.disk, false);
	pthread_join(thread, NULL);
	close(greedy);
	for (unsigned i = 0; i < MODEST; i++)
		close(modest[i]);
	rig_finish(&rig);
	struct places places = {.in_order = true};
	ck_assert_uint_eq(rig_read(&rig, note_place, &places), GREEDY_LINES + MODEST);
	ck_assert_uint_eq(places.modest, MODEST);
	/* What filled the blocks first, and once more what they hold, before it was their turn. */
	ck_assert_uint_lt(places.last_modest, (2 * BLOCKS * BLOCK_BYTES) / LINE_BYTES + MODEST);
	close_rig();
}
END_TEST

START_TEST(connections_that_end_while_they_wait_for_a_block_lose_nothing)
{
	int greedy = open_with_few_blocks(), modest[MODEST];
	pthread_t thread;
	pthread_create(&thread, NULL, send_much, &greedy);
	wait_until_starved();
	for (unsigned i = 0; i < MODEST; i++) {
		modest[i] = rig_connect(&rig, SOCK_STREAM);
		rig_send(modest[i], "<13>modest\n<13>modest, without an end");
		close(modest[i]);
	}
	held_disk_set(&rig.disk, false);
	RIG_WAIT(rig_status(&rig).received == GREEDY_LINES + 2 * MODEST);
	pthread_join(thread, NULL);
	close(greedy);
	RIG_WAIT(rig_status(&rig).connections == 0);
	rig_finish(&rig);
	struct places places = {0};
	ck_assert_uint_eq(rig_read(&rig, note_place, &places), GREEDY_LINES + 2 * MODEST);
	ck_assert_uint_eq(places.modest, 2 * MODEST);
	close_rig();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("input_stream_room");
	TCase *tests = tcase_create("room");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, who_waits_for_a_block_is_served_in_turn);
	tcase_add_test(tests, connections_that_end_while_they_wait_for_a_block_lose_nothing);
	suite_add_tcase(suite, tests);
	return rig_run(suite);
}
