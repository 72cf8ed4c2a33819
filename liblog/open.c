/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Setting up the default logger, and the sink of a program that asks for none: what SLOG_SINK says, else for people if
 * there is a terminal, else the journal, else the system's syslog socket, else JSON lines on standard error.
 */
#include <liblog/sink.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backtrace.h"
#include "identity.h"
#include "logger.h"
#include "sink_stderr.h"
#include "socket.h"

static struct slog_sink *opened_sink; /* the sink that slog_close() closes */

struct slog_sink *slog_set_sink(struct slog_logger *logger, struct slog_sink *sink)
{
	struct slog_sink *old = atomic_exchange_explicit(&logger->state->named->state->sink, sink, memory_order_acq_rel);
	if (old == opened_sink)
		opened_sink = NULL;
	slog_backtrace_forget();
	return old;
}

/*
 * What the program wants, then what the environment wants, which wins. False if the program's text is wrong; what of the
 * environment is, is put into *wrong, NULL if nothing is.
 */
static bool set_levels(const char *wanted, const char **wrong)
{
	const char *environment = secure_getenv("SLOG");
	char both[SLOG_LEVELS_MAX + 1];
	*wrong = NULL;
	if (wanted == NULL)
		wanted = "info";
	if (!slog_set_levels(wanted))
		return false;
	if (environment == NULL)
		return true;
	int length = snprintf(both, sizeof both, "%s,%s", wanted, environment);
	if (length < 0 || (size_t)length >= sizeof both || !slog_set_levels(both))
		*wrong = environment;
	return true;
}

/* True if somebody listens at the path, with either kind of socket. Nobody is waited for. */
static bool is_served(const char *path)
{
	static const int kinds[] = {SOCK_DGRAM, SOCK_STREAM};
	struct slog_endpoint endpoint;
	if (!slog_endpoint_unix(&endpoint, path))
		return false;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct slog_socket probe = {.fd = -1};
		int error = slog_socket_connect(&probe, &endpoint, kinds[i]);
		slog_socket_close(&probe);
		/* EAGAIN: a stream socket whose queue of connections is full. */
		if (error == 0 || error == EAGAIN)
			return true;
	}
	return false;
}

static struct slog_sink *suitable_sink(void)
{
	if (isatty(STDERR_FILENO))
		return slog_sink_fd(STDERR_FILENO, NULL);
	if (is_served(SLOG_JOURNALD_SOCKET))
		return slog_sink_journald(NULL);
	if (is_served(SLOG_DEV_LOG))
		return slog_sink_syslog(NULL, NULL);
	return slog_sink_fd(STDERR_FILENO, &slog_encoder_json);
}

/* The sink for a program that brings none. What is wrong in SLOG_SINK is put into error, "" if nothing is. */
static struct slog_sink *choose_sink(char error[SLOG_SINK_ERROR_MAX])
{
	const char *wanted = secure_getenv("SLOG_SINK");
	error[0] = '\0';
	struct slog_sink *sink = wanted != NULL && wanted[0] != '\0' ? slog_sink_from_text(wanted, error) : NULL;
	return sink != NULL ? sink : suitable_sink();
}

int slog_open(const struct slog_options *options)
{
	static const struct slog_options defaults = {.size = sizeof defaults};
	char error[SLOG_SINK_ERROR_MAX] = "";
	const char *wrong_levels;
	if (options == NULL)
		options = &defaults;
	if (options->size != sizeof *options || options->facility < 0 || options->facility >= SLOG_FACILITIES ||
	    !set_levels(options->levels, &wrong_levels))
		return EINVAL;
	slog_identity_set(options->hostname, options->app_name);
	slog_set_facility(&slog_default_logger, options->facility == 0 ? SLOG_USER : (enum slog_facility)options->facility);
	struct slog_sink *sink = options->sink != NULL ? options->sink : choose_sink(error);
	struct slog_sink *old = opened_sink;
	slog_set_sink(&slog_default_logger, sink);
	opened_sink = sink;
	if (old != sink)
		slog_sink_close(&old);
	if (error[0] != '\0')
		slog_warning("slog_sink", "message", error);
	if (wrong_levels != NULL)
		slog_warning("slog_levels", "message",
		             slog_msgf("SLOG \"%.60s\": no levels as in \"info,auth=debug\"; ignored", wrong_levels));
	return 0;
}

int slog_flush(void)
{
	return slog_sink_flush(slog_logger_sink(&slog_default_logger));
}

void slog_close(void)
{
	struct slog_sink *sink = opened_sink;
	opened_sink = NULL;
	if (sink == NULL)
		return;
	slog_set_sink(&slog_default_logger, NULL);
	slog_sink_close(&sink);
}
