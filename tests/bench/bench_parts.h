/* SPDX-License-Identifier: Apache-2.0 */
/* What bench_parts.c and the parts in files of their own have of each other. */
#pragma once

#include "base/bytes.h"

/* Says what went wrong, and ends the program. */
_Noreturn void die(const char *what);

/* The part tls/send (parts_tls.c): sends that many messages, these in turn. */
void send_over_tls(const struct bytes *messages, unsigned messages_count, uint64_t count);
