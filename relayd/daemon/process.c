/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One relay on one loop. The order is: signals, half of the privileges, log, everything that opens, the rest of the
 * privileges, start. The first SIGTERM or SIGINT stops in order, a second one ends at once; what was acknowledged is in
 * the spool in either case.
 */
#include "daemon/process.h"

#include <errno.h>
#include <liblog/slog.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "config/config_filter.h"
#include "daemon/notify.h"
#include "daemon/own_log.h"
#include "daemon/privilege.h"
#include "relay/relay.h"

struct process {
	uv_loop_t loop;
	uv_signal_t terminate, interrupt, hang_up;
	uv_timer_t alive;
	const struct settings *settings;
	struct relay *relay;
	bool is_stopping;
	uint64_t stopping_since_ns;
};

/* timeout(1), sudo and terminals signal a process and its group: what follows so soon is the same wish to stop. */
#define SAME_STOP_NS ((uint64_t)200 * CLOCK_NS_PER_MS)

/* A failure before anything runs, where the operator looks: the log is on standard error or in the file. */
static enum exit_code give_up(enum exit_code code, const char *error)
{
	slog_crit("relayd_failed", "message", slog_msgf("%s", error));
	own_log_close();
	return code;
}

/* ---- what the relay says ---- */

static void close_handles(struct process *process)
{
	/* Without their handles signals would kill us on the last steps, and an orderly stop would look like a crash. */
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	uv_close((uv_handle_t *)&process->terminate, NULL);
	uv_close((uv_handle_t *)&process->interrupt, NULL);
	uv_close((uv_handle_t *)&process->hang_up, NULL);
	uv_close((uv_handle_t *)&process->alive, NULL);
}

static void on_stopped(void *context)
{
	struct process *process = context;
	relay_close(&process->relay);
	close_handles(process);
}

/* After a failed sync nothing may be tried again or tidied up: the supervisor restarts us, and recovery does the rest.
 * The log stays open, as it does for a second signal: other threads still write to it, and it keeps no line in memory.
 */
static void on_failed(void *context, const char *error)
{
	(void)context;
	notify_stopping();
	slog_crit("relayd_failed", "message", slog_msgf("%s", error));
	_exit(EXIT_CODE_FAILED);
}

/* ---- what the operator says ---- */

static void on_stop_signal(uv_signal_t *handle, int number)
{
	struct process *process = handle->data;
	if (process->is_stopping && clock_monotonic_ns() - process->stopping_since_ns < SAME_STOP_NS)
		return;
	if (process->is_stopping) {
		slog_warning("stop_interrupted", "signal", number, "message",
					 "a second signal ends relayd before it has stopped in order");
		_exit(EXIT_CODE_INTERRUPTED);
	}
	process->is_stopping = true;
	process->stopping_since_ns = clock_monotonic_ns();
	slog_info("stopping", "signal", number);
	notify_stopping();
	relay_stop(process->relay);
}

static void on_hang_up(uv_signal_t *handle, int number)
{
	struct process *process = handle->data;
	(void)number;
	if (process->is_stopping)
		return;
	char error[OWN_LOG_ERROR_MAX_BYTES];
	notify_reloading();
	bool reopened = own_log_reopen(&process->settings->process.log.is, error);
	if (!reopened)
		slog_err("reload_failed", "message", slog_msgf("what relayd says goes on to the file that was open: %s", error));
	if (relay_reload(process->relay) && reopened)
		slog_notice("reloaded");
	notify_ready();
}

static void on_alive(uv_timer_t *timer)
{
	(void)timer;
	notify_alive();
}

/* ---- before ---- */

/* Every connection, file and socket needs a descriptor: we take all that we may have. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static bool listen_to(struct process *process, uv_signal_t *handle, uv_signal_cb callback, int number)
{
	handle->data = process;
	return uv_signal_start(handle, callback, number) == 0;
}

/* A SIGHUP that comes before there is anything to reload waits until then, instead of ending us. */
static void hold_hang_up(bool held)
{
	sigset_t hang_up;
	sigemptyset(&hang_up);
	sigaddset(&hang_up, SIGHUP);
	pthread_sigmask(held ? SIG_BLOCK : SIG_UNBLOCK, &hang_up, NULL);
}

void process_begin(void)
{
	hold_hang_up(true);
}

/* The loop with its signals; they are served when it runs. False if the system refuses. */
static bool open_loop(struct process *process)
{
	/* A closed pipe and a file that is too long are errors of a write, and are treated there. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (uv_loop_init(&process->loop) != 0)
		return false;
	if (uv_signal_init(&process->loop, &process->terminate) != 0 ||
		uv_signal_init(&process->loop, &process->interrupt) != 0 ||
		uv_signal_init(&process->loop, &process->hang_up) != 0 || uv_timer_init(&process->loop, &process->alive) != 0)
		return false;
	bool listening = listen_to(process, &process->terminate, on_stop_signal, SIGTERM) &&
					 listen_to(process, &process->interrupt, on_stop_signal, SIGINT) &&
					 listen_to(process, &process->hang_up, on_hang_up, SIGHUP);
	hold_hang_up(false);
	return listening;
}

static enum exit_code exit_code_of(enum relay_result result)
{
	switch (result) {
	case RELAY_OK:
		return EXIT_CODE_OK;
	case RELAY_SPOOL_LOCKED:
		return EXIT_CODE_SPOOL_LOCKED;
	case RELAY_SPOOL_UNUSABLE:
		return EXIT_CODE_SPOOL_UNUSABLE;
	case RELAY_ORPHANED_CURSOR:
		return EXIT_CODE_ORPHAN;
	case RELAY_INPUT_FAILED:
		return EXIT_CODE_INPUT;
	case RELAY_OUTPUT_FAILED:
		return EXIT_CODE_OUTPUT;
	case RELAY_NO_MEMORY:
		break;
	}
	return EXIT_CODE_FAILED;
}

/* A spool that root made cannot be written once we are somebody else. */
static bool spool_is_ours(const struct settings *settings, char *error)
{
	const char *path = settings->process.spool.is.path;
	if (access(path, R_OK | W_OK | X_OK) == 0)
		return true;
	snprintf(error, RELAY_ERROR_MAX_BYTES,
			 "the spool %s cannot be used by the user %s: %s; give it to that user with chown -R", path,
			 settings->process.user, strerror(errno));
	return false;
}

static enum exit_code open_all(struct process *process, const struct settings *settings, struct privilege *privilege,
							   char *error)
{
	const struct relay_events events = {process, on_stopped, on_failed, config_read_filter};
	enum relay_result result = relay_open(&process->loop, settings, &events, &process->relay, error);
	if (result != RELAY_OK)
		return exit_code_of(result);
	if (!privilege_give_up(privilege, error))
		return EXIT_CODE_PRIVILEGE;
	return !privilege->changes || spool_is_ours(settings, error) ? EXIT_CODE_OK : EXIT_CODE_SPOOL_UNUSABLE;
}

/* ---- running ---- */

static void run(struct process *process, const char *greeting)
{
	relay_start(process->relay);
	uint64_t interval_ms = notify_alive_interval_ms();
	if (interval_ms > 0)
		uv_timer_start(&process->alive, on_alive, interval_ms, interval_ms);
	slog_info("started", "version", RELAYD_VERSION);
	if (greeting != NULL)
		fprintf(stderr, "%s\n", greeting);
	notify_ready();
	uv_run(&process->loop, UV_RUN_DEFAULT);
}

enum exit_code process_run(const struct settings *settings, const char *greeting)
{
	struct process process = {.settings = settings};
	struct privilege privilege = {0};
	char error[RELAY_ERROR_MAX_BYTES];
	raise_descriptor_limit();
	if (!privilege_lower(&privilege, settings->process.user, error))
		return give_up(EXIT_CODE_PRIVILEGE, error);
	if (!own_log_open(&settings->process.log.is, error))
		return give_up(EXIT_CODE_USAGE, error);
	if (!open_loop(&process))
		return give_up(EXIT_CODE_FAILED, "the event loop cannot be made: memory or descriptors are short");
	enum exit_code code = open_all(&process, settings, &privilege, error);
	if (code == EXIT_CODE_OK) {
		run(&process, greeting);
		slog_info("stopped");
	} else {
		slog_crit("relayd_failed", "message", slog_msgf("%s", error));
		relay_close(&process.relay);
		close_handles(&process);
		uv_run(&process.loop, UV_RUN_DEFAULT);
	}
	int open_handles = uv_loop_close(&process.loop);
	assert(open_handles == 0);
	(void)open_handles;
	own_log_close();
	return code;
}
