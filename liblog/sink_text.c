/* SPDX-License-Identifier: Apache-2.0 */
/* Sinks by name, as in SLOG_SINK: the table of them, and what to say when a text is none. */
#include <liblog/sink.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "errno_name.h"
#include "socket.h"

#define DESCRIPTOR_MAX 1048576 /* the largest number that Linux gives, by default */

static const char async_prefix[] = "async:";

/* What follows the name and its colon; NULL if there is none. */
typedef struct slog_sink *make_fn(const char *where);

static struct slog_sink *make_stderr(const char *where)
{
	(void)where;
	return slog_sink_fd(STDERR_FILENO, NULL);
}

static struct slog_sink *make_json(const char *where)
{
	(void)where;
	return slog_sink_fd(STDERR_FILENO, &slog_encoder_json);
}

static struct slog_sink *make_console(const char *where)
{
	(void)where;
	return slog_sink_fd(STDERR_FILENO, isatty(STDERR_FILENO) ? NULL : &slog_encoder_console);
}

static struct slog_sink *make_fd(const char *where)
{
	char *end;
	long fd = strtol(where, &end, 10);
	if (where[0] < '0' || where[0] > '9' || *end != '\0' || fd > DESCRIPTOR_MAX) {
		errno = EINVAL;
		return NULL;
	}
	return slog_sink_fd((int)fd, NULL);
}

static struct slog_sink *make_file(const char *where)
{
	return slog_sink_file(where, NULL);
}

static struct slog_sink *make_syslog(const char *where)
{
	return slog_sink_syslog(where, NULL);
}

static struct slog_sink *make_udp(const char *where)
{
	return slog_sink_udp(where, NULL);
}

static struct slog_sink *make_tcp(const char *where)
{
	return slog_sink_tcp(where, NULL);
}

static struct slog_sink *make_relp(const char *where)
{
	return slog_sink_relp(where, NULL, NULL);
}

enum place { NO_PLACE, MAY_HAVE_PLACE, NEEDS_PLACE };

static const struct row {
	const char *name;
	enum place place;
	const char *place_is; /* for the sentence that says what is missing */
	make_fn *make;
} rows[] = {
	{"stderr", NO_PLACE, "", make_stderr},
	{"json", NO_PLACE, "", make_json},
	{"console", NO_PLACE, "", make_console},
	{"journald", MAY_HAVE_PLACE, "a path", slog_sink_journald},
	{"syslog", MAY_HAVE_PLACE, "a path", make_syslog},
	{"relp", MAY_HAVE_PLACE, "a path", make_relp},
	{"udp", NEEDS_PLACE, "an address as 192.0.2.1:514", make_udp},
	{"tcp", NEEDS_PLACE, "an address as 192.0.2.1:514", make_tcp},
	{"file", NEEDS_PLACE, "a path", make_file},
	{"fd", NEEDS_PLACE, "a number", make_fd},
};

static const struct row *find_row(const char *text, size_t length)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strlen(rows[i].name) == length && memcmp(rows[i].name, text, length) == 0)
			return &rows[i];
	return NULL;
}

static void list_names(char *error, size_t size, const char *text)
{
	int length = snprintf(error, size, "sink \"%.60s\": the name is none of", text);
	for (size_t i = 0; i < sizeof rows / sizeof *rows && length > 0 && (size_t)length < size; i++)
		length += snprintf(error + length, size - (size_t)length, " %s", rows[i].name);
}

/* A host's name cannot be looked up by a logging call. */
static bool needs_ring(const struct row *row, const char *where)
{
	struct slog_endpoint endpoint;
	if ((row->make != make_udp && row->make != make_tcp) || slog_endpoint_inet(&endpoint, where, SOCK_DGRAM) != 0)
		return false;
	bool is_name = endpoint.length == 0;
	slog_endpoint_free(&endpoint);
	return is_name;
}

/* A sink that fits the row, or NULL and the sentence. */
static struct slog_sink *make(const struct row *row, const char *text, const char *where, bool is_async, char *error)
{
	if (row->place == NEEDS_PLACE && (where == NULL || where[0] == '\0')) {
		snprintf(error, SLOG_SINK_ERROR_MAX, "sink \"%.60s\": needs %s after \"%s:\"", text, row->place_is, row->name);
		return NULL;
	}
	if (row->place == NO_PLACE && where != NULL) {
		snprintf(error, SLOG_SINK_ERROR_MAX, "sink \"%.60s\": nothing may follow \"%s\"", text, row->name);
		return NULL;
	}
	if (!is_async && needs_ring(row, where)) {
		snprintf(error, SLOG_SINK_ERROR_MAX, "sink \"%.60s\": a host's name needs \"async:\" before it, a number does not",
		         text);
		return NULL;
	}
	struct slog_sink *sink = row->make(where);
	if (sink == NULL && errno == EINVAL)
		snprintf(error, SLOG_SINK_ERROR_MAX, "sink \"%.60s\": \"%.60s\" is not %s", text, where != NULL ? where : "",
		         row->place_is);
	else if (sink == NULL)
		snprintf(error, SLOG_SINK_ERROR_MAX, "sink \"%.60s\": %s", text, slog_errno_row(errno)->text);
	return sink;
}

struct slog_sink *slog_sink_from_text(const char *text, char error[SLOG_SINK_ERROR_MAX])
{
	bool is_async = strncmp(text, async_prefix, sizeof async_prefix - 1) == 0;
	const char *name = is_async ? text + sizeof async_prefix - 1 : text;
	size_t length = strcspn(name, ":");
	const struct row *row = find_row(name, length);
	error[0] = '\0';
	if (row == NULL) {
		list_names(error, SLOG_SINK_ERROR_MAX, text);
		return NULL;
	}
	struct slog_sink *sink = make(row, text, name[length] == ':' ? name + length + 1 : NULL, is_async, error);
	/* RELP has a ring of its own. */
	return is_async && row->make != make_relp ? slog_sink_async(sink, NULL) : sink;
}
