/* SPDX-License-Identifier: Apache-2.0 */
/* The drivers, one line each; inputs.c lists them. */
#ifndef RELAYD_INPUT_INPUT_DRIVERS_H
#define RELAYD_INPUT_INPUT_DRIVERS_H

#include "input/input.h"

extern const struct input_driver input_udp;
extern const struct input_driver input_tcp;
extern const struct input_driver input_tls;
extern const struct input_driver input_relp;
extern const struct input_driver input_unix;

#endif
