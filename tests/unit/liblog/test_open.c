/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which sink slog_open() picks (8.25), SLOG_SINK, and sinks by name. The picks are tried in a root directory of their own,
 * which needs root; without it those tests do nothing.
 */
#include "peer.h"

#include <fcntl.h>
#include <pty.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char root[64];

static void make_root(void)
{
	strcpy(root, "/tmp/liblog-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	char name[128];
	static const char *const folders[] = {"dev", "run", "run/systemd", "run/systemd/journal"};
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		snprintf(name, sizeof name, "%s/%s", root, folders[i]);
		ck_assert_int_eq(mkdir(name, 0755), 0);
	}
}

static void remove_root(void)
{
	static const char *const names[] = {
		"dev/log", "run/systemd/journal/socket", "run/systemd/journal", "run/systemd", "run", "dev",
	};
	char name[128];
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(name, sizeof name, "%s/%s", root, names[i]);
		remove(name);
	}
	rmdir(root);
}

/* A socket at this place below the root directory. */
static int serve(const char *place, int type)
{
	snprintf(peer_path, sizeof peer_path, "%.40s%.40s", root, place);
	return peer_unix(type);
}

/* Runs a program in the root directory that logs one event, and gives what it wrote to standard error. */
static const char *log_inside(const char *sink, bool on_terminal)
{
	int ends[2];
	if (on_terminal)
		ck_assert_int_eq(openpty(&ends[0], &ends[1], NULL, NULL, NULL), 0);
	else
		ck_assert_int_eq(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		if (dup2(ends[1], STDERR_FILENO) < 0 || chroot(root) != 0 || chdir("/") != 0)
			_exit(1);
		if (sink != NULL)
			setenv("SLOG_SINK", sink, 1);
		else
			unsetenv("SLOG_SINK");
		slog_close();
		if (slog_open(NULL) != 0)
			_exit(2);
		slog_info("hello", "a", 1);
		slog_close();
		_exit(0);
	}
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	peer_text[0] = '\0';
	if (peer_has_something(ends[0], 0))
		peer_read(ends[0]);
	close(ends[0]);
	close(ends[1]);
	return peer_text;
}

START_TEST(a_terminal_comes_first)
{
	if (geteuid() != 0)
		return;
	int journald = serve("/run/systemd/journal/socket", SOCK_DGRAM);
	ck_assert_ptr_nonnull(strstr(log_inside(NULL, true), "hello"));
	ck_assert_ptr_null(strchr(peer_text, '{'));
	ck_assert(!peer_has_something(journald, 0));
	close(journald);
}
END_TEST

START_TEST(journald_comes_before_dev_log)
{
	if (geteuid() != 0)
		return;
	int log = serve("/dev/log", SOCK_DGRAM);
	int journald = serve("/run/systemd/journal/socket", SOCK_DGRAM);
	ck_assert_str_eq(log_inside(NULL, false), "");
	ck_assert_ptr_nonnull(strstr(peer_read(journald), "SYSLOG_MSGID=hello\n"));
	ck_assert(!peer_has_something(log, 0));
	close(log);
	close(journald);
}
END_TEST

START_TEST(dev_log_is_used_where_there_is_no_journal)
{
	if (geteuid() != 0)
		return;
	int log = serve("/dev/log", SOCK_DGRAM);
	close(serve("/run/systemd/journal/socket", SOCK_DGRAM)); /* nobody is behind it */
	ck_assert_str_eq(log_inside(NULL, false), "");
	ck_assert_ptr_nonnull(strstr(peer_read(log), "@cee: {"));
	close(log);
}
END_TEST

START_TEST(a_dev_log_that_is_a_stream_is_used)
{
	if (geteuid() != 0)
		return;
	int log = serve("/dev/log", SOCK_STREAM);
	ck_assert_str_eq(log_inside(NULL, false), "");
	int probe = peer_accept(log); /* somebody has looked */
	close(probe);
	int peer = peer_accept(log);
	ck_assert_ptr_nonnull(strstr(peer_read(peer), "@cee: {"));
	close(peer);
	close(log);
}
END_TEST

START_TEST(without_anything_json_goes_to_standard_error)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(log_inside(NULL, false)[0], '{');
	ck_assert_ptr_nonnull(strstr(peer_text, "\"msgid\":\"hello\",\"a\":1}\n"));
}
END_TEST

START_TEST(slog_sink_overrides)
{
	if (geteuid() != 0)
		return;
	int journald = serve("/run/systemd/journal/socket", SOCK_DGRAM);
	ck_assert_ptr_nonnull(strstr(log_inside("console", false), " hello a=1\n"));
	ck_assert_int_eq(log_inside("json", true)[0], '{');
	ck_assert_int_eq(log_inside("async:stderr", false)[0], '{');
	ck_assert(!peer_has_something(journald, 0));
	close(journald);
}
END_TEST

START_TEST(a_wrong_slog_sink_is_told_in_the_log_and_stops_nobody)
{
	if (geteuid() != 0)
		return;
	static const char sentence[] =
		"\"msgid\":\"slog_sink\",\"message\":\"sink \\\"jurnald\\\": the name is none of stderr json ";
	ck_assert_ptr_nonnull(strstr(log_inside("jurnald", false), sentence));
	ck_assert_ptr_nonnull(strstr(peer_text, "\"hello\""));
}
END_TEST

START_TEST(every_name_makes_its_sink)
{
	static const struct {
		const char *text;
		const char *driver;
	} names[] = {
		{"stderr", "fd"}, {"console", "fd"}, {"json", "fd"}, {"fd:2", "fd"}, {"file:/dev/null", "file"},
		{"journald", "journald"}, {"journald:/nowhere", "journald"}, {"syslog", "syslog"}, {"syslog:@name", "syslog"},
		{"udp:127.0.0.1:1", "udp"}, {"tcp:[::1]", "tcp"}, {"relp", "async"}, {"relp:/nowhere", "async"},
		{"async:relp:/nowhere", "async"}, {"async:udp:host.invalid:514", "async"},
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char error[SLOG_SINK_ERROR_MAX] = "x";
		struct slog_sink *sink = slog_sink_from_text(names[i].text, error);
		ck_assert_msg(sink != NULL, "%s: %s", names[i].text, error);
		ck_assert_str_eq(error, "");
		ck_assert_str_eq(sink->driver->name, names[i].driver);
		slog_sink_close(&sink);
	}
}
END_TEST

START_TEST(what_is_no_sink_is_told_in_a_sentence)
{
	static const struct {
		const char *text;
		const char *error;
	} wrong[] = {
		{"file", "sink \"file\": needs a path after \"file:\""},
		{"file:", "sink \"file:\": needs a path after \"file:\""},
		{"file:/nonexistent/log", "sink \"file:/nonexistent/log\": No such file or directory"},
		{"stderr:x", "sink \"stderr:x\": nothing may follow \"stderr\""},
		{"udp:host:port", "sink \"udp:host:port\": \"host:port\" is not an address as 192.0.2.1:514"},
		{"udp:host.net", "sink \"udp:host.net\": a host's name needs \"async:\" before it, a number does not"},
		{"fd:-1", "sink \"fd:-1\": \"-1\" is not a number"},
		{"async:fd:x", "sink \"async:fd:x\": \"x\" is not a number"},
		{"syslog:", "sink \"syslog:\": \"\" is not a path"},
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		char error[SLOG_SINK_ERROR_MAX];
		ck_assert_ptr_null(slog_sink_from_text(wrong[i].text, error));
		ck_assert_str_eq(error, wrong[i].error);
	}
	char error[SLOG_SINK_ERROR_MAX];
	ck_assert_ptr_null(slog_sink_from_text("", error));
	ck_assert_ptr_nonnull(strstr(error, "sink \"\": the name is none of stderr json"));
}
END_TEST

START_TEST(a_wrong_slog_is_told_in_the_log_and_changes_no_level)
{
	static const char *const wrong[] = {"deubg", "debug;net=off", "auth=info,=", NULL};
	static char long_text[2000];
	memset(long_text, ',', sizeof long_text - 1);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		const char *text = wrong[i] != NULL ? wrong[i] : long_text;
		setenv("SLOG", text, 1);
		struct slog_sink *memory = slog_sink_memory(PEER_BYTES, NULL);
		peer_use(memory);
		slog_debug("hidden");
		slog_memory_text(memory, peer_text, PEER_BYTES);
		ck_assert_msg(strstr(peer_text, "\"msgid\":\"slog_levels\"") != NULL, "%s", text);
		ck_assert_msg(wrong[i] == NULL || strstr(peer_text, text) != NULL, "%s", text);
		ck_assert_ptr_null(strstr(peer_text, "hidden"));
		slog_close();
	}
	setenv("SLOG", "", 1);
	struct slog_sink *memory = slog_sink_memory(PEER_BYTES, NULL);
	peer_use(memory);
	ck_assert_uint_eq(slog_memory_text(memory, peer_text, PEER_BYTES), 0);
	slog_close();
	unsetenv("SLOG");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("open");
	TCase *picks = tcase_create("picks");
	tcase_add_checked_fixture(picks, make_root, remove_root);
	tcase_add_test(picks, a_terminal_comes_first);
	tcase_add_test(picks, journald_comes_before_dev_log);
	tcase_add_test(picks, dev_log_is_used_where_there_is_no_journal);
	tcase_add_test(picks, a_dev_log_that_is_a_stream_is_used);
	tcase_add_test(picks, without_anything_json_goes_to_standard_error);
	tcase_add_test(picks, slog_sink_overrides);
	tcase_add_test(picks, a_wrong_slog_sink_is_told_in_the_log_and_stops_nobody);
	suite_add_tcase(suite, picks);
	TCase *names = tcase_create("names");
	tcase_add_test(names, every_name_makes_its_sink);
	tcase_add_test(names, what_is_no_sink_is_told_in_a_sentence);
	tcase_add_test(names, a_wrong_slog_is_told_in_the_log_and_changes_no_level);
	suite_add_tcase(suite, names);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
