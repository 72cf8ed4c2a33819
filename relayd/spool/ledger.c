/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/ledger.h"

#include "base/little_endian.h"
#include "spool/sections.h"

#include <stdlib.h>

enum {
	NAME_ENTRY_BYTES = 2 + 1,                                 /* and the name */
	TOTALS_ENTRY_BYTES = 2 + 2 + 8 + 8 * SPOOL_DROP_REASONS,
	SPOOL_SECTION_BYTES = 4 * 8,
	SOURCES_INTERVAL_NS = 1000 * 1000 * 1000,
};

static uint64_t get(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void set(_Atomic uint64_t *counter, uint64_t value)
{
	atomic_store_explicit(counter, value, memory_order_relaxed);
}

static void add(_Atomic uint64_t *counter, uint64_t value)
{
	atomic_fetch_add_explicit(counter, value, memory_order_relaxed);
}

const char *spool_drop_reason_name(enum spool_drop_reason reason)
{
	switch (reason) {
	case SPOOL_DROP_SPOOL_FULL:
		return "spool-full";
	case SPOOL_DROP_NO_BUFFER:
		return "no-buffer";
	case SPOOL_DROP_KERNEL:
		return "kernel";
	case SPOOL_DROP_PEER_NOT_ALLOWED:
		return "peer-not-allowed";
	case SPOOL_DROP_EMPTY:
		return "empty";
	case SPOOL_DROP_KERNEL_AGGREGATES:
		return "kernel-aggregates";
	case SPOOL_DROP_REASONS:
		break;
	}
	return NULL;
}

bool ledger_init(struct ledger *ledger, unsigned sources_max)
{
	*ledger = (struct ledger){
		.input = calloc(SPOOL_INPUTS_MAX, sizeof *ledger->input),
		.sources_max = sources_max,
		.sources = ledger_sources_new(sources_max),
	};
	return ledger->input != NULL && ledger->sources != NULL;
}

void ledger_free(struct ledger *ledger)
{
	free(ledger->input);
	ledger->input = NULL;
	ledger_sources_free(&ledger->sources);
}

void ledger_clear(struct ledger *ledger)
{
	struct ledger_input *input = ledger->input;
	memset(input, 0, SPOOL_INPUTS_MAX * sizeof *input);
	ledger_sources_clear(ledger->sources);
	*ledger = (struct ledger){.input = input, .sources_max = ledger->sources_max, .sources = ledger->sources};
}

int ledger_register(struct ledger *ledger, const char *name)
{
	size_t len = strlen(name);
	assert(len > 0 && len <= SPOOL_NAME_MAX_BYTES);
	for (unsigned i = 0; i < ledger->inputs; i++)
		if (strcmp(ledger->input[i].name, name) == 0)
			return (int)i;
	if (ledger->inputs == SPOOL_INPUTS_MAX)
		return -1;
	memcpy(ledger->input[ledger->inputs].name, name, len + 1);
	return (int)ledger->inputs++;
}

void ledger_count_block(struct ledger *ledger, const struct block_header *header)
{
	if (header->kind != BLOCK_RECORDS)
		return;
	/* The index may come from a disk whose names were damaged: then it is taken, by nobody knows whom. */
	if (header->input >= SPOOL_INPUTS_MAX) {
		add(&ledger->unattributed, header->count);
		return;
	}
	add(&ledger->input[header->input].stored, header->count);
	if (header->input >= ledger->inputs)
		ledger->inputs = header->input + 1u;
}

void ledger_count_sources(struct ledger *ledger, struct spool_block *block)
{
	if (block->sources == NULL || block->sources->used == 0)
		return;
	ledger_sources_count(ledger->sources, block->sources, block->header.base_ns);
	ledger->sources_changed = true;
}

void ledger_tick(struct ledger *ledger, uint64_t now_ns)
{
	if (!ledger->sources_changed || now_ns - ledger->sources_written_ns < SOURCES_INTERVAL_NS)
		return;
	ledger->sources_are_due = true;
	ledger->sources_written_ns = now_ns;
}

void ledger_count_drop(struct ledger *ledger, unsigned input, enum spool_drop_reason reason, uint64_t count)
{
	assert(input < ledger->inputs && reason < SPOOL_DROP_REASONS);
	add(&ledger->input[input].dropped[reason], count);
	atomic_store_explicit(&ledger->changed, true, memory_order_release);
}

void ledger_count_damaged(struct ledger *ledger, uint64_t sequences)
{
	add(&ledger->damaged, sequences);
	atomic_store_explicit(&ledger->changed, true, memory_order_release);
}

/* ---- writing ---- */

size_t ledger_bytes_max(const struct ledger *ledger)
{
	size_t per_input = NAME_ENTRY_BYTES + SPOOL_NAME_MAX_BYTES + TOTALS_ENTRY_BYTES;
	return 3 * SECTION_HEADER_BYTES + SPOOL_SECTION_BYTES + ledger->inputs * per_input +
	       ledger_sources_bytes_max(ledger->sources_max);
}

static void write_names(struct ledger *ledger, struct section_writer *writer, unsigned from)
{
	section_begin(writer, SECTION_INPUTS);
	for (unsigned i = from; i < ledger->inputs; i++) {
		const char *name = ledger->input[i].name;
		size_t len = strlen(name);
		uint8_t *at = section_add(writer, NAME_ENTRY_BYTES + len);
		le16_store(at, (uint16_t)i);
		at[2] = (uint8_t)len;
		memcpy(at + NAME_ENTRY_BYTES, name, len);
	}
	section_end(writer);
	ledger->inputs_written = ledger->inputs;
}

/* Notes what it reads as written, and says whether it differs from what was written before. */
static bool note_drops(struct ledger_input *input)
{
	bool changed = false;
	for (unsigned reason = 0; reason < SPOOL_DROP_REASONS; reason++) {
		uint64_t now = get(&input->dropped[reason]);
		changed = changed || now != input->dropped_written[reason];
		input->dropped_written[reason] = now;
	}
	return changed;
}

static void write_totals(struct ledger *ledger, struct section_writer *writer, bool only_changed)
{
	/* Cleared first: a drop counted while we look is found now, or again next time. */
	atomic_exchange_explicit(&ledger->changed, false, memory_order_acquire);
	section_begin(writer, SECTION_TOTALS);
	for (unsigned i = 0; i < ledger->inputs; i++) {
		struct ledger_input *input = &ledger->input[i];
		if (!note_drops(input) && only_changed)
			continue;
		uint8_t *at = section_add(writer, TOTALS_ENTRY_BYTES);
		le16_store(at, (uint16_t)i);
		le16_store(at + 2, SPOOL_DROP_REASONS);
		le64_store(at + 4, get(&input->stored));
		for (unsigned reason = 0; reason < SPOOL_DROP_REASONS; reason++)
			le64_store(at + 12 + 8 * reason, input->dropped_written[reason]);
	}
	section_end(writer);
}

static void write_spool(struct ledger *ledger, struct section_writer *writer)
{
	section_begin(writer, SECTION_SPOOL);
	uint8_t *at = section_add(writer, SPOOL_SECTION_BYTES);
	ledger->damaged_written = get(&ledger->damaged);
	le64_store(at, get(&ledger->unattributed));
	le64_store(at + 8, get(&ledger->unused));
	le64_store(at + 16, ledger->damaged_written);
	le64_store(at + 24, get(&ledger->released));
	section_end(writer);
}

static void write_sources(struct ledger *ledger, struct section_writer *writer, bool only_changed)
{
	ledger->sources_are_due = ledger->sources_changed = false;
	ledger_sources_write(ledger->sources, writer, only_changed);
}

size_t ledger_write_all(struct ledger *ledger, uint8_t *out, size_t room)
{
	struct section_writer writer = {.at = out, .room = room};
	write_names(ledger, &writer, 0);
	write_totals(ledger, &writer, false);
	write_spool(ledger, &writer);
	write_sources(ledger, &writer, false);
	return writer.len;
}

bool ledger_has_changes(const struct ledger *ledger)
{
	return ledger->inputs_written < ledger->inputs || ledger->sources_are_due ||
	       atomic_load_explicit(&ledger->changed, memory_order_acquire);
}

size_t ledger_write_changes(struct ledger *ledger, uint8_t *out, size_t room)
{
	struct section_writer writer = {.at = out, .room = room};
	write_names(ledger, &writer, ledger->inputs_written);
	write_totals(ledger, &writer, true);
	if (get(&ledger->damaged) != ledger->damaged_written)
		write_spool(ledger, &writer);
	if (ledger->sources_are_due)
		write_sources(ledger, &writer, true);
	else
		ledger->sources_changed = true; /* drops have their sources, too */
	return writer.len;
}

/* ---- reading ---- */

static bool read_names(struct ledger *ledger, struct bytes entries)
{
	while (entries.len >= NAME_ENTRY_BYTES) {
		unsigned index = le16_load(entries.at);
		size_t len = entries.at[2];
		if (index >= SPOOL_INPUTS_MAX || len > SPOOL_NAME_MAX_BYTES || len > entries.len - NAME_ENTRY_BYTES)
			return false;
		char *name = ledger->input[index].name;
		memcpy(name, entries.at + NAME_ENTRY_BYTES, len);
		name[len] = '\0';
		if (index >= ledger->inputs)
			ledger->inputs = ledger->inputs_written = index + 1;
		entries = bytes_after(entries, NAME_ENTRY_BYTES + len);
	}
	return entries.len == 0;
}

static bool read_totals(struct ledger *ledger, struct bytes entries, bool with_stored)
{
	while (entries.len >= 12) {
		unsigned index = le16_load(entries.at);
		size_t reasons = le16_load(entries.at + 2);
		if (index >= SPOOL_INPUTS_MAX || reasons > SPOOL_DROP_REASONS || 12 + 8 * reasons > entries.len)
			return false;
		struct ledger_input *input = &ledger->input[index];
		if (with_stored)
			set(&input->stored, le64_load(entries.at + 4));
		for (size_t reason = 0; reason < reasons; reason++) {
			input->dropped_written[reason] = le64_load(entries.at + 12 + 8 * reason);
			set(&input->dropped[reason], input->dropped_written[reason]);
		}
		entries = bytes_after(entries, 12 + 8 * reasons);
	}
	return entries.len == 0;
}

static bool read_spool(struct ledger *ledger, struct bytes octets, bool checkpoint)
{
	if (octets.len < SPOOL_SECTION_BYTES)
		return false;
	ledger->damaged_written = le64_load(octets.at + 16);
	set(&ledger->damaged, ledger->damaged_written);
	if (!checkpoint)
		return true; /* the rest would take back what recovery has just counted */
	set(&ledger->unattributed, le64_load(octets.at));
	set(&ledger->unused, le64_load(octets.at + 8));
	set(&ledger->released, le64_load(octets.at + 24));
	return true;
}

enum ledger_read_result ledger_read(struct ledger *ledger, struct bytes sections, bool checkpoint)
{
	struct section section;
	while (section_next(&sections, &section)) {
		bool good = true;
		if (section.type == SECTION_INPUTS)
			good = read_names(ledger, section.octets);
		else if (section.type == SECTION_TOTALS)
			good = read_totals(ledger, section.octets, checkpoint);
		else if (section.type == SECTION_SPOOL)
			good = read_spool(ledger, section.octets, checkpoint);
		else if (section.type == SECTION_SOURCES)
			good = ledger_sources_read(ledger->sources, section.octets);
		else if ((section.flags & SECTION_MUST_BE_UNDERSTOOD) != 0)
			return LEDGER_NEWER;
		if (!good)
			return LEDGER_MALFORMED;
	}
	return sections.len == 0 ? LEDGER_READ : LEDGER_MALFORMED;
}

uint64_t ledger_stored_sum(const struct ledger *ledger)
{
	uint64_t sum = get(&ledger->unattributed);
	for (unsigned i = 0; i < SPOOL_INPUTS_MAX; i++)
		sum += get(&ledger->input[i].stored);
	return sum;
}
