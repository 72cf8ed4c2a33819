/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each output's four watermarks stand in one line, in the order of the number line: appended >= stored >= sent >=
 * delivered. Members that a newer relayd adds are not shown; --json has them.
 */
#include "relayctl/status_table.h"

#include <inttypes.h>

#include "base/option.h"
#include "relayctl/answer.h"

enum { SIZE_TEXT_MAX_BYTES = 32 };

/* The digits of a member; "0" if it is missing: a table has no holes. */
static const char *count_of(const struct json_value *object, const char *name)
{
	const char *text = answer_text(object, name);
	return text[0] != '\0' ? text : "0";
}

static bool is_zero(const struct json_value *object, const char *name)
{
	return strcmp(count_of(object, name), "0") == 0;
}

/* "1.2GiB": three digits are enough for people. */
static const char *size_of(const struct json_value *object, const char *name, char text[SIZE_TEXT_MAX_BYTES])
{
	static const char *const units[] = {"", "KiB", "MiB", "GiB", "TiB"};
	uint64_t octets = 0;
	if (!option_read_size(count_of(object, name), &octets))
		octets = 0;
	unsigned unit = 0;
	double value = (double)octets;
	for (; value >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++)
		value /= 1024;
	snprintf(text, SIZE_TEXT_MAX_BYTES, "%.*f%s", unit > 0 && value < 100 ? 1 : 0, value, units[unit]);
	return text;
}

/* "3d 4h": two units are enough for people. */
static void print_seconds(const struct json_value *object, const char *name, FILE *out)
{
	uint64_t seconds = 0;
	if (!option_read_size(count_of(object, name), &seconds))
		seconds = 0;
	uint64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
	if (days > 0)
		fprintf(out, "%" PRIu64 "d %" PRIu64 "h", days, hours % 24);
	else if (hours > 0)
		fprintf(out, "%" PRIu64 "h %" PRIu64 "min", hours, minutes % 60);
	else
		fprintf(out, "%" PRIu64 "min %" PRIu64 "s", minutes, seconds % 60);
}

/* How long the spool lasts if nothing is delivered any more, at the rate of the last minute. */
static void print_budget(const struct json_value *spool, FILE *out)
{
	char octets[SIZE_TEXT_MAX_BYTES];
	if (json_member(spool, "covers_s") == NULL)
		return;
	fprintf(out, "  at %s messages (%s) a second it covers an outage of ", count_of(spool, "messages_per_s"),
			size_of(spool, "octets_per_s", octets));
	print_seconds(spool, "covers_s", out);
	fputc('\n', out);
}

/* When an output will have delivered what waits for it. */
static void print_drain(const struct json_value *output, FILE *out)
{
	if (is_zero(output, "pending"))
		return;
	if (json_member(output, "drains_s") == NULL) {
		fprintf(out, "    at %s a second it does not catch up\n", count_of(output, "delivered_per_s"));
		return;
	}
	fprintf(out, "    at %s a second it has caught up in ", count_of(output, "delivered_per_s"));
	print_seconds(output, "drains_s", out);
	fputc('\n', out);
}

static void print_spool(const struct json_value *spool, FILE *out)
{
	char used[SIZE_TEXT_MAX_BYTES], most[SIZE_TEXT_MAX_BYTES];
	fprintf(out, "\nspool %s\n", answer_text(spool, "path"));
	fprintf(out, "  %s, %s of %s used in %s segments\n", answer_text(spool, "level"), size_of(spool, "used_bytes", used),
			size_of(spool, "max_size_bytes", most), count_of(spool, "segments"));
	fprintf(out, "  messages %s to %s kept, appended %s, stored %s, syncs %s\n", count_of(spool, "first"),
			count_of(spool, "stored"), count_of(spool, "appended"), count_of(spool, "stored"),
			count_of(spool, "syncs"));
	print_budget(spool, out);
	if (!is_zero(spool, "damaged"))
		fprintf(out, "  DAMAGED: %s messages cannot be read any more\n", count_of(spool, "damaged"));
}

/* What is not zero, with the name of its counter. */
static void print_counter(const struct json_value *object, const char *name, const char *words, FILE *out)
{
	if (!is_zero(object, name))
		fprintf(out, "    %s %s\n", count_of(object, name), words);
}

static void print_inputs(const struct json_value *inputs, FILE *out)
{
	fprintf(out, "\n%-28s %-22s %10s %14s %14s\n", "INPUT", "STATE", "CONNECTED", "RECEIVED", "STORED");
	for (const struct json_value *input = inputs != NULL ? inputs->first : NULL; input != NULL; input = input->next) {
		fprintf(out, "%-28s %-22s %10s %14s %14s\n", answer_text(input, "name"), answer_text(input, "state"),
				count_of(input, "connections"), count_of(input, "received"), count_of(input, "stored"));
		const struct json_value *dropped = json_member(input, "dropped");
		for (const struct json_value *reason = dropped != NULL ? dropped->first : NULL; reason != NULL;
			 reason = reason->next)
			fprintf(out, "    %s dropped: %s\n", reason->text != NULL ? reason->text : "0",
					reason->name != NULL ? reason->name : "");
		print_counter(input, "truncated", "messages were too long and cut", out);
		print_counter(input, "connections_refused", "connections refused", out);
		print_counter(input, "protocol_errors", "connections ended by a protocol error", out);
		print_counter(input, "tls_refused", "TLS handshakes refused", out);
	}
}

static void print_outputs(const struct json_value *outputs, FILE *out)
{
	fprintf(out, "\n%-16s %14s %14s %14s %14s %12s\n", "OUTPUT", "APPENDED", "STORED", "SENT", "DELIVERED", "PENDING");
	for (const struct json_value *output = outputs != NULL ? outputs->first : NULL; output != NULL;
		 output = output->next) {
		const struct json_value *totals = json_member(output, "totals");
		const char *unconfirmed = answer_is(output, "confirmed") ? "" : " (unconfirmed)";
		const char *peer = answer_text(output, "peer");
		fprintf(out, "%-16s %14s %14s %14s %14s %12s\n", answer_text(output, "name"), count_of(output, "appended"),
				count_of(output, "stored"), count_of(output, "sent"), count_of(output, "delivered"),
				count_of(output, "pending"));
		fprintf(out, "    %s%s: %s%s%s\n", answer_text(output, "type"), unconfirmed, answer_text(output, "state"),
				peer[0] != '\0' ? ", " : "", peer);
		if (answer_text(output, "detail")[0] != '\0')
			fprintf(out, "    %s\n", answer_text(output, "detail"));
		print_drain(output, out);
		print_counter(output, "resent", "sent again since the start", out);
		print_counter(output, "replaced_octets", "LFs replaced", out);
		print_counter(totals, "filtered", "filtered", out);
		print_counter(totals, "quarantined", "quarantined", out);
		print_counter(totals, "dropped_oldest", "dropped: the output was behind", out);
		print_counter(totals, "dropped_by_rule", "dropped by a rule (relayctl spool drop)", out);
		print_counter(totals, "damaged", "damaged", out);
	}
}

bool status_table_print(struct bytes text, FILE *out)
{
	struct json_error error;
	struct json_value *document = json_tree_read(text, &error);
	const struct json_value *spool = json_member(document, "spool");
	if (spool == NULL) {
		json_tree_free(&document);
		return false;
	}
	answer_make_printable(document);
	fprintf(out, "relayd %s, up ", answer_text(document, "version"));
	print_seconds(document, "uptime_s", out);
	fputc('\n', out);
	print_spool(spool, out);
	print_inputs(json_member(document, "inputs"), out);
	print_outputs(json_member(document, "outputs"), out);
	json_tree_free(&document);
	return true;
}
