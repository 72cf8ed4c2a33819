/* SPDX-License-Identifier: Apache-2.0 */
/* `relayctl spool cat` and `grep`: messages as lines. */
#include <string.h>

#include "output/encoder.h"
#include "relayctl/spool_records.h"

enum { LF_REPLACEMENT = ' ' };

static bool read_format(const struct spool_arguments *arguments, enum encoder_format *format)
{
	*format = ENCODER_JSON;
	for (unsigned i = 0; arguments->format != NULL && encoder_format_names[i] != NULL; i++) {
		if (strcmp(arguments->format, encoder_format_names[i]) != 0)
			continue;
		*format = (enum encoder_format)i;
		return true;
	}
	if (arguments->format != NULL)
		fprintf(stderr, "%s: --format: write rfc5424, raw or json\n", arguments->label);
	return arguments->format == NULL;
}

/* A line is a message: LF inside it becomes SP, but where the octets as received are wanted. */
static bool print_message(struct encoder *encoder, const struct envelope *envelope)
{
	struct bytes message = envelope->raw;
	if (encoder->format != ENCODER_RAW && encoder_encode(encoder, envelope, &message) != ENCODER_DONE)
		return false;
	for (const uint8_t *lf; encoder->format == ENCODER_RFC5424 && (lf = memchr(message.at, '\n', message.len)) != NULL;) {
		fwrite(message.at, 1, (size_t)(lf - message.at), stdout);
		putchar(LF_REPLACEMENT);
		message = bytes_after(message, (size_t)(lf - message.at) + 1);
	}
	fwrite(message.at, 1, message.len, stdout);
	return putchar('\n') != EOF;
}

static bool has_text(const struct envelope *envelope, const char *text)
{
	return text == NULL || (envelope->raw.len > 0 && memmem(envelope->raw.at, envelope->raw.len, text, strlen(text)) != NULL);
}

/* Prints what is wanted; with `text` only messages in which it stands. */
static enum relayctl_exit print_all(const struct spool_arguments *arguments, const char *text, struct spool_records *records,
                                    enum encoder_format format)
{
	struct encoder encoder;
	struct envelope envelope;
	uint64_t sequence, printed = 0;
	bool good = true;
	encoder_init(&encoder, format, false, spool_files_names(records->files));
	while (good && spool_records_next(records, &sequence, &envelope)) {
		if (!has_text(&envelope, text))
			continue;
		good = print_message(&encoder, &envelope);
		printed++;
	}
	encoder_free(&encoder);
	if (!good || fflush(stdout) != 0) {
		fprintf(stderr, "%s: cannot be printed\n", arguments->label);
		return RELAYCTL_FAILED;
	}
	if (records->unreadable > 0)
		return RELAYCTL_DAMAGED;
	return printed == 0 && text != NULL ? RELAYCTL_NOTHING : RELAYCTL_OK;
}

static enum relayctl_exit run(const struct spool_arguments *arguments, const char *text)
{
	struct spool_records records;
	enum encoder_format format;
	if (!read_format(arguments, &format))
		return RELAYCTL_USAGE;
	enum relayctl_exit code = RELAYCTL_FAILED;
	if (spool_records_open(&records, arguments))
		code = print_all(arguments, text, &records, format);
	spool_records_close(&records);
	return code;
}

enum relayctl_exit spool_cat_run(const struct spool_arguments *arguments)
{
	return run(arguments, NULL);
}

enum relayctl_exit spool_grep_run(const struct spool_arguments *arguments)
{
	return run(arguments, arguments->words[0]);
}
