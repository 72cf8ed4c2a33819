/* SPDX-License-Identifier: Apache-2.0 */
#include "syslog/parse.h"

#include "base/octets16.h"
#include "base/utf8.h"
#include "syslog/pri.h"
#include "syslog/rfc3164.h"
#include "syslog/rfc5424.h"

enum { VERSION_LEN = 2 }; /* "1 " */

struct bytes parse_trim(struct bytes raw)
{
	size_t len = raw.len;
	if (len > 0 && raw.at[len - 1] > '\n')
		return raw;
	while (len > 0 && (raw.at[len - 1] == '\n' || raw.at[len - 1] == '\0'))
		len--;
	if (len > 0 && len < raw.len && raw.at[len - 1] == '\r')
		len--;
	return bytes_first(raw, len);
}

/* MSG_BOM, LF, CR, NUL, SP before "<"; nothing is skipped if no "<" follows. */
static struct bytes skip_junk(struct bytes text)
{
	struct bytes rest = text;
	for (;;) {
		if (rest.len == 0)
			return text;
		uint8_t octet = rest.at[0];
		if (octet == '<')
			return rest;
		if (octet == '\n' || octet == '\r' || octet == '\0' || octet == ' ')
			rest = bytes_after(rest, 1);
		else if (bytes_start_with(rest, MSG_BOM))
			rest = bytes_after(rest, MSG_BOM.len);
		else
			return text;
	}
}

static unsigned not_plain(octets16 block)
{
	return octets16_mask(block > 0) ^ 0xffff;
}

static octets16 two_blocks_plain(const uint8_t *at)
{
	return (octets16_load(at) > 0) & (octets16_load(at + OCTETS16_BLOCK) > 0);
}

/* Whether all octets are 1..127: most text is such, and so it is UTF-8 without NUL. */
static bool is_plain(struct bytes text)
{
	const ptrdiff_t step = 2 * OCTETS16_BLOCK;
	const uint8_t *at = text.at, *end = at + text.len;
	if (end - at < step)
		return octets16_find(at, end, '\0', not_plain) == end;
	/* The last two blocks may overlap the one before. */
	octets16 plain = two_blocks_plain(end - step);
	for (; end - at > step; at += step)
		plain &= two_blocks_plain(at);
	return octets16_mask(plain) == 0xffff;
}

static uint32_t octet_flags(struct bytes text)
{
	if (is_plain(text))
		return 0;
	bool nul = bytes_find(text, '\0') < text.len;
	return (nul ? MESSAGE_NUL : 0u) | (!utf8_is_valid(text) ? MESSAGE_NOT_UTF8 : 0u);
}

static uint32_t pri_flags(enum pri_outcome outcome)
{
	switch (outcome) {
	case PRI_ABSENT:
		return MESSAGE_PRI_ABSENT;
	case PRI_INVALID:
	case PRI_UNCLOSED:
		return MESSAGE_PRI_INVALID;
	case PRI_EXACT:
	case PRI_TOLERATED:
		break;
	}
	return 0;
}

/*
 * What no way of reading sets always. Field by field: for the struct as a whole compilers take "rep stos", which is slower
 * than all the rest of this file.
 */
static void message_clear(struct message *message)
{
	const struct bytes nothing = {NULL, 0};
	message->hostname = nothing;
	message->app_name = nothing;
	message->procid = nothing;
	message->msgid = nothing;
	message->structured_data = nothing;
}

void parse_message(struct bytes raw, struct parse_context *context, struct message *message)
{
	struct bytes trimmed = parse_trim(raw);
	struct bytes text = skip_junk(trimmed);
	bool junk = text.len != trimmed.len;
	size_t pri_len;
	message_clear(message);
	message->flags = context->is_plain ? 0 : octet_flags(text);
	enum pri_outcome pri = pri_read(text, &message->pri, &pri_len);
	message->flags |= pri_flags(pri);
	if (pri == PRI_UNCLOSED) {
		rfc3164_decode_bare(text, context, message);
		return;
	}
	text = bytes_after(text, pri_len);
	enum rfc5424_outcome outcome = rfc5424_decode(text, context, message);
	if (outcome != RFC5424_READ)
		rfc3164_decode(bytes_after(text, outcome == RFC5424_NO_TIMESTAMP ? VERSION_LEN : 0), context, message);
	else if (junk || pri != PRI_EXACT)
		message->format = MESSAGE_FORMAT_NEAR_RFC5424;
}
