/* SPDX-License-Identifier: Apache-2.0 */
/* Escaping by blocks, in the form for processors that octets.h knows nothing of. */
#define SLOG_OCTETS_PORTABLE
#include "escape_oracle.h"

int main(void)
{
	return oracle_main("liblog/escape_portable");
}
