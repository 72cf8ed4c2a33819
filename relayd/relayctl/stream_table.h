/* SPDX-License-Identifier: Apache-2.0 */
/* The document of `relayctl stream` for people. */
#ifndef RELAYD_RELAYCTL_STREAM_TABLE_H
#define RELAYD_RELAYCTL_STREAM_TABLE_H

#include <stdio.h>

#include "config/json_tree.h"

void stream_table_print(const struct json_value *document, FILE *out);

#endif
