/* SPDX-License-Identifier: Apache-2.0 */
/* See relp_answer.h. */
#include "relp_answer.h"

#include <stdbool.h>
#include <string.h>

#define DIGITS_MAX 9  /* of TXNR and DATALEN */
#define CODE_DIGITS 3

static const struct {
	const char *name;
	size_t length;
} commands[] = {[SLOG_RELP_RSP] = {"rsp", 3}, [SLOG_RELP_SERVERCLOSE] = {"serverclose", 11}};

struct reader {
	const char *at;
	const char *end;
};

static bool is_digit(char octet)
{
	return octet >= '0' && octet <= '9';
}

/* 1*9DIGIT; what ends it is not consumed, but it must be there. */
static enum slog_relp_outcome read_number(struct reader *reader, uint32_t *number)
{
	size_t digits = 0;
	*number = 0;
	while (reader->at < reader->end && is_digit(*reader->at)) {
		if (++digits > DIGITS_MAX)
			return SLOG_RELP_INVALID;
		*number = *number * 10 + (uint32_t)(*reader->at++ - '0');
	}
	if (reader->at == reader->end)
		return SLOG_RELP_INCOMPLETE;
	return digits > 0 ? SLOG_RELP_COMPLETE : SLOG_RELP_INVALID;
}

static enum slog_relp_outcome read_octet(struct reader *reader, char octet)
{
	if (reader->at == reader->end)
		return SLOG_RELP_INCOMPLETE;
	return *reader->at++ == octet ? SLOG_RELP_COMPLETE : SLOG_RELP_INVALID;
}

/* SP COMMAND SP */
static enum slog_relp_outcome read_command(struct reader *reader, enum slog_relp_command *command)
{
	enum slog_relp_outcome outcome = read_octet(reader, ' ');
	if (outcome != SLOG_RELP_COMPLETE)
		return outcome;
	size_t left = (size_t)(reader->end - reader->at);
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		size_t compared = left < commands[i].length ? left : commands[i].length;
		if (memcmp(reader->at, commands[i].name, compared) != 0)
			continue;
		if (compared < commands[i].length)
			return SLOG_RELP_INCOMPLETE;
		reader->at += compared;
		*command = (enum slog_relp_command)i;
		return read_octet(reader, ' ');
	}
	return SLOG_RELP_INVALID;
}

static int code_of(const char *data, size_t length)
{
	if (length < CODE_DIGITS || !is_digit(data[0]) || !is_digit(data[1]) || !is_digit(data[2]))
		return 0;
	return (data[0] - '0') * 100 + (data[1] - '0') * 10 + (data[2] - '0');
}

/* [SP DATA] LF */
static enum slog_relp_outcome read_data(struct reader *reader, uint32_t length, int *code)
{
	enum slog_relp_outcome outcome = SLOG_RELP_COMPLETE;
	if (length > SLOG_RELP_ANSWER_BYTES_MAX)
		return SLOG_RELP_INVALID;
	if (length > 0)
		outcome = read_octet(reader, ' ');
	if (outcome != SLOG_RELP_COMPLETE)
		return outcome;
	if ((size_t)(reader->end - reader->at) < length)
		return SLOG_RELP_INCOMPLETE;
	*code = code_of(reader->at, length);
	reader->at += length;
	return read_octet(reader, '\n');
}

enum slog_relp_outcome slog_relp_answer_read(const char *octets, size_t length, struct slog_relp_answer *answer)
{
	struct reader reader = {octets, octets + length};
	struct slog_relp_answer read = {.txnr = 0};
	uint32_t data_length;
	enum slog_relp_outcome outcome = read_number(&reader, &read.txnr);
	if (outcome == SLOG_RELP_COMPLETE)
		outcome = read_command(&reader, &read.command);
	if (outcome == SLOG_RELP_COMPLETE)
		outcome = read_number(&reader, &data_length);
	if (outcome == SLOG_RELP_COMPLETE)
		outcome = read_data(&reader, data_length, &read.code);
	if (outcome == SLOG_RELP_INCOMPLETE && length >= SLOG_RELP_ANSWER_BYTES_MAX)
		return SLOG_RELP_INVALID;
	if (outcome != SLOG_RELP_COMPLETE)
		return outcome;
	if (read.command != SLOG_RELP_RSP)
		read.code = 0; /* a hint has none, whatever its data looks like */
	read.size = (size_t)(reader.at - octets);
	*answer = read;
	return SLOG_RELP_COMPLETE;
}
