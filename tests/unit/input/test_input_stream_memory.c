/* SPDX-License-Identifier: Apache-2.0 */
/* The driver tcp while memory is short. */
#include "input_stream_fixture.h"
#include "support/scarce_memory.h"

enum { LAST_BYTES = 3001 }; /* no other allocation is as large */

/* Keeps the spool full until somebody delivers. */
static void fill_spool(int fd)
{
	static char lines[64 << 10];
	memset(lines, 'x', sizeof lines);
	for (size_t i = 0; i < sizeof lines; i += 1024) {
		memcpy(lines + i, "<13>", 4);
		lines[i + 1023] = '\n';
	}
	while (strcmp(rig_status(&rig).state, "paused: spool full") != 0) {
		if (send(fd, lines, sizeof lines, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			usleep(1000);
	}
}

/* Its sender has left, in the belief that it arrived. */
START_TEST(the_last_message_of_a_connection_that_there_is_no_memory_to_keep_is_counted)
{
	char last[LAST_BYTES];
	rig_open(&rig, (struct rig_options){
		.max_size_bytes = 4 << 20, .reserve_bytes = 512 << 10, .segment_size_bytes = 512 << 10,
		.block_size_bytes = 64 << 10, .blocks_per_worker = 4,
	});
	rig_start(&rig, "tcp", "listen", "127.0.0.1:0", NULL);
	int leaving = rig_connect(&rig, SOCK_STREAM);
	memset(last, 'x', sizeof last);
	memcpy(last, "<13>1 - web17 app ", strlen("<13>1 - web17 app "));
	rig_send_octets(leaving, last, sizeof last);
	int other = rig_connect(&rig, SOCK_STREAM);
	fill_spool(other);
	scarce_memory_refuse(LAST_BYTES, LAST_BYTES, 1);
	close(leaving);
	RIG_WAIT(rig_status(&rig).connections == 1);
	ck_assert_uint_eq(scarce_memory_left(), 0);
	ck_assert_uint_eq(rig_dropped(&rig, SPOOL_DROP_SPOOL_FULL), 1);
	ck_assert_uint_eq(rig_dropped_of(&rig, "web17", SPOOL_DROP_SPOOL_FULL), 1);
	close(other);
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("input_stream_memory");
	TCase *tests = tcase_create("memory");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, the_last_message_of_a_connection_that_there_is_no_memory_to_keep_is_counted);
	suite_add_tcase(suite, tests);
	return rig_run(suite);
}
