/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sending side of streams, as a cursor keeps it (spool-rules.md, rules 25, 27 and 29): its stream's id, and what servers
 * said to have and to have lost.
 */
#include "stream_fixture.h"

static void set_server(struct spool_cursor *cursor, const uint8_t *id, uint64_t sequence, uint64_t lost)
{
	struct spool_stream_server server = {.sequence = sequence, .records = sequence, .lost = lost};
	memcpy(server.spool, id, sizeof server.spool);
	spool_cursor_set_server(cursor, &server);
}

START_TEST(what_servers_say_to_be_lost_adds_up_to_a_number_of_messages_whatever_they_say)
{
	uint8_t id[SPOOL_STREAM_ID_BYTES] = {0};
	struct spool_cursor *cursor = rig_cursor(&rig, "out", SPOOL_FROM_NEW, SPOOL_HOLD);
	for (id[0] = 1; id[0] <= 5; id[0]++)
		set_server(cursor, id, 1, SEQUENCE_MAX - 1);
	ck_assert_uint_eq(spool_cursor_lost_by_peer(cursor), SEQUENCE_MAX);
	spool_cursor_fork(cursor);
	set_server(cursor, id, 1, SEQUENCE_MAX);
	ck_assert_uint_eq(spool_cursor_lost_by_peer(cursor), SEQUENCE_MAX);
	spool_cursor_close(&cursor);
}
END_TEST

START_TEST(a_forked_stream_is_not_used_before_its_new_id_is_on_the_disk)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "out", SPOOL_FROM_NEW, SPOOL_HOLD);
	uint8_t before[SPOOL_STREAM_ID_BYTES], after[SPOOL_STREAM_ID_BYTES], server[SPOOL_ID_BYTES] = {9};
	uint64_t checksum;
	ck_assert(spool_cursor_stream(cursor, before, &checksum));
	set_server(cursor, server, 5, 3);
	spool_cursor_fork(cursor);
	ck_assert(!spool_cursor_stream(cursor, after, &checksum));
	ck_assert_mem_ne(before, after, sizeof before);
	struct spool_stream_server known;
	ck_assert(!spool_cursor_server(cursor, server, &known)); /* that was of the old stream, */
	ck_assert_uint_eq(spool_cursor_lost_by_peer(cursor), 3); /* but what was lost is still lost */
	keeper_turn(rig.spool);
	ck_assert(spool_cursor_stream(cursor, after, &checksum));
	spool_cursor_close(&cursor);
	reopen();
	uint8_t again[SPOOL_STREAM_ID_BYTES];
	cursor = rig_cursor(&rig, "out", SPOOL_FROM_NEW, SPOOL_HOLD);
	ck_assert(spool_cursor_stream(cursor, again, &checksum));
	ck_assert_mem_eq(again, after, sizeof after);
	spool_cursor_close(&cursor);
}
END_TEST

START_TEST(what_a_server_acknowledged_is_known_after_a_restart_and_under_a_new_name)
{
	struct spool_cursor *cursor = rig_cursor(&rig, "out", SPOOL_FROM_NEW, SPOOL_HOLD);
	uint8_t one[SPOOL_ID_BYTES] = {1}, two[SPOOL_ID_BYTES] = {2}, stream[SPOOL_STREAM_ID_BYTES];
	uint8_t again[SPOOL_STREAM_ID_BYTES];
	uint64_t checksum;
	ck_assert(spool_cursor_stream(cursor, stream, &checksum));
	ck_assert(rig_store(&rig, 10));
	set_server(cursor, one, 4, 0);
	set_server(cursor, two, 7, 2);
	rig_deliver(cursor, 7);
	spool_cursor_close(&cursor);
	reopen();
	ck_assert(spool_rename_cursor(rig.spool, "out", "renamed", rig.error));
	cursor = rig_cursor(&rig, "renamed", SPOOL_FROM_NEW, SPOOL_HOLD);
	ck_assert(spool_cursor_stream(cursor, again, &checksum));
	ck_assert_mem_eq(again, stream, sizeof stream);
	struct spool_stream_server server;
	ck_assert(spool_cursor_server(cursor, one, &server));
	ck_assert_uint_eq(server.sequence, 4);
	ck_assert(spool_cursor_server(cursor, two, &server));
	ck_assert_uint_eq(server.sequence, 7);
	ck_assert_uint_eq(server.records, 7);
	ck_assert_uint_eq(server.lost, 2);
	struct spool_sent_stream sent;
	unsigned index = 0;
	while (!spool_sent_stream(rig.spool, index, &sent))
		index++;
	ck_assert_str_eq(sent.name, "renamed");
	ck_assert_uint_eq(sent.servers, 2);
	ck_assert_uint_eq(sent.lost_by_peer, 2);
	spool_cursor_close(&cursor);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cursor_stream");
	TCase *tests = tcase_create("streams");
	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, what_servers_say_to_be_lost_adds_up_to_a_number_of_messages_whatever_they_say);
	tcase_add_test(tests, a_forked_stream_is_not_used_before_its_new_id_is_on_the_disk);
	tcase_add_test(tests, what_a_server_acknowledged_is_known_after_a_restart_and_under_a_new_name);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
