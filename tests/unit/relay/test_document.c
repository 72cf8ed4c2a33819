/* SPDX-License-Identifier: Apache-2.0 */
/* The documents of the control socket: whatever peers and disks say, they are JSON. */
#include "relay/document.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_tree.h>

/* Asserts that it is JSON in UTF-8 with that text in "said", and frees it. */
static void assert_said(yajl_gen gen, const char *expected)
{
	const char *path[] = {"said", NULL};
	char error[256];
	char *document = document_finish(gen);
	ck_assert_ptr_nonnull(document);
	yajl_val tree = yajl_tree_parse(document, error, sizeof error);
	ck_assert_msg(tree != NULL, "%s", error);
	ck_assert_str_eq(YAJL_GET_STRING(yajl_tree_get(tree, path, yajl_t_string)), expected);
	yajl_tree_free(tree);
	free(document);
}

START_TEST(a_text_is_kept_as_it_is)
{
	yajl_gen gen = document_begin();
	document_text(gen, "said", "r\xc3\xa9" "fus\xc3\xa9: \"\x1b\n");
	assert_said(gen, "r\xc3\xa9" "fus\xc3\xa9: \"\x1b\n");
	gen = document_begin();
	document_text(gen, "said", "");
	assert_said(gen, "");
}
END_TEST

/* As a RELP server may put it into its refusal, or where a longer text was cut. */
START_TEST(a_text_that_is_not_utf8_leaves_the_document_readable)
{
	yajl_gen gen = document_begin();
	document_text(gen, "said", "refused: \xff, r\xc3");
	assert_said(gen, "refused: ?, r?");
}
END_TEST

START_TEST(octets_of_any_number_are_written)
{
	char text[3001];
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	yajl_gen gen = document_begin();
	document_octets(gen, "said", (const uint8_t *)text, sizeof text - 1);
	assert_said(gen, text);
	gen = document_begin();
	document_octets(gen, "said", NULL, 0);
	assert_said(gen, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("relay/document");
	TCase *cases = tcase_create("document");
	tcase_add_test(cases, a_text_is_kept_as_it_is);
	tcase_add_test(cases, a_text_that_is_not_utf8_leaves_the_document_readable);
	tcase_add_test(cases, octets_of_any_number_are_written);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
