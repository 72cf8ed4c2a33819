/* SPDX-License-Identifier: Apache-2.0 */
/* The driver relp towards another relay, while memory is short. */
#include "relp_blocks_fixture.h"

#include <dlfcn.h>
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

/* The spool has room all the time, so that it never says that there is some again. */
START_TEST(a_block_that_there_was_no_memory_to_unpack_is_tried_again)
{
	static uint8_t packed[PAYLOAD_BYTES];
	start();
	int fd = start_session();
	struct relp_block block = make_block(1, 300);
	size_t len = ZSTD_compress(packed, sizeof packed, payload, block.payload.len, 3);
	ck_assert(!ZSTD_isError(len));
	block.payload = bytes_of(packed, len);
	block.checksum = XXH3_64bits(packed, len);
	block.codec = 1;
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

int main(void)
{
	Suite *suite = suite_create("relp_blocks_memory");
	TCase *tests = tcase_create("memory");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, a_block_that_there_was_no_memory_to_unpack_is_tried_again);
	suite_add_tcase(suite, tests);
	return rig_run(suite);
}
