/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger as tables for people, and a hop as sentences. */
#ifndef RELAYD_RELAYCTL_LEDGER_TABLE_H
#define RELAYD_RELAYCTL_LEDGER_TABLE_H

#include "relayctl/ledger_check.h"

void ledger_table_print(const struct json_value *ledger, FILE *out);

/* The hop in one line, and the hosts that both ends count differently. */
void ledger_hop_print(const struct ledger_hop *hop, const struct json_value *from, const struct json_value *to, FILE *out);

/* The same as one line of JSON. */
void ledger_hop_print_json(const struct ledger_hop *hop, FILE *out);

#endif
