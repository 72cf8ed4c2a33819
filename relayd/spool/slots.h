/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of slots, in which cursors and the operator's rules lie (spool_format.h): two slots for each thing, overwritten in
 * place, never the one that was synced last, so that at every moment one of the two is whole on the disk (rule 19). Here is
 * what all slots have: the head, the checksum, which of two holds, and how their file comes to be.
 */
#ifndef RELAYD_SPOOL_SLOTS_H
#define RELAYD_SPOOL_SLOTS_H

#include "spool/spool_format.h"

#include <stddef.h>
#include <stdint.h>

struct spool;

enum {
	SLOT_CHECKSUM_AT = SLOT_BYTES - 8,
};

enum slot_result {
	SLOT_VALID = 0,
	SLOT_FREE = 1,
	SLOT_DAMAGED = 2,
	SLOT_NEWER = 3, /* a higher major version wrote it */
};

/* Zeros, and the head: whose slot it is, the length of its text, and the counter. `slot` has SLOT_BYTES. */
void slot_begin(uint8_t *slot, uint32_t magic, size_t text_len, uint64_t counter);

/* The checksum, seeded with the spool's id: a slot from another spool's file, copied by mistake, is none of ours. */
void slot_end(uint8_t *slot, const uint8_t *spool_id);

/* Looks at what slot_begin() and slot_end() wrote. Of a valid one the rest still has to be looked at. */
enum slot_result slot_check(const uint8_t *slot, uint32_t magic, const uint8_t *spool_id);

size_t slot_text_len(const uint8_t *slot);
uint64_t slot_counter(const uint8_t *slot);

/*
 * Which of two neighbours holds, 0 or 1: of two valid ones that with the higher counter. `found` is what each is; if neither
 * is valid it is 1.
 */
unsigned slots_holding(const uint8_t *slots, const enum slot_result found[2]);

/*
 * Makes the file of that name: written in full, as given, because a file system must have nothing left to allocate when a
 * slot is written; then synced, and renamed to its name from "<name>.new". `give` is called with its handle before that, if
 * it is to be somebody else's: so it never has its name and the wrong owner; NULL: it stays ours. A handle for writing, or a
 * negative errno.
 */
int slots_make_file(const struct spool *spool, const char *name, const uint8_t *content, size_t len,
                    int (*give)(const struct spool *spool, int file));

#endif
