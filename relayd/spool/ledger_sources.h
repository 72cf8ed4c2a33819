/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the spool counts by source, that is by peer address and the HOSTNAME that messages say: records stored, messages
 * dropped by reason, and how many sequenceIds are missing. A bounded table, kept on disk like the rest of the ledger; what
 * has no place in it is summed as "others".
 *
 *     received = stored + sum of dropped, of each source
 *     stored of all inputs = stored of all sources + records whose source is not known
 *     dropped of all inputs = dropped of all sources + drops whose source is not known (the kernel does not say)
 *
 * A source's totals reach the disk once a second, with each new segment and at the end; what a crash loses of that second
 * is then of a source that is not known.
 *
 * Threads: names only ever come, and never change while the spool is open, so anybody may look one up without a lock;
 * only a source that was never seen before takes one. Workers count the records of their own blocks in the block, and
 * the writer adds them up when it writes the block.
 */
#ifndef RELAYD_SPOOL_LEDGER_SOURCES_H
#define RELAYD_SPOOL_LEDGER_SOURCES_H

#include "base/octets16.h"
#include "spool/spool.h"

enum {
	SPOOL_SOURCES_MAX = 1024,          /* with "others" */
	SPOOL_SOURCE_OTHERS = 0,           /* its number */
	SPOOL_ADDRESS_BYTES = 16,          /* IPv6, or IPv4 as ::ffff:a.b.c.d; zeros for local peers */
	SPOOL_SOURCE_HOSTNAME_MAX_BYTES = 64, /* what a longer one has behind is not looked at */
};

struct spool_source_name {
	uint8_t address[SPOOL_ADDRESS_BYTES];
	uint8_t hostname_len;
	uint8_t hostname[SPOOL_SOURCE_HOSTNAME_MAX_BYTES];
};

struct spool_source_totals {
	uint64_t received;
	uint64_t stored;
	uint64_t suspected;  /* numbers missing between sequenceIds: nobody knows that these were messages */
	int64_t last_ns;     /* wall clock of the block that its newest record is in; 0: none */
	uint64_t dropped[SPOOL_DROP_REASONS];
};

/* The number of the source; SPOOL_SOURCE_OTHERS if there is no place for it. Takes no lock if it has one. Any thread. */
unsigned spool_source_find(struct spool *spool, const uint8_t *address, struct bytes hostname);

/* Its name, for as long as the spool is open; that of "others" is no other's. From any thread. */
const struct spool_source_name *spool_source_name(const struct spool *spool, unsigned source);

/* Whether the name is that of this address and this hostname. */
static inline bool spool_source_name_is(const struct spool_source_name *name, const uint8_t *address,
                                        struct bytes hostname)
{
	hostname = bytes_first(hostname, SPOOL_SOURCE_HOSTNAME_MAX_BYTES);
	return name->hostname_len == hostname.len && octets16_equal(name->address, address, SPOOL_ADDRESS_BYTES) &&
	       octets16_equal(name->hostname, hostname.at, hostname.len);
}

/* Says that `count` of the block's records are of this source. By the worker that fills the block. */
void spool_block_count_source(struct spool_block *block, unsigned source, uint32_t count);

/* Counts dropped messages of a source, besides spool_count_drop(); or missing sequenceIds. From any thread. */
void spool_source_count_drop(struct spool *spool, unsigned source, enum spool_drop_reason reason, uint64_t count);
void spool_source_count_suspected(struct spool *spool, unsigned source, uint64_t count);

/* How many numbers are in use: 0 .. count - 1. From any thread. */
unsigned spool_source_count(const struct spool *spool);
/* Received is never less than stored and dropped together. From any thread. */
void spool_source_totals(const struct spool *spool, unsigned source, struct spool_source_totals *totals);

/* The spool's own sums: stored of all inputs + unattributed + unused = appended. */
struct spool_sums {
	uint64_t unattributed; /* records whose input is not known: their blocks were damaged */
	uint64_t unused;       /* sequences passed over: never given to a record */
	uint64_t damaged;      /* sequences lost on the disk */
	uint64_t released;     /* sequences whose segments were given back */
	unsigned inputs;       /* names known: indexes 0 .. inputs - 1 */
};
void spool_sums(const struct spool *spool, struct spool_sums *sums);

/* ---- for the ledger and the writer ---- */

struct ledger_sources;
struct section_writer;

/* How many sources a segment of this size leaves room for: a checkpoint with all of them takes a 32nd of it at most. */
unsigned ledger_sources_max(uint32_t segment_size_bytes);

/* A table for `max` sources. NULL if memory is short. */
struct ledger_sources *ledger_sources_new(unsigned max);
void ledger_sources_free(struct ledger_sources **sources);

/* Back to nothing known, or down to the half of `max` if it is nearly full: those silent the longest become "others".
 * Both only while one thread has the table. */
void ledger_sources_clear(struct ledger_sources *sources);
void ledger_sources_make_room(struct ledger_sources *sources);

/* One block's records by source; their memory is that of ledger_tallies_new(). */
struct source_tally {
	unsigned used;
	uint16_t source[SPOOL_SOURCES_MAX];
	uint32_t count[SPOOL_SOURCES_MAX]; /* by source's number */
};

/* By the writer: adds what the tally says and empties it. `received_ns` is the block's time. */
void ledger_sources_count(struct ledger_sources *sources, struct source_tally *tally, int64_t received_ns);

/* Octets of the section with `max` sources at the most. */
size_t ledger_sources_bytes_max(unsigned max);

/* Writes SECTION_SOURCES: all, or those that changed since they were written. By the writer. */
void ledger_sources_write(struct ledger_sources *sources, struct section_writer *writer, bool only_changed);

/* Takes over what a section says. False if it is malformed. */
bool ledger_sources_read(struct ledger_sources *sources, struct bytes entries);

/* The table's functions behind those of the spool. */
unsigned ledger_sources_find(struct ledger_sources *sources, const uint8_t *address, struct bytes hostname);
void ledger_sources_count_drop(struct ledger_sources *sources, unsigned source, enum spool_drop_reason reason,
                               uint64_t count);
void ledger_sources_count_suspected(struct ledger_sources *sources, unsigned source, uint64_t count);
unsigned ledger_sources_used(const struct ledger_sources *sources);
const struct spool_source_name *ledger_sources_name(const struct ledger_sources *sources, unsigned source);
void ledger_sources_totals(const struct ledger_sources *sources, unsigned source, struct spool_source_totals *totals);

#endif
