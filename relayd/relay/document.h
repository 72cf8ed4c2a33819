/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the documents of the control socket: JSON objects in one line, by yajl. */
#ifndef RELAYD_RELAY_DOCUMENT_H
#define RELAYD_RELAY_DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>

#include <yajl/yajl_gen.h>

#include "spool/spool.h"

/* A new document: an open object. NULL if memory is short. */
yajl_gen document_begin(void);

/* A member of the open object: its name, and its value, which may be any octets: what is not UTF-8 is replaced by "?". */
void document_name(yajl_gen gen, const char *name);
void document_text(yajl_gen gen, const char *name, const char *value);
/* The same of `len` octets. */
void document_octets(yajl_gen gen, const char *name, const uint8_t *value, size_t len);
/* At most 32 octets as hexadecimal digits. */
void document_hex(yajl_gen gen, const char *name, const uint8_t *value, size_t len);
void document_count(yajl_gen gen, const char *name, uint64_t value);
void document_bool(yajl_gen gen, const char *name, bool value);

/* Whether `text` is what document_hex() writes for these octets. */
bool document_is_hex(const char *text, const uint8_t *value, size_t len);

/* "dropped": an object with what is not 0, by reason. */
void document_drops(yajl_gen gen, const uint64_t dropped[SPOOL_DROP_REASONS]);

/* Closes the object. The document with an LF, allocated, or NULL if memory is short; frees `gen`. */
char *document_finish(yajl_gen gen);

#endif
