/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket while memory is short. */
#include "relay/control.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "relay/relay.h"
#include "support/scarce_memory.h"
#include "support/temp_dir.h"

/* Only what is said of a client that waits is as large. */
enum { CLIENT_LEAST_BYTES = 8192, CLIENT_MOST_BYTES = 10000, WAIT_SECONDS = 20 };

static uv_loop_t loop;
static struct control *control;
static char directory[TEMP_DIR_MAX_BYTES], path[TEMP_DIR_MAX_BYTES + 10];

static void start(void)
{
	char error[RELAY_ERROR_MAX_BYTES];
	temp_dir_make(directory);
	snprintf(path, sizeof path, "%s/control", directory);
	ck_assert_int_eq(uv_loop_init(&loop), 0);
	control = control_open(&loop, path, NULL, error);
	ck_assert_msg(control != NULL, "%s", error);
}

static void end(void)
{
	control_close(&control);
	uv_run(&loop, UV_RUN_DEFAULT);
	ck_assert_int_eq(uv_loop_close(&loop), 0);
	temp_dir_remove(directory);
}

/* Asks for what no relay is needed for. */
static int ask(void)
{
	static const char request[] = "{\"command\":\"nothing\"}\n";
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	ck_assert_uint_lt(strlen(path), sizeof to.sun_path);
	strcpy(to.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
	ck_assert_int_eq(send(fd, request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
	return fd;
}

static void assert_answered(int fd)
{
	char answer[1000] = "";
	uint64_t begun = clock_monotonic_ns();
	while (recv(fd, answer, sizeof answer - 1, MSG_DONTWAIT) <= 0) {
		ck_assert_uint_lt(clock_monotonic_ns() - begun, WAIT_SECONDS * CLOCK_NS_PER_SECOND);
		uv_run(&loop, UV_RUN_NOWAIT);
		usleep(1000);
	}
	ck_assert_ptr_nonnull(strstr(answer, "unknown command"));
	close(fd);
}

START_TEST(a_client_that_there_was_no_memory_for_is_answered_when_there_is_some)
{
	start();
	scarce_memory_refuse(CLIENT_LEAST_BYTES, CLIENT_MOST_BYTES, 2);
	int first = ask(), second = ask();
	assert_answered(first);
	ck_assert_uint_eq(scarce_memory_left(), 0);
	assert_answered(second);
	assert_answered(ask());
	end();
}
END_TEST

START_TEST(the_socket_can_be_closed_while_a_client_waits_for_memory)
{
	start();
	scarce_memory_refuse(CLIENT_LEAST_BYTES, CLIENT_MOST_BYTES, 1);
	int fd = ask();
	while (scarce_memory_left() > 0)
		uv_run(&loop, UV_RUN_ONCE);
	end();
	char answer[10];
	ck_assert_int_le(recv(fd, answer, sizeof answer, 0), 0);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("relay/control_memory");
	TCase *cases = tcase_create("memory");
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, a_client_that_there_was_no_memory_for_is_answered_when_there_is_some);
	tcase_add_test(cases, the_socket_can_be_closed_while_a_client_waits_for_memory);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
