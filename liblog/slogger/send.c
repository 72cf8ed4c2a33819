/* SPDX-License-Identifier: Apache-2.0 */
/* Where events go. What is lost is told, whether the sink did not take it or lost it later. */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "slogger.h"

static struct slog_sink *stderr_sink;
static int default_facility;
static int default_severity;
static bool is_loss_told;
static struct slog_sink stderr_front;

/* So many events are lost by now. */
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

/* For people, as well: what they do not get to see is not lost. */
static int write_stderr(struct slog_sink *sink, const char *line, size_t length, enum slog_severity severity)
{
	(void)sink;
	stderr_sink->driver->write(stderr_sink, line, length, severity);
	return 0;
}

static void open_stderr(void)
{
	static const struct slog_sink_driver driver = {.name = "stderr", .line_feed = true, .write = write_stderr};
	stderr_sink = slog_sink_fd(STDERR_FILENO, &slog_encoder_console);
	if (stderr_sink != NULL)
		stderr_front = (struct slog_sink){&driver, stderr_sink->encoder, stderr_sink->max_size};
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
		open_stderr();
	default_facility = arguments->facility;
	default_severity = arguments->severity;
	int error = slog_open(&options);
	if (error != 0)
		fprintf(stderr, "slogger: %s\n", strerror(error));
	struct slog_sink *sink = slog_set_sink(&slog_default_logger, NULL);
	if (sink != NULL)
		slog_set_sink(&slog_default_logger, slogger_patient(sink));
	slog_set_level(&slog_default_logger, SLOG_TRACE);
	return error == 0;
}

static void tell_first_loss(void)
{
	struct slog_counters counters;
	if (is_loss_told || dropped(&counters) == 0)
		return;
	fprintf(stderr, "slogger: an event could not be sent: %s\n", strerror(counters.last_error));
	is_loss_told = true;
}

void slogger_send(int facility, int severity, const char *name, const struct slog_field *fields, size_t n)
{
	if (severity < 0)
		severity = default_severity;
	slog_set_facility(&slog_default_logger, (enum slog_facility)(facility >= 0 ? facility : default_facility));
	slog_event(&slog_default_logger, (enum slog_severity)severity, name, fields, n);
	tell_first_loss();
	if (stderr_sink == NULL)
		return;
	struct slog_sink *sink = slog_set_sink(&slog_default_logger, &stderr_front);
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
	uint64_t lost = dropped(&counters);
	if (error != 0)
		fprintf(stderr, "slogger: not all events could be sent: %s\n", strerror(error));
	else
		tell_first_loss();
	if (lost > 1)
		fprintf(stderr, "slogger: %llu events could not be sent\n", (unsigned long long)lost);
	if (counters.cut > 0)
		fprintf(stderr, "slogger: %llu events were larger than may be sent, and lost fields\n",
		        (unsigned long long)counters.cut);
	return error == 0 && lost == 0 && counters.cut == 0;
}
