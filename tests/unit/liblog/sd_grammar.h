/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a text is a SYSLOG-MSG with STRUCTURED-DATA to the letter of RFC 5424, section 6, and keeps what liblog
 * promises beyond it: names in one element unique without regard to case, no control characters, valid UTF-8, at most
 * 200 parameters. Written from the grammar alone, sharing nothing with the library.
 */
#ifndef TESTS_UNIT_LIBLOG_SD_GRAMMAR_H
#define TESTS_UNIT_LIBLOG_SD_GRAMMAR_H

#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { SD_GRAMMAR_NAMES_MAX = 200 };

struct sd_grammar {
	const unsigned char *at;
	const unsigned char *end;
	char names[SD_GRAMMAR_NAMES_MAX][33];
	size_t count;
};

static inline bool sd_grammar_is(struct sd_grammar *text, unsigned char octet)
{
	if (text->at == text->end || *text->at != octet)
		return false;
	text->at++;
	return true;
}

/* SD-NAME = 1*32PRINTUSASCII ; except '=', SP, ']', %d34 (") */
static inline bool sd_grammar_name(struct sd_grammar *text, char name[33])
{
	size_t length = 0;
	while (text->at < text->end && *text->at >= 33 && *text->at <= 126 && *text->at != '=' && *text->at != ']' &&
	       *text->at != 34) {
		if (length == 32)
			return false;
		name[length++] = (char)*text->at++;
	}
	name[length] = '\0';
	return length > 0;
}

/* UTF-8-STRING = *OCTET ; UTF-8 string as specified in RFC 3629. By the bits and then the ranges, not by a table. */
static inline bool sd_grammar_character(struct sd_grammar *text)
{
	static const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char first = *text->at;
	size_t n = first < 0x80 ? 1 : (first >> 5) == 6 ? 2 : (first >> 4) == 14 ? 3 : (first >> 3) == 30 ? 4 : 0;
	if (n == 0 || (size_t)(text->end - text->at) < n)
		return false;
	unsigned long code = n == 1 ? first : first & (0x7Fu >> n);
	for (size_t i = 1; i < n; i++) {
		if (text->at[i] >> 6 != 2)
			return false;
		code = code << 6 | (text->at[i] & 63u);
	}
	if (code < least[n] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF) || code < 32 || code == 127)
		return false;
	text->at += n;
	return true;
}

/* PARAM-VALUE = UTF-8-STRING ; characters '"', '\' and ']' MUST be escaped. */
static inline bool sd_grammar_value(struct sd_grammar *text)
{
	while (text->at < text->end && *text->at != '"') {
		if (*text->at == ']')
			return false;
		if (*text->at == '\\') {
			text->at++;
			if (text->at == text->end || (*text->at != '"' && *text->at != '\\' && *text->at != ']'))
				return false;
			text->at++;
		} else if (!sd_grammar_character(text)) {
			return false;
		}
	}
	return true;
}

/* SD-PARAM = PARAM-NAME "=" %d34 PARAM-VALUE %d34 */
static inline bool sd_grammar_param(struct sd_grammar *text)
{
	if (text->count == SD_GRAMMAR_NAMES_MAX)
		return false;
	char *name = text->names[text->count];
	if (!sd_grammar_name(text, name))
		return false;
	for (size_t i = 0; i < text->count; i++)
		if (strcasecmp(text->names[i], name) == 0)
			return false;
	text->count++;
	return sd_grammar_is(text, '=') && sd_grammar_is(text, '"') && sd_grammar_value(text) && sd_grammar_is(text, '"');
}

/* HEADER SP STRUCTURED-DATA [SP MSG], with at most one SD-ELEMENT. */
static inline bool sd_grammar_holds(const char *message, size_t length)
{
	static const char header[] = "^<(0|[1-9][0-9]?|1[0-8][0-9]|19[01])>1 "
	                             "(-|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,6})?Z) "
	                             "[!-~]{1,255} [!-~]{1,48} [!-~]{1,128} [!-~]{1,32} ";
	static regex_t pattern;
	static bool is_ready;
	static struct sd_grammar text;
	regmatch_t match = {.rm_so = 0, .rm_eo = (regoff_t)length};
	char id[33];
	if (!is_ready)
		is_ready = regcomp(&pattern, header, REG_EXTENDED) == 0;
	if (regexec(&pattern, message, 1, &match, REG_STARTEND) != 0)
		return false;
	text.at = (const unsigned char *)message + match.rm_eo;
	text.end = (const unsigned char *)message + length;
	text.count = 0;
	if (!sd_grammar_is(&text, '-')) {
		if (!sd_grammar_is(&text, '[') || !sd_grammar_name(&text, id))
			return false;
		while (sd_grammar_is(&text, ' '))
			if (!sd_grammar_param(&text))
				return false;
		if (!sd_grammar_is(&text, ']'))
			return false;
	}
	if (text.at < text.end && !sd_grammar_is(&text, ' '))
		return false;
	while (text.at < text.end)
		if (!sd_grammar_character(&text))
			return false;
	return true;
}

#endif
