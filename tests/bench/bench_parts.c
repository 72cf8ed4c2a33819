/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one message costs in each part of the road: framing, parsing, packing, sealing, checking, encoding, RELP, an output's
 * account, TLS. One thread, a warm cache, 64 different messages of each kind.
 *
 *     bench_parts                       nanoseconds a message of every part
 *     bench_parts --list                the names
 *     bench_parts --only PART COUNT     does that part's work COUNT times and says nothing (`instructions` counts it)
 */
#include "bench_parts.h"

#include "base/clock.h"
#include "frame/frame_choice.h"
#include "frame/octet_counting.h"
#include "output/account.h"
#include "relp/relp_client.h"
#include "relp/relp_frame.h"
#include "relp/relp_server.h"
#include "spool/block.h"
#include "spool/spool.h"
#include "syslog/envelope.h"
#include "syslog/json.h"
#include "syslog/parse.h"
#include "syslog/rfc5424_encode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum {
	SAMPLES = 64,
	SAMPLE_MAX_BYTES = 512,
	BLOCK_ROOM = 64 << 10,
	OUT_BYTES = 64 << 10,
	WINDOW = 4096,
	LIMIT = 64 << 10,
	ROUND_COUNT = 1 << 20, /* messages a timed round */
	ROUNDS = 5,
};

enum kind {
	KIND_RFC3164,
	KIND_ISO_DATE,
	KIND_RFC5424,
	KIND_RFC5424_SD,
	KIND_FREE,
	KINDS,
};

/* One kind's messages: as they are, framed in each way, parsed, and packed into a block. */
struct samples {
	char text[SAMPLES][SAMPLE_MAX_BYTES];
	struct bytes raw[SAMPLES];
	struct envelope envelope[SAMPLES];
	uint8_t counted[SAMPLES * SAMPLE_MAX_BYTES];
	uint8_t terminated[SAMPLES * SAMPLE_MAX_BYTES];
	size_t counted_len, terminated_len;
};

static struct samples samples[KINDS];
static struct timezone_rules zone;
static struct parse_context context;
static struct spool_block block;
static struct timestamp_minute minute;
static uint8_t scratch[BLOCK_ROOM + 4096], out[OUT_BYTES];
static uint64_t sink; /* results go here, so that no work can be left out */

static const int64_t now_ns = 1791756860LL * (int64_t)CLOCK_NS_PER_SECOND;

void die(const char *what)
{
	fprintf(stderr, "bench_parts: %s\n", what);
	exit(EXIT_FAILURE);
}

static void make_text(enum kind kind, unsigned i, char *text)
{
	static const char *const formats[KINDS] = {
		[KIND_RFC3164] = "<38>Oct 11 22:14:%02u web%02u sshd[47%02u]: Failed password for invalid user admin%u from "
		                 "192.0.2.77 port 54460 ssh2",
		[KIND_ISO_DATE] = "<38>2026-10-11T22:14:%02u.123456+02:00 web%02u sshd[47%02u]: Failed password for root%u from "
		                  "192.0.2.77 port 54460 ssh2",
		[KIND_RFC5424] = "<86>1 2026-10-11T22:14:%02u.003123Z web%02u.example.com sshd 47%02u - - Failed password for "
		                 "root%u from 192.0.2.77",
		[KIND_RFC5424_SD] = "<86>1 2026-10-11T22:14:%02u.003123Z web%02u.example.com sshd 47%02u auth [slog@32473 "
		                    "method=\"password\" valid=\"false\" user=\"root%u\" remote_ip=\"192.0.2.77\" "
		                    "remote_port=\"54460\" protocol=\"ssh2\"] Failed password for root",
		[KIND_FREE] = "<13>the quick brown fox %u jumps over %u lazy dogs and goes on its way to %u other sides of the "
		              "forest %u",
	};
	int len = snprintf(text, SAMPLE_MAX_BYTES, formats[kind], i % 60, i % 17, i, i * 7919 % 1009);
	if (len <= 0 || len >= SAMPLE_MAX_BYTES)
		die("a sample is too long");
}

static void make_samples(enum kind kind)
{
	struct samples *made = &samples[kind];
	for (unsigned i = 0; i < SAMPLES; i++) {
		make_text(kind, i, made->text[i]);
		struct bytes raw = made->raw[i] = bytes_of_text(made->text[i]);
		made->counted_len += octet_counting_header_write(raw.len, made->counted + made->counted_len);
		memcpy(made->counted + made->counted_len, raw.at, raw.len);
		made->counted_len += raw.len;
		memcpy(made->terminated + made->terminated_len, raw.at, raw.len);
		made->terminated_len += raw.len;
		made->terminated[made->terminated_len++] = '\n';
		struct envelope *envelope = &made->envelope[i];
		*envelope = (struct envelope){.received_ns = now_ns + (int64_t)i * 1000, .raw = raw};
		envelope->peer.transport = TRANSPORT_TCP;
		envelope->peer.port = 40000;
		memcpy(envelope->peer.address, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
		context.received_ns = envelope->received_ns;
		parse_message(raw, &context, &envelope->message);
	}
}

/* --- framing ----------------------------------------------------------------------------------------------------- */

static void run_framing(const uint8_t *framed, size_t len, uint64_t count)
{
	struct frame_choice choice;
	frame_choice_init(&choice, FRAME_MODE_AUTO, LIMIT, NON_TRANSPARENT_NO_DELIMITER);
	for (uint64_t done = 0; done < count;) {
		struct bytes in = bytes_of(framed, len);
		struct frame frame;
		while (done < count && frame_choice_next(&choice, in, &frame) == FRAME_COMPLETE) {
			sink += frame.message.len;
			in = bytes_after(in, frame.consumed);
			done++;
		}
	}
}

static void run_counted(uint64_t count)
{
	run_framing(samples[KIND_RFC5424].counted, samples[KIND_RFC5424].counted_len, count);
}

static void run_terminated(uint64_t count)
{
	run_framing(samples[KIND_RFC3164].terminated, samples[KIND_RFC3164].terminated_len, count);
}

/* What inputs read in place of the frames above, as long as there is nothing but lines. */
static void run_lines(uint64_t count)
{
	const struct samples *made = &samples[KIND_RFC3164];
	struct frame_choice choice;
	frame_choice_init(&choice, FRAME_MODE_AUTO, LIMIT, NON_TRANSPARENT_NO_DELIMITER);
	for (uint64_t done = 0; done < count;) {
		struct bytes in = bytes_of(made->terminated, made->terminated_len), message;
		size_t len;
		while (done < count && (len = frame_choice_line(&choice, in, &message)) > 0) {
			sink += message.len;
			in = bytes_after(in, len);
			done++;
		}
	}
}

/* --- parsing ----------------------------------------------------------------------------------------------------- */

static void parse(enum kind kind, uint64_t count)
{
	struct message message;
	for (uint64_t i = 0; i < count; i++) {
		context.received_ns = now_ns + (int64_t)i;
		parse_message(samples[kind].raw[i % SAMPLES], &context, &message);
		sink += message.msg.len;
	}
}

static void run_parse_rfc3164(uint64_t count)
{
	parse(KIND_RFC3164, count);
}

static void run_parse_iso_date(uint64_t count)
{
	parse(KIND_ISO_DATE, count);
}

static void run_parse_rfc5424(uint64_t count)
{
	parse(KIND_RFC5424, count);
}

static void run_parse_rfc5424_sd(uint64_t count)
{
	parse(KIND_RFC5424_SD, count);
}

static void run_parse_free(uint64_t count)
{
	parse(KIND_FREE, count);
}

/* --- envelope ---------------------------------------------------------------------------------------------------- */

static void run_pack(uint64_t count)
{
	struct envelope_context packing;
	for (uint64_t i = 0; i < count; i++) {
		if (i % SAMPLES == 0)
			envelope_context_start(&packing, now_ns);
		sink += envelope_pack(&packing, &samples[KIND_RFC3164].envelope[i % SAMPLES], out);
	}
}

/* A block's records, packed as the intake does. */
static const struct bytes *packed_records(void)
{
	static uint8_t octets[SAMPLES][SAMPLE_MAX_BYTES + ENVELOPE_PACKED_MAX_BYTES];
	static struct bytes record[SAMPLES];
	struct envelope_context packing;
	envelope_context_start(&packing, now_ns);
	for (unsigned i = 0; i < SAMPLES && record[i].len == 0; i++) {
		struct bytes raw = samples[KIND_RFC3164].raw[i];
		size_t len = envelope_pack(&packing, &samples[KIND_RFC3164].envelope[i], octets[i]);
		memcpy(octets[i] + len, raw.at, raw.len);
		record[i] = bytes_of(octets[i], len + raw.len);
	}
	return record;
}

enum reading { READING_UNPACKS = 0, READING_SKIMS = 1, READING_PROVES = 2 };

/* All of a block's records but its first are in the common form. */
static inline void read_records(enum reading how, uint64_t count)
{
	const struct bytes *records = packed_records();
	struct envelope_context reading;
	struct envelope_source source;
	struct envelope envelope = {0};
	for (uint64_t i = 0; i < count; i++) {
		const struct bytes record = records[i % SAMPLES];
		if (record.at == records[0].at)
			envelope_context_start(&reading, now_ns);
		if (how == READING_SKIMS && envelope_skim(&reading, record, MESSAGE_FORMATS_ALL, &envelope.raw))
			sink += envelope.raw.len;
		else if (how == READING_PROVES ? envelope_prove(&reading, record, &source)
		                               : envelope_unpack(&reading, record, &envelope))
			sink += record.len;
		else
			die("a record is malformed");
	}
}

static void run_unpack(uint64_t count)
{
	read_records(READING_UNPACKS, count);
}

static void run_skim(uint64_t count)
{
	read_records(READING_SKIMS, count);
}

static void run_prove(uint64_t count)
{
	read_records(READING_PROVES, count);
}

/* --- blocks ------------------------------------------------------------------------------------------------------ */

/* Fills the block with packed records as the intake does, from message `*next` on; how many fitted. */
static uint64_t fill_block(uint64_t *next, uint64_t count)
{
	struct envelope_context packing;
	uint64_t begin = *next;
	block_start(&block, 0, now_ns);
	envelope_context_start(&packing, now_ns);
	while (*next < count) {
		const struct envelope *envelope = &samples[KIND_RFC3164].envelope[*next % SAMPLES];
		uint8_t *at = spool_block_reserve(&block, ENVELOPE_PACKED_MAX_BYTES + (uint32_t)envelope->raw.len);
		if (at == NULL)
			break;
		size_t len = envelope_pack(&packing, envelope, at);
		memcpy(at + len, envelope->raw.at, envelope->raw.len);
		spool_block_commit(&block, (uint32_t)(len + envelope->raw.len));
		++*next;
	}
	return *next - begin;
}

/* Packing, sealing and the header: all of a message's way into a block. */
static void run_block(uint64_t count, ZSTD_CCtx *compressor)
{
	uint64_t next = 0;
	while (next < count) {
		fill_block(&next, count);
		block_seal(&block, compressor, scratch);
		block_header_write(&block.header, 1, block.memory);
		sink += block.header.payload_checksum;
	}
}

static void run_block_fill(uint64_t count)
{
	run_block(count, NULL);
}

static void run_block_zstd(uint64_t count)
{
	ZSTD_CCtx *compressor = ZSTD_createCCtx();
	if (compressor == NULL)
		die("no memory");
	run_block(count, compressor);
	ZSTD_freeCCtx(compressor);
}

/* What a reader does with a block before it looks at the records. */
static void run_block_check(uint64_t count)
{
	uint64_t next = 0;
	uint64_t records = fill_block(&next, UINT64_MAX);
	block_seal(&block, NULL, scratch);
	block.header.first = 1;
	block.header.last = records;
	block_header_write(&block.header, 1, block.memory);
	for (uint64_t done = 0; done < count; done += records) {
		struct block_header header;
		struct bytes octets = block_octets(&block);
		if (block_header_read(octets, 1, &header) != BLOCK_HEADER_VALID)
			die("the header is invalid");
		struct bytes payload = bytes_of(octets.at + header.header_len, header.stored_len);
		if (!block_payload_is_intact(&header, payload) || !block_records_are_well_formed(&header, payload))
			die("the payload is damaged");
		sink += header.count;
	}
}

/* --- encoding ---------------------------------------------------------------------------------------------------- */

static void encode(enum kind kind, uint64_t count)
{
	struct rfc5424_encoding encoding = {.minute = &minute};
	for (uint64_t i = 0; i < count; i++)
		sink += rfc5424_encode(&samples[kind].envelope[i % SAMPLES], &encoding, out, sizeof out).len;
}

static void run_encode_legacy(uint64_t count)
{
	encode(KIND_RFC3164, count);
}

static void run_encode_rfc5424(uint64_t count)
{
	encode(KIND_RFC5424_SD, count);
}

static void run_encode_json(uint64_t count)
{
	struct json_options options = {.input_name = BYTES("udp"), .minute = &minute};
	for (uint64_t i = 0; i < count; i++)
		sink += json_encode(&samples[KIND_RFC3164].envelope[i % SAMPLES], &options, out, sizeof out);
}

/* --- RELP -------------------------------------------------------------------------------------------------------- */

static void append(struct buffer *buffer, uint32_t txnr, struct bytes command, struct bytes data)
{
	if (!relp_frame_append(buffer, txnr, command, data))
		die("no room in a buffer");
}

/* A session's commands in groups of SAMPLES: read, stored, answered. */
static void run_relp_server(uint64_t count)
{
	struct relp_server session;
	struct buffer in, answers;
	buffer_init(&in, 1 << 20);
	buffer_init(&answers, 1 << 20);
	relp_server_init(&session, LIMIT, BYTES("bench"));
	append(&in, 1, BYTES("open"), BYTES("relp_version=0\nrelp_software=bench\ncommands=syslog"));
	uint32_t txnr = 1;
	for (uint64_t done = 0; done < count; done += SAMPLES) {
		for (unsigned i = 0; i < SAMPLES; i++)
			if (!relp_syslog_append(&in, ++txnr, samples[KIND_RFC3164].raw[i]))
				die("no room in a buffer");
		struct relp_server_event event;
		while (relp_server_feed(&session, buffer_peek(&in), &event) != RELP_SERVER_NOTHING) {
			sink += event.data.len;
			if (event.kind == RELP_SERVER_PROTOCOL_ERROR)
				die(event.reason);
			buffer_consume(&in, event.consumed);
		}
		relp_server_stored(&session, txnr);
		if (!relp_server_write(&session, &answers))
			die("no room for answers");
		buffer_consume(&answers, buffer_len(&answers));
	}
	buffer_free(&in);
	buffer_free(&answers);
}

/* The other side: sent, answered, settled. */
static void run_relp_client(uint64_t count)
{
	static struct relp_window_entry entries[WINDOW];
	struct relp_client session;
	struct relp_client_settings settings = {
		.software = BYTES("bench"), .entries = entries, .window = WINDOW, .window_octets = 1 << 20};
	struct relp_client_event event;
	struct buffer commands, answers;
	buffer_init(&commands, 1 << 20);
	buffer_init(&answers, 1 << 20);
	relp_client_init(&session, &settings);
	if (!relp_client_open(&session, 0, &commands))
		die("no room for open");
	append(&answers, 1, BYTES("rsp"), BYTES("200 OK\nrelp_version=0\nrelp_software=bench\ncommands=syslog"));
	uint32_t txnr = 1;
	for (uint64_t done = 0; done < count; done += SAMPLES) {
		while (relp_client_feed(&session, buffer_peek(&answers), &event) != RELP_CLIENT_NOTHING) {
			sink += event.sequence;
			if (event.kind == RELP_CLIENT_ERROR)
				die(event.reason);
			buffer_consume(&answers, event.consumed);
		}
		buffer_consume(&answers, event.consumed);
		for (unsigned i = 0; i < SAMPLES; i++) {
			struct bytes raw = samples[KIND_RFC3164].raw[i];
			if (relp_client_send(&session, raw, done + i + 1, 0, &commands) != RELP_SEND_OK)
				die("the window is full");
			uint8_t *at = buffer_reserve(&answers, RELP_RSP_OK_LEN_MAX);
			buffer_commit(&answers, relp_rsp_ok_write(++txnr, at));
		}
		buffer_consume(&commands, buffer_len(&commands));
	}
	buffer_free(&commands);
	buffer_free(&answers);
}

/* --- an output's account ----------------------------------------------------------------------------------------- */

/* A window of messages is given out, then each is answered by itself. */
static void run_account(uint64_t count)
{
	enum { ANSWERS = 1024 };
	const struct spool_output_totals none = {0};
	struct account account;
	if (!account_open(&account, ACCOUNT_EACH, ANSWERS, 0, &none))
		die("no memory");
	for (uint64_t done = 0; done < count; done += ANSWERS) {
		struct spool_view view = {.first = done + 1, .last = done + ANSWERS, .count = ANSWERS};
		account_note_block(&account, &view);
		for (uint64_t sequence = view.first; sequence <= view.last; sequence++)
			account_note(&account, sequence, OUTCOME_PENDING);
		for (uint64_t sequence = view.first; sequence <= view.last; sequence++)
			sink += account_settle(&account, sequence);
		sink += account_advance(&account, &view);
	}
	account_close(&account);
}

/* --- TLS --------------------------------------------------------------------------------------------------------- */

static void run_tls(uint64_t count)
{
	send_over_tls(samples[KIND_RFC3164].raw, SAMPLES, count);
}

/* --- the table --------------------------------------------------------------------------------------------------- */

static const struct part {
	const char *name;
	void (*run)(uint64_t count);
} parts[] = {
	{"frame/octet-counting", run_counted},
	{"frame/non-transparent", run_terminated},
	{"frame/lines", run_lines},
	{"parse/rfc3164", run_parse_rfc3164},
	{"parse/iso-date", run_parse_iso_date},
	{"parse/rfc5424", run_parse_rfc5424},
	{"parse/rfc5424-sd", run_parse_rfc5424_sd},
	{"parse/free-text", run_parse_free},
	{"envelope/pack", run_pack},
	{"envelope/unpack", run_unpack},
	{"envelope/skim", run_skim},
	{"envelope/prove", run_prove},
	{"block/pack-seal", run_block_fill},
	{"block/pack-seal-zstd", run_block_zstd},
	{"block/check", run_block_check},
	{"encode/rfc5424-from-legacy", run_encode_legacy},
	{"encode/rfc5424-unchanged", run_encode_rfc5424},
	{"encode/json", run_encode_json},
	{"relp/server", run_relp_server},
	{"relp/client", run_relp_client},
	{"output/account", run_account},
	{"tls/send", run_tls},
};
enum { PARTS = sizeof parts / sizeof *parts };

static void print_part(const struct part *part)
{
	double best = 0;
	part->run(ROUND_COUNT / 16);
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t begin = clock_monotonic_ns();
		part->run(ROUND_COUNT);
		double each = (double)(clock_monotonic_ns() - begin) / ROUND_COUNT;
		if (round == 0 || each < best)
			best = each;
	}
	printf("%-28s %7.1f ns\n", part->name, best);
	fflush(stdout);
}

static int run_only(const char *name, const char *count)
{
	for (unsigned i = 0; i < PARTS; i++) {
		if (strcmp(parts[i].name, name) != 0)
			continue;
		parts[i].run(strtoull(count, NULL, 10));
		return EXIT_SUCCESS;
	}
	fprintf(stderr, "bench_parts: there is no part \"%s\"; --list prints their names\n", name);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	if (!timezone_from_posix(BYTES("CET-1CEST,M3.5.0,M10.5.0/3"), &zone))
		die("no time zone");
	context.zone = &zone;
	block.memory = aligned_alloc(FORMAT_ALIGN_BYTES, (size_t)block_memory_bytes(BLOCK_ROOM));
	block.room = BLOCK_ROOM;
	if (block.memory == NULL)
		die("no memory");
	memset(block.memory, 0, (size_t)block_memory_bytes(BLOCK_ROOM));
	for (unsigned kind = 0; kind < KINDS; kind++)
		make_samples(kind);
	int result = EXIT_SUCCESS;
	if (argc == 4 && strcmp(argv[1], "--only") == 0)
		result = run_only(argv[2], argv[3]);
	else if (argc == 2 && strcmp(argv[1], "--list") == 0)
		for (unsigned i = 0; i < PARTS; i++)
			puts(parts[i].name);
	else if (argc == 1)
		for (unsigned i = 0; i < PARTS; i++)
			print_part(&parts[i]);
	else
		die("usage: bench_parts [--list | --only PART COUNT]");
	free(block.memory);
	return sink == 1 ? EXIT_FAILURE : result;
}
