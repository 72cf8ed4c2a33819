/* SPDX-License-Identifier: Apache-2.0 */
#include "syslog/structured_data.h"

#include "support/feed.h"

#include <check.h>
#include <stdlib.h>

static void expect(const char *text, enum sd_outcome outcome, size_t len, bool repeated)
{
	struct sd_extent extent = sd_measure(bytes_of_text(text));
	ck_assert_msg(extent.outcome == outcome && extent.len == len && extent.repeated == repeated, "%s: %d %zu", text,
				  extent.outcome, extent.len);
}

/* Iterating over any prefix stays inside of it. */
static void iterate_prefix(void *count, struct bytes prefix)
{
	struct sd_element element;
	struct sd_param param;
	unsigned params = 0;
	sd_measure(prefix);
	while (sd_next_element(&prefix, &element)) {
		while (sd_next_param(&element.params, &param))
			params++;
	}
	*(unsigned *)count = params;
}

START_TEST(elements_end_at_anything_but_a_bracket)
{
	expect("[x@1]", SD_EXACT, 5, false);
	expect("[x@1 a=\"1\"]", SD_EXACT, 11, false);
	expect("[a@1 x=\"1\"][b@1 y=\"2\"] t", SD_EXACT, 22, false);
	expect("[a@1 x=\"1\"] [b@1 y=\"2\"] t", SD_EXACT, 11, false);
	expect("[a@1 x=\"\"]", SD_EXACT, 10, false);
	expect("[a@1 x=\"a\\]b\\\"c\\\\\"]", SD_EXACT, 19, false);
}
END_TEST

START_TEST(malformed_elements_are_none)
{
	static const char *const texts[] = {"[",
										"[]",
										"[ x]",
										"[x",
										"[x ]",
										"[x a]",
										"[x a=]",
										"[x a=\"]",
										"[x a=\"1\"",
										"[x  a=\"1\"]",
										"[x a=\"1\"b=\"2\"]",
										"[x a=\"1\" ]",
										"[a=\"b\"]",
										"[x =\"1\"]",
										"[x a='1']",
										"[abcdefghijklmnopqrstuvwxyz0123456 a=\"1\"]",
										"[x\xc3\xa4 a=\"1\"]",
										"[a@1][",
										"[a@1][ b@1]"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		expect(texts[i], SD_MALFORMED, 0, false);
}
END_TEST

START_TEST(a_name_of_32_octets_is_allowed)
{
	expect("[abcdefghijklmnopqrstuvwxyz012345 a=\"1\"]", SD_EXACT, 40, false);
}
END_TEST

START_TEST(an_unescaped_bracket_in_a_value_is_tolerated)
{
	expect("[x@1 a=\"q]b\"] hello", SD_TOLERATED, 13, false);
}
END_TEST

START_TEST(a_repeated_sd_id_is_noticed)
{
	expect("[x@1 a=\"1\"][x@1 a=\"2\"]", SD_EXACT, 22, true);
	expect("[x@1 a=\"1\"][X@1 a=\"2\"]", SD_EXACT, 22, false);
	expect("[x@1 a=\"1\" a=\"2\"]", SD_EXACT, 17, false);
}
END_TEST

START_TEST(more_elements_than_the_limit_are_text)
{
	static char text[3 * SD_ELEMENTS_MAX + 4];
	for (size_t i = 0; i < SD_ELEMENTS_MAX; i++)
		memcpy(text + 3 * i, "[a]", 4);
	expect(text, SD_EXACT, 3 * SD_ELEMENTS_MAX, true);
	memcpy(text + 3 * SD_ELEMENTS_MAX, "[a]", 4);
	expect(text, SD_MALFORMED, 0, false);
}
END_TEST

START_TEST(iteration_gives_elements_and_parameters_in_order)
{
	struct bytes rest = BYTES("[a@1 x=\"1\" y=\"\"][b@1] text"), params;
	struct sd_element element;
	struct sd_param param;
	ck_assert(sd_next_element(&rest, &element));
	ck_assert(bytes_equal(element.id, BYTES("a@1")));
	params = element.params;
	ck_assert(sd_next_param(&params, &param));
	ck_assert(bytes_equal(param.name, BYTES("x")) && bytes_equal(param.value, BYTES("1")));
	ck_assert(sd_next_param(&params, &param));
	ck_assert(bytes_equal(param.name, BYTES("y")) && param.value.len == 0);
	ck_assert(!sd_next_param(&params, &param));
	ck_assert(sd_next_element(&rest, &element));
	ck_assert(bytes_equal(element.id, BYTES("b@1")) && element.params.len == 0);
	ck_assert(!sd_next_element(&rest, &element));
}
END_TEST

START_TEST(iteration_never_leaves_its_input)
{
	unsigned params = 0;
	feed_every_prefix(BYTES("[a@1 x=\"1\\\"\" y=\"q]b\"][b@1 z=\"\\\\\"] text"), iterate_prefix, &params);
	ck_assert_uint_eq(params, 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("structured_data");
	TCase *tests = tcase_create("structured_data");
	tcase_add_test(tests, elements_end_at_anything_but_a_bracket);
	tcase_add_test(tests, malformed_elements_are_none);
	tcase_add_test(tests, a_name_of_32_octets_is_allowed);
	tcase_add_test(tests, an_unescaped_bracket_in_a_value_is_tolerated);
	tcase_add_test(tests, a_repeated_sd_id_is_noticed);
	tcase_add_test(tests, more_elements_than_the_limit_are_text);
	tcase_add_test(tests, iteration_gives_elements_and_parameters_in_order);
	tcase_add_test(tests, iteration_never_leaves_its_input);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
