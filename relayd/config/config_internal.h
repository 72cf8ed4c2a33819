/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share: the steps between a tree and finished settings. */
#ifndef RELAYD_CONFIG_CONFIG_INTERNAL_H
#define RELAYD_CONFIG_CONFIG_INTERNAL_H

#include "config/config.h"

/* config_drivers.c: "inputs" and "outputs" to settings, with their names. Reports what is wrong. */
void config_read_inputs(struct config *config);
void config_read_outputs(struct config *config);

/* config_finish.c: what depends on several rows, and presets that are computed. Reports what is wrong. */
void config_finish(struct config *config);

/* config_identities.c: whether a label for a fingerprint can be the name of another peer. After all else was found good. */
void config_check_identities(struct config *config);

#endif
