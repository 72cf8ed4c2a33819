/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the driver relp towards another relay share: sessions of a stream, and blocks of numbered records. */
#ifndef TESTS_UNIT_INPUT_RELP_BLOCKS_FIXTURE_H
#define TESTS_UNIT_INPUT_RELP_BLOCKS_FIXTURE_H

#include <xxhash.h>

#include "relp/relp_block.h"
#include "relp/relp_frame.h"
#include "rig.h"
#include "rig_senders.h"
#include "spool/spool_stream.h"
#include "syslog/parse.h"

enum { TEXT_BYTES = 1 << 16, PAYLOAD_BYTES = 1 << 15, FRAME_BYTES = 1 << 16 };

#define STREAM "000102030405060708090a0b0c0d0e0f"

static struct rig rig;
static char text[TEXT_BYTES];
static uint8_t payload[PAYLOAD_BYTES];

static inline void start(void)
{
	rig_open(&rig, (struct rig_options){.workers = 1});
	rig_start(&rig, "relp", "listen", "127.0.0.1:0", "max_message_size", "8KiB", NULL);
}

/* The input has no connection any more, stops, and the ledger adds up. rig_close() is the test's. */
static inline void finish(void)
{
	RIG_WAIT(rig_status(&rig).connections == 0);
	rig_finish(&rig);
}

/* Offers blocks of the stream, and waits until the answer has these octets in it. */
static inline void offer(int fd, const char *block, const char *answer)
{
	char frame[400], offers[300];
	int len = snprintf(offers, sizeof offers, "relp_version=0\nrelp_software=test\ncommands=syslog,block\nblock=%s", block);
	snprintf(frame, sizeof frame, "1 open %d %s\n", len, offers);
	rig_send(fd, frame);
	rig_receive_until(fd, answer, text, sizeof text);
}

/* Opens a session of the stream and returns the mark that the server tells. */
static inline unsigned long long open_session(int fd, const char *stream, unsigned next)
{
	char block[80];
	snprintf(block, sizeof block, "1,%s,%u", stream, next);
	offer(fd, block, "\n");
	char *at;
	while ((at = strstr(text, "block_counts=")) == NULL || strchr(at, '\n') == NULL)
		rig_receive_until(fd, "\n", text + strlen(text), sizeof text - strlen(text));
	ck_assert_ptr_nonnull(strstr(text, "commands=syslog,block\n"));
	at = strstr(text, "block=1,");
	return strtoull(at + strlen("block=1,") + 33, NULL, 10);
}

/* A connection with a session of the stream, of which nothing was stored before. */
static inline int start_session(void)
{
	int fd = rig_connect(&rig, SOCK_STREAM);
	ck_assert_uint_eq(open_session(fd, STREAM, 1), 0);
	return fd;
}

/* Records first..last; their number is in the message. */
static inline size_t make_records(uint64_t first, uint64_t last)
{
	struct envelope_context context;
	size_t len = 0;
	envelope_context_start(&context, 1000);
	for (uint64_t i = first; i <= last; i++) {
		char message[100];
		uint8_t record[300];
		int message_len = snprintf(message, sizeof message, "<13>1 - host app - - - number %llu", (unsigned long long)i);
		struct envelope envelope = {.received_ns = 2000, .peer = {.transport = TRANSPORT_UDP, .port = 7},
			.input = 3, .raw = bytes_of((const uint8_t *)message, (size_t)message_len)};
		struct parse_context parse = {.received_ns = 2000};
		parse_message(envelope.raw, &parse, &envelope.message);
		size_t packed = envelope_pack(&context, &envelope, record);
		memcpy(record + packed, message, (size_t)message_len);
		payload[len++] = (uint8_t)(packed + (size_t)message_len);
		ck_assert_uint_lt(packed + (size_t)message_len, 128);
		memcpy(payload + len, record, packed + (size_t)message_len);
		len += packed + (size_t)message_len;
	}
	return len;
}

static inline struct relp_block make_block(uint64_t first, uint64_t last)
{
	size_t len = make_records(first, last);
	return (struct relp_block){
		.first = first, .last = last, .total = last, .records = (uint32_t)(last - first + 1),
		.unpacked_len = (uint32_t)len, .base_ns = 1000, .checksum = XXH3_64bits(payload, len),
		.payload = bytes_of(payload, len),
	};
}

static inline void send_block(int fd, unsigned txnr, const struct relp_block *block)
{
	static uint8_t frame[FRAME_BYTES];
	size_t len = RELP_BLOCK_HEAD_LEN + block->payload.len;
	size_t head = relp_header_write(txnr, BYTES("block"), len, frame);
	relp_block_head_write(block, frame + head);
	memcpy(frame + head + RELP_BLOCK_HEAD_LEN, block->payload.at, block->payload.len);
	frame[head + len] = '\n';
	rig_send_octets(fd, frame, head + len + 1);
}

/* Blocks 1..10, 11..20 and 21..30 in one command. */
static inline void send_three_blocks(int fd, unsigned txnr)
{
	static uint8_t data[FRAME_BYTES], frame[FRAME_BYTES];
	size_t len = 0;
	for (unsigned i = 0; i < 3; i++) {
		struct relp_block block = make_block(10 * i + 1, 10 * i + 10);
		relp_block_head_write(&block, data + len);
		memcpy(data + len + RELP_BLOCK_HEAD_LEN, block.payload.at, block.payload.len);
		len += RELP_BLOCK_HEAD_LEN + block.payload.len;
	}
	size_t head = relp_header_write(txnr, BYTES("block"), len, frame);
	memcpy(frame + head, data, len);
	frame[head + len] = '\n';
	rig_send_octets(fd, frame, head + len + 1);
}

static inline void assert_answer(int fd, const char *answer)
{
	rig_receive_until(fd, answer, text, sizeof text);
	ck_assert_str_eq(text, answer);
}

/* The server ends the session, with no answer but what is given. */
static inline void assert_ended(int fd)
{
	rig_receive_all(fd, text, sizeof text);
	ck_assert_str_eq(text, "0 serverclose 0\n");
	close(fd);
}

#endif
