/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile relay: what a server input does with the session of a peer that ships blocks, from its octets to the spool. The
 * first octet says how the rest is taken: as the whole stream, `open` and its offers included; as the stream behind an
 * `open` that is right; or as a list of blocks that are signed with their right checksum before they are sent, because
 * checks behind the checksum are to be reached, too. Whatever comes: only what was checked in full is stored, all of it is
 * then readable, the spool's invariants hold, and what is answered is stored.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/little_endian.h"
#include "intake/intake_blocks.h"
#include "relp/relp_block.h"
#include "relp/relp_server.h"
#include "support/memory_disk.h"
#include "support/spool_rig.h"

#include "stream_pieces.h"

#include <xxhash.h>


enum {
	OUT_MAX_BYTES = 1 << 16,
	STREAM_MAX_BYTES = 1 << 20,
	SPEC_BYTES = 8,
	RUNS_PER_SPOOL = 200, /* making one takes longer than a run */
};

enum form { FORM_WHOLE = 0, FORM_BEHIND_OPEN = 1, FORM_SIGNED = 2, FORMS = 3 };

static struct rig rig;
static struct memory_disk disk;
static struct spool_cursor *cursor; /* holds what a run stores until it was read */
static struct intake *intake;       /* one in a spool's life */
static unsigned runs;               /* of this spool */

/* One connection, as input/relp_blocks.c has it. */
struct connection {
	struct intake_source source;
	struct relp_server server;
	struct buffer out;
	struct spool_stream_session session;
	uint64_t taken; /* records that the intake took */
	bool is_over;
};

/* ---- the stream ---- */

static size_t put_frame(uint8_t *out, unsigned txnr, struct bytes command, struct bytes data)
{
	struct buffer frame;
	buffer_init(&frame, STREAM_MAX_BYTES);
	FUZZ_CHECK(relp_frame_append(&frame, txnr, command, data));
	struct bytes octets = buffer_peek(&frame);
	memcpy(out, octets.at, octets.len);
	size_t len = octets.len;
	buffer_free(&frame);
	return len;
}

static size_t put_open(uint8_t *out)
{
	return put_frame(out, 1, BYTES("open"),
	                 BYTES("relp_version=0\ncommands=syslog,block\nblock=1,000102030405060708090a0b0c0d0e0f,1"));
}

/*
 * A block for each SPEC: codec and whether the range is longer, gap, records, count too many, u16 unpacked, u16 payload;
 * then the payload.
 */
static size_t put_signed(struct bytes specs, uint8_t *out)
{
	static uint8_t data[STREAM_MAX_BYTES];
	uint64_t next = 1, total = 0;
	size_t len = 0;
	for (unsigned txnr = 2; specs.len >= SPEC_BYTES && len < STREAM_MAX_BYTES / 4; txnr++) {
		const uint8_t *spec = specs.at;
		struct relp_block block = {.codec = spec[0] & 3, .first = next + spec[1], .records = spec[2], .base_ns = spec[3]};
		struct bytes payload = bytes_first(bytes_after(specs, SPEC_BYTES), le16_load(spec + 6));
		block.last = block.first + spec[2] - 1 + (spec[0] >> 2);
		block.total = total + spec[2] + (spec[3] & 1);
		block.unpacked_len = block.codec == 0 ? (uint32_t)payload.len : le16_load(spec + 4);
		block.checksum = XXH3_64bits(payload.at, payload.len);
		block.payload = payload;
		relp_block_head_write(&block, data);
		memcpy(data + RELP_BLOCK_HEAD_LEN, payload.at, payload.len);
		len += put_frame(out + len, txnr, BYTES("block"), bytes_of(data, RELP_BLOCK_HEAD_LEN + payload.len));
		next = (spec[0] & 0x80) != 0 ? next : block.last + 1;
		total = block.total;
		specs = bytes_after(specs, SPEC_BYTES + payload.len);
	}
	return len;
}

/* ---- the server's side ---- */

static void open_session(struct connection *connection, const struct relp_offers *offers)
{
	struct relp_block_request request;
	struct spool_mark mark;
	uint64_t receipt;
	if (!offers->block_command || !relp_block_request_read(offers->block, &request))
		return;
	memcpy(connection->session.stream, request.stream, sizeof request.stream);
	snprintf(connection->session.identity, sizeof connection->session.identity, "fuzz.example.net");
	connection->session.number = spool_stream_draw();
	FUZZ_CHECK(intake_fence(intake, &connection->session, &receipt) == INTAKE_TAKEN);
	relp_server_hold_open(&connection->server);
	FUZZ_CHECK(writer_turn(rig.spool));
	FUZZ_CHECK(spool_stream_look(rig.spool, &connection->session, &mark, NULL) == SPOOL_STREAM_HOLDS);
	const struct relp_block_answer answer = {.max_octets = spool_stream_packed_max(rig.spool) + RELP_BLOCK_HEAD_LEN,
	                                         .max_unpacked = spool_stream_unpacked_max(rig.spool)};
	relp_server_grant_blocks(&connection->server, &answer);
	spool_stream_connected(rig.spool, &connection->session, "fuzz");
}

/* False: the session is over. */
static bool take_block(struct connection *connection, const struct relp_block *shipped)
{
	const struct spool_stream_block block = {
		.first = shipped->first, .last = shipped->last, .total = shipped->total, .records = shipped->records,
		.unpacked_len = shipped->unpacked_len, .codec = shipped->codec, .base_ns = shipped->base_ns,
		.checksum = shipped->checksum, .received_ns = 1,
	};
	const char *reason = NULL;
	uint64_t receipt, before = spool_stored(rig.spool);
	enum intake_block_result result = intake_take_block(intake, &connection->source, &connection->session,
	                                                    &block, shipped->payload, &receipt, &reason);
	if (result == INTAKE_BLOCK_INVALID)
		FUZZ_CHECK(reason != NULL);
	if (result != INTAKE_BLOCK_TAKEN) /* the spool may be full */
		return false;
	connection->taken += block.records;
	FUZZ_CHECK(writer_turn(rig.spool));
	FUZZ_CHECK(spool_stored(rig.spool) == before || spool_stored(rig.spool) == before + block.records);
	keeper_turn(rig.spool);
	return true;
}

static void take_blocks(struct connection *connection, const struct relp_server_event *event)
{
	struct bytes rest = event->data;
	struct relp_block block;
	struct spool_mark mark;
	unsigned blocks = 0;
	while (!connection->is_over && relp_block_next(&rest, &block)) {
		connection->is_over = !take_block(connection, &block);
		blocks++;
	}
	connection->is_over = connection->is_over || rest.len > 0 || blocks == 0 ||
	                      spool_stream_look(rig.spool, &connection->session, &mark, NULL) != SPOOL_STREAM_HOLDS;
	if (connection->is_over)
		relp_server_give_up(&connection->server);
	else
		relp_server_stored(&connection->server, event->txnr);
}

static void take_events(struct connection *connection, struct bytes stream)
{
	struct relp_server_event event;
	do {
		relp_server_feed(&connection->server, stream, &event);
		FUZZ_CHECK(event.consumed <= stream.len);
		stream = bytes_after(stream, event.consumed);
		if (event.kind == RELP_SERVER_OPENED)
			open_session(connection, &event.offers);
		else if (event.kind == RELP_SERVER_BLOCKS)
			take_blocks(connection, &event);
		else if (event.kind == RELP_SERVER_LOST)
			(void)spool_stream_note_lost(rig.spool, &connection->session, event.lost);
		else if (event.kind == RELP_SERVER_MESSAGE)
			relp_server_stored(&connection->server, event.txnr);
		FUZZ_CHECK(relp_server_write(&connection->server, &connection->out));
		buffer_consume(&connection->out, buffer_len(&connection->out));
	} while (event.kind != RELP_SERVER_NOTHING);
}

/* ---- what is stored ---- */

/* All from `next` on is there, in order, and each record is one. */
static void read_from(uint64_t next)
{
	struct spool_reader *reader = spool_reader_open(rig.spool, next);
	struct spool_view view;
	while (spool_read(reader, &view) == SPOOL_READ_BLOCK) {
		struct envelope_context context;
		struct envelope envelope;
		struct bytes record;
		FUZZ_CHECK(view.first == next);
		envelope_context_start(&context, view.base_ns);
		for (; spool_record_next(&view.records, &record); next++)
			FUZZ_CHECK(envelope_unpack(&context, record, &envelope));
		FUZZ_CHECK(view.records.len == 0 && next == view.last + 1);
	}
	FUZZ_CHECK(next == spool_stored(rig.spool) + 1);
	spool_reader_close(&reader);
}

static void run(struct bytes stream)
{
	struct connection connection = {
		.source = {.input = (unsigned)rig.input, .use = SPOOL_BLOCK_WAITS, .max_message_bytes = 1024}};
	uint64_t before = spool_stored(rig.spool), voided = spool_stream_voided(rig.spool, (unsigned)rig.input);
	intake_add_source(intake, &connection.source);
	buffer_init(&connection.out, OUT_MAX_BYTES);
	relp_server_init(&connection.server, 1024, BYTES("fuzz"));
	take_events(&connection, stream);
	uint64_t stored = spool_stored(rig.spool) - before;
	FUZZ_CHECK(stored <= connection.taken);
	FUZZ_CHECK(spool_stream_voided(rig.spool, (unsigned)rig.input) - voided == connection.taken - stored);
	spool_check(rig.spool);
	read_from(before + 1);
	spool_stream_disconnected(rig.spool, &connection.session);
	(void)spool_stream_forget(rig.spool, connection.session.stream);
	(void)writer_turn(rig.spool);
	rig_deliver(cursor, spool_stored(rig.spool));
	keeper_turn(rig.spool);
	intake_remove_source(intake, &connection.source);
	buffer_free(&connection.out);
}

static void open_spool(void)
{
	FUZZ_CHECK(rig_open(&rig) == SPOOL_OPENED);
	const struct spool_cursor_options options = {.name = "holds", .from = SPOOL_FROM_OLDEST, .when_behind = SPOOL_HOLD};
	cursor = spool_cursor_open(rig.spool, &options, rig.error);
	intake = intake_open(rig.spool, 0);
	FUZZ_CHECK(cursor != NULL && intake != NULL);
}

static void begin_spool(void)
{
	memory_disk_init(&disk);
	rig_init(&rig, "spool", &disk.disk);
	open_spool();
}

/* What is still kept is still there when the spool is opened again. */
static void end_spool(void)
{
	for (int again = 0; again < 2; again++) {
		read_from(spool_first(rig.spool));
		spool_check(rig.spool);
		intake_close(&intake);
		spool_cursor_close(&cursor);
		spool_close(&rig.spool);
		if (again == 0)
			open_spool();
	}
	memory_disk_free(&disk);
	runs = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t stream[STREAM_MAX_BYTES + STREAM_MAX_BYTES / 2];
	if (size < 1 || size > STREAM_MAX_BYTES / 4)
		return 0;
	enum form form = data[0] % FORMS;
	struct bytes input = bytes_of(data + 1, size - 1);
	size_t len = form == FORM_WHOLE ? 0 : put_open(stream);
	if (form == FORM_SIGNED) {
		len += put_signed(input, stream + len);
	} else if (input.len > 0) {
		memcpy(stream + len, input.at, input.len);
		len += input.len;
	}
	if (runs == 0)
		begin_spool();
	run(bytes_of(stream, len));
	if (++runs == RUNS_PER_SPOOL)
		end_spool();
	return 0;
}
