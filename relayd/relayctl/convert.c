/* SPDX-License-Identifier: Apache-2.0 */
/* `relayctl convert`: legacy logs in, structured logs out, with the parser that the daemon uses. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "intake/zone_file.h"
#include "relayctl/convert_stream.h"
#include "relayctl/relayctl.h"

struct convert_arguments {
	bool help;
	enum convert_form form;
	enum convert_framing framing;
	const char *time_zone; /* NULL: the system's */
};

void convert_print_help(FILE *out)
{
	fputs("  relayctl convert [--to json|rfc5424] [--framing lines|octet-counting] [--time-zone ZONE] [FILE...]\n"
		  "      reads syslog messages, one a line or octet-counted, and prints one line for each\n",
		  out);
}

/* The index of `text` in `choices`, or -1 after saying what there is. */
static int choose(const char *option, const char *text, const char *first, const char *second)
{
	if (strcmp(text, first) == 0)
		return 0;
	if (strcmp(text, second) == 0)
		return 1;
	fprintf(stderr, "relayctl convert: %s is \"%s\" or \"%s\", not \"%s\"\n", option, first, second, text);
	return -1;
}

static bool read_one(struct convert_arguments *arguments, int letter)
{
	int choice = 0;
	switch (letter) {
	case 't':
		choice = choose("--to", optarg, "json", "rfc5424");
		arguments->form = (enum convert_form)choice;
		return choice >= 0;
	case 'f':
		choice = choose("--framing", optarg, "lines", "octet-counting");
		arguments->framing = (enum convert_framing)choice;
		return choice >= 0;
	case 'z':
		arguments->time_zone = optarg;
		return true;
	case 'h':
		arguments->help = true;
		return true;
	default:
		return false; /* getopt has said why */
	}
}

static bool read_arguments(int argc, char **argv, struct convert_arguments *arguments)
{
	static const struct option long_options[] = {
		{"to", required_argument, NULL, 't'},
		{"framing", required_argument, NULL, 'f'},
		{"time-zone", required_argument, NULL, 'z'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int letter;
	while ((letter = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		if (!read_one(arguments, letter))
			return false;
	}
	return true;
}

/* When the messages were received: a file that is no longer written to says it, and old logs keep their years. */
static int64_t received_ns(int fd)
{
	struct stat status;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		return (int64_t)status.st_mtim.tv_sec * CLOCK_NS_PER_SECOND + status.st_mtim.tv_nsec;
	return clock_wall_ns();
}

static bool report(const char *name, enum convert_result result)
{
	switch (result) {
	case CONVERT_DONE:
		return true;
	case CONVERT_UNREADABLE:
		fprintf(stderr, "relayctl convert: %s: cannot be read: %s\n", name, strerror(errno));
		return false;
	case CONVERT_UNWRITABLE:
		/* Whoever read us had enough (head, less): nothing to complain about. */
		if (errno != EPIPE)
			fprintf(stderr, "relayctl convert: standard output cannot be written: %s\n", strerror(errno));
		return false;
	case CONVERT_LOST:
		fprintf(stderr, "relayctl convert: %s: there is no MSG-LEN where one must be; is it --framing lines?\n", name);
		return false;
	case CONVERT_NO_MEMORY:
		fprintf(stderr, "relayctl convert: %s: memory is short\n", name);
		return false;
	}
	return false;
}

static enum convert_result convert_file(struct convert_stream *stream, const char *name)
{
	bool is_standard_input = strcmp(name, "-") == 0;
	int fd = is_standard_input ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return CONVERT_UNREADABLE;
	enum convert_result result = convert_stream_run(stream, fd, received_ns(fd));
	int failure = errno;
	if (!is_standard_input)
		close(fd);
	errno = failure;
	return result;
}

/* Every file, also behind one that failed; nothing more once the output is gone. */
static enum relayctl_exit convert_files(struct convert_stream *stream, int count, char **names)
{
	enum relayctl_exit code = RELAYCTL_OK;
	for (int i = 0; i < count; i++) {
		enum convert_result result = convert_file(stream, names[i]);
		if (!report(names[i], result))
			code = RELAYCTL_FAILED;
		if (result == CONVERT_UNWRITABLE)
			break;
	}
	return code;
}

enum relayctl_exit convert_run(int argc, char **argv)
{
	static char standard_input[] = "-";
	static struct timezone_rules zone; /* large */
	char *only_standard_input[] = {standard_input};
	struct convert_arguments arguments = {0};
	char error[ZONE_FILE_ERROR_MAX_BYTES];
	if (!read_arguments(argc, argv, &arguments)) {
		convert_print_help(stderr);
		return RELAYCTL_USAGE;
	}
	if (arguments.help) {
		convert_print_help(stdout);
		return RELAYCTL_OK;
	}
	if (!zone_file_load(arguments.time_zone, &zone, error)) {
		fprintf(stderr, "relayctl convert: --time-zone: %s\n", error);
		return RELAYCTL_USAGE;
	}
	signal(SIGPIPE, SIG_IGN);
	struct convert_stream stream = {
		.form = arguments.form,
		.framing = arguments.framing,
		.zone = &zone,
		.zone_configured = arguments.time_zone != NULL,
		.out = STDOUT_FILENO,
	};
	convert_stream_open(&stream);
	int count = argc - optind;
	enum relayctl_exit code =
		count > 0 ? convert_files(&stream, count, argv + optind) : convert_files(&stream, 1, only_standard_input);
	convert_stream_close(&stream);
	return code;
}
