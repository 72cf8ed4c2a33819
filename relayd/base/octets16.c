/* SPDX-License-Identifier: Apache-2.0 */
#include "base/octets16.h"

#include <assert.h>

octets16 octets16_load_short(const uint8_t *at, const uint8_t *end, uint8_t filler)
{
	octets16 block;
	assert(end - at < OCTETS16_BLOCK);
	memset(&block, filler, sizeof block);
	if (at < end)
		memcpy(&block, at, (size_t)(end - at));
	return block;
}
