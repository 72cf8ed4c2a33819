/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon: its log is a file behind the asynchronous ring, each job has a logger with fields of its own, SIGUSR1 and
 * SIGUSR2 change the level while it runs, and SIGHUP opens the file again after a rotation.
 *
 * Usage: daemon LOGFILE. Each line of standard input is a job; at its end, or with SIGTERM, the daemon ends. SIGUSR1
 * turns debug on, SIGUSR2 turns it off.
 */
#define SLOG_LOGGER daemon_log

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <liblog/sink.h>

static struct slog_logger *daemon_log = &slog_default_logger;
static volatile sig_atomic_t is_ending;

/* Levels and slog_reopen() are for signal handlers, too; an event would not be. */
static void on_signal(int number)
{
	switch (number) {
	case SIGUSR1:
		slog_set_level(&slog_default_logger, SLOG_DEBUG);
		break;
	case SIGUSR2:
		slog_set_level(&slog_default_logger, SLOG_INFO);
		break;
	case SIGHUP:
		slog_reopen();
		break;
	default:
		is_ending = 1;
	}
}

static void listen_to_signals(void)
{
	static const int numbers[] = {SIGUSR1, SIGUSR2, SIGHUP, SIGTERM};
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		/* Only SIGTERM interrupts the wait for a job. */
		struct sigaction action = {.sa_handler = on_signal, .sa_flags = numbers[i] == SIGTERM ? 0 : SA_RESTART};
		sigaction(numbers[i], &action, NULL);
	}
}

static void do_job(unsigned number, const char *text)
{
	struct slog_logger *job = slog_with(daemon_log, "job", number, "length", strlen(text));
	slog_debug_to(job, "job_begin", "text", text);
	if (*text == '\0')
		slog_warning_to(job, "job_empty");
	else
		slog_info_to(job, "job_done", "status", "ok");
	slog_free(job);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: daemon LOGFILE\n");
		return 2;
	}
	struct slog_options options = {
		.size = sizeof options,
		.app_name = "exampled",
		.facility = SLOG_DAEMON,
		.sink = slog_sink_async(slog_sink_file(argv[1], &slog_encoder_json), NULL),
	};
	if (options.sink == NULL || slog_open(&options) != 0) {
		perror(argv[1]);
		return 1;
	}
	daemon_log = slog_logger("jobs");
	listen_to_signals();
	slog_notice("start", "log", argv[1]);

	char line[256];
	unsigned jobs = 0;
	while (!is_ending && fgets(line, sizeof line, stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		do_job(++jobs, line);
	}
	slog_notice("stop", "jobs", jobs);
	slog_close();
	return 0;
}
