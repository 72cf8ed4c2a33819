/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/commands.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <yajl/yajl_tree.h>

#include "base/clock.h"
#include "relay/cut.h"
#include "relay/document.h"
#include "relay/probe_watches.h"
#include "relay/relay_internal.h"
#include "relay/streams.h"
#include "spool/spool_stream.h"

enum {
	STREAMS_AT_ONCE = 32,
	NAME_SAID_MAX_BYTES = 64,
	CHANGE_ERROR_MAX_BYTES = RELAY_DROP_ERROR_MAX_BYTES,
};
_Static_assert((int)CHANGE_ERROR_MAX_BYTES >= (int)CUT_ERROR_MAX_BYTES &&
               (int)CHANGE_ERROR_MAX_BYTES >= (int)STREAMS_ERROR_MAX_BYTES, "what cannot be changed is said in full");

/* One request under way. */
struct call {
	struct relay *relay;
	yajl_val request;
	const struct ucred *who;
};

/* ---- arguments ---- */

enum argument_kind {
	ARGUMENT_TEXT = 0,
	ARGUMENT_COUNT = 1,
	ARGUMENT_SEQUENCE = 2,
	ARGUMENT_BOOL = 3,
};

/* Each is the same in all commands that have it. */
static const struct argument {
	const char *name;
	enum argument_kind kind;
} arguments[] = {
	{"id", ARGUMENT_TEXT},     {"stream", ARGUMENT_TEXT},   {"identity", ARGUMENT_TEXT},
	{"output", ARGUMENT_TEXT}, {"spool", ARGUMENT_TEXT},    {"filter", ARGUMENT_TEXT},
	{"count", ARGUMENT_COUNT}, {"seconds", ARGUMENT_COUNT}, {"messages", ARGUMENT_COUNT},
	{"to", ARGUMENT_SEQUENCE}, {"begin", ARGUMENT_BOOL},    {"end", ARGUMENT_BOOL},
	{"check", ARGUMENT_BOOL},
};

static yajl_val member_of(const struct call *call, const char *name)
{
	const char *path[] = {name, NULL};
	return yajl_tree_get(call->request, path, yajl_t_any);
}

static bool is_of_kind(yajl_val value, enum argument_kind kind)
{
	switch (kind) {
	case ARGUMENT_TEXT:
		return YAJL_IS_STRING(value);
	case ARGUMENT_COUNT:
		return YAJL_IS_INTEGER(value) && YAJL_GET_INTEGER(value) >= 0;
	case ARGUMENT_SEQUENCE:
		return YAJL_IS_INTEGER(value) && YAJL_GET_INTEGER(value) > 0;
	case ARGUMENT_BOOL:
		return YAJL_IS_TRUE(value) || YAJL_IS_FALSE(value);
	}
	return false;
}

static const char *text_of(const struct call *call, const char *name)
{
	yajl_val value = member_of(call, name);
	return YAJL_GET_STRING(value);
}

/* 0 if it is missing. */
static uint64_t count_of(const struct call *call, const char *name)
{
	yajl_val value = member_of(call, name);
	return YAJL_IS_INTEGER(value) ? (uint64_t)YAJL_GET_INTEGER(value) : 0;
}

static bool is_true(const struct call *call, const char *name)
{
	yajl_val value = member_of(call, name);
	return YAJL_IS_TRUE(value);
}

/* ---- answers ---- */

static char *answer_error(const char *text)
{
	yajl_gen gen = document_begin();
	if (gen == NULL)
		return NULL;
	document_text(gen, "error", text);
	return document_finish(gen);
}

static char *answer_done(void)
{
	yajl_gen gen = document_begin();
	if (gen == NULL)
		return NULL;
	document_bool(gen, "done", true);
	return document_finish(gen);
}

/* ---- looking ---- */

static char *answer_status(const struct call *call)
{
	return relay_status_json(call->relay);
}

static char *answer_ledger(const struct call *call)
{
	return relay_ledger_json(call->relay);
}

static char *answer_streams(const struct call *call)
{
	return streams_json(call->relay);
}

/*
 * How far the stream of that id (hexadecimal) is stored here, and how many of its messages this relay counted itself (its
 * mark has what the sender says); nothing if it is not known.
 */
static void write_stream(yajl_gen gen, struct spool *spool, const char *wanted)
{
	struct spool_stream_entry entries[STREAMS_AT_ONCE];
	unsigned count = 1;
	for (unsigned from = 0; from < count; from += STREAMS_AT_ONCE) {
		count = spool_streams(spool, from, entries, STREAMS_AT_ONCE);
		for (unsigned i = 0; i < STREAMS_AT_ONCE && from + i < count; i++) {
			if (!document_is_hex(wanted, entries[i].stream, sizeof entries[i].stream))
				continue;
			document_count(gen, "stream_sequence", entries[i].mark.sequence);
			document_count(gen, "stream_count", entries[i].records);
			return;
		}
	}
}

static char *answer_probe(const struct call *call)
{
	struct probe_watches *watches = call->relay->probe_watches;
	const char *id = text_of(call, "id"), *error = "this relay looks for no probes of that id (any more)";
	uint64_t count = count_of(call, "count");
	bool begins = is_true(call, "begin");
	if (id == NULL || !probe_id_is_valid(id) || (begins && (count == 0 || count > PROBE_NUMBERS_MAX)))
		return answer_error("write {\"command\":\"probe\",\"id\":…,\"count\":…,\"begin\":true}: an id of 16 hexadecimal "
		                    "digits, and how many there will be, at most 2048");
	if (is_true(call, "end"))
		return probe_watches_end(watches, id) ? answer_done() : answer_error(error);
	struct probe_watch *watch =
		begins ? probe_watches_begin(watches, id, (unsigned)count, &error) : probe_watches_find(watches, id);
	if (watch == NULL)
		return answer_error(error);
	yajl_gen gen = document_begin();
	if (gen == NULL)
		return NULL;
	char host[256] = "";
	if (gethostname(host, sizeof host - 1) != 0)
		host[0] = '\0';
	document_hex(gen, "spool", spool_id(call->relay->spool), SPOOL_STREAM_ID_BYTES);
	if (text_of(call, "stream") != NULL)
		write_stream(gen, call->relay->spool, text_of(call, "stream"));
	document_octets(gen, "host", (const uint8_t *)host, strlen(host));
	probe_watch_write(watch, gen);
	/* Last, so that nothing in the answer is later. */
	document_count(gen, "now_ns", (uint64_t)clock_wall_ns());
	return document_finish(gen);
}

/* ---- what changes something ---- */

/* `what` is the member that names what is changed: its text is the second argument of `change`. */
static char *answer_change(const struct call *call, const char *what,
                           bool (*change)(const struct call *call, const char *name, char *error))
{
	char error[CHANGE_ERROR_MAX_BYTES];
	const char *name = text_of(call, what);
	snprintf(error, sizeof error, "say which \"%s\"", what);
	return name != NULL && change(call, name, error) ? answer_done() : answer_error(error);
}

static bool cut(const struct call *call, const char *output, char *error)
{
	uint64_t seconds = count_of(call, "seconds");
	return is_true(call, "check") ? cut_check(call->relay, output, seconds, error)
	                              : cut_begin(call->relay, output, seconds, call->who, error);
}

static bool restore(const struct call *call, const char *output, char *error)
{
	return cut_end(call->relay, output, call->who, error);
}

static char *answer_cut(const struct call *call)
{
	return answer_change(call, "output", cut);
}

static char *answer_restore(const struct call *call)
{
	return answer_change(call, "output", restore);
}

static bool adopt(const struct call *call, const char *stream, char *error)
{
	return streams_adopt(call->relay, stream, text_of(call, "identity"), call->who, error);
}

static bool forget(const struct call *call, const char *stream, char *error)
{
	return streams_forget(call->relay, stream, call->who, error);
}

static char *answer_adopt(const struct call *call)
{
	return answer_change(call, "stream", adopt);
}

static char *answer_forget(const struct call *call)
{
	return answer_change(call, "stream", forget);
}

static char *answer_drop(const struct call *call)
{
	char error[CHANGE_ERROR_MAX_BYTES];
	struct spool_drop_rule rule;
	const struct relay_drop wanted = {
		.spool = text_of(call, "spool"),
		.output = text_of(call, "output"),
		.filter = text_of(call, "filter"),
		.to = count_of(call, "to"),
		.messages = count_of(call, "messages"),
		.uid = call->who->uid,
	};
	if (!relay_drop_add(call->relay, &wanted, &rule, error))
		return answer_error(error);
	yajl_gen gen = document_begin();
	if (gen == NULL)
		return NULL;
	document_count(gen, "rule", rule.id);
	document_count(gen, "to", rule.to);
	return document_finish(gen);
}

/* ---- the commands ---- */

static const struct command {
	const char *name;
	const char *arguments; /* each behind a space */
	char *(*answer)(const struct call *call);
	bool changes; /* something: for root and the relay's user (spool-rules.md, rule 40) */
} commands[] = {
	{"status", "", answer_status, false},
	{"ledger", "", answer_ledger, false},
	{"probe", " id stream count begin end", answer_probe, false},
	{"streams", "", answer_streams, false},
	{"cut", " output seconds check", answer_cut, true},
	{"restore", " output", answer_restore, true},
	{"stream-adopt", " stream identity", answer_adopt, true},
	{"stream-forget", " stream", answer_forget, true},
	{"drop", " spool output filter to messages", answer_drop, true},
};

static const struct command *find(const char *name)
{
	for (size_t i = 0; name != NULL && i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	return NULL;
}

/* Whether one of the words, each of which has a space before it, is `name`. */
static bool has_word(const char *words, const char *name)
{
	size_t len = strlen(name);
	for (const char *space = strchr(words, ' '); space != NULL; space = strchr(space + 1, ' ')) {
		const char *word = space + 1;
		if (strcspn(word, " ") == len && memcmp(word, name, len) == 0)
			return true;
	}
	return false;
}

static const struct argument *argument_of(const struct command *command, const char *name)
{
	if (!has_word(command->arguments, name))
		return NULL;
	for (size_t i = 0; i < sizeof arguments / sizeof arguments[0]; i++)
		if (strcmp(arguments[i].name, name) == 0)
			return &arguments[i];
	return NULL;
}

/*
 * Whether the command takes each argument that is there, and each is of its kind and there once; if not, `error`
 * (CHANGE_ERROR_MAX_BYTES) names it. One of another kind or misspelt must not count as left out: `drop` without an output is
 * for all of them.
 */
static bool arguments_are_sound(const struct call *call, const struct command *command, char *error)
{
	static const char *const words[] = {"a text", "a whole number", "a sequence: they count from 1", "true or false"};
	for (size_t i = 0; i < call->request->u.object.len; i++) {
		const char *name = call->request->u.object.keys[i];
		const char *said = strlen(name) <= NAME_SAID_MAX_BYTES ? name : "…";
		yajl_val value = call->request->u.object.values[i];
		bool names_command = strcmp(name, "command") == 0;
		const struct argument *argument = names_command ? NULL : argument_of(command, name);
		if (member_of(call, name) != value)
			snprintf(error, CHANGE_ERROR_MAX_BYTES, "\"%s\" is there twice", said);
		else if (!names_command && argument == NULL)
			snprintf(error, CHANGE_ERROR_MAX_BYTES, "%s takes no \"%s\"; it takes%s", command->name, said,
			         command->arguments[0] != '\0' ? command->arguments : " no arguments");
		else if (!names_command && !is_of_kind(value, argument->kind))
			snprintf(error, CHANGE_ERROR_MAX_BYTES, "\"%s\" must be %s", name, words[argument->kind]);
		else
			continue;
		return false;
	}
	return true;
}

static char *answer(const struct call *call)
{
	char error[CHANGE_ERROR_MAX_BYTES];
	const struct command *command = find(text_of(call, "command"));
	if (command == NULL)
		return answer_error("unknown command; this relay knows status, ledger, probe, cut, restore, streams, "
		                    "stream-adopt, stream-forget and drop");
	if (command->changes && call->who->uid != 0 && call->who->uid != geteuid())
		return answer_error("this command is for root and the user that relayd runs as");
	return arguments_are_sound(call, command, error) ? command->answer(call) : answer_error(error);
}

char *commands_answer(struct relay *relay, const char *request, const struct ucred *who)
{
	char detail[256];
	yajl_val tree = yajl_tree_parse(request, detail, sizeof detail);
	if (tree == NULL)
		return answer_error("the request is not JSON; send {\"command\":\"status\"} and a line feed");
	const struct call call = {relay, tree, who};
	char *document = answer(&call);
	yajl_tree_free(tree);
	return document;
}
