/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spool on disk. This essay and the constants below it are the whole format; block_header.c, segment.c, sections.c,
 * slots.c, cursor_file.c and drops_file.c are its only readers and writers.
 *
 * THE DIRECTORY (mode 0700) holds
 *
 *     lock                                    locked by the process that has the spool; its text is that process's id
 *     cursors                                 every output's place
 *     drops                                   the operator's rules of `relayctl spool drop`
 *     segment-<counter>-<first sequence>      both as 16 hexadecimal digits: the records, in the order of the counters
 *     spare-<number>                          a preallocated file that will become a segment; its content means nothing
 *     damaged-<counter>-<offset>              octets that recovery or a reader had to step over, kept for a look at them
 *     damaged-segment-<counter>-<first ...>   a newest segment whose header was damaged, as a whole: what it had is counted
 *                                             when a segment behind it gets its name
 *     quarantine/<output>                     what an output's next hop refused for good: a segment's header and blocks
 *     set-aside-segment-...                   another spool's segment, put aside by `relayctl spool repair`
 *     audit                                   a line of JSON for each change that an operator made by hand
 *
 * All numbers are little endian. All checksums are XXH3, 64 bits. Sequences and counters begin with 1 and are 2^62 - 1 at
 * the most; where one is not, what holds it is invalid.
 *
 * A SEGMENT is a file of fixed, preallocated size: a header, the checkpoint, blocks, and then whatever was there.
 *
 *      0  u32  magic "RLSG"
 *      4  u8   major version, u8 minor version
 *      6  u16  length of this header, a multiple of 64; its last 8 octets are the checksum
 *      8  u64  counter, as in the file's name
 *     16  16   spool id: random, born with the spool
 *     32  u64  salt: random, new for each life of the file
 *     40  u64  first sequence, as in the file's name
 *     48  u64  last sequence stored before this segment. Sequences between it and the first one were never used: they
 *              lie there when a cursor was ahead of the records that a disk without syncs had kept.
 *     56  i64  when the segment was begun, wall clock in ns
 *     64  ..   zero
 *    120  u64  checksum of the octets before it
 *
 * A file gets the name of a segment only after its header and checkpoint are synced, and the checkpoint is written only
 * after the segment before it is synced. So the existence of a segment proves all records before its first sequence,
 * and only the newest segment can have a torn tail. A segment ends where the next one begins: blocks in it whose
 * sequence is not below the next segment's first are leftovers of an interrupted write and mean nothing.
 *
 * A BLOCK begins at a multiple of 64 octets: header, payload, zeros up to the next multiple of 64.
 *
 *      0  u32  magic "RLBK"
 *      4  u8   major version, u8 minor version
 *      6  u16  length of this header, a multiple of 64; its last 8 octets are the header's checksum
 *      8  u8   kind: 1 records, 2 control, 3 checkpoint, 4 end
 *      9  u8   codec of the payload: 0 none, 1 zstd
 *     10  u8   origin: 0 an input of this relay, 1 a stream from another relay
 *     11  u8   zero
 *     12  u16  index of the input
 *     14  u16  zero
 *     16  u32  length of the payload as it lies here, without the padding
 *     20  u32  length of the payload unpacked
 *     24  u32  records; 0 in all other kinds
 *     28  u32  index of the peer's identity (origin 1)
 *     32  u64  first sequence; in other kinds that of the next record
 *     40  u64  last sequence: first + records - 1
 *     48  u64  synced: everything up to this sequence was on the disk when this block was written
 *     56  i64  receive time that the records' times count from, wall clock in ns
 *     64  16   stream id (origin 1)
 *     80  u64  first sequence in the stream, 88 u64 last sequence in the stream
 *     96  u64  cumulative count of records in the stream, this block included
 *    104  i64  when this hop received the block, wall clock in ns
 *    112  u64  checksum of the payload as it lies here: made by the first relay, carried unchanged through all hops
 *    120  u64  checksum of the octets before it, seeded with the segment's salt
 *
 * A block is valid if
 *   1. magic and major version are right, and the header's length is a multiple of 64 that has room for what we know;
 *   2. the header's checksum is right with this segment's salt (a block from the file's earlier life, or a log message
 *      that looks like a block, never is);
 *   3. kind, codec and origin are known, and the lengths are within the limits below and within the file;
 *   4. records: last = first + records - 1; in other kinds there are none; synced is below first;
 *   5. the payload's checksum is right.
 *
 * The payload of a block of records is, for each record, its length (varint) and its octets. The other kinds:
 *
 *   checkpoint   the first block of each segment: everything that opening must know about older segments
 *   control      counters that changed, with the group behind the change; no sequences
 *   end          no payload: the spool was closed in order, and nothing follows in this segment, which may have nothing but
 *                its checkpoint
 *
 * The payload of checkpoint and control is a list of SECTIONS: u16 type, u16 flags, u32 length, octets.
 *
 *   1 inputs   the names: for each u16 index, u8 length, name
 *   2 totals   for each input: u16 index, u16 n, u64 records stored before this block, n x u64 dropped by reason
 *   3 spool    u64 records whose origin is not known (their blocks were damaged), u64 sequences never used,
 *              u64 sequences damaged, u64 sequences released
 *   4 streams  the marks: for each u32 index of the peer, 16 stream id, u64 sequence in the stream, u64 payload checksum
 *              of the block that ends there, u64 cumulative count of records; 4,096 in all
 *   5 sources  for each: u8 length of the address (16; 255: all others together), u8 length of the hostname, u8 n,
 *              address, hostname, n varints: records stored, sequenceIds missing, wall clock in ns of the newest record,
 *              then what was dropped by reason; 1,024 in all
 *   6 peers    the identities: for each u32 index, u16 length, identity
 *   7 counts   of the streams: for each 16 stream id, u32 index of the peer (2^32 - 1: the stream was forgotten), u64
 *              records of it that this spool has taken, u64 records that were lost with what a restored disk had, as its
 *              relay knows, i64 wall clock in ns when its newest block came
 *
 * A section in a checkpoint holds everything of its kind, in a control block what changed (with new totals, not with
 * differences; sources once a second only); what can be counted from the blocks themselves is taken from checkpoints
 * only: records stored by input and by stream, and of section 3 all but the sequences damaged.
 * Whoever meets a section type that it does not know skips it, and does not carry
 * it into its own checkpoints, unless flag 1 ("must be understood") is set: then it refuses the spool as written by a
 * newer version. The same holds for an unknown kind, codec or origin in a header with a right checksum, and for a higher
 * major version. A higher minor version promises only what may be skipped.
 *
 * TORN TAIL AND DAMAGE. Let P be the highest `synced` in any header with a right checksum in the newest segment; the
 * checkpoint's is a start. Everything up to P was on the disk. Going through the blocks in order of their places:
 *   - what is missing at or below P is damage: it is skipped by looking for the next valid block at each multiple of 64,
 *     and the sequences missing are exactly those between its neighbours;
 *   - the first invalid place above P is the torn tail: it and everything behind it, valid or not, is discarded. It was
 *     never acknowledged.
 * Valid blocks above P may be in the page cache only (after a failed sync it shows what the disk does not have). They
 * are written again into a new segment, and synced there, before anybody is told of them. In older segments everything is
 * proven, so that what is missing there is always damage.
 *
 * CURSORS: one file, written in full when it is created so that a full disk cannot stop it. 4 KiB of header: u32 magic
 * "RLCS", u8 major, u8 minor, u16 zero, 16 spool id, u32 places for outputs; checksum in the last 8 octets. Then for
 * each output two slots of 4 KiB. The slot overwritten is never the one that was synced last, and the valid one with the
 * higher counter holds. A slot of zeros is free.
 *
 *      0  u32  magic "RLCU"
 *      4  u8   major version, u8 minor version, u16 length of the name
 *      8  u64  counter, one higher with each write
 *     16  64   name, filled up with zeros
 *     80  16   stream id: random, born with the cursor
 *     96  u64  start: the sequence behind which the cursor began
 *    104  u64  delivered
 *    112  u64  payload checksum of the block that delivered lies in
 *    120  u64  the counter of its segment
 *    128  u32  its offset there, u32 zero
 *    136  16 x u64  totals: delivered, filtered, quarantined, dropped_oldest, damaged, dropped_by_rule, and room for more
 *    264  u32  servers, u32 zero, then for each: 16 spool id, u64 highest sequence of the stream that it acknowledged as
 *              blocks; 64 at most
 *   1808  16 x {u64 id, u64 dropped}  for each place in the file of rules: of which rule, and how many it dropped here
 *   2304  64 x  of each of these servers: u64 records that it acknowledged as blocks, u64 of these that it lost with its
 *              disk
 *   3328  u64  records lost so by servers and streams that are not known any more
 *   4088  u64  checksum of the octets before it, seeded with the first 8 octets of the spool id
 *
 * Two valid slots with two names are an output that is being renamed: rules of the older slot's name, if no output has it
 * now, follow to the new one, and then the cursor is written once more.
 *
 * DROPS: one file, written in full when it is created, with two slots of 4 KiB for each of 16 rules; which slot holds, and
 * how it is overwritten, is as with cursors. A rule says that up to a sequence what a filter matches is not given to an
 * output. It is there until all outputs have passed that sequence, and is never above the last sequence stored when it was
 * made: recovery lowers it to what is left, so that it never speaks of a sequence that is given to another record.
 *
 *      0  u32  magic "RLDR"
 *      4  u8   major version, u8 minor version, u16 length of the filter
 *      8  u64  counter, one higher with each write
 *     16  u64  id: rules have numbers that grow
 *     24  u64  the sequence up to which it goes
 *     32  i64  when it was made, wall clock in ns
 *     40  u32  user id of who made it, u32 zero
 *     48  64   name of the output, filled up with zeros; all zeros: every output
 *    112  ..   the filter, JSON as in an output's "filter"; 2,048 octets at most
 *   4088  u64  checksum of the octets before it, seeded with the first 8 octets of the spool id
 */
#ifndef RELAYD_SPOOL_SPOOL_FORMAT_H
#define RELAYD_SPOOL_SPOOL_FORMAT_H

enum {
	FORMAT_MAJOR = 1,
	FORMAT_MINOR = 0,
	FORMAT_ALIGN_BYTES = 64,

	SEGMENT_HEADER_BYTES = 128,

	BLOCK_HEADER_BYTES = 128,
	BLOCK_HEADER_MAX_BYTES = 512,       /* what a newer minor version may make of it */
	BLOCK_PAYLOAD_MIN_BYTES = 1024,     /* smallest block_size_bytes */
	BLOCK_PAYLOAD_MAX_BYTES = 4 << 20,  /* largest block_size_bytes, and largest checkpoint */

	SECTION_HEADER_BYTES = 8,
	SECTION_MUST_BE_UNDERSTOOD = 1,     /* flag */

	SLOT_BYTES = 4096,                  /* in the files of cursors and of rules */

	CURSORS_MAX = 64,
	CURSOR_TOTALS_ROOM = 16,
	CURSOR_SERVERS_MAX = 64,

	DROP_RULES_MAX = 16,
	DROP_FILTER_MAX_BYTES = 2048,

	SPOOL_ID_BYTES = 16,
};

/* Sequences and counters are this at the most, so that no arithmetic on them wraps whatever a file says. */
#define SEQUENCE_MAX (UINT64_MAX / 4)

#define SEGMENT_MAGIC 0x47534c52u /* "RLSG" */
#define BLOCK_MAGIC 0x4b424c52u   /* "RLBK" */
#define CURSORS_MAGIC 0x53434c52u /* "RLCS" */
#define CURSOR_MAGIC 0x55434c52u  /* "RLCU" */
#define DROP_MAGIC 0x52444c52u    /* "RLDR" */

enum block_kind {
	BLOCK_RECORDS = 1,
	BLOCK_CONTROL = 2,
	BLOCK_CHECKPOINT = 3,
	BLOCK_END = 4,
};

enum block_codec {
	BLOCK_CODEC_NONE = 0,
	BLOCK_CODEC_ZSTD = 1,
};

enum block_origin {
	BLOCK_ORIGIN_INPUT = 0,
	BLOCK_ORIGIN_STREAM = 1,
};

enum section_type {
	SECTION_INPUTS = 1,
	SECTION_TOTALS = 2,
	SECTION_SPOOL = 3,
	SECTION_STREAMS = 4,
	SECTION_SOURCES = 5,
	SECTION_PEERS = 6,
	SECTION_COUNTS = 7,
};

/* The next multiple of 64: where a block that follows `len` octets begins. */
#define FORMAT_ALIGNED(len) (((len) + (FORMAT_ALIGN_BYTES - 1)) & ~(uint64_t)(FORMAT_ALIGN_BYTES - 1))

#endif
