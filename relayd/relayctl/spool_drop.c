/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `relayctl spool drop`: a rule by which outputs drop messages that are stored already. First it is counted what that would
 * cost each output; then the rule is made: by the relay that runs with the spool, over its control socket, or by hand in a
 * spool that no relay has open.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/decimal.h"
#include "config/places.h"
#include "relayctl/answer.h"
#include "relayctl/client.h"
#include "relayctl/spool_change.h"
#include "relayctl/spool_place.h"
#include "relayctl/spool_records.h"
#include "spool/spool_hand.h"

struct drop {
	const struct spool_arguments *arguments;
	uint64_t to;                                 /* the last message that the rule speaks of, as far as is seen here */
	uint8_t spool[SPOOL_STREAM_ID_BYTES];        /* its id */
	struct spool_peeked cursors[SPOOL_CURSORS_MAX]; /* of the outputs that the rule speaks of */
	unsigned cursors_count;
	uint64_t matching[SPOOL_CURSORS_MAX];        /* messages that each would drop */
	uint64_t all;
};

/* ---- the plan ---- */

/* --to; without it everything that is there. */
static bool read_to(struct drop *drop, uint64_t last)
{
	const char *text = drop->arguments->to;
	char error[128];
	drop->to = last;
	if (text == NULL)
		return true;
	size_t digits = decimal_read(bytes_of_text(text), DECIMAL_DIGITS_MAX - 1, &drop->to);
	if (digits > 0 && text[digits] == '\0' && drop->to > 0 && drop->to <= last)
		return true;
	snprintf(error, sizeof error, "--to: \"%.30s\" is no message that is stored; the last one is %" PRIu64, text, last);
	spool_command_fail(drop->arguments, error);
	return false;
}

static bool read_cursors(struct drop *drop, const struct spool_files *files)
{
	const char *output = drop->arguments->output;
	struct spool_peeked all[SPOOL_CURSORS_MAX];
	int count = spool_files_cursors(files, all, SPOOL_CURSORS_MAX);
	for (int i = 0; i < count; i++)
		if (output == NULL || strcmp(all[i].name, output) == 0)
			drop->cursors[drop->cursors_count++] = all[i];
	if (count < 0)
		spool_command_fail(drop->arguments, "the cursors cannot be read, so nobody knows what an output has got");
	else if (drop->cursors_count == 0)
		fprintf(stderr, "%s: %s: has no place of %s%s\n", drop->arguments->label, drop->arguments->path,
		        output != NULL ? "an output " : "any output", output != NULL ? output : "");
	return drop->cursors_count > 0;
}

static bool look(struct drop *drop)
{
	char error[SPOOL_ERROR_MAX_BYTES];
	struct spool_files *files = spool_files_open(drop->arguments->path, error);
	if (files == NULL) {
		spool_command_fail(drop->arguments, error);
		return false;
	}
	memcpy(drop->spool, spool_files_id(files), sizeof drop->spool);
	bool good = read_to(drop, spool_files_last(files)) && read_cursors(drop, files);
	spool_files_close(&files);
	return good;
}

/* What each output has not got and matches. RELAYCTL_OK, or why not, which was said. */
static enum relayctl_exit count(struct drop *drop)
{
	struct spool_arguments range = *drop->arguments;
	struct spool_records records;
	struct envelope envelope;
	uint64_t sequence, least = UINT64_MAX - 1;
	for (unsigned i = 0; i < drop->cursors_count; i++)
		if (drop->cursors[i].delivered < least)
			least = drop->cursors[i].delivered;
	range.first = least + 1;
	range.last = drop->to;
	range.output = NULL;
	enum relayctl_exit code = spool_records_open(&records, &range);
	while (code == RELAYCTL_OK && spool_records_next(&records, &sequence, &envelope))
		for (unsigned i = 0; i < drop->cursors_count; i++)
			drop->matching[i] += sequence > drop->cursors[i].delivered;
	spool_records_close(&records);
	for (unsigned i = 0; i < drop->cursors_count; i++)
		drop->all += drop->matching[i];
	return code;
}

static void print_plan(const struct drop *drop)
{
	for (unsigned i = 0; i < drop->cursors_count; i++) {
		uint64_t delivered = drop->cursors[i].delivered;
		printf("output %s: %" PRIu64 " of the %" PRIu64 " messages up to %" PRIu64 " that it has not got match\n",
		       drop->cursors[i].name, drop->matching[i], drop->to > delivered ? drop->to - delivered : 0, drop->to);
	}
	fflush(stdout);
}

/* ---- the rule ---- */

static void print_rule(const struct drop *drop, uint64_t rule, uint64_t to)
{
	const char *output = drop->arguments->output;
	printf("rule %" PRIu64 ": up to message %" PRIu64 ", what matches is dropped by %s%s as it passes, and counted as "
	       "dropped_by_rule\n", rule, to, output != NULL ? "output " : "every output", output != NULL ? output : "");
}

static enum relayctl_exit make_by_hand(const struct drop *drop, struct spool_hand *hand)
{
	const struct spool_arguments *arguments = drop->arguments;
	char error[SPOOL_ERROR_MAX_BYTES];
	struct spool_drop_rule rule = {.to = drop->to, .uid = geteuid()};
	const struct spool_audit audit = {.command = "drop", .output = arguments->output, .filter = arguments->filter,
	                                  .to = rule.to, .messages = drop->all};
	strcpy(rule.filter, arguments->filter);
	/* It is the name of a cursor that was found, so it fits. */
	strcpy(rule.output, arguments->output != NULL ? arguments->output : "");
	if (!spool_hand_may_drop(hand, &rule, error))
		return spool_command_fail(arguments, error);
	if (!spool_change_audit_if_room(arguments, &audit))
		return RELAYCTL_FAILED;
	if (!spool_hand_drop(hand, &rule, error))
		return spool_command_fail(arguments, error);
	print_rule(drop, rule.id, rule.to);
	return RELAYCTL_OK;
}

/* Without --to the relay takes what it has stored by then. */
static void write_request(const struct drop *drop, yajl_gen request)
{
	document_hex(request, "spool", drop->spool, sizeof drop->spool);
	document_text(request, "filter", drop->arguments->filter);
	if (drop->arguments->output != NULL)
		document_text(request, "output", drop->arguments->output);
	if (drop->arguments->to != NULL)
		document_count(request, "to", drop->to);
	document_count(request, "messages", drop->all);
}

static enum relayctl_exit ask(const struct drop *drop, const char *control)
{
	char error[CLIENT_ERROR_MAX_BYTES];
	yajl_gen request = client_begin("drop");
	if (request != NULL)
		write_request(drop, request);
	struct json_value *answer = client_send(control, request, error);
	if (answer == NULL)
		return spool_command_fail(drop->arguments, error);
	print_rule(drop, answer_count(answer, "rule"), answer_count(answer, "to"));
	json_tree_free(&answer);
	return RELAYCTL_OK;
}

/* Where the relay listens: as it is told, as the configuration says, or where relayd listens if nobody says. */
static enum relayctl_exit make_by_relay(const struct drop *drop)
{
	const struct spool_arguments *arguments = drop->arguments;
	if (arguments->control != NULL)
		return ask(drop, arguments->control);
	char *control = arguments->config != NULL ? spool_place_control(arguments->config) : places_control_socket();
	if (control == NULL)
		return spool_command_fail(arguments, "say with --control where the relay listens that runs with this spool");
	enum relayctl_exit code = ask(drop, control);
	free(control);
	return code;
}

static enum relayctl_exit make(const struct drop *drop)
{
	char error[SPOOL_ERROR_MAX_BYTES];
	bool runs;
	struct spool_hand *hand = spool_hand_try(drop->arguments->path, &runs, error);
	if (hand == NULL && runs)
		return make_by_relay(drop);
	enum relayctl_exit code = hand != NULL ? make_by_hand(drop, hand) : spool_command_fail(drop->arguments, error);
	spool_hand_release(&hand);
	return code;
}

enum relayctl_exit spool_drop_run(const struct spool_arguments *arguments)
{
	struct drop drop = {.arguments = arguments};
	char question[128];
	if (arguments->filter == NULL || strlen(arguments->filter) > SPOOL_DROP_FILTER_MAX_BYTES) {
		fprintf(stderr, "%s: say with --filter what is dropped, in at most %d octets; --filter '{}' is every message\n",
		        arguments->label, SPOOL_DROP_FILTER_MAX_BYTES);
		return RELAYCTL_USAGE;
	}
	if (!spool_change_allowed(arguments) || !look(&drop))
		return RELAYCTL_FAILED;
	enum relayctl_exit code = count(&drop);
	if (code != RELAYCTL_OK)
		return code;
	print_plan(&drop);
	if (drop.all == 0) {
		puts("there is nothing to drop, and no rule was made");
		return RELAYCTL_NOTHING;
	}
	snprintf(question, sizeof question, "%" PRIu64 " messages will not be given to their outputs. Drop them?", drop.all);
	return spool_change_confirmed(arguments, question) ? make(&drop) : RELAYCTL_FAILED;
}
