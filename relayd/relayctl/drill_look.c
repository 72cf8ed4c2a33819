/* SPDX-License-Identifier: Apache-2.0 */
#include "relayctl/drill_look.h"

#include <string.h>
#include <time.h>

#include "relayctl/answer.h"
#include "relayctl/client.h"
#include "relayctl/ledger_check.h"

enum {
	/* Counters of a relay that runs are read one after the other: what does not add up is looked at again. */
	LOOKS_MAX = 50,
	LOOK_AGAIN_NS = 100 * 1000 * 1000,
};

_Static_assert((int)CLIENT_ERROR_MAX_BYTES <= (int)DRILL_ERROR_MAX_BYTES, "errors fit");

/* The item of that name in the list `what`, or NULL and a sentence. */
static const struct json_value *find(const struct json_value *status, const char *what, const char *name,
                                     const char *control, char *error)
{
	const struct json_value *item = answer_find(json_member(status, what), "name", name);
	if (item == NULL)
		snprintf(error, DRILL_ERROR_MAX_BYTES, "%s: there is no \"%s\" among the %s", control, name, what);
	return item;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* What came and was not kept for want of room: not what no peer was allowed to send, nor datagrams of nothing. */
static uint64_t count_dropped(const struct json_value *inputs)
{
	static const char *const reasons[] = {"spool-full", "no-buffer", "kernel", "kernel-aggregates"};
	uint64_t sum = 0;
	for (const struct json_value *input = inputs != NULL ? inputs->first : NULL; input != NULL; input = input->next)
		for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
			sum += answer_count(json_member(input, "dropped"), reasons[i]);
	return sum;
}

bool drill_look_output(const char *control, const char *name, struct drill_output *output, char *error)
{
	struct json_value *status = client_look(control, "status", error);
	const struct json_value *item = status != NULL ? find(status, "outputs", name, control, error) : NULL;
	const struct json_value *spool = json_member(status, "spool");
	if (item != NULL) {
		/* "connected", and of several servers at a time "connected to 1 of 2 servers". */
		const char *state = answer_text(item, "state");
		*output = (struct drill_output){
			.is_connected = begins(state, "connected") && !begins(state, "connected to 0"),
			.deals = begins(state, "connected to "),
			.servers = answer_count(item, "servers"),
			.confirmed = answer_is(item, "confirmed"),
			.cut_s = answer_count(item, "cut_s"),
			.connects = answer_count(item, "connects"),
			.sent = answer_count(json_member(item, "totals"), "delivered"),
			.waiting = answer_count(item, "pending"),
			.stored = answer_count(spool, "stored"),
			.covers = json_member(spool, "covers_s") != NULL,
			.covers_s = answer_count(spool, "covers_s"),
			.dropped = count_dropped(json_member(status, "inputs")),
		};
		answer_copy(item, "state", output->state, sizeof output->state);
		answer_copy(item, "peer", output->peer, sizeof output->peer);
		answer_copy(item, "detail", output->detail, sizeof output->detail);
	}
	json_tree_free(&status);
	return item != NULL;
}

bool drill_look_input(const char *control, const char *name, struct drill_input *input, char *error)
{
	struct json_value *status = client_look(control, "status", error);
	const struct json_value *item = status != NULL ? find(status, "inputs", name, control, error) : NULL;
	if (item != NULL)
		*input = (struct drill_input){
			.received = answer_count(item, "received") - answer_count(item, "duplicate"),
			.connections = answer_count(item, "connections"),
			.connections_total = answer_count(item, "connections_total"),
		};
	json_tree_free(&status);
	return item != NULL;
}

bool drill_look_stream(const char *control, const char *name, const char *spool, uint64_t *records)
{
	char error[CLIENT_ERROR_MAX_BYTES];
	struct json_value *streams = client_look(control, "streams", error);
	const struct json_value *sent = answer_find(json_member(streams, "sent"), "output", name);
	const struct json_value *server = answer_find(json_member(sent, "servers"), "spool", spool);
	*records = answer_count(server, "records");
	json_tree_free(&streams);
	return server != NULL;
}

bool drill_check_ledger(const char *control, unsigned *wrong, char *error)
{
	const struct timespec pause = {.tv_nsec = LOOK_AGAIN_NS};
	*wrong = 1;
	for (unsigned looks = 0; looks < LOOKS_MAX && *wrong > 0; looks++) {
		if (looks > 0)
			nanosleep(&pause, NULL);
		struct json_value *ledger = client_look(control, "ledger", error);
		if (ledger == NULL)
			return false;
		*wrong = ledger_check(ledger, NULL);
		json_tree_free(&ledger);
	}
	return true;
}
