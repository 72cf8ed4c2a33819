/* SPDX-License-Identifier: Apache-2.0 */
/* Powers of ten with 128 significant bits, rounded up, for double.c. */
#ifndef LIBLOG_DOUBLE_POWERS_H
#define LIBLOG_DOUBLE_POWERS_H

#include <stdint.h>

#define SLOG_POWER_MIN (-292)
#define SLOG_POWER_MAX 324

struct slog_power {
	uint64_t high, low;
};

/* 10^k stands at slog_powers[k - SLOG_POWER_MIN], between 2^127 and 2^128. */
extern const struct slog_power slog_powers[SLOG_POWER_MAX - SLOG_POWER_MIN + 1];

#endif
