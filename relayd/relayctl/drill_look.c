/* SPDX-License-Identifier: Apache-2.0 */
#include "relayctl/drill_look.h"

#include <string.h>
#include <time.h>

#include "base/printable.h"
#include "relayctl/client.h"
#include "relayctl/ledger_check.h"

enum {
	/* Counters of a relay that runs are read one after the other: what does not add up is looked at again. */
	LOOKS_MAX = 50,
	LOOK_AGAIN_NS = 100 * 1000 * 1000,
};

_Static_assert((int)CLIENT_ERROR_MAX_BYTES <= (int)DRILL_ERROR_MAX_BYTES, "errors fit");

static struct json_value *ask_status(const char *control, char *error)
{
	return client_document(control, BYTES("{\"command\":\"status\"}"), error);
}

/* The item of the list with this text; NULL if there is none. */
static const struct json_value *find_by(const struct json_value *list, const char *member, const char *text)
{
	for (const struct json_value *item = list != NULL ? list->first : NULL; item != NULL; item = item->next)
		if (strcmp(ledger_text(item, member), text) == 0)
			return item;
	return NULL;
}

/* The item of that name in the list `what`, or NULL and a sentence. */
static const struct json_value *find(const struct json_value *status, const char *what, const char *name,
                                     const char *control, char *error)
{
	const struct json_value *item = find_by(json_member(status, what), "name", name);
	if (item == NULL)
		snprintf(error, DRILL_ERROR_MAX_BYTES, "%s: there is no \"%s\" among the %s", control, name, what);
	return item;
}

static void copy_text(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text);
	printable_make(out);
}

/* "connected", and of several servers "connected to 1 of 2 servers". */
static bool says_connected(const char *state)
{
	static const char connected[] = "connected", to_none[] = "connected to 0";
	return strncmp(state, connected, strlen(connected)) == 0 && strncmp(state, to_none, strlen(to_none)) != 0;
}

/* What came and was not kept for want of room: not what no peer was allowed to send, nor datagrams of nothing. */
static uint64_t count_dropped(const struct json_value *inputs)
{
	static const char *const reasons[] = {"spool-full", "no-buffer", "kernel"};
	uint64_t sum = 0;
	for (const struct json_value *input = inputs != NULL ? inputs->first : NULL; input != NULL; input = input->next)
		for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
			sum += ledger_count(json_member(input, "dropped"), reasons[i]);
	return sum;
}

bool drill_look_output(const char *control, const char *name, struct drill_output *output, char *error)
{
	struct json_value *status = ask_status(control, error);
	const struct json_value *item = status != NULL ? find(status, "outputs", name, control, error) : NULL;
	const struct json_value *spool = json_member(status, "spool");
	if (item != NULL) {
		*output = (struct drill_output){
			.is_connected = says_connected(ledger_text(item, "state")),
			.confirmed = strcmp(ledger_text(item, "confirmed"), "true") == 0,
			.cut_s = ledger_count(item, "cut_s"),
			.connects = ledger_count(item, "connects"),
			.sent = ledger_count(json_member(item, "totals"), "delivered"),
			.waiting = ledger_count(item, "pending"),
			.stored = ledger_count(spool, "stored"),
			.covers = json_member(spool, "covers_s") != NULL,
			.covers_s = ledger_count(spool, "covers_s"),
			.dropped = count_dropped(json_member(status, "inputs")),
		};
		copy_text(output->state, sizeof output->state, ledger_text(item, "state"));
		copy_text(output->detail, sizeof output->detail, ledger_text(item, "detail"));
	}
	json_tree_free(&status);
	return item != NULL;
}

bool drill_look_input(const char *control, const char *name, struct drill_input *input, char *error)
{
	struct json_value *status = ask_status(control, error);
	const struct json_value *item = status != NULL ? find(status, "inputs", name, control, error) : NULL;
	if (item != NULL)
		*input = (struct drill_input){
			.received = ledger_count(item, "received") - ledger_count(item, "duplicate"),
			.connections = ledger_count(item, "connections"),
			.connections_total = ledger_count(item, "connections_total"),
		};
	json_tree_free(&status);
	return item != NULL;
}

bool drill_look_stream(const char *control, const char *name, const char *spool, uint64_t *records)
{
	char error[CLIENT_ERROR_MAX_BYTES];
	struct json_value *streams = client_document(control, BYTES("{\"command\":\"streams\"}"), error);
	const struct json_value *sent = find_by(json_member(streams, "sent"), "output", name);
	const struct json_value *server = find_by(json_member(sent, "servers"), "spool", spool);
	*records = ledger_count(server, "records");
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
		struct json_value *ledger = client_document(control, BYTES("{\"command\":\"ledger\"}"), error);
		if (ledger == NULL)
			return false;
		*wrong = ledger_check(ledger, NULL);
		json_tree_free(&ledger);
	}
	return true;
}
