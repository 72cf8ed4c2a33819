/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON text to a small tree that remembers the line of each value, for the configuration and for what a relay answers on its
 * control socket. C and C++ comments are allowed. Depth, members and size are bounded, and an object that names a member
 * twice is an error: the text comes from a person, but a wrong file may be anything.
 */
#ifndef RELAYD_CONFIG_JSON_TREE_H
#define RELAYD_CONFIG_JSON_TREE_H

#include "base/bytes.h"

enum {
	JSON_TEXT_MAX_BYTES = 4 << 20, /* an answer with 4,096 streams */
	JSON_DEPTH_MAX = 16,      /* objects and lists inside each other */
	JSON_CHILDREN_MAX = 4096, /* of one object or list */
	JSON_ERROR_MAX_BYTES = 256,
};

enum json_kind {
	JSON_NULL = 0,
	JSON_BOOL = 1,   /* text is "true" or "false" */
	JSON_NUMBER = 2, /* text has its digits as written */
	JSON_STRING = 3, /* text is decoded, without NUL inside */
	JSON_LIST = 4,
	JSON_OBJECT = 5,
};

/* One value. The whole tree is freed from its root. */
struct json_value {
	enum json_kind kind;
	unsigned line;            /* where it begins, counted from 1; of a member: where its name stands */
	char *name;               /* of an object's member, else NULL */
	char *text;               /* of BOOL, NUMBER, STRING, else NULL */
	struct json_value *first; /* of LIST and OBJECT: children in order */
	struct json_value *last;
	struct json_value *next; /* behind this one */
	unsigned children;
};

/* What could not be read, and where. */
struct json_error {
	unsigned line;
	char text[JSON_ERROR_MAX_BYTES];
};

/* Reads one value, which is all of `text`. NULL with `error` if it is not JSON, passes a bound, or memory is short. */
struct json_value *json_tree_read(struct bytes text, struct json_error *error);

/* The member of that name; NULL if there is none or `object` is NULL or not an object. */
const struct json_value *json_member(const struct json_value *object, const char *name);

/* The item at `index` of a list, from 0; NULL if there is none or `list` is NULL or not a list. */
const struct json_value *json_item(const struct json_value *list, unsigned index);

/* "an object", "a number": the kind as an error message calls it. */
const char *json_kind_name(enum json_kind kind);

/* Frees the tree and clears the pointer; harmless if NULL. */
void json_tree_free(struct json_value **root);

#endif
