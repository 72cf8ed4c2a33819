/* SPDX-License-Identifier: Apache-2.0 */
/* See standard_elements.h. */
#include "standard_elements.h"

#include <stdatomic.h>
#include <sys/timex.h>

#include <liblog/rfc5424.h>

#include "clock.h"
#include "entry.h"
#include "generation.h"

#define SOFTWARE_MAX 48           /* RFC 5424, 7.2.3 */
#define SOFTWARE_VERSION_MAX 32   /* 7.2.4 */
#define SEQUENCE_MAX 2147483647u  /* 7.3.1 */
#define SYNC_KNOWN_MS 60000       /* how long the kernel's answer is good */
#define ACCURACY_BITS 32

/*
 * What the kernel says of its clock, in one word, so that threads need no lock: when it was asked, in minutes from 1 on,
 * and the greatest error in microseconds, or all ones if the clock is not synchronised.
 */
static uint32_t sync_accuracy(void)
{
	static _Atomic uint64_t known;
	uint64_t minute = slog_clock_monotonic_ms() / SYNC_KNOWN_MS + 1;
	uint64_t word = atomic_load_explicit(&known, memory_order_relaxed);
	if (word >> ACCURACY_BITS != minute) {
		struct timex clock = {.modes = 0};
		bool is_synced = adjtimex(&clock) != TIME_ERROR && (clock.status & STA_UNSYNC) == 0;
		word = minute << ACCURACY_BITS | (is_synced ? (uint32_t)clock.maxerror : UINT32_MAX);
		atomic_store_explicit(&known, word, memory_order_relaxed);
	}
	return (uint32_t)word;
}

static size_t put_time_quality(struct slog_line *line)
{
	uint32_t accuracy = sync_accuracy();
	if (accuracy == UINT32_MAX) {
		slog_line_put_string(line, "[timeQuality tzKnown=\"1\" isSynced=\"0\"]");
		return 2;
	}
	slog_line_put_string(line, "[timeQuality tzKnown=\"1\" isSynced=\"1\" syncAccuracy=\"");
	slog_line_put_u64(line, accuracy);
	slog_line_put_string(line, "\"]");
	return 3;
}

static void put_param(struct slog_line *line, const char *start, const char *text, size_t max)
{
	slog_line_put_string(line, start);
	slog_line_put_escaped(line, slog_rfc5424_value, text, strnlen(text, max));
	slog_line_put_char(line, '"');
}

static size_t put_origin(struct slog_line *line, const struct slog_rfc5424_encoder *encoder)
{
	size_t params = 1;
	put_param(line, "[origin software=\"", encoder->software, SOFTWARE_MAX);
	if (encoder->software_version != NULL) {
		put_param(line, " swVersion=\"", encoder->software_version, SOFTWARE_VERSION_MAX);
		params++;
	}
	slog_line_put_char(line, ']');
	return params;
}

/* The counter holds the generation of the process, which a child has not, and the last number given. */
static uint32_t next_sequence(uint64_t *counter)
{
	uint64_t generation = (uint64_t)slog_generation() << 32;
	uint64_t last = __atomic_load_n(counter, __ATOMIC_RELAXED);
	uint64_t next;
	do {
		uint32_t number = (uint32_t)last;
		bool begins = (last & ~(uint64_t)UINT32_MAX) != generation || number >= SEQUENCE_MAX;
		next = generation | (begins ? 1 : number + 1);
	} while (!__atomic_compare_exchange_n(counter, &last, next, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return (uint32_t)next;
}

/* An event that is encoded again because it was too large keeps its number: receivers would see a gap. */
static size_t put_meta(struct slog_line *line, const struct slog_rfc5424_encoder *encoder, const struct slog_entry *entry)
{
	uint32_t number = entry->prepared != NULL ? entry->prepared->sequence : 0;
	if (number == 0)
		number = next_sequence(encoder->sequence);
	if (entry->prepared != NULL)
		entry->prepared->sequence = number;
	slog_line_put_string(line, "[meta sequenceId=\"");
	slog_line_put_u64(line, number);
	slog_line_put_string(line, "\"]");
	return 1;
}

size_t slog_standard_elements_put(struct slog_line *line, const struct slog_rfc5424_encoder *encoder,
                                  const struct slog_entry *entry)
{
	size_t params = 0;
	if (encoder->time_quality)
		params += put_time_quality(line);
	if (encoder->software != NULL)
		params += put_origin(line, encoder);
	if (encoder->sequence != NULL)
		params += put_meta(line, encoder, entry);
	return params;
}
