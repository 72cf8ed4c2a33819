/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `relayctl drill`: cuts an output for a while, on a relay at work, and proves that nothing was lost or came twice.
 * It is safe to end it in any way: relayd restores the output by its own timer.
 */
#include "relayctl/drill.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "relayctl/client.h"
#include "relayctl/duration.h"
#include "relayctl/relayctl.h"

void drill_print_help(FILE *out)
{
	fputs("  relayctl drill [--for TIME] [--control PATH] [--next PATH] [--input NAME] [--within TIME] OUTPUT\n"
	      "      cuts an output for TIME (30s), and proves from the ledgers and from numbered messages that nothing was\n"
	      "      lost or came twice; --next is the control socket of the relay that the output sends to\n",
	      out);
}

static bool wrong(const char *what)
{
	fprintf(stderr, "relayctl drill: %s\n", what);
	return false;
}

static bool read_time(const char *text, const char *what, uint64_t *ns)
{
	return (duration_read(text, ns) && *ns >= CLOCK_NS_PER_SECOND) || wrong(what);
}

static bool read_one(struct drill_arguments *arguments, int letter)
{
	uint64_t ns;
	switch (letter) {
	case 'f':
		if (!read_time(optarg, "--for is a time of at least a second, such as 30s", &ns))
			return false;
		arguments->seconds = ns / CLOCK_NS_PER_SECOND;
		return true;
	case 'c':
		arguments->control = optarg;
		return true;
	case 'n':
		arguments->next = optarg;
		return true;
	case 'i':
		arguments->input = optarg;
		return true;
	case 'w':
		return read_time(optarg, "--within is a time of at least a second, such as 5min", &arguments->within_ns);
	case 'h':
		arguments->help = true;
		return true;
	default:
		return false; /* getopt has said why */
	}
}

static bool read_arguments(int argc, char **argv, struct drill_arguments *arguments)
{
	static const struct option long_options[] = {
		{"for", required_argument, NULL, 'f'},  {"control", required_argument, NULL, 'c'},
		{"next", required_argument, NULL, 'n'}, {"input", required_argument, NULL, 'i'},
		{"within", required_argument, NULL, 'w'}, {"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int letter;
	while ((letter = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		if (!read_one(arguments, letter))
			return false;
	}
	if (arguments->help)
		return true;
	if (argc - optind != 1)
		return wrong("say which output, and nothing else");
	arguments->output = argv[optind];
	return true;
}

/* ---- signals ---- */

static void on_signal(int signal)
{
	drill_interrupted = signal;
}

static void catch_signals(void)
{
	static const int caught[] = {SIGINT, SIGTERM, SIGHUP};
	const struct sigaction action = {.sa_handler = on_signal}, ignored = {.sa_handler = SIG_IGN};
	for (size_t i = 0; i < sizeof caught / sizeof caught[0]; i++)
		sigaction(caught[i], &action, NULL);
	sigaction(SIGPIPE, &ignored, NULL); /* whoever reads the lines may go: the drill ends in order */
}

/* ---- the result ---- */

static void print_times(const struct drill *drill)
{
	const struct drill_arguments *arguments = drill->arguments;
	printf("\nSummary: output %s was cut for %.0f s", arguments->output,
	       (double)(drill->over_ns - drill->cut_ns) / CLOCK_NS_PER_SECOND);
	if (drill->connected_ns != 0)
		printf(", connected again %.1f s later", (double)(drill->connected_ns - drill->over_ns) / CLOCK_NS_PER_SECOND);
	if (drill->drained_ns != 0)
		printf(", had delivered all %.1f s later", (double)(drill->drained_ns - drill->over_ns) / CLOCK_NS_PER_SECOND);
	printf(".\nMeanwhile %" PRIu64 " messages came in, %u of them probes of this drill.\n",
	       drill->output.stored - drill->before.stored, drill->here.seen);
}

static enum relayctl_exit conclude(struct drill *drill)
{
	static const char *const sentences[] = {
		[DRILL_PROVED] = "Proved: nothing was lost, and nothing came twice.",
		[DRILL_UNPROVED] = "NOT PROVED: nothing contradicts, but not all could be shown.",
		[DRILL_DOUBLED] = "NOT GOOD: nothing was lost, but messages came twice.",
		[DRILL_LOST] = "NOT GOOD: messages were lost.",
	};
	struct drill_facts facts;
	drill_gather(drill, &facts);
	print_times(drill);
	enum drill_verdict verdict = drill_judge(&facts, stdout);
	puts(sentences[verdict]);
	if (fflush(stdout) != 0)
		return RELAYCTL_FAILED;
	if (verdict == DRILL_PROVED)
		return RELAYCTL_OK;
	return verdict == DRILL_UNPROVED ? RELAYCTL_UNPROVED : RELAYCTL_DIFFERS;
}

static enum relayctl_exit run_with(const struct drill_arguments *arguments)
{
	static struct drill drill; /* large */
	drill.arguments = arguments;
	drill.sender.fd = -1;
	probe_sender_new_id(drill.id);
	catch_signals();
	enum relayctl_exit code;
	if (!drill_run_steps(&drill))
		fprintf(stderr, "relayctl drill: %s\n", drill.error);
	if (drill.cut_ns == 0)
		code = RELAYCTL_FAILED; /* nothing was cut */
	else
		code = drill_interrupted ? RELAYCTL_UNPROVED : conclude(&drill);
	probe_sender_close(&drill.sender);
	receipts_end(&drill.here);
	receipts_end(&drill.next);
	json_tree_free(&drill.status);
	return code;
}

enum relayctl_exit drill_run(int argc, char **argv)
{
	struct drill_arguments arguments = {.seconds = 30, .within_ns = 300 * CLOCK_NS_PER_SECOND};
	if (!read_arguments(argc, argv, &arguments)) {
		drill_print_help(stderr);
		return RELAYCTL_USAGE;
	}
	if (arguments.help) {
		drill_print_help(stdout);
		return RELAYCTL_OK;
	}
	char *control = client_control(arguments.control, "drill");
	arguments.control = control;
	enum relayctl_exit code = control != NULL ? run_with(&arguments) : RELAYCTL_FAILED;
	free(control);
	return code;
}
