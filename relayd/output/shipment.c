/* SPDX-License-Identifier: Apache-2.0 */
#include "output/shipment.h"

#include <stdlib.h>
#include <zstd.h>

#include "spool/block.h"

struct shipment {
	struct spool_block block; /* its memory is the shipment's own */
	uint8_t *scratch;
	size_t size;              /* of memory and scratch, in payload octets */
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

/* A record may need its peer in full where it had a number before. */
static bool make_room(struct shipment *shipment, const struct spool_view *view)
{
	size_t size = view->unpacked_len + (size_t)view->count * ENVELOPE_PACKED_MAX_BYTES;
	if (shipment->compressor == NULL)
		shipment->compressor = ZSTD_createCCtx();
	if (size > shipment->size) {
		free(shipment->block.memory);
		free(shipment->scratch);
		shipment->block.memory = malloc((size_t)block_memory_bytes((uint32_t)size));
		shipment->scratch = malloc(size);
		shipment->size = shipment->block.memory != NULL && shipment->scratch != NULL ? size : 0;
	}
	shipment->block.room = (uint32_t)shipment->size;
	return size <= shipment->size && shipment->compressor != NULL;
}

static void put(struct spool_block *block, struct envelope_context *packing, const struct envelope *envelope)
{
	uint8_t *room = spool_block_reserve(block, ENVELOPE_PACKED_MAX_BYTES + envelope->raw.len);
	assert(room != NULL);
	size_t packed = envelope_pack(packing, envelope, room);
	if (envelope->raw.len > 0)
		memcpy(room + packed, envelope->raw.at, envelope->raw.len);
	spool_block_commit(block, packed + envelope->raw.len);
}

/* Packs the record, or counts why not. */
static void put_if_chosen(struct spool_block *block, struct envelope_context *packing, const struct shipment_choice *choice,
                          uint64_t sequence, const struct envelope *envelope, struct account_left_out *left_out)
{
	if (sequence < choice->from)
		return;
	bool passes = filter_passes(choice->filter, envelope);
	const struct drop_rule *rule = passes ? drop_rules_find(choice->rules, &choice->scope, sequence, envelope) : NULL;
	if (passes && rule == NULL)
		put(block, packing, envelope);
	else if (rule != NULL)
		left_out->dropped[rule->place]++;
	else if (sequence > choice->scope.behind)
		left_out->filtered++;
}

/* False if a record is malformed. */
static bool pack_again(struct shipment *shipment, const struct spool_view *view, const struct shipment_choice *choice,
                       struct account_left_out *left_out)
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
			return false;
		envelope.input = (uint16_t)view->input; /* in another relay's block it is one of that relay's */
		put_if_chosen(&shipment->block, &packing, choice, sequence, &envelope, left_out);
	}
	return records.len == 0 && sequence == view->last + 1;
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
	if (!pack_again(shipment, view, choice, left_out))
		return SHIPMENT_MALFORMED;
	if (spool_block_count(&shipment->block) == 0)
		return SHIPMENT_EMPTY;
	block_seal(&shipment->block, shipment->compressor, shipment->scratch);
	const struct block_header *header = &shipment->block.header;
	block->codec = header->codec;
	block->unpacked_len = header->unpacked_len;
	block->records = header->count;
	block->checksum = header->payload_checksum;
	block->payload = bytes_of(shipment->block.memory + BLOCK_HEADER_BYTES, header->stored_len);
	return SHIPMENT_READY;
}
