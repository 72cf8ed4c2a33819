/* SPDX-License-Identifier: Apache-2.0 */
/* The structured_data member of a message's JSON line. */
#ifndef RELAYD_SYSLOG_JSON_STRUCTURED_DATA_H
#define RELAYD_SYSLOG_JSON_STRUCTURED_DATA_H

#include "base/bytes.h"

struct slog_line;

/*
 * Appends the value for STRUCTURED-DATA, an object. `repeated` says that an SD-ID occurs more than once; its elements
 * then are a list in the place of the first one.
 */
void json_put_structured_data(struct slog_line *line, struct bytes structured_data, bool repeated);

#endif
