/* SPDX-License-Identifier: Apache-2.0 */
/* The driver relp towards another relay, while memory is short. */
#include "relp_blocks_fixture.h"

#include <dlfcn.h>
#include <limits.h>
#include <zstd.h>

/* Stands in for libzstd's: there is no memory, as often as the test says. */
static _Atomic unsigned refusals;

ZSTD_DCtx *ZSTD_createDCtx(void)
{
	ZSTD_DCtx *(*real)(void);
	if (atomic_load(&refusals) > 0) {
		atomic_fetch_sub(&refusals, 1);
		return NULL;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "ZSTD_createDCtx");
	return real();
}

static struct relp_block make_packed_block(uint64_t first, uint32_t records)
{
	static uint8_t packed[PAYLOAD_BYTES];
	struct relp_block block = make_block(first, records);
	size_t len = ZSTD_compress(packed, sizeof packed, payload, block.payload.len, 3);
	ck_assert(!ZSTD_isError(len));
	block.payload = bytes_of(packed, len);
	block.checksum = XXH3_64bits(packed, len);
	block.codec = 1;
	return block;
}

/* The spool has room all the time, so that it never says that there is some again. */
START_TEST(a_block_that_there_was_no_memory_to_unpack_is_tried_again)
{
	start();
	int fd = start_session();
	struct relp_block block = make_packed_block(1, 300);
	atomic_store(&refusals, 2);
	send_block(fd, 2, &block);
	assert_answer(fd, "2 rsp 6 200 OK\n");
	ck_assert_uint_eq(atomic_load(&refusals), 0);
	ck_assert_uint_eq(spool_stored(rig.spool), 300);
	close(fd);
	finish();
	rig_close(&rig);
}
END_TEST

/* Sessions that wait for memory are the first in the queue; one that waits for a block comes last. */
START_TEST(who_waits_for_memory_keeps_nobody_from_a_block)
{
	enum { WITHOUT_MEMORY = 8, LINES = 60, LINE_BYTES = 1000 };
	int fd[WITHOUT_MEMORY];
	rig_open(&rig, (struct rig_options){.block_size_bytes = 8 << 10, .blocks_per_worker = 4});
	rig_start(&rig, "relp", "listen", "127.0.0.1:0", "max_message_size", "2KiB", NULL);
	atomic_store(&refusals, UINT_MAX);
	struct relp_block block = make_packed_block(1, 100);
	for (int i = 0; i < WITHOUT_MEMORY; i++) {
		char stream[40];
		snprintf(stream, sizeof stream, "0001020304050607%016x", i + 1);
		fd[i] = rig_connect(&rig, SOCK_STREAM);
		open_session(fd[i], stream, 1);
		unsigned before = atomic_load(&refusals);
		send_block(fd[i], 2, &block);
		RIG_WAIT(atomic_load(&refusals) < before);
	}
	held_disk_set(&rig.disk, true);
	int plain = rig_connect(&rig, SOCK_STREAM);
	rig_send(plain, "1 open 30 relp_version=0\ncommands=syslog\n");
	rig_receive_until(plain, "commands=syslog\n", text, sizeof text);
	for (int i = 0; i < LINES; i++) {
		char line[LINE_BYTES + 40];
		int len = snprintf(line, sizeof line, "%d syslog %d <13>%0*d\n", i + 2, LINE_BYTES, LINE_BYTES - 4, i);
		rig_send_octets(plain, line, (size_t)len);
	}
	RIG_WAIT(rig_status(&rig).received > 0);
	usleep(300000);
	ck_assert_uint_lt(rig_status(&rig).received, LINES);
	uint64_t since = clock_monotonic_ns();
	held_disk_set(&rig.disk, false);
	RIG_WAIT(rig_status(&rig).received == LINES);
	ck_assert_uint_lt(clock_monotonic_ns() - since, 3 * (uint64_t)CLOCK_NS_PER_SECOND); /* not one a second */
	atomic_store(&refusals, 0);
	RIG_WAIT(rig_status(&rig).received == LINES + WITHOUT_MEMORY * 100);
	for (int i = 0; i < WITHOUT_MEMORY; i++)
		close(fd[i]);
	close(plain);
	finish();
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("relp_blocks_memory");
	TCase *tests = tcase_create("memory");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, a_block_that_there_was_no_memory_to_unpack_is_tried_again);
	tcase_add_test(tests, who_waits_for_memory_keeps_nobody_from_a_block);
	suite_add_tcase(suite, tests);
	return rig_run(suite);
}
