/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of the driver tcp: how they are spread over workers, how many there may be, from whom, for how long, and
 * a port that cannot be had.
 */
#include "input_stream_fixture.h"

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
	Suite *suite = suite_create("input_stream_connections");
	TCase *tests = tcase_create("connections");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, connections_go_to_the_worker_with_the_fewest);
	tcase_add_test(tests, connections_over_the_limit_are_closed_and_counted);
	tcase_add_test(tests, peers_that_are_not_allowed_are_refused_and_counted);
	tcase_add_test(tests, peers_that_are_allowed_are_taken);
	tcase_add_test(tests, an_idle_connection_is_closed_after_the_time_out_and_a_busy_one_is_not);
	tcase_add_test(tests, an_input_that_was_never_started_is_closed);
	tcase_add_test(tests, a_port_in_use_is_said);
	suite_add_tcase(suite, tests);
	return rig_run(suite);
}
