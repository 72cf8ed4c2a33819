/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_certificate.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

/* --- text -------------------------------------------------------------------------------------------------------- */

void tls_text_add(struct tls_text *text, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int len = vsnprintf(text->at + text->len, text->size - text->len, format, arguments);
	va_end(arguments);
	if (len < 0)
		return;
	size_t room = text->size - text->len - 1;
	text->len += (size_t)len < room ? (size_t)len : room;
}

void tls_text_add_foreign(struct tls_text *text, struct bytes octets)
{
	struct bytes shown = bytes_first(octets, TLS_NAME_SHOWN_BYTES);
	for (size_t i = 0; i < shown.len; i++) {
		uint8_t octet = shown.at[i];
		bool is_plain = octet >= ' ' && octet < 0x7f && octet != '"' && octet != '\\';
		if (is_plain)
			tls_text_add(text, "%c", octet);
		else
			tls_text_add(text, "\\x%02X", octet);
	}
	if (shown.len < octets.len)
		tls_text_add(text, "...");
}

/* --- names ------------------------------------------------------------------------------------------------------- */

struct bytes tls_general_name_octets(const GENERAL_NAME *name)
{
	if (name->type == GEN_DNS)
		return bytes_of(ASN1_STRING_get0_data(name->d.dNSName), (size_t)ASN1_STRING_length(name->d.dNSName));
	if (name->type == GEN_IPADD)
		return bytes_of(ASN1_STRING_get0_data(name->d.iPAddress), (size_t)ASN1_STRING_length(name->d.iPAddress));
	return bytes_of(NULL, 0);
}

void tls_text_add_general_name(struct tls_text *text, const GENERAL_NAME *name)
{
	struct bytes octets = tls_general_name_octets(name);
	char number[INET6_ADDRSTRLEN];
	if (name->type == GEN_DNS)
		tls_text_add_foreign(text, octets);
	else if (octets.len == 4 || octets.len == 16)
		tls_text_add(text, "%s", inet_ntop(octets.len == 4 ? AF_INET : AF_INET6, octets.at, number, sizeof(number)));
	else
		tls_text_add(text, "an unreadable address");
}

unsigned char *tls_common_name(X509_NAME *name, size_t *len)
{
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	if (at < 0)
		return NULL;
	unsigned char *utf8 = NULL;
	int result = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	*len = result > 0 ? (size_t)result : 0;
	return utf8;
}

void tls_text_add_subject(struct tls_text *text, X509_NAME *name)
{
	size_t len;
	unsigned char *common_name = tls_common_name(name, &len);
	if (common_name == NULL) {
		tls_text_add(text, "no CN");
		return;
	}
	tls_text_add(text, "CN=");
	tls_text_add_foreign(text, bytes_of(common_name, len));
	OPENSSL_free(common_name);
}

/* Of the subjectAltName's names those that we know to compare, a few of them. */
static void add_alternative_names(struct tls_text *text, X509 *certificate)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	int shown = 0, hidden = 0;
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type != GEN_DNS && name->type != GEN_IPADD)
			continue;
		if (shown == TLS_NAMES_SHOWN_MAX) {
			hidden++;
			continue;
		}
		tls_text_add(text, "%s", shown == 0 ? ", SAN " : " ");
		tls_text_add_general_name(text, name);
		shown++;
	}
	if (hidden > 0)
		tls_text_add(text, " and %d more", hidden);
	GENERAL_NAMES_free(names);
}

void tls_text_add_fingerprint(struct tls_text *text, X509 *certificate)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	if (X509_digest(certificate, EVP_sha256(), digest, &len) != 1)
		return;
	tls_text_add(text, "sha-256");
	for (unsigned i = 0; i < len; i++)
		tls_text_add(text, ":%02X", digest[i]);
}

void tls_text_add_certificate(struct tls_text *text, X509 *certificate)
{
	tls_text_add_subject(text, X509_get_subject_name(certificate));
	add_alternative_names(text, certificate);
	tls_text_add(text, ", ");
	tls_text_add_fingerprint(text, certificate);
}

const char *tls_date(const ASN1_TIME *time, char text[TLS_DATE_BYTES])
{
	struct tm parts;
	if (ASN1_TIME_to_tm(time, &parts) != 1 || strftime(text, TLS_DATE_BYTES, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
		return "an unreadable date";
	return text;
}
