/* SPDX-License-Identifier: Apache-2.0 */
/* `relayctl status`: asks the running relayd and prints what it says, as it stands or as tables. */
#include <getopt.h>
#include <stdlib.h>

#include "relayctl/client.h"
#include "relayctl/relayctl.h"
#include "relayctl/status_table.h"

struct status_arguments {
	bool help;
	bool json;
	const char *control; /* NULL: the default place */
};

void status_print_help(FILE *out)
{
	fputs("  relayctl status [--json] [--control PATH]\n"
		  "      says what the running relayd receives, keeps and delivers\n",
		  out);
}

static bool read_arguments(int argc, char **argv, struct status_arguments *arguments)
{
	static const struct option long_options[] = {
		{"json", no_argument, NULL, 'j'},
		{"control", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int letter;
	while ((letter = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		if (letter == 'j')
			arguments->json = true;
		else if (letter == 'c')
			arguments->control = optarg;
		else if (letter == 'h')
			arguments->help = true;
		else
			return false;
	}
	if (optind < argc)
		fprintf(stderr, "relayctl status: \"%s\" is one argument too many\n", argv[optind]);
	return optind == argc;
}

static enum relayctl_exit print(struct bytes answer, bool as_json)
{
	if (as_json) {
		fwrite(answer.at, 1, answer.len, stdout);
	} else if (!status_table_print(answer, stdout)) {
		fputs("relayctl status: the answer is not a status of relayd\n", stderr);
		return RELAYCTL_FAILED;
	}
	return fflush(stdout) == 0 ? RELAYCTL_OK : RELAYCTL_FAILED;
}

static enum relayctl_exit ask(const char *path, bool as_json)
{
	struct buffer answer;
	char error[CLIENT_ERROR_MAX_BYTES];
	buffer_init(&answer, CLIENT_ANSWER_MAX_BYTES);
	enum relayctl_exit code = RELAYCTL_FAILED;
	if (client_ask(path, "status", &answer, error))
		code = print(buffer_peek(&answer), as_json);
	else
		fprintf(stderr, "relayctl status: %s\n", error);
	buffer_free(&answer);
	return code;
}

enum relayctl_exit status_run(int argc, char **argv)
{
	struct status_arguments arguments = {0};
	if (!read_arguments(argc, argv, &arguments)) {
		status_print_help(stderr);
		return RELAYCTL_USAGE;
	}
	if (arguments.help) {
		status_print_help(stdout);
		return RELAYCTL_OK;
	}
	char *path = client_control(arguments.control, "status");
	enum relayctl_exit code = path != NULL ? ask(path, arguments.json) : RELAYCTL_FAILED;
	free(path);
	return code;
}
