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

/* The item of that name in the list `what`, or NULL and a sentence. */
static const struct json_value *find(const struct json_value *status, const char *what, const char *name,
                                     const char *control, char *error)
{
	const struct json_value *list = json_member(status, what);
	for (const struct json_value *item = list != NULL ? list->first : NULL; item != NULL; item = item->next)
		if (strcmp(ledger_text(item, "name"), name) == 0)
			return item;
	snprintf(error, DRILL_ERROR_MAX_BYTES, "%s: there is no \"%s\" among the %s", control, name, what);
	return NULL;
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
