/* SPDX-License-Identifier: Apache-2.0 */
/* Paragraphs for a terminal. */
#ifndef RELAYD_CONFIG_WRAP_H
#define RELAYD_CONFIG_WRAP_H

#include <stdio.h>

enum { WRAP_COLUMNS = 96 };

/* Prints `text` in lines of at most WRAP_COLUMNS that begin with `indent` spaces; words that are longer stay whole. */
void wrap_print(FILE *out, unsigned indent, const char *text);

#endif
