/* SPDX-License-Identifier: Apache-2.0 */
/* Escaping by blocks, with the processor's own vectors. */
#include "escape_oracle.h"

int main(void)
{
	return oracle_main("liblog/escape");
}
