/* SPDX-License-Identifier: Apache-2.0 */
/* Paragraphs of limited width. */
#ifndef RELAYD_CONFIG_WRAP_H
#define RELAYD_CONFIG_WRAP_H

#include <stdio.h>

/* Prints `text` in lines of at most `columns` that begin with `indent` spaces; words that are longer stay whole. */
void wrap_print(FILE *out, unsigned indent, unsigned columns, const char *text);

#endif
