/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the relay knows about a message, and where its fields are: packed in front of the raw bytes in each record of
 * the spool, so that outputs and filters never parse again (design: the envelope). It is compact: in one block, times
 * are written as differences and a peer that was seen before is one number. So a block's records are packed, and later
 * unpacked, in order through one context each.
 */
#ifndef RELAYD_SYSLOG_ENVELOPE_H
#define RELAYD_SYSLOG_ENVELOPE_H

#include "syslog/message.h"

/* Over what a message came in. Stored in records: values never change. */
enum transport {
	TRANSPORT_INTERNAL = 0, /* the relay's own messages */
	TRANSPORT_UDP = 1,
	TRANSPORT_TCP = 2,
	TRANSPORT_TLS = 3,
	TRANSPORT_RELP = 4,
	TRANSPORT_RELP_TLS = 5,
	TRANSPORT_UNIX_DATAGRAM = 6,
	TRANSPORT_UNIX_STREAM = 7,
	TRANSPORT_RELP_UNIX = 8,
	TRANSPORTS = 9,
};

/* "udp", "relp-tls" and so on: the word of logs, JSON and the stamp. */
const char *transport_name(enum transport transport);

/* Who sent it, as far as the relay itself could see. */
struct peer {
	uint8_t address[16]; /* IPv6, or IPv4 as ::ffff:a.b.c.d; all zero for local sockets */
	uint16_t port;       /* 0 for local sockets */
	uint8_t transport;   /* enum transport */
	uint8_t has_credentials;
	uint32_t pid, uid, gid; /* from SCM_CREDENTIALS or SO_PEERCRED, if has_credentials */
};

/* One message with everything that is known of it. */
struct envelope {
	int64_t received_ns; /* wall clock */
	struct peer peer;
	uint16_t input;         /* index of the input's name in the spool's table of inputs */
	struct bytes raw;       /* as received, without the transport's framing; possibly cut, see MESSAGE_TRUNCATED */
	struct message message; /* views into raw */
};

enum {
	ENVELOPE_PEERS_MAX = 64,         /* peers that one block's context remembers */
	ENVELOPE_PACKED_MAX_BYTES = 160, /* packed size without raw */
};

/* The running state of one block, for packing or for unpacking. Start each block with envelope_context_start(). */
struct envelope_context {
	int64_t last_received_ns;
	unsigned peers;     /* that were written in full; the slot of the next one is this modulo ENVELOPE_PEERS_MAX */
	unsigned last_slot; /* of the record before: looked at first */
	struct peer peer[ENVELOPE_PEERS_MAX];
};

/* `base_ns` is the receive time that the block's header carries: the first record's difference counts from it. */
void envelope_context_start(struct envelope_context *context, int64_t base_ns);

/*
 * Packs the envelope without `raw`'s octets, which the caller puts right behind. `out` has ENVELOPE_PACKED_MAX_BYTES of
 * room. Returns the packed length. All views of the message must lie within raw, which is shorter than 4 GiB; parts may
 * share octets, but their lengths together are at most twice raw's.
 */
size_t envelope_pack(struct envelope_context *context, const struct envelope *envelope, uint8_t *out);

/*
 * Unpacks one record, that is packed envelope and raw octets up to the end of `record`. The result's views point into
 * `record`. False if the record is malformed (it may come from another relay or a damaged disk): every offset is
 * checked, nothing is read outside of it.
 */
bool envelope_unpack(struct envelope_context *context, struct bytes record, struct envelope *envelope);

/*
 * Where the raw octets of a record are, for a message that goes on as it was received: less than half of unpacking.
 * The context is left as by envelope_unpack(), so both may take turns. False, and nothing has changed: its format is not
 * in the set `formats`, it came without a valid PRI, it is packed in one of the rare ways (the first of its peer in the
 * block, very short, or with long numbers), or it is malformed: envelope_unpack() knows. The fields are not checked, as
 * nobody reads them here; the intake has checked those of another relay's records.
 */
bool envelope_skim(struct envelope_context *context, struct bytes record, unsigned formats, struct bytes *raw);

/* What a message is counted by. */
struct envelope_source {
	struct peer peer;
	struct bytes hostname; /* points into the record */
};

/*
 * Whether envelope_unpack() takes the record, for who needs no more of it than its source: the same is checked, in fewer
 * instructions. The context is left as by envelope_unpack().
 */
bool envelope_prove(struct envelope_context *context, struct bytes record, struct envelope_source *source);

#endif
