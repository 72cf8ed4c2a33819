/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload of checkpoints and control blocks: a list of sections, each with a type and a length, so that later
 * versions can add some (spool_format.h).
 */
#ifndef RELAYD_SPOOL_SECTIONS_H
#define RELAYD_SPOOL_SECTIONS_H

#include "base/bytes.h"
#include "spool/spool_format.h"

/* Appends to room that was measured to suffice; running over is an error of ours. */
struct section_writer {
	uint8_t *at;
	size_t len;
	size_t room;
	size_t section; /* where the open section's header is */
};

void section_begin(struct section_writer *writer, enum section_type type);
/* Room for `len` octets of the open section. */
uint8_t *section_add(struct section_writer *writer, size_t len);
/* Sets the open section's length; an empty one is taken back. */
void section_end(struct section_writer *writer);

struct section {
	uint16_t type; /* may be one that is not in enum section_type */
	uint16_t flags;
	struct bytes octets;
};

/* Cuts the first section off `*sections`. False at the end (then it is empty) or if the rest is malformed (it is not). */
bool section_next(struct bytes *sections, struct section *section);

#endif
