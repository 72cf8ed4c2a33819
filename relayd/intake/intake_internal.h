/* SPDX-License-Identifier: Apache-2.0 */
/* The intake's own struct, for intake.c (messages) and intake_blocks.c (blocks of other relays). */
#ifndef RELAYD_INTAKE_INTAKE_INTERNAL_H
#define RELAYD_INTAKE_INTAKE_INTERNAL_H

#include "intake/intake.h"
#include "intake/sequence_gaps.h"
#include "intake/source_memo.h"

struct ZSTD_DCtx_s;

struct intake {
	struct spool *spool;
	unsigned worker;
	uint64_t submitted;  /* ordinal of the last block handed over */
	uint64_t told;       /* ordinal that the sources know to be stored */
	uint64_t open_count; /* length of `open` */
	struct sequence_gaps gaps;
	struct source_memo sources_memo;
	struct ZSTD_DCtx_s *unpacker; /* intake_blocks.c; NULL: no block has come yet */
	uint8_t *unpacked;
	size_t unpacked_size;
	struct list open;    /* sources with a block, in the order in which the blocks were taken */
	struct list sources;
};

/* The number of the ledger's source with this address and HOSTNAME. */
static inline unsigned intake_source_of(struct intake *intake, const struct peer *peer, struct bytes hostname)
{
	return source_memo_find(&intake->sources_memo, intake->spool, peer->address, hostname);
}

#endif
