/* SPDX-License-Identifier: Apache-2.0 */
/* Fixed-width little-endian loads and stores at any alignment: what our files use on every machine. */
#ifndef RELAYD_BASE_LITTLE_ENDIAN_H
#define RELAYD_BASE_LITTLE_ENDIAN_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t le16_load(const uint8_t *at)
{
	uint16_t value;
	memcpy(&value, at, sizeof value);
	return le16toh(value);
}

static inline uint32_t le32_load(const uint8_t *at)
{
	uint32_t value;
	memcpy(&value, at, sizeof value);
	return le32toh(value);
}

static inline uint64_t le64_load(const uint8_t *at)
{
	uint64_t value;
	memcpy(&value, at, sizeof value);
	return le64toh(value);
}

static inline void le16_store(uint8_t *at, uint16_t value)
{
	value = htole16(value);
	memcpy(at, &value, sizeof value);
}

static inline void le32_store(uint8_t *at, uint32_t value)
{
	value = htole32(value);
	memcpy(at, &value, sizeof value);
}

static inline void le64_store(uint8_t *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof value);
}

#endif
