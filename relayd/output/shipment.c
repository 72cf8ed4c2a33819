/* SPDX-License-Identifier: Apache-2.0 */
#include "output/shipment.h"

#include <stdlib.h>
#include <zstd.h>

#include "base/varint.h"
#include "spool/block.h"

/* Of block and scratch each, from one shipment to the next: more than a block of our own has, unless messages are huge. */
enum { SHIPMENT_KEPT_BYTES = 512 << 10 };

struct shipment {
	struct spool_block block; /* its memory is the shipment's own */
	uint8_t *scratch;
	size_t scratch_size;
	struct ZSTD_CCtx_s *compressor;
};

struct shipment *shipment_open(void)
{
	return calloc(1, sizeof(struct shipment));
}

void shipment_close(struct shipment **closing)
{
	struct shipment *shipment = *closing;
	if (shipment == NULL)
		return;
	*closing = NULL;
	ZSTD_freeCCtx(shipment->compressor);
	free(shipment->block.memory);
	free(shipment->scratch);
	free(shipment);
}

void shipment_done(struct shipment *shipment)
{
	if (shipment->block.room > SHIPMENT_KEPT_BYTES) {
		free(shipment->block.memory);
		shipment->block.memory = NULL;
		shipment->block.room = 0;
	}
	if (shipment->scratch_size > SHIPMENT_KEPT_BYTES) {
		free(shipment->scratch);
		shipment->scratch = NULL;
		shipment->scratch_size = 0;
	}
}

/* Room for so many octets of payload at the least; what is in it stays. */
static bool grow(struct spool_block *block, size_t room)
{
	if (room <= block->room)
		return true;
	assert(room <= UINT32_MAX / 2); /* a record is no longer than the block that it comes from */
	uint8_t *memory = realloc(block->memory, (size_t)block_memory_bytes((uint32_t)room));
	if (memory == NULL)
		return false;
	block->memory = memory;
	block->room = (uint32_t)room;
	return true;
}

/*
 * As much as the block has now, which is enough but for rare cases: a record may need its peer in full where it had a number
 * before. That for each of them would be many times the block, if its records are tiny.
 */
static bool make_room(struct shipment *shipment, const struct spool_view *view)
{
	if (shipment->compressor == NULL)
		shipment->compressor = ZSTD_createCCtx();
	return shipment->compressor != NULL &&
	       grow(&shipment->block, view->unpacked_len + (size_t)ENVELOPE_PACKED_MAX_BYTES + VARINT_LEN_MAX);
}

static bool make_scratch(struct shipment *shipment)
{
	if (shipment->block.room <= shipment->scratch_size)
		return true;
	free(shipment->scratch);
	shipment->scratch = malloc(shipment->block.room);
	shipment->scratch_size = shipment->scratch != NULL ? shipment->block.room : 0;
	return shipment->scratch != NULL;
}

/* False if there is no memory. */
static bool put(struct spool_block *block, struct envelope_context *packing, const struct envelope *envelope)
{
	size_t wanted = ENVELOPE_PACKED_MAX_BYTES + envelope->raw.len;
	uint8_t *room = spool_block_reserve(block, wanted);
	if (room == NULL && grow(block, block->room + block->room / 2 + wanted + VARINT_LEN_MAX))
		room = spool_block_reserve(block, wanted);
	if (room == NULL)
		return false;
	size_t packed = envelope_pack(packing, envelope, room);
	if (envelope->raw.len > 0)
		memcpy(room + packed, envelope->raw.at, envelope->raw.len);
	spool_block_commit(block, packed + envelope->raw.len);
	return true;
}

/* Packs the record, or counts why not. False if there is no memory. */
static bool put_if_chosen(struct spool_block *block, struct envelope_context *packing, const struct shipment_choice *choice,
                          uint64_t sequence, const struct envelope *envelope, struct account_left_out *left_out)
{
	if (sequence < choice->from)
		return true;
	bool passes = filter_passes(choice->filter, envelope);
	const struct drop_rule *rule = passes ? drop_rules_find(choice->rules, &choice->scope, sequence, envelope) : NULL;
	if (passes && rule == NULL)
		return put(block, packing, envelope);
	if (rule != NULL)
		left_out->dropped[rule->place]++;
	else if (sequence > choice->scope.behind)
		left_out->filtered++;
	return true;
}

static enum shipment_result pack_again(struct shipment *shipment, const struct spool_view *view,
                                       const struct shipment_choice *choice, struct account_left_out *left_out)
{
	struct envelope_context unpacking, packing;
	struct envelope envelope;
	struct bytes records = view->records, record;
	uint64_t sequence = view->first;
	block_start(&shipment->block, 0, view->base_ns);
	envelope_context_start(&unpacking, view->base_ns);
	envelope_context_start(&packing, view->base_ns);
	for (; spool_record_next(&records, &record); sequence++) {
		if (!envelope_unpack(&unpacking, record, &envelope))
			return SHIPMENT_MALFORMED;
		envelope.input = (uint16_t)view->input; /* in another relay's block it is one of that relay's */
		if (!put_if_chosen(&shipment->block, &packing, choice, sequence, &envelope, left_out))
			return SHIPMENT_NO_MEMORY;
	}
	return records.len == 0 && sequence == view->last + 1 ? SHIPMENT_READY : SHIPMENT_MALFORMED;
}

enum shipment_result shipment_make(struct shipment *shipment, const struct spool_view *view,
                                   const struct shipment_choice *choice, struct relp_block *block,
                                   struct account_left_out *left_out)
{
	*left_out = (struct account_left_out){0};
	*block = (struct relp_block){
		.codec = view->codec,
		.unpacked_len = view->unpacked_len,
		.records = view->count,
		.first = choice->from > view->first ? choice->from : view->first,
		.last = view->last,
		.base_ns = view->base_ns,
		.checksum = view->payload_checksum,
		.payload = view->packed,
	};
	if (shipment_is_whole(view, choice))
		return SHIPMENT_READY;
	if (!make_room(shipment, view))
		return SHIPMENT_NO_MEMORY;
	enum shipment_result result = pack_again(shipment, view, choice, left_out);
	if (result != SHIPMENT_READY)
		return result;
	if (spool_block_count(&shipment->block) == 0)
		return SHIPMENT_EMPTY;
	if (!make_scratch(shipment))
		return SHIPMENT_NO_MEMORY;
	block_seal(&shipment->block, shipment->compressor, shipment->scratch);
	const struct block_header *header = &shipment->block.header;
	block->codec = header->codec;
	block->unpacked_len = header->unpacked_len;
	block->records = header->count;
	block->checksum = header->payload_checksum;
	block->payload = bytes_of(shipment->block.memory + BLOCK_HEADER_BYTES, header->stored_len);
	return SHIPMENT_READY;
}
