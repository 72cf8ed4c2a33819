/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks from another relay, on their way into the spool. A block from a peer is hostile until proven (spool-rules.md, rule
 * 33): it is unpacked once, into bounded memory, and every length, offset and count in it is checked; then its octets are
 * queued unchanged. On the worker's thread, as everything of the intake.
 */
#ifndef RELAYD_INTAKE_INTAKE_BLOCKS_H
#define RELAYD_INTAKE_INTAKE_BLOCKS_H

#include "intake/intake.h"
#include "spool/spool_stream.h"

/* Begins a session of a stream: when `*receipt` is stored, spool_stream_look() knows. INTAKE_WAIT: no block for it now. */
enum intake_result intake_fence(struct intake *intake, const struct spool_stream_session *session, uint64_t *receipt);

enum intake_block_result {
	INTAKE_BLOCK_TAKEN = 0,   /* when `*receipt` is stored, spool_stream_look() says whether it may be answered */
	INTAKE_BLOCK_WAIT = 1,    /* nothing taken: no space, no block or no memory; try again after `room`, or a while */
	INTAKE_BLOCK_INVALID = 2, /* nothing taken: `*reason` is a constant sentence */
};

/* Takes one block of the session, after checking all of it. The payload is copied. */
enum intake_block_result intake_take_block(struct intake *intake, struct intake_source *source,
                                           const struct spool_stream_session *session,
                                           const struct spool_stream_block *block, struct bytes payload, uint64_t *receipt,
                                           const char **reason);

#endif
