/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `relayctl stream`: the streams between relays. What looks asks the running relay, or with -c or --spool reads the files of
 * a spool; what changes something asks the running relay, which alone may move its marks, and does so only with --apply.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "relay/streams.h"
#include "relayctl/answer.h"
#include "relayctl/client.h"
#include "relayctl/relayctl.h"
#include "relayctl/spool_place.h"
#include "relayctl/stream_table.h"
#include "spool/spool_files.h"

enum {
	WORDS_MAX = 3, /* with the command's name */
	/* A change is in effect at once, and on the disk with the next group. */
	LOOKS_MAX = 50,
	LOOK_AGAIN_NS = 100 * 1000 * 1000,
};

struct stream_arguments {
	bool help, json, apply;
	const char *control; /* NULL: the default place */
	const char *config, *spool;
	const char *words[WORDS_MAX];
	unsigned words_count;
};

void stream_print_help(FILE *out)
{
	fputs("  relayctl stream ls [--json] [--control PATH | -c CONFIG | --spool PATH]\n"
		  "      says which streams come from other relays and which go to others, and how far each has come;\n"
		  "      with -c or --spool of a relay that may not run\n"
		  "  relayctl stream adopt [--apply] [--control PATH] STREAM IDENTITY\n"
		  "      gives a stream to another identity, as after a relay got another name\n"
		  "  relayctl stream forget [--apply] [--control PATH] STREAM\n"
		  "      forgets a stream that will not come again, to make room for others\n",
		  out);
}

static bool take_option(struct stream_arguments *arguments, int letter)
{
	switch (letter) {
	case 'j':
		arguments->json = true;
		return true;
	case 'a':
		arguments->apply = true;
		return true;
	case 'C':
		arguments->control = optarg;
		return true;
	case 'c':
		arguments->config = optarg;
		return true;
	case 's':
		arguments->spool = optarg;
		return true;
	case 'h':
		arguments->help = true;
		return true;
	default:
		return false; /* getopt has said why */
	}
}

static bool read_arguments(int argc, char **argv, struct stream_arguments *arguments)
{
	static const struct option long_options[] = {
		{"json", no_argument, NULL, 'j'},
		{"apply", no_argument, NULL, 'a'},
		{"control", required_argument, NULL, 'C'},
		{"config", required_argument, NULL, 'c'},
		{"spool", required_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int letter;
	while ((letter = getopt_long(argc, argv, "c:h", long_options, NULL)) != -1) {
		if (!take_option(arguments, letter))
			return false;
	}
	for (; optind < argc && arguments->words_count < WORDS_MAX; optind++)
		arguments->words[arguments->words_count++] = argv[optind];
	unsigned sources = (arguments->control != NULL) + (arguments->config != NULL) + (arguments->spool != NULL);
	return optind == argc && sources <= 1;
}

static enum relayctl_exit fail(const char *error)
{
	fprintf(stderr, "relayctl stream: %s\n", error);
	return RELAYCTL_FAILED;
}

/* ---- where the document comes from ---- */

/* Of a spool's files: the same document, made here. NULL after having said why not. */
static char *read_spool(const char *path)
{
	char error[SPOOL_ERROR_MAX_BYTES];
	struct spool_files *files = spool_files_open(path, error);
	if (files == NULL) {
		fail(error);
		return NULL;
	}
	yajl_gen gen = document_begin();
	char *document = NULL;
	if (gen != NULL) {
		streams_write(gen, spool_files_streams(files), NULL);
		document = document_finish(gen);
	}
	spool_files_close(&files);
	if (document == NULL)
		fail(strerror(ENOMEM));
	return document;
}

/* Of the running relay. NULL after having said why not. */
static char *ask_relay(const char *control)
{
	struct buffer answer;
	char error[CLIENT_ERROR_MAX_BYTES];
	char *document = NULL;
	buffer_init(&answer, CLIENT_ANSWER_MAX_BYTES);
	if (client_ask(control, "streams", &answer, error)) {
		struct bytes text = buffer_peek(&answer);
		document = strndup((const char *)text.at, text.len);
	} else {
		fail(error);
	}
	buffer_free(&answer);
	return document;
}

/* ---- ls ---- */

static enum relayctl_exit print(const char *document, bool as_json)
{
	struct json_error wrong;
	if (as_json) {
		fputs(document, stdout);
		return RELAYCTL_OK;
	}
	struct json_value *tree = json_tree_read(bytes_of_text(document), &wrong);
	enum relayctl_exit code = RELAYCTL_OK;
	if (json_member(tree, "received") == NULL) {
		code = fail("the answer is not one of relayd");
	} else {
		answer_make_printable(tree);
		stream_table_print(tree, stdout);
	}
	json_tree_free(&tree);
	return code;
}

static enum relayctl_exit list(const struct stream_arguments *arguments)
{
	bool files = arguments->config != NULL || arguments->spool != NULL;
	char *place = files ? NULL : client_control(arguments->control, "stream");
	if (arguments->config != NULL)
		place = spool_place_find(arguments->config);
	else if (arguments->spool != NULL)
		place = strdup(arguments->spool);
	char *document = place == NULL ? NULL : files ? read_spool(place) : ask_relay(place);
	enum relayctl_exit code = document != NULL ? print(document, arguments->json) : RELAYCTL_FAILED;
	free(document);
	free(place);
	return code;
}

/* ---- adopt and forget ---- */

/* The streams as a tree; NULL after having said why not. */
static struct json_value *look(const char *control)
{
	char error[CLIENT_ERROR_MAX_BYTES];
	struct json_value *document = client_look(control, "streams", error);
	if (document == NULL)
		fail(error);
	return document;
}

static bool is_stored(const char *control)
{
	const struct timespec pause = {.tv_nsec = LOOK_AGAIN_NS};
	bool stored = false;
	for (unsigned looks = 0; looks < LOOKS_MAX && !stored; looks++) {
		if (looks > 0)
			nanosleep(&pause, NULL);
		struct json_value *document = look(control);
		if (document == NULL)
			return false;
		stored = answer_is(document, "stored");
		json_tree_free(&document);
	}
	return stored;
}

static void print_plan(const struct json_value *stream, const char *identity)
{
	const char *owner = answer_text(stream, "identity"), *connection = answer_text(stream, "connection");
	printf("stream %s is of %s; %" PRIu64 " messages of it are stored here, up to its sequence %" PRIu64 "; %s%s\n",
	       answer_text(stream, "stream"), owner[0] != '\0' ? owner : "nobody that is known", answer_count(stream, "records"),
	       answer_count(stream, "sequence"), connection[0] != '\0' ? "it is in use by " : "no connection speaks it now",
	       connection);
	if (identity != NULL)
		printf("to do: give it to %s: its relay then goes on where the stream is, and a session of %s is ended\n", identity,
		       owner[0] != '\0' ? owner : "another one");
	else
		puts("to do: forget how far it has come: if its relay ever comes back with it, whatever that still has is stored\n"
		     "again, and counted as lost-by-peer where it has it no more");
}

static void write_request(yajl_gen request, const char *stream, const char *identity)
{
	document_text(request, "stream", stream);
	if (identity != NULL)
		document_text(request, "identity", identity);
}

static enum relayctl_exit apply(const char *control, const char *command, const char *stream, const char *identity)
{
	char error[CLIENT_ERROR_MAX_BYTES];
	yajl_gen request = client_begin(command);
	if (request != NULL)
		write_request(request, stream, identity);
	struct json_value *answer = client_send(control, request, error);
	bool done = answer != NULL;
	json_tree_free(&answer);
	if (!done)
		return fail(error);
	if (!is_stored(control))
		return fail("it is done, but not on the disk yet (the spool is full?): a crash before it has room would undo it");
	puts("done");
	return RELAYCTL_OK;
}

static enum relayctl_exit change(const struct stream_arguments *arguments, const char *command)
{
	const char *id = arguments->words[1], *identity = arguments->words[2];
	char *control = client_control(arguments->control, "stream");
	struct json_value *document = control != NULL ? look(control) : NULL;
	enum relayctl_exit code = RELAYCTL_FAILED;
	if (document != NULL) {
		answer_make_printable(document);
		const struct json_value *stream = answer_find(json_member(document, "received"), "stream", id);
		if (stream == NULL) {
			fail("no such stream comes here; \"relayctl stream ls\" has all");
		} else {
			print_plan(stream, identity);
			code = RELAYCTL_OK;
			if (arguments->apply)
				code = apply(control, command, id, identity);
			else
				puts("nothing was changed: say --apply to do it");
		}
	}
	json_tree_free(&document);
	free(control);
	return code;
}

enum relayctl_exit stream_run(int argc, char **argv)
{
	struct stream_arguments arguments = {0};
	bool good = read_arguments(argc, argv, &arguments);
	const char *name = arguments.words_count > 0 ? arguments.words[0] : "";
	bool files = arguments.config != NULL || arguments.spool != NULL;
	if (good && arguments.help) {
		stream_print_help(stdout);
		return RELAYCTL_OK;
	}
	enum relayctl_exit code = RELAYCTL_USAGE;
	if (good && strcmp(name, "ls") == 0 && arguments.words_count == 1 && !arguments.apply)
		code = list(&arguments);
	else if (good && strcmp(name, "adopt") == 0 && arguments.words_count == 3 && !files && !arguments.json)
		code = change(&arguments, "stream-adopt");
	else if (good && strcmp(name, "forget") == 0 && arguments.words_count == 2 && !files && !arguments.json)
		code = change(&arguments, "stream-forget");
	else
		stream_print_help(stderr);
	return fflush(stdout) == 0 || code != RELAYCTL_OK ? code : RELAYCTL_FAILED;
}
