/* SPDX-License-Identifier: Apache-2.0 */
/* Between input_relp.c (sessions and their messages) and relp_blocks.c (streams of other relays). */
#ifndef RELAYD_INPUT_RELP_CONNECTION_H
#define RELAYD_INPUT_RELP_CONNECTION_H

#include "input/connection.h"
#include "relp/relp_server.h"

enum {
	RELP_PENDING_MAX = 4096,   /* messages of one connection that are not answered; beyond it is not read */
	RELP_RECEIPTS_MAX = 64,    /* blocks that these lie in */
};

/* All messages of a connection up to `txnr` are stored when the block `ordinal` is. */
struct relp_receipt {
	uint64_t ordinal;
	uint32_t txnr;
};

/* The stream that a connection carries. */
struct relp_stream {
	struct spool_stream_session session; /* number 0: none; messages only */
	uint64_t fence;                      /* ordinal of the fence whose storing is awaited; 0: none */
	unsigned taken;                      /* blocks of the command at hand that were taken before there was no room */
	uint64_t last_receipt;               /* of these */
	uint64_t next;                       /* where the client says that it goes on */
};

struct relp_connection {
	struct connection connection;
	struct relp_server session;
	struct relp_stream stream;
	struct relp_receipt receipts[RELP_RECEIPTS_MAX]; /* a ring, ordinals ascending */
	unsigned first;
	unsigned count;
};

/* ---- relp_blocks.c ---- */

/*
 * The client has opened the session with these offers. False: there is no room for its fence now, and nothing was done.
 * If it gets blocks, the answer to `open` is held until relp_blocks_stored() knows what to say.
 */
bool relp_blocks_open(struct relp_connection *relp, const struct relp_offers *offers);

enum relp_blocks_result {
	RELP_BLOCKS_TAKEN = 0,   /* all of the command; `*receipt` is that of its last block */
	RELP_BLOCKS_WAIT = 1,    /* no room: the command is to be presented again */
	RELP_BLOCKS_REFUSED = 2, /* reported; the session ends with the answer 500, behind those that are still owed */
	RELP_BLOCKS_INVALID = 3, /* reported; but some was taken: the session is to end without an answer to it */
};

/* Takes the blocks of one command. */
enum relp_blocks_result relp_blocks_take(struct relp_connection *relp, struct bytes data, uint64_t *receipt);

/* The client says how many records of its stream are lost, in all. */
void relp_blocks_note_lost(struct relp_connection *relp, uint64_t records);

/* The connection is closed. */
void relp_blocks_closed(struct relp_connection *relp);

/*
 * Everything up to `ordinal` is stored: answers `open`, if its fence is. False if the stream was lost to another session, or
 * ended by the writer: then nothing more may be answered.
 */
bool relp_blocks_stored(struct relp_connection *relp, uint64_t ordinal);

#endif
