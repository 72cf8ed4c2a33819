/* SPDX-License-Identifier: Apache-2.0 */
/* slogger(1): logs an event with fields from the command line, or one for each line of its input. */
#include <signal.h>
#include <stdlib.h>

#include "base/standard_descriptors.h"
#include "slogger.h"

/* EVENT and its FIELDs. False after saying what is wrong; then nothing was sent. */
static bool send_words(const struct slogger_arguments *arguments, bool *is_usable)
{
	size_t n = (size_t)arguments->word_count - 1;
	*is_usable = false;
	if (strchr(arguments->words[0], '=') != NULL) {
		fprintf(stderr, "slogger: %s: the EVENT comes before the fields\n", arguments->words[0]);
		return false;
	}
	struct slog_field *fields = calloc(n + 1, sizeof *fields);
	*is_usable = fields != NULL;
	for (size_t i = 0; *is_usable && i < n; i++)
		*is_usable = slogger_field_read(arguments->words[i + 1], &fields[i]);
	bool is_open = *is_usable && slogger_send_open(arguments);
	if (is_open)
		slogger_send(-1, -1, arguments->words[0], fields, n);
	free(fields);
	return is_open && slogger_send_close();
}

static bool send_lines(const struct slogger_arguments *arguments)
{
	if (!slogger_send_open(arguments))
		return false;
	bool were_read = slogger_lines_send(arguments);
	return slogger_send_close() && were_read;
}

/* A full disk, or a reader that has gone, must not look like success. */
static enum slogger_exit said(void)
{
	return fflush(stdout) == 0 && !ferror(stdout) ? SLOGGER_OK : SLOGGER_FAILED;
}

int main(int argc, char **argv)
{
	struct slogger_arguments arguments;
	if (!standard_descriptors_hold())
		return SLOGGER_FAILED;
	if (!slogger_arguments_read(&arguments, argc, argv)) {
		fputs("Try: slogger --help\n", stderr);
		return SLOGGER_USAGE;
	}
	if (arguments.help) {
		slogger_print_help(stdout);
		return said();
	}
	if (arguments.version) {
		puts("slogger " SLOGGER_VERSION);
		return said();
	}
	signal(SIGPIPE, SIG_IGN);
	if (arguments.word_count == 0)
		return send_lines(&arguments) ? SLOGGER_OK : SLOGGER_FAILED;
	bool is_usable;
	bool was_sent = send_words(&arguments, &is_usable);
	return was_sent ? SLOGGER_OK : is_usable ? SLOGGER_FAILED : SLOGGER_USAGE;
}
