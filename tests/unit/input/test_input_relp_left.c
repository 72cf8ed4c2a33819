/* SPDX-License-Identifier: Apache-2.0 */
/* The driver relp: clients that are gone, or fall silent. They send again what was not answered, so it must not be kept. */
#include "input_relp_fixture.h"

/* --- idle -------------------------------------------------------------------------------------------------------- */

START_TEST(a_silent_client_that_waits_for_answers_is_not_idle)
{
	rig_open(&rig, (struct rig_options){0});
	rig_start(&rig, "relp", "listen", "127.0.0.1:0", "idle_timeout", "300ms", NULL);
	int fd = rig_connect(&rig, SOCK_STREAM);
	open_session(fd);
	held_disk_set(&rig.disk, true);
	send_message(fd, 2, "<13>one");
	ck_assert(!rig_is_readable(fd, 900));
	held_disk_set(&rig.disk, false);
	assert_answers(fd, 2, 2);
	ck_assert(rig_is_closed(fd)); /* now it is */
	close(fd);
	rig_finish(&rig);
	rig_close(&rig);
}
END_TEST

/* --- clients that are gone --------------------------------------------------------------------------------------- */

/* One that is gone looks the same: it does not keep its connection for as long as the disk hangs. */
START_TEST(a_client_that_is_gone_is_not_kept_for_its_answers)
{
	start((struct rig_options){0});
	int fd = rig_connect(&rig, SOCK_STREAM);
	open_session(fd);
	held_disk_set(&rig.disk, true);
	send_message(fd, 2, "<13>one");
	RIG_WAIT(held_disk_has_waiter(&rig.disk));
	close(fd);
	uint64_t begun = clock_monotonic_ns();
	RIG_WAIT(rig_status(&rig).connections == 0);
	ck_assert_uint_lt(clock_monotonic_ns() - begun, 5 * (uint64_t)CLOCK_NS_PER_SECOND);
	held_disk_set(&rig.disk, false);
	rig_finish(&rig);
	ck_assert_uint_eq(rig_read(&rig, NULL, NULL), 1);
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("input_relp_left");
	TCase *tests = tcase_create("left");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, a_silent_client_that_waits_for_answers_is_not_idle);
	tcase_add_test(tests, a_client_that_is_gone_is_not_kept_for_its_answers);
	suite_add_tcase(suite, tests);
	return rig_run(suite);
}
