/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold for every message however it came about, parsed or unpacked: shared by the fuzz targets and the corpus
 * test. Each check ends the program if it does not hold.
 */
#ifndef TESTS_FUZZ_MESSAGE_CHECKS_H
#define TESTS_FUZZ_MESSAGE_CHECKS_H

#include "support/guarded_bytes.h"
#include "syslog/envelope.h"
#include "syslog/json.h"
#include "syslog/parse.h"
#include "syslog/rfc5424_encode.h"

#include <stdio.h>
#include <stdlib.h>
#include <yajl/yajl_parse.h>

#define CHECK(condition)                                                                                               \
	do {                                                                                                               \
		if (!(condition)) {                                                                                            \
			fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);                              \
			abort();                                                                                                   \
		}                                                                                                              \
	} while (0)

static inline void check_view(struct bytes view, struct bytes raw)
{
	CHECK(view.len == 0 || (view.at >= raw.at && view.at + view.len <= raw.at + raw.len));
}

static inline void check_views(const struct message *message, struct bytes raw)
{
	check_view(message->hostname, raw);
	check_view(message->app_name, raw);
	check_view(message->procid, raw);
	check_view(message->msgid, raw);
	check_view(message->structured_data, raw);
	check_view(message->msg, raw);
	CHECK(message->pri <= 191 && message->flags >> MESSAGE_FLAGS == 0 && message->time.digits <= 9);
}

static inline void check_equal_messages(const struct message *a, const struct message *b)
{
	CHECK(a->format == b->format && a->flags == b->flags && a->pri == b->pri);
	CHECK(a->time.unix_ns == b->time.unix_ns && a->time.offset_minutes == b->time.offset_minutes &&
		  a->time.digits == b->time.digits);
	CHECK(bytes_equal(a->hostname, b->hostname) && bytes_equal(a->app_name, b->app_name) &&
		  bytes_equal(a->procid, b->procid));
	CHECK(bytes_equal(a->msgid, b->msgid) && bytes_equal(a->structured_data, b->structured_data) &&
		  bytes_equal(a->msg, b->msg));
}

static inline bool same_peers(const struct envelope_context *a, const struct envelope_context *b)
{
	return a->peers == b->peers && a->last_slot == b->last_slot &&
		   memcmp(a->peer, b->peer, (a->peers < ENVELOPE_PEERS_MAX ? a->peers : ENVELOPE_PEERS_MAX) * sizeof *a->peer) == 0;
}

/* What was proven is what was unpacked, or nothing if that is none; and so is what is left behind. */
static inline void check_proof(struct envelope_context *proving, struct bytes record, const struct envelope_context *context,
                               const struct envelope *unpacked)
{
	struct envelope_source source;
	bool proven = envelope_prove(proving, record, &source);
	CHECK(proven == (unpacked != NULL));
	CHECK(same_peers(proving, context) && proving->last_received_ns == context->last_received_ns);
	if (proven)
		CHECK(memcmp(&source.peer, &unpacked->peer, sizeof source.peer) == 0 &&
		      bytes_equal(source.hostname, unpacked->message.hostname));
}

/*
 * Unpacks as envelope_unpack() does. It can be proven if it is a record. If it can be skimmed, too, its octets are found at
 * the same place and the context is left the same; if it cannot, the context is left as it was.
 */
static inline bool check_unpack(struct envelope_context *context, struct bytes record, struct envelope *envelope)
{
	static struct envelope_context skimming, proving, before;
	struct bytes raw;
	skimming = proving = before = *context;
	bool skimmed = envelope_skim(&skimming, record, MESSAGE_FORMATS_ALL, &raw);
	bool unpacked = envelope_unpack(context, record, envelope);
	check_proof(&proving, record, context, unpacked ? envelope : NULL);
	if (skimmed)
		CHECK(raw.len < record.len && raw.at == record.at + record.len - raw.len);
	else
		CHECK(same_peers(&skimming, &before) && skimming.last_received_ns == before.last_received_ns);
	if (skimmed && unpacked) {
		CHECK(raw.at == envelope->raw.at && raw.len == envelope->raw.len);
		CHECK(message_has_pri(envelope->message.flags));
		CHECK(same_peers(&skimming, context) && skimming.last_received_ns == context->last_received_ns);
	}
	return unpacked;
}

/* Packed and unpacked it is the same; the record ends at an unreadable page. */
static inline void check_round_trip(const struct envelope *envelope)
{
	static struct envelope_context packing, unpacking;
	uint8_t packed[ENVELOPE_PACKED_MAX_BYTES];
	struct envelope back;
	envelope_context_start(&packing, envelope->received_ns - 12345);
	envelope_context_start(&unpacking, envelope->received_ns - 12345);
	for (int i = 0; i < 2; i++) {
		size_t len = envelope_pack(&packing, envelope, packed);
		struct guarded_bytes record = guarded_bytes_room(len + envelope->raw.len);
		memcpy(record.at, packed, len);
		if (envelope->raw.len > 0)
			memcpy(record.at + len, envelope->raw.at, envelope->raw.len);
		CHECK(check_unpack(&unpacking, guarded_bytes_view(&record), &back));
		CHECK(bytes_equal(back.raw, envelope->raw) && back.received_ns == envelope->received_ns &&
			  back.input == envelope->input);
		CHECK(memcmp(&back.peer, &envelope->peer, sizeof back.peer) == 0);
		check_equal_messages(&back.message, &envelope->message);
		check_views(&back.message, back.raw);
		guarded_bytes_free(&record);
	}
}

/* In exactly the promised room, at an unreadable page. `strict`: the result must be RFC 5424 to the letter. */
static inline void check_encoding(const struct envelope *envelope, const struct rfc5424_encoding *encoding, bool strict)
{
	static struct parse_context context;
	struct message again;
	struct guarded_bytes room = guarded_bytes_room(rfc5424_encoded_max(envelope->raw.len));
	struct rfc5424_encoded encoded = rfc5424_encode(envelope, encoding, room.at, room.len);
	CHECK(encoded.len > 0 && encoded.len <= room.len && encoded.cut == 0);
	if (strict) {
		parse_message(bytes_of(room.at, encoded.len), &context, &again);
		CHECK(again.format == MESSAGE_FORMAT_RFC5424);
		CHECK(again.pri == envelope->message.pri);
	}
	CHECK(encoding->replace_lf == 0 || memchr(room.at, '\n', encoded.len) == NULL);
	guarded_bytes_free(&room);
	room = guarded_bytes_room(encoded.len / 2);
	struct rfc5424_encoded cut = rfc5424_encode(envelope, encoding, room.at, room.len);
	CHECK(cut.len <= room.len && (cut.len == 0 || cut.cut > 0));
	guarded_bytes_free(&room);
}

static inline void check_encodings(const struct envelope *envelope, bool strict)
{
	static const struct rfc5424_encoding encodings[] = {
		{.stamp = false},
		{.stamp = true},
		{.fallback_hostname = {(const uint8_t *)"192.0.2.1", 9}, .replace_lf = ' '},
	};
	for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++)
		check_encoding(envelope, &encodings[i], strict);
}

/* One line that yajl, which validates UTF-8 too, reads as one JSON text. */
static inline void check_json_with(const struct envelope *envelope, const struct json_options *options)
{
	static const yajl_callbacks nothing;
	struct guarded_bytes room = guarded_bytes_room(json_encoded_max(envelope->raw.len, 8));
	size_t len = json_encode(envelope, options, room.at, room.len);
	CHECK(len > 0 && room.at[len - 1] == '\n' && memchr(room.at, '\n', len - 1) == NULL);
	yajl_handle parser = yajl_alloc(&nothing, NULL, NULL);
	CHECK(parser != NULL);
	CHECK(yajl_parse(parser, room.at, len) == yajl_status_ok && yajl_complete_parse(parser) == yajl_status_ok);
	yajl_free(parser);
	guarded_bytes_free(&room);
}

static inline void check_json(const struct envelope *envelope)
{
	static const struct json_options options[] = {{.input_name = {(const uint8_t *)"udp", 3}},
												  {.from_file = true, .error = "text"}};
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		check_json_with(envelope, &options[i]);
}

/* Everything at once for one message as received. */
static inline void check_message(struct bytes raw, struct parse_context *context)
{
	struct envelope envelope = {
		.received_ns = context->received_ns,
		.peer = {.address = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1},
				 .port = 514,
				 .transport = TRANSPORT_UDP},
		.input = 3,
		.raw = raw,
	};
	parse_message(raw, context, &envelope.message);
	check_views(&envelope.message, raw);
	struct message again; /* its stamp is now in the minute that was read last */
	parse_message(raw, context, &again);
	check_equal_messages(&envelope.message, &again);
	check_round_trip(&envelope);
	check_encodings(&envelope, true);
	check_json(&envelope);
}

#endif
