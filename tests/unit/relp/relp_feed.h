/* SPDX-License-Identifier: Apache-2.0 */
/* What the RELP tests share: octets kept until they are consumed, in front of an unreadable page, and a transcript. */
#ifndef TESTS_UNIT_RELP_RELP_FEED_H
#define TESTS_UNIT_RELP_RELP_FEED_H

#include "base/buffer.h"
#include "support/feed.h"
#include "support/guarded_bytes.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { RELP_TEST_PENDING_MAX = 32768, RELP_TEST_TRANSCRIPT_MAX = 8192, RELP_TEST_OUT_MAX = 65536 };

#define SOFTWARE   "test,1,url"
#define OUR_OFFERS "relp_version=0\nrelp_software=" SOFTWARE "\ncommands=syslog"

struct relp_feed {
	uint8_t pending[RELP_TEST_PENDING_MAX];
	size_t pending_len;
	size_t held_most; /* octets left unconsumed at most, over all runs */
	char transcript[RELP_TEST_TRANSCRIPT_MAX];
	size_t transcript_len;
};

static inline void relp_feed_reset(struct relp_feed *feed)
{
	feed->pending_len = 0;
	feed->transcript_len = 0;
	feed->transcript[0] = '\0';
}

static inline void relp_feed_add(struct relp_feed *feed, struct bytes piece)
{
	ck_assert_uint_le(feed->pending_len + piece.len, sizeof feed->pending);
	memcpy(feed->pending + feed->pending_len, piece.at, piece.len);
	feed->pending_len += piece.len;
}

static inline void relp_feed_consume(struct relp_feed *feed, size_t len)
{
	ck_assert_uint_le(len, feed->pending_len);
	feed->pending_len -= len;
	memmove(feed->pending, feed->pending + len, feed->pending_len);
}

static inline void relp_feed_note_held(struct relp_feed *feed)
{
	if (feed->pending_len > feed->held_most)
		feed->held_most = feed->pending_len;
}

__attribute__((format(printf, 2, 3))) static inline void relp_feed_put(struct relp_feed *feed, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	size_t room = sizeof feed->transcript - feed->transcript_len;
	int len = vsnprintf(feed->transcript + feed->transcript_len, room, format, arguments);
	va_end(arguments);
	ck_assert_int_ge(len, 0);
	ck_assert_uint_lt((size_t)len, room);
	feed->transcript_len += (size_t)len;
}

static inline void relp_feed_expect(const struct relp_feed *feed, const char *expected)
{
	ck_assert_msg(strcmp(feed->transcript, expected) == 0, "%s:\n  got  %s\n  want %s", feed_way(), feed->transcript,
	              expected);
}

static inline void relp_expect_bytes(struct bytes got, const char *expected)
{
	ck_assert_msg(bytes_equal(got, bytes_of_text(expected)), "%s:\n  got  %.*s\n  want %s", feed_way(), (int)got.len,
	              (const char *)got.at, expected);
}

/* Runs a suite of one test case. For main(). */
static inline int relp_run(const char *name, const TTest *const *tests, size_t count)
{
	Suite *suite = suite_create(name);
	TCase *all = tcase_create(name);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(all, tests[i]);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
