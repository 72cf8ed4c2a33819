/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_peer_rule.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <strings.h>

enum { SHA256_OCTETS = 32, SHA1_OCTETS = 20, TEXT_SHOWN_BYTES = 120 };

/* --- reading ----------------------------------------------------------------------------------------------------- */

static int hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

/* Reads hex octets, each pair of digits followed by ":" or not. Returns how many digits; 0 if it is anything else. */
static size_t read_hex(const char *text, uint8_t octets[TLS_FINGERPRINT_MAX_BYTES])
{
	size_t digits = 0;
	for (size_t i = 0; text[i] != '\0'; i++) {
		bool is_separator =
			text[i] == ':' && digits > 0 && digits % 2 == 0 && text[i + 1] != '\0' && text[i - 1] != ':';
		int value = hex_value(text[i]);
		if (is_separator)
			continue;
		if (value < 0)
			return 0;
		/* Longer ones are counted, so that the error can say how long they are. */
		if (digits / 2 < TLS_FINGERPRINT_MAX_BYTES) {
			uint8_t *octet = &octets[digits / 2];
			*octet = digits % 2 == 0 ? (uint8_t)(value << 4) : (uint8_t)(*octet | value);
		}
		digits++;
	}
	return digits;
}

static bool fail_fingerprint(const char *text, const char *hash, size_t digits, size_t wanted, const char *option,
							 char *error)
{
	snprintf(error, TLS_RULE_ERROR_MAX_BYTES,
			 "\"%.*s\" has %zu hex digits, and a %s fingerprint has %zu; \"openssl x509 -noout -fingerprint -%s -in "
			 "peer.pem\" prints it",
			 TEXT_SHOWN_BYTES, text, digits, hash, wanted, option);
	return false;
}

/* With the hash named: it must be a fingerprint. */
static bool read_fingerprint(struct tls_peer_rule *rule, const char *hex, enum tls_rule_kind kind, char *error)
{
	size_t digits = read_hex(hex, rule->octets);
	rule->kind = kind;
	rule->octets_len = kind == TLS_RULE_SHA256 ? SHA256_OCTETS : SHA1_OCTETS;
	if (digits == 2 * rule->octets_len)
		return true;
	if (kind == TLS_RULE_SHA256)
		return fail_fingerprint(rule->text, "SHA-256", digits, 2 * SHA256_OCTETS, "sha256", error);
	return fail_fingerprint(rule->text, "SHA-1", digits, 2 * SHA1_OCTETS, "sha1", error);
}

static bool is_bare_fingerprint(struct tls_peer_rule *rule, const char *hex)
{
	size_t digits = read_hex(hex, rule->octets);
	if (digits != 2 * SHA256_OCTETS && digits != 2 * SHA1_OCTETS)
		return false;
	rule->kind = digits == 2 * SHA256_OCTETS ? TLS_RULE_SHA256 : TLS_RULE_SHA1;
	rule->octets_len = digits / 2;
	return true;
}

static bool is_address(struct tls_peer_rule *rule)
{
	rule->kind = TLS_RULE_ADDRESS;
	rule->octets_len = 4;
	if (inet_pton(AF_INET, rule->text, rule->octets) == 1)
		return true;
	rule->octets_len = 16;
	return inet_pton(AF_INET6, rule->text, rule->octets) == 1;
}

static bool is_name_octet(char octet)
{
	return (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z') || (octet >= '0' && octet <= '9') ||
		   octet == '-' || octet == '_' || octet == '.' || octet == '*';
}

static bool is_name(struct tls_peer_rule *rule)
{
	size_t len = strlen(rule->text);
	rule->kind = TLS_RULE_NAME;
	rule->octets_len = 0;
	for (size_t i = 0; i < len; i++)
		if (!is_name_octet(rule->text[i]))
			return false;
	return len > 0 && len <= TLS_NAME_MAX_BYTES;
}

/* Octets of the label at the front of an entry; 0 if it has none. */
static size_t label_of(const char *text)
{
	size_t len = strcspn(text, "=");
	if (text[len] == '\0' || len > TLS_NAME_MAX_BYTES)
		return 0;
	for (size_t i = 0; i < len; i++)
		if (text[i] == '*' || !is_name_octet(text[i]))
			return 0;
	return len;
}

bool tls_peer_rule_read(const char *text, struct tls_peer_rule *rule, char *error)
{
	static const struct {
		const char *name;
		enum tls_rule_kind kind;
	} hashes[] = {{"sha-256:", TLS_RULE_SHA256},
				  {"sha256:", TLS_RULE_SHA256},
				  {"sha-1:", TLS_RULE_SHA1},
				  {"sha1:", TLS_RULE_SHA1}};
	*rule = (struct tls_peer_rule){.text = text, .label_len = label_of(text)};
	const char *rest = rule->label_len > 0 ? text + rule->label_len + 1 : text;
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		size_t len = strlen(hashes[i].name);
		if (strncasecmp(rest, hashes[i].name, len) == 0)
			return read_fingerprint(rule, rest + len, hashes[i].kind, error);
	}
	if (is_bare_fingerprint(rule, rest) || (rule->label_len == 0 && (is_address(rule) || is_name(rule))))
		return true;
	snprintf(error, TLS_RULE_ERROR_MAX_BYTES,
			 "\"%.*s\" is neither a name, an address nor a fingerprint; write \"log*.example.net\", \"192.0.2.1\" or "
			 "\"sha-256:AB:CD:...\"",
			 TEXT_SHOWN_BYTES, text);
	return false;
}

/* --- matching ---------------------------------------------------------------------------------------------------- */

static uint8_t lower(uint8_t octet)
{
	return octet >= 'A' && octet <= 'Z' ? (uint8_t)(octet + 'a' - 'A') : octet;
}

/* "*" any octets. On a mismatch the last star takes one octet more: enough, and linear in each label's length squared.
 */
static bool label_matches(struct bytes pattern, struct bytes label)
{
	size_t p = 0, l = 0, star = SIZE_MAX, star_label = 0;
	while (l < label.len) {
		if (p < pattern.len && pattern.at[p] == '*') {
			star = p++;
			star_label = l;
		} else if (p < pattern.len && lower(pattern.at[p]) == lower(label.at[l])) {
			p++;
			l++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			l = ++star_label;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.at[p] == '*')
		p++;
	return p == pattern.len;
}

/* Takes the first label off. */
static struct bytes next_label(struct bytes *name)
{
	struct bytes label = bytes_first(*name, bytes_find(*name, '.'));
	*name = bytes_after(*name, label.len < name->len ? label.len + 1 : label.len);
	return label;
}

static size_t count_labels(struct bytes name)
{
	size_t labels = 1;
	for (size_t i = 0; i < name.len; i++)
		labels += name.at[i] == '.';
	return labels;
}

static struct bytes without_final_dot(struct bytes name)
{
	return name.len > 0 && name.at[name.len - 1] == '.' ? bytes_first(name, name.len - 1) : name;
}

bool tls_name_matches(struct bytes pattern, struct bytes name)
{
	pattern = without_final_dot(pattern);
	name = without_final_dot(name);
	size_t labels = count_labels(name);
	if (name.len == 0 || name.len > TLS_NAME_MAX_BYTES || labels != count_labels(pattern))
		return false;
	for (size_t i = 0; i < labels; i++) {
		struct bytes wanted = next_label(&pattern);
		struct bytes label = next_label(&name);
		bool is_wildcard = label.len == 1 && label.at[0] == '*' && i == 0 && labels >= 3;
		if (is_wildcard)
			continue;
		/* Anywhere else "*" is no octet of a name, and an octet outside of ASCII or a NUL is none either. */
		for (size_t k = 0; k < label.len; k++)
			if (label.at[k] == '*' || label.at[k] <= ' ' || label.at[k] >= 0x7f)
				return false;
		if (label.len == 0 || !label_matches(wanted, label))
			return false;
	}
	return true;
}
