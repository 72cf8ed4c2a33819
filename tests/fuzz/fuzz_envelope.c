/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records from a damaged disk or a hostile relay: the input is a list of records, each behind its length in one octet.
 * What unpacks must be safe to write out, though it need not be a legal message, and must pack and unpack to the same
 * again; what can be skimmed, too, must be found at the same place.
 */
#include "fuzz/typed_checks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_record(struct envelope_context *context, struct bytes record)
{
	struct envelope envelope;
	struct guarded_bytes guarded = guarded_bytes_copy(record);
	if (check_unpack(context, guarded_bytes_view(&guarded), &envelope)) {
		check_view(envelope.raw, guarded_bytes_view(&guarded));
		check_views(&envelope.message, envelope.raw);
		check_round_trip(&envelope);
		check_encodings(&envelope, false);
		check_json(&envelope);
		check_typed(&envelope);
	}
	guarded_bytes_free(&guarded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct envelope_context context;
	struct bytes rest = bytes_of(data, size);
	envelope_context_start(&context, 1791756860000000000);
	while (rest.len > 0) {
		size_t len = rest.at[0];
		struct bytes record = bytes_first(bytes_after(rest, 1), len);
		check_record(&context, record);
		rest = bytes_after(rest, 1 + record.len);
	}
	return 0;
}
