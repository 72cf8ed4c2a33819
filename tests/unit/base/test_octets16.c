/* SPDX-License-Identifier: Apache-2.0 */
#include "octets16_checks.h"

int main(void)
{
	return octets16_main("octets16");
}
