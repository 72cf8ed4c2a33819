/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/arguments.h"

#include <getopt.h>
#include <string.h>

enum {
	OPTION_CHECK_ONLY = 256,
	OPTION_EXPLAIN_ONLY,
	OPTION_PRINT_OPTIONS,
	OPTION_PRINT_VERSION,
};

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"check", no_argument, NULL, OPTION_CHECK_ONLY},
	{"explain", no_argument, NULL, OPTION_EXPLAIN_ONLY},
	{"options", optional_argument, NULL, OPTION_PRINT_OPTIONS},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, OPTION_PRINT_VERSION},
	{NULL, 0, NULL, 0},
};

void arguments_print_help(FILE *out)
{
	fputs("relayd carries syslog messages from inputs through a spool on disk to outputs.\n"
		  "\n"
		  "  relayd                    try it: listens on loopback port 5514, prints JSON lines\n"
		  "  relayd -c FILE            runs with this configuration, in the foreground\n"
		  "  relayd -c FILE --check    says what is wrong with it, and ends\n"
		  "  relayd -c FILE --explain  says every effective setting and what each path guarantees\n"
		  "  relayd --options          prints the reference of all options (--options=mdoc for the manual)\n"
		  "  relayd --help | --version\n"
		  "\n"
		  "SIGTERM and SIGINT stop it in order, SIGHUP reads certificates and opens files again.\n"
		  "See relayd(8) and relayd.conf(5).\n",
		  out);
}

/* The first action asked for wins over "run"; two different ones contradict each other. */
static bool ask(struct arguments *arguments, enum action action)
{
	if (arguments->action != ACTION_RUN && arguments->action != action) {
		fputs("relayd: --check, --explain, --options, --help and --version exclude each other\n", stderr);
		return false;
	}
	arguments->action = action;
	return true;
}

static bool ask_for_options(struct arguments *arguments, const char *form)
{
	if (form != NULL && strcmp(form, "mdoc") != 0) {
		fprintf(stderr, "relayd: --options=%s is unknown; it is --options or --options=mdoc\n", form);
		return false;
	}
	return ask(arguments, form != NULL ? ACTION_OPTIONS_MDOC : ACTION_OPTIONS);
}

static bool read_one(struct arguments *arguments, int letter)
{
	switch (letter) {
	case 'c':
		arguments->file = optarg;
		return true;
	case 'h':
		return ask(arguments, ACTION_HELP);
	case OPTION_CHECK_ONLY:
		return ask(arguments, ACTION_CHECK);
	case OPTION_EXPLAIN_ONLY:
		return ask(arguments, ACTION_EXPLAIN);
	case OPTION_PRINT_OPTIONS:
		return ask_for_options(arguments, optarg);
	case OPTION_PRINT_VERSION:
		return ask(arguments, ACTION_VERSION);
	default:
		return false; /* getopt has said why */
	}
}

bool arguments_read(int argc, char **argv, struct arguments *arguments)
{
	*arguments = (struct arguments){0};
	int letter;
	bool good = true;
	while (good && (letter = getopt_long(argc, argv, "c:h", long_options, NULL)) != -1)
		good = read_one(arguments, letter);
	if (good && optind < argc) {
		fprintf(stderr, "relayd: \"%s\" is not an option; a configuration is given with -c\n", argv[optind]);
		good = false;
	}
	if (!good)
		fputs("relayd: relayd --help says what there is\n", stderr);
	return good;
}
