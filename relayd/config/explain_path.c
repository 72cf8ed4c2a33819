/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a path guarantees, put together from what its input, the spool's settings and its output mean.
 * docs/guarantees.md says the same at length; the tables here know drivers by their type, and a unit test holds them
 * against the lists.
 */
#include <ctype.h>
#include <stdarg.h>

#include "config/explain.h"

enum { VALUE_MAX_BYTES = 64 };

/* What is known of an input's side. */
struct input_words {
	const char *type;
	bool sheds;         /* drops when the spool is full; others make senders wait */
	bool acknowledges;  /* tells the sender when a message is stored */
	const char *always; /* what may be lost at any time */
};

static const struct input_words input_words[] = {
	{"relp", false, true, ""},
	{"tcp", false, false, ""},
	{"tls", false, false, ""},
	{"udp", true, false,
	 "the network may lose datagrams that nobody counts, the kernel's receive buffer some that are counted; "},
	{"unix", true, false, "local programs never wait for room: what there is none for is dropped and counted; "},
	{NULL, true, false, "it is not known when this input loses messages; "},
};

/* What "delivered" means for an output, and what is lost or doubled then. */
struct output_words {
	const char *type;
	const char *delivered;
};

static const struct output_words output_words[] = {
	{"relp",
	 "delivered means that the next hop has acknowledged it; to a relayd that knows us by our certificate, or on this "
	 "machine, each message goes exactly once (not with balance, stamp or another format), to others up to one window "
	 "of messages comes twice after a broken connection; if the next hop is rsyslog's imrelp, its 200 says that it has "
	 "received a message, not that it has stored it, and what it held in memory is lost when it is killed"},
	{"tcp", "unconfirmed: delivered means that the next hop's kernel has the octets, so what the next hop had not "
			"stored when it "
			"or the connection died is lost, uncounted"},
	{"tls", "unconfirmed: delivered means that the next hop's kernel has the octets, so what the next hop had not "
			"stored when it "
			"or the connection died is lost, uncounted"},
	{"udp",
	 "unconfirmed: delivered means that the datagram was sent, and any of them may be lost behind that, uncounted"},
	{"file",
	 "delivered means that the file is synced, and after an unclean stop the last second of lines may be in it twice"},
	{"stdout",
	 "unconfirmed: delivered means that it was written to standard output, and what the reader does with it is not "
	 "known"},
	{NULL, "it is not known when this output loses messages"},
};

/* The value of a driver's own option, "" if it has none of that name. */
static void own_value(const struct option *rows, const void *settings, const char *name, char *value, size_t size)
{
	const struct option *row = option_find(rows, name);
	value[0] = '\0';
	if (row != NULL)
		option_print(row, settings, value, size);
}

static const struct input_words *words_of_input(const char *type)
{
	const struct input_words *words = input_words;
	while (words->type != NULL && strcmp(words->type, type) != 0)
		words++;
	return words;
}

static const struct output_words *words_of_output(const char *type)
{
	const struct output_words *words = output_words;
	while (words->type != NULL && strcmp(words->type, type) != 0)
		words++;
	return words;
}

/* A sentence that grows at its end and is cut at its size. */
struct sentence {
	char *text;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static void say(struct sentence *sentence, const char *format, ...)
{
	size_t len = strlen(sentence->text);
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(sentence->text + len, sentence->size - len, format, arguments);
	va_end(arguments);
}

static void say_aggregates(struct sentence *sentence, const struct input_settings *input)
{
	char value[VALUE_MAX_BYTES];
	own_value(input->driver->options, input->options, "receive_aggregates", value, sizeof value);
	if (strcmp(value, "true") == 0)
		say(sentence, "what the kernel drops is counted by aggregates of 1 to 128 datagrams, not exactly "
		              "(receive_aggregates); ");
}

static void say_input(struct sentence *sentence, const struct spool_settings *spool, const struct input_words *input)
{
	char memory[VALUE_MAX_BYTES];
	option_print_size(spool->memory, memory, sizeof memory);
	bool synced = spool->sync == SPOOL_SYNC_GROUP;
	say(sentence, "%s", input->always);
	if (input->acknowledges && synced)
		say(sentence,
			"a message is acknowledged to its sender when it is stored on disk, so that none that was acknowledged is "
			"lost, and what was not acknowledged is sent again");
	else if (input->acknowledges)
		say(sentence,
			"\"sync\" is \"off\": a message is acknowledged to its sender when it is written and not yet on disk, so "
			"that a power failure or a crash of the kernel loses acknowledged messages");
	else
		say(sentence,
			"nothing is acknowledged to senders: if relayd is killed or the machine fails, what the kernel had "
			"received "
			"and what was not %s yet (at most %s) is lost, and the next start says so",
			synced ? "stored" : "written", memory);
	if (!input->acknowledges && !input->sheds)
		say(sentence, "; a stop in order stores what had come while it can, for 20 s at the most, and drops the rest and "
		              "counts it");
	if (!input->acknowledges && !synced)
		say(sentence, "; \"sync\" is \"off\": a power failure or a crash of the kernel also loses what was written and "
					  "not yet on "
					  "disk");
}

static void say_lag(struct sentence *sentence, const struct output_common *common)
{
	char value[VALUE_MAX_BYTES];
	if (common->max_lag_size > 0) {
		option_print_size(common->max_lag_size, value, sizeof value);
		say(sentence, " or %s are pending", value);
	}
	if (common->max_lag_time_ns > 0) {
		option_print_duration(common->max_lag_time_ns, value, sizeof value);
		say(sentence, " or they are %s old", value);
	}
}

static void say_spool(struct sentence *sentence, const struct spool_settings *spool, const struct input_words *input,
					  const struct output_common *common)
{
	char max_size[VALUE_MAX_BYTES];
	option_print_size(spool->max_size, max_size, sizeof max_size);
	say(sentence, "; while the output is behind, messages wait in the spool; ");
	if (common->when_behind == SPOOL_DROP_OLDEST) {
		say(sentence, "when that has used up %s", max_size);
		say_lag(sentence, common);
		say(sentence, ", the oldest are passed over for this output and counted (drop_oldest)");
	} else if (input->sheds) {
		say(sentence, "when that has used up %s, new messages are dropped by severity and counted", max_size);
	} else {
		say(sentence, "when that has used up %s, senders are made to wait", max_size);
	}
}

static void say_output(struct sentence *sentence, const struct output_settings *output)
{
	char value[VALUE_MAX_BYTES];
	const struct output_common *common = output->options;
	say(sentence, "; %s", words_of_output(output->driver->type)->delivered);
	own_value(output->driver->options, output->options, "mode", value, sizeof value);
	if (strcmp(value, "balance") == 0)
		say(sentence, "; several servers are used at once (balance): order is not kept between them, and what one had "
					  "not answered "
					  "goes to another, so that a message may be at both");
	if (common->filter.present)
		say(sentence, "; only messages that its filter lets pass take this path");
}

void explain_path(const struct settings *settings, unsigned input, unsigned output, char *text, size_t size)
{
	assert(input < settings->inputs_count && output < settings->outputs_count && size > 0);
	const struct spool_settings *spool = &settings->process.spool.is;
	const struct input_words *words = words_of_input(settings->inputs[input].driver->type);
	struct sentence sentence = {text, size};
	text[0] = '\0';
	say_aggregates(&sentence, &settings->inputs[input]);
	say_input(&sentence, spool, words);
	say_spool(&sentence, spool, words, settings->outputs[output].options);
	say_output(&sentence, &settings->outputs[output]);
	say(&sentence, ".");
	text[0] = (char)toupper((unsigned char)text[0]);
}
