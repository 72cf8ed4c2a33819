/* SPDX-License-Identifier: Apache-2.0 */
/* `relayctl spool cat`, `grep` and `export`: messages as lines. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/directory.h"
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
static bool print_message(struct encoder *encoder, const struct envelope *envelope, FILE *out)
{
	struct bytes message = envelope->raw;
	if (encoder->format != ENCODER_RAW && encoder_encode(encoder, envelope, &message) != ENCODER_DONE)
		return false;
	for (const uint8_t *lf; encoder->format == ENCODER_RFC5424 && (lf = memchr(message.at, '\n', message.len)) != NULL;) {
		fwrite(message.at, 1, (size_t)(lf - message.at), out);
		putc(LF_REPLACEMENT, out);
		message = bytes_after(message, (size_t)(lf - message.at) + 1);
	}
	fwrite(message.at, 1, message.len, out);
	return putc('\n', out) != EOF;
}

static bool has_text(const struct envelope *envelope, const char *text)
{
	struct bytes raw = envelope->raw;
	return text == NULL || (raw.len > 0 && memmem(raw.at, raw.len, text, strlen(text)) != NULL);
}

/* Prints what is wanted; with `text` only messages in which it stands. */
static enum relayctl_exit print_all(const struct spool_arguments *arguments, const char *text, struct spool_records *records,
                                    enum encoder_format format, FILE *out)
{
	struct encoder encoder;
	struct envelope envelope;
	uint64_t sequence, printed = 0;
	bool good = true;
	encoder_init(&encoder, format, false, spool_files_names(records->files));
	while (good && spool_records_next(records, &sequence, &envelope)) {
		if (!has_text(&envelope, text))
			continue;
		good = print_message(&encoder, &envelope, out);
		printed++;
	}
	encoder_free(&encoder);
	if (!good || fflush(out) != 0 || ferror(out)) {
		fprintf(stderr, "%s: cannot be printed\n", arguments->label);
		return RELAYCTL_FAILED;
	}
	if (records->unreadable > 0)
		return RELAYCTL_DAMAGED;
	return printed == 0 && text != NULL ? RELAYCTL_NOTHING : RELAYCTL_OK;
}

/* What is to be printed and how. spool_records_close() frees the records, also if this fails. */
static enum relayctl_exit begin(const struct spool_arguments *arguments, struct spool_records *records,
                                enum encoder_format *format)
{
	*records = (struct spool_records){0};
	return read_format(arguments, format) ? spool_records_open(records, arguments) : RELAYCTL_USAGE;
}

static enum relayctl_exit run(const struct spool_arguments *arguments, const char *text)
{
	struct spool_records records;
	enum encoder_format format;
	enum relayctl_exit code = begin(arguments, &records, &format);
	if (code == RELAYCTL_OK)
		code = print_all(arguments, text, &records, format, stdout);
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

static enum relayctl_exit cannot_write(const struct spool_arguments *arguments, int error)
{
	fprintf(stderr, "%s: %s: %s\n", arguments->label, arguments->words[0], strerror(error));
	return RELAYCTL_FAILED;
}

/*
 * A file that is there is never written over, and what is said to be exported is on the disk, its name too. A file that
 * could not be finished is taken away: it would stand in the way of the next try.
 */
static enum relayctl_exit export(const struct spool_arguments *arguments, struct spool_records *records,
                                 enum encoder_format format)
{
	int fd = open(arguments->words[0], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (out == NULL)
		return cannot_write(arguments, errno);
	enum relayctl_exit code = print_all(arguments, NULL, records, format, out);
	int error = fflush(out) != 0 || fsync(fd) != 0 ? errno : 0;
	int named = error == 0 ? directory_sync_above(arguments->words[0]) : 0;
	if (named < 0 && named != -EACCES)
		error = -named;
	if (fclose(out) != 0 && error == 0)
		error = errno;
	if (error != 0)
		code = cannot_write(arguments, error);
	if (code == RELAYCTL_FAILED)
		unlink(arguments->words[0]);
	return code;
}

enum relayctl_exit spool_export_run(const struct spool_arguments *arguments)
{
	struct spool_records records;
	enum encoder_format format;
	enum relayctl_exit code = begin(arguments, &records, &format);
	if (code == RELAYCTL_OK)
		code = export(arguments, &records, format);
	spool_records_close(&records);
	return code;
}
