/* SPDX-License-Identifier: Apache-2.0 */
/* `relayctl ledger`: one relay's ledger, added up; or two, compared. A ledger comes from a control socket or a file. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "relayctl/answer.h"
#include "relayctl/client.h"
#include "relayctl/ledger_table.h"
#include "relayctl/relayctl.h"

enum {
	/* Counters of a relay that runs are read one after the other: what does not add up is looked at again. */
	LOOKS_MAX = 10,
	LOOK_AGAIN_NS = 100 * 1000 * 1000,
	READ_SIZE_BYTES = 16 * 1024,
};

struct ledger_arguments {
	bool help;
	bool json;
	const char *control; /* NULL: the default place */
	const char *output;
	const char *input;
	const char *from;    /* NULL: the relay at `control` */
	const char *to;      /* not NULL: compare */
};

/* One ledger, as text and as tree. */
struct ledger_source {
	struct buffer text;
	struct json_value *tree;
	unsigned wrong; /* equations that do not hold */
};

void ledger_print_help(FILE *out)
{
	fputs("  relayctl ledger [--json] [--control PATH]\n"
		  "      says what became of every message, by input, source and output, and whether it adds up\n"
		  "  relayctl ledger [--json] [--output NAME] [--input NAME] FROM [TO]\n"
		  "      the same of a control socket or a file with what --json printed; with TO, compares the hop between them\n",
		  out);
}

static bool read_one(struct ledger_arguments *arguments, int letter)
{
	switch (letter) {
	case 'j':
		arguments->json = true;
		return true;
	case 'c':
		arguments->control = optarg;
		return true;
	case 'o':
		arguments->output = optarg;
		return true;
	case 'i':
		arguments->input = optarg;
		return true;
	case 'h':
		arguments->help = true;
		return true;
	default:
		return false; /* getopt has said why */
	}
}

static bool read_arguments(int argc, char **argv, struct ledger_arguments *arguments)
{
	static const struct option long_options[] = {
		{"json", no_argument, NULL, 'j'},
		{"control", required_argument, NULL, 'c'},
		{"output", required_argument, NULL, 'o'},
		{"input", required_argument, NULL, 'i'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int letter;
	while ((letter = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		if (!read_one(arguments, letter))
			return false;
	}
	arguments->from = optind < argc ? argv[optind] : NULL;
	arguments->to = optind + 1 < argc ? argv[optind + 1] : NULL;
	if (argc - optind > 2)
		fprintf(stderr, "relayctl ledger: \"%s\" is one argument too many\n", argv[optind + 2]);
	return argc - optind <= 2;
}

/* ---- where a ledger comes from ---- */

static bool read_file(const char *path, struct buffer *text, char *error)
{
	FILE *file = fopen(path, "re");
	size_t got = file != NULL ? 1 : 0;
	while (got > 0) {
		size_t room = buffer_room(text) < READ_SIZE_BYTES ? buffer_room(text) : READ_SIZE_BYTES;
		uint8_t *at = room > 0 ? buffer_reserve(text, room) : NULL;
		got = at != NULL ? fread(at, 1, room, file) : 0;
		buffer_commit(text, got);
	}
	bool good = file != NULL && ferror(file) == 0;
	if (!good)
		snprintf(error, CLIENT_ERROR_MAX_BYTES, "%s: cannot be read: %s", path, strerror(errno));
	if (file != NULL)
		fclose(file);
	return good;
}

static bool is_socket(const char *path)
{
	struct stat status;
	return stat(path, &status) != 0 || S_ISSOCK(status.st_mode); /* what is not there is said by connecting */
}

/* Reads the ledger once. False after saying why there is none. */
static bool look(const char *path, struct ledger_source *ledger)
{
	char error[CLIENT_ERROR_MAX_BYTES];
	struct json_error wrong;
	buffer_free(&ledger->text);
	json_tree_free(&ledger->tree);
	buffer_init(&ledger->text, CLIENT_ANSWER_MAX_BYTES);
	bool got = is_socket(path) ? client_ask(path, "ledger", &ledger->text, error) : read_file(path, &ledger->text, error);
	if (!got) {
		fprintf(stderr, "relayctl ledger: %s\n", error);
		return false;
	}
	ledger->tree = json_tree_read(buffer_peek(&ledger->text), &wrong);
	if (json_member(ledger->tree, "sources") != NULL)
		return true;
	fprintf(stderr, "relayctl ledger: %s: this is not a ledger of relayd\n", path);
	return false;
}

static bool read_ledger(const char *path, struct ledger_source *ledger)
{
	const struct timespec pause = {.tv_nsec = LOOK_AGAIN_NS};
	*ledger = (struct ledger_source){.tree = NULL};
	buffer_init(&ledger->text, CLIENT_ANSWER_MAX_BYTES);
	for (unsigned looks = 0; looks < LOOKS_MAX; looks++) {
		if (!look(path, ledger))
			return false;
		ledger->wrong = ledger_check(ledger->tree, NULL);
		if (ledger->wrong == 0 || !is_socket(path))
			break;
		nanosleep(&pause, NULL);
	}
	return true;
}

static void free_ledger(struct ledger_source *ledger)
{
	buffer_free(&ledger->text);
	json_tree_free(&ledger->tree);
}

/* ---- one, or two ---- */

static enum relayctl_exit show(const char *path, bool as_json)
{
	struct ledger_source ledger;
	enum relayctl_exit code = RELAYCTL_FAILED;
	if (read_ledger(path, &ledger)) {
		code = ledger.wrong == 0 ? RELAYCTL_OK : RELAYCTL_DIFFERS;
		struct bytes text = buffer_peek(&ledger.text);
		if (as_json) {
			fwrite(text.at, 1, text.len, stdout);
		} else {
			answer_make_printable(ledger.tree);
			ledger_table_print(ledger.tree, stdout);
			if (ledger.wrong == 0)
				puts("It adds up.");
		}
		ledger_check(ledger.tree, as_json ? stderr : stdout);
	}
	free_ledger(&ledger);
	return fflush(stdout) == 0 ? code : RELAYCTL_FAILED;
}

static enum relayctl_exit compare(const struct ledger_arguments *arguments)
{
	struct ledger_source from = {.tree = NULL}, to = {.tree = NULL};
	struct ledger_hop hop;
	enum relayctl_exit code = RELAYCTL_FAILED;
	/* What is on its way meanwhile must not seem to be missing: the sender is asked first. */
	if (read_ledger(arguments->from, &from) && read_ledger(arguments->to, &to)) {
		answer_make_printable(from.tree);
		answer_make_printable(to.tree);
		code = RELAYCTL_USAGE;
		if (ledger_compare(from.tree, arguments->output, to.tree, arguments->input, &hop, stderr)) {
			code = hop.adds_up ? RELAYCTL_OK : RELAYCTL_DIFFERS;
			if (arguments->json)
				ledger_hop_print_json(&hop, stdout);
			else
				ledger_hop_print(&hop, from.tree, to.tree, stdout);
		}
	}
	free_ledger(&from);
	free_ledger(&to);
	return fflush(stdout) == 0 ? code : RELAYCTL_FAILED;
}

enum relayctl_exit ledger_run(int argc, char **argv)
{
	struct ledger_arguments arguments = {0};
	if (!read_arguments(argc, argv, &arguments)) {
		ledger_print_help(stderr);
		return RELAYCTL_USAGE;
	}
	if (arguments.help) {
		ledger_print_help(stdout);
		return RELAYCTL_OK;
	}
	if (arguments.to != NULL)
		return compare(&arguments);
	char *path = client_control(arguments.from != NULL ? arguments.from : arguments.control, "ledger");
	enum relayctl_exit code = path != NULL ? show(path, arguments.json) : RELAYCTL_FAILED;
	free(path);
	return code;
}
