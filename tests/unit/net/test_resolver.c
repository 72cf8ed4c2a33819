/* SPDX-License-Identifier: Apache-2.0 */
/* Names to addresses on a worker: numbers without a look-up, localhost with one, names that are none, cancelling. */
#include "net/resolver.h"

#include <check.h>
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The name server of "silent.example.net" answers when it is told to: in place of the C library's function. */
static pthread_mutex_t silence = PTHREAD_MUTEX_INITIALIZER;
static _Atomic unsigned silent, answered;

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (strcmp(host, "silent.example.net") != 0)
		return real(host, service, hints, found);
	atomic_fetch_add(&silent, 1);
	pthread_mutex_lock(&silence);
	pthread_mutex_unlock(&silence);
	int status = real("127.0.0.1", service, hints, found);
	atomic_fetch_add(&answered, 1);
	return status;
}

struct asked {
	struct worker *worker;
	struct endpoint endpoint;
	struct resolver_request *request;
	bool is_cancelled_at_once;
	bool was_called_inside;
	bool is_done;
	unsigned count;
	char first[ADDRESS_TEXT_MAX_BYTES];
	char error[512];
	pthread_mutex_t lock;
	pthread_cond_t done;
};

static void on_resolved(void *context, const struct address *addresses, unsigned count, const char *error)
{
	struct asked *asked = context;
	pthread_mutex_lock(&asked->lock);
	asked->request = NULL;
	asked->count = count;
	if (count > 0)
		address_text(&addresses[0], asked->first);
	else
		strncpy(asked->error, error, sizeof(asked->error) - 1);
	asked->is_done = true;
	pthread_cond_broadcast(&asked->done);
	pthread_mutex_unlock(&asked->lock);
}

static void ask(void *context)
{
	struct asked *asked = context;
	asked->request = resolver_start(asked->worker, &asked->endpoint, on_resolved, asked);
	ck_assert_ptr_nonnull(asked->request);
	asked->was_called_inside = asked->is_done;
	if (asked->is_cancelled_at_once) {
		resolver_cancel(&asked->request);
		resolver_cancel(&asked->request);
	}
}

static struct asked resolve(const char *text, bool cancel)
{
	struct asked asked = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
	char error[ADDRESS_ERROR_MAX_BYTES];
	asked.worker = worker_start("resolver");
	asked.is_cancelled_at_once = cancel;
	ck_assert_msg(endpoint_read(text, 0, &asked.endpoint, error), "%s", error);
	worker_call(asked.worker, ask, &asked);
	pthread_mutex_lock(&asked.lock);
	while (!asked.is_done && !cancel)
		pthread_cond_wait(&asked.done, &asked.lock);
	pthread_mutex_unlock(&asked.lock);
	worker_stop(&asked.worker);
	ck_assert(!asked.was_called_inside);
	return asked;
}

START_TEST(numbers_and_paths_come_on_a_later_turn)
{
	struct asked asked = resolve("192.0.2.7:514", false);
	ck_assert_uint_eq(asked.count, 1);
	ck_assert_str_eq(asked.first, "192.0.2.7:514");
	asked = resolve("[2001:db8::1]:601", false);
	ck_assert_str_eq(asked.first, "[2001:db8::1]:601");
	asked = resolve("unix:/run/relayd/log", false);
	ck_assert_str_eq(asked.first, "unix:/run/relayd/log");
}
END_TEST

START_TEST(a_name_is_looked_up)
{
	struct asked asked = resolve("localhost:514", false);
	ck_assert_uint_ge(asked.count, 1);
	ck_assert_msg(strcmp(asked.first, "127.0.0.1:514") == 0 || strcmp(asked.first, "[::1]:514") == 0, "%s",
				  asked.first);
}
END_TEST

START_TEST(a_name_that_is_none_is_named_in_the_error)
{
	struct asked asked = resolve("no-such-host.invalid:514", false);
	ck_assert_uint_eq(asked.count, 0);
	ck_assert_ptr_eq(strstr(asked.error, "cannot resolve \"no-such-host.invalid\": "), asked.error);
	asked = resolve("[fe80::1%nosuchinterface]:514", false);
	ck_assert_uint_eq(asked.count, 0);
	ck_assert_ptr_eq(strstr(asked.error, "cannot resolve \"fe80::1%nosuchinterface\": "), asked.error);
}
END_TEST

START_TEST(a_cancelled_request_calls_nobody)
{
	struct asked asked = resolve("192.0.2.7:514", true);
	ck_assert(!asked.is_done);
	asked = resolve("localhost:514", true);
	ck_assert(!asked.is_done);
}
END_TEST

START_TEST(nobody_waits_for_a_look_up_that_was_cancelled)
{
	pthread_mutex_lock(&silence);
	for (unsigned i = 0; i < 3; i++) {
		/* Returns though the name server is silent: the worker has been stopped. */
		struct asked asked = resolve("silent.example.net:514", true);
		ck_assert(!asked.is_done);
		ck_assert_uint_eq(atomic_load(&answered), 0);
	}
	/* Their threads find nobody any more; a look-up that is waited for gets its answer. */
	pthread_mutex_unlock(&silence);
	struct asked asked = resolve("silent.example.net:514", false);
	ck_assert_uint_eq(asked.count, 1);
	ck_assert_str_eq(asked.first, "127.0.0.1:514");
	while (atomic_load(&answered) < 4)
		sched_yield();
}
END_TEST

START_TEST(there_are_only_so_many_look_ups_at_a_time)
{
	pthread_mutex_lock(&silence);
	for (unsigned i = 0; i < RESOLVER_LOOKUPS_MAX; i++)
		(void)resolve("silent.example.net:514", true);
	struct asked asked = resolve("localhost:514", false);
	ck_assert_uint_eq(asked.count, 0);
	ck_assert_ptr_nonnull(strstr(asked.error, "too many look-ups are running"));
	pthread_mutex_unlock(&silence);
	while (atomic_load(&answered) < RESOLVER_LOOKUPS_MAX)
		sched_yield();
	/* Each has made room for another one, a moment after its answer. */
	for (asked.count = 0; asked.count == 0;)
		asked = resolve("localhost:514", false);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net/resolver");
	TCase *tests = tcase_create("resolver");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, numbers_and_paths_come_on_a_later_turn);
	tcase_add_test(tests, a_name_is_looked_up);
	tcase_add_test(tests, a_name_that_is_none_is_named_in_the_error);
	tcase_add_test(tests, a_cancelled_request_calls_nobody);
	tcase_add_test(tests, nobody_waits_for_a_look_up_that_was_cancelled);
	tcase_add_test(tests, there_are_only_so_many_look_ups_at_a_time);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
