/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receiving datagrams in batches: UDP (recvmmsg, kernel time stamps, drop counter) and Unix datagrams with credentials.
 * The batch's memory is one arena, made once per worker.
 */
#ifndef RELAYD_NET_DATAGRAM_H
#define RELAYD_NET_DATAGRAM_H

#include "base/bytes.h"
#include "net/address.h"

enum { DATAGRAM_BATCH_MAX = 64, DATAGRAM_MAX_BYTES = 65536 };

struct datagram {
	struct bytes bytes;
	struct address from; /* unset (len 0) for local sockets */
	int64_t received_ns; /* the kernel's wall time, or 0 if it gave none */
	bool truncated;      /* the kernel cut it (MSG_TRUNC) */
	bool has_credentials;
	uint32_t pid, uid, gid;
};

struct datagram_batch;

/* Memory for batches; NULL if it is short. */
struct datagram_batch *datagram_batch_open(void);
void datagram_batch_close(struct datagram_batch **batch);

/*
 * Receives up to DATAGRAM_BATCH_MAX datagrams that are there now. Returns how many (they live in the batch until the
 * next call), 0 if there are none, -1 with errno on an error of the socket.
 */
int datagram_receive(struct datagram_batch *batch, int fd, const struct datagram **datagrams);

#endif
