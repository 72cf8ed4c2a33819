/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 on views of bytes. What a valid character is, <liblog/utf8.h> says, for the whole project. */
#ifndef RELAYD_BASE_UTF8_H
#define RELAYD_BASE_UTF8_H

#include "base/bytes.h"

/* Length 1..4 of the valid character at the start of `text`; 0 if there is none (empty, cut off, or invalid). */
size_t utf8_char_len(struct bytes text);

/* Whether all of `text` is valid UTF-8. */
bool utf8_is_valid(struct bytes text);

/*
 * Where to cut `text` so that at most `limit` octets stay and no character is torn: `limit`, or up to three octets less
 * if a valid character would straddle the border. Octets that are not UTF-8 anyway are cut at `limit`.
 */
size_t utf8_cut(struct bytes text, size_t limit);

#endif
