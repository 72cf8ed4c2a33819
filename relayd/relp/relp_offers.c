/* SPDX-License-Identifier: Apache-2.0 */
#include "relp/relp_offers.h"

#include "base/decimal.h"

enum { VERSION_DIGITS_MAX = 9 };

/* Cuts the part before `separator` (or all of it) from the front of `*rest`, and the separator too. */
static struct bytes take_part(struct bytes *rest, uint8_t separator)
{
	size_t len = bytes_find(*rest, separator);
	struct bytes part = bytes_first(*rest, len);
	*rest = bytes_after(*rest, len < rest->len ? len + 1 : len);
	return part;
}

static void read_commands(struct bytes names, struct relp_offers *out)
{
	out->has_commands = true;
	while (names.len > 0) {
		struct bytes name = take_part(&names, ',');
		out->syslog |= bytes_equal(name, BYTES("syslog"));
		out->block_command |= bytes_equal(name, BYTES("block"));
	}
}

static bool read_version(struct bytes value, struct relp_offers *out)
{
	uint64_t version;
	size_t len = decimal_read(value, VERSION_DIGITS_MAX, &version);
	if (len == 0 || len != value.len)
		return false;
	out->has_version = true;
	out->version = (uint32_t)version;
	return true;
}

bool relp_offers_read(struct bytes data, struct relp_offers *out, const char **reason)
{
	*out = (struct relp_offers){0};
	while (data.len > 0) {
		struct bytes value = take_part(&data, '\n');
		struct bytes name = take_part(&value, '=');
		if (bytes_equal(name, BYTES("relp_version"))) {
			if (!read_version(value, out)) {
				*reason = "relp_version is not a number";
				return false;
			}
		} else if (bytes_equal(name, BYTES("relp_software"))) {
			out->software = value;
		} else if (bytes_equal(name, BYTES("commands"))) {
			read_commands(value, out);
		} else if (bytes_equal(name, BYTES("block"))) {
			out->block = value;
		} else if (bytes_equal(name, BYTES("block_counts"))) {
			out->block_counts = value;
		}
	}
	return true;
}

static size_t put(uint8_t *out, size_t len, struct bytes text)
{
	if (text.len > 0)
		memcpy(out + len, text.at, text.len);
	return len + text.len;
}

size_t relp_offers_write(const struct relp_offers *offers, uint8_t *out)
{
	assert(offers->software.len <= RELP_SOFTWARE_LEN_MAX && bytes_find(offers->software, '\n') == offers->software.len);
	assert(offers->block.len <= RELP_BLOCK_VALUE_LEN_MAX && bytes_find(offers->block, '\n') == offers->block.len);
	assert(offers->block_counts.len <= RELP_BLOCK_COUNTS_LEN_MAX &&
	       bytes_find(offers->block_counts, '\n') == offers->block_counts.len);
	size_t len = put(out, 0, BYTES("relp_version="));
	len += decimal_write(offers->version, out + len);
	if (offers->software.len > 0) {
		len = put(out, len, BYTES("\nrelp_software="));
		len = put(out, len, offers->software);
	}
	if (offers->syslog || offers->block_command) {
		len = put(out, len, BYTES("\ncommands="));
		len = put(out, len, offers->syslog ? BYTES("syslog") : BYTES(""));
		len = put(out, len, offers->syslog && offers->block_command ? BYTES(",") : BYTES(""));
		len = put(out, len, offers->block_command ? BYTES("block") : BYTES(""));
	}
	if (offers->block.len > 0) {
		len = put(out, len, BYTES("\nblock="));
		len = put(out, len, offers->block);
	}
	if (offers->block_counts.len > 0) {
		len = put(out, len, BYTES("\nblock_counts="));
		len = put(out, len, offers->block_counts);
	}
	assert(len <= RELP_OFFERS_LEN_MAX);
	return len;
}
