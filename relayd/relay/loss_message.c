/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/loss_message.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include <liblog/encoder.h>

#include "base/clock.h"

enum { TEXT_MAX_BYTES = 400, FIELDS_MAX = 10 };

static const struct reason {
	const char *name;
	const char *words;
	bool is_least; /* more messages may be lost than are counted */
} reasons[] = {
	{"spool-full", "the spool was full", false},
	{"no-buffer", "no buffer was free: they came faster than the disk stores", false},
	{"kernel", "the receive buffer of the socket was full, and the kernel dropped them", false},
	{"kernel-aggregates",
	 "the receive buffer of the socket was full, and the kernel dropped so many aggregates, each of 1 to 128 datagrams "
	 "(receive_aggregates)", true},
	{"peer-not-allowed", "the peer is not in allowed_peers", false},
	{"empty", "they had no octets", false},
	{"dropped-oldest", "the output was behind, and passed over them (when_behind is drop_oldest)", false},
	{"dropped-by-rule", "a rule of the operator's dropped them (relayctl spool drop)", false},
	{"damaged", "they cannot be read from the spool any more", false},
	{"lost-by-peer", "the next hop had acknowledged them, and was then restored from an older state", false},
	{"spool-restored", "that relay says that this one had acknowledged them, and its spool was then restored", false},
	{"sequence-id", "numbers are missing between the sequenceIds that came", false},
};

/* As its row says; of one that is not in the table, its name. */
static struct reason look_up(const char *name)
{
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
		if (strcmp(reasons[i].name, name) == 0)
			return reasons[i];
	return (struct reason){.name = name, .words = name};
}

static struct timespec time_of(int64_t ns)
{
	return (struct timespec){.tv_sec = ns / CLOCK_NS_PER_SECOND, .tv_nsec = ns % CLOCK_NS_PER_SECOND};
}

/* "of web01 (192.0.2.1)": HOSTNAME is anything a sender said. Its octets are made legal by the encoder. */
static void print_whose(const struct loss *loss, char *out, size_t size)
{
	if (loss->input != NULL)
		snprintf(out, size, "of input %s", loss->input);
	else if (loss->output != NULL)
		snprintf(out, size, "for output %s", loss->output);
	else if (loss->identity != NULL)
		snprintf(out, size, "of a stream of %.100s", loss->identity);
	else if (loss->peer == NULL)
		snprintf(out, size, "of sources that have no row of their own");
	else
		snprintf(out, size, "of %.*s (%s)", loss->hostname.len > 0 ? (int)loss->hostname.len : 1,
		         loss->hostname.len > 0 ? (const char *)loss->hostname.at : "-",
		         loss->peer[0] != '\0' ? loss->peer : "local");
}

static void print_unclean(const struct loss *loss, char *out, size_t size)
{
	snprintf(out, size,
	         "relayd did not stop in order: what unconfirmed senders (UDP, plain TCP, TLS, local sockets) had handed over "
	         "and was not stored may be lost, at most %" PRIu64 " octets in relayd and what the kernel's socket buffers "
	         "held; acknowledged messages are all here", loss->octets);
}

static void print_lost(const struct loss *loss, char *out, size_t size)
{
	char whose[TEXT_MAX_BYTES / 2];
	struct reason reason = look_up(loss->reason);
	print_whose(loss, whose, sizeof whose);
	if (loss->event == LOSS_SUSPECTED)
		snprintf(out, size, "%" PRIu64 " messages %s seem to be lost before they came here: %s", loss->count, whose,
		         reason.words);
	else
		snprintf(out, size, "%s%" PRIu64 " messages %s are lost: %s", reason.is_least ? "at least " : "", loss->count, whose,
		         reason.words);
}

/* Which counter it is, as `relayctl ledger --json` has it. */
static const char *counter_of(const struct loss *loss)
{
	if (loss->input != NULL)
		return "inputs";
	if (loss->identity != NULL)
		return "streams";
	return loss->output != NULL ? "outputs" : "sources";
}

static size_t add_fields(const struct loss *loss, struct slog_field fields[FIELDS_MAX])
{
	size_t count = 0;
	if (loss->event == LOSS_UNCLEAN) {
		fields[count++] = slog_kv("up_to_octets", loss->octets);
		return count;
	}
	fields[count++] = slog_kv("count", loss->count);
	fields[count++] = slog_kv("reason", loss->reason);
	fields[count++] = slog_kv("from", slog_time(time_of(loss->from_ns)));
	fields[count++] = slog_kv("to", slog_time(time_of(loss->to_ns)));
	fields[count++] = slog_kv("counter", counter_of(loss));
	fields[count++] = slog_kv("total", loss->total);
	if (loss->input != NULL) {
		fields[count++] = slog_kv("input", loss->input);
	} else if (loss->output != NULL) {
		fields[count++] = slog_kv("output", loss->output);
	} else if (loss->identity != NULL) {
		fields[count++] = slog_kv("identity", loss->identity);
	} else if (loss->peer == NULL) {
		fields[count++] = slog_kv("others", slog_bool(true));
	} else {
		fields[count++] = slog_kv("peer", loss->peer);
		fields[count++] = slog_kv("host", slog_str((const char *)loss->hostname.at, loss->hostname.len));
	}
	assert(count <= FIELDS_MAX);
	return count;
}

size_t loss_message_write(const struct loss *loss, const char *hostname, long pid, char *out)
{
	static const char *const names[] = {
		[LOSS_CERTAIN] = "messages_lost", [LOSS_SUSPECTED] = "messages_suspected", [LOSS_UNCLEAN] = "unclean_stop"};
	static const enum slog_severity severities[] = {
		[LOSS_CERTAIN] = SLOG_ERR, [LOSS_SUSPECTED] = SLOG_NOTICE, [LOSS_UNCLEAN] = SLOG_WARNING};
	struct slog_field fields[FIELDS_MAX];
	char text[TEXT_MAX_BYTES];
	if (loss->event == LOSS_UNCLEAN)
		print_unclean(loss, text, sizeof text);
	else
		print_lost(loss, text, sizeof text);
	size_t count = add_fields(loss, fields);
	const struct slog_entry entry = {
		.time = time_of(loss->to_ns),
		.severity = severities[loss->event],
		.facility = SLOG_SYSLOG,
		.logger = "",
		.name = names[loss->event],
		.name_length = strlen(names[loss->event]),
		.message = text,
		.message_length = strlen(text),
		.hostname = hostname,
		.app_name = "relayd",
		.pid = pid,
		.fields = fields,
		.field_count = count,
		.shown = count,
	};
	struct slog_line line = slog_line_in(out, LOSS_MESSAGE_MAX_BYTES);
	slog_encoder_rfc5424.encode(&slog_encoder_rfc5424, &entry, &line);
	return line.length; /* an entry that overflowed is a prefix, and still says which event it was */
}
