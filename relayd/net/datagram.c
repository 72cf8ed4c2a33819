/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One recvmmsg() for as many datagrams as are there. The arena is large (so many times the largest datagram), but pages
 * that no datagram has touched take no memory, and most touch one.
 */
#include "net/datagram.h"

#include "base/clock.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	DESCRIPTORS_SEEN_MAX = 1, /* room for a control message with descriptors; the kernel closes those beyond it */
	CONTROL_BYTES = CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(struct ucred)) +
					CMSG_SPACE(DESCRIPTORS_SEEN_MAX * sizeof(int)) + CMSG_SPACE(sizeof(int)),
};

/* The alignment that control messages need. */
union control {
	struct cmsghdr header;
	uint8_t bytes[CONTROL_BYTES];
};

struct datagram_batch {
	struct mmsghdr messages[DATAGRAM_BATCH_MAX];
	struct iovec pieces[DATAGRAM_BATCH_MAX];
	union control controls[DATAGRAM_BATCH_MAX];
	struct datagram datagrams[DATAGRAM_BATCH_MAX];
	unsigned most; /* how many slots are in use at all */
	unsigned used; /* how many the last call received */
	uint8_t *arena;
};

/* Makes a slot ready again: the kernel wrote the lengths that it used over those that it may use. */
static void prepare_slot(struct datagram_batch *batch, unsigned i)
{
	struct msghdr *header = &batch->messages[i].msg_hdr;
	header->msg_namelen = sizeof(batch->datagrams[i].from.sa);
	header->msg_controllen = sizeof(batch->controls[i]);
}

static void init_slot(struct datagram_batch *batch, unsigned i)
{
	batch->pieces[i] = (struct iovec){batch->arena + (size_t)i * DATAGRAM_MAX_BYTES, DATAGRAM_MAX_BYTES};
	batch->messages[i].msg_hdr = (struct msghdr){
		.msg_name = &batch->datagrams[i].from.sa,
		.msg_iov = &batch->pieces[i],
		.msg_iovlen = 1,
		.msg_control = &batch->controls[i],
	};
	prepare_slot(batch, i);
}

struct datagram_batch *datagram_batch_open(unsigned most)
{
	assert(most > 0 && most <= DATAGRAM_BATCH_MAX);
	struct datagram_batch *batch = calloc(1, sizeof(*batch));
	if (batch == NULL)
		return NULL;
	batch->most = most;
	batch->arena = malloc((size_t)most * DATAGRAM_MAX_BYTES);
	if (batch->arena == NULL) {
		free(batch);
		return NULL;
	}
	for (unsigned i = 0; i < most; i++)
		init_slot(batch, i);
	return batch;
}

void datagram_batch_close(struct datagram_batch **batch)
{
	if (*batch == NULL)
		return;
	free((*batch)->arena);
	free(*batch);
	*batch = NULL;
}

/* Nobody asked for descriptors: any local sender could fill our table with them. */
static void close_descriptors(const struct cmsghdr *control)
{
	size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (size_t i = 0; i < count; i++) {
		int fd;
		memcpy(&fd, CMSG_DATA(control) + i * sizeof(fd), sizeof(fd));
		close(fd);
	}
}

/* The length that the kernel gave; one that makes no sense leaves the datagram whole. */
static void read_segment_bytes(struct datagram *datagram, const struct cmsghdr *control)
{
	int segment_bytes;
	memcpy(&segment_bytes, CMSG_DATA(control), sizeof(segment_bytes));
	datagram->segment_bytes = segment_bytes > 0 ? (size_t)segment_bytes : 0;
}

static void read_control(struct datagram *datagram, const struct cmsghdr *control)
{
	if (control->cmsg_level == SOL_UDP && control->cmsg_type == UDP_GRO)
		read_segment_bytes(datagram, control);
	if (control->cmsg_level != SOL_SOCKET)
		return;
	if (control->cmsg_type == SCM_TIMESTAMPNS) {
		struct timespec time;
		memcpy(&time, CMSG_DATA(control), sizeof(time));
		datagram->received_ns = (int64_t)time.tv_sec * CLOCK_NS_PER_SECOND + time.tv_nsec;
	} else if (control->cmsg_type == SCM_CREDENTIALS) {
		struct ucred credentials;
		memcpy(&credentials, CMSG_DATA(control), sizeof(credentials));
		datagram->has_credentials = true;
		datagram->pid = (uint32_t)credentials.pid;
		datagram->uid = credentials.uid;
		datagram->gid = credentials.gid;
	} else if (control->cmsg_type == SCM_RIGHTS) {
		close_descriptors(control);
	}
}

static void read_slot(struct datagram_batch *batch, unsigned i)
{
	struct datagram *datagram = &batch->datagrams[i];
	struct msghdr *header = &batch->messages[i].msg_hdr;
	datagram->bytes = bytes_of(batch->pieces[i].iov_base, batch->messages[i].msg_len);
	bool is_local = header->msg_namelen == 0 || datagram->from.sa.any.sa_family == AF_UNIX;
	datagram->from.len = is_local ? 0 : header->msg_namelen;
	datagram->truncated = (header->msg_flags & MSG_TRUNC) != 0;
	datagram->segment_bytes = 0;
	datagram->received_ns = 0;
	datagram->has_credentials = false;
	datagram->pid = datagram->uid = datagram->gid = 0;
	for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL; control = CMSG_NXTHDR(header, control))
		read_control(datagram, control);
}

int datagram_receive(struct datagram_batch *batch, int fd, const struct datagram **datagrams)
{
	for (unsigned i = 0; i < batch->used; i++)
		prepare_slot(batch, i);
	batch->used = 0;
	int received;
	do {
		received = recvmmsg(fd, batch->messages, batch->most, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
	} while (received < 0 && errno == EINTR);
	if (received < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
	batch->used = (unsigned)received;
	for (unsigned i = 0; i < batch->used; i++)
		read_slot(batch, i);
	*datagrams = batch->datagrams;
	return received;
}

struct bytes datagram_next(const struct datagram *datagram, struct bytes *rest)
{
	struct bytes first = datagram->segment_bytes > 0 ? bytes_first(*rest, datagram->segment_bytes) : *rest;
	*rest = bytes_after(*rest, first.len);
	return first;
}
