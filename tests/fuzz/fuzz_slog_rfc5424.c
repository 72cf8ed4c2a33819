/* SPDX-License-Identifier: Apache-2.0 */
/* liblog's reader of RFC 5424 messages; see fuzz/slog_checks.h for what must hold. */
#include "fuzz/slog_checks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	slog_check_text(slog_read_rfc5424, data, size);
	return 0;
}
