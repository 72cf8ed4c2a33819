/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's list of servers, and how long a link waits between its rounds. */
#include "output/link.h"

#include <check.h>
#include <stdlib.h>

static char error[OUTPUT_ERROR_MAX_BYTES];
static struct link_server servers[LINK_SERVERS_MAX];

static unsigned read_servers(char *const *items, size_t count)
{
	const struct option_list list = {.items = (char **)(uintptr_t)items, .count = count};
	error[0] = '\0';
	return link_servers_read(&list, 2514, servers, error);
}

START_TEST(servers_keep_their_order_and_get_the_default_port)
{
	char *items[] = {(char[]){"log1.example.net"}, (char[]){"[2001:db8::1]:99"}, (char[]){"unix:/run/log"}};
	ck_assert_uint_eq(read_servers(items, 3), 3);
	ck_assert_str_eq(servers[0].endpoint.host, "log1.example.net");
	ck_assert_uint_eq(servers[0].endpoint.port, 2514);
	ck_assert_str_eq(servers[1].endpoint.host, "2001:db8::1");
	ck_assert_uint_eq(servers[1].endpoint.port, 99);
	ck_assert(servers[2].endpoint.is_local);
	ck_assert_str_eq(servers[2].name, "unix:/run/log");
}
END_TEST

START_TEST(no_server_and_too_many_are_refused)
{
	char one[] = "log1", *items[LINK_SERVERS_MAX + 1];
	for (unsigned i = 0; i <= LINK_SERVERS_MAX; i++)
		items[i] = one;
	ck_assert_uint_eq(read_servers(items, 0), 0);
	ck_assert_ptr_nonnull(strstr(error, "1 to 16"));
	ck_assert_uint_eq(read_servers(items, LINK_SERVERS_MAX), LINK_SERVERS_MAX);
	ck_assert_uint_eq(read_servers(items, LINK_SERVERS_MAX + 1), 0);
	ck_assert_ptr_nonnull(strstr(error, "1 to 16"));
}
END_TEST

START_TEST(a_wrong_server_is_named)
{
	char *items[] = {(char[]){"log1"}, (char[]){"log2:99999"}};
	ck_assert_uint_eq(read_servers(items, 2), 0);
	ck_assert_ptr_nonnull(strstr(error, "\"log2:99999\""));
	char *no_host[] = {(char[]){":514"}};
	ck_assert_uint_eq(read_servers(no_host, 1), 0);
	ck_assert_ptr_nonnull(strstr(error, "a host is missing"));
}
END_TEST

/* A server that was away for an hour is used again within ten seconds, and not by all relays in the same moment. */
START_TEST(waits_grow_to_ten_seconds_and_are_spread)
{
	struct backoff early = {.min_ns = LINK_BACKOFF_MIN_NS, .max_ns = LINK_BACKOFF_MAX_NS};
	struct backoff late = early;
	ck_assert_uint_ge(backoff_next(&early, 0), 250 * CLOCK_NS_PER_MS);
	ck_assert_uint_le(backoff_next(&late, UINT32_MAX), 500 * CLOCK_NS_PER_MS);
	uint64_t shortest = 0, longest = 0;
	for (unsigned i = 0; i < 100; i++) {
		shortest = backoff_next(&early, 0);
		longest = backoff_next(&late, UINT32_MAX);
		ck_assert_uint_le(longest, 10 * CLOCK_NS_PER_SECOND);
	}
	ck_assert_uint_eq(shortest, 5 * CLOCK_NS_PER_SECOND);
	ck_assert_uint_ge(longest, 9 * CLOCK_NS_PER_SECOND);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link");
	TCase *tests = tcase_create("link");
	tcase_add_test(tests, servers_keep_their_order_and_get_the_default_port);
	tcase_add_test(tests, no_server_and_too_many_are_refused);
	tcase_add_test(tests, a_wrong_server_is_named);
	tcase_add_test(tests, waits_grow_to_ten_seconds_and_are_spread);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
