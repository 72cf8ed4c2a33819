/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a thread remembers of the call sites that it logged from last, so that a site's keys are compared with each
 * other, and escaped, once and not for each event. A memo holds a copy of the names it speaks of, and is good for any
 * site with these very names: no pointer is trusted, so a site's object may be unloaded and another take its place.
 */
#ifndef LIBLOG_SITE_MEMO_H
#define LIBLOG_SITE_MEMO_H

#include "bound_set.h"
#include "octets.h"

#define SLOG_SITE_MEMOS 16          /* of a thread; a power of two */
#define SLOG_SITE_NAMES_MAX 192     /* octets of the names of a site that is remembered */
#define SLOG_SITE_TEXTS_MAX 224     /* octets of these names as fields begin with them */
#define SLOG_SITE_TEXT_BLOCK 16     /* what may be read behind the end of such a text */
#define SLOG_JSON_KEY_MORE 4        /* `,"":` */
#define SLOG_PARAM_NAME_MORE 3      /* ` ="` */

struct slog_site_memo {
	uint16_t length; /* octets of `names`; 0: nothing is remembered */
	uint8_t pairs;
	bool is_known;   /* it came twice: the texts are written, if there are any */
	bool has_json;   /* no key needs escaping there; the same below */
	bool has_param;
	bool has_equal;
	bool has_similar;
	bool overrides;  /* the bound set with this number */
	size_t message;  /* the pair with the key "message"; SLOG_KEYS_NO_MESSAGE */
	uint64_t set_number;
	char names[SLOG_SITE_NAMES_MAX]; /* as in the descriptor: struct slog_name, then their text */
	char json[SLOG_SITE_TEXTS_MAX + SLOG_SITE_TEXT_BLOCK];  /* `,"key":` of each pair, key + 4 octets */
	char param[SLOG_SITE_TEXTS_MAX + SLOG_SITE_TEXT_BLOCK]; /* ` key="` of each pair, key + 3 octets */
};

struct slog_site_memos {
	struct slog_site_memo memo[SLOG_SITE_MEMOS];
};

/* The memo for a site whose fields these are; NULL if there is no room for its names. */
struct slog_site_memo *slog_site_memo_make(struct slog_site_memo *memo, const struct slog_name *names, uint8_t pairs,
                                           const struct slog_field *fields);

/* Writes the texts of a memo that came for the second time. */
void slog_site_memo_know(struct slog_site_memo *memo, const struct slog_field *fields);

/* Whether a field of the site overrides one of the set, which is not the one that was asked for last. */
void slog_site_memo_meet(struct slog_site_memo *memo, const struct slog_bound_set *set, const struct slog_field *fields);

/* Copies the beginning of a field from a memo to where there is room for a block more than its length. */
static inline SLOG_ALWAYS void slog_site_text_copy(char *at, const char *text, size_t length)
{
	memcpy(at, text, SLOG_SITE_TEXT_BLOCK);
	if (length > SLOG_SITE_TEXT_BLOCK)
		for (size_t i = SLOG_SITE_TEXT_BLOCK; i < length; i += SLOG_SITE_TEXT_BLOCK)
			memcpy(at + i, text + i, SLOG_SITE_TEXT_BLOCK);
}

/* The memo for the site with these fields, made if need be; NULL if it cannot be remembered. */
static inline struct slog_site_memo *slog_site_memo_for(struct slog_site_memos *memos, const struct slog_name *names,
                                                        uint8_t pairs, const struct slog_field *fields)
{
	uintptr_t address = (uintptr_t)names;
	struct slog_site_memo *memo = &memos->memo[(address >> 5 ^ address >> 9) % SLOG_SITE_MEMOS];
	size_t head = ((size_t)pairs + 1) * sizeof *names;
	/* Equal lengths first: only then is there as much text to compare. */
	if (memo->length == 0 || memo->pairs != pairs || memcmp(memo->names, names, head) != 0 ||
	    memcmp(memo->names + head, (const char *)names + head, memo->length - head) != 0)
		return slog_site_memo_make(memo, names, pairs, fields);
	if (!memo->is_known)
		slog_site_memo_know(memo, fields);
	return memo;
}

#endif
