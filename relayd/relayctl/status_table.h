/* SPDX-License-Identifier: Apache-2.0 */
/* The status document as tables for people. */
#ifndef RELAYD_RELAYCTL_STATUS_TABLE_H
#define RELAYD_RELAYCTL_STATUS_TABLE_H

#include <stdio.h>

#include "base/bytes.h"

/* Prints the JSON document that relayd answered with. False, and nothing printed, if it is not one. */
bool status_table_print(struct bytes document, FILE *out);

#endif
