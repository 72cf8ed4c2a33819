/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/own_log.h"

#include <errno.h>
#include <fcntl.h>
#include <liblog/encoder.h>
#include <liblog/sink.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct slog_encoder *encoder_of(unsigned format)
{
	switch ((enum log_format)format) {
	case LOG_FORMAT_AUTO:
		break;
	case LOG_FORMAT_CONSOLE:
		return &slog_encoder_console;
	case LOG_FORMAT_JSON:
		return &slog_encoder_json;
	case LOG_FORMAT_RFC5424:
		return &slog_encoder_rfc5424;
	}
	return NULL; /* the sink's own choice */
}

bool own_log_open(const struct log_settings *settings, char *error)
{
	const struct slog_encoder *encoder = encoder_of(settings->format);
	struct slog_options options = {
		.size = sizeof options,
		.app_name = "relayd",
		.facility = SLOG_SYSLOG,
		.levels = settings->level,
	};
	options.sink =
		settings->file != NULL ? slog_sink_file(settings->file, encoder) : slog_sink_fd(STDERR_FILENO, encoder);
	if (options.sink == NULL) {
		snprintf(error, OWN_LOG_ERROR_MAX_BYTES, "log: file: %s cannot be opened: %s",
				 settings->file != NULL ? settings->file : "standard error", strerror(errno));
		return false;
	}
	int failure = slog_open(&options);
	if (failure == 0)
		return true;
	slog_sink_close(&options.sink);
	snprintf(error, OWN_LOG_ERROR_MAX_BYTES, "log: cannot be set up: %s", strerror(failure));
	return false;
}

/* liblog opens it when it writes next, and would keep to itself that it cannot: so it is tried here as it does it. */
bool own_log_reopen(const struct log_settings *settings, char *error)
{
	enum { FILE_MODE = 0640 };
	slog_reopen();
	if (settings->file == NULL)
		return true;
	int fd = open(settings->file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, FILE_MODE);
	if (fd < 0)
		snprintf(error, OWN_LOG_ERROR_MAX_BYTES, "log: file: %s cannot be opened again: %s", settings->file,
		         strerror(errno));
	else
		close(fd);
	return fd >= 0;
}

void own_log_close(void)
{
	slog_close();
}
