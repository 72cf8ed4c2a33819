/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value of the offer `block`, with which two relays agree to ship whole spool blocks:
 *
 *     client: 1,<stream>,<next sequence>
 *     server: 1,<spool id>,<mark>,<checksum>,<max octets>,<max unpacked>
 *
 * Ids are 32 lower-case hex digits, the checksum 16, the rest decimal. A value that cannot be read, or of another
 * version, means that the session speaks plain `syslog`. The server says in a second offer, `block_counts`, what it counts
 * of the stream, so that the client knows how much is gone when the server's disk was restored:
 *
 *     server: <records stored>,<records lost>
 */
#ifndef RELAYD_RELP_RELP_BLOCK_OFFER_H
#define RELAYD_RELP_RELP_BLOCK_OFFER_H

#include "base/bytes.h"

enum {
	RELP_BLOCK_VERSION = 1,
	RELP_BLOCK_ID_LEN = 16,     /* octets */
	RELP_BLOCK_OFFER_MAX = 160, /* octets of either value as text */
	RELP_BLOCK_COUNTS_MAX = 41, /* octets of `block_counts` as text */
};

/* What the client says: which stream, and the first sequence that it will send of it. */
struct relp_block_request {
	uint8_t stream[RELP_BLOCK_ID_LEN];
	uint64_t next;
};

/* What the server says: who it is, how far it has stored this stream, and its limits. */
struct relp_block_answer {
	uint8_t spool[RELP_BLOCK_ID_LEN];
	uint64_t mark;         /* highest sequence stored of the stream; 0: none */
	uint64_t checksum;     /* of the payload of the block that ended at `mark` */
	uint64_t max_octets;   /* of one `block` command */
	uint64_t max_unpacked; /* of one block */
	/* `block_counts`: */
	uint64_t records;      /* of the stream that it stored */
	uint64_t lost;         /* and that it was told to have lost, with what its disk had */
};

/* Read a value; false if it is malformed or of another version, and then `out` is undefined. */
bool relp_block_request_read(struct bytes value, struct relp_block_request *out);
bool relp_block_answer_read(struct bytes value, struct relp_block_answer *out);
bool relp_block_counts_read(struct bytes value, struct relp_block_answer *out);

/* Write a value to `out` of RELP_BLOCK_OFFER_MAX octets (counts: RELP_BLOCK_COUNTS_MAX); return the length. */
size_t relp_block_request_write(const struct relp_block_request *request, uint8_t *out);
size_t relp_block_answer_write(const struct relp_block_answer *answer, uint8_t *out);
size_t relp_block_counts_write(const struct relp_block_answer *answer, uint8_t *out);

#endif
