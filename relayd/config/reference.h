/* SPDX-License-Identifier: Apache-2.0 */
/* The reference of all options, printed from the rows that the reader walks: it cannot tell another story. */
#ifndef RELAYD_CONFIG_REFERENCE_H
#define RELAYD_CONFIG_REFERENCE_H

#include <stdio.h>

enum reference_form {
	REFERENCE_TEXT = 0, /* for a terminal: relayd --options */
	REFERENCE_MDOC = 1, /* the option part of relayd.conf(5): relayd --options=mdoc */
};

/* Prints the top level, then every input and output driver. */
void reference_print(FILE *out, enum reference_form form);

#endif
