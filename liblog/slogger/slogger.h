/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of slogger(1): logger(1) for fields. */
#ifndef SLOGGER_SLOGGER_H
#define SLOGGER_SLOGGER_H

#include <stdio.h>

#include <liblog/read.h>
#include <liblog/sink.h>

/* How slogger ends; slogger(1) lists the same numbers. */
enum slogger_exit {
	SLOGGER_OK = 0,
	SLOGGER_FAILED = 1, /* something could not be read, or could not be sent, or not whole; standard error says what */
	SLOGGER_USAGE = 2,
};

/* What the lines of the input are. */
enum slogger_input {
	SLOGGER_INPUT_AUTO, /* each line is what it looks like */
	SLOGGER_INPUT_JSON,
	SLOGGER_INPUT_LOGFMT,
	SLOGGER_INPUT_TEXT,
};

struct slogger_arguments {
	bool help, version;
	int facility;                           /* enum slog_facility */
	int severity;                           /* enum slog_severity */
	const char *tag;                        /* APP-NAME; NULL: the user's name */
	const char *msgid;                      /* event name of lines that have none; "" for none */
	const char *file;                       /* NULL: standard input */
	const char *server, *port;              /* NULL: here */
	bool tcp;
	const char *socket;                     /* NULL: what slog_open() finds */
	const struct slog_encoder *to_stdout;   /* NULL: send */
	bool to_stderr;                         /* as well */
	bool skip_empty;
	enum slogger_input input;
	char **words;                           /* EVENT and FIELDs; none: lines */
	int word_count;
};

/* Reads the command line. False after saying on standard error what is wrong. */
bool slogger_arguments_read(struct slogger_arguments *arguments, int argc, char **argv);
void slogger_print_help(FILE *out);

/*
 * Makes a field from "key=text" or "key:=json". It points into the word and into memory that is kept as long as the
 * program runs. False after saying what is wrong.
 */
bool slogger_field_read(const char *word, struct slog_field *field);

/* Sets up where events go. False after saying why it cannot be done. */
bool slogger_send_open(const struct slogger_arguments *arguments);

/* One event. name "": none. facility and severity: -1 for those of the command line. */
void slogger_send(int facility, int severity, const char *name, const struct slog_field *fields, size_t n);

/* Carries out what is still queued. False if anything was lost or cut since the start; standard error says what. */
bool slogger_send_close(void);

/*
 * Every line of the file is an event, as long as there is somebody to print for. False if the file could not be read to
 * its end.
 */
bool slogger_lines_send(const struct slogger_arguments *arguments);

/* A sink that gives events to this one, which it adopts, again and again for some seconds. There is one. */
struct slog_sink *slogger_patient(struct slog_sink *sink);

/* A sink that writes whole lines to standard output and waits as long as it takes. */
struct slog_sink *slogger_stdout(const struct slog_encoder *encoder);

/* Whether whoever read standard output has gone: nothing will be printed any more. */
bool slogger_stdout_is_gone(void);

#endif
