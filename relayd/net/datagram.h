/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receiving datagrams in batches: UDP (recvmmsg, kernel time stamps, drop counter) and Unix datagrams with credentials.
 * The batch's memory is one arena, made once per worker.
 */
#ifndef RELAYD_NET_DATAGRAM_H
#define RELAYD_NET_DATAGRAM_H

#include "base/bytes.h"
#include "net/address.h"

enum {
	DATAGRAM_BATCH_MAX = 64,
	DATAGRAM_MAX_BYTES = 65536,     /* and no aggregate is longer */
	DATAGRAM_AGGREGATE_MAX = 128,   /* datagrams in one (the kernel's UDP_MAX_SEGMENTS; 64 if it put them together itself) */
};

/* One datagram, or an aggregate: several of one sender, side by side, that the kernel gave as one (UDP_GRO). */
struct datagram {
	struct bytes bytes;
	size_t segment_bytes; /* of an aggregate: how long each of its datagrams is, the last may be shorter; else 0 */
	struct address from; /* unset (len 0) for local sockets */
	int64_t received_ns; /* the kernel's wall time, or 0 if it gave none */
	bool truncated;      /* the kernel cut it (MSG_TRUNC) */
	bool has_credentials;
	uint32_t pid, uid, gid;
};

struct datagram_batch;

/* Memory for batches of up to `most` datagrams or aggregates, 1 to DATAGRAM_BATCH_MAX; NULL if it is short. */
struct datagram_batch *datagram_batch_open(unsigned most);
void datagram_batch_close(struct datagram_batch **batch);

/*
 * Receives up to `most` datagrams (or aggregates, each of which is one here) that are there now. Returns how many (they
 * live in the batch until the next call), 0 if there are none, -1 with errno on an error of the socket.
 */
int datagram_receive(struct datagram_batch *batch, int fd, const struct datagram **datagrams);

/*
 * Cuts the next datagram off the front of `rest`, which begins as the bytes of `datagram`: all of it if that is no
 * aggregate. When `rest` is empty, that was the last; a datagram of no octets is one. Pure.
 */
struct bytes datagram_next(const struct datagram *datagram, struct bytes *rest);

#endif
