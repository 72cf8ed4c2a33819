/* SPDX-License-Identifier: Apache-2.0 */
/* Names and texts of errno values. */
#ifndef LIBLOG_ERRNO_NAME_H
#define LIBLOG_ERRNO_NAME_H

#include <limits.h>

#define SLOG_ERRNO_UNKNOWN INT_MIN /* in the row of a number that is not in the table */

struct slog_errno_row {
	int error;
	const char *name; /* "ENOENT" */
	const char *text; /* "No such file or directory" */
};

/* Never NULL: {0, "0", "Success"} for 0, {SLOG_ERRNO_UNKNOWN, "unknown", "Unknown error"} for others. */
const struct slog_errno_row *slog_errno_row(int error);

#endif
