/* SPDX-License-Identifier: Apache-2.0 */
/* The tree: kinds, texts, lines, and the bounds. Syntax is yajl's; what it refuses is in the corpus. */
#include "config/json_tree.h"

#include "support/feed.h"

#include <check.h>
#include <stdlib.h>

static struct json_value *read_good(struct bytes text)
{
	struct json_error error;
	struct json_value *root = json_tree_read(text, &error);
	ck_assert_msg(root != NULL, "line %u: %s", error.line, error.text);
	return root;
}

static void check_refused(struct bytes text, unsigned line, const char *why)
{
	struct json_error error;
	ck_assert_ptr_null(json_tree_read(text, &error));
	ck_assert_str_eq(error.text, why);
	ck_assert_uint_eq(error.line, line);
}

START_TEST(every_kind_is_told_apart)
{
	struct json_value *root = read_good(BYTES("[null, true, false, -1.50e3, \"a\\u00e9\\n\", [], {}]"));
	static const enum json_kind kinds[] = {JSON_NULL,   JSON_BOOL, JSON_BOOL,  JSON_NUMBER,
										   JSON_STRING, JSON_LIST, JSON_OBJECT};
	static const char *const texts[] = {NULL, "true", "false", "-1.50e3", "a\xc3\xa9\n", NULL, NULL};
	ck_assert_uint_eq(root->children, 7);
	for (unsigned i = 0; i < 7; i++) {
		const struct json_value *item = json_item(root, i);
		ck_assert_int_eq(item->kind, kinds[i]);
		if (texts[i] == NULL)
			ck_assert_ptr_null(item->text);
		else
			ck_assert_str_eq(item->text, texts[i]);
	}
	ck_assert_ptr_null(json_item(root, 7));
	json_tree_free(&root);
	ck_assert_ptr_null(root);
}
END_TEST

START_TEST(members_are_found_by_name_and_know_their_line)
{
	struct json_value *root =
		read_good(BYTES("\n{ \"a\": 1,\n\n \"\": {\n \"c\"\n :\n 2 }, // x\n /* \n */ \"d\": [\n 3, 4,\n 5 ] }\n"));
	ck_assert_uint_eq(root->line, 2);
	ck_assert_uint_eq(json_member(root, "a")->line, 2);
	ck_assert_uint_eq(json_member(root, "")->line, 4);
	ck_assert_uint_eq(json_member(json_member(root, ""), "c")->line, 5);
	ck_assert_uint_eq(json_member(root, "d")->line, 9);
	ck_assert_uint_eq(json_item(json_member(root, "d"), 0)->line, 10);
	ck_assert_uint_eq(json_item(json_member(root, "d"), 2)->line, 11);
	json_tree_free(&root);
}
END_TEST

START_TEST(looking_into_nothing_finds_nothing)
{
	struct json_value *root = read_good(BYTES("[1]"));
	ck_assert_ptr_null(json_member(NULL, "a"));
	ck_assert_ptr_null(json_item(NULL, 0));
	ck_assert_ptr_null(json_member(root, "a"));
	ck_assert_ptr_null(json_item(json_item(root, 0), 0));
	json_tree_free(&root);
	json_tree_free(&root);
}
END_TEST

START_TEST(depth_is_bounded)
{
	char text[2 * JSON_DEPTH_MAX + 2];
	memset(text, '[', JSON_DEPTH_MAX);
	memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	struct json_value *root = read_good(bytes_of(text, 2 * JSON_DEPTH_MAX));
	json_tree_free(&root);
	memset(text, '[', JSON_DEPTH_MAX + 1);
	check_refused(bytes_of(text, sizeof text), 1, "lists and objects are nested too deeply");
}
END_TEST

START_TEST(children_are_bounded)
{
	static char text[2 * JSON_CHILDREN_MAX + 3];
	text[0] = '[';
	for (size_t i = 0; i <= JSON_CHILDREN_MAX; i++)
		memcpy(text + 1 + 2 * i, "1,", 2);
	check_refused(bytes_of(text, sizeof text), 1, "too many values in one list or object");
	text[2 * JSON_CHILDREN_MAX] = ']';
	struct json_value *root = read_good(bytes_of(text, 2 * JSON_CHILDREN_MAX + 1));
	ck_assert_uint_eq(root->children, JSON_CHILDREN_MAX);
	json_tree_free(&root);
}
END_TEST

START_TEST(size_is_bounded)
{
	static char text[JSON_TEXT_MAX_BYTES + 1];
	memset(text, ' ', sizeof text);
	memcpy(text, "{}", 2);
	struct json_value *root = read_good(bytes_of(text, JSON_TEXT_MAX_BYTES));
	json_tree_free(&root);
	check_refused(bytes_of(text, sizeof text), 1, "longer than 4194304 octets");
}
END_TEST

START_TEST(errors_know_their_line)
{
	check_refused(BYTES("{\n \"a\": 1,\n \"a\": 2 }"), 3, "\"a\" is there twice; the first is in line 2");
	check_refused(BYTES("[\n\n1 2]"), 3, "not JSON: parse error: after array element, I expect ',' or ']'");
	check_refused(BYTES("[\n\n"), 3, "not JSON: the text ends too early");
	check_refused(BYTES("\n\n"), 3, "not JSON: the text ends too early");
}
END_TEST

static void read_prefix(void *test, struct bytes prefix)
{
	struct json_error error;
	struct json_value *root = json_tree_read(prefix, &error);
	bool whole = prefix.len == *(const size_t *)test;
	ck_assert_msg((root != NULL) == whole, "%s: %s", feed_way(), error.text);
	ck_assert_msg(whole || error.text[0] != '\0', "%s", feed_way());
	json_tree_free(&root);
}

START_TEST(no_prefix_of_a_document_is_one)
{
	struct bytes text = BYTES("{ \"a\": [1, \"\\u00e9\\\"\", {\"b\": null}], /* c */ \"d\": true }");
	size_t whole = text.len;
	feed_every_prefix(text, read_prefix, &whole);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json_tree");
	TCase *tests = tcase_create("json_tree");
	tcase_add_test(tests, every_kind_is_told_apart);
	tcase_add_test(tests, members_are_found_by_name_and_know_their_line);
	tcase_add_test(tests, looking_into_nothing_finds_nothing);
	tcase_add_test(tests, depth_is_bounded);
	tcase_add_test(tests, children_are_bounded);
	tcase_add_test(tests, size_is_bounded);
	tcase_add_test(tests, errors_know_their_line);
	tcase_add_test(tests, no_prefix_of_a_document_is_one);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
