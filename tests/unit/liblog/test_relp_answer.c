/* SPDX-License-Identifier: Apache-2.0 */
/* What a RELP server answers: whole, in every prefix and at an unreadable page; and what is no answer. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "relp_answer.h"
#include "support/feed.h"

struct wanted {
	const char *frame; /* may be followed by the next one */
	size_t size;
	struct slog_relp_answer answer;
};

static void read_prefix(void *test, struct bytes prefix)
{
	const struct wanted *wanted = test;
	struct slog_relp_answer answer;
	enum slog_relp_outcome outcome = slog_relp_answer_read((const char *)prefix.at, prefix.len, &answer);
	if (prefix.len < wanted->answer.size) {
		ck_assert_msg(outcome == SLOG_RELP_INCOMPLETE, "%s", feed_way());
		return;
	}
	ck_assert_msg(outcome == SLOG_RELP_COMPLETE, "%s", feed_way());
	ck_assert_int_eq(answer.command, wanted->answer.command);
	ck_assert_uint_eq(answer.txnr, wanted->answer.txnr);
	ck_assert_int_eq(answer.code, wanted->answer.code);
	ck_assert_uint_eq(answer.size, wanted->answer.size);
}

static void is_read(const char *frame, struct slog_relp_answer answer)
{
	struct wanted wanted = {.frame = frame, .answer = answer};
	feed_every_prefix(bytes_of(frame, strlen(frame)), read_prefix, &wanted);
}

START_TEST(answers_are_read)
{
	is_read("2 rsp 6 200 OK\n", (struct slog_relp_answer){SLOG_RELP_RSP, 2, 200, 15});
	is_read("2 rsp 6 200 OK\n3 rsp 6 200 OK\n", (struct slog_relp_answer){SLOG_RELP_RSP, 2, 200, 15});
	is_read("999999999 rsp 9 500 error\n", (struct slog_relp_answer){SLOG_RELP_RSP, 999999999, 500, 26});
	is_read("1 rsp 30 200 OK\nrelp_version=0\na=b\nc=d\n", (struct slog_relp_answer){SLOG_RELP_RSP, 1, 200, 40});
	is_read("2 rsp 3 200\n", (struct slog_relp_answer){SLOG_RELP_RSP, 2, 200, 12});
	is_read("007 rsp 006 200 OK\n", (struct slog_relp_answer){SLOG_RELP_RSP, 7, 200, 19});
}
END_TEST

START_TEST(the_answer_to_close_has_no_code)
{
	is_read("5 rsp 0\n", (struct slog_relp_answer){SLOG_RELP_RSP, 5, 0, 8});
	is_read("0 serverclose 0\n", (struct slog_relp_answer){SLOG_RELP_SERVERCLOSE, 0, 0, 16});
	is_read("5 rsp 2 ok\n", (struct slog_relp_answer){SLOG_RELP_RSP, 5, 0, 11});
}
END_TEST

START_TEST(what_is_no_answer_is_invalid)
{
	static const char *const wrong[] = {
		" rsp 0\n", "x", "1234567890 rsp 0\n", "1 rsp 0 \n", "1 rsp 6 200 OK\r", "1 rsp 5 200 OK\n", "1  rsp 0\n",
		"1 RSP 0\n",
		"1 rspx 0\n", "1 syslog 1 x\n", "1 rsp x\n", "1 rsp 0000000000\n", "1 rsp 4097 x", "1\n", "-1 rsp 0\n",
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct slog_relp_answer answer;
		ck_assert_msg(slog_relp_answer_read(wrong[i], strlen(wrong[i]), &answer) == SLOG_RELP_INVALID, "%s", wrong[i]);
	}
}
END_TEST

START_TEST(an_answer_that_never_ends_is_invalid_when_it_is_too_long)
{
	static char text[SLOG_RELP_ANSWER_BYTES_MAX];
	struct slog_relp_answer answer;
	memset(text, 'x', sizeof text);
	memcpy(text, "1 rsp 4096 ", 11);
	ck_assert_int_eq(slog_relp_answer_read(text, sizeof text - 1, &answer), SLOG_RELP_INCOMPLETE);
	ck_assert_int_eq(slog_relp_answer_read(text, sizeof text, &answer), SLOG_RELP_INVALID);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("relp_answer");
	TCase *tests = tcase_create("relp_answer");
	tcase_add_test(tests, answers_are_read);
	tcase_add_test(tests, the_answer_to_close_has_no_code);
	tcase_add_test(tests, what_is_no_answer_is_invalid);
	tcase_add_test(tests, an_answer_that_never_ends_is_invalid_when_it_is_too_long);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
