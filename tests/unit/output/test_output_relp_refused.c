/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that the server of the driver `relp` refuses: they are sent again alone, held, or go into the quarantine. */
#include <limits.h>
#include <sys/stat.h>

#include "output/quarantine.h"
#include "unit/output/output_relp_fixture.h"

/* The quarantine of the output, filled to the last octet that fits. */
static void fill_quarantine(size_t size)
{
	char error[QUARANTINE_ERROR_MAX_BYTES];
	static uint8_t text[64 << 10];
	struct envelope envelope = {.raw = bytes_of(text, sizeof text)};
	struct quarantine *full = quarantine_open(spool_path(spool), "out", size);
	while (quarantine_put(full, 1, &envelope, error) == QUARANTINE_DONE)
		;
	envelope.raw.len = 0;
	while (quarantine_put(full, 1, &envelope, error) == QUARANTINE_DONE)
		;
	quarantine_close(&full);
}

/* spool-rules.md, rule 38: all before the refused message, then it alone; nothing behind it while it is refused. */
START_TEST(a_refused_message_is_sent_again_alone_and_holds_the_others)
{
	script = script_new();
	atomic_store(&script->refuse_number, 40);
	atomic_store(&script->refuse_times, 2);
	start_relp();
	put_messages(100);
	start_output();
	wait_delivered(100);
	script_check_all(&script, 1, 100, 4);
	struct output_status status = status_now();
	ck_assert_uint_eq(status.refused, 2);
	ck_assert_uint_eq(script->seen[39], 1);
	ck_assert_uint_eq(script->seen[40], 3);
	/* Those behind it went out with it in the first session, and again when it was taken; never in between. */
	ck_assert_uint_eq(script->seen[41], 2);
	ck_assert_uint_eq(script->seen[99], 2);
	end_script(&script);
}
END_TEST

START_TEST(a_message_refused_for_good_is_held_and_said)
{
	script = script_new();
	atomic_store(&script->refuse_number, 5);
	atomic_store(&script->refuse_times, 1000);
	start_relp();
	link_pauses.max_ns = LINK_BACKOFF_MAX_NS; /* time to look while it is held */
	set("on_refused", "hold");
	put_messages(10);
	start_output();
	wait_state("held: message 6");
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 5);
	ck_assert_uint_eq(status_now().refused, 3);
	ck_assert_ptr_nonnull(strstr(status_now().detail, "message 6"));
	end_script(&script);
}
END_TEST

/* spool-rules.md, rule 38: without it one message that a server never takes would stop an output for ever. */
START_TEST(a_message_refused_for_good_goes_into_quarantine_and_the_others_go_on)
{
	script = script_new();
	atomic_store(&script->refuse_number, 5);
	atomic_store(&script->refuse_times, 1000);
	start_relp();
	put_messages(10);
	start_output();
	wait_delivered(10);
	struct output_status status = status_now();
	ck_assert_uint_eq(status.refused, 3);
	ck_assert_uint_eq(status.totals.quarantined, 1);
	ck_assert_uint_eq(status.totals.delivered, 9);
	ck_assert_uint_eq(script->acked[5], 0);
	check_ledger();
	char name[PATH_MAX + 32];
	struct stat about;
	snprintf(name, sizeof name, "%s/quarantine/out", spool_path(spool));
	ck_assert_int_eq(stat(name, &about), 0);
	ck_assert_int_gt(about.st_size, 128);
	end_script(&script);
}
END_TEST

START_TEST(a_full_quarantine_holds)
{
	script = script_new();
	atomic_store(&script->refuse_number, 5);
	atomic_store(&script->refuse_times, 1000);
	start_relp();
	link_pauses.max_ns = LINK_BACKOFF_MAX_NS;
	set("quarantine_size", "1MiB");
	fill_quarantine(1 << 20);
	put_messages(10);
	start_output();
	wait_state("held: message 6");
	pause_ms(200);
	ck_assert_uint_eq(spool_cursor_delivered(cursor), 5);
	ck_assert_uint_eq(status_now().totals.quarantined, 0);
	ck_assert_ptr_nonnull(strstr(status_now().detail, "is full"));
	end_script(&script);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("output_relp_refused");
	TCase *test = add_case(suite, "refused");
	tcase_add_test(test, a_refused_message_is_sent_again_alone_and_holds_the_others);
	tcase_add_test(test, a_message_refused_for_good_is_held_and_said);
	tcase_add_test(test, a_message_refused_for_good_goes_into_quarantine_and_the_others_go_on);
	tcase_add_test(test, a_full_quarantine_holds);
	return run_suite(suite);
}
