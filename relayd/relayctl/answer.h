/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking into a document that relayd answered with. `object` and `list` may be NULL: relays of other versions leave out
 * what they do not know, and what is missing reads as 0, "", false or an empty list.
 */
#ifndef RELAYD_RELAYCTL_ANSWER_H
#define RELAYD_RELAYCTL_ANSWER_H

#include "config/json_tree.h"

/* A member as number; 0 also if it is negative or no number. */
uint64_t answer_count(const struct json_value *object, const char *name);
/* A member as text. */
const char *answer_text(const struct json_value *object, const char *name);
/* Whether a member is true. */
bool answer_is(const struct json_value *object, const char *name);

/* The sum of the object's members, such as "dropped" by reason. */
uint64_t answer_sum(const struct json_value *object);

/* The object of the list with this text as that member; NULL if there is none. */
const struct json_value *answer_find(const struct json_value *list, const char *name, const char *text);

/* A member as text that is harmless on a terminal, cut to the size of `out`. */
void answer_copy(const struct json_value *object, const char *name, char *out, size_t size);

/* Makes all texts of the document harmless on a terminal: what stands in it is what anybody sent. */
void answer_make_printable(struct json_value *document);

#endif
