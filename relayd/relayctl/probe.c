/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `relayctl probe`: marked messages go in at an input of the first relay; each relay that is named says when it stored
 * them. The last relay looks first, so that no probe can pass it unseen.
 */
#include <assert.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "relayctl/answer.h"
#include "relayctl/client.h"
#include "relayctl/duration.h"
#include "relayctl/probe_report.h"
#include "relayctl/probe_sender.h"
#include "relayctl/relayctl.h"

enum {
	RELAYS_MAX = 16,
	COUNT_MAX = 1000,
	COUNT_DIGITS_MAX = 4,
};

#define BETWEEN_NS ((uint64_t)100 * CLOCK_NS_PER_MS)  /* probes */
#define ASK_NS     ((uint64_t)20 * CLOCK_NS_PER_MS)   /* again */
#define LINGER_NS  ((uint64_t)300 * CLOCK_NS_PER_MS)  /* behind the last one, for copies of it */

struct probe_arguments {
	bool help;
	bool json;
	const char *control[RELAYS_MAX]; /* of the relays, in the order of the way; the first may be NULL: the default place */
	unsigned relays;
	const char *input;
	unsigned count;
	uint64_t within_ns;
};

struct probe_run {
	const struct probe_arguments *arguments;
	char id[PROBE_ID_LEN + 1];
	struct json_value *status;       /* of the first relay */
	struct probe_sender sender;
	struct receipts receipts[RELAYS_MAX];
	unsigned begun;                  /* of receipts, from the last one on */
	int64_t sent_ns[COUNT_MAX];
};

void probe_print_help(FILE *out)
{
	fputs("  relayctl probe [--json] [--control PATH] [--next PATH]... [--input NAME] [--count N] [--within TIME]\n"
	      "      sends a marked message to an input of the relay, and says where it came by and after what time; --next is\n"
	      "      the control socket of each relay behind the first, in order\n",
	      out);
}

/* ---- arguments ---- */

static bool say(const char *what)
{
	fprintf(stderr, "relayctl probe: %s\n", what);
	return false;
}

static bool read_count(const char *text, unsigned *count)
{
	uint64_t value;
	struct bytes digits = bytes_of_text(text);
	if (decimal_read(digits, COUNT_DIGITS_MAX, &value) != digits.len || value < 1 || value > COUNT_MAX)
		return say("--count is a number from 1 to 1000");
	*count = (unsigned)value;
	return true;
}

static bool read_one(struct probe_arguments *arguments, int letter)
{
	switch (letter) {
	case 'j':
		arguments->json = true;
		return true;
	case 'c':
		arguments->control[0] = optarg;
		return true;
	case 'n':
		if (arguments->relays == RELAYS_MAX)
			return say("at most 16 relays");
		arguments->control[arguments->relays++] = optarg;
		return true;
	case 'i':
		arguments->input = optarg;
		return true;
	case 'k':
		return read_count(optarg, &arguments->count);
	case 'w':
		return duration_read(optarg, &arguments->within_ns) || say("--within is a time, such as 10s");
	case 'h':
		arguments->help = true;
		return true;
	default:
		return false; /* getopt has said why */
	}
}

static bool read_arguments(int argc, char **argv, struct probe_arguments *arguments)
{
	static const struct option long_options[] = {
		{"json", no_argument, NULL, 'j'},        {"control", required_argument, NULL, 'c'},
		{"next", required_argument, NULL, 'n'},  {"input", required_argument, NULL, 'i'},
		{"count", required_argument, NULL, 'k'}, {"within", required_argument, NULL, 'w'},
		{"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0},
	};
	int letter;
	while ((letter = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		if (!read_one(arguments, letter))
			return false;
	}
	if (optind < argc)
		fprintf(stderr, "relayctl probe: \"%s\" is one argument too many\n", argv[optind]);
	return optind == argc;
}

/* ---- the run ---- */

static void pause_ns(uint64_t ns)
{
	assert(ns < CLOCK_NS_PER_SECOND);
	const struct timespec pause = {.tv_nsec = (long)ns};
	nanosleep(&pause, NULL);
}

/* The last relay looks first. */
static bool begin_receipts(struct probe_run *run)
{
	const struct probe_arguments *arguments = run->arguments;
	for (unsigned i = arguments->relays; i-- > 0; run->begun++)
		if (!receipts_begin(&run->receipts[i], arguments->control[i], run->id, arguments->count)) {
			run->begun++;
			return say(run->receipts[i].error);
		}
	return true;
}

static bool send_probes(struct probe_run *run)
{
	char error[PROBE_SENDER_ERROR_MAX_BYTES];
	for (unsigned i = 0; i < run->arguments->count; i++) {
		if (i > 0)
			pause_ns(BETWEEN_NS);
		if (!probe_sender_send(&run->sender, run->id, i + 1, run->arguments->count, &run->sent_ns[i], error))
			return say(error);
	}
	return true;
}

static void ask_all(struct probe_run *run)
{
	for (unsigned i = 0; i < run->arguments->relays; i++)
		receipts_ask(&run->receipts[i]);
}

static void await_receipts(struct probe_run *run)
{
	uint64_t deadline_ns = clock_monotonic_ns() + run->arguments->within_ns;
	const struct receipts *last = &run->receipts[run->arguments->relays - 1];
	for (;;) {
		ask_all(run);
		if (last->seen == run->arguments->count || clock_monotonic_ns() >= deadline_ns)
			break;
		pause_ns(ASK_NS);
	}
	pause_ns(LINGER_NS);
	ask_all(run);
}

/* What the relay that has them last says of its outputs, and the first of all of its input. */
static void explain(const struct probe_run *run, const struct probe_path *path)
{
	unsigned at = 0;
	while (at < path->relays_count && path->relays[at].seen == path->count)
		at++;
	char error[CLIENT_ERROR_MAX_BYTES];
	const char *control = path->relays[at > 0 ? at - 1 : 0].path;
	struct json_value *status = client_look(control, "status", error);
	const struct json_value *list = json_member(status, at > 0 ? "outputs" : "inputs");
	if (status == NULL)
		fprintf(stderr, "relayctl probe: %s\n", error);
	answer_make_printable(status);
	for (const struct json_value *item = list != NULL ? list->first : NULL; item != NULL; item = item->next) {
		if (at == 0 && strcmp(answer_text(item, "name"), run->sender.input) != 0)
			continue;
		uint64_t dropped = answer_sum(json_member(item, "dropped"));
		printf("  %s %s: %s", at > 0 ? "output" : "input", answer_text(item, "name"), answer_text(item, "state"));
		if (at > 0)
			printf(", %" PRIu64 " wait%s%s", answer_count(item, "pending"),
			       answer_text(item, "detail")[0] != '\0' ? "; " : "", answer_text(item, "detail"));
		else
			printf(", %" PRIu64 " dropped since the spool was created", dropped);
		putchar('\n');
	}
	json_tree_free(&status);
}

static enum relayctl_exit report(const struct probe_run *run)
{
	static const char *const ways[PROBE_WAYS] = {"RELP", "TCP", "UDP", "a local socket"};
	const struct probe_path path = {
		.id = run->id,
		.input = run->sender.input,
		.way = ways[run->sender.way],
		.count = run->arguments->count,
		.sent_ns = run->sent_ns,
		.relays = run->receipts,
		.relays_count = run->arguments->relays,
	};
	if (run->arguments->json)
		probe_path_print_json(&path, stdout);
	else
		probe_path_print(&path, stdout);
	if (!probe_path_arrived(&path) && !run->arguments->json)
		explain(run, &path);
	if (fflush(stdout) != 0)
		return RELAYCTL_FAILED;
	if (probe_path_doubled(&path) > 0)
		return RELAYCTL_DIFFERS;
	return probe_path_arrived(&path) ? RELAYCTL_OK : RELAYCTL_UNPROVED;
}

static enum relayctl_exit run_probe(struct probe_run *run)
{
	char error[CLIENT_ERROR_MAX_BYTES];
	_Static_assert((int)PROBE_SENDER_ERROR_MAX_BYTES <= (int)CLIENT_ERROR_MAX_BYTES, "errors fit");
	const struct probe_arguments *arguments = run->arguments;
	run->status = client_look(arguments->control[0], "status", error);
	if (run->status == NULL || !probe_sender_open(&run->sender, run->status, arguments->input, error)) {
		say(error);
		return RELAYCTL_FAILED;
	}
	if (!begin_receipts(run) || !send_probes(run))
		return RELAYCTL_FAILED;
	await_receipts(run);
	return report(run);
}

static enum relayctl_exit run_with(struct probe_arguments *arguments)
{
	static struct probe_run run; /* large */
	run.arguments = arguments;
	run.sender.fd = -1;
	probe_sender_new_id(run.id);
	enum relayctl_exit code = run_probe(&run);
	probe_sender_close(&run.sender);
	for (unsigned i = 0; i < run.begun; i++)
		receipts_end(&run.receipts[arguments->relays - 1 - i]);
	json_tree_free(&run.status);
	return code;
}

enum relayctl_exit probe_run(int argc, char **argv)
{
	struct probe_arguments arguments = {.relays = 1, .count = 1, .within_ns = 10 * CLOCK_NS_PER_SECOND};
	if (!read_arguments(argc, argv, &arguments)) {
		probe_print_help(stderr);
		return RELAYCTL_USAGE;
	}
	if (arguments.help) {
		probe_print_help(stdout);
		return RELAYCTL_OK;
	}
	char *control = client_control(arguments.control[0], "probe");
	arguments.control[0] = control;
	enum relayctl_exit code = control != NULL ? run_with(&arguments) : RELAYCTL_FAILED;
	free(control);
	return code;
}
