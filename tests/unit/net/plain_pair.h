/* SPDX-License-Identifier: Apache-2.0 */
/* A worker and two ends of a TCP connection over loopback, for tests of plain streams. */
#ifndef TESTS_UNIT_NET_PLAIN_PAIR_H
#define TESTS_UNIT_NET_PLAIN_PAIR_H

#include "tester.h"

static struct worker *worker;
static int fds[2]; /* [0] is the stream's end, [1] the test's */

static inline void set_up(void)
{
	worker = worker_start("stream");
	ck_assert_ptr_nonnull(worker);
	tester_tcp_pair(fds);
}

static inline void tear_down(void)
{
	if (fds[1] >= 0)
		close(fds[1]);
	worker_stop(&worker);
}

static inline void close_peer(void)
{
	close(fds[1]);
	fds[1] = -1;
}

static inline void reset_peer(void)
{
	tester_reset(fds[1]);
	fds[1] = -1;
}

#endif
