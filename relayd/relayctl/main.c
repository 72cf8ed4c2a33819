/* SPDX-License-Identifier: Apache-2.0 */
/* relayctl: one program, one command after its name. */
#include <stdbool.h>
#include <string.h>

#include "base/standard_descriptors.h"
#include "relayctl/relayctl.h"

struct command {
	const char *name;
	enum relayctl_exit (*run)(int argc, char **argv);
	void (*print_help)(FILE *out);
};

static const struct command commands[] = {
	{"convert", convert_run, convert_print_help},
	{"status", status_run, status_print_help},
	{"ledger", ledger_run, ledger_print_help},
	{"probe", probe_run, probe_print_help},
	{"drill", drill_run, drill_print_help},
	{"spool", spool_run, spool_print_help},
	{"stream", stream_run, stream_print_help},
	{NULL, NULL, NULL},
};

static void print_help(FILE *out)
{
	fputs("relayctl looks into relayd, and reads logs as relayd does.\n\n", out);
	for (const struct command *command = commands; command->name != NULL; command++)
		command->print_help(out);
	fputs("\nrelayctl(1) says more.\n", out);
}

static const struct command *find(const char *name)
{
	for (const struct command *command = commands; command->name != NULL; command++) {
		if (strcmp(command->name, name) == 0)
			return command;
	}
	return NULL;
}

/* A full disk, or a reader that has gone, must not look like success; also if only a part of it was written. */
static enum relayctl_exit said(enum relayctl_exit code)
{
	bool written = fflush(stdout) == 0 && !ferror(stdout);
	return code == RELAYCTL_OK && !written ? RELAYCTL_FAILED : code;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	if (!standard_descriptors_hold())
		return RELAYCTL_FAILED;
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
		print_help(stdout);
		return said(RELAYCTL_OK);
	}
	if (strcmp(name, "--version") == 0) {
		puts("relayctl " RELAYD_VERSION);
		return said(RELAYCTL_OK);
	}
	const struct command *command = find(name);
	if (command != NULL) {
		/* What getopt_long() begins its messages with. */
		char label[64];
		snprintf(label, sizeof label, "relayctl %s", command->name);
		argv[1] = label;
		return said(command->run(argc - 1, argv + 1));
	}
	if (argc > 1)
		fprintf(stderr, "relayctl: there is no command \"%s\"\n", name);
	print_help(stderr);
	return RELAYCTL_USAGE;
}
