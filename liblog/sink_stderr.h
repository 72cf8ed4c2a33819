/* SPDX-License-Identifier: Apache-2.0 */
/* The sink of a program that has not set up any. */
#ifndef LIBLOG_SINK_STDERR_H
#define LIBLOG_SINK_STDERR_H

#include <liblog/sink.h>

/* Standard error; made at the first call, without memory from the heap, and never closed. */
struct slog_sink *slog_sink_stderr(void);

#endif
