/* SPDX-License-Identifier: Apache-2.0 */
/* Text from elsewhere that is shown at a terminal must not steer it. */
#ifndef RELAYD_BASE_PRINTABLE_H
#define RELAYD_BASE_PRINTABLE_H

#include <stdbool.h>

/* Puts '?' in the place of each control octet (C0, DEL, and C1 as UTF-8 writes it) of a NUL-terminated text. */
void printable_make(char *text);

/* Whether a text has none of them. */
bool printable_is(const char *text);

#endif
