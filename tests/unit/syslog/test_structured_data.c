/* SPDX-License-Identifier: Apache-2.0 */
#include "syslog/structured_data.h"

#include "support/feed.h"
#include "support/guarded_bytes.h"

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

/* Besides the octets that have a meaning of their own. */
static bool stands_in_name(unsigned octet)
{
	return octet > 32 && octet < 127;
}

/* "[x" and a run of letters of each length with each octet in it, at an unreadable page: short ends and whole blocks.
 */
static void expect_around(const char *before, size_t len, const char *behind, bool value)
{
	struct guarded_bytes text = guarded_bytes_room(strlen(before) + len + strlen(behind));
	uint8_t *run = text.at + strlen(before);
	memcpy(text.at, before, strlen(before));
	memset(run, 'n', len);
	memcpy(run + len, behind, strlen(behind));
	for (size_t at = 0; at < len; at++) {
		for (unsigned octet = 0; octet < 256; octet++) {
			run[at] = (uint8_t)octet;
			struct sd_extent extent = sd_measure(guarded_bytes_view(&text));
			bool special = octet == '"' || octet == '\\' || octet == ']' || octet == '=' || octet == ' ';
			if (special)
				continue; /* another grammar: the cases above */
			bool fits = value || (stands_in_name(octet) && len < SD_NAME_MAX_BYTES);
			ck_assert_msg(extent.outcome == (fits ? SD_EXACT : SD_MALFORMED), "octet %u at %zu of %zu", octet, at, len);
			ck_assert_uint_eq(extent.len, fits ? text.len : 0);
		}
		run[at] = 'n';
	}
	guarded_bytes_free(&text);
}

START_TEST(each_octet_stands_where_the_grammar_says)
{
	for (size_t len = 1; len < 40; len++) {
		expect_around("[x", len, "]", false);
		expect_around("[x y", len, "=\"\"]", false);
		expect_around("[x y=\"", len, "\"]", true);
	}
}
END_TEST

START_TEST(escapes_are_seen_at_every_place)
{
	for (size_t len = 0; len < 40; len++) {
		char text[64] = "[x y=\"";
		memset(text + 6, 'v', len);
		for (const char *const *pair = (const char *const[]){"\\\"", "\\\\", "\\]", "\\n", "]\\\"", NULL};
			 *pair != NULL; pair++) {
			strcpy(text + 6 + len, *pair);
			strcat(text, "\"]");
			expect(text, **pair == ']' ? SD_TOLERATED : SD_EXACT, strlen(text), false);
		}
		strcpy(text + 6 + len, "\\\"]");
		expect(text, SD_MALFORMED, 0, false);
	}
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
	tcase_add_test(tests, each_octet_stands_where_the_grammar_says);
	tcase_add_test(tests, escapes_are_seen_at_every_place);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
