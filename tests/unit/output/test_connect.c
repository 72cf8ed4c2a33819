/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One attempt to connect. The resolver is a scripted one, so that a name can have any addresses: it replaces that of
 * relayd/net, whose two functions it defines.
 */
#include "output/connect.h"

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/resolver.h"

/* --- the scripted resolver --------------------------------------------------------------------------------------- */

static struct {
	struct address addresses[RESOLVER_ADDRESSES_MAX];
	unsigned count;
	const char *error;
} script;

struct resolver_request {
	uv_timer_t timer;
	resolver_fn fn;
	void *context;
};

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void on_resolved(uv_timer_t *timer)
{
	struct resolver_request *request = timer->data;
	uv_close((uv_handle_t *)timer, on_closed);
	request->fn(request->context, script.addresses, script.count, script.error);
}

struct resolver_request *resolver_start(struct worker *worker, const struct endpoint *endpoint, resolver_fn fn,
                                        void *context)
{
	(void)endpoint;
	struct resolver_request *request = calloc(1, sizeof *request);
	*request = (struct resolver_request){.fn = fn, .context = context};
	uv_timer_init(worker_loop(worker), &request->timer);
	request->timer.data = request;
	uv_timer_start(&request->timer, on_resolved, 0, 0);
	return request;
}

void resolver_cancel(struct resolver_request **request)
{
	if (*request != NULL)
		uv_close((uv_handle_t *)&(*request)->timer, on_closed);
	*request = NULL;
}

/* --- the attempt ------------------------------------------------------------------------------------------------- */

static struct worker *worker;
static const struct endpoint endpoint = {.host = "log.example.net", .port = 514};

static struct {
	struct connect *connect;
	_Atomic bool is_done;
	int fd;
	char error[CONNECT_ERROR_MAX_BYTES];
} attempt;

static void on_connected(void *context, int fd, const char *error)
{
	(void)context;
	attempt.connect = NULL;
	attempt.fd = fd;
	snprintf(attempt.error, sizeof attempt.error, "%s", error);
	atomic_store(&attempt.is_done, true);
}

static void start(void *context)
{
	(void)context;
	attempt.connect = connect_start(worker, &endpoint, "log.example.net:514", on_connected, NULL);
	ck_assert_ptr_nonnull(attempt.connect);
}

static void cancel(void *context)
{
	(void)context;
	connect_cancel(&attempt.connect);
}

/* Milliseconds until the outcome. */
static uint64_t outcome_ms(void)
{
	uint64_t begun = clock_monotonic_ns();
	worker_call(worker, start, NULL);
	for (unsigned i = 0; i < 20000 && !atomic_load(&attempt.is_done); i++)
		usleep(1000);
	ck_assert(atomic_load(&attempt.is_done));
	return (clock_monotonic_ns() - begun) / CLOCK_NS_PER_MS;
}

/* A socket of 127.0.0.1 that listens with this backlog, or is only bound (-1); its address in the script. */
static int add_server(int backlog)
{
	struct address *address = &script.addresses[script.count++];
	*address = (struct address){.len = sizeof address->sa.ipv4};
	address->sa.ipv4.sin_family = AF_INET;
	address->sa.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, &address->sa.any, address->len), 0);
	ck_assert_int_eq(getsockname(fd, &address->sa.any, &address->len), 0);
	if (backlog >= 0)
		ck_assert_int_eq(listen(fd, backlog), 0);
	return fd;
}

enum { FILLERS = 4 };

/* As a firewall that drops what is sent: a full queue, so that no SYN is answered. */
static int add_black_hole(int fillers[FILLERS])
{
	int fd = add_server(0);
	const struct address *address = &script.addresses[script.count - 1];
	for (unsigned i = 0; i < FILLERS; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(fillers[i], &address->sa.any, address->len);
		usleep(10000);
	}
	return fd;
}

static void set_up(void)
{
	worker = worker_start("connect");
	ck_assert_ptr_nonnull(worker);
}

static void tear_down(void)
{
	worker_stop(&worker);
}

START_TEST(the_first_address_that_answers_is_taken)
{
	int refuses = add_server(-1), answers = add_server(4);
	outcome_ms();
	ck_assert_int_ge(attempt.fd, 0);
	ck_assert_str_eq(attempt.error, "");
	struct sockaddr_in peer;
	socklen_t len = sizeof peer;
	ck_assert_int_eq(getpeername(attempt.fd, (struct sockaddr *)&peer, &len), 0);
	ck_assert_uint_eq(peer.sin_port, script.addresses[1].sa.ipv4.sin_port);
	close(attempt.fd);
	close(refuses);
	close(answers);
}
END_TEST

START_TEST(where_all_refuse_the_last_one_is_named)
{
	int first = add_server(-1), last = add_server(-1);
	char expected[CONNECT_ERROR_MAX_BYTES];
	outcome_ms();
	ck_assert_int_eq(attempt.fd, -1);
	snprintf(expected, sizeof expected, "log.example.net:514 (127.0.0.1:%u): Connection refused",
	         ntohs(script.addresses[1].sa.ipv4.sin_port));
	ck_assert_str_eq(attempt.error, expected);
	close(first);
	close(last);
}
END_TEST

START_TEST(a_name_that_is_not_resolved_is_told_with_its_reason)
{
	script.error = "cannot resolve \"log.example.net\": unknown node or service";
	outcome_ms();
	ck_assert_int_eq(attempt.fd, -1);
	ck_assert_str_eq(attempt.error, script.error);
}
END_TEST

/* As where a host has an IPv6 address, and a firewall on the way drops IPv6. */
START_TEST(an_address_that_does_not_answer_leaves_time_for_the_others)
{
	int fillers[FILLERS];
	int black_hole = add_black_hole(fillers);
	int servers[] = {add_server(4), add_server(4), add_server(4)};
	uint64_t took = outcome_ms();
	ck_assert_msg(attempt.fd >= 0, "%s", attempt.error);
	ck_assert_uint_ge(took, 2000);
	ck_assert_uint_lt(took, 5000);
	close(attempt.fd);
	for (unsigned i = 0; i < 3; i++)
		close(servers[i]);
	for (unsigned i = 0; i < FILLERS; i++)
		close(fillers[i]);
	close(black_hole);
}
END_TEST

START_TEST(a_server_that_does_not_answer_is_given_up_in_time)
{
	int fillers[FILLERS];
	int black_hole = add_black_hole(fillers);
	uint64_t took = outcome_ms();
	ck_assert_int_eq(attempt.fd, -1);
	ck_assert_ptr_nonnull(strstr(attempt.error, "no answer"));
	ck_assert_uint_ge(took, 9500);
	ck_assert_uint_lt(took, 12000);
	for (unsigned i = 0; i < FILLERS; i++)
		close(fillers[i]);
	close(black_hole);
}
END_TEST

START_TEST(a_cancelled_attempt_calls_nobody)
{
	int server = add_server(4);
	worker_call(worker, start, NULL);
	worker_call(worker, cancel, NULL);
	ck_assert_ptr_null(attempt.connect);
	usleep(50000);
	worker_call(worker, cancel, NULL);
	close(server);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("connect");
	TCase *tests = tcase_create("connect");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, the_first_address_that_answers_is_taken);
	tcase_add_test(tests, where_all_refuse_the_last_one_is_named);
	tcase_add_test(tests, a_name_that_is_not_resolved_is_told_with_its_reason);
	tcase_add_test(tests, an_address_that_does_not_answer_leaves_time_for_the_others);
	tcase_add_test(tests, a_server_that_does_not_answer_is_given_up_in_time);
	tcase_add_test(tests, a_cancelled_attempt_calls_nobody);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
