/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where events go. The library's sinks rather drop than wait, which is right for a daemon and wrong for a tool: here an
 * event that was dropped is tried again for some seconds, and what is lost nevertheless is told.
 */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "slogger.h"

#define TRIES_MAX 50
#define PAUSE_MS 100

static struct slog_sink *stderr_sink;
static int default_facility;
static int default_severity;
static unsigned long lost;

static uint64_t dropped(struct slog_counters *counters)
{
	uint64_t total = 0;
	counters->size = sizeof *counters;
	slog_stats(counters);
	for (int i = 0; i < SLOG_SEVERITIES; i++)
		total += counters->dropped[i];
	return total;
}

static const char *user_name(void)
{
	const struct passwd *user = getpwuid(geteuid());
	return user != NULL ? user->pw_name : NULL;
}

/* "host:port", with brackets around an IPv6 address. NULL after saying what is wrong. */
static struct slog_sink *open_server(const struct slogger_arguments *arguments)
{
	char address[512];
	bool is_ipv6 = strchr(arguments->server, ':') != NULL && arguments->server[0] != '[';
	const char *port = arguments->port != NULL ? arguments->port : "514";
	int length = snprintf(address, sizeof address, is_ipv6 ? "[%s]:%s" : "%s:%s", arguments->server, port);
	errno = EINVAL;
	struct slog_sink *sink = NULL;
	if (length < (int)sizeof address)
		sink = arguments->tcp ? slog_sink_tcp(address, NULL) : slog_sink_udp(address, NULL);
	/* Names are looked up behind a ring only. */
	sink = slog_sink_async(sink, NULL);
	if (sink == NULL)
		fprintf(stderr, "slogger: --server %s --port %s: %s\n", arguments->server, port, strerror(errno));
	return sink;
}

static struct slog_sink *open_socket(const char *path)
{
	struct slog_sink *sink = slog_sink_syslog(path, NULL);
	if (sink == NULL)
		fprintf(stderr, "slogger: --socket %s: %s\n", path, strerror(errno));
	return sink;
}

/* As logger(1) does, also from a terminal, where slog_open() would print. NULL: as slog_open() does. */
static struct slog_sink *open_system_log(void)
{
	static const char journald[] = "/run/systemd/journal/socket";
	static const char syslog[] = "/dev/log";
	if (secure_getenv("SLOG_SINK") != NULL)
		return NULL;
	if (access(journald, W_OK) == 0)
		return slog_sink_journald(journald);
	return access(syslog, W_OK) == 0 ? slog_sink_syslog(syslog, NULL) : NULL;
}

bool slogger_send_open(const struct slogger_arguments *arguments)
{
	struct slog_options options = {
		.size = sizeof options,
		.app_name = arguments->tag != NULL ? arguments->tag : user_name(),
		.facility = arguments->facility,
	};
	bool is_chosen = arguments->to_stdout != NULL || arguments->server != NULL || arguments->socket != NULL;
	if (arguments->to_stdout != NULL)
		options.sink = slogger_stdout(arguments->to_stdout);
	else if (arguments->server != NULL)
		options.sink = open_server(arguments);
	else if (arguments->socket != NULL)
		options.sink = open_socket(arguments->socket);
	else
		options.sink = open_system_log();
	if (is_chosen && options.sink == NULL)
		return false;
	if (arguments->to_stderr)
		stderr_sink = slog_sink_fd(STDERR_FILENO, &slog_encoder_console);
	default_facility = arguments->facility;
	default_severity = arguments->severity;
	int error = slog_open(&options);
	if (error != 0)
		fprintf(stderr, "slogger: %s\n", strerror(error));
	slog_set_level(&slog_default_logger, SLOG_TRACE);
	return error == 0;
}

static void send_again_until_taken(int severity, const char *name, const struct slog_field *fields, size_t n)
{
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
	struct slog_counters counters;
	for (int tries = 0; tries < TRIES_MAX; tries++) {
		uint64_t before = dropped(&counters);
		slog_event(&slog_default_logger, (enum slog_severity)severity, name, fields, n);
		if (dropped(&counters) == before)
			return;
		/* That nobody listens is no passing trouble. */
		if (counters.last_error != EAGAIN && counters.last_error != ENOBUFS && counters.last_error != ETIMEDOUT)
			break;
		nanosleep(&pause, NULL);
	}
	if (lost++ == 0)
		fprintf(stderr, "slogger: an event could not be sent: %s\n", strerror(counters.last_error));
}

void slogger_send(int facility, int severity, const char *name, const struct slog_field *fields, size_t n)
{
	if (severity < 0)
		severity = default_severity;
	slog_set_facility(&slog_default_logger, (enum slog_facility)(facility >= 0 ? facility : default_facility));
	send_again_until_taken(severity, name, fields, n);
	if (stderr_sink == NULL)
		return;
	struct slog_sink *sink = slog_set_sink(&slog_default_logger, stderr_sink);
	slog_event(&slog_default_logger, (enum slog_severity)severity, name, fields, n);
	slog_set_sink(&slog_default_logger, sink);
}

bool slogger_send_close(void)
{
	struct slog_counters counters;
	int error = slog_flush();
	/* Whoever changes the default logger's sink owns what slog_open() has opened. */
	struct slog_sink *sink = slog_set_sink(&slog_default_logger, NULL);
	slog_sink_close(&sink);
	slog_close();
	slog_sink_close(&stderr_sink);
	dropped(&counters);
	if (error != 0)
		fprintf(stderr, "slogger: not all events could be sent: %s\n", strerror(error));
	if (lost > 1)
		fprintf(stderr, "slogger: %lu events could not be sent\n", lost);
	if (counters.cut > 0)
		fprintf(stderr, "slogger: %llu events were larger than may be sent, and lost fields\n",
		        (unsigned long long)counters.cut);
	return error == 0 && lost == 0 && counters.cut == 0;
}
