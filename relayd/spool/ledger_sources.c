/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table: places that are given out in order and never taken back while the spool is open, and an index of twice as
 * many slots by the hash of address and hostname. A place is filled before its number is published in the index, so
 * whoever finds the number sees the name.
 */
#include "spool/ledger_sources.h"

#include "base/varint.h"
#include "spool/sections.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <xxhash.h>

enum {
	INDEX_SLOTS = 2 * SPOOL_SOURCES_MAX, /* a power of two */
	PART_OF_SEGMENT = 32,
	ENTRY_NUMBERS = 3,                   /* stored, suspected, last; then the reasons */
	ENTRY_HEAD_BYTES = 3,                /* kind of address, lengths of the hostname and of the list of numbers */
	ENTRY_MAX_BYTES = ENTRY_HEAD_BYTES + SPOOL_ADDRESS_BYTES + SPOOL_SOURCE_HOSTNAME_MAX_BYTES +
	                  (ENTRY_NUMBERS + SPOOL_DROP_REASONS) * VARINT_LEN_MAX,
	ADDRESS_OTHERS = 0xff,               /* in place of the address's length */
	HOSTNAME_OTHERS = 0xff,              /* the length of "others": no name is equal to it */
};

struct source {
	struct spool_source_name name;
	_Atomic uint64_t received;
	_Atomic uint64_t stored;
	_Atomic uint64_t suspected;
	_Atomic int64_t last_ns;
	_Atomic uint64_t dropped[SPOOL_DROP_REASONS];
	uint64_t received_written; /* the writer's: what the disk knows of */
};

struct ledger_sources {
	unsigned max;                /* "others" included */
	_Atomic unsigned used;
	pthread_mutex_t lock;        /* for those that come new */
	_Atomic uint16_t index[INDEX_SLOTS]; /* number of a source, 0: free */
	struct source source[SPOOL_SOURCES_MAX];
};

static uint64_t get(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void add(_Atomic uint64_t *counter, uint64_t count)
{
	atomic_fetch_add_explicit(counter, count, memory_order_relaxed);
}

/* ---- the table ---- */

unsigned ledger_sources_max(uint32_t segment_size_bytes)
{
	unsigned max = segment_size_bytes / PART_OF_SEGMENT / ENTRY_MAX_BYTES + 1;
	return max < SPOOL_SOURCES_MAX ? max : SPOOL_SOURCES_MAX;
}

struct ledger_sources *ledger_sources_new(unsigned max)
{
	assert(max >= 1 && max <= SPOOL_SOURCES_MAX);
	struct ledger_sources *sources = calloc(1, sizeof *sources);
	if (sources == NULL)
		return NULL;
	pthread_mutex_init(&sources->lock, NULL);
	sources->max = max;
	atomic_init(&sources->used, 1);
	sources->source[SPOOL_SOURCE_OTHERS].name.hostname_len = HOSTNAME_OTHERS;
	return sources;
}

void ledger_sources_free(struct ledger_sources **sources)
{
	if (*sources != NULL)
		pthread_mutex_destroy(&(*sources)->lock);
	free(*sources);
	*sources = NULL;
}

static void clear_index(struct ledger_sources *sources)
{
	for (unsigned i = 0; i < INDEX_SLOTS; i++)
		atomic_store_explicit(&sources->index[i], SPOOL_SOURCE_OTHERS, memory_order_relaxed);
}

void ledger_sources_clear(struct ledger_sources *sources)
{
	clear_index(sources);
	memset(sources->source, 0, ledger_sources_used(sources) * sizeof sources->source[0]); /* the rest was never touched */
	atomic_store(&sources->used, 1);
	sources->source[SPOOL_SOURCE_OTHERS].name.hostname_len = HOSTNAME_OTHERS;
}

static unsigned slot_of(const uint8_t *address, struct bytes hostname)
{
	uint64_t hash = XXH3_64bits_withSeed(hostname.at, hostname.len, XXH3_64bits(address, SPOOL_ADDRESS_BYTES));
	return (unsigned)(hash % INDEX_SLOTS);
}

/* The source's number, or SPOOL_SOURCE_OTHERS and the free slot of the index that it would have. */
static unsigned look_up(const struct ledger_sources *sources, const uint8_t *address, struct bytes hostname,
                        unsigned *slot)
{
	/* It ends: half of the slots are free. */
	for (*slot = slot_of(address, hostname);; *slot = (*slot + 1) % INDEX_SLOTS) {
		unsigned number = atomic_load_explicit(&sources->index[*slot], memory_order_acquire);
		if (number == SPOOL_SOURCE_OTHERS || spool_source_name_is(&sources->source[number].name, address, hostname))
			return number;
	}
}

/* Gives out the next place. Nobody else does now; `slot` is free. */
static unsigned give_place(struct ledger_sources *sources, const uint8_t *address, struct bytes hostname, unsigned slot)
{
	unsigned number = atomic_load_explicit(&sources->used, memory_order_relaxed);
	struct spool_source_name *name = &sources->source[number].name;
	memcpy(name->address, address, sizeof name->address);
	name->hostname_len = (uint8_t)hostname.len;
	if (hostname.len > 0)
		memcpy(name->hostname, hostname.at, hostname.len);
	atomic_store_explicit(&sources->used, number + 1, memory_order_release);
	atomic_store_explicit(&sources->index[slot], (uint16_t)number, memory_order_release);
	return number;
}

static unsigned find_or_add(struct ledger_sources *sources, const uint8_t *address, struct bytes hostname, unsigned max)
{
	unsigned slot;
	hostname = bytes_first(hostname, SPOOL_SOURCE_HOSTNAME_MAX_BYTES);
	unsigned number = look_up(sources, address, hostname, &slot);
	if (number != SPOOL_SOURCE_OTHERS || atomic_load_explicit(&sources->used, memory_order_relaxed) >= max)
		return number;
	pthread_mutex_lock(&sources->lock);
	number = look_up(sources, address, hostname, &slot);
	if (number == SPOOL_SOURCE_OTHERS && atomic_load_explicit(&sources->used, memory_order_relaxed) < max)
		number = give_place(sources, address, hostname, slot);
	pthread_mutex_unlock(&sources->lock);
	return number;
}

unsigned ledger_sources_find(struct ledger_sources *sources, const uint8_t *address, struct bytes hostname)
{
	return find_or_add(sources, address, hostname, sources->max);
}

/* ---- counting ---- */

void ledger_sources_count(struct ledger_sources *sources, struct source_tally *tally, int64_t received_ns)
{
	for (unsigned i = 0; i < tally->used; i++) {
		unsigned number = tally->source[i];
		struct source *source = &sources->source[number];
		add(&source->received, tally->count[number]);
		add(&source->stored, tally->count[number]);
		atomic_store_explicit(&source->last_ns, received_ns, memory_order_relaxed);
		tally->count[number] = 0;
	}
	tally->used = 0;
}

void ledger_sources_count_drop(struct ledger_sources *sources, unsigned source, enum spool_drop_reason reason,
                               uint64_t count)
{
	assert(source < ledger_sources_used(sources) && reason < SPOOL_DROP_REASONS);
	add(&sources->source[source].received, count);
	add(&sources->source[source].dropped[reason], count);
}

void ledger_sources_count_suspected(struct ledger_sources *sources, unsigned source, uint64_t count)
{
	assert(source < ledger_sources_used(sources));
	add(&sources->source[source].suspected, count);
}

unsigned ledger_sources_used(const struct ledger_sources *sources)
{
	return atomic_load_explicit(&sources->used, memory_order_acquire);
}

const struct spool_source_name *ledger_sources_name(const struct ledger_sources *sources, unsigned source)
{
	assert(source < ledger_sources_used(sources));
	return &sources->source[source].name;
}

void ledger_sources_totals(const struct ledger_sources *sources, unsigned number, struct spool_source_totals *totals)
{
	assert(number < ledger_sources_used(sources));
	const struct source *source = &sources->source[number];
	totals->stored = get(&source->stored);
	totals->suspected = get(&source->suspected);
	totals->last_ns = atomic_load_explicit(&source->last_ns, memory_order_relaxed);
	for (unsigned reason = 0; reason < SPOOL_DROP_REASONS; reason++)
		totals->dropped[reason] = get(&source->dropped[reason]);
	atomic_thread_fence(memory_order_acquire);
	totals->received = get(&source->received);
}

/* ---- making room ---- */

/* Adds the counters of one source to another's. */
static void add_all(struct source *to, const struct source *from)
{
	add(&to->received, get(&from->received));
	add(&to->stored, get(&from->stored));
	add(&to->suspected, get(&from->suspected));
	for (unsigned reason = 0; reason < SPOOL_DROP_REASONS; reason++)
		add(&to->dropped[reason], get(&from->dropped[reason]));
	if (atomic_load(&from->last_ns) > atomic_load(&to->last_ns))
		atomic_store(&to->last_ns, atomic_load(&from->last_ns));
}

/* The latest first. */
static int by_last(const void *a, const void *b)
{
	int64_t x = atomic_load(&((const struct source *)a)->last_ns), y = atomic_load(&((const struct source *)b)->last_ns);
	return (x < y) - (x > y);
}

void ledger_sources_make_room(struct ledger_sources *sources)
{
	unsigned used = ledger_sources_used(sources), keep = sources->max / 2 + 1;
	if (used <= sources->max - sources->max / 4)
		return;
	qsort(sources->source + 1, used - 1, sizeof sources->source[0], by_last);
	clear_index(sources);
	for (unsigned i = 1; i < used; i++) {
		struct source *source = &sources->source[i];
		if (i < keep) {
			unsigned slot;
			look_up(sources, source->name.address, bytes_of(source->name.hostname, source->name.hostname_len), &slot);
			atomic_store(&sources->index[slot], (uint16_t)i);
			continue;
		}
		add_all(&sources->source[SPOOL_SOURCE_OTHERS], source);
		memset(source, 0, sizeof *source);
	}
	atomic_store(&sources->used, keep);
}

/* ---- on the disk ---- */

size_t ledger_sources_bytes_max(unsigned max)
{
	return SECTION_HEADER_BYTES + (size_t)max * ENTRY_MAX_BYTES;
}

/* An entry of the section (spool_format.h) into ENTRY_MAX_BYTES of room. Returns its length. */
static size_t write_entry(const struct source *source, bool others, uint8_t *out)
{
	const struct spool_source_name *name = &source->name;
	unsigned reasons = SPOOL_DROP_REASONS;
	while (reasons > 0 && get(&source->dropped[reasons - 1]) == 0)
		reasons--;
	out[0] = others ? ADDRESS_OTHERS : SPOOL_ADDRESS_BYTES;
	out[1] = others ? 0 : name->hostname_len;
	out[2] = (uint8_t)(ENTRY_NUMBERS + reasons);
	size_t len = ENTRY_HEAD_BYTES;
	if (!others) {
		memcpy(out + len, name->address, SPOOL_ADDRESS_BYTES);
		memcpy(out + len + SPOOL_ADDRESS_BYTES, name->hostname, name->hostname_len);
		len += SPOOL_ADDRESS_BYTES + name->hostname_len;
	}
	len += varint_write(get(&source->stored), out + len);
	len += varint_write(get(&source->suspected), out + len);
	len += varint_write((uint64_t)atomic_load_explicit(&source->last_ns, memory_order_relaxed), out + len);
	for (unsigned reason = 0; reason < reasons; reason++)
		len += varint_write(get(&source->dropped[reason]), out + len);
	return len;
}

void ledger_sources_write(struct ledger_sources *sources, struct section_writer *writer, bool only_changed)
{
	uint8_t entry[ENTRY_MAX_BYTES];
	unsigned used = ledger_sources_used(sources);
	section_begin(writer, SECTION_SOURCES);
	for (unsigned i = 0; i < used; i++) {
		struct source *source = &sources->source[i];
		/* Looked at first: what comes while we write is written next time. */
		uint64_t received = get(&source->received);
		if (only_changed && received == source->received_written)
			continue;
		source->received_written = received;
		size_t len = write_entry(source, i == SPOOL_SOURCE_OTHERS, entry);
		memcpy(section_add(writer, len), entry, len);
	}
	section_end(writer);
}

/* The numbers of an entry; what a newer version has behind them is passed over. */
static bool read_numbers(struct bytes *entries, unsigned numbers, struct source *source)
{
	uint64_t value, received = 0;
	for (unsigned i = 0; i < numbers; i++) {
		size_t len = varint_read(*entries, &value);
		if (len == 0)
			return false;
		*entries = bytes_after(*entries, len);
		if (i == 0 || i >= ENTRY_NUMBERS)
			received += value;
		if (i == 0)
			atomic_store(&source->stored, value);
		else if (i == 1)
			atomic_store(&source->suspected, value);
		else if (i == 2)
			atomic_store(&source->last_ns, (int64_t)value);
		else if (i - ENTRY_NUMBERS < SPOOL_DROP_REASONS)
			atomic_store(&source->dropped[i - ENTRY_NUMBERS], value);
	}
	atomic_store(&source->received, received);
	source->received_written = received;
	return true;
}

bool ledger_sources_read(struct ledger_sources *sources, struct bytes entries)
{
	while (entries.len >= ENTRY_HEAD_BYTES) {
		bool others = entries.at[0] == ADDRESS_OTHERS;
		size_t address_len = others ? 0 : entries.at[0], hostname_len = entries.at[1];
		unsigned numbers = entries.at[2];
		entries = bytes_after(entries, ENTRY_HEAD_BYTES);
		if ((!others && address_len != SPOOL_ADDRESS_BYTES) || hostname_len > SPOOL_SOURCE_HOSTNAME_MAX_BYTES ||
		    numbers < ENTRY_NUMBERS || address_len + hostname_len > entries.len)
			return false;
		unsigned number = SPOOL_SOURCE_OTHERS;
		/* A segment size that was larger may have left more than `max`; make_room() is for that. */
		if (!others)
			number = find_or_add(sources, entries.at, bytes_of(entries.at + address_len, hostname_len), SPOOL_SOURCES_MAX);
		entries = bytes_after(entries, address_len + hostname_len);
		struct source excess = {0};
		bool has_place = others || number != SPOOL_SOURCE_OTHERS;
		if (!read_numbers(&entries, numbers, has_place ? &sources->source[number] : &excess))
			return false;
	}
	return entries.len == 0;
}
