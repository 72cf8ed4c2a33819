/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts of relays: gathered over answers and restarts, with clocks that differ, and what the path says of them. */
#include "relayctl/probe_report.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "config/json_tree.h"

#define ID "8c1f02d94be3a657"
#define MS INT64_C(1000000)

static struct receipt room[3];
static struct receipts receipts;

static void begin(void)
{
	memset(room, 0, sizeof room);
	receipts = (struct receipts){.path = "/run/relay", .id = ID, .count = 3, .receipt = room, .begun = 1};
	receipts.clock_error_ns = UINT64_MAX;
}

static bool take(const char *text, int64_t asked_ns, int64_t answered_ns)
{
	struct json_error error;
	struct json_value *answer = json_tree_read(bytes_of_text(text), &error);
	ck_assert_ptr_nonnull(answer);
	bool taken = receipts_take(&receipts, answer, asked_ns, answered_ns);
	json_tree_free(&answer);
	return taken;
}

static const char first[] = "{\"id\":\"" ID "\",\"host\":\"web\\u000101\","
	"\"stored\":9,\"looked_at\":9,\"unread\":0,\"now_ns\":5000000000,"
	"\"numbers\":[{\"number\":1,\"copies\":1,\"sequence\":7,\"stored_ns\":4990000000,\"input\":\"in\"},"
	"{\"number\":3,\"copies\":2,\"sequence\":9,\"stored_ns\":4995000000,\"input\":\"in\"},"
	"{\"number\":4,\"copies\":1},{\"number\":2,\"copies\":0}],"
	"\"outputs\":[{\"name\":\"next\",\"confirmed\":true,\"wants\":true,\"delivered\":8,\"put_aside\":0,\"stream\":\"ab\"}]}";

START_TEST(an_answer_is_taken_and_what_it_cannot_be_is_left)
{
	begin();
	ck_assert(take(first, 4999 * MS, 5001 * MS));
	ck_assert_uint_eq(receipts.seen, 2);
	ck_assert_uint_eq(receipts.copies, 3);
	ck_assert_str_eq(receipts.host, "web?01");
	ck_assert_uint_eq(room[0].sequence, 7);
	ck_assert_uint_eq(room[1].copies, 0);
	ck_assert_str_eq(room[2].input, "in");
	ck_assert(receipts_are_complete(&receipts));
	const struct receipts_output *output = receipts_find_output(&receipts, "next");
	ck_assert_ptr_nonnull(output);
	ck_assert_uint_eq(output->delivered, 8);
	ck_assert_str_eq(output->stream, "ab");
	ck_assert_ptr_null(receipts_find_output(&receipts, "other"));
}
END_TEST

START_TEST(answers_of_others_are_none)
{
	begin();
	ck_assert(!take("{\"id\":\"0000000000000000\",\"numbers\":[]}", 0, 1));
	ck_assert(!take("{\"id\":\"" ID "\"}", 0, 1));
	ck_assert(!take("[]", 0, 1));
	ck_assert_uint_eq(receipts.seen, 0);
}
END_TEST

START_TEST(what_a_relay_knew_before_its_restart_is_kept)
{
	begin();
	ck_assert(take(first, 4999 * MS, 5001 * MS));
	ck_assert(take("{\"id\":\"" ID "\",\"now_ns\":6000000000,"
	               "\"numbers\":[{\"number\":2,\"copies\":1,\"sequence\":10,\"stored_ns\":1}]}",
	               5999 * MS, 6001 * MS));
	ck_assert_uint_eq(receipts.seen, 3);
	ck_assert_uint_eq(receipts.copies, 4);
	ck_assert_uint_eq(room[0].sequence, 7);
	receipts.begun = 2;
	ck_assert(!receipts_are_complete(&receipts));
}
END_TEST

START_TEST(a_clock_that_is_wrong_is_known_as_exactly_as_the_quickest_answer)
{
	begin();
	/* Its clock is 100 s ahead. */
	ck_assert(take("{\"id\":\"" ID "\",\"now_ns\":105000000000,"
	               "\"numbers\":[{\"number\":1,\"copies\":1,\"stored_ns\":104990000000}]}",
	               4990 * MS, 5010 * MS));
	ck_assert_uint_eq(receipts.clock_error_ns, 10 * MS);
	ck_assert_int_eq(receipts.clock_ns, 100000 * MS);
	ck_assert(take("{\"id\":\"" ID "\",\"now_ns\":106003000000,\"numbers\":[]}", 6000 * MS, 6004 * MS));
	ck_assert_uint_eq(receipts.clock_error_ns, 2 * MS);
	ck_assert_int_eq(receipts.clock_ns, 100001 * MS);
	ck_assert(take("{\"id\":\"" ID "\",\"now_ns\":999000000000,\"numbers\":[]}", 7000 * MS, 7100 * MS));
	ck_assert_int_eq(receipts.clock_ns, 100001 * MS);
	ck_assert_int_eq(receipts_stored_ns(&receipts, &room[0]), 4989 * MS);
}
END_TEST

START_TEST(the_latency_is_that_of_the_probes_that_are_there)
{
	static const int64_t sent[] = {4980 * MS, 4985 * MS, 4990 * MS};
	begin();
	ck_assert(take(first, 4999 * MS, 5001 * MS));
	const struct probe_path path = {.id = ID, .input = "in", .way = "UDP", .count = 3, .sent_ns = sent, .relays = &receipts,
	                                .relays_count = 1};
	struct probe_latency latency = probe_latency_at(&path, 0);
	ck_assert_uint_eq(latency.count, 2);
	ck_assert_uint_eq(latency.min_ns, 5 * MS);
	ck_assert_uint_eq(latency.median_ns, 10 * MS);
	ck_assert_uint_eq(latency.max_ns, 10 * MS);
	ck_assert(!probe_path_arrived(&path));
	ck_assert_uint_eq(probe_path_doubled(&path), 1);
}
END_TEST

START_TEST(the_path_says_who_has_it_and_who_has_not)
{
	static const int64_t sent[] = {4980 * MS, 4985 * MS, 4990 * MS};
	char text[4096];
	FILE *out = fmemopen(text, sizeof text, "w");
	begin();
	ck_assert(take(first, 4999 * MS, 5001 * MS));
	const struct probe_path path = {.id = ID, .input = "in", .way = "UDP", .count = 3, .sent_ns = sent, .relays = &receipts,
	                                .relays_count = 1};
	probe_path_print(&path, out);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(text, "2 of 3 seen"));
	ck_assert_ptr_nonnull(strstr(text, "SEEN MORE THAN ONCE: 1 copies too many"));
	ck_assert_ptr_nonnull(strstr(text, "output next has not delivered it yet"));
	ck_assert_ptr_nonnull(strstr(text, "NOT ARRIVED: 2 of 3 probes were stored by /run/relay, where they went in"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("relayctl/probe_report");
	TCase *cases = tcase_create("receipts");
	tcase_add_test(cases, an_answer_is_taken_and_what_it_cannot_be_is_left);
	tcase_add_test(cases, answers_of_others_are_none);
	tcase_add_test(cases, what_a_relay_knew_before_its_restart_is_kept);
	tcase_add_test(cases, a_clock_that_is_wrong_is_known_as_exactly_as_the_quickest_answer);
	tcase_add_test(cases, the_latency_is_that_of_the_probes_that_are_there);
	tcase_add_test(cases, the_path_says_who_has_it_and_who_has_not);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
