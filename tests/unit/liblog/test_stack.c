/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much stack a call takes (8.23): a thread's own stack is painted below the call, and what is not as it was painted
 * has been used. The first call of a kind also takes what the dynamic linker needs, so the second one counts.
 */
#include "peer.h"

#include <fcntl.h>
#include <pthread.h>

#define STACK_BYTES (2 * 1024 * 1024) /* the thread sanitizer wants one */
#define USED_BYTES_MAX (4 * 1024)
#define PAINT 0xA5

/* What is promised is promised of the library as it is built for use. */
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
enum { IS_MEASURED = 1 };
#else
enum { IS_MEASURED = 0 };
#endif

static _Alignas(64) unsigned char stack[STACK_BYTES];
static struct slog_value lists[SLOG_DEPTH_MAX + 2];
static struct slog_field groups[SLOG_DEPTH_MAX + 2];

static void nest(void)
{
	lists[SLOG_DEPTH_MAX + 1] = slog_any("x\n");
	groups[SLOG_DEPTH_MAX + 1] = slog_kv_("a", slog_any(1.5));
	for (int i = SLOG_DEPTH_MAX; i >= 0; i--) {
		lists[i] = slog_list_value_(&lists[i + 1], 1);
		groups[i] = slog_kv_("a", slog_group_value_(&groups[i + 1], 1));
	}
}

static void log_values(void)
{
	static const struct sockaddr_in address = {.sin_family = AF_INET};
	static const struct timespec time = {1, 2};
	slog_info("event", "a", 1.5, "s", "x\n", "g", slog_group("a", 1, "b", slog_list(1, 2, 3)), "e", slog_error(2), "ad",
	          slog_addr(&address), "t", slog_time(time));
}

static void log_lists(void)
{
	const struct slog_field field = slog_kv_("k", lists[0]);
	slog_event(&slog_default_logger, SLOG_INFO, "event", &field, 1);
}

static void log_groups(void)
{
	slog_event(&slog_default_logger, SLOG_INFO, "event", groups, 1);
}

static void crash_lists(void)
{
	slog_crash("event", "k", lists[0]);
}

static void (*call)(void);

static __attribute__((noinline)) void *paint_and_call(void *argument)
{
	unsigned char *here = __builtin_frame_address(0);
	for (volatile unsigned char *at = stack; IS_MEASURED && at < here - 1024; at++)
		*at = PAINT;
	call();
	const unsigned char *lowest = stack;
	while (IS_MEASURED && *lowest == PAINT)
		lowest++;
	*(size_t *)argument = (size_t)(here - lowest);
	return NULL;
}

static size_t used_by(void (*wanted)(void))
{
	size_t used = 0;
	pthread_t thread;
	pthread_attr_t attributes;
	call = wanted;
	for (int i = 0; i < 2; i++) {
		pthread_attr_init(&attributes);
		ck_assert_int_eq(pthread_attr_setstack(&attributes, stack, sizeof stack), 0);
		ck_assert_int_eq(pthread_create(&thread, &attributes, paint_and_call, &used), 0);
		ck_assert_int_eq(pthread_join(thread, NULL), 0);
		pthread_attr_destroy(&attributes);
	}
	return used;
}

START_TEST(a_call_takes_no_more_stack_than_is_promised)
{
	static const struct slog_encoder *const encoders[] = {
		&slog_encoder_json,    &slog_encoder_rfc5424, &slog_encoder_journald, &slog_encoder_cee,
		&slog_encoder_console, &slog_encoder_logfmt,  &slog_encoder_ecs,
	};
	static void (*const calls[])(void) = {log_values, log_lists, log_groups, crash_lists};
	int fd = open("/dev/null", O_WRONLY);
	nest();
	slog_set_crash_fd(fd);
	for (size_t i = 0; i < sizeof encoders / sizeof *encoders; i++) {
		peer_use(slog_sink_fd(fd, encoders[i]));
		for (size_t j = 0; j < sizeof calls / sizeof *calls; j++) {
			size_t used = used_by(calls[j]);
			ck_assert_msg(!IS_MEASURED || used <= USED_BYTES_MAX, "%s, call %zu: %zu octets", encoders[i]->name, j, used);
			if (getenv("STACK_SAYS") != NULL)
				fprintf(stderr, "%s, call %zu: %zu octets\n", encoders[i]->name, j, used);
		}
		slog_close();
	}
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stack");
	TCase *stacks = tcase_create("stacks");
	tcase_add_test(stacks, a_call_takes_no_more_stack_than_is_promised);
	suite_add_tcase(suite, stacks);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
