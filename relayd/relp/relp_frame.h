/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RELP frames, both directions:
 *
 *     RELP-FRAME = TXNR SP COMMAND SP DATALEN [ SP DATA ] LF
 *     TXNR       = 1*9DIGIT          ; 0 only for hints
 *     COMMAND    = 1*32ALPHA
 *     DATALEN    = 1*9DIGIT          ; octets of DATA; no SP when it is 0
 *
 * There is no way to find the next frame after a wrong octet, so anything else is FRAME_INVALID and ends the session.
 * Leading zeros are accepted. Of ten digits only TXNR 1000000000 is: librelp counts to it before it goes back to 1.
 */
#ifndef RELAYD_RELP_RELP_FRAME_H
#define RELAYD_RELP_RELP_FRAME_H

#include "base/buffer.h"
#include "base/bytes.h"
#include "frame/frame.h"

enum {
	RELP_TXNR_MAX = 999999999,          /* the last one of the specification; 1 follows */
	RELP_TXNR_LIBRELP_MAX = 1000000000, /* the last one of librelp */
	RELP_TXNR_DIGITS_MAX = 10,
	RELP_COMMAND_LEN_MAX = 32,    /* octets */
	RELP_DATALEN_MAX = 999999999, /* octets */
	RELP_DATALEN_DIGITS_MAX = 9,
	RELP_OFFENDING_LEN_MAX = 64, /* octets of a wrong frame that a session shows, for the log */
};

enum {
	/* TXNR SP COMMAND SP DATALEN, and the SP before DATA. */
	RELP_HEADER_LEN_MAX = RELP_TXNR_DIGITS_MAX + 1 + RELP_COMMAND_LEN_MAX + 1 + RELP_DATALEN_DIGITS_MAX + 1,
	/* What an unfinished frame may need beyond the limit on its DATA. */
	RELP_FRAME_OVERHEAD_MAX = RELP_HEADER_LEN_MAX + 4,
	/* TXNR " rsp 6 200 OK" LF */
	RELP_RSP_OK_LEN_MAX = RELP_TXNR_DIGITS_MAX + 14,
};

struct relp_header {
	uint32_t txnr;
	struct bytes command; /* view into the bytes given */
	uint32_t data_len;
	size_t len; /* octets of the header, with the SP before DATA if there is data */
};

/* Reads the header at the start of `in`. `*reason` is set for FRAME_INVALID: a constant sentence. */
enum frame_result relp_header_read(struct bytes in, struct relp_header *out, const char **reason);

struct relp_frame {
	uint32_t txnr;
	struct bytes command; /* views into the bytes given */
	struct bytes data;
	bool truncated;     /* `data` is cut: the rest is skipped */
	size_t consumed;    /* octets to drop from the front before the next call */
	const char *reason; /* for FRAME_INVALID */
};

/*
 * The whole frame at the start of `in`; keeps no state. FRAME_INVALID also if DATALEN is above `data_len_max`: for
 * sides that have no use for longer ones. `consumed` is 0 unless FRAME_COMPLETE.
 */
enum frame_result relp_frame_peek(struct bytes in, size_t data_len_max, struct relp_frame *out);

/* A reader for frames that may be longer than what is kept. The fields are private. */
struct relp_frame_reader {
	size_t limit;      /* octets of DATA that are kept */
	uint64_t skip;     /* octets of DATA still to be dropped */
	bool want_trailer; /* the LF of a truncated frame is still to come */
};

/* Makes a reader that keeps at most `limit` (> 0) octets of a frame's DATA. */
void relp_frame_reader_init(struct relp_frame_reader *reader, size_t limit);

/*
 * The next frame in `in`, which begins with the first octet that was not consumed; the caller drops out->consumed
 * octets after every call. A frame with more than `limit` octets of DATA is given as soon as those are there, cut at a
 * UTF-8 border and flagged; the following calls drop the rest and then hold its trailer to the rule.
 */
enum frame_result relp_frame_next(struct relp_frame_reader *reader, struct bytes in, struct relp_frame *out);

/* Whether the last frame given was truncated and its rest has not come wholly: it must not be answered yet. */
static inline bool relp_frame_unfinished(const struct relp_frame_reader *reader)
{
	return reader->skip > 0 || reader->want_trailer;
}

/*
 * Writes `TXNR SP COMMAND SP DATALEN` and, if `data_len` > 0, the SP behind it to `out`, which has RELP_HEADER_LEN_MAX
 * octets of room; returns the length. DATA and LF are left to the caller.
 */
size_t relp_header_write(uint32_t txnr, struct bytes command, size_t data_len, uint8_t *out);

/* Appends a whole frame. False, and nothing appended, if `out` has no room. data.len <= RELP_DATALEN_MAX. */
bool relp_frame_append(struct buffer *out, uint32_t txnr, struct bytes command, struct bytes data);

/* The same for the command `syslog`. */
bool relp_syslog_append(struct buffer *out, uint32_t txnr, struct bytes message);

/* Writes "TXNR rsp 6 200 OK" LF to `out`, which has RELP_RSP_OK_LEN_MAX octets of room; returns the length. */
size_t relp_rsp_ok_write(uint32_t txnr, uint8_t *out);

/*
 * The same answer at the start of `in`, with a TXNR of at most nine digits: its length. 0: that is something else, or not
 * wholly there, and relp_frame_peek() says what.
 */
size_t relp_rsp_ok_read(struct bytes in, uint32_t *txnr);

/*
 * RSP-DATA = [ CODE [ SP TEXT ] [ LF CMDDATA ] ], CODE = 3DIGIT. The answer to `close` has no data at all, so a missing
 * code is no error here.
 */
struct relp_rsp {
	unsigned code;             /* 0: no data */
	struct bytes text;         /* views into the data given */
	struct bytes command_data; /* the offers, in the answer to `open` */
};

/* False if `data` is not empty and does not begin with three digits that SP, LF or nothing follows. */
bool relp_rsp_read(struct bytes data, struct relp_rsp *out);

#endif
