/* SPDX-License-Identifier: Apache-2.0 */
#include "relayctl/probe_receipts.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "relayctl/answer.h"
#include "relayctl/client.h"

_Static_assert((int)CLIENT_ERROR_MAX_BYTES <= (int)RECEIPTS_ERROR_MAX_BYTES, "errors fit");

/* ---- an answer ---- */

/* Only what is new: a relay that was restarted knows less than we do. */
static void take_number(struct receipts *receipts, const struct json_value *item)
{
	uint64_t number = answer_count(item, "number"), copies = answer_count(item, "copies");
	if (number < 1 || number > receipts->count || copies == 0)
		return;
	struct receipt *receipt = &receipts->receipt[number - 1];
	if (receipt->copies == 0) {
		receipts->seen++;
		receipt->sequence = answer_count(item, "sequence");
		receipt->stored_ns = (int64_t)answer_count(item, "stored_ns");
		answer_copy(item, "input", receipt->input, sizeof receipt->input);
	}
	if (copies > receipt->copies) {
		receipts->copies += copies - receipt->copies;
		receipt->copies = copies;
	}
}

static void take_outputs(struct receipts *receipts, const struct json_value *outputs)
{
	receipts->outputs_count = 0;
	for (const struct json_value *item = outputs != NULL ? outputs->first : NULL;
	     item != NULL && receipts->outputs_count < RECEIPTS_OUTPUTS_MAX; item = item->next) {
		struct receipts_output *output = &receipts->output[receipts->outputs_count++];
		*output = (struct receipts_output){
			.confirmed = answer_is(item, "confirmed"),
			.wants = answer_is(item, "wants"),
			.delivered = answer_count(item, "delivered"),
			.put_aside = answer_count(item, "put_aside"),
		};
		answer_copy(item, "stream", output->stream, sizeof output->stream);
		answer_copy(item, "name", output->name, sizeof output->name);
	}
}

/* The answer that took the shortest time says most exactly what the clock there is. */
static void take_clock(struct receipts *receipts, int64_t now_ns, int64_t asked_ns, int64_t answered_ns)
{
	uint64_t error_ns = answered_ns > asked_ns ? (uint64_t)(answered_ns - asked_ns) / 2 : 0;
	if (error_ns >= receipts->clock_error_ns)
		return;
	receipts->clock_error_ns = error_ns;
	receipts->clock_ns = now_ns - asked_ns - (int64_t)error_ns;
}

bool receipts_take(struct receipts *receipts, const struct json_value *answer, int64_t asked_ns, int64_t answered_ns)
{
	const struct json_value *numbers = json_member(answer, "numbers");
	if (numbers == NULL || strcmp(answer_text(answer, "id"), receipts->id) != 0)
		return false;
	answer_copy(answer, "host", receipts->host, sizeof receipts->host);
	answer_copy(answer, "spool", receipts->spool, sizeof receipts->spool);
	receipts->has_stream = json_member(answer, "stream_count") != NULL;
	receipts->stream_count = answer_count(answer, "stream_count");
	receipts->unread = answer_count(answer, "unread");
	receipts->stored = answer_count(answer, "stored");
	receipts->looked_at = answer_count(answer, "looked_at");
	for (const struct json_value *item = numbers->first; item != NULL; item = item->next)
		take_number(receipts, item);
	take_outputs(receipts, json_member(answer, "outputs"));
	take_clock(receipts, (int64_t)answer_count(answer, "now_ns"), asked_ns, answered_ns);
	return true;
}

/* ---- asking ---- */

enum what { ASK = 0, BEGIN = 1, END = 2 };

static void write_request(const struct receipts *receipts, enum what what, yajl_gen request)
{
	document_text(request, "id", receipts->id);
	if (what == BEGIN)
		document_count(request, "count", receipts->count);
	if (what != ASK)
		document_bool(request, what == BEGIN ? "begin" : "end", true);
	else if (receipts->stream != NULL)
		document_text(request, "stream", receipts->stream);
}

static struct json_value *send_request(const struct receipts *receipts, enum what what, char *error)
{
	yajl_gen request = client_begin("probe");
	if (request != NULL)
		write_request(receipts, what, request);
	return client_send(receipts->path, request, error);
}

/* True if the relay answered with what it has seen. */
static bool ask(struct receipts *receipts, enum what what)
{
	receipts->error[0] = '\0';
	int64_t asked_ns = clock_wall_ns();
	struct json_value *answer = send_request(receipts, what, receipts->error);
	if (answer == NULL)
		return false;
	bool taken = receipts_take(receipts, answer, asked_ns, clock_wall_ns());
	if (!taken)
		snprintf(receipts->error, sizeof receipts->error, "%s: the answer is no receipt of relayd", receipts->path);
	json_tree_free(&answer);
	return taken;
}

static bool begin(struct receipts *receipts)
{
	if (!ask(receipts, BEGIN))
		return false;
	receipts->begun++;
	return true;
}

bool receipts_begin(struct receipts *receipts, const char *path, const char *id, unsigned count)
{
	assert(count > 0 && count <= PROBE_NUMBERS_MAX && probe_id_is_valid(id));
	*receipts = (struct receipts){.path = path, .id = id, .count = count, .clock_error_ns = UINT64_MAX};
	receipts->receipt = calloc(count, sizeof *receipts->receipt);
	if (receipts->receipt != NULL)
		return begin(receipts);
	snprintf(receipts->error, sizeof receipts->error, "not enough memory");
	return false;
}

bool receipts_ask(struct receipts *receipts)
{
	if (ask(receipts, ASK))
		return true;
	/* If it answers to this, it was restarted. */
	char error[RECEIPTS_ERROR_MAX_BYTES];
	memcpy(error, receipts->error, sizeof error);
	if (begin(receipts))
		return true;
	memcpy(receipts->error, error, sizeof error);
	return false;
}

void receipts_end(struct receipts *receipts)
{
	if (receipts->begun > 0) {
		char error[CLIENT_ERROR_MAX_BYTES];
		struct json_value *answer = send_request(receipts, END, error);
		json_tree_free(&answer);
	}
	free(receipts->receipt);
	receipts->receipt = NULL;
	receipts->begun = 0;
}

/* ---- looking ---- */

bool receipts_are_complete(const struct receipts *receipts)
{
	return receipts->begun == 1 && receipts->unread == 0 && receipts->looked_at >= receipts->stored &&
	       receipts->error[0] == '\0';
}

int64_t receipts_stored_ns(const struct receipts *receipts, const struct receipt *receipt)
{
	return receipt->stored_ns - receipts->clock_ns;
}

uint64_t receipts_last_sequence(const struct receipts *receipts)
{
	uint64_t last = 0;
	for (unsigned i = 0; i < receipts->count; i++)
		if (receipts->receipt[i].copies > 0 && receipts->receipt[i].sequence > last)
			last = receipts->receipt[i].sequence;
	return last;
}

const struct receipts_output *receipts_find_output(const struct receipts *receipts, const char *name)
{
	for (unsigned i = 0; i < receipts->outputs_count; i++)
		if (strcmp(receipts->output[i].name, name) == 0)
			return &receipts->output[i];
	return NULL;
}
