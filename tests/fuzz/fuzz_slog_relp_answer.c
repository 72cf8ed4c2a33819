/* SPDX-License-Identifier: Apache-2.0 */
/*
 * liblog's reader of what a RELP server answers. Octets arrive in any pieces, so whatever they are: what is complete is so
 * with anything behind it and not with an octet less, what is invalid stays so, and nothing is incomplete for ever.
 */
#include <assert.h>
#include <string.h>

#include "relp_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum slog_relp_outcome read_answer(const char *octets, size_t length, struct slog_relp_answer *answer)
{
	memset(answer, 0, sizeof *answer);
	return slog_relp_answer_read(octets, length, answer);
}

static void check_complete(const char *octets, size_t length, const struct slog_relp_answer *answer)
{
	struct slog_relp_answer alone;
	assert(answer->size > 0 && answer->size <= length && answer->size <= SLOG_RELP_ANSWER_BYTES_MAX);
	assert(octets[answer->size - 1] == '\n');
	assert(answer->txnr <= SLOG_RELP_TXNR_MAX);
	assert(answer->code >= 0 && answer->code <= 999);
	assert(answer->command == SLOG_RELP_RSP || answer->code == 0);
	assert(read_answer(octets, answer->size, &alone) == SLOG_RELP_COMPLETE);
	assert(memcmp(&alone, answer, sizeof alone) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *octets = (const char *)data;
	struct slog_relp_answer answer, prefix;
	enum slog_relp_outcome outcome = read_answer(octets, size, &answer);
	if (outcome == SLOG_RELP_COMPLETE)
		check_complete(octets, size, &answer);
	if (outcome == SLOG_RELP_INCOMPLETE)
		assert(size < SLOG_RELP_ANSWER_BYTES_MAX);
	for (size_t i = 0; i < size && i <= SLOG_RELP_ANSWER_BYTES_MAX; i++) {
		enum slog_relp_outcome before = read_answer(octets, i, &prefix);
		if (before == SLOG_RELP_INVALID)
			assert(outcome == SLOG_RELP_INVALID);
		if (before == SLOG_RELP_COMPLETE)
			assert(outcome == SLOG_RELP_COMPLETE && prefix.size == answer.size && i >= answer.size);
		if (before != SLOG_RELP_INCOMPLETE)
			break;
	}
	return 0;
}
