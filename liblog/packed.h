/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values in a compact form without escapes, which readers write into the room they are lent, and cursors walk.
 *
 *   value  = head [octets NUL]          a number or a string
 *          / head                       null, false, true
 *          / head *value END            a list
 *          / head *(key value) END      an object; a key is a string, or GAP: then the pair is skipped
 *   head   = one octet: type and length, 0 to 4 octets more of length; before it there may be one PAD
 *
 * It is hardly longer than the text it was read from, so that SLOG_READ_ROOM() is enough. A packer writes at the front
 * of its room; what has no room is remembered, as in a struct slog_line, and nothing more is written. The end of the
 * room serves as scratch memory.
 */
#ifndef LIBLOG_PACKED_H
#define LIBLOG_PACKED_H

#include <liblog/read.h>

struct slog_packer {
	char *at;
	char *end;
	bool overflowed;
};

static inline struct slog_packer slog_packer_in(char *room, size_t size)
{
	struct slog_packer packer = {room, room + size, false};
	return packer;
}

/*
 * A number or a string whose octets are not yet known: returns where to write them, at most `most`; then
 * slog_pack_end_octets() with how many there are. NULL if there is no room; then do not end it.
 */
struct slog_packed_octets {
	char *head;
	char *octets;
};
struct slog_packed_octets slog_pack_begin_octets(struct slog_packer *packer, enum slog_read_type type, size_t most);
void slog_pack_end_octets(struct slog_packer *packer, struct slog_packed_octets octets, size_t length);

/* The same for octets that are known. */
void slog_pack_octets(struct slog_packer *packer, enum slog_read_type type, const char *octets, size_t length);

/* null, true or false by its first letter. */
void slog_pack_literal(struct slog_packer *packer, char letter);

/* Begins a list or an object, and ends it. */
void slog_pack_begin(struct slog_packer *packer, enum slog_read_type type);
void slog_pack_end(struct slog_packer *packer);

/* For a key that is packed, given where its head is: cursors skip the pair; or it loses its first octet. */
void slog_pack_remove(char *key);
void slog_pack_shorten(char *key);

/* The value that was packed from `packed` on; the pair whose key was. */
struct slog_read_value slog_packed_value(const char *packed);
void slog_packed_member(const char *key, struct slog_read_member *member);

/* null, or an object without members. */
struct slog_read_value slog_packed_nothing(enum slog_read_type type);

/*
 * `most` octets at the end of the room, which packing must not reach before slog_pack_free(). NULL if there is no room.
 */
char *slog_pack_scratch(struct slog_packer *packer, size_t most);
void slog_pack_free(struct slog_packer *packer, size_t most);

/*
 * Packs one JSON value. False, and then nothing is packed, if the text is not valid JSON in valid UTF-8, or is nested
 * deeper than depth (at most SLOG_PACKED_DEPTH_MAX).
 */
#define SLOG_PACKED_DEPTH_MAX 64
bool slog_pack_json(struct slog_packer *packer, const char *text, size_t length, unsigned depth);

/* Told of each pair of the outermost object, when its value is packed. */
typedef void slog_pack_told_fn(void *context, char *key);

/* The same for the members of one object, without its begin and end. told may be NULL. */
bool slog_pack_json_members(struct slog_packer *packer, const char *text, size_t length, unsigned depth,
                            slog_pack_told_fn *told, void *context);

/*
 * Packs a scalar by its looks: null, true, false and numbers as such, everything else as a string. If it begins with
 * '[' or '{' and is JSON, it is packed as that.
 */
void slog_pack_by_looks(struct slog_packer *packer, const char *text, size_t length);

#endif
