/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Framing by trailer: reading in each mode, and writing. Octet 0: the mode (bits 0, 1) and whether there is an
 * additional delimiter (bit 2), which is octet 3. Octet 1: the limit. Octet 2: how the stream is split. The rest is the
 * stream.
 */
#include "framer_run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count_lf(struct bytes text)
{
	size_t count = 0;
	for (size_t i = 0; i < text.len; i++)
		count += text.at[i] == '\n';
	return count;
}

/* What is written has one LF, at its end, and everything else as it was. */
static void check_writer(struct bytes message)
{
	uint8_t *out = malloc(message.len + 1);
	FUZZ_CHECK(out != NULL);
	uint64_t replaced = 0;
	size_t len = non_transparent_write(message, ' ', out, &replaced);
	FUZZ_CHECK(len == message.len + 1);
	FUZZ_CHECK(replaced == count_lf(message));
	FUZZ_CHECK(bytes_find(bytes_of(out, len), '\n') == message.len);
	for (size_t i = 0; i < message.len; i++)
		FUZZ_CHECK(out[i] == (message.at[i] == '\n' ? ' ' : message.at[i]));
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum frame_mode modes[] = {FRAME_MODE_AUTO, FRAME_MODE_NON_TRANSPARENT, FRAME_MODE_LOCAL,
	                                        FRAME_MODE_AUTO};
	if (size < 4)
		return 0;
	struct framer_run run = {
		.mode = modes[data[0] & 3],
		.limit = 1 + (size_t)data[1],
		.delimiter = NON_TRANSPARENT_NO_DELIMITER,
	};
	if ((data[0] & 4) != 0 && non_transparent_is_delimiter(data[3]))
		run.delimiter = data[3];
	struct bytes stream = bytes_of(data + 4, size - 4);
	framer_run_compare(&run, stream, data[2]);
	check_writer(stream);
	return 0;
}
