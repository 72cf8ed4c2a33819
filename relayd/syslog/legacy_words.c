/* SPDX-License-Identifier: Apache-2.0 */
#include "syslog/legacy_words.h"

#include "base/decimal.h"
#include "base/octets16.h"
#include "syslog/rfc3164.h"

enum {
	PROCURVE_EVENT_DIGITS = 5,
	IPV6_LEN_MAX = 64, /* with brackets and scope */
	IPV6_GROUP_MAX = 4,
	MNEMONIC_LEN_MAX = 128,
};

/* 0..32 and 127. */
static octets16 no_graph(octets16 block)
{
	return (octets16)((octets16_unsigned)block <= ' ') | (block == 127);
}

/* Not in HOSTNAME: what is neither letter nor digit nor "#", "-", ".", "/", "@", "_". */
static unsigned not_host(octets16 block)
{
	octets16_unsigned octets = (octets16_unsigned)block;
	octets16 letter = (octets16)((octets16_unsigned)((octets | 0x20) - 'a') < 26);
	octets16 digit = (octets16)((octets16_unsigned)(octets - '-') <= '9' - '-'); /* and "-", ".", "/" */
	return octets16_mask(~(letter | digit | (block == '#') | (block == '@') | (block == '_')));
}

/* Not in TAG. A word with a comma, "=", a quote or "{" is a list, key=value or JSON; ":" and "[" end a TAG. */
static unsigned not_tag(octets16 block)
{
	return octets16_mask(no_graph(block) | (block == '"') | (block == ',') | (block == ':') | (block == '=') |
						 ((block | 0x20) == '{'));
}

/* Not between the brackets of a TAG, or what may end them. */
static unsigned not_procid(octets16 block)
{
	return octets16_mask(no_graph(block) | (block == ']'));
}

static size_t host_len(struct bytes text)
{
	return (size_t)(octets16_find(text.at, text.at + text.len, ' ', not_host) - text.at);
}

static size_t tag_len(struct bytes text)
{
	return (size_t)(octets16_find(text.at, text.at + text.len, ' ', not_tag) - text.at);
}

static bool ends_at(struct bytes text, size_t at)
{
	return at == text.len || text.at[at] == ' ';
}

static bool is_repeat_notice(struct bytes text)
{
	return bytes_start_with(text, BYTES("last message repeated "));
}

size_t legacy_hostname_len(struct bytes text)
{
	size_t len = host_len(text);
	return len <= RFC3164_HOSTNAME_MAX_BYTES ? len : 0;
}

static bool is_hex(uint8_t octet)
{
	return decimal_is_digit(octet) || (uint8_t)((octet | 0x20) - 'a') < 6;
}

/* Hexadecimal groups of at most four digits with at least two ":", perhaps with an IPv4 tail or a scope. */
static bool is_ipv6(struct bytes text)
{
	size_t colons = 0, group = 0, at = 0;
	for (; at < text.len && text.at[at] != '%'; at++) {
		if (text.at[at] == ':') {
			colons++;
			group = 0;
		} else if (text.at[at] == '.' && colons >= 2) {
			group = 0;
		} else if (!is_hex(text.at[at]) || ++group > IPV6_GROUP_MAX) {
			return false;
		}
	}
	/* "::" alone is the lone colons of some text, "fe80::1%" has no scope. */
	return colons >= 2 && text.len > colons && (at == text.len || at + 1 < text.len);
}

/* The word up to SP as IPv6 address; SP must follow. */
static size_t ipv6_word(struct bytes text, struct bytes *hostname)
{
	size_t len = bytes_find(bytes_first(text, IPV6_LEN_MAX + 1), ' ');
	if (len > IPV6_LEN_MAX || len == text.len || len < 3)
		return 0;
	struct bytes word = bytes_first(text, len);
	if (word.at[0] == '[' && word.at[len - 1] == ']')
		word = bytes_of(word.at + 1, len - 2);
	if (!is_ipv6(word))
		return 0;
	*hostname = word;
	return len;
}

size_t legacy_host_word(struct bytes text, struct bytes *hostname)
{
	size_t len = legacy_hostname_len(text);
	if (len > 0 && ends_at(text, len)) {
		if (is_repeat_notice(text))
			return 0;
		bool nil = len == 1 && text.at[0] == '-';
		*hostname = bytes_first(text, nil ? 0 : len);
		return len;
	}
	if (len < text.len && (text.at[len] == ':' || (len == 0 && text.at[0] == '[')))
		return ipv6_word(text, hostname);
	return 0;
}

size_t legacy_host_and_colon(struct bytes text, struct bytes *hostname)
{
	size_t len = bytes_find(bytes_first(text, RFC3164_HOSTNAME_MAX_BYTES + 2), ' ');
	if (len < 2 || text.at[len - 1] != ':')
		return 0;
	struct bytes word = bytes_first(text, len - 1);
	if (legacy_hostname_len(word) != word.len && (word.len > IPV6_LEN_MAX || !is_ipv6(word)))
		return 0;
	*hostname = word;
	return len;
}

/* HP ProCurve: "00076 ports: ", an event number and the module. */
static size_t procurve_read(struct bytes text, struct message *message)
{
	struct bytes module = bytes_after(text, PROCURVE_EVENT_DIGITS + 1);
	size_t len = host_len(module);
	if (len == 0 || len == module.len || module.at[len] != ':')
		return 0;
	message->msgid = bytes_first(text, PROCURVE_EVENT_DIGITS);
	message->app_name = bytes_first(module, len);
	return PROCURVE_EVENT_DIGITS + 1 + len + 1;
}

static bool is_procurve_event(struct bytes word)
{
	uint64_t number;
	return word.len == PROCURVE_EVENT_DIGITS &&
		   decimal_read(word, PROCURVE_EVENT_DIGITS, &number) == PROCURVE_EVENT_DIGITS;
}

/* "[" procid "]" and then ":", SP or the end: the "]" may be doubled inside. Returns its length with the ":". */
static size_t procid_read(struct bytes text, struct bytes *procid)
{
	const uint8_t *end = text.at + text.len;
	for (const uint8_t *at = text.at + 1;; at++) {
		at = octets16_find(at, end, ' ', not_procid);
		size_t len = (size_t)(at - text.at);
		if (at == end || *at != ']' || len > RFC3164_PROCID_MAX_BYTES + 1)
			return 0;
		if (ends_at(text, len + 1) || text.at[len + 1] == ':') {
			*procid = bytes_of(text.at + 1, len - 1);
			return len + 1 + (len + 1 < text.len && text.at[len + 1] == ':' ? 1 : 0);
		}
	}
}

/* "2026-10-11…": a stamp that could not be read, or one of the program's own. No program has such a name. */
static bool is_date(struct bytes word)
{
	static const char form[] = "dddd-dd-dd";
	if (word.len < sizeof form - 1)
		return false;
	for (size_t i = 0; i < sizeof form - 1; i++) {
		if (form[i] == 'd' ? !decimal_is_digit(word.at[i]) : word.at[i] != '-')
			return false;
	}
	return true;
}

/* "CEF:0|…" and "LEEF:2.0|…" are payloads, "@cee:" is a cookie. */
static bool is_no_tag(struct bytes word, struct bytes text)
{
	bool digit_follows = word.len + 1 < text.len && decimal_is_digit(text.at[word.len + 1]);
	return (digit_follows && (bytes_equal(word, BYTES("CEF")) || bytes_equal(word, BYTES("LEEF")))) ||
		   bytes_equal(word, BYTES("@cee"));
}

size_t legacy_tag_read(struct bytes text, bool has_host, struct message *message)
{
	size_t len = tag_len(text);
	if (len == 0 || len > RFC3164_TAG_MAX_BYTES || len == text.len)
		return 0;
	struct bytes word = bytes_first(text, len);
	size_t end = 0;
	if (is_date(word))
		return 0;
	if (text.at[len] == '[') {
		size_t procid_len = procid_read(bytes_after(text, len), &message->procid);
		end = procid_len > 0 ? len + procid_len : 0;
	} else if (text.at[len] == ':') {
		end = is_no_tag(word, text) ? 0 : len + 1;
	} else if (text.at[len] == ' ' && has_host && !is_repeat_notice(text)) {
		size_t procurve_len = is_procurve_event(word) ? procurve_read(text, message) : 0;
		if (procurve_len > 0)
			return procurve_len;
		end = len;
	}
	if (end > 0)
		message->app_name = word;
	return end;
}

/* Whether the run of TAG's octets up to `end` is one for certain: no date, no "@cee". */
static bool is_common_tag(const uint8_t *at, const uint8_t *end)
{
	return (size_t)(end - at) - 1 < RFC3164_TAG_MAX_BYTES && !decimal_is_digit(*at) && *at != '@';
}

const uint8_t *legacy_common_words(const uint8_t *at, const uint8_t *end, struct message *message)
{
	const uint8_t *host_end = octets16_find_in_blocks(at, end, not_host);
	if (host_end == NULL || *host_end != ' ' || host_end - at > RFC3164_HOSTNAME_MAX_BYTES)
		return NULL;
	const uint8_t *tag = host_end + 1, *tag_end = octets16_find_in_blocks(tag, end, not_tag), *behind = tag_end;
	if (tag_end == NULL || !is_common_tag(tag, tag_end))
		return NULL;
	struct bytes procid = {NULL, 0};
	if (*tag_end == '[') {
		behind = octets16_find_in_blocks(tag_end + 1, end, not_procid);
		if (behind == NULL || *behind != ']' || behind - tag_end > RFC3164_PROCID_MAX_BYTES + 1)
			return NULL;
		procid = bytes_of(tag_end + 1, (size_t)(behind - tag_end) - 1);
		behind++;
	}
	if (end - behind < 3 || behind[0] != ':' || behind[1] != ' ')
		return NULL;
	message->hostname = bytes_of(at, (size_t)(host_end - at));
	message->app_name = bytes_of(tag, (size_t)(tag_end - tag));
	message->procid = procid;
	return behind + 2;
}

size_t legacy_mnemonic_len(struct bytes text)
{
	if (text.len < 2 || text.at[0] != '%')
		return 0;
	size_t len = 1 + host_len(bytes_after(text, 1));
	if (len > MNEMONIC_LEN_MAX + 1 || len == text.len || text.at[len] != ':')
		return 0;
	for (size_t at = 2; at < len; at++) {
		if (text.at[at - 1] == '-' && decimal_is_digit(text.at[at]))
			return len;
	}
	return 0;
}

bool legacy_is_payload(struct bytes text)
{
	if (text.len == 0)
		return false;
	switch (text.at[0]) {
	case '{':
	case '[':
		return true;
	case '@':
		return bytes_start_with(text, BYTES("@cee:"));
	case 'C':
		return bytes_start_with(text, BYTES("CEF:"));
	case 'L':
		return bytes_start_with(text, BYTES("LEEF:"));
	case 'd':
		return bytes_start_with(text, BYTES("date=")) || bytes_start_with(text, BYTES("device="));
	default:
		return false;
	}
}
