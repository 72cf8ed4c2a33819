/* SPDX-License-Identifier: Apache-2.0 */
/* The words of legacy messages: what looks like a HOSTNAME, like a TAG, like a payload that has no header at all. */
#ifndef RELAYD_SYSLOG_LEGACY_WORDS_H
#define RELAYD_SYSLOG_LEGACY_WORDS_H

#include "syslog/message.h"

/* Length of the run of letters, digits and ".-_/@#" at the start of `text`, 0 if it is longer than a HOSTNAME may be.
 */
size_t legacy_hostname_len(struct bytes text);

/*
 * Reads the word at the start of `text` as HOSTNAME: a name, an IPv4 or IPv6 address (also "[2001:db8::1]" and
 * "fe80::1%eth0"), or "-" for an absent one, with SP or the end behind it. Returns the word's length, 0 if it is none.
 */
size_t legacy_host_word(struct bytes text, struct bytes *hostname);

/*
 * Reads the word at the start of `text`, which ends in ":" with SP or the end behind it, as the HOSTNAME before that ":":
 * a name, or an IPv4 or IPv6 address. Returns the length of both, 0 if it is none.
 */
size_t legacy_host_and_colon(struct bytes text, struct bytes *hostname);

/*
 * Reads TAG at the start of `text` into the message's APP-NAME, PROCID, and MSGID (HP ProCurve's event number): a word
 * up to
 * "[", ":" or SP, which is a TAG if "[" procid "]" and ":", SP or the end follows it, or ":", or (only with `has_host`,
 * otherwise a bare word is text) SP. Returns the length of everything before MSG but SP; 0 and an unchanged message if
 * there is no TAG.
 */
size_t legacy_tag_read(struct bytes text, bool has_host, struct message *message);

/*
 * HOSTNAME SP TAG ["[" PROCID "]"] ":" SP at `at`, the usual words in a short way: the first octet is a small letter or a
 * digit, and at least one follows them. Returns where MSG begins; NULL, and nothing is set, if they could be anything else.
 */
const uint8_t *legacy_common_words(const uint8_t *at, const uint8_t *end, struct message *message);

/* Length of a Cisco mnemonic "%FACILITY-SEVERITY-NAME" at the start of `text`, 0 if there is none. */
size_t legacy_mnemonic_len(struct bytes text);

/* Whether the text is a payload without header: JSON, "[…", CEF, LEEF, "@cee:", or the "date=" and "device=" of
 * firewalls. */
bool legacy_is_payload(struct bytes text);

#endif
