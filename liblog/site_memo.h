/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a thread remembers of the call sites that it logged from last, so that a site's keys are compared with each
 * other, and escaped, once and not for each event. A memo holds a copy of the names it speaks of, and is good for any
 * site with these very names: no pointer is trusted, so a site's object may be unloaded and another take its place.
 */
#ifndef LIBLOG_SITE_MEMO_H
#define LIBLOG_SITE_MEMO_H

#include <liblog/rfc5424.h>

#include "bound_set.h"
#include "octets.h"

#define SLOG_SITE_MEMOS 16          /* of a thread; a power of two */
#define SLOG_SITE_NAMES_MAX 192     /* octets of the names of a site that is remembered */
#define SLOG_SITE_TEXTS_MAX 256     /* octets of these names as fields begin with them */
#define SLOG_JSON_NAME_MORE 11      /* `,"msgid":""` */
#define SLOG_JSON_KEY_MORE 4        /* `,"":` */
#define SLOG_PARAM_NAME_MORE 3      /* ` ="` */

/* The texts have a block more of room, for slog_octets_copy_blocks(). */
struct slog_site_memo {
	uint16_t length; /* octets of `names`, never 0; 0: nothing is remembered */
	uint8_t pairs;
	bool is_known;   /* it came twice: the texts are written, if there are any */
	bool has_json;   /* neither the event's name nor a key needs escaping there; the same below */
	bool has_param;
	bool has_equal;
	bool has_similar;
	bool name_is_msgid;
	bool overrides;      /* the bound set with this number */
	uint16_t json_start; /* where the first pair begins in `json` */
	size_t message;      /* the pair with the key "message"; SLOG_KEYS_NO_MESSAGE */
	uint64_t set_number;
	_Alignas(struct slog_name) char names[SLOG_SITE_NAMES_MAX]; /* as in the descriptor: struct slog_name, then their text */
	char json[SLOG_SITE_TEXTS_MAX + SLOG_OCTETS_BLOCK];  /* `,"msgid":"name"`, then `,"key":` of each pair */
	char param[SLOG_SITE_TEXTS_MAX + SLOG_OCTETS_BLOCK]; /* ` key="` of each pair */
};

struct slog_site_memos {
	struct slog_site_memo memo[SLOG_SITE_MEMOS];
};

/* True if MSGID holds the event's name as it is, which may be none. */
static inline bool slog_name_is_msgid(const char *name, size_t length)
{
	return length == 0 || slog_rfc5424_is_field(name, length, SLOG_MSGID_MAX);
}

/*
 * The memo for a site that may have come for the first or second time, whose keys are in fields: made, or its texts
 * written, if need be. NULL if there is no room for its names.
 */
struct slog_site_memo *slog_site_memo_for(struct slog_site_memos *memos, const struct slog_site *site,
                                          const struct slog_field *fields);

/* Whether a field of the site overrides one of the set, which is not the one that was asked for last. */
void slog_site_memo_meet(struct slog_site_memo *memo, const struct slog_bound_set *set);

static inline const struct slog_name *slog_site_names(const struct slog_site *site)
{
	return (const struct slog_name *)(const void *)((const char *)site + site->size);
}

/* Octets of its names and their text. */
static inline size_t slog_site_length(const struct slog_site *site)
{
	return ((size_t)site->pairs + 1) * sizeof(struct slog_name) + site->text;
}

/* True if the memo is that of a site with these names. */
static inline SLOG_ALWAYS bool slog_site_memo_is_of(const struct slog_site_memo *memo, const struct slog_site *site)
{
	size_t length = slog_site_length(site);
	return memo->length == length && memo->pairs == site->pairs &&
	       slog_octets_equal(memo->names, (const char *)slog_site_names(site), length);
}

/* Where the memo of this site is, if there is one. */
static inline SLOG_ALWAYS struct slog_site_memo *slog_site_memo_place(struct slog_site_memos *memos,
                                                                      const struct slog_site *site)
{
	uintptr_t address = (uintptr_t)site;
	return &memos->memo[(address >> 5 ^ address >> 9) % SLOG_SITE_MEMOS];
}

/* The memo of a site that came before, with its texts; NULL if it did not. */
static inline SLOG_ALWAYS struct slog_site_memo *slog_site_memo_known(struct slog_site_memos *memos,
                                                                      const struct slog_site *site)
{
	struct slog_site_memo *memo = slog_site_memo_place(memos, site);
	return memo->is_known && slog_site_memo_is_of(memo, site) ? memo : NULL;
}

#endif
