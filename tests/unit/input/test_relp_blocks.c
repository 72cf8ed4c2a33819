/* SPDX-License-Identifier: Apache-2.0 */
/* The driver relp towards another relay: sessions of streams and their blocks, as they look on the wire. */
#include "relp_blocks_fixture.h"

#include <ifaddrs.h>
#include <zstd.h>

START_TEST(a_block_is_stored_and_answered_and_known_when_it_comes_again)
{
	start();
	int fd = start_session();
	struct relp_block block = make_block(1, 50);
	send_block(fd, 2, &block);
	assert_answer(fd, "2 rsp 6 200 OK\n");
	ck_assert_uint_eq(spool_stored(rig.spool), 50);
	close(fd);

	fd = rig_connect(&rig, SOCK_STREAM);
	ck_assert_uint_eq(open_session(fd, STREAM, 1), 50);
	send_block(fd, 2, &block);
	assert_answer(fd, "2 rsp 6 200 OK\n");
	block = make_block(51, 52);
	send_block(fd, 3, &block);
	assert_answer(fd, "3 rsp 6 200 OK\n");
	close(fd);
	RIG_WAIT(rig_status(&rig).connections == 0);
	/* The ledger: received = stored + what was known. */
	ck_assert_uint_eq(spool_stream_voided(rig.spool, 0), 50);
	ck_assert_uint_eq(rig_status(&rig).received, 52 + 50);
	rig_finish(&rig);
	ck_assert_uint_eq(spool_stored(rig.spool), 52);
	rig_close(&rig);
}
END_TEST

START_TEST(a_packed_block_is_checked_and_stored_as_it_is)
{
	start();
	int fd = start_session();
	struct relp_block block = make_block(1, 300);
	static uint8_t packed[PAYLOAD_BYTES];
	size_t len = ZSTD_compress(packed, sizeof packed, payload, block.payload.len, 1);
	block.codec = 1;
	block.payload = bytes_of(packed, len);
	block.checksum = XXH3_64bits(packed, len);
	send_block(fd, 2, &block);
	assert_answer(fd, "2 rsp 6 200 OK\n");
	close(fd);
	struct spool_reader *reader = spool_reader_open(rig.spool, 1);
	struct spool_view view;
	ck_assert_int_eq(spool_read(reader, &view), SPOOL_READ_BLOCK);
	ck_assert(bytes_equal(view.packed, block.payload));
	ck_assert_uint_eq(view.count, 300);
	spool_reader_close(&reader);
	finish();
	rig_close(&rig);
}
END_TEST

START_TEST(a_second_connection_of_the_stream_ends_the_first_one)
{
	start();
	int old = rig_connect(&rig, SOCK_STREAM), new = rig_connect(&rig, SOCK_STREAM);
	struct relp_block block = make_block(1, 10);
	open_session(old, STREAM, 1);
	send_block(old, 2, &block);
	assert_answer(old, "2 rsp 6 200 OK\n");
	ck_assert_uint_eq(open_session(new, STREAM, 1), 10);
	/* What the old one still sends is void, and is not answered. */
	block = make_block(11, 20);
	send_block(old, 3, &block);
	assert_ended(old);
	send_block(new, 2, &block);
	assert_answer(new, "2 rsp 6 200 OK\n");
	ck_assert_uint_eq(spool_stored(rig.spool), 20);
	close(new);
	finish();
	rig_close(&rig);
}
END_TEST

/* Whatever is wrong with a block, nothing of it is stored, and its client is told so. */
static void assert_refused(const struct relp_block *block)
{
	uint64_t stored = spool_stored(rig.spool), errors = rig_status(&rig).protocol_errors;
	int fd = start_session();
	send_block(fd, 2, block);
	rig_receive_all(fd, text, sizeof text);
	ck_assert_int_eq(strncmp(text, "2 rsp ", 6), 0);
	ck_assert_ptr_nonnull(strstr(text, " 500 a block"));
	ck_assert_str_eq(strchr(text, '\n'), "\n0 serverclose 0\n");
	close(fd);
	ck_assert_uint_eq(spool_stored(rig.spool), stored);
	ck_assert_uint_eq(rig_status(&rig).protocol_errors, errors + 1);
}

START_TEST(a_hostile_block_is_refused_whatever_it_lies_about)
{
	start();
	struct relp_block good = make_block(1, 10), bad = good;
	bad.checksum ^= 1;
	assert_refused(&bad);
	bad = good;
	bad.records = 9;
	assert_refused(&bad);
	bad = good;
	bad.first = 5, bad.last = 14, bad.records = 11;
	assert_refused(&bad);
	bad = good;
	bad.codec = 7;
	assert_refused(&bad);
	bad = good;
	bad.last = UINT64_MAX;
	assert_refused(&bad);
	/* Records that are none, under a checksum that is right. */
	memset(payload, 0xff, 40);
	bad = good;
	bad.checksum = XXH3_64bits(payload, bad.payload.len);
	assert_refused(&bad);
	/* Little that says it would be much. */
	static uint8_t packed[PAYLOAD_BYTES], zeros[1 << 20];
	size_t len = ZSTD_compress(packed, sizeof packed, zeros, sizeof zeros, 1);
	bad = good;
	bad.codec = 1;
	bad.payload = bytes_of(packed, len);
	bad.checksum = XXH3_64bits(packed, len);
	assert_refused(&bad);
	bad.unpacked_len = UINT32_MAX;
	assert_refused(&bad);
	RIG_WAIT(rig_status(&rig).connections == 0);
	ck_assert_uint_eq(spool_stored(rig.spool), 0);
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

START_TEST(what_came_before_a_refused_block_is_stored_and_answered_first)
{
	start();
	int fd = start_session();
	struct relp_block good = make_block(1, 10), bad;
	held_disk_set(&rig.disk, true);
	send_block(fd, 2, &good);
	bad = make_block(11, 20);
	bad.checksum ^= 1;
	send_block(fd, 3, &bad);
	send_block(fd, 4, &bad);
	RIG_WAIT(rig_status(&rig).protocol_errors == 1);
	ck_assert(!rig_is_readable(fd, 100));
	held_disk_set(&rig.disk, false);
	rig_receive_all(fd, text, sizeof text);
	ck_assert_str_eq(text, "2 rsp 6 200 OK\n3 rsp 49 500 a block's checksum is not that of its payload\n"
	                       "0 serverclose 0\n");
	close(fd);
	finish();
	ck_assert_uint_eq(spool_stored(rig.spool), 10);
	rig_close(&rig);
}
END_TEST

/* It would come again, message by message, and what was taken would be there twice. */
START_TEST(a_command_of_which_some_was_taken_is_not_refused)
{
	static uint8_t data[FRAME_BYTES], frame[FRAME_BYTES];
	start();
	int fd = start_session();
	struct relp_block block = make_block(1, 10);
	size_t len = RELP_BLOCK_HEAD_LEN + block.payload.len;
	relp_block_head_write(&block, data);
	memcpy(data + RELP_BLOCK_HEAD_LEN, block.payload.at, block.payload.len);
	memcpy(data + len, "rest", 4);
	size_t head = relp_header_write(2, BYTES("block"), len + 4, frame);
	memcpy(frame + head, data, len + 4);
	frame[head + len + 4] = '\n';
	rig_send_octets(fd, frame, head + len + 5);
	assert_ended(fd);
	finish();
	ck_assert_uint_eq(spool_stored(rig.spool), 10);
	rig_close(&rig);
}
END_TEST

START_TEST(a_stream_without_any_offer_of_blocks_is_plain_relp)
{
	start();
	int fd = rig_connect(&rig, SOCK_STREAM);
	rig_send(fd, "1 open 49 relp_version=0\nrelp_software=test\ncommands=syslog\n");
	rig_receive_until(fd, "commands=syslog\n", text, sizeof text);
	ck_assert_ptr_null(strstr(text, "block"));
	close(fd);
	finish();
	rig_close(&rig);
}
END_TEST

START_TEST(an_unknown_version_of_blocks_is_plain_relp)
{
	start();
	int fd = rig_connect(&rig, SOCK_STREAM);
	offer(fd, "2,what,ever", "commands=syslog\n");
	rig_send(fd, "2 syslog 20 <13>1 - - - - - - hi\n");
	close(fd);
	finish();
	rig_close(&rig);
}
END_TEST

START_TEST(the_65th_stream_of_a_peer_gets_messages)
{
	start();
	char stream[33];
	for (unsigned i = 0; i < SPOOL_STREAMS_PER_PEER_MAX; i++) {
		int fd = rig_connect(&rig, SOCK_STREAM);
		snprintf(stream, sizeof stream, "%032x", i + 1);
		ck_assert_uint_eq(open_session(fd, stream, 1), 0);
		close(fd);
	}
	int fd = rig_connect(&rig, SOCK_STREAM);
	offer(fd, "1," STREAM ",1", "commands=syslog\n");
	close(fd);
	finish();
	rig_close(&rig);
}
END_TEST

/* The command's blocks wait while another stream's group is synced: that one's end must not answer them. */
START_TEST(a_command_is_answered_when_its_last_block_is_stored)
{
	start();
	int fd = rig_connect(&rig, SOCK_STREAM), other = rig_connect(&rig, SOCK_STREAM);
	open_session(fd, STREAM, 1);
	open_session(other, "ff0102030405060708090a0b0c0d0e0f", 1);
	struct relp_block first = make_block(1, 5);
	held_disk_set(&rig.disk, true);
	send_block(other, 2, &first);
	RIG_WAIT(held_disk_has_waiter(&rig.disk));
	send_three_blocks(fd, 2);
	RIG_WAIT(rig_status(&rig).received == 35);
	held_disk_allow_one(&rig.disk);
	assert_answer(other, "2 rsp 6 200 OK\n");
	ck_assert(!rig_is_readable(fd, 200));
	held_disk_set(&rig.disk, false);
	assert_answer(fd, "2 rsp 6 200 OK\n");
	ck_assert_uint_eq(spool_stored(rig.spool), 35);
	close(fd);
	close(other);
	finish();
	rig_close(&rig);
}
END_TEST

/* An address of this machine that is not its loopback, in network order; 0 if it has none. */
static in_addr_t other_address(void)
{
	struct ifaddrs *all, *at;
	in_addr_t found = 0;
	ck_assert_int_eq(getifaddrs(&all), 0);
	for (at = all; at != NULL; at = at->ifa_next) {
		if (at->ifa_addr == NULL || at->ifa_addr->sa_family != AF_INET)
			continue;
		in_addr_t address = ((const struct sockaddr_in *)(const void *)at->ifa_addr)->sin_addr.s_addr;
		if (ntohl(address) >> 24 != 127)
			found = address;
	}
	freeifaddrs(all);
	return found;
}

/* Anybody could claim to be the stream's owner, and void its session: so blocks are for peers who are known. */
START_TEST(a_peer_without_a_certificate_that_is_not_on_this_machine_gets_messages)
{
	char listen[32];
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = other_address()};
	if (to.sin_addr.s_addr == 0) {
		fprintf(stderr, "not tested: this machine has no address but its loopback\n");
		return;
	}
	rig_open(&rig, (struct rig_options){.workers = 1});
	rig_find_port(SOCK_STREAM, listen, sizeof listen);
	memcpy(listen, "[::]:", 5);
	memmove(listen + 5, strrchr(listen + 5, ':') + 1, strlen(strrchr(listen + 5, ':')));
	rig_start(&rig, "relp", "listen", listen, "max_message_size", "8KiB", NULL);
	to.sin_port = htons(rig_port(&rig));
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	offer(fd, "1," STREAM ",1", "commands=syslog\n");
	close(fd);
	finish();
	ck_assert_uint_eq(spool_streams(rig.spool, 0, NULL, 0), 0);
	rig_close(&rig);
}
END_TEST

/* What the spool knows of the only stream. */
static struct spool_stream_entry only_stream(void)
{
	struct spool_stream_entry entry;
	ck_assert_uint_eq(spool_streams(rig.spool, 0, &entry, 1), 1);
	return entry;
}

START_TEST(a_stream_names_its_connection_while_it_is_there)
{
	start();
	int fd = start_session();
	struct relp_block block = make_block(1, 7);
	send_block(fd, 2, &block);
	assert_answer(fd, "2 rsp 6 200 OK\n");
	struct spool_stream_entry entry = only_stream();
	ck_assert_int_eq(strncmp(entry.connection, "127.0.0.1:", 10), 0);
	ck_assert_str_eq(entry.identity, "@loopback");
	ck_assert_uint_eq(entry.records, 7);
	ck_assert_int_gt(entry.last_ns, clock_wall_ns() - 60 * CLOCK_NS_PER_SECOND);
	close(fd);
	RIG_WAIT(only_stream().connection[0] == '\0');
	finish();
	rig_close(&rig);
}
END_TEST

START_TEST(rule_29_what_the_client_says_to_be_lost_is_counted_and_told_in_the_next_answer)
{
	start();
	int fd = start_session();
	ck_assert_ptr_nonnull(strstr(text, "\nblock_counts=0,0\n"));
	struct relp_block block = make_block(1, 7);
	send_block(fd, 2, &block);
	assert_answer(fd, "2 rsp 6 200 OK\n");
	rig_send(fd, "0 lost 2 12\n");
	RIG_WAIT(only_stream().lost == 12);
	close(fd);
	fd = rig_connect(&rig, SOCK_STREAM);
	open_session(fd, STREAM, 8);
	ck_assert_ptr_nonnull(strstr(text, "\nblock_counts=7,12\n"));
	close(fd);
	finish();
	rig_close(&rig);
}
END_TEST

START_TEST(rule_34_a_full_relay_says_so_at_once)
{
	rig_open(&rig, (struct rig_options){.workers = 1, .max_size_bytes = 4 << 20, .reserve_bytes = 512 << 10,
		.segment_size_bytes = 512 << 10, .block_size_bytes = 64 << 10, .blocks_per_worker = 4});
	rig_start(&rig, "relp", "listen", "127.0.0.1:0", "max_message_size", "8KiB", NULL);
	int fd = start_session();
	uint64_t first = 1;
	unsigned txnr = 2;
	do {
		struct relp_block block = make_block(first, first + 399);
		send_block(fd, txnr, &block);
		rig_receive_until(fd, "\n", text, sizeof text);
		first += 400;
	} while (strcmp(text, "0 full 0\n") != 0 && txnr++ < 1000);
	ck_assert_str_eq(text, "0 full 0\n");
	ck_assert_str_eq(rig_status(&rig).state, "paused: spool full");
	close(fd);
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

START_TEST(several_blocks_in_one_command_have_one_answer)
{
	start();
	int fd = start_session();
	send_three_blocks(fd, 2);
	assert_answer(fd, "2 rsp 6 200 OK\n");
	ck_assert_uint_eq(spool_stored(rig.spool), 30);
	close(fd);
	finish();
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("relp_blocks");
	TCase *tests = tcase_create("relp_blocks");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, a_block_is_stored_and_answered_and_known_when_it_comes_again);
	tcase_add_test(tests, a_packed_block_is_checked_and_stored_as_it_is);
	tcase_add_test(tests, a_second_connection_of_the_stream_ends_the_first_one);
	tcase_add_test(tests, a_hostile_block_is_refused_whatever_it_lies_about);
	tcase_add_test(tests, what_came_before_a_refused_block_is_stored_and_answered_first);
	tcase_add_test(tests, a_command_of_which_some_was_taken_is_not_refused);
	tcase_add_test(tests, a_stream_without_any_offer_of_blocks_is_plain_relp);
	tcase_add_test(tests, an_unknown_version_of_blocks_is_plain_relp);
	tcase_add_test(tests, the_65th_stream_of_a_peer_gets_messages);
	tcase_add_test(tests, a_command_is_answered_when_its_last_block_is_stored);
	tcase_add_test(tests, a_peer_without_a_certificate_that_is_not_on_this_machine_gets_messages);
	tcase_add_test(tests, several_blocks_in_one_command_have_one_answer);
	tcase_add_test(tests, a_stream_names_its_connection_while_it_is_there);
	tcase_add_test(tests, rule_29_what_the_client_says_to_be_lost_is_counted_and_told_in_the_next_answer);
	tcase_add_test(tests, rule_34_a_full_relay_says_so_at_once);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
