/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Octet counting, forced and found. Octet 0: the mode (bit 0). Octet 1: the limit. Octet 2: how the stream is split.
 * The rest is the stream.
 */
#include "framer_run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 3)
		return 0;
	struct framer_run run = {
		.mode = (data[0] & 1) != 0 ? FRAME_MODE_OCTET_COUNTING : FRAME_MODE_AUTO,
		.limit = 1 + (size_t)data[1],
		.delimiter = NON_TRANSPARENT_NO_DELIMITER,
	};
	framer_run_compare(&run, bytes_of(data + 3, size - 3), data[2]);
	return 0;
}
