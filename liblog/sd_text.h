/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SD-ELEMENTs and SD-PARAMs of a text (RFC 5424, 6.3), taken from its front:
 *
 *   SD-ELEMENT = "[" SD-ID *( SP SD-PARAM ) "]"
 *   SD-PARAM   = PARAM-NAME "=" %d34 PARAM-VALUE %d34
 *   SD-NAME    = 1*32PRINTUSASCII                ; except "=", SP, "]" and %d34
 *
 * A "]" in a PARAM-VALUE need not be escaped.
 */
#ifndef LIBLOG_SD_TEXT_H
#define LIBLOG_SD_TEXT_H

#include <liblog/read.h>

struct slog_sd_param {
	struct slog_read_text name;
	struct slog_read_text value; /* as it stands between its quotes */
};

struct slog_sd_element_text {
	struct slog_read_text id;
	struct slog_read_text params; /* what slog_sd_take_param() takes */
};

/* Takes one from the front of *rest. False at the end, or where there is none; *rest is then as it was. */
bool slog_sd_take_element(struct slog_read_text *rest, struct slog_sd_element_text *element);
bool slog_sd_take_param(struct slog_read_text *params, struct slog_sd_param *param);

#endif
