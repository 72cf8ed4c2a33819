/* SPDX-License-Identifier: Apache-2.0 */
#include "relayctl/spool_command.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "relayctl/spool_place.h"

/* A command's options are those of all (-c, --spool, --help) and the letters in `letters`. */
struct spool_command {
	const char *name;
	unsigned words_min, words_max;
	const char *letters;
	enum relayctl_exit (*run)(const struct spool_arguments *arguments);
	const char *help;
};

static const struct spool_command commands[] = {
	{"forget", 1, 1, "y", spool_forget_run,
	 "forget [--yes] OUTPUT\n"
	 "      gives up an output's place in a spool that is not running, and the messages it holds\n"},
	{"rename-output", 2, 2, "", spool_rename_output_run,
	 "rename-output OUTPUT NAME\n"
	 "      gives an output's place in a spool that is not running another name\n"},
	{NULL, 0, 0, NULL, NULL, NULL},
};

void spool_print_help(FILE *out)
{
	for (const struct spool_command *command = commands; command->name != NULL; command++)
		fprintf(out, "  relayctl spool [-c CONFIG | --spool PATH] %s", command->help);
}

static const struct spool_command *find(const char *name)
{
	for (const struct spool_command *command = commands; command->name != NULL; command++) {
		if (name != NULL && strcmp(command->name, name) == 0)
			return command;
	}
	return NULL;
}

/* ---- arguments ---- */

struct parsed {
	struct spool_arguments arguments;
	const char *config; /* -c */
	bool help;
};

static bool take_option(struct parsed *parsed, int letter)
{
	struct spool_arguments *arguments = &parsed->arguments;
	switch (letter) {
	case 'c':
		parsed->config = optarg;
		return true;
	case 's':
		arguments->path = optarg;
		return true;
	case 'h':
		parsed->help = true;
		return true;
	case 'y':
		arguments->yes = true;
		return true;
	default:
		return false;
	}
}

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"spool", required_argument, NULL, 's'},
	{"help", no_argument, NULL, 'h'},
	{"yes", no_argument, NULL, 'y'},
	{NULL, 0, NULL, 0},
};

/* `-c` and `--spool` may stand before the command's name, too: getopt_long() permutes. The name is the first word. */
static const struct spool_command *read_arguments(int argc, char **argv, struct parsed *parsed)
{
	char seen[sizeof long_options / sizeof *long_options + 1] = "";
	int letter;
	while ((letter = getopt_long(argc, argv, "c:h", long_options, NULL)) != -1) {
		if (!take_option(parsed, letter))
			return NULL;
		if (strchr("csh", letter) == NULL && strchr(seen, letter) == NULL)
			seen[strlen(seen)] = (char)letter;
	}
	const struct spool_command *command = find(argv[optind]);
	if (command == NULL) {
		if (argv[optind] != NULL)
			fprintf(stderr, "relayctl spool: there is no command \"%s\"\n", argv[optind]);
		return NULL;
	}
	unsigned words = (unsigned)(argc - optind - 1);
	bool taken = seen[strspn(seen, command->letters)] == '\0';
	if (!taken || (!parsed->help && (words < command->words_min || words > command->words_max)))
		return NULL;
	for (unsigned i = 0; i < words && i < SPOOL_WORDS_MAX; i++)
		parsed->arguments.words[i] = argv[optind + 1 + (int)i];
	return command;
}

enum relayctl_exit spool_run(int argc, char **argv)
{
	struct parsed parsed = {0};
	const struct spool_command *command = read_arguments(argc, argv, &parsed);
	if (parsed.help) {
		spool_print_help(stdout);
		return RELAYCTL_OK;
	}
	if (command == NULL || (parsed.config != NULL && parsed.arguments.path != NULL)) {
		spool_print_help(stderr);
		return RELAYCTL_USAGE;
	}
	char label[64];
	snprintf(label, sizeof label, "relayctl spool %s", command->name);
	parsed.arguments.label = label;
	char *place = parsed.arguments.path == NULL ? spool_place_find(parsed.config) : NULL;
	if (place != NULL)
		parsed.arguments.path = place;
	enum relayctl_exit code = parsed.arguments.path != NULL ? command->run(&parsed.arguments) : RELAYCTL_FAILED;
	free(place);
	return fflush(stdout) == 0 || code != RELAYCTL_OK ? code : RELAYCTL_FAILED;
}
