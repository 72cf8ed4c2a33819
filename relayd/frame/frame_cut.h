/* SPDX-License-Identifier: Apache-2.0 */
/* How a message over the limit is cut; the one place for it, for all framings and RELP. */
#ifndef RELAYD_FRAME_FRAME_CUT_H
#define RELAYD_FRAME_FRAME_CUT_H

#include "base/bytes.h"
#include "base/utf8.h"

/*
 * A reader waits for this many octets behind the limit before it cuts: a UTF-8 character that straddles the border ends
 * within them. So where a message is cut does not depend on how its octets arrived.
 */
enum { FRAME_CUT_LOOKAHEAD = 3 };

/* Cuts `*text` to at most `limit` octets at a UTF-8 border. Whether it had to. */
static inline bool frame_cut(struct bytes *text, size_t limit)
{
	if (text->len <= limit)
		return false;
	text->len = utf8_cut(*text, limit);
	return true;
}

#endif
