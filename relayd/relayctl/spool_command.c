/* SPDX-License-Identifier: Apache-2.0 */
#include "relayctl/spool_command.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "relayctl/spool_place.h"

/* A command's options are those of all (-c, --spool, --help) and the letters in `letters`. */
struct spool_command {
	const char *name;
	unsigned words; /* behind its options */
	const char *letters;
	enum relayctl_exit (*run)(const struct spool_arguments *arguments);
	const char *help;
};

static const struct spool_command commands[] = {
	{"ls", 0, "j", spool_ls_run,
	 "ls [--json]\n"
	 "      says which segments there are, and how far each output has come\n"},
	{"cat", 0, "FLotfq", spool_cat_run,
	 "cat [--first N] [--last N] [--output NAME] [--filter JSON]\n"
	 "                     [--format json | rfc5424 | raw] [--quarantine NAME]\n"
	 "      prints messages, one a line: those that an output has not got with --output,\n"
	 "      those that its next hop refused with --quarantine\n"},
	{"grep", 1, "FLotfq", spool_grep_run,
	 "grep [options of cat] TEXT\n"
	 "      prints the messages in which TEXT stands\n"},
	{"export", 1, "FLotfq", spool_export_run,
	 "export [options of cat] FILE\n"
	 "      writes what cat would print into a new file, synced\n"},
	{"replay", 0, "FLofqT", spool_replay_run,
	 "replay --to ADDRESS [--first N] [--last N] [--output NAME]\n"
	 "                     [--filter JSON] [--quarantine NAME]\n"
	 "      sends messages over RELP to an input of a running relay, and waits until all are stored there\n"},
	{"verify", 0, "q", spool_verify_run,
	 "verify [--quarantine NAME]\n"
	 "      reads every block and says exactly what is damaged\n"},
	{"repair", 0, "a", spool_repair_run,
	 "repair [--apply]\n"
	 "      says what the next start of relayd will do about damage, and what must be done before it can\n"
	 "      start; does that with --apply, if it does not run\n"},
	{"drop", 0, "foTyC", spool_drop_run,
	 "drop [--yes] --filter JSON [--output NAME] [--to N]\n"
	 "                     [--control PATH]\n"
	 "      makes a rule: of what is stored by now, outputs drop what matches and they have not got;\n"
	 "      says first how much that is; also in a spool that is running\n"},
	{"forget", 1, "y", spool_forget_run,
	 "forget [--yes] OUTPUT\n"
	 "      gives up an output's place in a spool that is not running, and the messages it holds\n"},
	{"rename-output", 2, "", spool_rename_output_run,
	 "rename-output OUTPUT NAME\n"
	 "      gives an output's place in a spool that is not running another name\n"},
	{NULL, 0, NULL, NULL, NULL},
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
	bool help;
};

static bool read_sequence(const char *text, uint64_t *sequence)
{
	size_t digits = decimal_read(bytes_of_text(text), DECIMAL_DIGITS_MAX - 1, sequence);
	if (digits > 0 && text[digits] == '\0' && *sequence > 0)
		return true;
	fprintf(stderr, "relayctl spool: \"%s\" is no sequence: they count from 1\n", text);
	return false;
}

static bool take_option(struct parsed *parsed, int letter)
{
	struct spool_arguments *arguments = &parsed->arguments;
	switch (letter) {
	case 'c':
		arguments->config = optarg;
		return true;
	case 's':
		arguments->path = optarg;
		return true;
	case 'h':
		parsed->help = true;
		return true;
	case 'F':
		return read_sequence(optarg, &arguments->first);
	case 'L':
		return read_sequence(optarg, &arguments->last);
	case 'o':
		arguments->output = optarg;
		return true;
	case 't':
		arguments->format = optarg;
		return true;
	case 'f':
		arguments->filter = optarg;
		return true;
	case 'q':
		arguments->quarantine = optarg;
		return true;
	case 'T':
		arguments->to = optarg;
		return true;
	case 'C':
		arguments->control = optarg;
		return true;
	case 'j':
		arguments->json = true;
		return true;
	case 'a':
		arguments->apply = true;
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
	{"first", required_argument, NULL, 'F'},
	{"last", required_argument, NULL, 'L'},
	{"output", required_argument, NULL, 'o'},
	{"format", required_argument, NULL, 't'},
	{"filter", required_argument, NULL, 'f'},
	{"to", required_argument, NULL, 'T'},
	{"control", required_argument, NULL, 'C'},
	{"quarantine", required_argument, NULL, 'q'},
	{"json", no_argument, NULL, 'j'},
	{"apply", no_argument, NULL, 'a'},
	{"yes", no_argument, NULL, 'y'},
	{NULL, 0, NULL, 0},
};

static const char *option_name(char letter)
{
	const struct option *option = long_options;
	while (option->val != letter)
		option++;
	return option->name;
}

/* Says what is wrong with the options seen and the number of words, if anything is. */
static bool goes_together(const struct spool_command *command, const char *seen, unsigned words,
                          const struct parsed *parsed)
{
	char foreign = seen[strspn(seen, command->letters)];
	if (foreign != '\0')
		fprintf(stderr, "relayctl spool %s: --%s is no option of it\n", command->name, option_name(foreign));
	else if (words != command->words)
		fprintf(stderr, "relayctl spool %s: takes %u word%s, not %u\n", command->name, command->words,
		        command->words == 1 ? "" : "s", words);
	else if (parsed->arguments.config != NULL && parsed->arguments.path != NULL)
		fprintf(stderr, "relayctl spool %s: -c and --spool both say where the spool is: give one\n", command->name);
	else
		return true;
	return false;
}

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
	if (parsed->help)
		return NULL;
	const struct spool_command *command = find(argv[optind]);
	if (command == NULL) {
		if (argv[optind] != NULL)
			fprintf(stderr, "relayctl spool: there is no command \"%s\"\n", argv[optind]);
		else
			fputs("relayctl spool: say which command\n", stderr);
		return NULL;
	}
	unsigned words = (unsigned)(argc - optind - 1);
	if (!goes_together(command, seen, words, parsed))
		return NULL;
	for (unsigned i = 0; i < words && i < SPOOL_WORDS_MAX; i++)
		parsed->arguments.words[i] = argv[optind + 1 + (int)i];
	return command;
}

enum relayctl_exit spool_command_fail(const struct spool_arguments *arguments, const char *what)
{
	fprintf(stderr, "%s: %s\n", arguments->label, what);
	return RELAYCTL_FAILED;
}

enum relayctl_exit spool_run(int argc, char **argv)
{
	struct parsed parsed = {.arguments = {.first = 1, .last = UINT64_MAX}};
	const struct spool_command *command = read_arguments(argc, argv, &parsed);
	if (parsed.help) {
		spool_print_help(stdout);
		return RELAYCTL_OK;
	}
	if (command == NULL) {
		spool_print_help(stderr);
		return RELAYCTL_USAGE;
	}
	char label[64];
	snprintf(label, sizeof label, "relayctl spool %s", command->name);
	parsed.arguments.label = label;
	char *place = parsed.arguments.path == NULL ? spool_place_find(parsed.arguments.config) : NULL;
	if (place != NULL)
		parsed.arguments.path = place;
	enum relayctl_exit code = parsed.arguments.path != NULL ? command->run(&parsed.arguments) : RELAYCTL_FAILED;
	free(place);
	return fflush(stdout) == 0 || code != RELAYCTL_OK ? code : RELAYCTL_FAILED;
}
