/* SPDX-License-Identifier: Apache-2.0 */
/* The form for processors that octets16.h knows nothing of. */
#define OCTETS16_PORTABLE
#include "octets16_checks.h"

int main(void)
{
	return octets16_main("octets16_portable");
}
