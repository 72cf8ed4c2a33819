/* SPDX-License-Identifier: Apache-2.0 */
/* The command line. Options that logger(1) has keep their letters. */
#include <getopt.h>
#include <stdlib.h>

#include "slogger.h"

enum { OPTION_STDOUT = 256, OPTION_MSGID, OPTION_INPUT };

void slogger_print_help(FILE *out)
{
	fputs("usage: slogger [OPTION...] EVENT [KEY=TEXT | KEY:=JSON]...\n"
	      "       slogger [OPTION...] [-f FILE]\n"
	      "Logs an event with its fields; or one for each line of a file or of standard input.\n"
	      "\n"
	      "  -p, --priority [FACILITY.]SEVERITY  the priority (user.notice)\n"
	      "  -t, --tag NAME       APP-NAME (the user's name)\n"
	      "  -i, --id             PROCID; it is always there\n"
	      "      --msgid EVENT    the event of lines that name none\n"
	      "  -f, --file FILE      read lines from here\n"
	      "      --input KIND     lines are json, logfmt, text, or auto (what each looks like)\n"
	      "  -e, --skip-empty     leave out empty lines\n"
	      "  -s, --stderr         to standard error as well, for people\n"
	      "      --stdout FORM    print instead of sending: rfc5424, json, logfmt, ecs,\n"
	      "                       console\n"
	      "  -u, --socket PATH    send to this syslog socket\n"
	      "  -n, --server HOST    send to this host as RFC 5424, by UDP\n"
	      "  -P, --port PORT      there (514)\n"
	      "  -T, --tcp            by TCP with octet counting\n"
	      "  -d, --udp            by UDP\n"
	      "  -h, --help           print this\n"
	      "  -V, --version        print the version\n"
	      "Example: slogger -p auth.info -t sshd auth user=root port:=22 valid:=false\n",
	      out);
}

static bool complain(const char *option, const char *text, const char *wanted)
{
	fprintf(stderr, "slogger: %s %s: %s\n", option, text, wanted);
	return false;
}

static bool read_facility(const char *text, size_t length, int *facility)
{
	for (int i = 0; i < SLOG_FACILITIES; i++) {
		const char *name = slog_facility_name(i);
		if (strlen(name) == length && memcmp(name, text, length) == 0) {
			*facility = i;
			return true;
		}
	}
	return false;
}

/* [FACILITY.]SEVERITY. As with logger(1), kern is user: only the kernel is that. */
static bool read_priority(struct slogger_arguments *arguments, const char *text)
{
	const char *dot = strchr(text, '.');
	const char *level = dot != NULL ? dot + 1 : text;
	if (dot != NULL && !read_facility(text, (size_t)(dot - text), &arguments->facility))
		return complain("-p", text, "there is no such facility");
	if (!slog_level_read(level, strlen(level), &arguments->severity) || arguments->severity == SLOG_OFF)
		return complain("-p", text, "the severities are emerg alert crit err warning notice info debug trace");
	if (arguments->facility == SLOG_KERN)
		arguments->facility = SLOG_USER;
	return true;
}

static bool read_form(struct slogger_arguments *arguments, const char *text)
{
	const struct slog_encoder *const encoders[] = {&slog_encoder_rfc5424, &slog_encoder_json, &slog_encoder_logfmt,
	                                               &slog_encoder_ecs, &slog_encoder_console};
	for (size_t i = 0; i < sizeof encoders / sizeof *encoders; i++) {
		if (strcmp(encoders[i]->name, text) == 0) {
			arguments->to_stdout = encoders[i];
			return true;
		}
	}
	return complain("--stdout", text, "the forms are rfc5424, json, logfmt, ecs and console");
}

static bool read_input(struct slogger_arguments *arguments, const char *text)
{
	static const char *const names[] = {
		[SLOGGER_INPUT_AUTO] = "auto",
		[SLOGGER_INPUT_JSON] = "json",
		[SLOGGER_INPUT_LOGFMT] = "logfmt",
		[SLOGGER_INPUT_TEXT] = "text",
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strcmp(names[i], text) == 0) {
			arguments->input = (enum slogger_input)i;
			return true;
		}
	}
	return complain("--input", text, "lines are auto, json, logfmt or text");
}

/* A flat switch over the options. */
static bool read_option(struct slogger_arguments *arguments, int letter)
{
	switch (letter) {
	case 'p':
		return read_priority(arguments, optarg);
	case 't':
		arguments->tag = optarg;
		return true;
	case 'i':
		return true;
	case 'f':
		arguments->file = optarg;
		return true;
	case 'e':
		arguments->skip_empty = true;
		return true;
	case 's':
		arguments->to_stderr = true;
		return true;
	case 'u':
		arguments->socket = optarg;
		return true;
	case 'n':
		arguments->server = optarg;
		return true;
	case 'P':
		arguments->port = optarg;
		return true;
	case 'T':
	case 'd':
		arguments->tcp = letter == 'T';
		return true;
	case 'h':
		arguments->help = true;
		return true;
	case 'V':
		arguments->version = true;
		return true;
	case OPTION_STDOUT:
		return read_form(arguments, optarg);
	case OPTION_MSGID:
		arguments->msgid = optarg;
		return true;
	case OPTION_INPUT:
		return read_input(arguments, optarg);
	default:
		return false; /* getopt has said why */
	}
}

static bool places_agree(const struct slogger_arguments *arguments)
{
	int places = (arguments->server != NULL) + (arguments->socket != NULL) + (arguments->to_stdout != NULL);
	if (places > 1) {
		fputs("slogger: --server, --socket and --stdout exclude each other\n", stderr);
		return false;
	}
	if (arguments->word_count > 0 && arguments->file != NULL) {
		fputs("slogger: with --file there is no EVENT on the command line\n", stderr);
		return false;
	}
	return true;
}

bool slogger_arguments_read(struct slogger_arguments *arguments, int argc, char **argv)
{
	static const struct option long_options[] = {
		{"priority", required_argument, NULL, 'p'},
		{"tag", required_argument, NULL, 't'},
		{"id", optional_argument, NULL, 'i'},
		{"msgid", required_argument, NULL, OPTION_MSGID},
		{"file", required_argument, NULL, 'f'},
		{"input", required_argument, NULL, OPTION_INPUT},
		{"skip-empty", no_argument, NULL, 'e'},
		{"stderr", no_argument, NULL, 's'},
		{"stdout", required_argument, NULL, OPTION_STDOUT},
		{"socket", required_argument, NULL, 'u'},
		{"server", required_argument, NULL, 'n'},
		{"port", required_argument, NULL, 'P'},
		{"tcp", no_argument, NULL, 'T'},
		{"udp", no_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	memset(arguments, 0, sizeof *arguments);
	arguments->facility = SLOG_USER;
	arguments->severity = SLOG_NOTICE;
	arguments->msgid = "";
	/* What follows EVENT is never an option: a value may begin with '-'. */
	int letter;
	while ((letter = getopt_long(argc, argv, "+p:t:if:esu:n:P:TdhV", long_options, NULL)) != -1) {
		if (!read_option(arguments, letter))
			return false;
	}
	arguments->words = argv + optind;
	arguments->word_count = argc - optind;
	return places_agree(arguments);
}
