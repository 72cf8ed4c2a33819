/* SPDX-License-Identifier: Apache-2.0 */
/* Between datagram_input.c and datagram_part.c; on the thread of the part's worker. */
#ifndef RELAYD_INPUT_DATAGRAM_PART_H
#define RELAYD_INPUT_DATAGRAM_PART_H

#include "input/datagram_input.h"

/* Begins to receive. */
void datagram_part_start(struct datagram_part *part);

/* Takes what the kernel has, counts what it dropped, closes (rule 36); on a later turn calls input_part_stopped(). */
void datagram_part_stop(struct datagram_part *part);

#endif
