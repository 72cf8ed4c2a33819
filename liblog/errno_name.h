/* SPDX-License-Identifier: Apache-2.0 */
/* Names and texts of errno values. */
#ifndef LIBLOG_ERRNO_NAME_H
#define LIBLOG_ERRNO_NAME_H

struct slog_errno_row {
	int error;
	const char *name; /* "ENOENT" */
	const char *text; /* "No such file or directory" */
};

/* Never NULL: {0, "0", "Success"} for 0, {-1, "unknown", "Unknown error"} for a number that is not in the table. */
const struct slog_errno_row *slog_errno_row(int error);

#endif
