/* SPDX-License-Identifier: Apache-2.0 */
/* Text from elsewhere that is shown at a terminal must not steer it. */
#ifndef RELAYD_BASE_PRINTABLE_H
#define RELAYD_BASE_PRINTABLE_H

#include <stdbool.h>

/*
 * Puts '?' in the place of each control octet of a NUL-terminated text: C0, DEL, and as UTF-8 writes them C1, the
 * separators of lines and the characters that turn the direction of writing.
 */
void printable_make(char *text);

/* Whether a text has none of them. */
bool printable_is(const char *text);

#endif
